"""The conversations of one project, each a file of JSON lines in the user's data folder.

    <data>/conversations/<project>/<id>.jsonl

Files are only ever appended to, a whole line in one write, so that two processes may write to one and a crash costs at
most the line that was being written. Nothing is removed but by `delete`. Blocking: for a thread.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zicoder.agents.conversation import Conversation, Turn, decode, encode, from_records, turn_record
from zicoder.context.history import Summary
from zicoder.errors import InputError, ZiError
from zicoder.events import ignore_progress
from zicoder.models.partial import exclusive
from zicoder.models.store import data_dir
from zicoder.workspace import project_key

__all__ = ["LARGEST", "Conversations", "Listed", "conversations_dir"]

LARGEST = 16 << 20
"""Bytes of one conversation; who has written that much begins another."""
LONGEST_TURN = 1 << 20
"""Characters of one turn that are kept."""
LISTED = 50

_IDENTITY = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
_SUFFIX = ".jsonl"


def conversations_dir(root: Path) -> Path:
    """Where the conversations about the project at `root` are on this machine."""
    return data_dir() / "conversations" / project_key(root)


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list."""

    id: str
    title: str
    turns: int
    model: str
    at: float
    """When it was last written to, in seconds since 1970."""


class Conversations:
    """All conversations in `folder`. Several objects and processes may use the same one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self) -> str:
        """The identity of a new conversation; its file appears with its first turn."""
        return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"

    def append(self, identity: str, turn: Turn) -> None:
        """Write a turn down. Raises InputError for one too many, ZiError if the disk refuses."""
        if len(turn.text) > LONGEST_TURN:
            cut = len(turn.text) - LONGEST_TURN
            turn = replace(turn, text=f"{turn.text[:LONGEST_TURN]}\n[… {cut:,} more characters not kept …]")
        if not turn.at:
            turn = replace(turn, at=round(time.time(), 3))
        self._write(identity, turn_record(turn))

    def rename(self, identity: str, title: str) -> None:
        """Give it another title. Raises InputError if there is no such conversation, or for an empty title."""
        title = " ".join("".join(c if c.isprintable() else " " for c in title).split())[:200]
        if not title:
            raise InputError("A conversation needs a title.", hint="Write `/history rename ID TITLE`.")
        self._write(self.find(identity), {"kind": "title", "title": title})

    def summarise(self, identity: str, summary: Summary) -> None:
        """Keep the summary of its first turns."""
        self._write(identity, {"kind": "summary", "covers": summary.covers, "text": summary.text})

    def read(self, identity: str) -> Conversation:
        """A conversation by its identity, the beginning of it, or "last". Raises InputError."""
        identity = self.find(identity)
        return from_records(identity, decode(self._bytes(identity)))

    def find(self, wanted: str) -> str:
        """The whole identity of what was written of one; "last" is the one written to last. Raises InputError."""
        names = self._names()
        if not names:
            raise InputError("There is no conversation about this project yet.")
        if wanted == "last":
            return names[0][1]
        if wanted in (known := {name for _, name in names}):
            return wanted
        found = [name for name in known if wanted and (name.startswith(wanted) or name.endswith(f"-{wanted}"))]
        if len(found) == 1:
            return found[0]
        what = "There are several conversations" if found else "There is no conversation"
        raise InputError(f"{what} {wanted!r}.", hint="`/history` lists them.")

    def list(self, limit: int = LISTED) -> list[Listed]:
        """The conversations, the one written to last first."""
        listed: list[Listed] = []
        for at, name in self._names()[:limit]:
            try:
                found = from_records(name, decode(self._bytes(name)))
            except InputError:
                continue  # another process has just deleted it
            listed.append(Listed(name, found.title, len(found.turns), found.model, at))
        return listed

    def delete(self, identity: str) -> None:
        """Remove one for good. Raises InputError if there is no such conversation, ZiError if it cannot be removed."""
        identity = self.find(identity)
        try:
            self._path(identity).unlink(missing_ok=True)
        except OSError as error:
            raise ZiError(f"The conversation cannot be deleted: {error.strerror or error}.") from error

    # --- details

    def _path(self, identity: str) -> Path:
        if not _IDENTITY.fullmatch(identity):
            raise InputError(f"{identity!r} is no conversation.", hint="`/history` lists them.")
        return self.folder / (identity + _SUFFIX)

    def _names(self) -> list[tuple[float, str]]:
        """When each was written to, and its identity, newest first."""
        try:
            with os.scandir(self.folder) as entries:
                found = [(e.stat().st_mtime, e.name.removesuffix(_SUFFIX)) for e in entries if _is_ours(e)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ZiError(f"The conversations cannot be read: {error.strerror or error} ({self.folder}).") from error
        return sorted(found, reverse=True)

    def _bytes(self, identity: str) -> bytes:
        try:
            with self._path(identity).open("rb") as file:
                return file.read(LARGEST + 2 * LONGEST_TURN)
        except OSError as error:
            raise InputError(f"The conversation {identity} cannot be read: {error.strerror or error}.") from error

    def _turn(self) -> contextlib.AbstractContextManager[None]:
        """Elsewhere the system appends in one piece; on Windows it looks for the end first, and then writes."""
        if sys.platform != "win32":
            return contextlib.nullcontext()
        return exclusive(self.folder / "append.lock", title="", progress=ignore_progress)

    def _write(self, identity: str, record: Mapping[str, Any]) -> None:
        """Append a record. A line that a crash left torn is ended first, and passed over from then on."""
        path = self._path(identity)
        line = encode(record)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._turn(), _opened(path) as descriptor:
                size = os.fstat(descriptor).st_size
                if size + len(line) > LARGEST:
                    raise InputError(
                        f"This conversation is full ({LARGEST >> 20} MB).", hint="Begin a new one with `/clear`."
                    )
                if size:
                    os.lseek(descriptor, size - 1, os.SEEK_SET)
                    line = line if os.read(descriptor, 1) == b"\n" else b"\n" + line
                _write_whole(descriptor, line)
        except OSError as error:
            raise ZiError(
                f"The conversation cannot be saved: {error.strerror or error} ({path}).",
                hint="Make room on the disk, or set ZI_DATA_DIR to a folder that can be written.",
            ) from error


@contextlib.contextmanager
def _opened(path: Path) -> Generator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(_SUFFIX) and _IDENTITY.fullmatch(entry.name.removesuffix(_SUFFIX)) is not None


def _write_whole(descriptor: int, line: bytes) -> None:
    """One write, as a rule; the system may take less of it, when the disk is nearly full."""
    while line:
        line = line[os.write(descriptor, line) :]
