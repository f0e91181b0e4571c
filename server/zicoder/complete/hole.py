"""The hole at the cursor: what stands around the text that a completion has to supply.

Owns the questions every later stage asks about the place (which line, how deep, what comes next).
It must stay free of any grammar: a hole is lines, indentation and line endings in any language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from zicoder.text import LINE_END, Snapshot

__all__ = ["Hole", "hole_at", "indent_of", "indent_width", "line_start"]

TAB_WIDTH = 4
"""Columns a tab counts for when a tab-indented line is compared with a space-indented one."""

_LEADING = re.compile(r"[ \t]*")


def indent_of(line: str) -> str:
    """The leading spaces and tabs of a line."""
    match = _LEADING.match(line)
    return match.group() if match else ""


def indent_width(line: str) -> int:
    """How deep a line is indented, in columns; a tab moves to the next multiple of `TAB_WIDTH`."""
    width = 0
    for char in line:
        if char == " ":
            width += 1
        elif char == "\t":
            width += TAB_WIDTH - width % TAB_WIDTH
        else:
            break
    return width


def line_start(text: str, end: int) -> int:
    """Offset at which the line that holds the text just before `end` starts."""
    start = text.rfind("\n", 0, end) + 1
    return max(start, text.rfind("\r", start, end) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    r"""A place in a document, with all the text before and after it.

    Lines end at ``\n``, ``\r\n`` or a lone ``\r`` and nowhere else, as in LSP. The properties look
    only as far as they must, so that asking one in a document of many megabytes stays cheap.
    """

    prefix: str
    """All document text before the cursor, with the document's own line endings."""
    suffix: str
    """All document text after the cursor."""
    language: str = "plaintext"
    """LSP language identifier."""
    multiline: bool = False
    """Whether a suggestion here may span several lines (see `scope.begins_block`)."""

    one_line: bool = False
    """Whether it must never span several lines, not even to finish a statement."""

    @property
    def line_before(self) -> str:
        """The cursor's line from its start to the cursor."""
        return self.prefix[line_start(self.prefix, len(self.prefix)) :]

    @property
    def line_after(self) -> str:
        """The cursor's line from the cursor to its end, without the line ending."""
        match = LINE_END.search(self.suffix)
        return self.suffix[: match.start()] if match else self.suffix

    @property
    def indent(self) -> str:
        """The leading white space of the cursor's line, as far as it stands before the cursor."""
        return indent_of(self.line_before)

    @property
    def newline(self) -> str:
        """The document's line ending: its first one, or a line feed when it has a single line."""
        match = LINE_END.search(self.prefix) or LINE_END.search(self.suffix)
        return match.group() if match else "\n"

    @property
    def next_line(self) -> str:
        """The first non-blank line below the cursor's line, with its indentation; "" when there is none."""
        return next(iter(self.lines_below(1)), "")

    @property
    def previous_line(self) -> str:
        """The first non-blank line above the cursor's line, with its indentation; "" when there is none."""
        return next(iter(self.lines_above(1)), "")

    def lines_below(self, count: int, *, blank: bool = False) -> list[str]:
        """Up to `count` lines below the cursor's line, nearest first; blank ones only when asked for."""
        lines: list[str] = []
        match = LINE_END.search(self.suffix)
        while match and len(lines) < count:
            start = match.end()
            match = LINE_END.search(self.suffix, start)
            line = self.suffix[start : match.start()] if match else self.suffix[start:]
            if blank or line.strip():
                lines.append(line)
        return lines

    def lines_above(self, count: int, *, blank: bool = False) -> list[str]:
        """Up to `count` lines above the cursor's line, nearest first; blank ones only when asked for."""
        lines: list[str] = []
        text = self.prefix
        end = len(text) - len(self.line_before)
        while end > 0 and len(lines) < count:
            end -= 2 if text.endswith("\r\n", 0, end) else 1
            start = line_start(text, end)
            line = text[start:end]
            if blank or line.strip():
                lines.append(line)
            end = start
        return lines


def hole_at(snapshot: Snapshot, offset: int) -> Hole:
    """The hole at a place of a document, for one line."""
    return Hole(prefix=snapshot.text[:offset], suffix=snapshot.text[offset:], language=snapshot.language)
