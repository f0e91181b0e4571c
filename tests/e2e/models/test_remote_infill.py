"""Infill by servers of every kind, against a real server on this machine."""

import asyncio
import json

import pytest
from chat_wire import HEADERS, Reply, Stream, serving, sse

from zicoder.errors import (
    InputError,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderRefused,
    ProviderUnavailable,
)
from zicoder.models.credentials import Credentials
from zicoder.models.exchange import Limits
from zicoder.models.protocols import ContextPart, InfillRequest
from zicoder.models.providers import INFILL_PROVIDERS
from zicoder.models.remote_infill import STYLES, RemoteInfill, split_at_stop

KEY = "sk-planted-7f3a91c2d4e5b6a8"
TEXT = "a + b\nprint(1)"
PIECES = ("a +", " b\n", "print(1)")


def llama(text: str, *, stop: bool = False, **more) -> dict:
    return {"index": 0, "content": text, "tokens": [], "stop": stop, "id_slot": 0, **more}


def text_choice(text: str, reason: str | None = None) -> dict:
    return {"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": reason}]}


def delta_choice(text: str, reason: str | None = None) -> dict:
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]}


WIRES = {
    "llama-server": [
        *sse(*(llama(piece) for piece in PIECES)),
        *sse(llama("", stop=True, stop_type="eos", tokens_predicted=6, tokens_evaluated=20, timings={"prompt_n": 4})),
    ],
    "openai": [
        *sse(*(text_choice(piece) for piece in PIECES[:2])),
        *sse({**text_choice(PIECES[2], "stop"), "usage": {"prompt_tokens": 20, "completion_tokens": 6}}, "[DONE]"),
    ],
    "mistral": [
        *sse(*(delta_choice(piece) for piece in PIECES)),
        *sse({**delta_choice("", "stop"), "usage": {"prompt_tokens": 20, "completion_tokens": 6}}, "[DONE]"),
    ],
    "ollama": [
        *(json.dumps({"model": "m", "response": piece, "done": False}).encode() + b"\n" for piece in PIECES),
        json.dumps(
            {"response": "", "done": True, "done_reason": "stop", "prompt_eval_count": 20, "eval_count": 6}
        ).encode(),
    ],
}  # fmt: skip
STYLE = pytest.mark.parametrize("style", WIRES)
LIMITS = Limits(first_s=5, between_s=5)
REQUEST = InfillRequest(document="d", prefix="def add(a, b):\n    return ", suffix="\n", max_tokens=32)


@pytest.fixture
def wire():
    with serving() as wire:
        yield wire


@pytest.fixture
def model(wire, tmp_path, monkeypatch):
    def make(style: str, limits: Limits = LIMITS) -> RemoteInfill:
        host = wire.host.replace(".", "_").replace(":", "_")
        monkeypatch.setenv(f"ZI_KEY_{style.upper().replace('-', '_')}_{host}", KEY)
        path = "/v1" if style == "openai" else ""
        credentials = Credentials(where="file", folder=tmp_path)
        return RemoteInfill(style, f"{wire.url}{path}#m", credentials=credentials, limits=limits)

    return make


async def filled(model: RemoteInfill, request: InfillRequest = REQUEST):
    stream = model.infill(request)
    return [piece async for piece in stream], stream.stats


@STYLE
async def test_a_hole_is_filled_piece_by_piece(wire, model, style):
    wire.script = [Stream(WIRES[style])]
    pieces, stats = await filled(model(style))
    assert "".join(pieces) == TEXT
    assert len(pieces) == 3
    assert (stats.finish, stats.prompt_tokens, stats.generated_tokens) == ("end", 20, 6)
    (request,) = wire.requests
    body = request["body"]
    assert (
        request["path"]
        == {
            "llama-server": "/infill",
            "openai": "/v1/completions",
            "mistral": "/v1/fim/completions",
            "ollama": "/api/generate",
        }[style]
    )
    assert body.get("input_prefix", body.get("prompt")) == REQUEST.prefix
    assert body.get("input_suffix", body.get("suffix")) == REQUEST.suffix
    assert body["stream"]
    assert body["model"] == "m"
    assert request["headers"]["authorization"] == f"Bearer {KEY}"


@STYLE
async def test_pieces_of_the_project_come_before_the_file(wire, model, style):
    wire.script = [Stream(WIRES[style])]
    part = ContextPart("lib/a.py", "def f(): ...\n")
    await filled(model(style), InfillRequest(document="d", prefix="p", suffix="s", context=(part,)))
    body = wire.requests[0]["body"]
    if style == "llama-server":
        assert body["input_extra"] == [{"filename": "lib/a.py", "text": "def f(): ...\n"}]
    else:
        assert body["prompt"] == "# lib/a.py\n# def f(): ...\np"


