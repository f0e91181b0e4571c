"""The second tier: vectors of a better embedder, made while nobody needs the machine, used wherever they exist.

Files that the user works with come first. A keystroke stops the work at once; a restart goes on where it stopped.
Search never waits for the embedder longer than a moment: without an answer the first tier's is good enough.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError as FutureCancelled
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zicoder.errors import EngineCrashed, EngineError, IndexDamaged, ZiError
from zicoder.index.ranking import is_aside
from zicoder.index.store import Store
from zicoder.index.store_vectors import VectorTable
from zicoder.index.threads import uninterrupted

__all__ = ["Embedder", "Enricher", "embedded_text"]

log = logging.getLogger("zicoder.index")

BATCH = 32
"""Chunks embedded at a time: about half a second on two cores."""
MANY_ORPHANS = 20_000
"""Vectors beyond one for each chunk, kept for a branch that comes back: as many as these, or as there are chunks."""
WRITE_ROWS = 512
"""Vectors in one commit; a kill loses no more."""
QUERY_S = 0.25
"""How long a search waits for the vector of its question."""
QUIET_S = 3.0
"""Without a keystroke for so long, the machine counts as idle."""


class Embedder(Protocol):
    """What the index asks of an embedder; the models room provides them."""

    @property
    def name(self) -> str:
        """Identity of the vectors: those of two names cannot be compared."""
        ...

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Vectors (n, dimension) of unit length. Cancelling the task stops the work. Raises ZiError."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


def embedded_text(qualified: str, text: str) -> str:
    """What a better embedder reads of a chunk; the hash that its vector is kept by covers the same."""
    return f"{qualified}\n{text}" if qualified else text


class Enricher:
    """Fills the vector table of one store, and answers searches from it."""

    def __init__(
        self, store: Store, embedder: Embedder, *, write: bool, on_change: Callable[[int], None] = lambda _: None
    ) -> None:
        self.done = 0
        """Vectors that there are."""
        self.store = store
        self._embedder = embedder
        self._write = write
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._table: VectorTable | None = None
        self._working: asyncio.Task[NDArray[np.float32]] | None = None
        self._typed = float("-inf")
        self._recent: dict[str, float] = {}
        self._refused: set[str] = set()
        self._known: set[str] | None = None
        """The hashes that have a vector, once they were read."""
        self._missing: dict[str, tuple[int, str]] = {}
        """(row, path) of the chunks that have none, by their hash, among the rows looked at so far, which are:"""
        self._seen: NDArray[np.uint64] | None = None
        self.closed = False
        """Set when the store is no longer the one in use."""
        self._filled = -1
        """The store's version when nothing was missing."""

    def typed(self, path: str = "") -> None:
        """The user types (in this file): stop at once."""
        self._typed = time.monotonic()
        if path:
            self._recent[path] = self._typed
        if self._working is not None:
            self._working.cancel()

    async def fill(self, *, idle_only: bool = True) -> None:
        """Embed everything that has no vector yet. Raises ZiError."""
        version = await asyncio.to_thread(self.store.version)
        if version == self._filled:
            return
        if idle_only:
            await self._quiet()  # looking for what is missing is work, too
        missing = await asyncio.to_thread(self._look)
        made: dict[str, NDArray[np.float32]] = {}
        try:
            for at in range(0, len(missing), BATCH):
                if self.closed:
                    return
                texts = await asyncio.to_thread(self._texts, missing[at : at + BATCH])
                made |= await self._vectors_of(texts, idle_only=idle_only)
                if len(made) >= WRITE_ROWS:
                    written, made = made, {}
                    await self._keep(written)
        finally:
            if made:
                await self._keep(made)  # what was paid for is kept, whatever came after it
        if missing:
            await uninterrupted(asyncio.to_thread(self._tidy))
        self._filled = version

    def similar(self, query: str, hashes: Sequence[str], limit: int) -> Mapping[str, float]:
        """Similarity by text hash: of the nearest chunks, and of those of `hashes` that have a vector.

        For a thread. Empty when there are no vectors, or the embedder does not answer at once.
        """
        table = self._table
        if table is None or not self.done:
            return {}
        asked = asyncio.run_coroutine_threadsafe(self._embedder.embed([query], query=True), self._loop)
        try:
            vector = asked.result(QUERY_S)[0]
            return {**table.nearest(vector, limit), **table.similarities(vector, hashes)}
        except (TimeoutError, FutureCancelled):
            asked.cancel()
        except ZiError as error:
            log.info("no better vectors for a search: %s", error)
        return {}

    async def begin(self) -> None:
        """Open the table, if there is one already or this process writes; count what it holds. Raises ZiError."""
        try:
            await self._open()
        except IndexDamaged as damage:
            if not self._write:
                raise
            log.warning("%s The better vectors are made anew.", damage)
            await self._open(anew=True)

    async def _open(self, *, anew: bool = False) -> None:
        if self._table is not None and not anew:
            self.done = await asyncio.to_thread(self._table.count)
            return
        dimension = getattr(self._embedder, "dimension", 0)
        if not dimension:
            dimension = int((await self._embedder.embed(["size"], query=True)).shape[1])
        self._table = await uninterrupted(
            asyncio.to_thread(
                VectorTable.open, self.store.database, self._embedder.name, dimension, write=self._write, anew=anew
            )
        )
        self._known = None
        if self._table is not None:
            self.done = await asyncio.to_thread(self._table.count)

    # --- details

    def _look(self) -> list[tuple[str, int]]:
        """Hash and row of every chunk without a vector, those first that the user is likely to ask for.

        Only of rows that have come since the last look anything is read.
        """
        if self._table is None:
            return []
        if self._known is None or self._seen is None:
            self._known, self._seen = self._table.known(), np.empty(0, np.uint64)
            self._missing = {}
        self._seen, come = self.store.come_since(self._seen, "text_hash", "path")
        for row, text_hash, path in come:
            if text_hash not in self._known and text_hash not in self._refused:
                self._missing[text_hash] = (row, path)
        self.done = len(self._known)
        order = sorted(
            (-self._recent.get(path, -1.0 - is_aside(path)), row, text_hash)
            for text_hash, (row, path) in self._missing.items()
        )
        return [(text_hash, row) for _, row, text_hash in order]

    def _texts(self, wanted: Sequence[tuple[str, int]]) -> dict[str, str]:
        """What to embed, by hash; a row may have gone meanwhile, with the whole table even."""
        found = self.store.embeddable([row for _, row in wanted])
        for gone in dict(wanted).keys() - found.keys():
            self._missing.pop(gone, None)
            self._seen = None  # another row, seen long ago, may have the same text
        return {text_hash: embedded_text(*found[text_hash]) for text_hash, _ in wanted if text_hash in found}

    async def _vectors_of(self, texts: dict[str, str], *, idle_only: bool) -> dict[str, NDArray[np.float32]]:
        """Vectors by hash; a text that the embedder refuses by itself is left out, and not asked for again."""
        if not texts:
            return {}
        try:
            return dict(zip(texts, await self._embed(list(texts.values()), idle_only=idle_only), strict=True))
        except EngineError:
            if len(texts) == 1:
                raise
        made: dict[str, NDArray[np.float32]] = {}
        refused: dict[str, EngineError] = {}
        for text_hash, text in texts.items():
            try:
                made[text_hash] = (await self._embed([text], idle_only=idle_only))[0]
            except EngineError as error:
                refused[text_hash] = error
        if not made:
            raise next(iter(refused.values()))  # it is not the texts
        self._refused |= refused.keys()
        for text_hash in refused:
            self._missing.pop(text_hash, None)
        return made

    async def _quiet(self) -> None:
        while (pause := self._typed + QUIET_S - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(pause)  # the end moves with every keystroke

    async def _embed(self, texts: Sequence[str], *, idle_only: bool) -> NDArray[np.float32]:
        """The vectors, begun again each time that typing interrupted it."""
        crashes = 0
        while True:
            if idle_only:
                await self._quiet()
            self._working = asyncio.ensure_future(self._embedder.embed(texts))
            try:
                await asyncio.wait([self._working])
                if not self._working.cancelled():
                    return self._working.result()
            except EngineCrashed:
                crashes += 1
                if crashes > 1:
                    raise
            finally:
                self._working.cancel()
                self._working = None

    def _tidy(self) -> None:
        if self._table is None:
            return
        rows = self.store.count()
        if self.done > rows + max(MANY_ORPHANS, rows):
            self._table.keep_only(text_hash for _, text_hash in self.store.column("text_hash"))
            self._known = None
        self._table.tend()

    async def _keep(self, made: dict[str, NDArray[np.float32]]) -> None:
        table = self._table
        if table is None or self.closed:
            return
        await uninterrupted(asyncio.to_thread(table.add, list(made), np.stack(list(made.values()))))
        if self._known is not None:
            self._known |= made.keys()
        for text_hash in made:
            self._missing.pop(text_hash, None)
        self.done += len(made)
        self._on_change(self.done)
