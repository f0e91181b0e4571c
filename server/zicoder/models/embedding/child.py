"""An embedder whose model runs in a process of its own: started at first use, ended when it has been idle.

Owns the child's life. A child that dies fails what it was asked and is started anew by the next `embed`. Must never
compute in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from zicoder.engine.protocol import HEADER, MAX_FRAME
from zicoder.engine.status import exit_cause
from zicoder.errors import EngineCrashed, EngineError, EngineUnavailable, ModelError, ModelNotInstalled, ZiError
from zicoder.models.embedding.wire import Embed, Failed, Open, Opened, Reply, Request, Stop, Stopped, Vectors, encode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["IDLE_S", "ChildEmbedder", "offline_environment"]

log = logging.getLogger("zicoder.embedding")

IDLE_S = 60.0
START_S = 120.0
"""torch alone takes five seconds to import on a quiet machine."""
CLOSE_S = 1.5
GROUP = 256
"""Texts of one message: enough to sort by length, few enough not to fill a pipe for long."""
LONGEST_TEXT = 8192
"""Characters that are sent: several times what a model reads of a text, however little of it is white space."""

_FAILURES: dict[str, type[ZiError]] = {
    "ModelError": ModelError,
    "ModelNotInstalled": ModelNotInstalled,
    "EngineError": EngineError,
    "EngineUnavailable": EngineUnavailable,
}
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_decoder = msgspec.msgpack.Decoder(Reply)


def offline_environment(kind: Literal["minilm", "sentence-transformers"], threads: int) -> dict[str, str]:
    """Variables that keep the libraries of the child off the network and within `threads` threads."""
    inner = "1" if kind == "minilm" else str(threads)  # MiniLM's threads each take a batch of their own
    return {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_WAIT_POLICY": "passive",
        **dict.fromkeys(_THREAD_COUNTS, inner),
    }


class ChildEmbedder:
    """Embeds with one model in a child process. Belongs to one event loop."""

    def __init__(
        self, request: Open, *, name: str, dimension: int = 0, idle_s: float = IDLE_S, python: str = sys.executable
    ) -> None:
        self.name = name
        self.dimension = dimension
        self.runtime = ""
        """What computes, once it has begun: for `zi doctor` and the status."""
        self._open = request
        self._idle_s = idle_s
        self._python = python
        self._process: asyncio.subprocess.Process | None = None
        self._receiver: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[Opened] | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._next_id = 0
        self._users = 0
        self._lock = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the child, None when there is none."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Vectors of the texts; see `Embedder`. Raises EngineUnavailable, EngineCrashed, EngineError, ModelError."""
        import numpy as np

        self._users += 1
        if self._idle:
            self._idle.cancel()
        try:
            await self._start()
            parts = [await self._ask(texts[at : at + GROUP], query) for at in range(0, len(texts), GROUP)]
        finally:
            self._users -= 1
            if self._users == 0 and self.pid is not None:
                self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._close_idle)
        return np.frombuffer(b"".join(parts), dtype="<f4").astype(np.float32).reshape(len(texts), self.dimension)

    async def close(self) -> None:
        """End the process. It is gone when this returns."""
        if self._idle:
            self._idle.cancel()
        if self._starting and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
        async with self._lock:
            await self._end()

    def _close_idle(self) -> None:
        self._closing = asyncio.create_task(self._close_unless_used())

    async def _close_unless_used(self) -> None:
        async with self._lock:
            if self._users == 0:
                await self._end()

    async def _ask(self, texts: Sequence[str], query: bool) -> bytes:
        self._next_id += 1
        request = Embed(id=self._next_id, texts=tuple(_sendable(text) for text in texts), query=query)
        answer = self._waiting[request.id] = asyncio.get_running_loop().create_future()
        try:
            await self._write(request)
            return await answer
        except asyncio.CancelledError:
            with contextlib.suppress(EngineCrashed):
                self._put(Stop(id=request.id))
            raise
        finally:
            self._waiting.pop(request.id, None)

    # --- life of the process

    async def _start(self) -> None:
        """Have a process with the model loaded. Raises EngineUnavailable, ModelError.

        Whoever gives up waiting leaves the start running: the next one will be glad of it.
        """
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._started())
            self._starting.add_done_callback(_take_note)
        await asyncio.shield(self._starting)

    async def _started(self) -> None:
        async with self._lock:
            if self.pid is not None and self._receiver is not None and not self._receiver.done():
                return
            await self._end()
            try:
                # -P: a project's own `zicoder` or `numpy` folder must not get onto the path of a process we start
                self._process = await asyncio.create_subprocess_exec(
                    self._python, "-P", "-X", "utf8", "-m", "zicoder.models.embedding.worker",
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                    env={**os.environ, **offline_environment(self._open.kind, self._open.threads)},
                )  # fmt: skip
            except OSError as error:
                raise EngineUnavailable(f"The embedding process cannot be started: {error}.") from error
            self._opened = asyncio.get_running_loop().create_future()
            self._receiver = asyncio.create_task(self._receive(self._process))
            try:
                await self._write(self._open)
                opened = await asyncio.wait_for(self._opened, START_S)
            except TimeoutError:
                await self._end()
                raise EngineUnavailable(f"The embedding process was not ready within {START_S:.0f} seconds.") from None
            except BaseException:
                await self._end()
                raise
            self.dimension, self.runtime = opened.dimension, opened.runtime

    async def _end(self) -> None:
        """End the process, politely first: closing its stdin is the sign to go."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), CLOSE_S)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if not isinstance(error, TimeoutError):
                raise
        if self._receiver:
            await asyncio.wait((self._receiver,))

    # --- wire

    async def _write(self, request: Request) -> None:
        self._put(request)
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):  # the receiver finds out why, and tells
            await self._process.stdin.drain()

    def _put(self, request: Request) -> None:
        process = self._process
        gone = process is None or process.returncode is not None or self._receiver is None or self._receiver.done()
        if gone or process is None or process.stdin is None or process.stdin.is_closing():
            raise EngineCrashed("The embedding process has ended.")
        process.stdin.write(encode(request))

    async def _receive(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                (size,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
                if size > MAX_FRAME:
                    raise msgspec.DecodeError(f"frame of {size} bytes")
                self._dispatch(_decoder.decode(await process.stdout.readexactly(size)))
        except asyncio.IncompleteReadError:
            pass
        except msgspec.MsgspecError as error:
            log.error("unreadable frame from the embedding process: %s", error)
            process.kill()
        cause = exit_cause(await process.wait())
        self._fail(EngineCrashed(f"The embedding process ended before it had answered ({cause})."))

    def _dispatch(self, reply: Reply) -> None:
        match reply:
            case Opened():
                if self._opened and not self._opened.done():
                    self._opened.set_result(reply)
            case Vectors():
                if (answer := self._waiting.get(reply.id)) and not answer.done():
                    answer.set_result(reply.data)
            case Failed():
                error = _FAILURES[reply.kind](reply.message, hint=reply.hint)
                answer = self._waiting.get(reply.id) if reply.id else self._opened
                if answer and not answer.done():
                    answer.set_exception(error)
            case Stopped():
                pass  # nobody waits for it any more

    def _fail(self, error: ZiError) -> None:
        for answer in (self._opened, *self._waiting.values()):
            if answer and not answer.done():
                answer.set_exception(error)


def _sendable(text: str) -> str:
    """The part of a text that a model can read, without half characters."""
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def _take_note(task: asyncio.Task[None]) -> None:
    """A start that fails after everybody gave up waiting for it is nobody's news."""
    if not task.cancelled():
        task.exception()
