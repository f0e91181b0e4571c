"""The log of applied proposals of a project: what `/undo` takes back.

Owns a folder of small files in the user's cache folder, one for each applied proposal, bounded in number and size. They
hold texts of the project, so only the user may read them. A file that cannot be read is passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from zicoder.agents.edits.document import BOM
from zicoder.agents.edits.paths import project_path
from zicoder.agents.edits.proposing import Read
from zicoder.errors import InputError
from zicoder.proposal import FileEdit, Proposal, digest
from zicoder.workspace import cache_dir, index_dir

__all__ = ["Taken", "Undo", "undo_dir"]

MOST_ENTRIES = 50
MOST_BYTES = 32_000_000
"""Of all entries together."""
LARGEST = 8_000_000
"""Of one entry; a larger proposal cannot be taken back."""


def undo_dir(root: Path) -> Path:
    """The folder on this machine for the log of a project."""
    return cache_dir() / "undo" / index_dir(root).name


@dataclass(frozen=True, slots=True)
class Taken:
    """The last applied proposal, reversed. Hand it to `Undo.forget` when it has been applied."""

    proposal: Proposal
    entry: str


class Undo:
    """The log of one project. Several processes may write to the same one; what is there outlives them."""

    def __init__(self, root: Path, folder: Path | None = None) -> None:
        self._folder = folder or undo_dir(root)

    def record(self, proposal: Proposal) -> bool:
        """Log a proposal that was just applied. False when it is too large, or the disk does not take it."""
        files = [
            {
                "path": edit.path,
                "before": edit.before,
                "after": None if edit.after is None else _digest(edit.after),
                "bom": (edit.after or "").startswith(BOM),
            }
            for edit in proposal.files
        ]
        data = json.dumps({"title": proposal.title, "files": files}).encode("ascii")
        if len(data) > LARGEST or not files:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            last = self._entries()[-1:]
            # A clock that was set back must not put this entry before an older one.
            at = max(time.time_ns(), int(last[0].stem.partition("-")[0]) + 1 if last else 0)
            _write(self._folder / f"{at:020d}-{os.getpid()}.json", data)
        except OSError:
            return False
        self._drop_oldest()
        return True

    def titles(self) -> list[str]:
        """What can be taken back, the last one first."""
        return [entry[0] for path in reversed(self._entries()) if (entry := _load(path))]

    def take_back(self, read: Read) -> Taken:
        """The reverse of the last proposal, for the texts that `read` gives now; nothing is forgotten yet.

        Raises InputError when there is nothing to take back, or a file is not what the proposal has left; and what
        `read` raises.
        """
        for path in reversed(self._entries()):
            if entry := _load(path):
                title, files = entry
                edits = tuple(_reversed(read, *file) for file in files)
                return Taken(Proposal(f"Take back: {title}" if title else "Take back", edits), path.name)
        raise InputError("There is nothing to take back.")

    def forget(self, taken: Taken) -> None:
        """The reversed proposal was applied, or is not wanted any more: the one before it is the last now."""
        with contextlib.suppress(OSError):
            (self._folder / Path(taken.entry).name).unlink(missing_ok=True)

    def _entries(self) -> list[Path]:
        """Oldest first."""
        with contextlib.suppress(OSError):
            return sorted(path for path in self._folder.glob("*.json") if path.stem.partition("-")[0].isdecimal())
        return []

    def _drop_oldest(self) -> None:
        size = 0
        for number, path in enumerate(reversed(self._entries())):
            with contextlib.suppress(OSError):  # another process may have removed it
                size += path.stat().st_size
                if number >= MOST_ENTRIES or size > MOST_BYTES:
                    path.unlink()


def _digest(text: str) -> str:
    """Of a text without its byte order mark, which an editor does not show and the disk has."""
    return digest(text.removeprefix(BOM))


def _reversed(read: Read, path: str, before: str | None, after: str | None, bom: bool) -> FileEdit:
    now = read(path)
    if now is None and after is not None:
        raise InputError(f"The last edits cannot be taken back: `{path}` is gone.")
    if now is not None and after is None:
        raise InputError(f"The last edits cannot be taken back: `{path}` exists again.")
    if now is not None and after != _digest(now):
        raise InputError(f"The last edits cannot be taken back: `{path}` has changed since.", hint="Undo by hand.")
    if before is not None and now is not None and now.startswith(BOM) != bom:
        before = before.removeprefix(BOM) if bom else BOM + before
    return FileEdit(path=path, before=now, after=before)


def _write(path: Path, data: bytes) -> None:
    """Write a file at once, or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


_Logged = tuple[str, str | None, str | None, bool]
"""A path, the text before, the digest of the text after, and whether that began with a byte order mark."""


def _load(path: Path) -> tuple[str, list[_Logged]] | None:
    """The title and the files of an entry, None for one that makes no sense."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        found: Any = json.loads(path.read_bytes())
        rows = cast("list[dict[str, Any]]", found["files"])
        files = [(project_path(row["path"]), row["before"], row["after"], bool(row["bom"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError):
        return None
    texts = [text for file in files for text in file[1:3]]
    if not files or not all(text is None or isinstance(text, str) for text in texts):
        return None
    return str(found.get("title", "")), files
