"""What was edited lately: a small ring of regions with the text before and after, fed with every change.

Owns the regions in memory. Must never keep a document alive, look at the disk, or cost more than the lines that
changed: it is fed on the keystroke path.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from zicoder.text import Snapshot

__all__ = ["EditedRegion", "RecentEdits"]

MOST_REGIONS = 12
MOST_LINES = 24
"""A larger region is a paste, a format or a replace-all: it says nothing of what the user is about."""
GAP = 3
"""Edits with no more unchanged lines between them are one."""
LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class EditedRegion:
    """Lines of a document that took the place of others."""

    path: str
    """Project-relative with slashes."""
    start: int
    """Zero-based first line, in the document as it is now."""
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def end(self) -> int:
        """The line after the last one, in the document as it is now."""
        return self.start + len(self.new)

    def diff(self) -> str:
        """The lines taken away, each after a minus, and those put there, each after a plus."""
        head, tail = _same_ends(self.old, self.new)
        old, new = self.old[head : len(self.old) - tail], self.new[head : len(self.new) - tail]
        return "".join(f"-{line}\n" for line in old) + "".join(f"+{line}\n" for line in new)


class RecentEdits:
    """The regions edited last, the most recent last."""

    def __init__(self) -> None:
        self._regions: deque[EditedRegion] = deque(maxlen=MOST_REGIONS)

    def regions(self) -> tuple[EditedRegion, ...]:
        """Those that still differ from what was there before, the most recent last."""
        return tuple(region for region in self._regions if _said(region.old) != _said(region.new))

    def changed(self, path: str, before: Snapshot, after: Snapshot) -> None:
        """A document went from one text to another, by one or several changes.

        What is equal at both ends is found by comparing halves, in microseconds for a usual file.
        """
        if before.text == after.text:
            return
        first, last, shift = _changed_lines(before, after)
        joined = _Joined(first, last, ())
        others: list[EditedRegion] = []
        for region in self._regions:
            if region.path != path or region.start > last + GAP:
                moved = shift if region.path == path else 0
                others.append(EditedRegion(region.path, region.start + moved, region.old, region.new))
            elif region.end < first - GAP:
                others.append(region)
            else:
                joined = joined.over(region)
        self._regions = deque(others, maxlen=MOST_REGIONS)
        if joined.last - joined.first + max(0, shift) > MOST_LINES:
            return
        old = joined.old(before)
        new = tuple(_line(after, line) for line in range(joined.first, joined.last + shift))
        if old != new:
            self._regions.append(EditedRegion(path, joined.first, old, new))


@dataclass(frozen=True, slots=True)
class _Joined:
    """Lines [first, last) of the text before a change, with the earlier regions that lie in it."""

    first: int
    last: int
    regions: tuple[EditedRegion, ...]

    def over(self, region: EditedRegion) -> _Joined:
        return _Joined(min(self.first, region.start), max(self.last, region.end), (*self.regions, region))

    def old(self, before: Snapshot) -> tuple[str, ...]:
        """The lines as they were before the earliest of the edits."""
        lines: list[str] = []
        at = self.first
        for region in sorted(self.regions, key=lambda region: region.start):
            lines += [_line(before, line) for line in range(at, region.start)]
            lines += region.old
            at = max(at, region.end)
        return (*lines, *(_line(before, line) for line in range(at, self.last)))


def _changed_lines(before: Snapshot, after: Snapshot) -> tuple[int, int, int]:
    """The first changed line, the line after the last changed one in `before`, and by how much the rest moved."""
    old, new = before.text, after.text
    shortest = min(len(old), len(new))
    head = _equal(shortest, lambda a, b: old[a:b] == new[a:b])
    tail = _equal(shortest - head, lambda a, b: old[len(old) - b : len(old) - a] == new[len(new) - b : len(new) - a])
    first = before.lines.position(head).line
    last = before.lines.position(len(old) - tail).line + 1
    return first, last, len(after.lines) - len(before.lines)


def _equal(length: int, same: Callable[[int, int], bool]) -> int:
    """How many of `length` characters are equal from one end on: ever larger pieces, then halves."""
    low, step = 0, 256
    while low < length:
        high = min(length, low + step)
        if not same(low, high):
            break
        low, step = high, step * 4
    else:
        return length
    while high - low > 1:
        middle = (low + high) // 2
        if same(low, middle):
            low = middle
        else:
            high = middle
    return low


def _line(snapshot: Snapshot, line: int) -> str:
    start = snapshot.lines.start(line)
    return snapshot.text[start : min(snapshot.lines.content_end(line), start + LONGEST_LINE)]


def _said(lines: tuple[str, ...]) -> list[str]:
    """Lines without what does not matter: blank ones, and white space at the ends."""
    return [stripped for line in lines if (stripped := line.strip())]


def _same_ends(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[int, int]:
    """How many lines are the same at the beginning, and at the end."""
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    rest = shortest - head
    tail = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    return head, tail
