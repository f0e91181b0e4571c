"""The code index of one project, as the other rooms see it: kept up to date by itself, searched at any time.

One process writes, the others follow (`access.py`); who follows takes over when the writer is gone, and a writer that
has lost the right follows. Nothing here blocks the event loop: disk, store and readers work in threads and processes.
Search never waits for an update.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from zicoder.errors import CodeIndexError, IndexBusy, IndexDamaged, IndexFull, InputError, ZiError
from zicoder.events import ProgressSink, ignore_progress
from zicoder.index.access import Access
from zicoder.index.background import Background
from zicoder.index.enrich import Embedder
from zicoder.index.indexer import Indexer, Report
from zicoder.index.questions import Questions
from zicoder.index.readers import Readers
from zicoder.index.search import Hit, Scope, Searcher
from zicoder.index.second_tier import SecondTier
from zicoder.index.static_embedder import StaticEmbedder
from zicoder.index.status import IndexState, IndexStatus
from zicoder.index.store import Store
from zicoder.index.symbols import Symbol
from zicoder.index.unsaved import Unsaved
from zicoder.index.walk import MAX_FILE_BYTES, FileFilter
from zicoder.index.watch import watch

__all__ = ["CodeIndex", "IndexState", "IndexStatus"]

log = logging.getLogger("zicoder.index")

TYPING_S = 0.7
"""So long after a keystroke a build holds still."""
TYPING_PATIENCE_S = 2.0
"""But no longer than this for one batch: who types all day gets an index, too."""
UNSAVED_DELAY_S = 0.3
"""Unsaved text is looked at when the typing pauses for this long."""
TAKE_OVER_S = 5.0
"""How often a follower asks whether the writer has gone, and a writer whether it still is one."""
FIRST_RETRY_S = 1.0
RETRY_S = 60.0
"""After a failure that may pass: a full disk, a damaged index that could not be rebuilt at once."""
REST_S = 60.0
"""Reader processes are ended when nothing was read for this long."""

T = TypeVar("T")


class CodeIndex:
    """The index of the project at `root`, kept in `folder` (on this machine) or at `location` (an object store)."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        *,
        location: str = "",
        max_bytes: int = MAX_FILE_BYTES,
        exclude: Sequence[str] = (),
        embedder: Embedder | None = None,
        on_status: Callable[[IndexStatus], None] = lambda _: None,
    ) -> None:
        self.root = root
        self.status = IndexStatus(IndexState.CLOSED)
        self._on_status = on_status
        self._filter = FileFilter(root, max_bytes=max_bytes, ignore=exclude)
        self._readers = Readers(root, max_bytes=max_bytes)
        self._embedder = StaticEmbedder.load()
        self._unsaved = Unsaved(self._embedder.dimension)
        self._tier = SecondTier(embedder, on_change=self._enriched)
        self._access = Access(
            folder,
            location,
            self._embedder,
            look_ups=lambda store: Searcher(store, self._embedder, self._unsaved),
            writer=lambda store: Indexer(root, store, self._readers, self._filter),
            on_drop=self._tier.drop,
        )
        self._background = Background()
        self._questions = Questions(self._access, self._background, self._failed)
        self._typed = 0.0
        self._mended = float("-inf")
        self._read = 0.0

    async def __aenter__(self) -> CodeIndex:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- life

    @property
    def writes(self) -> bool:
        """Whether this process keeps the index up to date."""
        return self._access.indexer is not None

    async def open(self) -> None:
        """Open the store, as its writer if no other process is, else for reading. Raises CodeIndexError."""
        await self._access.open()

    async def run(self, progress: ProgressSink = ignore_progress) -> None:
        """Open, bring up to date and keep so, until `close`. Failures are told as status, and tried again."""
        told, pause = "", FIRST_RETRY_S
        while not self._background.ending.is_set():
            try:
                await self._run(progress)
                return
            except IndexBusy as error:
                log.info("%s", error.sentence)
                await self._access.step_down()
            except (CodeIndexError, InputError) as error:
                if self._background.ending.is_set():
                    return
                if error.sentence != told:
                    log.warning("%s", error.sentence)
                    told, pause = error.sentence, FIRST_RETRY_S
                self._tell(IndexState.FAILED, error)
                if isinstance(error, IndexDamaged):
                    await self._access.drop()
                else:
                    pause = RETRY_S
                await self._background.sleep(pause)
                pause = min(RETRY_S, 2 * pause)

    async def update(self, progress: ProgressSink = ignore_progress) -> Report:
        """Compare the whole project with the index and make them equal; a damaged index is made anew.

        Raises InputError (no such folder), IndexBusy (another process writes it), IndexFull.
        """
        await self._access.open_to_write()
        store = self._access.store
        try:
            return await self._update(progress)
        except IndexDamaged as damage:
            if self._background.ending.is_set():
                raise
            log.warning("%s It is made anew.", damage)
            await self._access.make_anew(store)
            return await self._update(progress)

    async def close(self) -> None:
        """Stop everything and let another process write."""
        await self._background.close()
        await asyncio.to_thread(self._readers.close)
        await self._access.step_down()
        await self._tier.close()
        self.status = IndexStatus(IndexState.CLOSED)

    # --- what the editor tells

    def relative(self, path: Path) -> str | None:
        """A file's path as the index knows it, None for one outside the root."""
        return self._filter.relative(str(path)) or None

    def typed(self, path: str = "") -> None:
        """The user is typing: heavy work holds still for a moment."""
        self._typed = time.monotonic()
        self._tier.typed(path)

    def document_changed(self, path: str, text: str) -> None:
        """A document has unsaved text; `path` is project-relative with slashes."""
        self.typed(path)
        if self._filter.reason(path, size=len(text)) is None:
            self._background.instead(path, self._take_unsaved(path, text))

    def document_saved(self, path: str) -> None:
        """A document is on disk as the editor shows it."""
        self._background.instead(path, self._take_saved(path))

    def document_closed(self, path: str) -> None:
        """A document's unsaved text is gone."""
        self._unsaved.drop(path)
        self._background.forget(path)

    def files_changed(self, paths: Iterable[str]) -> None:
        """The editor saw these files change on disk."""
        self._background.begin(self._update_paths(list(paths)))

    async def size(self) -> IndexStatus:
        """The status with files and chunks counted anew."""
        store, indexer = self._access.store, self._access.indexer
        if store is not None:
            with contextlib.suppress(CodeIndexError):
                files = indexer.indexed if indexer else await asyncio.to_thread(lambda: len(store.files()))
                chunks = await asyncio.to_thread(store.count)
                self.status = replace(self.status, files=files, chunks=chunks)
        return self.status

    async def embed_everything(self, *, idle_only: bool = False) -> None:
        """Make every better vector that is missing, now rather than in idle moments. Raises ZiError."""
        enricher = await self._tier.begin(self._access.searcher, write=self.writes)
        if enricher is not None:
            await enricher.fill(idle_only=idle_only)

    @property
    def searcher(self) -> Searcher | None:
        """The look-ups themselves, for benches; None while the index is not open."""
        return self._access.searcher

    async def settled(self) -> None:
        """Wait until what was told so far can be found. For tests and benches."""
        await self._background.settled()

    # --- questions. All answer empty while the index is not open, and raise nothing.

    async def search(self, text: str, k: int = 10, scope: Scope | None = None, *, deadline: float = 5.0) -> list[Hit]:
        """The best chunks for a question, a name or a piece of code; [] after `deadline` seconds."""
        return await self._ask(lambda s: s.search(text, k, scope or Scope()), [], deadline)

    async def similar(self, snippet: str, k: int = 5, *, outside: str = "", deadline: float = 0.5) -> list[Hit]:
        """Chunks like a piece of code, none of the file `outside`."""
        return await self._ask(lambda s: s.similar(snippet, k, outside=outside), [], deadline)

    async def definitions(self, names: Sequence[str], limit: int = 20, *, deadline: float = 0.5) -> list[Hit]:
        """Where these names are defined."""
        return await self._ask(lambda s: s.definitions(names, limit), [], deadline)

    async def callers(self, symbol: str, limit: int = 50, *, deadline: float = 0.5) -> list[Hit]:
        """Chunks that use a name."""
        return await self._ask(lambda s: s.callers(symbol, limit), [], deadline)

    async def symbols(self, query: str, limit: int = 100, *, deadline: float = 2.0) -> list[Symbol]:
        """Defined names: exact, by prefix, by camel humps, then those that contain the query."""
        symbols = self._access.symbols
        return await self._ask(lambda _: symbols.find(query, limit) if symbols else [], [], deadline)

    # --- details

    async def _run(self, progress: ProgressSink) -> None:
        await self.open()
        self._tier.keep(self._background, self._settled_searcher, lambda: self.writes)
        while not self.writes:
            self._tell(IndexState.FOLLOWING)
            await self._background.sleep(TAKE_OVER_S)
            if self._background.ending.is_set():
                return
            await self._access.take_over()
        resting = self._background.stand(self._rest_readers())
        ready = asyncio.Event()
        watching = self._background.stand(self._watch(ready))
        lost = self._background.stand(self._lost())
        try:
            await asyncio.wait([watching, begun := asyncio.create_task(ready.wait())], return_when="FIRST_COMPLETED")
            begun.cancel()
            await self._update_all(progress)
            await asyncio.wait([watching, lost], return_when="FIRST_COMPLETED")
            if not watching.done():
                self._access.check()
            await watching
        finally:
            for task in (watching, lost, resting):
                task.cancel()
        if not self._background.ending.is_set():
            raise InputError(f"The folder {self.root} is gone, or cannot be watched.")

    async def _lost(self) -> None:
        """Until this process may not write any more."""
        while self._access.may_write and not self._background.ending.is_set():
            await self._background.sleep(TAKE_OVER_S)

    def _settled_searcher(self) -> Searcher | None:
        return self.searcher if self.status.state in (IndexState.READY, IndexState.FOLLOWING) else None

    def _enriched(self, done: int) -> None:
        if done == self.status.better:
            return
        self.status = replace(self.status, better=done)
        self._on_status(self.status)

    async def _watch(self, ready: asyncio.Event) -> None:
        """Follow what happens on disk. What happens during the first update waits for its end."""
        async for change in watch(self._filter, stop=self._background.ending, on_ready=ready.set):
            if change.rescan:
                await self._update_all(ignore_progress)
            else:
                await self._update_paths([*change.changed, *change.deleted])

    async def _update_all(self, progress: ProgressSink) -> None:
        self._tell(IndexState.INDEXING)
        await self.update(progress)
        self._tell(IndexState.READY)

    async def _update(self, progress: ProgressSink) -> Report:
        indexer = await self._access.open_to_write()
        self._read = time.monotonic()
        report = await indexer.update(gate=self._gate, progress=progress, first=self._unsaved.paths)
        self._read = time.monotonic()
        return report

    async def _update_paths(self, paths: Sequence[str]) -> None:
        if self._access.indexer is None:
            return  # the writer's process watches the files, too
        store = self._access.store
        self._read = time.monotonic()
        try:
            report = await self._access.indexer.update_paths(paths)
        except IndexDamaged as damage:
            if self._background.ending.is_set():
                return
            log.warning("%s It is made anew.", damage)
            await self._access.make_anew(store)
            await self.update()
            return
        except IndexBusy as busy:
            log.info("%s", busy.sentence)
            return  # `run` notices, too
        except IndexFull as full:
            self._tell(IndexState.FAILED, full)
            self._background.stand(self._again_later())
            return
        if report.changed:
            self._tell(self.status.state if self.status.state is not IndexState.FAILED else IndexState.READY)

    async def _again_later(self) -> None:
        """Files that could not be written for want of room are looked at again, with all others."""
        await self._background.sleep(RETRY_S)
        if not self._background.ending.is_set() and self.status.state is IndexState.FAILED:
            try:
                await self._update_all(ignore_progress)
            except CodeIndexError as error:
                self._tell(IndexState.FAILED, error)
                self._background.stand(self._again_later())

    async def _gate(self) -> None:
        """Hold still while the user types, for a while."""
        end = time.monotonic() + TYPING_PATIENCE_S
        while (pause := min(end, self._typed + TYPING_S) - time.monotonic()) > 0:
            await self._background.sleep(pause)

    async def _take_unsaved(self, path: str, text: str) -> None:
        await asyncio.sleep(UNSAVED_DELAY_S)
        self._read = time.monotonic()
        for file in await asyncio.to_thread(self._readers.read, [path], {path: text}):
            self._unsaved.put(file)

    async def _take_saved(self, path: str) -> None:
        try:
            if self._access.indexer is not None:
                await self._update_paths([path])
            else:
                await self._followed(path)
        except CodeIndexError as error:
            log.warning("%s", error.sentence)
        self._unsaved.drop(path)

    async def _followed(self, path: str) -> None:
        """Until the writer's process has seen what this one's editor saved; its word counts in the end."""
        waiting = self._unsaved.hash_of(path)
        for _ in range(20):
            if waiting is None or self._access.store is None:
                return
            if await asyncio.to_thread(self._access.store.hash_of, path) == waiting:
                return
            await self._background.sleep(0.5)

    async def _rest_readers(self) -> None:
        while not self._background.ending.is_set():
            await self._background.sleep(REST_S)
            if time.monotonic() - self._read > REST_S:
                await asyncio.to_thread(self._readers.rest)

    async def _ask(self, question: Callable[[Searcher], T], empty: T, deadline: float) -> T:
        return await self._questions.ask(question, empty, deadline)

    async def _failed(self, searcher: Searcher, damage: IndexDamaged) -> None:
        log.warning("%s", damage.sentence)
        if self.writes and searcher is self._access.searcher:
            self._background.begin(self._mend(searcher.store))
        else:
            await self._access.reopen(searcher)

    async def _mend(self, damaged: Store) -> None:
        """Look-ups failed on an index that is ours: make it anew, but not over and over."""
        now = time.monotonic()
        if now - self._mended < RETRY_S:
            return
        self._mended = now
        try:
            if await asyncio.to_thread(damaged.sound):
                return  # it was the question
            await self._access.make_anew(damaged)
            await self.update()
        except (CodeIndexError, InputError) as error:
            self._tell(IndexState.FAILED, error)

    def _tell(self, state: IndexState, error: ZiError | None = None) -> None:
        files = self._access.indexer.indexed if self._access.indexer else 0
        self.status = replace(self.status, state=state, files=files, error=error)
        self._on_status(self.status)
