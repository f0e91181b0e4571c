"""Work-done progress for something that runs in the background and tells of its steps from anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from lsprotocol import types

from zicoder.events import Progress

__all__ = ["BackgroundProgress"]

log = logging.getLogger("zicoder.lsp")

SHOW_AFTER_S = 0.5
"""What is over sooner needs no bar."""
PAUSE_S = 0.2
"""Between two reports."""


class BackgroundProgress:
    """A sink for `Progress` that shows it in the editor, if the client can (`bars` is None where it can't).

    The bar appears when work takes longer than SHOW_AFTER_S and goes at 100 %, at `Progress(done=total)`, or on exit.
    A later `Progress` begins a new one.
    """

    def __init__(self, bars: Any, title: str, *, stop: Callable[[], object] | None = None) -> None:
        """`stop` is called when the person stops it in the editor; without it that is not offered."""
        self._bars = bars
        self._stop = stop
        self._title = title
        self._token: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._latest: Progress | None = None
        self._wake = asyncio.Event()

    async def __aenter__(self) -> Callable[[Progress], None]:
        if self._bars is not None:
            self._task = asyncio.create_task(self._show())
        return self._take

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._end()

    def _take(self, progress: Progress) -> None:
        self._latest = progress
        self._wake.set()

    async def _show(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            begun = time.monotonic()
            while not _over(self._latest):
                await asyncio.sleep(PAUSE_S)
                if self._token is None and time.monotonic() - begun > SHOW_AFTER_S:
                    await self._begin()
                if self._token is not None:
                    self._bars.report(
                        self._token,
                        types.WorkDoneProgressReport(message=_text(self._latest), percentage=_percent(self._latest)),
                    )
            self._end()

    async def _begin(self) -> None:
        token = f"zi-work-{uuid.uuid4()}"
        try:
            await self._bars.create_async(token)
        except Exception as error:  # noqa: BLE001 - whatever a client does wrong here, the work goes on
            log.info("the editor shows no progress: %s", error)
            await asyncio.Event().wait()  # until this is cancelled: it is not asked again
        begin = types.WorkDoneProgressBegin(title=self._title, percentage=0, cancellable=self._stop is not None)
        self._bars.begin(token, begin)
        self._token = token
        if self._stop is not None:
            self._bars.tokens[token].add_done_callback(self._stopped)

    def _stopped(self, asked: Future[Any]) -> None:
        if self._stop is not None and asked.cancelled():
            self._stop()

    def _end(self) -> None:
        token, self._token = self._token, None
        if token is not None:
            self._bars.end(token, types.WorkDoneProgressEnd())


def _over(progress: Progress | None) -> bool:
    return progress is None or (progress.total is not None and progress.done >= progress.total)


def _percent(progress: Progress | None) -> int | None:
    """None leaves the bar where it is."""
    return min(100, 100 * progress.done // progress.total) if progress and progress.total else None


def _text(progress: Progress | None) -> str:
    return progress.detail if progress else ""
