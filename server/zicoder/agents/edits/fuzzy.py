"""The last step of the ladder: the stretch of a file that is most like a SEARCH text, and how sure that is.

Owns an alignment of lines (semi-global, after Sellers 1980): all of the SEARCH text, against any stretch of the file.
Lines weigh by their length, so that a closing bracket proves little. Bounded; beyond the bounds nothing is found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeAlias

from zicoder.agents.edits.indentation import fit, keep
from zicoder.agents.edits.matching import Place

__all__ = ["Likeness", "is_sure", "most_alike"]

LEAST_LINES = 3
"""Lines with text that a SEARCH text must have before anything but certainty will do."""
THRESHOLD = 0.80
MARGIN = 0.10
CHANGED_ALIKE = 0.90
# Of 389 stretches of six packages, misquoted as models do, two thirds are found so and none in a wrong place. Without
# the margin it is two; without the third rule a twin is taken for a stretch that is gone half as often again.
MOST_PAIRS = 200_000
"""Lines of the block times lines of the file that are compared."""
MOST_RATIOS = 4_000
"""Pairs of lines whose letters are compared: some 0.1 ms each."""
LONGEST_LINE = 500
ALIKE = 0.6
"""Lines below this are other lines."""

_SKIP = 0.5
"""What a line of the file that the SEARCH text leaves out costs, as a share of its weight."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The best stretch of the file."""

    place: Place
    score: float
    """From 0 to 1: the weight of what is alike in the weight of all."""
    second: float
    """The score of the best stretch that shares no line with it."""
    lines: tuple[float, ...]
    """For each line of the SEARCH text how much it is like its line in the file; 1 for blank ones."""


def is_sure(likeness: Likeness, search: Sequence[str], changed: Collection[int]) -> bool:
    """Whether this can be taken for the place that is meant, when the block changes these lines of the SEARCH text.

    The lines around may be misquoted; those that are to go must be the ones in the file.
    """
    return (
        sum(1 for line in search if line.strip()) >= LEAST_LINES
        and likeness.score >= THRESHOLD
        and likeness.score - likeness.second >= MARGIN
        and all(likeness.lines[at] >= CHANGED_ALIKE for at in changed)
    )


def most_alike(lines: Sequence[str], search: Sequence[str]) -> Likeness | None:
    """The stretch of `lines` that is most like `search`, None when nothing is, or the texts are too large."""
    ours = [at for at, line in enumerate(search) if line.strip()]
    theirs = [at for at, line in enumerate(lines) if line.strip()]
    if not ours or not theirs or len(ours) * len(theirs) > MOST_PAIRS:
        return None
    mine = [search[at].strip()[:LONGEST_LINE] for at in ours]
    found = [lines[at].strip()[:LONGEST_LINE] for at in theirs]
    likeness = _Lines(mine, found)
    weights = [_weight(line) for line in mine]
    rows = _align(likeness, weights, [_weight(line) for line in found])
    total = sum(weights)
    ends = sorted(range(1, len(found) + 1), key=lambda end: -rows[-1][end])
    if not ends or rows[-1][ends[0]] <= 0:
        return None
    chosen = _trace(rows, likeness, weights, ends[0])
    if not chosen:
        return None
    first, last = min(chosen.values()), max(chosen.values())
    # A stretch before it ends before it; one that begins after it is found by aligning the rest alone.
    second = max(0.0, *rows[-1][: first + 1], _score_after(likeness, weights, found, last + 1)) / total
    place = _place(lines, search, {ours[a]: theirs[b] for a, b in chosen.items()})
    lines_alike = [1.0 - bool(line.strip()) for line in search]
    for a, b in chosen.items():
        lines_alike[ours[a]] = likeness(a, b)
    return Likeness(place, rows[-1][ends[0]] / total, second, tuple(lines_alike)) if place else None


def _weight(line: str) -> float:
    return 2.0 + min(len(line), 40)


_Alike: TypeAlias = Callable[[int, int], float]


class _Lines:
    """How alike two lines are, from 0 to 1; the same two lines are compared once."""

    def __init__(self, ours: Sequence[str], theirs: Sequence[str]) -> None:
        self.ours, self.theirs = ours, theirs
        self._sets = {line: frozenset(line) for line in {*ours, *theirs}}
        self._known: dict[tuple[str, str], float] = {}
        self._left = MOST_RATIOS

    def __call__(self, a: int, b: int) -> float:
        ours, theirs = self.ours[a], self.theirs[b]
        if ours == theirs:
            return 1.0
        short, long = sorted((len(ours), len(theirs)))
        if 2 * short < ALIKE * (short + long):
            return 0.0
        known = self._known.get((ours, theirs))
        if known is None:
            known = self._known[ours, theirs] = self._ratio(ours, theirs)
        return known

    def _ratio(self, ours: str, theirs: str) -> float:
        a, b = self._sets[ours], self._sets[theirs]
        if 2 * len(a & b) < ALIKE * (len(a) + len(b)) or self._left <= 0:
            return 0.0
        matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
        if matcher.quick_ratio() < ALIKE:
            return 0.0
        self._left -= 1
        ratio = matcher.ratio()
        return ratio if ratio >= ALIKE else 0.0


def _align(alike: _Alike, weights: Sequence[float], theirs: Sequence[float]) -> list[list[float]]:
    """The best sums: rows[i][j] for the first i lines of the SEARCH text, ending before line j of the file."""
    rows = [[0.0] * (len(theirs) + 1)]
    for a, weight in enumerate(weights):
        above, row = rows[-1], [0.0]
        for b, skipped in enumerate(theirs):
            similarity = alike(a, b)
            best = above[b] + weight * similarity if similarity else above[b + 1]
            row.append(max(best, above[b + 1], row[b] - _SKIP * skipped))
        rows.append(row)
    return rows


def _trace(rows: list[list[float]], alike: _Alike, weights: Sequence[float], end: int) -> dict[int, int]:
    """Which line is which, from the end of the best stretch backwards."""
    pairs: dict[int, int] = {}
    a, b = len(rows) - 1, end
    while a and b:
        similarity = alike(a - 1, b - 1)
        if similarity and rows[a][b] == rows[a - 1][b - 1] + weights[a - 1] * similarity:
            a, b = a - 1, b - 1
            pairs[a] = b
        elif rows[a][b] == rows[a - 1][b]:
            a -= 1
        else:
            b -= 1
    return pairs


def _score_after(alike: _Alike, weights: Sequence[float], found: Sequence[str], start: int) -> float:
    """The best sum of a stretch that begins at `start` or later."""
    if start >= len(found):
        return 0.0
    rows = _align(lambda a, b: alike(a, b + start), weights, [_weight(line) for line in found[start:]])
    return max(rows[-1])


def _place(lines: Sequence[str], search: Sequence[str], pairs: dict[int, int]) -> Place | None:
    same = [(search[a], lines[b]) for a, b in pairs.items() if search[a].strip() == lines[b].strip()]
    reindent = fit(same) if same else keep
    if reindent is None:
        return None
    known = sorted(pairs.values())
    return Place(known[0], known[-1] + 1, tuple(pairs.get(at) for at in range(len(search))), reindent)
