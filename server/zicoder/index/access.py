"""How this process has the index open: as its writer, as a follower of another's, or not at all.

One process writes, by `lock.py` on one machine and by `lease.py` where several share the store. The store and what
works on it (look-ups, indexer, names) are opened, replaced and dropped together, one change at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from zicoder.errors import CodeIndexError, IndexBusy, IndexDamaged
from zicoder.index.indexer import Indexer
from zicoder.index.lance import REMOTE
from zicoder.index.lease import Lease
from zicoder.index.lock import WriterLock
from zicoder.index.search import Searcher
from zicoder.index.static_embedder import StaticEmbedder
from zicoder.index.store import Store
from zicoder.index.symbols import StoreSymbols
from zicoder.index.threads import uninterrupted

__all__ = ["Access"]

log = logging.getLogger("zicoder.index")


class Access:
    """The index kept in `folder`, or at `location` if that names an object store or another folder."""

    def __init__(
        self,
        folder: Path,
        location: str,
        embedder: StaticEmbedder,
        *,
        look_ups: Callable[[Store], Searcher],
        writer: Callable[[Store], Indexer],
        on_drop: Callable[[], None],
    ) -> None:
        """`look_ups` and `writer` make what works on a store that was opened; `on_drop`: it is about to be closed."""
        self.store: Store | None = None
        self.searcher: Searcher | None = None
        self.symbols: StoreSymbols | None = None
        self.indexer: Indexer | None = None
        """Only where this process writes."""
        lock = WriterLock(folder)
        self._shared = REMOTE in location
        self._lock = Lease(location, lock) if self._shared else lock
        self._open = partial(
            Store.open, location or str(folder), dimension=embedder.dimension, vectors=embedder.name,
            guard=self._lock.check,
        )  # fmt: skip
        self._look_ups = look_ups
        self._writer = writer
        self._on_drop = on_drop
        self._changing = asyncio.Lock()

    @property
    def may_write(self) -> bool:
        """Whether the right to write is still this process's, whatever is open."""
        return self._lock.held

    def check(self) -> None:
        """Raises IndexBusy when this process may not write."""
        self._lock.check()

    async def open(self) -> None:
        """Open the store, as its writer if no other process is, else for reading. Raises CodeIndexError."""
        taken = await self._take()
        async with self._changing:
            if self.indexer is None:
                await self._open_store(write=taken)

    async def open_to_write(self) -> Indexer:
        """The indexer, the store being opened for writing if it was not. Raises IndexBusy, CodeIndexError."""
        async with self._changing:
            if self.indexer is None:
                if not await uninterrupted(asyncio.to_thread(self._lock.take)):
                    raise IndexBusy("Another Zi Coder process keeps this index up to date.", hint="It needs no help.")
                await self._open_store(write=True)
            assert self.indexer is not None
            return self.indexer

    async def take_over(self) -> None:
        """A follower becomes the writer if there is none any more. Raises CodeIndexError."""
        if await self._take():
            async with self._changing:
                await self._drop_store()
                await self._open_store(write=True)

    async def step_down(self) -> None:
        """The writer lets another process write; nothing is open then."""
        async with self._changing:
            await self._drop_store()
            await asyncio.to_thread(self._lock.release)

    async def make_anew(self, damaged: Store | None) -> None:
        """Replace a store that failed, once for everybody who noticed. Raises CodeIndexError.

        One that is shared is only opened again: what failed may be the way to it, and others have it, too.
        """
        async with self._changing:
            if self.store is damaged:
                await self._drop_store()
                await self._open_store(write=True, anew=not self._shared)

    async def reopen(self, searcher: Searcher) -> None:
        """A follower's look-ups failed: the writer made the index anew."""
        async with self._changing:
            if searcher is self.searcher and self.indexer is None:
                with contextlib.suppress(CodeIndexError):
                    await self._open_store(write=False)

    async def drop(self) -> None:
        """Close the store; the right to write stays."""
        async with self._changing:
            await self._drop_store()

    # --- details

    async def _take(self) -> bool:
        """Take the right to write if it is free. A store that cannot be written, or not just now, can be followed."""
        try:
            return await uninterrupted(asyncio.to_thread(self._lock.take))
        except IndexDamaged as damage:
            log.info("%s", damage.sentence)
            return False

    async def _open_store(self, *, write: bool, anew: bool = False) -> None:
        opened = await uninterrupted(asyncio.to_thread(partial(self._open, write=write, anew=anew)))
        self.store = opened
        self.symbols = StoreSymbols(opened)
        self.searcher = self._look_ups(opened)
        self.indexer = self._writer(opened) if write else None

    async def _drop_store(self) -> None:
        self._on_drop()
        indexer, self.store, self.searcher, self.symbols, self.indexer = self.indexer, None, None, None, None
        if indexer is not None:
            await indexer.close()
