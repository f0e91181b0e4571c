"""Edits of whole files that somebody may accept: plain data, shown as a diff before anything is written."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from hashlib import blake2b

__all__ = ["FileEdit", "Proposal", "digest"]


def digest(text: str) -> str:
    """Identifies a text: what an edit was made for must still be there when it is applied."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """One file before and after; None where there is none, so that a file can appear and disappear.

    Texts are exactly those of the file, its line endings and a byte order mark (U+FEFF) included.
    """

    path: str
    """Project-relative, with slashes."""
    before: str | None
    after: str | None
    version: int | None = None
    """Of the open document that `before` was taken from, None for a file that was read from disk."""

    @property
    def kind(self) -> str:
        """What happens to the file: "create", "delete" or "change"."""
        if self.before is None:
            return "create"
        return "delete" if self.after is None else "change"

    def diff(self, context: int = 3) -> str:
        """A unified diff with slashes and \\n line ends, "" when nothing changes."""
        old, new = (_lines(text or "") for text in (self.before, self.after))
        names = (
            "/dev/null" if self.before is None else f"a/{self.path}",
            ("/dev/null" if self.after is None else f"b/{self.path}"),
        )
        return "".join(difflib.unified_diff(old, new, *names, n=context))

    @property
    def lines_changed(self) -> tuple[int, int]:
        """Lines added and lines taken away."""
        changed = [line[:1] for line in self.diff(0).split("\n")[2:]]
        return changed.count("+"), changed.count("-")


@dataclass(frozen=True, slots=True)
class Proposal:
    """Edits that belong together, accepted or refused as one and taken back as one."""

    title: str
    files: tuple[FileEdit, ...]
    approved: bool = False
    """A person has already said yes to exactly this, so that nobody asks for it again."""

    def diff(self) -> str:
        """All diffs, one after the other."""
        return "".join(file.diff() for file in self.files)


def _lines(text: str) -> list[str]:
    """Lines for a diff: \\r\\n and \\n look alike, and a missing line end at the end of a file is said."""
    lines = text.replace("\r\n", "\n").split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([f"{last}\n\\ No newline at end of file\n"] if last else [])
