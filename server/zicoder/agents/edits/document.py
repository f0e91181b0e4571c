"""A file's text as lines that know their own line end and where they come from.

Owns what keeps a file's bytes as they are: line ends, a byte order mark, a missing end of the last line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zicoder.text import split_lines

__all__ = ["BOM", "Document", "Line"]

BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its text, its line end ("" for a last line that has none), its place in the original."""

    body: str
    end: str
    origin: int | None = None
    """Zero-based; None for a line that an edit has written."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text, taken apart so that nothing is lost."""

    bom: str
    lines: tuple[Line, ...]

    @classmethod
    def of(cls, text: str) -> Document:
        """Take a text apart."""
        bom = BOM if text.startswith(BOM) else ""
        lines: list[Line] = []
        for number, line in enumerate(split_lines(text[len(bom) :])):
            end = "\r\n" if line.endswith("\r\n") else line[-1] if line[-1] in "\r\n" else ""
            lines.append(Line(line[: len(line) - len(end)], end, number))
        return cls(bom, tuple(lines))

    @property
    def text(self) -> str:
        """The text again."""
        return self.bom + "".join(line.body + line.end for line in self.lines)

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to find in it."""
        return not any(line.body.strip() for line in self.lines)

    def end_near(self, at: int) -> str:
        """The line end that a new line here gets: that of the line before, else of the nearest one after."""
        before = self.lines[at - 1].end if 0 < at <= len(self.lines) else ""
        return before or next((line.end for line in (*self.lines[at:], *self.lines) if line.end), "\n")

    def with_lines(self, start: int, end: int, lines: Sequence[Line]) -> Document:
        """The document with other lines in the place of [start, end).

        The last line has a line end if, and only if, the last line had one before.
        """
        made = [*self.lines[:start], *lines, *self.lines[end:]]
        for at, line in enumerate(made[:-1]):
            if not line.end:
                made[at] = Line(line.body, self.end_near(min(at, len(self.lines) - 1)), line.origin)
        if made and self.lines:
            last, wanted = made[-1], self.lines[-1].end
            if bool(last.end) != bool(wanted):
                made[-1] = Line(last.body, wanted, last.origin)
        return Document(self.bom, tuple(made))
