"""One document as jedi sees it: one-based lines, no byte order mark, no lone carriage returns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zicoder.text import Position, Snapshot

__all__ = ["JediText"]

_BOM = "\ufeff"
_LONE_CR = re.compile(r"\r(?!\n)")
_NUMBER_DOT = re.compile(r"(?<![\w.])\d[\d_]*\.$")


@dataclass(frozen=True)
class JediText:
    """Converts between offsets of a snapshot and jedi's (line, column); both count code points."""

    snapshot: Snapshot

    @property
    def code(self) -> str:
        r"""The text for jedi.

        parso drops a byte order mark and then counts columns without it, so it is dropped here, where the shift is
        known. A lone "\r" becomes "\n", one character for one: parso knows it as a line end, but not everywhere.
        """
        code = self.snapshot.text.removeprefix(_BOM)
        return _LONE_CR.sub("\n", code) if "\r" in code else code

    @property
    def _shift(self) -> int:
        return 1 if self.snapshot.text.startswith(_BOM) else 0

    def place(self, offset: int) -> tuple[int, int]:
        """Jedi's (line, column) of an offset; between the two characters of a CRLF it is the end of the line."""
        lines = self.snapshot.lines
        line = lines.position(offset).line
        column = min(offset, lines.content_end(line)) - lines.start(line)
        return line + 1, max(0, column - (self._shift if line == 0 else 0))

    def position(self, line: int, column: int) -> Position:
        """Our position of jedi's (line, column)."""
        return Position(line - 1, column + (self._shift if line == 1 else 0))

    def offset(self, line: int, column: int) -> int:
        """Offset of jedi's (line, column), clamped to the line."""
        return self.snapshot.lines.offset(self.position(line, column))

    def before(self, offset: int) -> str:
        """The text of the line up to `offset`."""
        lines = self.snapshot.lines
        return self.snapshot.text[lines.start(lines.position(offset).line) : offset]

    def word(self, offset: int) -> tuple[int, int]:
        """The identifier (or keyword) that touches `offset`, as offsets; an empty range when there is none."""
        text = self.snapshot.text
        start = end = offset
        while start > 0 and _in_word(text[start - 1]):
            start -= 1
        while end < len(text) and _in_word(text[end]):
            end += 1
        if start < end and text[start].isdigit():
            return offset, offset
        return start, end

    def wants_completion(self, offset: int) -> bool:
        """Whether names belong here: not in a comment, and not after the point of a number."""
        line = self.before(offset)
        return not _NUMBER_DOT.search(line) and not _in_comment(line)


def _in_word(char: str) -> bool:
    return char == "_" or char.isalnum()


def _in_comment(line: str) -> bool:
    """Whether a line, cut at the cursor, is inside a comment. Strings are followed within this line only."""
    quote = ""
    index = 0
    while index < len(line):
        char = line[index]
        if quote:
            if char == "\\":
                index += 1
            elif line.startswith(quote, index):
                index += len(quote) - 1
                quote = ""
        elif char in "\"'":
            quote = char * 3 if line.startswith(char * 3, index) else char
            index += len(quote) - 1
        elif char == "#":
            return True
        index += 1
    return False
