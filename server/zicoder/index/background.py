"""Work that nobody waits for: begun, put off, replaced, and ended all together.

Keeps the tasks, and tells failures to the log. Must not know what the work is about.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any

from zicoder.errors import ZiError

__all__ = ["Background"]

log = logging.getLogger("zicoder.index")


class Background:
    """The tasks of one owner, on the event loop that it was made for."""

    def __init__(self) -> None:
        self.ending = asyncio.Event()
        """Set when everything has to come to its end."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._standing: set[asyncio.Task[Any]] = set()
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that comes to an end; `settled` waits for it."""
        _kept(work, self._tasks)

    def stand(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work that goes on until `close`; `settled` does not wait for it."""
        return _kept(work, self._standing)

    def instead(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        """Work that ends what was begun for this key and has not ended."""
        self.forget(key)
        task = self._waiting[key] = asyncio.create_task(work)

        def done(finished: asyncio.Task[None]) -> None:
            if self._waiting.get(key) is finished:
                del self._waiting[key]
            _log_failure(finished)

        task.add_done_callback(done)

    def forget(self, key: str) -> None:
        """End what was begun for this key."""
        if waiting := self._waiting.pop(key, None):
            waiting.cancel()

    async def sleep(self, seconds: float) -> None:
        """Until then, or until everything ends."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ending.wait(), seconds)

    async def settled(self) -> None:
        """Wait until everything has ended but what stands."""
        while tasks := [*self._waiting.values(), *self._tasks]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """End everything, and wait until it has."""
        self.ending.set()
        tasks = [*self._tasks, *self._standing, *self._waiting.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _kept(work: Coroutine[Any, Any, None], among: set[asyncio.Task[Any]]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    among.add(task)
    task.add_done_callback(among.discard)
    task.add_done_callback(_log_failure)
    return task


def _log_failure(task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if isinstance(error, ZiError):
        log.warning("%s", error.sentence)
    elif error is not None:
        log.error("internal error of the index", exc_info=error)
