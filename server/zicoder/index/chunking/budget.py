"""How large a chunk may be, and where a longer one is cut. Knows lines and indentation, no grammar."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from zicoder.index.chunking.source import Source

__all__ = ["BUDGET", "Budget", "fits", "split"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Sizes in characters and lines. Code runs to about 3.5 characters a token, so 1,400 characters are 400 tokens."""

    characters: int = 1_400
    lines: int = 60
    slack: float = 1.25
    """A definition is cut only when it is larger than the budget by this factor."""
    hard_characters: int = 2_800
    """No text is longer. Only a line that is longer by itself meets this bound: its text is cut."""
    class_characters: int = 1_200
    class_lines: int = 40
    """A class (section, element) up to this size is one chunk together with its methods."""
    window_lines: int = 40
    overlap_lines: int = 8


BUDGET = Budget()

_CLOSERS = (
    ")",
    "]",
    "}",
    "else",
    "elif",
    "except",
    "finally",
    "catch",
    "end",
    "case",
    "default",
    "then",
    "<",
    ",",
    ".",
)
_INSIDE = 10_000  # deeper than any indentation


def fits(source: Source, start: int, end: int, budget: Budget, *, slack: float = 1.0) -> bool:
    """Whether the lines [start, end) need not be cut."""
    return source.size(start, end) <= budget.characters * slack and end - start <= budget.lines * slack


def split(
    source: Source, start: int, end: int, budget: Budget, *, whole: Set[int] = frozenset()
) -> Iterator[tuple[int, int]]:
    """Cut [start, end) into ranges within the budget, where the lines are least indented, after a blank one if any.

    `whole` holds lines that should stay with the one before them. The ranges cover every line that is not blank, are
    trimmed of blank lines at both ends, and exceed the budget only where one line does by itself.
    """
    start, end = source.trim(start, end)
    while start < end:
        if end - start == 1 or fits(source, start, end, budget, slack=budget.slack):
            yield start, end
            return
        furthest = _reach(source, start, end, budget)
        parts = max(2, -(-source.size(start, end) // budget.characters), -(-(end - start) // budget.lines))
        target = min(furthest, source.reach(start, source.size(start, end) // parts))
        cut = _cut(source, start, furthest, target, whole)
        yield source.trim(start, cut)
        start, end = source.trim(cut, end)


def _reach(source: Source, start: int, end: int, budget: Budget) -> int:
    """The line after the last one that the budget allows; at least one line is allowed."""
    return max(start + 1, min(end - 1, start + budget.lines, source.reach(start, budget.characters)))


def _cut(source: Source, start: int, furthest: int, target: int, whole: Set[int]) -> int:
    """The best line in the outer half of (start, furthest] to begin a new part with."""
    low = start + max(1, (furthest - start) // 2)
    best, cut = None, furthest
    for line in range(low, furthest + 1):
        stripped = source.lines[line].lstrip()
        if not stripped:
            continue
        depth = len(source.lines[line]) - len(stripped)
        if line in whole:
            depth += _INSIDE
        if stripped.startswith(_CLOSERS):
            depth += 1
        key = (depth, source.lines[line - 1].strip() != "", abs(line - target))
        if best is None or key < best:
            best, cut = key, line
    return cut
