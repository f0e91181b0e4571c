"""A copy of a project in which edits are tried: the project itself is not touched, whatever its tests do.

Owns the copy. It leaves out what can be made again and the version control's own files; installed packages are links.
It runs what it is told to; whether that is allowed, the gate has decided before.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from zicoder.agents.processes import Ended
from zicoder.agents.sandbox import Sandbox
from zicoder.errors import ToolError

__all__ = ["Trial", "trial"]

MOST_BYTES = 400 << 20
MOST_FILES = 40_000
LINKED = frozenset({".venv", "venv", "node_modules"})
LEFT_OUT = frozenset({
    ".git", ".hg", ".svn", ".jj", ".zicoder", ".idea", ".vscode", ".tox", ".nox", ".gradle", ".next", ".nuxt",
    "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
})  # fmt: skip


class Trial:
    """The copy at `root`. One run at a time."""

    def __init__(self, root: Path, sandbox: Sandbox, texts: Mapping[str, str]) -> None:
        """`texts` are what files of the project are now, by path, where the disk does not know it yet."""
        self.root = root
        self.sandbox = sandbox
        self._changed: dict[str, bytes | None] = {}
        """What stood in the files that hold an edit."""
        self._clock = time.time()
        for path, text in texts.items():
            self._write(path, text.encode("utf-8", "surrogateescape"))

    async def run(self, line: str, edits: Mapping[str, str | None], *, seconds: float | None = None) -> Ended:
        """Run a command line with these files edited (None: not there). Raises ToolError if it cannot be started."""
        await asyncio.to_thread(self._put, edits)
        return await self.sandbox.run_line(line, seconds=seconds)

    def _put(self, edits: Mapping[str, str | None]) -> None:
        """Make these the only edits."""
        for path, before in self._changed.items():
            if path not in edits:
                self._write(path, before)
        self._changed = {path: before for path, before in self._changed.items() if path in edits}
        for path, text in edits.items():
            if path not in self._changed:
                place = self._place(path)
                self._changed[path] = place.read_bytes() if place.is_file() else None
            self._write(path, None if text is None else text.encode("utf-8", "surrogateescape"))

    def _write(self, path: str, data: bytes | None) -> None:
        place = self._place(path)
        if data is None:
            place.unlink(missing_ok=True)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        # Compilers and caches know a new text by its size and its time in seconds, and edits follow each other faster.
        self._clock += 2
        os.utime(place, (self._clock, self._clock))

    def _place(self, path: str) -> Path:
        """Raises ToolError for a path that leads out of the copy."""
        place = self.root / path
        if not place.parent.resolve().is_relative_to(self.root) or place.is_symlink():
            raise ToolError(f"{path} leads out of the project.")
        return place


@asynccontextmanager
async def trial(root: Path, sandbox: Sandbox, texts: Mapping[str, str] | None = None) -> AsyncGenerator[Trial]:
    """A trial in a copy of the project at `root`, gone at the end. `sandbox` says how commands are confined.

    Raises ToolError for a project that is too large, or cannot be read.
    """
    folder = await asyncio.to_thread(_temporary)
    try:
        copy = folder / root.name
        try:
            await asyncio.to_thread(_copy, root, copy)
        except OSError as error:
            raise ToolError(f"The project could not be copied ({error.strerror or error}).") from error
        yield await asyncio.to_thread(Trial, copy, sandbox.at(copy, _environment(copy)), texts or {})
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


def _temporary() -> Path:
    return Path(tempfile.mkdtemp(prefix="zi-trial-")).resolve()


def _environment(copy: Path) -> dict[str, str]:
    """Has Python find the copy's packages before those of an editable install of the project."""
    places = [copy / "src", copy] if (copy / "src").is_dir() else [copy]
    return {"PYTHONPATH": os.pathsep.join([*map(str, places), *filter(None, [os.environ.get("PYTHONPATH")])])}


def _copy(root: Path, to: Path) -> None:
    """Raises ToolError, OSError."""
    files = size = 0
    to.mkdir()
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        target = to / here.relative_to(root)
        for name in LINKED.intersection(folders):
            with contextlib.suppress(OSError):  # Windows lets only some users make links
                (target / name).symlink_to((here / name).resolve(), target_is_directory=True)
        kept = [n for n in folders if n not in LEFT_OUT and n not in LINKED and not (here / n).is_symlink()]
        folders[:] = kept
        for name in kept:
            (target / name).mkdir()
        for name in names:
            status = (here / name).lstat()
            if not stat.S_ISREG(status.st_mode):
                continue
            files, size = files + 1, size + status.st_size
            if files > MOST_FILES or size > MOST_BYTES:
                raise ToolError(
                    f"The project is too large to try edits in a copy of it (more than {MOST_FILES:,} files or "
                    f"{MOST_BYTES >> 20} MB)."
                )
            shutil.copy2(here / name, target / name)
