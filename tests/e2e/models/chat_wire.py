"""A real HTTP server that replays what providers send, and misbehaves on request."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = "Hello, world."
PIECES = ("Hel", "lo, ", "world.")


@dataclass
class Reply:
    """A whole answer. `echo` puts what was sent as a key into the body and the headers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    echo: bool = False


@dataclass
class Stream:
    """A chunked answer. `cut` drops the connection after the pieces, without an end. `hold` waits after so many
    pieces, until the client goes or the test says so."""

    pieces: list[bytes]
    cut: bool = False
    hold: int | None = None
    content_type: str = "text/event-stream"


class Wire:
    """The server: the next answers are scripted; when they are used up, the last one is given again."""

    def __init__(self) -> None:
        self.script: list[Reply | Stream] = []
        self.requests: list[dict] = []
        self.arrived = threading.Event()
        self.gone = threading.Event()
        """Set when a client closed the connection in the middle of an answer."""
        self.go_on = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"wire": self}))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: Wire

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.wire.requests.append(
            {"path": self.path, "headers": headers, "body": json.loads(body) if body else None, "method": self.command}
        )
        self.wire.arrived.set()
        script = self.wire.script
        step = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(step, Reply):
            self._reply(step, headers)
        else:
            self._stream(step)

    def _reply(self, step: Reply, headers: dict[str, str]) -> None:
        key = " ".join(headers.get(n, "") for n in ("authorization", "x-api-key", "x-goog-api-key")).strip()
        body = step.body.replace(b"KEY", key.encode()) if step.echo else step.body
        self.send_response(step.status)
        for name, value in step.headers.items():
            self.send_header(name, value)
        if step.echo:
            self.send_header("x-echo", key)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, step: Stream) -> None:
        self.send_response(200)
        self.send_header("content-type", step.content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, piece in enumerate(step.pieces):
            if number == step.hold:
                self._wait()
            self._chunk(piece)
        if step.hold == len(step.pieces):
            self._wait()
        if not step.cut:
            self._chunk(b"")
        self.close_connection = True

    def _chunk(self, piece: bytes) -> None:
        try:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        except OSError:
            self.wire.gone.set()

    def _wait(self) -> None:
        """Until the client closes the connection, or the test says so."""
        self.connection.settimeout(0.02)
        while not self.wire.go_on.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            return
        self.wire.gone.set()

    def log_message(self, format, *args):  # noqa: A002
        pass


@contextmanager
def serving() -> Iterator[Wire]:
    wire = Wire()
    threading.Thread(target=wire.http.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield wire
    finally:
        wire.go_on.set()
        wire.http.shutdown()
        wire.http.server_close()


def sse(*events: dict | str, named: bool = False) -> list[bytes]:
    made = []
    for event in events:
        head = f"event: {event['type']}\n" if named and isinstance(event, dict) else ""
        data = event if isinstance(event, str) else json.dumps(event)
        made.append(f"{head}data: {data}\n\n".encode())
    return made


def chunk(delta: dict, reason: str | None = None, **more) -> dict:
    choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}

OPENAI = [
    *sse(chunk({"role": "assistant", "content": "", "refusal": None})),
    *sse(*(chunk({"content": piece}) for piece in PIECES)),
    *sse(chunk({}, "stop")),
    *sse({**chunk({}), "choices": [], "usage": USAGE}),
    *sse("[DONE]"),
]
OPENAI_WHOLE = {
    "id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE,
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": TEXT}}],
}  # fmt: skip
ANTHROPIC = sse(
    {
        "type": "message_start",
        "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
            "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": p}} for p in PIECES),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
    named=True,
)  # fmt: skip
ANTHROPIC_WHOLE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": TEXT}],
    "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 4},
}  # fmt: skip


def gemini(text: str, **more) -> dict:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r-1"}


GOOGLE = [
    f"data: {json.dumps(event)}\r\n\r\n".encode()
    for event in (gemini(PIECES[0]), gemini(PIECES[1]), gemini(PIECES[2], finishReason="STOP"))
]
GOOGLE_WHOLE = gemini(TEXT, finishReason="STOP")
MISTRAL = [
    *sse(chunk({"role": "assistant", "content": ""})),
    *sse(*(chunk({"content": piece}) for piece in PIECES[:2])),
    *sse(chunk({"content": PIECES[2]}, "stop", usage=USAGE)),
    *sse("[DONE]"),
]
OLLAMA = [
    *sse(*(chunk({"role": "assistant", "content": piece}, system_fingerprint="fp_ollama") for piece in PIECES)),
    *sse(chunk({"role": "assistant", "content": ""}, "stop", system_fingerprint="fp_ollama")),
    *sse({**chunk({}), "choices": [], "usage": USAGE}),
    *sse("[DONE]"),
]
STYLES: dict[str, tuple[str, list[bytes], dict]] = {
    "openai": ("/v1", OPENAI, OPENAI_WHOLE),
    "anthropic": ("", ANTHROPIC, ANTHROPIC_WHOLE),
    "google": ("", GOOGLE, GOOGLE_WHOLE),
    "mistral": ("", MISTRAL, OPENAI_WHOLE),
    "ollama": ("/v1", OLLAMA, OPENAI_WHOLE),
    "openai-compatible": ("/v1", OPENAI, OPENAI_WHOLE),
}
"""By provider: path of the address, a streamed answer, a whole one."""
HEADERS = {"content-type": "application/json"}


def whole(answer: dict) -> Reply:
    return Reply(200, json.dumps(answer).encode(), HEADERS)
