"""The pool of reader processes: files go in, rows come out; one that crashes or hangs costs one file its structure.

Blocking, for threads. What it must never do: fork (LanceDB's threads would not survive it).
"""

from __future__ import annotations

import contextlib
import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import psutil

from zicoder.errors import IndexUnavailable
from zicoder.index.frames import FileRows, Read, ReadResult, read_frame, write_frame
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
        answer = reader.ask(Read(self._root, list(paths), self._max_bytes, unsaved))
        if answer is not None or self._closed:
            return answer or []
        if len(paths) > 1:  # find the file that it died of
            return [rows for path in paths for rows in self._read(reader, [path], unsaved)]
        log.warning("A reader died of %s; the file is indexed by lines only.", paths[0])
        answer = reader.ask(Read(self._root, list(paths), self._max_bytes, unsaved, plainly=True))
        if answer is None:
            self._failures += 1
            if self._failures >= MAX_FAILURES:
                self._failures = 0  # who tries again later gets as many attempts
                raise IndexUnavailable("The processes that read files for the index cannot work.", hint="See the log.")
            return [FileRows(paths[0], "", [], b"", Skip.UNREADABLE)]
        self._failures = 0
        return answer


class _Reader:
    """One process, or none yet."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: Read) -> list[FileRows] | None:
        """The answer; None when the process died of the question, or had to be ended."""
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = _start()
        alarm = threading.Timer(STUCK_S, process.kill)
        alarm.daemon = True
        alarm.start()
        try:
            write_frame(cast("BinaryIO", process.stdin), msgspec.msgpack.encode(request))
            frame = read_frame(cast("BinaryIO", process.stdout))
            if frame is not None:
                answer = msgspec.msgpack.decode(frame, type=ReadResult)
                if not answer.error:
                    return answer.files
                log.error("internal error of a reader: %s", answer.error)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.warning("a reader failed: %s", error)
        finally:
            alarm.cancel()
        self.end()
        return None

    def kill(self) -> None:
        """Have an `ask` under way in another thread come back without an answer."""
        if (process := self._process) is not None:
            process.kill()

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
            self._process.wait()
            self._process = None


def _start() -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return subprocess.Popen(
        [sys.executable, "-P", "-X", "utf8", "-m", "zicoder.index.reader"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=flags,
    )
