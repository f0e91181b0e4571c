"""The engine process: one decode loop over several models, fed through pipes.

Three threads: the reader takes frames from stdin and can interrupt the native call under way; the main thread runs
the decode loop, the only one that touches llama.cpp; the watchdog ends the process when the parent falls silent.
When stdin closes the parent is gone, and so are we, at once, whatever the loop is doing.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import BinaryIO, TypeAlias

import msgspec

from zicoder.engine.protocol import (
    HEADER,
    MAX_FRAME,
    Begun,
    Cancel,
    Chat,
    Count,
    Counted,
    Done,
    Failed,
    Infill,
    Load,
    Loaded,
    Loading,
    Piece,
    Ping,
    Pong,
    Ready,
    Reply,
    Stats,
    Unload,
    decode_request,
    encode,
)
from zicoder.engine.worker_jobs import LoadedModel
from zicoder.engine.worker_llama import AbortFlag, Model, quiet_native_log, version
from zicoder.errors import EngineError, ModelError, ModelMisconfigured, ZiError

__all__ = ["main"]

PARENT_SILENCE_S = 60.0
"""The parent pings every two seconds; one that is silent for this long hangs, and its editor is not served anyway."""

_LOAD, _INFILL, _CHAT, _PREFILL, _QUIET = range(5)

Work: TypeAlias = Load | Unload | Infill | Chat | Count


@dataclass(order=True)
class _Job:
    priority: int
    order: int
    request: Work = field(compare=False)
    steps: Generator[None, None, Stats] | None = field(default=None, compare=False)
    cancelled: bool = field(default=False, compare=False)


class Worker:
    """The decode loop and the state it owns."""

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO) -> None:
        self._stdin, self._stdout = stdin, stdout
        self._write_lock = threading.Lock()
        self._state = threading.Condition()  # guards the four below
        self._queue: list[_Job] = []
        self._jobs: dict[int, _Job] = {}
        self._running: _Job | None = None
        self._native_since: float | None = None
        self._order = 0
        self._heard = time.monotonic()
        self._abort = AbortFlag()
        self._models: dict[str, LoadedModel] = {}

    def run(self) -> None:
        """Serve until the parent is gone; never returns."""
        threading.Thread(target=self._read, daemon=True, name="reader").start()
        threading.Thread(target=self._watch, daemon=True, name="watchdog").start()
        self._send(Ready(pid=os.getpid(), version=version()))
        while True:
            job = self._next()
            try:
                self._advance(job)
            except ZiError as error:
                self._fail(job, error)
            except MemoryError:
                self._fail(job, EngineError("There is not enough memory for this model.", hint="Choose a smaller one."))

    # --- reader thread

    def _read(self) -> None:
        try:
            while header := self._stdin.read(HEADER.size):
                (size,) = HEADER.unpack(header)
                if size > MAX_FRAME:
                    break
                self._receive(decode_request(self._stdin.read(size)))
        except (OSError, ValueError, struct.error, msgspec.MsgspecError) as error:
            print(f"engine: unreadable frame: {error}", file=sys.stderr)  # noqa: T201
        finally:
            os._exit(0)

    def _receive(self, request: Load | Unload | Infill | Chat | Count | Cancel | Ping) -> None:
        self._heard = time.monotonic()
        match request:
            case Ping():
                since = self._native_since
                self._send(Pong(seq=request.seq, busy_s=time.monotonic() - since if since else 0.0))
            case Cancel():
                self._cancel(request.id)
            case _:
                self._enqueue(request)

    def _enqueue(self, request: Work) -> None:
        with self._state:
            self._order += 1
            job = _Job(_priority(request), self._order, request)
            self._jobs[request.id] = job
            heapq.heappush(self._queue, job)
            running = self._running
            urgent = running is not None and job.priority < running.priority and job.priority != _LOAD
            if urgent and self._abort.worthwhile:
                self._abort.set(True)
            self._state.notify()

    def _cancel(self, request_id: int) -> None:
        with self._state:
            if job := self._jobs.get(request_id):
                job.cancelled = True
                if job is self._running:
                    self._abort.set(True)
                self._state.notify()

    def _watch(self) -> None:
        slept = time.monotonic()
        while True:
            time.sleep(5)
            now = time.monotonic()
            if now - slept > PARENT_SILENCE_S / 2:
                self._heard = now  # we were asleep ourselves: a suspended machine
            slept = now
            if now - self._heard > PARENT_SILENCE_S:
                os._exit(3)

    # --- decode loop

    def _next(self) -> _Job:
        """The most important job; idle prefill that something else overtook is given up, not resumed."""
        with self._state:
            while not self._queue:
                self._state.wait()
            job = heapq.heappop(self._queue)
            self._give_up_less_than(job)
            self._running = job
            self._abort.set(False)
            return job

    def _give_up_less_than(self, job: _Job) -> None:
        """End less important preparations that stand half way: nothing else may touch the cells they work on.

        With the lock held.
        """
        for other in self._queue:
            if other.priority >= _PREFILL and other.priority > job.priority and other.steps is not None:
                other.cancelled = True
                other.steps.close()

    def _advance(self, job: _Job) -> None:
        request = job.request
        if job.cancelled:
            self._finish(job, Stats(finish="cancelled"))
        elif isinstance(request, Load):
            self._load(job, request)
        elif isinstance(request, Unload):
            self._drop(request.model)
            self._finish(job, Stats())
        elif isinstance(request, Count):
            tokens = self._loaded(request.model).count(request.texts)
            self._forget(job)
            self._send(Counted(id=request.id, tokens=tokens))
        else:
            self._step(job, request)

    def _step(self, job: _Job, request: Infill | Chat) -> None:
        model = self._loaded(request.model)
        if job.steps is None:

            def begin(stats: Stats) -> None:
                self._send(Begun(id=request.id, stats=stats))

            def emit(text: str, logprob: float) -> None:
                self._send(Piece(id=request.id, text=text, logprob=logprob))

            if isinstance(request, Infill):
                job.steps = model.infill(request, begin, emit)
            else:
                job.steps = model.chat(request, begin, emit)
        self._native_since = time.monotonic()
        try:
            next(job.steps)
        except StopIteration as end:
            self._finish(job, end.value)
            return
        except EngineError:
            model.forget()
            raise
        finally:
            self._native_since = None
        with self._state:
            self._running = None
            if job.priority >= _PREFILL and self._queue and self._queue[0].priority < job.priority:
                job.cancelled = True
                job.steps.close()  # it gives its scratch cells back before anything else runs
            heapq.heappush(self._queue, job)

    def _loaded(self, name: str) -> LoadedModel:
        if name not in self._models:
            raise EngineError(f"The model {name!r} is not loaded.")
        return self._models[name]

    def _load(self, job: _Job, request: Load) -> None:
        def progress(percent: int) -> None:
            self._send(Loading(id=request.id, percent=percent))

        self._drop(request.model)
        model = Model(request.path, on_progress=progress)
        n_ctx = min(request.context_tokens, model.context_limit or request.context_tokens)
        try:
            fim = model.fim_ids(request.fim)
            loaded = LoadedModel(model, fim=fim, n_ctx=n_ctx, threads=request.threads, abort=self._abort)
            if not request.chat:
                _ = loaded.filling
        except ZiError:
            model.close()
            raise
        self._models[request.model] = loaded
        self._forget(job)
        self._send(Loaded(id=request.id, fim=fim is not None, context_tokens=n_ctx, description=model.description))

    def _drop(self, name: str) -> None:
        """Free a model, and end first what is under way on it: a generator must not outlive the cells it works on."""
        model = self._models.pop(name, None)
        if model is None:
            return
        with self._state:
            begun = [job for job in self._queue if job.steps is not None and job.request.model == name]
            self._queue = [job for job in self._queue if job not in begun]
            heapq.heapify(self._queue)
        for job in begun:
            self._finish(job, Stats(finish="cancelled"))
        model.close()

    def _finish(self, job: _Job, stats: Stats) -> None:
        if job.steps:
            job.steps.close()
        self._forget(job)
        self._send(Done(id=job.request.id, stats=stats))

    def _fail(self, job: _Job, error: ZiError) -> None:
        self._forget(job)
        kind = "EngineError"
        if isinstance(error, ModelError):
            kind = "ModelMisconfigured" if isinstance(error, ModelMisconfigured) else "ModelError"
        self._send(Failed(id=job.request.id, kind=kind, message=str(error), hint=error.hint))

    def _forget(self, job: _Job) -> None:
        with self._state:
            self._running = None
            self._jobs.pop(job.request.id, None)

    def _send(self, reply: Reply) -> None:
        frame = encode(reply)
        with self._write_lock:
            try:
                self._stdout.write(frame)
                self._stdout.flush()
            except (BrokenPipeError, OSError):
                os._exit(0)


def _priority(request: Work) -> int:
    match request:
        case Infill():
            return _PREFILL if request.prefill or request.speculative else _INFILL
        case Chat():
            return _QUIET if request.speculative else _CHAT
        case _:
            return _LOAD


def main() -> None:
    """Entry point of the child process."""
    # Ctrl-C in a terminal goes to the whole group; the parent decides when we end.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    stdin, stdout = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a native library prints must not get between our frames
    quiet_native_log()
    Worker(stdin, stdout).run()


if __name__ == "__main__":
    main()
