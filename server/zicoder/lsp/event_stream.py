"""What a command tells, on its way to the editor: numbered messages, at least `PAUSE_S` apart.

Owns the pace and the numbers. What comes within one pause goes out in one message, pieces of text put together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["PAUSE_S", "EventStream"]

PAUSE_S = 0.05
"""Seconds between two messages."""


class EventStream:
    """The stream of one command."""

    def __init__(
        self,
        send: Callable[[dict[str, Any]], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`send` sends one message: `{"seq": 1, "events": [...]}`."""
        self._send = send
        self._clock = clock
        self._sleep = sleep
        self._sequence = 0
        self._waiting: list[dict[str, Any]] = []
        self._sent = float("-inf")
        self._later: asyncio.Task[None] | None = None

    def put(self, value: dict[str, Any]) -> None:
        """Send a value: before this returns, or when the pause after the last message is over."""
        last = self._waiting[-1] if self._waiting else None
        if last is not None and last["kind"] == value["kind"] == "delta":
            last["text"] += value["text"]
        else:
            self._waiting.append(dict(value))
        if self._later is not None and not self._later.done():
            return
        if self._left() <= 0:
            self._flush()
        else:
            self._later = asyncio.create_task(self._rest())

    async def close(self) -> None:
        """Wait until everything is sent."""
        if self._later is not None:
            await self._later

    async def _rest(self) -> None:
        while (left := self._left()) > 0:
            await self._sleep(left)
        self._flush()

    def _left(self) -> float:
        """Seconds of the pause that are left."""
        return self._sent + PAUSE_S - self._clock()

    def _flush(self) -> None:
        values, self._waiting = self._waiting, []
        self._sent = self._clock()
        self._sequence += 1
        self._send({"seq": self._sequence, "events": values})
