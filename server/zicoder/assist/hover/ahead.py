"""Writes explanations of what is around the cursor while nobody works, so that hovers have them.

Owns when. Every answer costs all cores for seconds, so it begins when the cursor has rested and `idle` says that the
machine has nothing to do, and ends when either changes. What it must never do: load a model, or ask one elsewhere; the
caller's `ask` sees to that, and to its rank in the engine, where anything else ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from zicoder.assist.hover.explaining import Ask, Explaining
from zicoder.assist.hover.targets import Targets
from zicoder.errors import ZiError
from zicoder.text import Snapshot

__all__ = ["Ahead"]

log = logging.getLogger("zicoder.assist")

REST_S = 15.0
"""So long the cursor must have rested."""
NOTICE_S = 0.2
"""How soon somebody who begins to work has the machine back, beside what the engine does by itself."""
MOST = 3
"""Definitions around one place."""
LONGEST = 120
"""Lines. Of a longer one a small model understands little."""


class Ahead:
    """One place at a time, the latest."""

    def __init__(
        self, ask: Ask, *, calm: Callable[[], bool], idle: Callable[[], bool], rest: float = REST_S, most: int = MOST
    ) -> None:
        """`calm` is asked before anything is written, `idle` all the time. `rest`: in seconds."""
        self._ask = ask
        self._calm = calm
        self._idle = idle
        self._rest = rest
        self._most = most
        self._task: asyncio.Task[None] | None = None

    def cursor(self, snapshot: Snapshot, path: str, line: int, *, targets: Targets, explaining: Explaining) -> None:
        """The cursor has come to rest at a line of a document, whose path below the root is `path`."""
        self.stop()
        self._task = asyncio.create_task(self._write(snapshot, path, line, targets, explaining))
        self._task.add_done_callback(_ended)

    def stop(self) -> None:
        """The user works: whatever is being written ends."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _write(self, snapshot: Snapshot, path: str, line: int, targets: Targets, explaining: Explaining) -> None:
        await asyncio.sleep(self._rest)
        if not self._calm():
            return
        found = await targets.around(snapshot, path, line, 2 * self._most)
        short = [each for each in found if each.definition.end - each.definition.start <= LONGEST]
        for target in short[: self._most]:
            if not self._idle():
                return
            writing = asyncio.ensure_future(explaining.written(target, self._ask))
            try:
                while not writing.done():
                    await asyncio.wait([writing], timeout=NOTICE_S)
                    if not writing.done() and not self._idle():
                        return
                writing.result()
            except ZiError as error:
                log.info("nothing is explained ahead: %s", error.sentence)
                return
            finally:
                writing.cancel()
                with contextlib.suppress(asyncio.CancelledError, ZiError):
                    await writing


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("internal error in explaining ahead", exc_info=error)
