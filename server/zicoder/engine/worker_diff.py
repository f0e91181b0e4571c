"""How one list of tokens becomes another, in few changes that leave long pieces alone.

Owns no state and knows no model: tokens are numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zicoder.text import common_prefix

__all__ = ["Change", "changes"]

ANCHOR = 12
"""Tokens in a row that must agree for a piece between two changes to be worth keeping."""


@dataclass(frozen=True, slots=True)
class Change:
    """`removed` tokens go at `start`, `added` ones come. `start` counts in the new list."""

    start: int
    removed: int
    added: int


def changes(old: Sequence[int], new: Sequence[int]) -> list[Change]:
    """The changes, first to last, that make `old` into `new`; applied in this order, each finds its `start` right.

    What both ends have in common stays. Between them, pieces stay that stand once in either list (as in "patience"
    diff by Bram Cohen) and are longer than what comes before them: a shorter one is not worth its stale values.
    """
    merged: list[Change] = []
    for start, removed, added in _gaps(old, new):
        if merged and 0 < (kept := start - merged[-1].start - merged[-1].added) < merged[-1].added:
            last = merged.pop()
            merged.append(Change(last.start, last.removed + kept + removed, last.added + kept + added))
        else:
            merged.append(Change(start, removed, added))
    if merged:
        last = merged[-1]
        tail = len(new) - last.start - last.added
        if tail < last.added:
            merged[-1] = Change(last.start, last.removed + tail, last.added + tail)
    return merged


def _gaps(old: Sequence[int], new: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(start in new, removed, added) of whatever lies between the pieces that stay."""
    at_old = at_new = 0
    for start_old, start_new, length in [*_kept(old, new), (len(old), len(new), 0)]:
        if start_old > at_old or start_new > at_new:
            yield at_new, start_old - at_old, start_new - at_new
        at_old, at_new = start_old + length, start_new + length


def _kept(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int, int]]:
    """(start in old, start in new, length) of the pieces that stay, in order."""
    front = common_prefix(old, new)
    rest_old, rest_new = old[front:], new[front:]
    back = common_prefix(rest_old[::-1], rest_new[::-1])
    end_old, end_new = len(old) - back, len(new) - back
    pieces = [(0, 0, front)] if front else []
    if min(end_old, end_new) - front >= ANCHOR:
        pieces += [(front + a, front + b, n) for a, b, n in _anchored(old[front:end_old], new[front:end_new])]
    if back:
        pieces.append((end_old, end_new, back))
    return pieces


def _anchored(old: Sequence[int], new: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Pieces found by runs of `ANCHOR` tokens that stand once in each list, as far as they keep their order."""
    places = _single_runs(old)
    at_old = at_new = 0
    for run, b in sorted(_single_runs(new).items(), key=lambda item: item[1]):
        a = places.get(run, -1)
        if a < at_old or b < at_new:
            continue
        n = common_prefix(old[a:], new[b:])
        back = 0
        while a - back > at_old and b - back > at_new and old[a - back - 1] == new[b - back - 1]:
            back += 1
        yield a - back, b - back, n + back
        at_old, at_new = a + n, b + n


def _single_runs(tokens: Sequence[int]) -> dict[tuple[int, ...], int]:
    places: dict[tuple[int, ...], int] = {}
    for n in range(len(tokens) - ANCHOR + 1):
        run = tuple(tokens[n : n + ANCHOR])
        places[run] = -1 if run in places else n
    return {run: n for run, n in places.items() if n >= 0}
