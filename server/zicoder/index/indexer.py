"""Brings an index up to date with the files of a project: compares, reads what is new, writes, tidies up.

The one who calls holds the writer's lock. A file's rows are replaced in one go and carry the hash of its content, so
an update can end anywhere, by a kill as well, and the next one goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import stat
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from zicoder.errors import IndexDamaged, InputError
from zicoder.events import Progress, ProgressSink, ignore_progress
from zicoder.index.frames import FileRows
from zicoder.index.reader import hash_of, reason_of, text_of
from zicoder.index.readers import Readers
from zicoder.index.store import Store
from zicoder.index.threads import uninterrupted
from zicoder.index.walk import FileFilter, Found, Skip, Walk

__all__ = ["Indexer", "Report"]

log = logging.getLogger("zicoder.index")

BATCH_BYTES = 200_000
BATCH_FILES = 64
"""What one reader gets at a time: about half a second of work, so that pausing and progress are prompt."""
WRITE_ROWS = 3000
"""Rows in one commit of a long build: fewer commits are quicker, more lose less to a kill."""
FIRST_WRITE_ROWS = 500
"""The first commit comes early: something can be found while the rest is read."""

T = TypeVar("T")

Gate = Callable[[], Awaitable[None]]
"""Awaited between batches: returns when the machine is free."""


async def _open_gate() -> None:
    return


@dataclass(slots=True)
class Report:
    """What one update did. Files are counted once, by what became of them."""

    unchanged: int = 0
    indexed: int = 0
    removed: int = 0
    chunks: int = 0
    """Chunks written."""
    files_read: int = 0
    bytes_read: int = 0
    """Of files whose content was new, by the sizes they were listed with."""
    seconds: float = 0.0
    skipped: Counter[Skip] = field(default_factory=Counter[Skip])
    examples: dict[Skip, list[str]] = field(default_factory=dict[Skip, list[str]])
    """A few paths for each reason, of those that the walk judged."""

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return bool(self.indexed or self.removed)


class Indexer:
    """The writer of one project's index."""

    def __init__(self, root: Path, store: Store, readers: Readers, files: FileFilter) -> None:
        self._root = root
        self._store = store
        self._readers = readers
        self._filter = files
        self._known: dict[str, str] | None = None
        """Hash of what is indexed of each file; read from the store at first use, then kept in step."""
        self._turn = asyncio.Lock()
        self._threads = ThreadPoolExecutor(readers.count + 1, thread_name_prefix="zicoder-index")
        self._closed = False

    async def close(self) -> None:
        """Let an update under way fail with IndexDamaged, and wait for what it is just writing.

        The readers belong to the caller.
        """
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)

    @property
    def indexed(self) -> int:
        """Number of indexed files."""
        return len(self._known or ())

    async def update(
        self, *, gate: Gate = _open_gate, progress: ProgressSink = ignore_progress, first: Iterable[str] = ()
    ) -> Report:
        """Compare the whole tree with the index and make them equal.

        `first`: paths to read before the others, those the user looks at. Raises InputError (no such folder),
        IndexDamaged, IndexFull.
        """
        async with self._step():
            started = time.monotonic()
            progress(Progress("Indexing", detail="listing files"))
            known = await self._state()
            self._filter.reload()
            walk = Walk(self._filter)
            files = await self._in_thread(lambda: list(walk))
            if not await self._in_thread(self._root.is_dir):
                # Gone, or a disk that is not mounted just now: no reason to forget everything.
                raise InputError(f"There is no folder {self._root}.")
            report = Report(skipped=Counter(walk.skipped), examples=walk.examples)
            present = {found.path for found in files}
            todo = await self._compare(files, known, report) if known else files
            wanted = set(first)
            todo.sort(key=lambda found: (found.path not in wanted, -found.mtime_ns))
            await self._write(todo, report, gate, progress)
            await self._forget(known.keys() - present, report)
            if report.changed or self._store.untended:
                progress(Progress("Indexing", detail="sorting"))
                await self._in_thread(lambda: self._readers.rest(leave=1))  # sorting wants their memory
                await uninterrupted(self._in_thread(lambda: self._store.tend(thoroughly=True)))
            progress(Progress("Indexing", 100, 100, f"{len(known):,} files"))
            report.seconds = time.monotonic() - started
            return report

    async def update_paths(self, paths: Iterable[str]) -> Report:
        """Bring these files up to date, whether they changed, came or went; of a folder, only that it went.

        Raises IndexDamaged, IndexFull.
        """
        async with self._step():
            started = time.monotonic()
            known = await self._state()
            report = Report()
            wanted = sorted(set(paths))
            todo, folders = await self._in_thread(lambda: self._look_at(wanted, report))
            gone = set(wanted) - {found.path for found in todo}
            gone |= _below(set(wanted) - folders, known)
            await self._forget(gone & known.keys(), report)
            await self._write(await self._compare(todo, known, report), report, _open_gate, ignore_progress)
            if report.changed:
                await uninterrupted(self._in_thread(self._store.tend))
            report.seconds = time.monotonic() - started
            return report

    # --- details

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise IndexDamaged("The code index was closed meanwhile.")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @contextlib.asynccontextmanager
    async def _step(self) -> AsyncGenerator[None]:
        """One update at a time. After a failure, or a cancel, the store is asked again what it holds."""
        async with self._turn:
            try:
                yield
            except BaseException:
                self._known = None
                raise

    async def _state(self) -> dict[str, str]:
        if self._known is None:
            self._known = await self._in_thread(self._store.files)
        return self._known

    def _look_at(self, paths: Sequence[str], report: Report) -> tuple[list[Found], set[str]]:
        """The files that belong to the index, and what is a folder; why another does not goes to the report."""
        files: list[Found] = []
        folders: set[str] = set()
        for path in paths:
            try:
                status = (self._root / path).lstat()
            except (OSError, ValueError):
                continue
            if stat.S_ISDIR(status.st_mode):
                folders.add(path)
            elif (reason := self._filter.reason(path, size=status.st_size)) is not None:
                report.skipped[reason] += 1
            else:
                files.append(Found(path, status.st_size, status.st_mtime_ns))
        return files, folders

    async def _compare(self, files: Sequence[Found], known: dict[str, str], report: Report) -> list[Found]:
        """Those whose content is not what is indexed. What has no rows for a reason that still holds is left out."""

        def differing(part: Sequence[Found]) -> tuple[list[Found], Counter[Skip]]:
            stale: list[Found] = []
            skipped: Counter[Skip] = Counter()
            for found in part:
                if self._closed:
                    break
                content = _content(self._root / found.path)
                if found.path in known:
                    if content is None or hash_of(content) != known[found.path]:
                        stale.append(found)
                elif content is None:
                    skipped[Skip.UNREADABLE] += 1
                elif (reason := reason_of(found.path, content)) is not None:
                    skipped[reason] += 1
                elif text_of(content).strip():
                    stale.append(found)
            return stale, skipped

        stale: list[Found] = []
        for part, skipped in await asyncio.gather(
            *(self._in_thread(partial(differing, files[n::2])) for n in range(2))
        ):
            stale += part
            report.skipped += skipped
            report.unchanged -= skipped.total()
        report.unchanged += len(files) - len(stale)
        return stale

    async def _write(self, todo: Sequence[Found], report: Report, gate: Gate, progress: ProgressSink) -> None:
        """Read files in all readers at once and write their rows in the order they come."""
        batches = iter(list(_batches(todo)))
        total = sum(found.size for found in todo) or 1
        writer = _Writer(self, report)

        async def work() -> None:
            for batch in batches:
                await gate()
                paths = [found.path for found in batch]
                rows = await self._in_thread(partial(self._readers.read, paths))
                await writer.take(rows)
                report.bytes_read += sum(found.size for found in batch)
                report.files_read += len(batch)
                share = min(99, 100 * report.bytes_read // total)
                progress(Progress("Indexing", share, 100, f"{report.files_read:,} files"))

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(self._readers.count, max(1, len(todo)))):
                    tasks.create_task(work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # callers tell failures apart by their class
        await writer.flush()

    async def store_rows(self, files: Sequence[FileRows], report: Report) -> None:
        """Write some files' rows, or take out what has none."""
        known = await self._state()
        # A file that cannot be opened for a moment (a virus scanner holds it) is still there, as it was.
        files = [file for file in files if file.skip is not Skip.UNREADABLE or file.path not in known]
        old = [file.path for file in files if file.path in known]
        await uninterrupted(self._in_thread(lambda: self._store.replace(files, known=old)))
        for file in files:
            if file.rows:
                known[file.path] = file.file_hash
                report.indexed += 1
            else:
                report.removed += known.pop(file.path, None) is not None
                if file.skip is not None:
                    report.skipped[file.skip] += 1
            report.chunks += len(file.rows)

    async def _forget(self, paths: Collection[str], report: Report) -> None:
        if not paths:
            return
        known = await self._state()
        await uninterrupted(self._in_thread(lambda: self._store.remove(paths)))
        for path in paths:
            del known[path]
        report.removed += len(paths)


class _Writer:
    """Gathers rows until a commit is worth it."""

    def __init__(self, indexer: Indexer, report: Report) -> None:
        self._indexer = indexer
        self._report = report
        self._waiting: list[FileRows] = []
        self._limit = FIRST_WRITE_ROWS
        self._turn = asyncio.Lock()

    async def take(self, files: Iterable[FileRows]) -> None:
        self._waiting += files
        if sum(len(file.rows) for file in self._waiting) >= self._limit:
            await self.flush()

    async def flush(self) -> None:
        async with self._turn:
            files, self._waiting = self._waiting, []
            if files:
                self._limit = WRITE_ROWS
                await self._indexer.store_rows(files, self._report)


def _batches(files: Sequence[Found]) -> Iterable[list[Found]]:
    batch: list[Found] = []
    size = 0
    for found in files:
        batch.append(found)
        size += found.size
        if size >= BATCH_BYTES or len(batch) >= BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _below(paths: set[str], known: Mapping[str, str]) -> set[str]:
    """The known files in those of the paths that used to be folders."""
    folders = paths - known.keys()
    if not folders:
        return set()
    return {path for path in known if any(path[:at] in folders for at, c in enumerate(path) if c == "/")}


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
