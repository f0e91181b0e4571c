"""Every style of remote chat model against a real server on this machine, well and badly behaved."""

import asyncio
import json
import logging
import socket
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from chat_wire import HEADERS, OPENAI, STYLES, TEXT, Reply, Stream, Wire, chunk, serving, sse, whole
from pydantic import SecretStr
from pydantic_ai import Agent
from pydantic_ai.messages import ModelRequest, PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta
from pydantic_ai.models import Model, ModelRequestParameters

from zicoder.errors import (
    AnswerCut,
    ModelError,
    ProviderBusy,
    ProviderGarbled,
    ProviderRefused,
    ProviderUnavailable,
    ZiError,
)
from zicoder.events import Notice
from zicoder.models.chat.meter import Meter
from zicoder.models.chat.patience import Patience
from zicoder.models.chat.pool import ChatModels
from zicoder.models.chat.providers import ChatProvider, ChatProviders
from zicoder.models.credentials import Credentials
from zicoder.models.exchange import Limits

KEY = "sk-planted-7f3a91c2d4e5b6a8"
QUICK = Patience(tries=3, first_pause_s=0.01, longest_pause_s=0.5, alone_s=60.0)
STYLE = pytest.mark.parametrize("style", STYLES)


class Told(list):
    """Notices of a conversation."""

    def __call__(self, notice: Notice) -> None:
        self.append(notice.text)


@pytest.fixture
def wire():
    with serving() as wire:
        yield wire


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def models(tmp_path, monkeypatch):
    monkeypatch.setenv("ZI_KEY_OPENAI_COMPATIBLE", KEY)
    made: list[ChatModels] = []

    def make(patience: Patience = QUICK, **more) -> ChatModels:
        made.append(ChatModels(Credentials(where="file", folder=tmp_path), patience=patience, **more))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def before_the_end(style: str) -> list[bytes]:
    """What is sent before the last piece of text."""
    pieces = STYLES[style][1]
    return pieces[: next(n for n, piece in enumerate(pieces) if b"world" in piece)]


def address(wire: Wire, style: str) -> str:
    return f"{style}:{wire.url}{STYLES[style][0]}#m"


async def keyed(models, wire: Wire, style: str, told: Told, monkeypatch, **more) -> Model:
    host = "".join(c if c.isalnum() else "_" for c in wire.host)
    monkeypatch.setenv(f"ZI_KEY_{style.upper().replace('-', '_')}_{host}", KEY)
    return await models(**more).model(address(wire, style), notice=told)


async def streamed(model: Model) -> list[str]:
    pieces: list[str] = []
    await stream_into(pieces, model)
    return pieces


async def stream_into(pieces: list[str], model: Model) -> None:
    async with model.request_stream([ModelRequest.user_text_prompt("Hi")], None, ModelRequestParameters()) as response:
        async for event in response:
            match event:
                case (
                    PartStartEvent(part=TextPart(content=text))
                    | PartDeltaEvent(delta=TextPartDelta(content_delta=text))
                ):
                    pieces.append(text)
                case _:
                    pass


async def asked(model: Model) -> str:
    answer = await model.request([ModelRequest.user_text_prompt("Hi")], None, ModelRequestParameters())
    return "".join(part.content for part in answer.parts if isinstance(part, TextPart))


@STYLE
async def test_an_answer_streams(models, wire, told, monkeypatch, style):
    wire.script = [Stream(STYLES[style][1])]
    model = await keyed(models, wire, style, told, monkeypatch)
    pieces = await streamed(model)
    assert "".join(pieces) == TEXT
    assert len(pieces) >= 3
    assert told == []
    assert any(KEY in value for value in wire.requests[0]["headers"].values())


@STYLE
async def test_a_whole_answer(models, wire, told, monkeypatch, style):
    wire.script = [whole(STYLES[style][2])]
    model = await keyed(models, wire, style, told, monkeypatch)
    answer = await model.request([ModelRequest.user_text_prompt("Hi")], None, ModelRequestParameters())
    meter = Meter()
    used = meter.add(answer)
    assert (used.model, used.input_tokens, used.output_tokens) == (f"{style}:m", 9, 4)
    assert used.cost == (0.0 if style == "ollama" else None)


@STYLE
async def test_only_what_is_needed_is_sent(models, wire, told, monkeypatch, style):
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "someone-elses-2718281828")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer someone-elses-2718281828")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Api-Key: someone-elses-2718281828")
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    wire.script = [Stream(STYLES[style][1])]
    await streamed(await keyed(models, wire, style, told, monkeypatch))
    (request,) = wire.requests
    assert "someone-elses" not in json.dumps(request)
    assert sum(KEY in value for value in request["headers"].values()) == 1
    assert not [name for name in request["headers"] if "stainless" in name or "trace" in name or "client" in name]


