"""Infill by servers of every kind, against a real server on this machine."""

import asyncio
import json

import pytest
from chat_wire import HEADERS, Reply, Stream, serving, sse
from pydantic import SecretStr

from zicoder.errors import (
    InputError,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderRefused,
    ProviderUnavailable,
)
from zicoder.models.chat.patience import Patience
from zicoder.models.credentials import Credentials
from zicoder.models.exchange import Limits
from zicoder.models.protocols import ContextPart, InfillModel, InfillRequest
from zicoder.models.providers import INFILL_PROVIDERS
from zicoder.models.remote_infill import STYLES, RemoteInfill, split_at_stop
from zicoder.settings import ChatSettings

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


async def filled(model: InfillModel, request: InfillRequest = REQUEST):
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
async def test_title_and_pieces_of_the_project_come_before_the_file(wire, model, style):
    wire.script = [Stream(WIRES[style])]
    part = ContextPart("lib/a.py", "def f(): ...\n")
    await filled(model(style), InfillRequest(document="d", prefix="p", suffix="s", title="b.py", context=(part,)))
    body = wire.requests[0]["body"]
    if style == "llama-server":
        assert body["input_extra"] == [{"filename": "lib/a.py", "text": "def f(): ...\n"}]
        assert body["input_prefix"] == "# b.py\np"
    else:
        assert body["prompt"] == "# lib/a.py:\n# def f(): ...\n# b.py\np"


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


async def test_a_server_that_refuses_the_key_is_left_alone_too(wire, model):
    wire.script = [Reply(401, b"{}", HEADERS)]
    used = model("mistral")
    with pytest.raises(ProviderRefused):
        await filled(used)
    with pytest.raises(ProviderUnavailable, match="left alone"):
        await filled(used)
    assert len(wire.requests) == 1


@STYLE
async def test_a_server_that_says_nothing(wire, model, style):
    wire.script = [Stream(WIRES[style], hold=0)]
    with pytest.raises(ProviderUnavailable, match="did not answer in time"):
        await filled(model(style, Limits(first_s=0.2, between_s=0.2)))


def test_they_are_named_in_the_settings():
    chat = ChatSettings()
    assert set(STYLES) <= set(INFILL_PROVIDERS)
    assert INFILL_PROVIDERS.get("ollama")("qwen2.5-coder:1.5b", chat).name == "ollama:qwen2.5-coder:1.5b"
    assert INFILL_PROVIDERS.get("llama-server")("http://h:1", chat).fills_suffix
    for argument in ("gpt", "http://h/v1", "http://u:sk-1@h#m"):
        with pytest.raises(InputError) as caught:
            INFILL_PROVIDERS.get("openai")(argument, chat)
        assert "sk-1" not in caught.value.sentence
    with pytest.raises(InputError, match="no place for a key"):
        INFILL_PROVIDERS.get("ollama")("m", ChatSettings(proxy="http://u:sk-1@h"))


async def test_keys_come_from_where_the_settings_for_chat_say(wire, tmp_path, monkeypatch):
    monkeypatch.setenv("ZI_DATA_DIR", str(tmp_path))
    Credentials(where="file").set(f"openai-compatible@{wire.host}", SecretStr(KEY))
    wire.script = [Stream(WIRES["openai"])]
    await filled(INFILL_PROVIDERS.get("openai")(f"{wire.url}/v1#m", ChatSettings(keys="file")))
    assert wire.requests[0]["headers"]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(("style", "variable"), [("openai", "OPENAI_API_KEY"), ("mistral", "MISTRAL_API_KEY")])
async def test_the_key_of_a_provider_goes_to_no_other_server(wire, tmp_path, monkeypatch, style, variable):
    monkeypatch.setenv(variable, KEY)
    monkeypatch.setenv(f"ZI_KEY_{style.upper()}", KEY)
    wire.script = [Stream(WIRES[style])]
    await filled(RemoteInfill(style, f"{wire.url}#m", credentials=Credentials(where="file", folder=tmp_path)))
    assert KEY not in str(wire.requests[0]["headers"])


async def test_a_key_that_is_given_after_a_refusal_is_used(wire, tmp_path, monkeypatch):
    monkeypatch.setattr("zicoder.models.remote_infill.PATIENCE", Patience(alone_s=0.0, longest_alone_s=0.0))
    credentials = Credentials(where="file", folder=tmp_path)
    model = RemoteInfill("mistral", f"{wire.url}#m", credentials=credentials)
    wire.script = [Reply(401, b"{}", HEADERS), Stream(WIRES["mistral"])]
    with pytest.raises(ProviderRefused):
        await filled(model)
    await asyncio.to_thread(credentials.set, f"mistral@{wire.host}", SecretStr(KEY))
    assert "".join((await filled(model))[0]) == TEXT


async def test_the_proxy_of_chat_is_used_for_other_machines_only(wire, tmp_path):
    """The proxy is a real one: it opens a tunnel, here to our server whatever it is asked for."""
    tunnels = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnels.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        host, port = wire.host.split(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pour(reader, back), pour(there, writer))

    async def pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(4096):
            target.write(data)
        target.close()

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    async with proxy:
        address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        credentials = Credentials(where="file", folder=tmp_path)
        for url in ("http://infill.example:8012", wire.url):
            wire.script = [Stream(WIRES["ollama"])]
            model = RemoteInfill("ollama", f"{url}#m", credentials=credentials, proxy=address, limits=LIMITS)
            assert "".join((await filled(model))[0]) == TEXT
    assert [line.split()[:2] for line in tunnels] == [[b"CONNECT", b"infill.example:8012"]]


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
