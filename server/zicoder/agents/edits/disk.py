"""Proposals on the disk, for front ends that have no editor: reads files byte by byte as they are, and writes them.

Owns the only place that writes files of a project. It is called after a person, or a rule that stands in for one, has
agreed. It never follows a link out of the project, and writes all of a proposal or nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from zicoder.agents.edits.paths import project_path
from zicoder.agents.front import Applied
from zicoder.errors import InputError
from zicoder.files import put, stage
from zicoder.proposal import FileEdit, Proposal, digest

__all__ = ["applied_on_disk", "apply_on_disk", "disk_reader"]

MOST_BYTES = 16_000_000
"""Of one file. Larger ones are data, and nobody reads their diff."""


def disk_reader(root: Path, most_bytes: int = MOST_BYTES) -> Callable[[str], str | None]:
    """Reads files of a project: their text with line ends and a byte order mark, None for one that does not exist.

    The reader raises InputError for a path outside the project, a file that is no UTF-8 text, too large, or unreadable.
    """

    def read(path: str) -> str | None:
        data = _read(_real(root, path), path, most_bytes)
        return None if data is None else _text(data, path)

    return read


def apply_on_disk(proposal: Proposal, root: Path) -> Applied:
    """Write the files of a proposal, if each still is what the proposal was made for; all of them or none.

    Files keep their mode. A new file gets its folders, and a folder that becomes empty goes with its last file. What
    another program writes to one of the files in the very same moment may be lost.
    """
    change = _Change(root)
    try:
        for edit in proposal.files:
            change.add(edit)
        change.commit()
    except InputError as error:
        return Applied(False, error.sentence)
    except OSError as error:
        named = Path(error.filename).name if isinstance(error.filename, str) else "A file"
        return Applied(False, f"{named} could not be written ({error.strerror or error}); nothing was changed.")
    except _Lost as error:
        return Applied(False, str(error))
    finally:
        change.clean()
    return Applied(True)


async def applied_on_disk(proposal: Proposal, root: Path) -> Applied:
    """`apply_on_disk` in a thread, to its end: whoever began to write is told what was written.

    A cancel meanwhile is not raised here: the caller notes the outcome, and then looks at `asyncio.Task.cancelling`.
    """
    work = asyncio.ensure_future(asyncio.to_thread(apply_on_disk, proposal, root))
    while not work.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([work])
    return work.result()


class _Lost(Exception):
    """What was written could not be taken back."""


@dataclass(slots=True)
class _Step:
    """One file of a change that is under way."""

    edit: FileEdit
    real: Path
    before: bytes | None
    mode: int | None = None
    staged: Path | None = None
    """The new bytes, beside the file."""
    done: bool = False


@dataclass(slots=True)
class _Change:
    root: Path
    steps: list[_Step] = field(default_factory=list[_Step])
    made: list[Path] = field(default_factory=list[Path])
    """Folders that were made, outermost first."""

    def add(self, edit: FileEdit) -> None:
        """Check one file. Raises InputError when it is not what the edit was made for."""
        real = _real(self.root, edit.path)
        if any(step.real == real for step in self.steps):
            raise InputError(f"`{edit.path}` is named twice.")
        step = _Step(edit, real, _read(real, edit.path, MOST_BYTES))
        if step.before is not None:
            step.mode = stat.S_IMODE(real.stat().st_mode)
            if not os.access(real, os.W_OK):
                raise InputError(f"`{edit.path}` is read-only.")
        self._verify(step)
        self.steps.append(step)

    def _verify(self, step: _Step) -> None:
        path, before = step.edit.path, step.edit.before
        if before is None:
            if step.before is not None and not self._makes_way(step.real):
                raise InputError(f"`{path}` exists by now.", hint="Ask again.")
        elif step.before is None:
            raise InputError(f"`{path}` does not exist any more.", hint="Ask again.")
        elif digest(_text(step.before, path)) != digest(before):
            raise InputError(f"`{path}` has changed since the edit was made.", hint="Ask again.")

    def _makes_way(self, real: Path) -> bool:
        """Whether a deleted file is this one under another case, on a disk that does not tell them apart."""
        return any(step.edit.after is None and step.real.samefile(real) for step in self.steps)

    def commit(self) -> None:
        """Write everything beside the files, look at them once more, then put it in their place."""
        for step in self.steps:
            if step.edit.after is not None:
                step.staged = self._stage(step.real, _bytes(step.edit), step.mode)
        for step in self.steps:
            step.before = _read(step.real, step.edit.path, MOST_BYTES)
            self._verify(step)
        try:
            for step in sorted(self.steps, key=lambda step: step.edit.after is not None):
                if step.staged is None:
                    step.real.unlink()
                else:
                    put(step.staged, step.real)
                step.done = True
        except OSError:
            self._take_back()
            raise
        for step in self.steps:
            if step.edit.after is None:
                self._remove_empty(step.real.parent)
        self.made.clear()

    def _stage(self, real: Path, data: bytes, mode: int | None) -> Path:
        missing = [folder for folder in (real.parent, *real.parent.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir()
            self.made.append(folder)
        return stage(real, data, mode=mode)

    def _take_back(self) -> None:
        """Restore what was done. Raises _Lost when that fails, too."""
        for step in reversed([step for step in self.steps if step.done]):
            try:
                if step.edit.before is None:
                    step.real.unlink()
                elif step.before is not None:
                    put(self._stage(step.real, step.before, step.mode), step.real)
                step.done = False
            except OSError as error:
                text = f"`{step.edit.path}` was changed, other files were not, and it could not be restored ({error})."
                raise _Lost(text) from error

    def _remove_empty(self, folder: Path) -> None:
        top = self.root.resolve()
        with contextlib.suppress(OSError):  # it is not empty
            while folder != top:
                folder.rmdir()
                folder = folder.parent

    def clean(self) -> None:
        """Remove what was staged, and folders that were made for nothing."""
        for step in self.steps:
            if step.staged is not None:
                with contextlib.suppress(OSError):
                    step.staged.unlink(missing_ok=True)
        for folder in reversed(self.made):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _real(root: Path, path: str) -> Path:
    """Where a file of the project truly lies, links followed. Raises InputError when that is outside the project."""
    if project_path(path) != path:
        raise InputError(f"`{path}` is not written as paths of a project are.")
    try:
        top, real = root.resolve(), (root / path).resolve()
        inside = real.relative_to(top).as_posix()
    except (ValueError, OSError, RuntimeError) as error:
        raise InputError(f"`{path}` leads out of the project.") from error
    project_path(inside)  # a link may lead into the repository's own data
    return real


def _read(real: Path, path: str, most_bytes: int) -> bytes | None:
    try:
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"`{path}` is no file.")
        if status.st_size > most_bytes:
            raise InputError(f"`{path}` is too large to edit ({status.st_size:,} bytes).")
        return real.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"`{path}` cannot be read ({error.strerror or error}).") from error


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"`{path}` is not UTF-8 text.") from error


def _bytes(edit: FileEdit) -> bytes:
    try:
        return (edit.after or "").encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"The new text of `{edit.path}` cannot be written as UTF-8.") from error