@STYLE
async def test_a_rate_limit_is_told_at_once_and_waited_out(models, wire, told, monkeypatch, style):
    wire.script = [
        Reply(429, b'{"error": {"message": "slow down", "type": "rate_limit_error"}}', {**HEADERS, "Retry-After": "0"}),
        Stream(STYLES[style][1]),
    ]
    model = await keyed(models, wire, style, told, monkeypatch)
    assert "".join(await streamed(model)) == TEXT
    assert told == ["Rate limit reached, waiting 1 s."]


@STYLE
@pytest.mark.parametrize("body", [b'{"error": {"message": "boom"}}', b"<html><h1>502</h1></html>", b""])
async def test_a_server_error_is_tried_again_and_then_a_sentence(models, wire, told, monkeypatch, style, body):
    wire.script = [Reply(502, body, HEADERS)]
    model = await keyed(models, wire, style, told, monkeypatch)
    with pytest.raises(ProviderUnavailable) as caught:
        await streamed(model)
    assert len(wire.requests) == 3
    assert len(told) == 2
    assert "502" in str(caught.value)
    assert "<" not in caught.value.sentence


@STYLE
async def test_a_wrong_key_is_said_and_not_repeated(models, wire, told, monkeypatch, style):
    wire.script = [Reply(401, b'{"error": {"message": "Incorrect API key: KEY", "code": "x"}}', HEADERS, echo=True)]
    model = await keyed(models, wire, style, told, monkeypatch)
    for ask in (streamed, asked):
        with pytest.raises(ProviderRefused, match=r"refuses the key \(401") as caught:
            await ask(model)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    assert len(wire.requests) == 2


@STYLE
@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"<html>log in</html>", {"content-type": "text/html; charset=utf-8"}),
        Reply(200, b"not json", HEADERS),
        Reply(200, b"[1, 2", HEADERS),
        Stream([b"data: {not json}\n\n"]),
        Stream([]),
    ],
)  # fmt: skip
async def test_an_answer_that_is_none(models, wire, told, monkeypatch, style, answer):
    wire.script = [answer]
    model = await keyed(models, wire, style, told, monkeypatch)
    with pytest.raises(ProviderGarbled) as caught:
        await streamed(model)
    assert "<" not in caught.value.sentence


@STYLE
async def test_a_stream_that_is_cut_is_said_to_be(models, wire, told, monkeypatch, style):
    wire.script = [Stream(before_the_end(style), cut=True)]
    model = await keyed(models, wire, style, told, monkeypatch)
    pieces: list[str] = []
    with pytest.raises(AnswerCut) as caught:
        await stream_into(pieces, model)
    assert pieces
    assert caught.value.text == "".join(pieces)
    assert len(wire.requests) == 1
    assert caught.value.__context__ is None


@STYLE
async def test_a_stream_that_ends_politely_but_early_is_cut_too(models, wire, told, monkeypatch, style):
    wire.script = [Stream(before_the_end(style))]
    model = await keyed(models, wire, style, told, monkeypatch)
    with pytest.raises(AnswerCut, match="cut off"):
        await streamed(model)


@STYLE
async def test_a_stream_that_fails_before_its_first_token_is_begun_again(models, wire, told, monkeypatch, style):
    wire.script = [Stream([], cut=True), Stream(STYLES[style][1])]
    model = await keyed(models, wire, style, told, monkeypatch)
    assert "".join(await streamed(model)) == TEXT
    assert len(wire.requests) == 2
    assert len(told) == 1


