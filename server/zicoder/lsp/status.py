"""The `zi/status` notification and the progress of model loading: what the user sees of engine and index."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from lsprotocol import types

from zicoder.engine.status import EngineState, EngineStatus
from zicoder.errors import ModelNotInstalled, ZiError

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.index.code_index import IndexStatus

__all__ = ["STATUS", "StatusReporter"]

STATUS = "zi/status"
MIN_PAUSE_S = 0.05
"""At most one notification in this time; the last state always goes out."""

_TEXT = {
    "off": "Inline suggestions are switched off.",
    "starting": "The engine is starting.",
    "loading": "The model is loading.",
    "ready": "Ready.",
    "busy": "Working on a suggestion.",
}
_STATE = {EngineState.DOWN: "starting"}


class Progress(Protocol):
    """The part of pygls' work-done progress used here."""

    async def create_async(self, token: str) -> object: ...
    def begin(self, token: str, value: types.WorkDoneProgressBegin) -> None: ...
    def report(self, token: str, value: types.WorkDoneProgressReport) -> None: ...
    def end(self, token: str, value: types.WorkDoneProgressEnd) -> None: ...


class StatusReporter:
    """Folds the states of engine and index, model and latency into one message, and sends it when it changes."""

    def __init__(
        self, notify: Callable[[str, Mapping[str, Any]], None], progress: Callable[[], Progress | None]
    ) -> None:
        self._notify = notify
        self._progress = progress
        self._engine = EngineStatus(EngineState.DOWN)
        self._error: ZiError | None = None
        self._enabled = True
        self._model: str | None = None
        self._latency: float | None = None
        self._index: dict[str, Any] = {"state": "off", "files": None, "message": "", "hint": ""}
        self._sent: dict[str, Any] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._token: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def current(self) -> dict[str, Any]:
        """The message as it would be sent now."""
        error = self._error or self._engine.error
        state = self._state(error)
        return {
            "state": state,
            "model": self._model,
            "message": str(error) if error else _TEXT.get(state, ""),
            "hint": error.hint if error else "",
            "lastLatencyMs": self._latency,
            "percent": self._engine.percent,
            "index": self._index,
        }

    def _state(self, error: ZiError | None) -> str:
        if not self._enabled:
            return "off"
        if isinstance(error, ModelNotInstalled):
            return "noModel"
        if self._engine.state in (EngineState.STOPPED, EngineState.CRASHED):
            return self._engine.state.value
        if error is not None:
            return "unavailable"
        return _STATE.get(self._engine.state, self._engine.state.value)

    def engine(self, status: EngineStatus) -> None:
        """The engine's status changed."""
        was, self._engine = self._engine, status
        if status.state is EngineState.READY and isinstance(self._error, ModelNotInstalled):
            self._error = None  # it was installed since
        self._show_loading(was.state is EngineState.LOADING)
        if status.state is EngineState.CRASHED:
            if self._timer is not None:
                self._timer.cancel()
            self._send()  # the restart follows at once, and would hide that there was a crash
        else:
            self._schedule()

    def model(self, name: str | None, error: ZiError | None, *, enabled: bool) -> None:
        """Which model is in use, or why none is."""
        self._model, self._error, self._enabled = name, error, enabled
        self._schedule()

    def ready(self) -> None:
        """A model that needs no engine is in use."""
        self.engine(EngineStatus(EngineState.READY))

    def latency(self, ms: float) -> None:
        """A suggestion took this long."""
        self._latency = round(ms)
        self._schedule()

    def index(self, status: IndexStatus) -> None:
        """What the code index does has changed."""
        error = status.error
        self._index = {
            "state": str(status.state),
            "files": status.files or None,
            "message": str(error) if error else "",
            "hint": error.hint if error else "",
        }
        self._schedule()

    def no_index(self, reason: ZiError) -> None:
        """There is no code index, and why."""
        self._index = {"state": "off", "files": None, "message": str(reason), "hint": reason.hint}
        self._schedule()

    def close(self) -> None:
        """Say nothing more: after `shutdown` nobody listens, and after `exit` there is nothing to write to."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(MIN_PAUSE_S, self._send)

    def _send(self) -> None:
        self._timer = None
        message = self.current
        if message != self._sent:
            self._sent = message
            self._notify(STATUS, message)

    def _show_loading(self, was_loading: bool) -> None:
        progress, percent = self._progress(), self._engine.percent
        if progress is None:
            return
        if self._engine.state is EngineState.LOADING:
            if not was_loading:
                self._token = f"zi-load-{uuid.uuid4()}"
                task = asyncio.create_task(self._begin(progress, self._token))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            elif self._token and not self._tasks:
                progress.report(self._token, types.WorkDoneProgressReport(percentage=percent))
        elif was_loading and self._token and not self._tasks:
            progress.end(self._token, types.WorkDoneProgressEnd())
            self._token = None

    async def _begin(self, progress: Progress, token: str) -> None:
        """Ask the client for a progress bar; by the time it says yes, the loading may be over."""
        await progress.create_async(token)
        title = f"Zi Coder: loading {self._model or 'model'}"
        progress.begin(token, types.WorkDoneProgressBegin(title=title, percentage=self._engine.percent or 0))
        if self._engine.state is not EngineState.LOADING:
            progress.end(token, types.WorkDoneProgressEnd())
            self._token = None
