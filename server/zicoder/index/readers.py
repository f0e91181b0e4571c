"""The pool of reader processes: files go in, rows come out; one that crashes or hangs costs one file its structure.

Blocking, for threads.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from zicoder.errors import IndexUnavailable
from zicoder.index.child import Child
from zicoder.index.frames import FileRows, Read, ReadResult
from zicoder.index.walk import Skip

__all__ = ["Readers", "reader_count"]

log = logging.getLogger("zicoder.index")

STUCK_S = 60.0
"""A batch takes about a second, the largest file allowed a few."""
MAX_FAILURES = 3
"""Files in a row that could not even be read by lines: then it is not the files."""


def reader_count() -> int:
    """One process for each physical core, at most four: the disk and the one writer would be next to wait for."""
    return max(1, min(4, psutil.cpu_count(logical=False) or 1))


class Readers:
    """Up to `count` processes that read files under one root, started when there is work for them."""

    def __init__(self, root: Path, *, max_bytes: int, count: int = 0) -> None:
        self._root = str(root)
        self._max_bytes = max_bytes
        self.count = count or reader_count()
        self._every = [_Reader() for _ in range(self.count)]
        self._free: queue.Queue[_Reader] = queue.Queue()
        for reader in self._every:
            self._free.put(reader)
        self._closed = False
        self._failures = 0

    def read(self, paths: Sequence[str], unsaved: Mapping[str, str] | None = None) -> list[FileRows]:
        """Rows of these files, in order. Waits for a free process. Raises IndexUnavailable."""
        texts = {path: text.encode(errors="replace").decode() for path, text in (unsaved or {}).items()}
        reader = self._free.get()
        try:
            return self._read(reader, paths, texts)
        finally:
            if self._closed:
                reader.end()
            self._free.put(reader)

    def rest(self, *, leave: int = 0) -> None:
        """End the processes that have nothing to do, but for so many; the next read starts one again."""
        for number in range(self._free.qsize()):
            reader = self._free.get()
            if number >= leave:
                reader.end()
            self._free.put(reader)

    def close(self) -> None:
        """End the processes for good; a read under way gives nothing."""
        self._closed = True
        for reader in self._every:
            reader.kill()
        self.rest()

    def _read(self, reader: _Reader, paths: Sequence[str], unsaved: dict[str, str]) -> list[FileRows]:
        if self._closed:
            return []
        answer = reader.rows(Read(self._root, list(paths), self._max_bytes, unsaved))
        if answer is not None or self._closed:
            return answer or []
        if len(paths) > 1:  # find the file that it died of
            return [rows for path in paths for rows in self._read(reader, [path], unsaved)]
        log.warning("A reader died of %s; the file is indexed by lines only.", paths[0])
        answer = reader.rows(Read(self._root, list(paths), self._max_bytes, unsaved, plainly=True))
        if answer is None:
            self._failures += 1
            if self._failures >= MAX_FAILURES:
                self._failures = 0  # who tries again later gets as many attempts
                raise IndexUnavailable("The processes that read files for the index cannot work.", hint="See the log.")
            return [FileRows(paths[0], "", [], b"", Skip.UNREADABLE)]
        self._failures = 0
        return answer


class _Reader(Child):
    """One process that reads files."""

    def __init__(self) -> None:
        super().__init__("zicoder.index.reader", stuck_s=STUCK_S, behind=True)

    def rows(self, request: Read) -> list[FileRows] | None:
        """The files' rows; None when the process died of them, failed at them, or had to be ended."""
        answer = self.ask(request, ReadResult, lambda error: log.warning("a reader failed: %s", error))
        if answer is not None and answer.error:
            log.error("internal error of a reader: %s", answer.error)
            self.end()
            return None
        return answer.files if answer is not None else None
