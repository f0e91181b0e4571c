"""The suggestion that follows the one that stands, made while that is being read, as if it had been accepted.

Owns whether it is still worth its cost: nobody waits for it, and it ends as soon as the one before is not going to be
accepted. What it finds goes into the cache.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from zicoder.complete.cache import Cached, SuggestionCache
from zicoder.complete.flight import Flight
from zicoder.complete.gate import INVOKED, refuse
from zicoder.complete.hole import Hole
from zicoder.complete.scope import place_at
from zicoder.complete.trace import Trace
from zicoder.errors import ZiError
from zicoder.settings import CompletionSettings
from zicoder.text import Snapshot

__all__ = ["Foresight"]

log = logging.getLogger("zicoder.complete")

Make = Callable[[Flight, Hole, Trace], Awaitable[None]]
"""Makes an answer that nobody waits for. Raises TimeoutError, ZiError."""


class Foresight:
    """What follows the last suggestion."""

    def __init__(self, make: Make, cache: SuggestionCache) -> None:
        self._make = make
        self._cache = cache
        self._task: asyncio.Task[None] | None = None
        self._shown: Cached | None = None
        """The suggestion that stands,"""
        self._foreseen = "", ""
        """and its document with the text as it will be."""
        self.flight: Flight | None = None
        """What follows, while it is being made."""

    @property
    def busy(self) -> bool:
        """Whether something is being made."""
        return self._task is not None and not self._task.done()

    def begin(self, snapshot: Snapshot, offset: int, text: str, settings: CompletionSettings) -> None:
        """A suggestion is shown."""
        if not settings.on("speculation"):
            return
        self._shown = Cached.of(snapshot, offset, text)
        foreseen = snapshot.uri, snapshot.text[:offset] + text + snapshot.text[offset:]
        if self._task is not None:
            if self._foreseen == foreseen and not self._task.cancelled():
                return  # the suggestion is being typed: what follows it is the same
            self._task.cancel()
        self._foreseen = foreseen
        self._task = asyncio.create_task(
            self._follow_on(replace(snapshot, text=foreseen[1]), offset + len(text), settings)
        )

    def seen(self, snapshot: Snapshot, offset: int) -> None:
        """The cursor rests here. Where the suggestion does not stand any more, nothing follows it."""
        typed = self._shown.typed(snapshot, offset) if self._shown else None
        if self._shown and (typed is None or not self._shown.text.startswith(typed)):
            self.stop()

    def stop(self) -> None:
        """Something is wanted at once, or the suggestion is gone."""
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """Stop, and wait for the end."""
        self.stop()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow_on(self, snapshot: Snapshot, offset: int, settings: CompletionSettings) -> None:
        hole = place_at(snapshot, offset, settings)
        if self._cache.find(snapshot, offset) is not None or refuse(hole, INVOKED, settings):
            return
        position = snapshot.lines.position(offset)
        trace = Trace(snapshot.uri, position.line, position.column, "foreseen")

        async def make(flight: Flight) -> None:
            try:
                await self._make(flight, hole, trace)
            except TimeoutError:
                return  # who joined asks for itself
            if flight.text and trace.stats and trace.stats.finish != "cancelled":
                self._cache.put(Cached.of(snapshot, offset, flight.text, "", trace.model, flight.logprob))

        self.flight = flight = Flight(snapshot, offset, make)
        try:
            await flight.wait()
        except ZiError:
            return  # nobody asked for it
        except Exception:
            log.exception("internal error while making what follows a suggestion")
        finally:
            flight.cancel()
            if self.flight is flight:
                self.flight = None
