"""Other suggestions for a place, for somebody who asked by hand and goes through them.

Each begins with another token than those before it; for the rest they are made, put right and checked as the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from zicoder.complete.flight import Flight
from zicoder.complete.gate import INVOKED
from zicoder.complete.hole import Hole
from zicoder.complete.trace import Trace
from zicoder.errors import ZiError
from zicoder.text import Snapshot

__all__ = ["Others"]

MOST = 2
TRIES = 4
"""Beginnings that are looked into: some come to nothing, or to the same."""
PATIENCE_S = 2.0
"""Of somebody who has one suggestion already, for all others together."""

Make = Callable[[Flight, Hole, Trace, int], Awaitable[None]]
"""Makes the answer that passes over so many of the likeliest beginnings. Raises TimeoutError, ZiError."""


class Others:
    """The other suggestions of the place that was asked about last."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._last: tuple[str, str, int, str] | None = None
        self._found: list[str] = []

    async def beside(self, shown: str, snapshot: Snapshot, hole: Hole) -> list[str]:
        """What else could stand there, the likeliest first; as much as is found in time."""
        offset = len(hole.prefix)
        key = snapshot.uri, snapshot.text, offset, shown
        if self._last == key:
            return self._found
        found: list[str] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                for rank in range(1, TRIES + 1):
                    text = await self._one(snapshot, hole, rank)
                    if text.strip() and text.strip() not in {each.strip() for each in (shown, *found)}:
                        found.append(text)
                    if len(found) == MOST:
                        break
        except (TimeoutError, ZiError):
            pass  # the first one stands all the same
        self._last, self._found = key, found
        return found

    async def _one(self, snapshot: Snapshot, hole: Hole, rank: int) -> str:
        position = snapshot.lines.position(len(hole.prefix))
        trace = Trace(snapshot.uri, position.line, position.column, INVOKED)
        flight = Flight(snapshot, len(hole.prefix), lambda made: self._work(made, hole, trace, rank))
        try:
            await flight.wait()
        finally:
            flight.cancel()
        return flight.text

    async def _work(self, flight: Flight, hole: Hole, trace: Trace, rank: int) -> None:
        await self._make(flight, hole, trace, rank)
