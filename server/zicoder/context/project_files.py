"""The files of a project as a conversation may see them: those that the index would hold, open documents as they are.

Owns the listing, which is made anew when it is older than a few seconds. Must never give the text of a file that the
index leaves out; it says why in a sentence instead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from zicoder.context.path_table import PathTable
from zicoder.errors import InputError
from zicoder.index.skip import HEAD_BYTES, Skip, content_reason
from zicoder.index.walk import FileFilter, Walk
from zicoder.text import Snapshot

__all__ = ["MOST_FILES", "ProjectFiles"]

LISTING_S = 5.0
MOST_FILES = 200_000

_WHY = {
    Skip.IGNORED: "an ignore rule leaves it out",
    Skip.BINARY: "it is no text",
    Skip.MINIFIED: "it is minified",
    Skip.GENERATED: "it is generated",
    Skip.LOCK_FILE: "it is a lock file",
    Skip.TOO_LARGE: "it is too large",
    Skip.DATA: "it is data, or a log",
    Skip.SECRET: "it looks like a file of secrets",
    Skip.UNREADABLE: "it cannot be read",
    Skip.LINK: "it is a link, or lies behind one",
    Skip.NAME: "its path leads out of the project",
    Skip.VANISHED: "there is no such file",
}


class ProjectFiles:
    """Blocking: for a thread. One object may serve several."""

    def __init__(self, files: FileFilter, documents: Callable[[], Iterable[Snapshot]] = tuple) -> None:
        """`documents` gives the open ones: their text counts, saved or not."""
        self._files = files
        self._documents = documents
        self._table: tuple[float, PathTable] = (float("-inf"), PathTable(()))
        self._turn = threading.Lock()

    def table(self) -> PathTable:
        """The paths of the project, a few seconds old at most."""
        with self._turn:
            made, table = self._table
            if time.monotonic() - made > LISTING_S:
                self._files.reload()
                found = (found.path for found, _ in zip(Walk(self._files), range(MOST_FILES), strict=False))
                table = PathTable(found)
                self._table = (time.monotonic(), table)
            return table

    def relative(self, written: str) -> str | None:
        """What a person wrote as a path of the project, with slashes; None where it lies outside."""
        if Path(written).is_absolute():
            return self._files.relative(written) or None
        path = written.replace("\\", "/").removeprefix("./")
        return None if ".." in path.split("/") else path

    def refused(self, path: str) -> str:
        """Why the text of this file is not given, as the end of a sentence; "" if it is."""
        document = self._document(path)
        size = len(document.text) if document else None
        reason = self._files.reason(path, size=size)
        if reason is None and document is not None:
            reason = content_reason(path, document.text[:HEAD_BYTES].encode(errors="replace"))
        return _WHY[reason] if reason is not None else ""

    def read(self, path: str) -> str:
        """The text of a file, line endings made "\\n". Raises InputError for one that the index would leave out."""
        if why := self.refused(path):
            raise InputError(f"{path} is not shown: {why}.")
        if document := self._document(path):
            return _plain(document.text)
        try:
            with Path(self._files.absolute(path)).open("rb") as file:
                content = file.read(self._files.max_bytes + 1)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is not shown: it cannot be read.") from error
        reason = Skip.TOO_LARGE if len(content) > self._files.max_bytes else content_reason(path, content)
        if reason is not None:
            raise InputError(f"{path} is not shown: {_WHY[reason]}.")
        return _plain(content.decode("utf-8-sig", errors="replace"))

    def line_count(self, path: str) -> int | None:
        """Lines of a file, None where there is none that may be shown."""
        try:
            text = self.read(path)
        except InputError:
            return None
        return text.count("\n") + (not text.endswith("\n"))

    def ending(self, written: str) -> list[str]:
        """Paths that end in these parts: `models/store.py` for `store.py`."""
        return self.table().ending(written)

    def _document(self, path: str) -> Snapshot | None:
        return next((d for d in self._documents() if d.path and self._files.relative(str(d.path)) == path), None)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
