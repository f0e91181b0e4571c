"""One text as the chunkers see it: its lines, its bytes, and where each line starts. Knows no grammar and no budget."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

__all__ = ["Source"]


class Source:
    """A text with its line ends made "\\n" (by the rule of `zicoder.text`: form feed and U+2028 end no line)."""

    __slots__ = ("_sizes", "_starts", "data", "lines", "text")

    def __init__(self, text: str) -> None:
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.text = text
        self.lines = text.split("\n")
        # Grammars read UTF-8, which has no lone surrogates; "?" is as good a stranger to them.
        self.data = text.encode("utf-8", "replace")
        self._sizes = [0, *accumulate(len(line) + 1 for line in self.lines)]
        self._starts = (
            self._sizes
            if len(self.data) == len(text)
            else [0, *accumulate(len(line) + 1 for line in self.data.split(b"\n"))]
        )

    def size(self, start: int, end: int) -> int:
        """Characters in the lines [start, end), their ends included."""
        return self._sizes[end] - self._sizes[start]

    def reach(self, start: int, characters: int) -> int:
        """The line after the last that fits when at most `characters` are taken from line `start` on."""
        return bisect_right(self._sizes, self._sizes[start] + characters) - 1

    def offset(self, line: int) -> int:
        """Where a line starts, in bytes of `data`."""
        return self._starts[line]

    def line_at(self, offset: int) -> int:
        """The line that holds the byte at `offset`."""
        return bisect_right(self._starts, offset) - 1

    def slice(self, start: int, end: int) -> str:
        """The text between two offsets into `data`."""
        if self._starts is self._sizes:
            return self.text[start:end]
        return self.data[start:end].decode("utf-8", "replace")

    def between(self, start: int, end: int) -> str:
        """The text of the lines [start, end), without the last line's end."""
        return "\n".join(self.lines[start:end])

    def trim(self, start: int, end: int) -> tuple[int, int]:
        """The same range without blank lines at its ends; empty (start == end) when all are blank."""
        lines = self.lines
        while start < end and not lines[start].strip():
            start += 1
        while start < end and not lines[end - 1].strip():
            end -= 1
        return start, end
