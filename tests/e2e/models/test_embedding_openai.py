"""The `openai` embedder against a real HTTP server on this machine."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from zicoder.errors import EngineError, EngineUnavailable, ModelMisconfigured
from zicoder.models.embedding.openai import OpenAiEmbedder

Answer = tuple[int, dict[str, str], bytes]


def vectors(count: int, size: int = 3) -> bytes:
    data = [{"index": n, "embedding": [float(n + 1)] + [0.0] * (size - 1)} for n in reversed(range(count))]
    return json.dumps({"object": "list", "data": data, "model": "m"}).encode()


class Service:
    """A server whose next answers are scripted; then it embeds."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.script: list[Answer | Callable[[int], Answer]] = []
        self.hold: threading.Event | None = None
        self.arrived = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                service.requests.append({"path": self.path, **body})
                service.headers.append({k.lower(): v for k, v in self.headers.items()})
                service.arrived.set()
                if service.hold:
                    service.hold.wait(30)
                step = service.script.pop(0) if service.script else (200, {}, vectors(len(body["input"])))
                status, headers, data = step(len(body["input"])) if callable(step) else step
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format, *args):  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"


@contextmanager
def serving():
    service = Service()
    thread = threading.Thread(target=service.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        if service.hold:
            service.hold.set()
        service.http.shutdown()
        service.http.server_close()


@pytest.fixture
def service():
    with serving() as service:
        yield service


async def test_vectors_come_in_order_in_batches_and_of_length_one(service):
    embedder = OpenAiEmbedder(service.url, "m", key="sk-1")
    found = await embedder.embed([f"text {n}" for n in range(70)] + ["half \ud83d character", ""])
    assert found.shape == (72, embedder.dimension) == (72, 3)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert [len(request["input"]) for request in service.requests] == [32, 32, 8]
    assert service.requests[0]["path"] == "/v1/embeddings"
    assert service.requests[0]["model"] == "m"
    assert service.headers[0]["authorization"] == "Bearer sk-1"
    assert (await embedder.embed([])).shape == (0, 3)
    await embedder.close()


async def test_a_server_that_asks_for_patience_gets_it(service):
    service.script = [(429, {"retry-after": "0.01"}, b"slow down"), (503, {"Retry-After": "0"}, b"")]
    assert (await OpenAiEmbedder(service.url, "m").embed(["a"])).shape == (1, 3)
    assert len(service.requests) == 3


async def test_a_server_that_asks_for_too_much_patience_is_an_error(service):
    service.script = [(429, {"retry-after": "3600"}, b"")]
    with pytest.raises(EngineUnavailable, match="429"):
        await OpenAiEmbedder(service.url, "m").embed(["a"])
    assert len(service.requests) == 1


async def test_a_server_that_keeps_failing_is_named(service):
    service.script = [(500, {"retry-after": "0"}, b"boom")] * 9
    with pytest.raises(EngineError, match=r"failed \(500") as caught:
        await OpenAiEmbedder(service.url, "m", key="sk-secret").embed(["a"])
    assert "sk-secret" not in caught.value.sentence
    assert service.url in str(caught.value)
    assert len(service.requests) == 4


@pytest.mark.parametrize(("status", "said"), [(401, "refuses the key"), (404, "knows no model 'm'"), (400, "400")])
async def test_a_refusal_is_not_tried_again(service, status, said):
    service.script = [(status, {}, b"{}")]
    with pytest.raises(EngineError, match=said):
        await OpenAiEmbedder(service.url, "m").embed(["a"])
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{}", b'{"data": 7}', vectors(1), b'{"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[]}]}',
     b'{"data":[{"index":0,"embedding":[1,2]},{"index":1,"embedding":[1]}]}',
     b'{"data":[{"index":0,"embedding":[1e39,2]},{"index":1,"embedding":[1,1]}]}'],
)  # fmt: skip
async def test_an_answer_that_is_none_is_an_error(service, body):
    service.script = [(200, {}, body)]
    with pytest.raises(ModelMisconfigured):
        await OpenAiEmbedder(service.url, "m").embed(["a", "b"])


async def test_vectors_of_another_length_are_refused(service):
    embedder = OpenAiEmbedder(service.url, "m")
    await embedder.embed(["a"])
    service.script = [lambda count: (200, {}, vectors(count, size=5))]
    with pytest.raises(ModelMisconfigured, match="gave 5 numbers for a text; before, 3"):
        await embedder.embed(["a"])


async def test_no_server_is_a_sentence():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(EngineUnavailable, match="nothing listens there"):
        await OpenAiEmbedder(f"http://127.0.0.1:{port}", "m").embed(["a"])


async def test_a_server_that_went_away_and_came_back_is_used_again(service):
    embedder = OpenAiEmbedder(service.url, "m")
    await embedder.embed(["a"])
    service.script = [(200, {"connection": "close"}, vectors(1))]
    await embedder.embed(["a"])
    assert (await embedder.embed(["a"])).shape == (1, 3)


async def test_cancelling_does_not_wait_for_the_server(service):
    service.hold = threading.Event()
    embedder = OpenAiEmbedder(service.url, "m")
    task = asyncio.create_task(embedder.embed(["a"]))
    await asyncio.to_thread(service.arrived.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not service.hold.is_set()
    service.hold.set()
    service.hold = None
    assert (await embedder.embed(["a"])).shape == (1, 3)


async def test_a_request_that_was_given_up_is_not_made_again(service):
    embedder = OpenAiEmbedder(service.url, "m")
    await embedder.embed(["a"])
    service.arrived.clear()
    service.hold = threading.Event()
    task = asyncio.create_task(embedder.embed(["b"]))
    await asyncio.to_thread(service.arrived.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.get_running_loop().shutdown_default_executor()  # its thread has come to its end
    assert [request["input"] for request in service.requests] == [["a"], ["b"]]
