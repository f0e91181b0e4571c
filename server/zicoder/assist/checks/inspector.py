"""The parent's side of the process that reads texts: one at a time, started by the first question, ended when stuck.

What it must never do: block the event loop, or let a text that ends the process do more than cost its own answer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, TypeVar

import msgspec

from zicoder.assist.checks.frames import Answer, Request
from zicoder.index.child import Child

__all__ = ["MAX_CHARS", "Inspector"]

log = logging.getLogger("zicoder.assist")

MAX_CHARS = 2_000_000
"""Longest text that is looked at."""
STUCK_S = 10.0
"""A file of 30,000 lines takes about a second."""

T = TypeVar("T")


class Inspector:
    """Asks questions of `child.py`. Questions wait for each other; one cancelled while it waits is not asked."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._child = Child("zicoder.assist.checks.child", stuck_s=STUCK_S)
        self._closed = False
        self._reported: set[str] = set()

    async def ask(self, question: str, kind: type[T], *arguments: Any) -> T | None:
        """The answer, as `kind`; None when there is none: a text too long, one that crashes or hangs the process."""
        if self._closed or any(isinstance(each, str) and len(each) > MAX_CHARS for each in arguments):
            return None
        sound = [
            each.encode("utf-8", "replace").decode() if isinstance(each, str) else each for each in arguments
        ]  # half of a surrogate pair is as long as the "?" in its place
        async with self._turn:
            asked = asyncio.ensure_future(asyncio.to_thread(self._ask, Request(question, sound)))
            try:
                value = await asyncio.shield(asked)
            except asyncio.CancelledError:
                await asyncio.wait([asked])  # the process answers one question after the other
                raise
        try:
            return None if value is None else msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            log.error("a check answered nonsense: %s", error)
            return None

    def close(self) -> None:
        """End the process for good."""
        self._closed = True
        self._child.kill()

    def _ask(self, request: Request) -> Any:
        if self._closed:
            return None
        answer = self._child.ask(request, Answer, lambda error: log.info("no %s check: %s", request.question, error))
        if answer is not None and answer.error:
            self._report(request.question, answer.error)
        return answer.value if answer is not None else None

    def _report(self, question: str, error: str) -> None:
        """A mistake of ours or of a grammar, told once for each question; the checks go on without it."""
        level = logging.DEBUG if question in self._reported else logging.WARNING
        self._reported.add(question)
        log.log(level, "No %s check: %s", question, error.strip().rpartition("\n")[2])
        log.debug("%s", error)
