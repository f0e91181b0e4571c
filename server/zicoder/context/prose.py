"""Which parts of a Markdown text are code, where a mention or a citation means nothing. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

__all__ = ["code_ranges", "inside"]

Ranges = Sequence[tuple[int, int]]

_FENCE = re.compile(r"^[ \t]{0,3}(?:>[ \t]?|[-*+][ \t]+)*[ \t]*(`{3,}|~{3,})")
_INLINE = re.compile(r"(?<!`)(`+)(?!`)[^\n]{0,2000}?(?<!`)\1(?!`)")


def code_ranges(text: str, *, inline: bool = True) -> list[tuple[int, int]]:
    """Offsets [start, end) of fenced code blocks, an open one up to the end of the text, and of `inline` code spans."""
    ranges: list[tuple[int, int]] = []
    fence, begun, at = "", 0, 0
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            if found and found[1][0] == fence[0] and len(found[1]) >= len(fence) and not line[found.end() :].strip():
                ranges.append((begun, at + len(line)))
                fence = ""
        elif found and not (found[1][0] == "`" and "`" in line[found.end() :]):
            fence, begun = found[1], at
        elif inline:
            ranges += [(at + span.start(), at + span.end()) for span in _INLINE.finditer(line)]
        at += len(line)
    if fence:
        ranges.append((begun, at))
    return ranges


def inside(ranges: Ranges, offset: int) -> bool:
    """Whether an offset lies in one of the ranges, which are in order."""
    number = bisect_right(ranges, (offset, float("inf")))
    return number > 0 and offset < ranges[number - 1][1]
