"""Vectors from any server with an OpenAI-compatible `/v1/embeddings`: Ollama, llama-server, LM Studio, TEI.

Talks to the address in the user's settings and to no other: no proxy of the environment's for a local address, no
redirect to another host. The key is sent and never shown. Every failure is a sentence for a person.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import msgspec

import zicoder
from zicoder.errors import EngineError, EngineUnavailable, InputError, ModelMisconfigured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OpenAiEmbedder"]

BATCH = 32
LONGEST_TEXT = 8192
"""Characters that are sent of a text; what a model cannot take of it, the server cuts or refuses."""
TRIES = 4
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
"""A server that asks for more patience than this gets none."""
TIMEOUT_S = 60.0
MAX_ANSWER = 64 << 20
_AGAIN = {408, 429, 500, 502, 503, 504}


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    reason: str
    retry_after: str
    body: bytes
    closes: bool
    """Whether the server closes the connection after it."""


class OpenAiEmbedder:
    """One model of one server. `dimension` is 0 until the first answer."""

    def __init__(self, url: str, model: str, *, key: str = "", timeout_s: float = TIMEOUT_S) -> None:
        """Raises InputError when the address or the model's name is no good."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname or not model:
            raise InputError(
                f"`openai:{_shown(parts)}#{model}` names no embedding server.",
                hint="Write openai:URL#MODEL, for example openai:http://localhost:11434/v1#nomic-embed-text.",
            )
        self._parts = parts
        self._model = model
        self._key = key
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._lock = asyncio.Lock()
        self.dimension = 0
        path = parts.path.rstrip("/")
        self._path = path if path.endswith("/embeddings") else f"{path or '/v1'}/embeddings"
        self.name = f"openai:{_shown(parts)}#{model}"

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Vectors of the texts; see `Embedder`. Raises EngineUnavailable, EngineError, ModelMisconfigured."""
        import numpy as np

        parts: list[NDArray[np.float32]] = []
        for at in range(0, len(texts), BATCH):
            parts.append(await self._batch(texts[at : at + BATCH]))  # noqa: PERF401 - awaits
        if not parts:
            return np.empty((0, self.dimension), dtype=np.float32)
        vectors = np.concatenate(parts)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))

    async def close(self) -> None:
        """Close the connection."""
        self._hang_up()

    async def _batch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        sendable = [text[:LONGEST_TEXT].encode("utf-8", "replace").decode() or " " for text in texts]
        body = json.dumps({"model": self._model, "input": sendable, "encoding_format": "float"}).encode()
        for attempt in range(TRIES):
            async with self._lock:
                reply = await self._exchange(body)
            if reply.status == 200:
                return self._vectors(reply.body, len(texts))
            pause = _pause(reply, attempt)
            if reply.status not in _AGAIN or attempt == TRIES - 1 or pause > LONGEST_PAUSE_S:
                raise self._refused(reply)
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _exchange(self, body: bytes) -> _Reply:
        """One request in a thread; cancelled, it closes the connection under it. Raises EngineUnavailable.

        The thread knows its own connection only, and what comes next is decided here: so a request that was given up
        is not made again, and does not meddle with the next one.
        """
        headers = {"content-type": "application/json", "accept": "application/json", "user-agent": zicoder.__name__}
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        while True:
            kept = self._connection is not None
            connection = self._connection = self._connection or self._new_connection()
            try:
                reply = await asyncio.to_thread(self._post, connection, body, headers)
            except asyncio.CancelledError:
                self._hang_up()
                raise
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._hang_up()
                if kept and isinstance(error, (ConnectionError, http.client.BadStatusLine)):
                    continue  # the server had closed the kept connection meanwhile
                raise self._unreachable(error) from None
            if reply.closes:
                self._hang_up()
            return reply

    def _new_connection(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        return kind(self._parts.hostname or "", self._parts.port, timeout=self._timeout_s)

    def _post(self, connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str]) -> _Reply:
        if not isinstance(connection.sock, socket.socket):
            connection.connect()
        if connection is not self._connection:
            connection.close()
            raise ConnectionAbortedError("it was given up while the connection was made")
        connection.request("POST", self._path, body, dict(headers))
        response = connection.getresponse()
        data = response.read(MAX_ANSWER + 1)
        if len(data) > MAX_ANSWER:
            raise ValueError("its answer has no end")
        retry_after = response.headers.get("retry-after", "")
        return _Reply(response.status, response.reason, retry_after, data, response.will_close)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if isinstance(connection.sock, socket.socket):
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)  # wakes a thread that is reading from it
        connection.close()

    def _vectors(self, body: bytes, count: int) -> NDArray[np.float32]:
        import numpy as np

        try:
            answer = msgspec.json.decode(body, type=_Answer)
            by_index = {item.index: item.embedding for item in answer.data}
            with np.errstate(over="ignore"):  # what does not fit becomes infinite, which is refused below
                vectors = np.array([by_index[index] for index in range(count)], dtype=np.float32)
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            raise ModelMisconfigured(
                f"The embedding server {_shown(self._parts)} answered with something else than {count} vectors.",
                hint="Check that `index.embedder` names an embedding model and the address of its API.",
            ) from error
        if vectors.ndim != 2 or vectors.shape[1] == 0 or not np.isfinite(vectors).all():
            raise ModelMisconfigured(f"The embedding server {_shown(self._parts)} answered with unusable vectors.")
        if self.dimension and vectors.shape[1] != self.dimension:
            raise ModelMisconfigured(
                f"The model {self._model} gave {vectors.shape[1]} numbers for a text; before, {self.dimension}.",
                hint="Has the server loaded another model under the same name? Start the index anew.",
            )
        self.dimension = int(vectors.shape[1])
        return vectors

    def _unreachable(self, error: Exception) -> EngineUnavailable:
        if isinstance(error, socket.gaierror):
            why = "its name is not known"
        elif isinstance(error, TimeoutError):
            why = "it did not answer in time"
        elif isinstance(error, ConnectionRefusedError):
            why = "nothing listens there"
        elif isinstance(error, ssl.SSLError):
            why = "its certificate or encryption is not accepted"
        else:
            why = f"the connection failed ({type(error).__name__})"
        return EngineUnavailable(
            f"The embedding server {_shown(self._parts)} cannot be reached: {why}.",
            hint="Start it, or set `index.embedder` to something else.",
        )

    def _refused(self, reply: _Reply) -> EngineError:
        where, said = _shown(self._parts), f"{reply.status} {reply.reason}".strip()
        if reply.status in {401, 403}:
            return EngineUnavailable(f"The embedding server {where} refuses the key ({said}).", hint="Check the key.")
        if reply.status == 404:
            return EngineUnavailable(
                f"The embedding server {where} knows no model {self._model!r}, or no embeddings ({said}).",
                hint="Check `index.embedder`; with Ollama, `ollama pull` the model first.",
            )
        if reply.status == 429:
            return EngineUnavailable(f"The embedding server {where} has had enough requests for now ({said}).")
        return EngineError(f"The embedding server {where} failed ({said}).", hint="Its own log says why.")


def _shown(parts: SplitResult) -> str:
    """The address without user, password and query, which may hold secrets."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def _pause(reply: _Reply, attempt: int) -> float:
    """Seconds before the next try: what the server asks for, else doubling."""
    try:
        return max(0.0, float(reply.retry_after))
    except ValueError:
        return FIRST_PAUSE_S * 2**attempt
