"""The second tier's life: on whatever store is open, filled where this process writes, at rest while it cannot be."""

from __future__ import annotations

import logging
from collections.abc import Callable

from zicoder.errors import ZiError
from zicoder.index.background import Background
from zicoder.index.enrich import Embedder, Enricher
from zicoder.index.search import Searcher

__all__ = ["SecondTier"]

log = logging.getLogger("zicoder.index")

ENRICH_S = 20.0
"""Between two looks for chunks that have no better vector yet."""
RETRY_S = 60.0
"""After a failure: its server is not started, its model is not there."""


class SecondTier:
    """The vectors of `embedder`; without one, there is no second tier, and everything here does nothing."""

    def __init__(self, embedder: Embedder | None, *, on_change: Callable[[int], None]) -> None:
        """`on_change` is told how many vectors there are."""
        self._embedder = embedder
        self._on_change = on_change
        self._enricher: Enricher | None = None
        self._kept = False

    async def begin(self, searcher: Searcher | None, *, write: bool) -> Enricher | None:
        """Have these look-ups use it. Raises ZiError."""
        if self._embedder is None or searcher is None:
            return None
        if self._enricher is None or self._enricher.store is not searcher.store:
            self._enricher = Enricher(searcher.store, self._embedder, write=write, on_change=self._on_change)
        enricher = self._enricher
        await enricher.begin()
        searcher.better = enricher
        self._on_change(enricher.done)
        return enricher

    def keep(self, background: Background, searcher: Callable[[], Searcher | None], writes: Callable[[], bool]) -> None:
        """Begin and fill it on what `searcher` gives from now on (None: not now)."""
        if self._embedder is not None and not self._kept:
            self._kept = True
            background.stand(self._keep(background, searcher, writes))

    async def _keep(
        self, background: Background, searcher: Callable[[], Searcher | None], writes: Callable[[], bool]
    ) -> None:
        told = ""
        while not background.ending.is_set():
            pause = ENRICH_S
            try:
                enricher = await self.begin(searcher(), write=writes())
                if enricher is not None and writes():
                    await enricher.fill()
            except ZiError as error:
                if error.sentence != told:
                    log.warning("Better vectors wait: %s", error.sentence)
                told, pause = error.sentence, RETRY_S
            await background.sleep(pause)

    def typed(self, path: str) -> None:
        """The user types (in this file): work under way stops at once."""
        if self._enricher is not None:
            self._enricher.typed(path)

    def drop(self) -> None:
        """Its store is closed."""
        if self._enricher is not None:
            self._enricher.closed = True
            self._enricher.typed()  # what it is just asking for goes nowhere
            self._enricher = None

    async def close(self) -> None:
        """Free the embedder."""
        if self._embedder is not None:
            await self._embedder.close()