@STYLE
@pytest.mark.parametrize("after", [0, 3])
async def test_cancelling_closes_the_connection(models, wire, told, monkeypatch, style, after):
    pieces = STYLES[style][1]
    after = min(after, len(pieces) - 1)
    wire.script = [Stream(pieces, hold=after)]
    model = await keyed(models, wire, style, told, monkeypatch)
    task = asyncio.create_task(streamed(model))
    await asyncio.to_thread(wire.arrived.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(wire.gone.wait, 10)


async def test_leaving_a_stream_early_closes_the_connection(models, wire, told, monkeypatch):
    wire.script = [Stream(OPENAI, hold=3)]
    model = await keyed(models, wire, "openai", told, monkeypatch)
    async with model.request_stream([ModelRequest.user_text_prompt("Hi")], None, ModelRequestParameters()) as response:
        async for _ in response:
            break
    assert await asyncio.to_thread(wire.gone.wait, 10)


async def test_cancelling_a_wait_for_a_rate_limit(models, wire, told, monkeypatch):
    wire.script = [Reply(429, b"{}", {**HEADERS, "Retry-After": "50"})]
    patience = Patience(tries=3, longest_pause_s=60.0)
    model = await keyed(models, wire, "openai", told, monkeypatch, patience=patience)
    task = asyncio.create_task(streamed(model))
    while not told:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told[0].startswith("Rate limit reached, waiting 5")


@STYLE
async def test_a_slow_first_token_and_a_slow_next_one(models, wire, told, monkeypatch, style):
    patience = Patience(tries=1, limits=Limits(first_s=0.3, between_s=0.3))
    wire.script = [Stream(STYLES[style][1], hold=0)]
    model = await keyed(models, wire, style, told, monkeypatch, patience=patience)
    with pytest.raises(ProviderUnavailable, match="did not answer in time"):
        await streamed(model)
    wire.script = [Stream(STYLES[style][1], hold=len(before_the_end(style)))]
    model = await keyed(models, wire, style, told, monkeypatch, patience=patience)
    with pytest.raises(AnswerCut, match="did not answer in time"):
        await streamed(model)


@STYLE
async def test_a_server_that_is_down(models, told, monkeypatch, style):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv(f"ZI_KEY_{style.upper().replace('-', '_')}_127_0_0_1_{port}", KEY)
    model = await models().model(f"{style}:http://127.0.0.1:{port}/v1#m", notice=told)
    with pytest.raises(ProviderUnavailable, match="nothing listens there"):
        await streamed(model)
    assert told == []


@STYLE
async def test_a_redirect_is_not_followed(models, wire, told, monkeypatch, style):
    with serving() as other:
        other.script = [Stream(STYLES[style][1])]
        wire.script = [Reply(307, b"", {"location": f"{other.url}/v1/chat/completions"})]
        model = await keyed(models, wire, style, told, monkeypatch)
        with pytest.raises(ProviderRefused, match="another address"):
            await streamed(model)
        assert other.requests == []


async def test_a_date_says_how_long_to_wait(models, wire, told, monkeypatch):
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True)
    wire.script = [Reply(503, b"{}", {**HEADERS, "Retry-After": at})]
    model = await keyed(models, wire, "openai", told, monkeypatch)
    with pytest.raises(ProviderBusy) as caught:
        await streamed(model)
    assert 3500 < (caught.value.retry_after_s or 0) <= 3600
    assert len(wire.requests) == 1


async def test_after_that_the_circuit_is_open(models, wire, told, monkeypatch):
    wire.script = [Reply(500, b"{}", HEADERS)]
    pool = models()
    monkeypatch.setenv("ZI_KEY_OPENAI_COMPATIBLE", KEY)
    model = await pool.model(address(wire, "openai-compatible"), notice=told)
    with pytest.raises(ProviderUnavailable, match="500"):
        await asked(model)
    wire.requests.clear()
    again = await pool.model(address(wire, "openai-compatible"), notice=told)
    with pytest.raises(ProviderUnavailable, match="left alone for another 60 s"):
        await asked(again)
    assert wire.requests == []


async def test_the_fall_back_answers_and_says_so(models, wire, told, monkeypatch):
    with serving() as other:
        wire.script = [Reply(500, b"{}", HEADERS)]
        other.script = [Stream(OPENAI)]
        pool = models()
        names = [address(wire, "openai-compatible"), address(other, "ollama")]
        chain = await pool.chain(names, notice=told)
        assert "".join(await streamed(chain)) == TEXT
        assert any("answers instead of" in text for text in told)
        agent = Agent(await pool.chain(names, notice=told))
        async with agent.run_stream("Hi") as result:
            assert await result.get_output() == TEXT
        assert len(wire.requests) == 3, "the circuit is open the second time"


async def test_when_nobody_answers_the_first_error_is_told(models, wire, told):
    with serving() as other:
        wire.script = [Reply(500, b"{}", HEADERS)]
        other.script = [Reply(404, b"{}", HEADERS)]
        chain = await models().chain([address(wire, "openai-compatible"), address(other, "ollama")], notice=told)
        for ask in (streamed, asked):
            with pytest.raises(ProviderUnavailable):
                await ask(chain)


