"""The code index of one project, as the other rooms see it: kept up to date by itself, searched at any time.

One process writes, the others follow (`lock.py`); who follows takes over when the writer is gone. Nothing here blocks
the event loop: disk, store and readers work in threads and processes. Search never waits for an update.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from zicoder.errors import CodeIndexError, IndexBusy, IndexDamaged, IndexFull, InputError, ZiError
from zicoder.events import ProgressSink, ignore_progress
from zicoder.index.enrich import Embedder, Enricher
from zicoder.index.indexer import Indexer, Report
from zicoder.index.lock import WriterLock
from zicoder.index.readers import Readers
from zicoder.index.search import Hit, Scope, Searcher
from zicoder.index.static_embedder import StaticEmbedder
from zicoder.index.store import Store
from zicoder.index.symbols import Symbol, SymbolTable, placed
from zicoder.index.threads import uninterrupted
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
"""How often a follower asks whether the writer has gone."""
ENRICH_S = 20.0
"""Between two looks for chunks that have no better vector yet."""
FIRST_RETRY_S = 1.0
RETRY_S = 60.0
"""After a failure that may pass: a full disk, a damaged index that could not be rebuilt at once."""
SYMBOLS_QUICK_S = 0.5
SYMBOLS_SHARE = 5
"""Making the table of names anew takes up to a second or two in a large project; in the five-fold of that time after
it, names are looked up as they were, or typing and saving would keep one core busy with it."""
REST_S = 60.0
"""Reader processes are ended when nothing was read for this long."""

_MEMBER = {"class": "method", "interface": "method", "section": "section"}
"""The kind of a name that is defined inside a chunk of another name."""

T = TypeVar("T")


class IndexState(StrEnum):
    """What the index is doing, for a status line."""

    CLOSED = "closed"
    INDEXING = "indexing"
    READY = "ready"
    FOLLOWING = "following"  # another process keeps it up to date
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """State, size, and why not, if not."""

    state: IndexState
    files: int = 0
    chunks: int = 0
    better: int = 0
    """Chunks that have the better model's vector."""
    error: ZiError | None = None


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
        self._location = location or str(folder)
        self._on_status = on_status
        self._lock = WriterLock(folder)
        self._filter = FileFilter(root, max_bytes=max_bytes, ignore=exclude)
        self._readers = Readers(root, max_bytes=max_bytes)
        self._embedder = StaticEmbedder.load()
        self._unsaved = Unsaved(self._embedder.dimension)
        self._store: Store | None = None
        self._indexer: Indexer | None = None
        self._searcher: Searcher | None = None
        self._better = embedder
        self._enricher: Enricher | None = None
        self._enriching: asyncio.Task[Any] | None = None
        self._symbols: tuple[tuple[Store, int] | None, SymbolTable] = (None, SymbolTable(()))
        self._symbols_turn = threading.Lock()
        self._symbols_due = float("-inf")
        self._tasks: set[asyncio.Task[Any]] = set()
        self._standing: set[asyncio.Task[Any]] = set()
        """What goes on until `close`; nobody waits for it."""
        self._pending: dict[str, asyncio.Task[None]] = {}
        self._stop = asyncio.Event()
        self._typed = 0.0
        self._mended = float("-inf")
        self._making = asyncio.Lock()
        self._read = 0.0

    async def __aenter__(self) -> CodeIndex:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- life

    @property
    def writes(self) -> bool:
        """Whether this process keeps the index up to date."""
        return self._lock.held

    async def open(self) -> None:
        """Open the store, as its writer if no other process is, else for reading. Raises CodeIndexError."""
        taken = await asyncio.to_thread(self._lock.take)
        async with self._making:
            if self._indexer is None:
                await self._open_store(write=taken)

    async def run(self, progress: ProgressSink = ignore_progress) -> None:
        """Open, bring up to date and keep so, until `close`. Failures are told as status, and tried again."""
        told, pause = "", FIRST_RETRY_S
        while not self._stop.is_set():
            try:
                await self._run(progress)
                return
            except (CodeIndexError, InputError) as error:
                if self._stop.is_set():
                    return
                if error.sentence != told:
                    log.warning("%s", error.sentence)
                    told, pause = error.sentence, FIRST_RETRY_S
                self._tell(IndexState.FAILED, error)
                if isinstance(error, IndexDamaged):
                    async with self._making:
                        await self._drop_store()
                else:
                    pause = RETRY_S
                await self._sleep(pause)
                pause = min(RETRY_S, 2 * pause)

    async def update(self, progress: ProgressSink = ignore_progress) -> Report:
        """Compare the whole project with the index and make them equal; a damaged index is made anew.

        Raises InputError (no such folder), IndexBusy (another process writes it), IndexFull.
        """
        await self._open_to_write()
        store = self._store
        try:
            return await self._update(progress)
        except IndexDamaged as damage:
            if self._stop.is_set():
                raise
            log.warning("%s It is made anew.", damage)
            await self._make_anew(store)
            return await self._update(progress)

    async def close(self) -> None:
        """Stop everything and let another process write."""
        self._stop.set()
        tasks = [*self._tasks, *self._standing, *self._pending.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._readers.close)
        async with self._making:
            await self._drop_store()
        if self._better is not None:
            await self._better.close()
        self._lock.release()
        self.status = IndexStatus(IndexState.CLOSED)

    # --- what the editor tells

    def relative(self, path: Path) -> str | None:
        """A file's path as the index knows it, None for one outside the root."""
        return self._filter.relative(str(path)) or None

    def typed(self, path: str = "") -> None:
        """The user is typing: heavy work holds still for a moment."""
        self._typed = time.monotonic()
        if self._enricher is not None:
            self._enricher.typed(path)

    def document_changed(self, path: str, text: str) -> None:
        """A document has unsaved text; `path` is project-relative with slashes."""
        self.typed(path)
        if self._filter.reason(path, size=len(text)) is None:
            self._later(path, self._take_unsaved(path, text))

    def document_saved(self, path: str) -> None:
        """A document is on disk as the editor shows it."""
        self._later(path, self._take_saved(path))

    def document_closed(self, path: str) -> None:
        """A document's unsaved text is gone."""
        self._unsaved.drop(path)
        if pending := self._pending.pop(path, None):
            pending.cancel()

    def files_changed(self, paths: Iterable[str]) -> None:
        """The editor saw these files change on disk."""
        self._in_background(self._update_paths(list(paths)))

    async def size(self) -> IndexStatus:
        """The status with files and chunks counted anew."""
        store, indexer = self._store, self._indexer
        if store is not None:
            with contextlib.suppress(CodeIndexError):
                files = indexer.indexed if indexer else await asyncio.to_thread(lambda: len(store.files()))
                chunks = await asyncio.to_thread(store.count)
                self.status = replace(self.status, files=files, chunks=chunks)
        return self.status

    async def embed_everything(self, *, idle_only: bool = False) -> None:
        """Make every better vector that is missing, now rather than in idle moments. Raises ZiError."""
        enricher = await self._begin_enriching()
        if enricher is not None:
            await enricher.fill(idle_only=idle_only)

    @property
    def searcher(self) -> Searcher | None:
        """The look-ups themselves, for benches; None while the index is not open."""
        return self._searcher

    async def settled(self) -> None:
        """Wait until what was told so far can be found. For tests and benches."""
        while tasks := [*self._pending.values(), *self._tasks]:
            await asyncio.wait(tasks)

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
        return await self._ask(
            lambda s: placed(self._symbol_table(s.store).find(query, limit), s.store.texts), [], deadline
        )

    # --- details

    async def _run(self, progress: ProgressSink) -> None:
        await self.open()
        if self._enriching is None:
            self._enriching = self._stand(self._enrich())
        while not self.writes:
            self._tell(IndexState.FOLLOWING)
            await self._sleep(TAKE_OVER_S)
            if self._stop.is_set():
                return
            if await asyncio.to_thread(self._lock.take):
                async with self._making:
                    await self._drop_store()
                    await self._open_store(write=True)
        resting = self._stand(self._rest_readers())
        ready = asyncio.Event()
        watching = self._stand(self._watch(ready))
        try:
            await asyncio.wait([watching, begun := asyncio.create_task(ready.wait())], return_when="FIRST_COMPLETED")
            begun.cancel()
            await self._update_all(progress)
            await watching
        finally:
            watching.cancel()
            resting.cancel()
        if not self._stop.is_set():
            raise InputError(f"The folder {self.root} is gone, or cannot be watched.")

    async def _begin_enriching(self) -> Enricher | None:
        """The second tier on the store that is open, if there is an embedder for it. Raises ZiError."""
        searcher = self._searcher
        if self._better is None or searcher is None:
            return None
        if self._enricher is None or self._enricher.store is not searcher.store:
            self._enricher = Enricher(searcher.store, self._better, write=self.writes, on_change=self._enriched)
        await self._enricher.begin()
        searcher.better = self._enricher
        self._enriched(self._enricher.done)
        return self._enricher

    async def _enrich(self) -> None:
        """Keep the second tier open, on whatever store is open, and fill it if this process writes."""
        told = ""
        while self._better is not None and not self._stop.is_set():
            pause = ENRICH_S
            try:
                if self.status.state in (IndexState.READY, IndexState.FOLLOWING):
                    enricher = await self._begin_enriching()
                    if enricher is not None and self.writes:
                        await enricher.fill()
            except ZiError as error:
                if error.sentence != told:
                    log.warning("Better vectors wait: %s", error.sentence)
                told, pause = error.sentence, RETRY_S
            await self._sleep(pause)

    def _enriched(self, done: int) -> None:
        if done == self.status.better:
            return
        self.status = replace(self.status, better=done)
        self._on_status(self.status)

    async def _watch(self, ready: asyncio.Event) -> None:
        """Follow what happens on disk. What happens during the first update waits for its end."""
        async for change in watch(self._filter, stop=self._stop, on_ready=ready.set):
            if change.rescan:
                await self._update_all(ignore_progress)
            else:
                await self._update_paths([*change.changed, *change.deleted])

    async def _update_all(self, progress: ProgressSink) -> None:
        self._tell(IndexState.INDEXING)
        await self.update(progress)
        self._tell(IndexState.READY)

    async def _update(self, progress: ProgressSink) -> Report:
        indexer = await self._open_to_write()
        self._read = time.monotonic()
        report = await indexer.update(gate=self._gate, progress=progress, first=self._unsaved.paths)
        self._read = time.monotonic()
        return report

    async def _open_to_write(self) -> Indexer:
        async with self._making:
            if self._indexer is None:
                if not await asyncio.to_thread(self._lock.take):
                    raise IndexBusy("Another Zi Coder process keeps this index up to date.", hint="It needs no help.")
                await self._open_store(write=True)
            assert self._indexer is not None
            return self._indexer

    async def _make_anew(self, damaged: Store | None) -> None:
        """Replace a store that failed, once for everybody who noticed."""
        async with self._making:
            if self._store is damaged:
                await self._drop_store()
                await self._open_store(write=True, anew=True)

    async def _update_paths(self, paths: Sequence[str]) -> None:
        if self._indexer is None:
            return  # the writer's process watches the files, too
        store = self._store
        self._read = time.monotonic()
        try:
            report = await self._indexer.update_paths(paths)
        except IndexDamaged as damage:
            if self._stop.is_set():
                return
            log.warning("%s It is made anew.", damage)
            await self._make_anew(store)
            await self.update()
            return
        except IndexFull as full:
            self._tell(IndexState.FAILED, full)
            self._stand(self._again_later())
            return
        if report.changed:
            self._tell(self.status.state if self.status.state is not IndexState.FAILED else IndexState.READY)

    async def _again_later(self) -> None:
        """Files that could not be written for want of room are looked at again, with all others."""
        await self._sleep(RETRY_S)
        if not self._stop.is_set() and self.status.state is IndexState.FAILED:
            try:
                await self._update_all(ignore_progress)
            except CodeIndexError as error:
                self._tell(IndexState.FAILED, error)
                self._stand(self._again_later())

    async def _open_store(self, *, write: bool, anew: bool = False) -> None:
        opened = await uninterrupted(
            asyncio.to_thread(
                Store.open, self._location, dimension=self._embedder.dimension, vectors=self._embedder.name,
                write=write, anew=anew,
            )
        )  # fmt: skip
        self._store = opened
        self._symbols = (None, SymbolTable(()))
        self._symbols_due = float("-inf")
        self._searcher = Searcher(opened, self._embedder, self._unsaved)
        self._indexer = Indexer(self.root, opened, self._readers, self._filter) if write else None

    async def _drop_store(self) -> None:
        if self._enricher is not None:
            self._enricher.closed = True
            self._enricher.typed()  # what it is just asking for goes nowhere
        indexer, self._store, self._searcher, self._indexer, self._enricher = self._indexer, None, None, None, None
        if indexer is not None:
            await indexer.close()

    async def _gate(self) -> None:
        """Hold still while the user types, for a while."""
        end = time.monotonic() + TYPING_PATIENCE_S
        while (pause := min(end, self._typed + TYPING_S) - time.monotonic()) > 0:
            await self._sleep(pause)

    async def _take_unsaved(self, path: str, text: str) -> None:
        await asyncio.sleep(UNSAVED_DELAY_S)
        self._read = time.monotonic()
        for file in await asyncio.to_thread(self._readers.read, [path], {path: text}):
            self._unsaved.put(file)

    async def _take_saved(self, path: str) -> None:
        try:
            if self._indexer is not None:
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
            if waiting is None or self._store is None:
                return
            if await asyncio.to_thread(self._store.hash_of, path) == waiting:
                return
            await self._sleep(0.5)

    async def _rest_readers(self) -> None:
        while not self._stop.is_set():
            await self._sleep(REST_S)
            if time.monotonic() - self._read > REST_S:
                await asyncio.to_thread(self._readers.rest)

    async def _ask(self, question: Callable[[Searcher], T], empty: T, deadline: float) -> T:
        searcher = self._searcher
        if searcher is None:
            return empty
        try:
            return await asyncio.wait_for(asyncio.to_thread(question, searcher), deadline)
        except TimeoutError:
            log.info("a search took longer than %.1f s", deadline)
        except IndexDamaged as damage:
            log.warning("%s", damage.sentence)
            if self.writes and searcher is self._searcher:
                self._in_background(self._mend(searcher.store))
            else:
                await self._reopen(searcher)
        except RuntimeError:
            if searcher is self._searcher:
                raise
            log.debug("the index was closed or replaced during a search")
        return empty

    async def _reopen(self, searcher: Searcher) -> None:
        """A follower's look-ups failed: the writer made the index anew."""
        async with self._making:
            if searcher is self._searcher and not self.writes:
                with contextlib.suppress(CodeIndexError):
                    await self._open_store(write=False)

    async def _mend(self, damaged: Store) -> None:
        """Look-ups failed on an index that is ours: make it anew, but not over and over."""
        now = time.monotonic()
        if now - self._mended < RETRY_S:
            return
        self._mended = now
        try:
            if await asyncio.to_thread(damaged.sound):
                return  # it was the question
            await self._make_anew(damaged)
            await self.update()
        except (CodeIndexError, InputError) as error:
            self._tell(IndexState.FAILED, error)

    def _symbol_table(self, store: Store) -> SymbolTable:
        made_for, table = self._symbols
        current = (store, store.version())
        begun = time.monotonic()
        if made_for == current or begun < self._symbols_due:
            return table
        with self._symbols_turn:  # whoever types on asks again meanwhile: one table is made for all
            if self._symbols[0] != current:
                self._symbols = (current, _symbols_of(store))
                now = time.monotonic()
                if now - begun > SYMBOLS_QUICK_S:
                    self._symbols_due = now + SYMBOLS_SHARE * (now - begun)
            return self._symbols[1]

    def _tell(self, state: IndexState, error: ZiError | None = None) -> None:
        files = self._indexer.indexed if self._indexer else 0
        self.status = replace(self.status, state=state, files=files, error=error)
        self._on_status(self.status)

    def _later(self, path: str, work: Coroutine[Any, Any, None]) -> None:
        """Do this for a document instead of what waits for it."""
        if pending := self._pending.pop(path, None):
            pending.cancel()
        task = asyncio.create_task(work)
        self._pending[path] = task

        def done(finished: asyncio.Task[None]) -> None:
            if self._pending.get(path) is finished:
                del self._pending[path]
            _log_failure(finished)

        task.add_done_callback(done)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_log_failure)

    def _stand(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._standing.add(task)
        task.add_done_callback(self._standing.discard)
        task.add_done_callback(_log_failure)
        return task

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


def _symbols_of(store: Store) -> SymbolTable:
    columns = ("symbol", "qualified", "kind", "path", "start", "defines")
    return SymbolTable(
        Symbol(name, qualified, kind, path, start)
        if name == symbol
        else Symbol(name, f"{qualified}.{name}".strip("."), _MEMBER.get(kind, "module"), path, start, row)
        for row, symbol, qualified, kind, path, start, defines in store.column(*columns)
        for name in (defines.split(" ") if defines else ())
    )


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("internal error of the index", exc_info=error)
