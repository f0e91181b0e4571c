"""The log of applied proposals of a project: what `/undo` takes back, all of one run together.

Owns a folder of small files in the user's cache folder, one for each applied proposal, bounded in number and size. They
hold texts of the project, so only the user may read them. A file that cannot be read is passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from zicoder.agents.edits.document import BOM
from zicoder.agents.edits.paths import project_path
from zicoder.agents.edits.proposing import Read
from zicoder.errors import InputError
from zicoder.files import OWNER, write_whole
from zicoder.proposal import FileEdit, Proposal, digest
from zicoder.workspace import cache_dir, project_key

__all__ = ["Taken", "Undo", "undo_dir"]

MOST_ENTRIES = 50
MOST_BYTES = 32_000_000
"""Of all entries together."""
LARGEST = 8_000_000
"""Of one entry; a larger proposal cannot be taken back."""


def undo_dir(root: Path) -> Path:
    """The folder on this machine for the log of a project."""
    return cache_dir() / "undo" / project_key(root)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was applied last, reversed. Hand it to `Undo.forget` when it has been applied."""

    proposal: Proposal
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Logged:
    """One file of an entry."""

    path: str
    before: str | None
    after: str | None
    """Digest of the text after."""
    bom: bool
    """Whether that text began with a byte order mark."""


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    title: str
    run: str
    files: tuple[_Logged, ...]


class Undo:
    """The log of one project. Several processes may write to the same one; what is there outlives them."""

    def __init__(self, root: Path, folder: Path | None = None) -> None:
        self._folder = folder or undo_dir(root)

    def record(self, proposal: Proposal, *, run: str = "") -> bool:
        """Log a proposal that was just applied. What one `run` has applied in a row is taken back in one step.

        False when it is too large, or the disk does not take it.
        """
        files = [
            {
                "path": edit.path,
                "before": edit.before,
                "after": None if edit.after is None else _digest(edit.after),
                "bom": (edit.after or "").startswith(BOM),
            }
            for edit in proposal.files
        ]
        data = json.dumps({"title": proposal.title, "run": run, "files": files}).encode("ascii")
        if len(data) > LARGEST or not files:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            last = self._entries()[-1:]
            # A clock that was set back must not put this entry before an older one.
            at = max(time.time_ns(), int(last[0].stem.partition("-")[0]) + 1 if last else 0)
            write_whole(self._folder / f"{at:020d}-{os.getpid()}.json", data, new=OWNER)
        except OSError:
            return False
        self._drop_oldest()
        return True

    def titles(self) -> list[str]:
        """What can be taken back, the last one first."""
        return [entry.title for path in reversed(self._entries()) if (entry := _load(path))]

    def take_back(self, read: Read) -> Taken:
        """The reverse of what the last run applied, for the texts that `read` gives now; nothing is forgotten yet.

        Raises InputError when there is nothing to take back, or files are not what the run has left; and what `read`
        raises.
        """
        entries = self._last_run()
        if not entries:
            raise InputError("There is nothing to take back.")
        files = _together(entries)
        now = {path: read(path) for path in files}
        if changed := [reason for file in files.values() if (reason := _changed(file, now[file.path]))]:
            raise InputError(f"The last edits cannot be taken back: {', '.join(changed)}.", hint="Undo by hand.")
        edits = tuple(edit for file in files.values() if (edit := _reversed(file, now[file.path])))
        titles = list(dict.fromkeys(entry.title for entry in reversed(entries) if entry.title))
        return Taken(
            Proposal(f"Take back: {', '.join(titles)}" if titles else "Take back", edits),
            tuple(entry.name for entry in entries),
        )

    def forget(self, taken: Taken) -> None:
        """The reversed proposal was applied, or is not wanted any more: what was before it is the last now."""
        for name in taken.entries:
            with contextlib.suppress(OSError):
                (self._folder / Path(name).name).unlink(missing_ok=True)

    def _last_run(self) -> list[_Entry]:
        """The entries of the last run, the last one first: as far back as each began with what the one before left."""
        found: list[_Entry] = []
        left: dict[str, str | None] = {}
        for path in reversed(self._entries()):
            if (entry := _load(path)) is None:
                continue
            broken = any(left.get(file.path, file.after) != file.after for file in entry.files)
            if found and (not entry.run or entry.run != found[0].run or broken):
                break
            found.append(entry)
            left |= {file.path: None if file.before is None else _digest(file.before) for file in entry.files}
        return found

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


def _together(entries: Sequence[_Entry]) -> dict[str, _Logged]:
    """What a run did to each file from its first edit to its last, by path. `entries`: the last one first."""
    files: dict[str, _Logged] = {}
    for entry in entries:
        for file in entry.files:
            last = files.get(file.path, file)
            files[file.path] = replace(last, before=file.before)
    return dict(sorted(files.items()))


def _changed(file: _Logged, now: str | None) -> str:
    """What became of a file since, as a part of a sentence; "" if it is as the edits left it."""
    if now is None:
        return "" if file.after is None else f"`{file.path}` is gone"
    if file.after is None:
        return f"`{file.path}` exists again"
    return "" if file.after == _digest(now) else f"`{file.path}` has changed since"


def _reversed(file: _Logged, now: str | None) -> FileEdit | None:
    """The edit back; None for a file that was made and deleted again."""
    before = file.before
    if before is None and now is None:
        return None
    if before is not None and now is not None and now.startswith(BOM) != file.bom:
        before = before.removeprefix(BOM) if file.bom else BOM + before
    return FileEdit(path=file.path, before=now, after=before)


def _load(path: Path) -> _Entry | None:
    """An entry, None for one that makes no sense."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        found: Any = json.loads(path.read_bytes())
        rows = cast("list[dict[str, Any]]", found["files"])
        files = tuple(_Logged(project_path(row["path"]), row["before"], row["after"], bool(row["bom"])) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError):
        return None
    texts: list[Any] = [text for file in files for text in (file.before, file.after)]
    if not files or not all(text is None or isinstance(text, str) for text in texts):
        return None
    return _Entry(path.name, str(found.get("title", "")), str(found.get("run", "")), files)
