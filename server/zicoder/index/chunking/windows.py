"""Chunks for text in no known language: windows of lines that overlap a little. Never fails."""

from __future__ import annotations

from collections.abc import Sequence

from zicoder.index.chunking.budget import BUDGET, Budget
from zicoder.index.chunking.source import Source
from zicoder.index.types import Chunk, Kind
from zicoder.index.words import IDENTIFIER

__all__ = ["windows"]


def windows(text: str, language: str, *, budget: Budget = BUDGET) -> Sequence[Chunk]:
    """Windows of at most `budget.window_lines` lines. Of a line above the hard bound the beginning is kept."""
    source = Source(text)
    chunks: list[Chunk] = []
    start, end = source.trim(0, len(source.lines))
    while start < end:
        stop = min(end, start + budget.window_lines, source.reach(start, budget.characters))
        stop = max(stop, start + 1)
        first, last = source.trim(start, stop)
        if first < last and (not chunks or last > chunks[-1].end):
            body = source.between(first, last)[: budget.hard_characters]
            uses = tuple(dict.fromkeys(IDENTIFIER.findall(body)))
            chunks.append(Chunk(language, Kind.LINES, first, last, body, uses=uses))
        if stop == end:
            break
        overlap = min(budget.overlap_lines, (stop - start) // 4)
        start = stop - overlap
    return chunks