@STYLE
async def test_a_stop_string_ends_it_even_across_pieces(wire, model, style):
    wire.script = [Stream(WIRES[style])]
    request = InfillRequest(document="d", prefix="p", suffix="s", stop=("v", "w", "x", "y", "z", " b\npr"))
    pieces, stats = await filled(model(style), request)
    assert "".join(pieces) == "a +"
    assert stats.finish == "stop"
    assert len(wire.requests[0]["body"].get("stop", ())) <= (6 if style == "llama-server" else 4) or style == "ollama"


@STYLE
@pytest.mark.parametrize("after", [0, 1])
async def test_closing_a_stream_closes_the_connection(wire, model, style, after):
    wire.script = [Stream(WIRES[style], hold=after)]
    stream = model(style).infill(REQUEST)
    task = asyncio.create_task(_read(stream))
    await asyncio.to_thread(wire.arrived.wait, 10)
    await stream.aclose()
    await task
    assert await asyncio.to_thread(wire.gone.wait, 10)
    assert stream.stats.finish == "cancelled"


@STYLE
async def test_cancelling_the_task_closes_the_connection(wire, model, style):
    wire.script = [Stream(WIRES[style], hold=1)]
    task = asyncio.create_task(_read(model(style).infill(REQUEST)))
    await asyncio.to_thread(wire.arrived.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(wire.gone.wait, 10)


async def _read(stream) -> list[str]:
    return [piece async for piece in stream]


@STYLE
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(401, b'{"error": "KEY"}', HEADERS, echo=True), ProviderRefused),
        (Reply(404, b"KEY", HEADERS, echo=True), ProviderRefused),
        (Reply(429, b"{}", {**HEADERS, "Retry-After": "7"}), ProviderBusy),
        (Reply(500, b"<html>KEY</html>", {"content-type": "text/html"}, echo=True), ProviderUnavailable),
        (Reply(200, b"<html>KEY</html>", {"content-type": "text/html"}, echo=True), ProviderGarbled),
        (Reply(200, b"KEY", HEADERS, echo=True), ProviderGarbled),
        (Reply(200, b'{"error": "KEY"}', HEADERS, echo=True), ProviderGarbled),
        (Reply(200, b"", HEADERS), ProviderGarbled),
        (Stream([b'{"response": "x"}\n'], cut=True), ProviderError),
    ],
)
async def test_what_goes_wrong_is_a_sentence_and_no_key(wire, model, style, answer, kind):
    wire.script = [answer]
    with pytest.raises(kind) as caught:
        await filled(model(style))
    assert KEY not in caught.value.sentence
    assert "<" not in caught.value.sentence
    assert caught.value.__cause__ is None


@STYLE
async def test_a_server_that_fails_is_left_alone(wire, model, style):
    wire.script = [Reply(500, b"{}", HEADERS)]
    used = model(style)
    for text in ("failed", "left alone"):
        with pytest.raises(ProviderUnavailable, match=text):
            await filled(used)
    assert len(wire.requests) == 1


@STYLE
async def test_a_server_that_says_nothing(wire, model, style):
    wire.script = [Stream(WIRES[style], hold=0)]
    with pytest.raises(ProviderUnavailable, match="did not answer in time"):
        await filled(model(style, Limits(first_s=0.2, between_s=0.2)))


def test_they_are_named_in_the_settings():
    assert set(STYLES) <= set(INFILL_PROVIDERS)
    assert INFILL_PROVIDERS.get("ollama")("qwen2.5-coder:1.5b").name == "ollama:qwen2.5-coder:1.5b"
    assert INFILL_PROVIDERS.get("llama-server")("http://h:1").fills_suffix
    for argument in ("gpt", "http://h/v1", "http://u:sk-1@h#m"):
        with pytest.raises(InputError) as caught:
            INFILL_PROVIDERS.get("openai")(argument)
        assert "sk-1" not in caught.value.sentence


@pytest.mark.parametrize(
    ("text", "stops", "result"),
    [
        ("abc", (), ("abc", "", False)),
        ("abc", ("c",), ("ab", "", True)),
        ("abc", ("cd",), ("ab", "c", False)),
        ("ab\n", ("\n\n",), ("ab", "\n", False)),
        ("abab", ("abx",), ("ab", "ab", False)),
        ("xab", ("b", "a"), ("x", "", True)),
        ("", ("a",), ("", "", False)),
    ],
)
def test_split_at_stop(text, stops, result):
    assert split_at_stop(text, stops) == result