async def test_a_cut_answer_is_not_continued_by_another_model(models, wire, told):
    with serving() as other:
        wire.script = [Stream(OPENAI[:3], cut=True)]
        other.script = [Stream(OPENAI)]
        chain = await models().chain([address(wire, "openai-compatible"), address(other, "ollama")], notice=told)
        with pytest.raises(AnswerCut):
            await streamed(chain)
        assert other.requests == []


async def test_a_model_that_cannot_be_made_is_passed_over(models, wire, told):
    wire.script = [Stream(OPENAI)]
    chain = await models().chain(["openai:gpt-x", "local:none", address(wire, "ollama")], notice=told)
    assert "".join(await streamed(chain)) == TEXT
    assert any("no key for OpenAI" in text for text in told)


async def test_a_missing_package_is_a_sentence(models, told):
    def make(*_):
        raise ImportError("No module named 'their_sdk'", name="their_sdk")

    providers = ChatProviders()
    providers.add(ChatProvider(name="theirs", title="Theirs", make=make, url="http://127.0.0.1:9", extra="theirs"))
    with pytest.raises(ModelError, match="their_sdk") as caught:
        await models(providers=providers).model("theirs:m", notice=told)
    assert caught.value.hint == "Run `pip install 'zicoder[theirs]'`."


async def test_an_error_in_the_middle_of_a_stream_is_a_cut(models, wire, told, monkeypatch):
    wire.script = [Stream([*OPENAI[:3], *sse({"error": {"message": "KEY overloaded", "code": 503}})])]
    model = await keyed(models, wire, "openai", told, monkeypatch)
    with pytest.raises(AnswerCut, match="after 7 characters"):
        await streamed(model)


async def test_a_context_that_is_too_long(models, wire, told, monkeypatch):
    error = {"message": "This model's maximum context length is 8192 tokens.", "code": "context_length_exceeded"}
    wire.script = [Reply(400, json.dumps({"error": error}).encode(), HEADERS)]
    model = await keyed(models, wire, "openai", told, monkeypatch)
    with pytest.raises(ProviderRefused, match="longer than m can read"):
        await streamed(model)
    assert len(wire.requests) == 1


async def test_a_key_of_a_provider_goes_to_its_own_address_only(models, wire, told, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ZI_KEY_OPENAI", KEY)
    with pytest.raises(ProviderRefused, match="no key for OpenAI"):
        await models().model(address(wire, "openai"), notice=told)
    wire.script = [Stream(OPENAI)]
    await streamed(await models().model(address(wire, "ollama"), notice=told))
    assert KEY not in json.dumps(wire.requests)


async def test_a_key_that_was_changed_counts_at_once(models, wire, told, monkeypatch):
    wire.script = [Stream(OPENAI)]
    pool = models()
    for key in (KEY, "sk-another-31415926535"):
        monkeypatch.setenv("ZI_KEY_OPENAI_COMPATIBLE", key)
        await streamed(await pool.model(address(wire, "openai-compatible"), notice=told))
    assert [request["headers"]["authorization"][7:] for request in wire.requests] == [KEY, "sk-another-31415926535"]


@STYLE
async def test_planted_secrets_show_up_nowhere(models, wire, told, monkeypatch, style, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    error = b'{"error": {"message": "bad KEY", "type": "KEY"}, "detail": "KEY", "authorization": "KEY"}'
    steps = [
        *(Reply(status, error, HEADERS, echo=True) for status in (400, 401, 403, 404, 422, 429, 500, 503)),
        Reply(200, b"KEY", HEADERS, echo=True),
        Reply(200, b'{"error": "KEY"}', HEADERS, echo=True),
        Reply(200, b"<html>KEY</html>", {"content-type": "text/html"}, echo=True),
        Reply(302, b"KEY", {"location": "http://127.0.0.1:9/KEY"}, echo=True),
        Stream(sse(chunk({"content": "x"}), {"error": {"message": KEY, "code": 500}})),
        Stream([f"data: {KEY}\n\n".encode()], cut=True),
    ]
    for step in steps:
        wire.script = [step]
        patience = Patience(tries=2, first_pause_s=0.0)
        model = await keyed(models, wire, style, told, monkeypatch, patience=patience)
        for ask in (streamed, asked):
            try:
                await ask(model)
            except ZiError as failure:
                seen += [failure.sentence, repr(failure), "".join(traceback.format_exception(failure))]
                seen += [str(vars(failure))]
                link = failure.__context__ or failure.__cause__
                assert link is None, repr(link)
        seen += [repr(model), repr(wire.url)]
    seen += [repr(SecretStr(KEY)), *told, *(record.getMessage() for record in caplog.records), caplog.text]
    assert seen
    assert not [text for text in seen if KEY in text or KEY[3:] in text]
