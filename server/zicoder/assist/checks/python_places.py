"""Where nodes of Python's `ast` stand in a text: it counts lines its own way, and columns in bytes."""

from __future__ import annotations

import ast
import re
from typing import Protocol, cast

__all__ = ["Places"]

_LINE_END = re.compile(r"\r\n|\r|\n")


class _Placed(Protocol):
    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


class Places:
    """Offsets in code points of the nodes of one text, which may begin with a byte order mark."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._shift = 1 if text.startswith("\ufeff") else 0
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def at(self, line: int, column: int) -> int:
        """The offset of a line (from 1) and a column in bytes of UTF-8."""
        if line > len(self._starts):
            return len(self._text)
        start = self._starts[line - 1] + (self._shift if line == 1 else 0)
        end = self._starts[line] if line < len(self._starts) else len(self._text)
        text = self._text[start:end]
        return start + (column if text.isascii() else len(text.encode("utf-8")[:column].decode("utf-8", "ignore")))

    def of(self, node: ast.AST) -> tuple[int, int]:
        """[start, end) of a node."""
        placed = cast("_Placed", node)
        start = self.at(placed.lineno, placed.col_offset)
        if placed.end_lineno is None or placed.end_col_offset is None:
            return start, start
        return start, self.at(placed.end_lineno, placed.end_col_offset)

    def line_start(self, offset: int) -> int:
        """Where the line of an offset begins."""
        return max(start for start in self._starts if start <= offset)

    def line_end(self, offset: int) -> int:
        """Where the line of an offset ends, its line ending included."""
        return next((start for start in self._starts if start > offset), len(self._text))
