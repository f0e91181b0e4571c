"""A model file while it is being fetched: bytes in order, hashed as they are written, resumable.

Every source delivers the same bytes, so a partial file begun by one source can be finished by another.
Also the lock that keeps two pulls of one model apart. Nothing here knows where bytes come from.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from zicoder.errors import DiskFull, ModelCorrupt, ModelError
from zicoder.events import Progress, ProgressSink

__all__ = ["CHUNK", "PartialFile", "exclusive", "hash_file", "human_bytes"]

CHUNK = 1 << 20
"""Bytes read or written at once: large enough that Python's own cost does not show."""

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_LOCK_POLL_SECONDS = 0.2


def human_bytes(count: int) -> str:
    """A size for a person, in decimal units as download pages use them: 491.4 MB."""
    if count < 1000:
        return f"{count} bytes"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value:.1f} TB"


def hash_file(path: Path, *, title: str, progress: ProgressSink) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    total = path.stat().st_size
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(Progress(title, done, total))
    return digest.hexdigest()


class PartialFile:
    """The open partial file of one model.

    Opening it re-hashes what an earlier attempt left. `position` is how many bytes are there.
    """

    def __init__(self, path: Path, *, size: int, sha256: str, name: str, progress: ProgressSink) -> None:
        self.path = path
        self.size = size
        self.position = 0
        self._sha256 = sha256
        self._name = name
        self._progress = progress
        self._digest = hashlib.sha256()
        self._file: BinaryIO

    def __enter__(self) -> Self:
        with self._room():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: on a full disk we know exactly which bytes are in the file, and closing cannot fail again.
            self._file = os.fdopen(
                os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644), "r+b", 0
            )
        try:
            self._take_up()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _take_up(self) -> None:
        found = os.fstat(self._file.fileno()).st_size
        if found > self.size:
            self.restart()
            return
        while chunk := self._file.read(CHUNK):
            self._digest.update(chunk)
            self.position += len(chunk)
            self._progress(Progress("Checking what is already here", self.position, found))

    def write(self, data: bytes) -> None:
        """Append bytes. Raises DiskFull (what fits is kept), ModelCorrupt when there are more than the model has."""
        if self.position + len(data) > self.size:
            raise ModelCorrupt(f"more than {human_bytes(self.size)} arrived")
        view = memoryview(data)
        while view:
            with self._room():
                written = self._file.write(view) or 0
            self._digest.update(view[:written])
            self.position += written
            view = view[written:]

    def restart(self) -> None:
        """Throw away everything and begin at the first byte."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.position = 0

    def mark(self) -> Callable[[], None]:
        """Remember this place; calling the result forgets what was written since."""
        position, digest = self.position, self._digest.copy()

        def roll_back() -> None:
            self._file.seek(position)
            self._file.truncate()
            self.position, self._digest = position, digest

        return roll_back

    def check_room(self, *, extra: int = 0) -> None:
        """Raise DiskFull, before anything is fetched, when the rest plus `extra` bytes cannot fit."""
        needed = self.size - self.position + extra
        free = shutil.disk_usage(self.path.parent).free
        if free < needed:
            raise self._full(free, needed)

    def finish(self, target: Path) -> None:
        """Check the hash, then put the file in its place, whole or not at all. Raises ModelCorrupt."""
        if self.position != self.size:
            raise ModelCorrupt(f"only {human_bytes(self.position)} of {human_bytes(self.size)} arrived")
        found = self._digest.hexdigest()
        if found != self._sha256:
            raise ModelCorrupt(f"the SHA-256 is {found[:12]}… and not {self._sha256[:12]}…")
        with self._room():
            os.fsync(self._file.fileno())
            self._file.close()
            target.parent.mkdir(parents=True, exist_ok=True)
            self.path.replace(target)
            _sync_folder(target.parent)

    @contextlib.contextmanager
    def _room(self) -> Generator[None]:
        """Turn the operating system's ways to say "no room" into DiskFull."""
        try:
            yield
        except OSError as error:
            if error.errno in _NO_ROOM:
                free = shutil.disk_usage(_existing(self.path.parent)).free
                raise self._full(free, self.size - self.position) from error
            raise _not_writable(self.path.parent, error) from error

    def _full(self, free: int, needed: int) -> DiskFull:
        missing = needed - free
        # A quota or a file size limit can refuse bytes although the disk itself has room.
        lack = f"{human_bytes(missing)} are missing" if missing > 0 else "a quota or a file size limit forbids more"
        return DiskFull(
            f"There is no room in {self.path.parent}: {human_bytes(needed)} are needed, "
            f"{human_bytes(free)} are free, {lack}. What was fetched so far is kept.",
            hint=f"Free some space, then `zi model pull {self._name}` goes on; "
            "or set ZI_DATA_DIR to a folder on another disk.",
        )


def _not_writable(folder: Path, error: OSError) -> ModelError:
    return ModelError(
        f"Nothing can be written to {folder}: {error.strerror or error}.",
        hint="Make the folder writable, or set ZI_DATA_DIR to another one.",
    )


def _existing(folder: Path) -> Path:
    """The nearest folder upwards that exists: the one whose disk would be written to."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut. Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def exclusive(path: Path, *, title: str, progress: ProgressSink) -> Generator[None]:
    """Hold the lock file `path`; wait while another process holds it, and say so once.

    The operating system drops the lock when its holder dies, so a crashed pull blocks nobody.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise _not_writable(path.parent, error) from error
    with file:
        waited = False
        while not _try_lock(file):
            if not waited:
                progress(Progress(title, detail="waiting for another pull of this model"))
            waited = True
            time.sleep(_LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            _unlock(file)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
