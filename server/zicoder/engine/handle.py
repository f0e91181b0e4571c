"""The parent's handle on the engine process: start, watch, restart, and talk to it.

Owns the child's life. The child is restarted by itself when it dies; after `MAX_CRASHES` in `CRASH_WINDOW_S` seconds
it stays down until somebody calls `restart`. Must never run native inference in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zicoder.engine.launch import launch
from zicoder.engine.pending import Pending, Replies, Request
from zicoder.engine.protocol import (
    HEADER,
    MAX_FRAME,
    Cancel,
    Chat,
    Count,
    Counted,
    Infill,
    Load,
    Loaded,
    Loading,
    Ping,
    Pong,
    Ready,
    Reply,
    Unload,
    decode_reply,
    encode,
)
from zicoder.engine.reading import Reading
from zicoder.engine.status import EngineState, EngineStatus, exit_cause
from zicoder.errors import EngineCrashed, EngineError, EngineStopped, EngineUnavailable, ZiError

__all__ = ["Engine"]

log = logging.getLogger("zicoder.engine")

MAX_CRASHES = 3
CRASH_WINDOW_S = 60.0
BACKOFF_S = (0.0, 0.5)
"""Pause before the first and the second restart in a window; there is no third."""
PING_S = 2.0
SILENCE_S = 20.0
"""No answer to pings for this long means that the process hangs: it is killed, which counts as a crash."""
STUCK_S = 120.0
"""A native call longer than this is taken for a hang; the longest real one, a batch of a big model, takes seconds."""
START_S = 30.0
CLOSE_S = 1.5
UNAVAILABLE_EXIT = 1
"""Python's exit status after an uncaught exception: at start, that is llama-cpp-python failing to import."""


