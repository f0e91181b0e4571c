"""One background thread for a library that must not be called from two threads at once.

Unlike `ThreadPoolExecutor` it runs the newest urgent job first, and its thread is a daemon: a long analysis that nobody
waits for any more must not keep the server from exiting.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["Worker"]

T = TypeVar("T")
_Job = tuple["Future[Any]", Callable[[], Any]]


class Worker:
    """A thread that is started by its first job and runs jobs one at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._urgent: list[_Job] = []
        self._patient: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._last: Callable[[], None] | None = None

    async def run(self, job: Callable[[], T], *, urgent: bool = False) -> T:
        """Run `job` in the thread and return what it returns, or raise what it raises.

        Urgent jobs go before the others, the newest first. Cancelling the caller takes the job out of the queue; one
        that has started runs to its end, and its result is dropped.
        Raises asyncio.CancelledError when the worker is closed.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._last is not None:
                future.cancel()
            elif urgent:
                self._urgent.append((future, job))
            else:
                self._patient.append((future, job))
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()
        return await asyncio.wrap_future(future)

    def close(self, last: Callable[[], None]) -> None:
        """Cancel what waits, and let the thread end with `last` once its present job is done. Does not block."""
        with self._changed:
            if self._last is not None:
                return
            self._last = last
            waiting = [*self._urgent, *self._patient]
            self._urgent.clear()
            self._patient.clear()
            self._changed.notify()
        for future, _ in waiting:
            future.cancel()

    def _loop(self) -> None:
        while (job := self._next()) is not None:
            self._perform(*job)
            del job  # an idle worker must not keep the last answer alive
        if self._last is not None:
            self._last()

    def _next(self) -> _Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._urgent or self._patient or self._last)
            if self._urgent:
                return self._urgent.pop()
            return self._patient.popleft() if self._patient else None

    @staticmethod
    def _perform(future: Future[Any], job: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001  handed to the awaiting caller, whatever it is
            future.set_exception(error)
        else:
            future.set_result(result)
