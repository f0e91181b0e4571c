"""Who may write an index: one process on this machine, for as long as it lives; `lease.py` is for several machines.

The lock is the operating system's, so it ends with its holder, however that ends.
"""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from zicoder.errors import IndexBusy, IndexUnavailable

__all__ = ["WriterLock"]

CACHE_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n# The code index of Zi Coder; it can be deleted at any time.\n"
)
"""Tells backups, and every walk over files, to pass by. See https://bford.info/cachedir/"""


class WriterLock:
    """The right to write the index whose local folder is `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / "writer.lock", thread_local=False)

    @property
    def held(self) -> bool:
        """Whether it is ours."""
        return self._lock.is_locked

    def take(self) -> bool:
        """Try to get it, at once; False when another process has it. Raises IndexUnavailable."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            tag = self._folder / "CACHEDIR.TAG"
            if not tag.exists():  # a full disk is no reason not to open what is there
                tag.write_text(CACHE_TAG, encoding="ascii")
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise IndexUnavailable(
                f"The code index cannot be written: {error.strerror or error} ({self._folder}).",
                hint="Set ZI_CACHE_DIR to a folder that can be written.",
            ) from error
        return True

    def check(self) -> None:
        """Raises IndexBusy when it is not ours."""
        if not self.held:
            raise IndexBusy("This process does not keep the code index up to date any more.")

    def release(self) -> None:
        """Let another process write."""
        self._lock.release(force=True)