class Engine:
    """One engine process and everything loaded in it. Use as an async context manager, or call `close`."""

    def __init__(
        self,
        *,
        log_file: Path | None = None,
        on_status: Callable[[EngineStatus], None] = lambda _: None,
        python: str = sys.executable,
    ) -> None:
        self._python = python
        self._log_file = log_file
        self._on_status = on_status
        self.status = EngineStatus(EngineState.DOWN)
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._pending = Pending()
        self._loaded: dict[str, Loaded] = {}
        self._wanted: dict[str, Load] = {}
        self._unloads: dict[str, int] = {}
        """How often each model was given up: a load that was asked for before must not bring it back."""
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._crashes: deque[float] = deque(maxlen=MAX_CRASHES)
        self._closing = False
        self._heard = 0.0

    async def __aenter__(self) -> Engine:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the engine, None when there is none."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def crashes(self) -> int:
        """How often it has crashed of late."""
        return len(self._crashes)

    def new_id(self) -> int:
        """A fresh request id."""
        return self._pending.new_id()

    async def load(self, request: Load) -> Loaded:
        """Have this model loaded, starting the process if need be. Cheap when it already is.

        Raises EngineUnavailable, EngineStopped, EngineCrashed, ModelError or ModelMisconfigured.
        """
        task = asyncio.create_task(self._load(request, self._unloads.get(request.model, 0)))
        self._tasks.add(task)
        task.add_done_callback(self._loaded_or_not)
        return await asyncio.shield(task)  # a caller that gives up must not leave a load that nobody takes note of

    def _loaded_or_not(self, task: asyncio.Task[Loaded]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the caller that still waits has it; one that gave up does not want it

    async def _load(self, request: Load, unloads: int) -> Loaded:
        async with self._lock:
            if self._unloads.get(request.model, 0) != unloads:
                raise EngineStopped("The model was given up for another one meanwhile.")
            await self._start()
            known = self._wanted.get(request.model)
            if request.model in self._loaded and known and _same(known, request):
                return self._loaded[request.model]
            self._wanted[request.model] = request
            return await self._load_now(request)

    def holds(self, model: str) -> bool:
        """Whether this model is loaded now."""
        return self.pid is not None and model in self._loaded

    def unload(self, model: str) -> None:
        """Free a model that is not needed any more. Nothing happens when it is not loaded."""
        self._unloads[model] = self._unloads.get(model, 0) + 1
        self._free(model)

    def _free(self, model: str) -> None:
        self._wanted.pop(model, None)
        if self._loaded.pop(model, None) is not None:
            self._write(encode(Unload(id=self.new_id(), model=model)))

    async def _load_now(self, request: Load) -> Loaded:
        replies = self.submit(request)
        self._set(EngineStatus(EngineState.LOADING, percent=0))
        try:
            while True:
                reply = await replies.get()
                match reply:
                    case Loading():
                        self._set(EngineStatus(EngineState.LOADING, percent=reply.percent))
                    case Loaded():
                        self._loaded[request.model] = reply
                        if self._wanted.get(request.model) != request:
                            self._free(request.model)  # not wanted any more by the time it was there
                        self._set(EngineStatus(EngineState.READY))
                        return reply
                    case ZiError():
                        if not isinstance(reply, (EngineCrashed, EngineStopped)):
                            self._set(EngineStatus(EngineState.READY, error=reply))
                        raise reply
                    case _:
                        raise EngineError(f"The engine answered out of turn: {type(reply).__name__}.")
        finally:
            self._pending.drop(request.id)

    async def count(self, model: str, texts: Sequence[str]) -> tuple[int, ...]:
        """How many tokens each of the texts is for a model that is loaded. Raises EngineError."""
        request = Count(id=self.new_id(), model=model, texts=tuple(texts))
        replies = self.submit(request)
        try:
            match await replies.get():
                case Counted() as reply:
                    return reply.tokens
                case ZiError() as error:
                    raise error
                case reply:
                    raise EngineError(f"The engine answered out of turn: {type(reply).__name__}.")
        finally:
            self._pending.drop(request.id)

    def read(self, request: Infill | Chat) -> Reading:
        """An answer to `request`, not yet begun: iterate to begin. Its model must be loaded."""
        return Reading(self, request)

    def submit(self, request: Request) -> Replies:
        """Send a request; its replies arrive in the queue."""
        if self.pid is None:
            replies = Replies()
            replies.put_nowait(self.status.error or EngineCrashed("The engine is not running."))
            return replies
        frame = encode(request)
        replies = self._pending.add(request)
        self._write(frame)
        self._show_load()
        return replies

    def cancel(self, request_id: int) -> None:
        """Stop a request for real; whoever waits for it gets nothing more."""
        if self._pending.drop(request_id):
            self._write(encode(Cancel(id=request_id)))
            self._show_load()

    async def restart(self) -> None:
        """Start afresh, forgetting earlier crashes, and load again what was loaded."""
        self._pending.fail(EngineStopped("The engine is being restarted."))  # a load that hangs gives the lock back
        async with self._lock:
            await self._end()
            self._crashes.clear()
            self._set(EngineStatus(EngineState.DOWN))
            await self._revive()

    async def close(self) -> None:
        """End the process. It is gone when this returns."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        async with self._lock:
            await self._end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- life of the process

    async def _start(self) -> None:
        """Have a process that is ready. Call with the lock held."""
        if self.pid is not None and self._ready.is_set():
            return
        if self.status.state in (EngineState.STOPPED, EngineState.UNAVAILABLE) and self.status.error:
            raise self.status.error
        if self._closing:
            raise EngineStopped("The engine is shutting down.")
        self._set(EngineStatus(EngineState.STARTING))
        self._ready.clear()
        self._loaded.clear()
        try:
            self._process = await launch(self._python, self._log_file)
        except OSError as error:
            raise self._unavailable(f"The engine process cannot be started: {error}.") from error
        self._heard = time.monotonic()
        process = self._process
        self._spawn(self._receive(process))
        self._spawn(self._ping(process))
        ready = asyncio.ensure_future(self._ready.wait())
        gone = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait((ready, gone), timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            gone.cancel()
        if not self._ready.is_set():
            code = process.returncode
            await self._end()
            if code == UNAVAILABLE_EXIT:
                raise self._unavailable("The local engine cannot be loaded: llama-cpp-python is missing or broken.")
            raise self._unavailable(f"The engine did not start (exit status {code}).")

    def _unavailable(self, message: str) -> EngineUnavailable:
        where = f" Details: {self._log_file}." if self._log_file else ""
        error = EngineUnavailable(message, hint=f"Run `pip install 'zicoder[local]'`, then `zi doctor`.{where}")
        self._set(EngineStatus(EngineState.UNAVAILABLE, error=error))
        return error

    async def _end(self) -> None:
        """End the process, politely first: closing its stdin is the sign to go."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            if process.stdin:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), CLOSE_S)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self._pending.fail(EngineStopped("The engine was stopped."))

    async def _crashed(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if process is not self._process or self._closing or not self._ready.is_set():
            return
        self._process = None
        self._loaded.clear()
        now = time.monotonic()
        self._crashes.append(now)
        recent = [at for at in self._crashes if now - at < CRASH_WINDOW_S]
        log.error("engine died with exit status %s (%d in the last minute)", code, len(recent))
        final = len(recent) >= MAX_CRASHES
        hint = "" if final else "It is being restarted."
        error = EngineCrashed(f"The engine crashed ({exit_cause(code)}).", hint=hint)
        self._pending.fail(error)
        if final:
            where = f" Its log: {self._log_file}." if self._log_file else ""
            stopped = EngineStopped(
                f"The engine crashed {MAX_CRASHES} times within a minute ({exit_cause(code)}), so it was stopped.",
                hint=f'Run the command "Restart Engine" when the cause is gone.{where}',
            )
            self._set(EngineStatus(EngineState.STOPPED, error=stopped))
            return
        self._set(EngineStatus(EngineState.CRASHED, error=error))
        await asyncio.sleep(BACKOFF_S[min(len(recent), len(BACKOFF_S)) - 1])
        async with self._lock:
            if self._process is None and not self._closing:
                await self._revive()

    async def _revive(self) -> None:
        """Start again and load what was loaded. Failures are in the status; nobody waits for this."""
        try:
            await self._start()
            for request in list(self._wanted.values()):
                self._wanted[request.model] = again = _with_id(request, self.new_id())
                await self._load_now(again)
        except ZiError as error:
            log.error("engine restart failed: %s", error.sentence)

    # --- wire

    async def _receive(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                (size,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
                if size > MAX_FRAME:
                    raise msgspec.DecodeError(f"frame of {size} bytes")
                self._dispatch(decode_reply(await process.stdout.readexactly(size)))
        except asyncio.IncompleteReadError:
            pass  # end of file: the process is gone, which _crashed looks into
        except msgspec.MsgspecError as error:
            log.error("unreadable frame from the engine: %s", error)
            process.kill()
        await self._crashed(process)

    def _dispatch(self, reply: Reply) -> None:
        self._heard = time.monotonic()
        match reply:
            case Ready():
                self._ready.set()
            case Pong():
                if reply.busy_s > STUCK_S and self._process:
                    log.error("engine stuck in one native call for %.0f s: killed", reply.busy_s)
                    self._process.kill()
            case _:
                self._pending.deliver(reply)
                self._show_load()

    def _write(self, frame: bytes) -> None:
        process = self._process
        if process and process.stdin and not process.stdin.is_closing():
            process.stdin.write(frame)

    async def _ping(self, process: asyncio.subprocess.Process) -> None:
        seq = 0
        slept = time.monotonic()
        while process.returncode is None and process is self._process:
            await asyncio.sleep(PING_S)
            now = time.monotonic()
            if now - slept > SILENCE_S:
                self._heard = now  # we were the one asleep: a suspended machine, a debugger
            slept = now
            if now - self._heard > SILENCE_S:
                log.error("engine silent for %.0f s: killed", now - self._heard)
                process.kill()
                return
            seq += 1
            self._write(encode(Ping(seq=seq)))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _show_load(self) -> None:
        if self.status.state in (EngineState.READY, EngineState.BUSY) and self.status.error is None:
            state = EngineState.BUSY if self._pending.busy else EngineState.READY
            if state is not self.status.state:
                self._set(EngineStatus(state))

    def _set(self, status: EngineStatus) -> None:
        if status != self.status:
            self.status = status
            self._on_status(status)


def _with_id(request: Load, new_id: int) -> Load:
    return msgspec.structs.replace(request, id=new_id)


def _same(known: Load, request: Load) -> bool:
    """Whether a model that was loaded for one purpose serves the other: all that it needs is made when asked for."""
    return msgspec.structs.replace(known, id=request.id, chat=request.chat) == request
