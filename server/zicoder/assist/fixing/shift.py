"""Where the lines of a text are in a changed one, so that a finding before can be told from a new one after."""

from __future__ import annotations

import difflib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from zicoder.assist.problem import Problem
from zicoder.text import Snapshot, common_ends, split_lines

__all__ = ["Shift"]

Key = Callable[[Problem], str]


class Shift:
    """The way from one text to another, line by line. A line that is the same keeps what is found in it."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self._before, self._after = before, after
        self._moves = _moves(split_lines(before.text), split_lines(after.text))
        """(first line before, first line after, lines): runs that are the same."""
        self._kept_after = {to + each for _, to, length in self._moves for each in range(length)}

    def image(self, offset: int) -> int | None:
        """The place of an offset in the changed text; None where its line is not there as it was."""
        place = self._before.lines.position(offset)
        at = bisect_right(self._moves, place.line, key=lambda move: move[0]) - 1
        if at < 0:
            return None
        first, to, length = self._moves[at]
        if place.line >= first + length:
            return None
        return self._after.lines.start(to + place.line - first) + place.column

    def left(self, before: Iterable[Problem], now: Iterable[Problem], problem: Problem, key: Key) -> bool:
        """Whether the finding `problem`, one of those `before`, is among those `now`.

        In a line that is the same it must be gone from its place. In lines that changed, one fewer of its kind must be
        left, and fewer on its own line; where nobody can say which line that is now, none at all.
        """
        found = list(now)
        image = self.image(problem.start)
        if image is not None:
            return any(each.start == image and key(each) == key(problem) for each in found)
        changed_before = [each for each in before if self.image(each.start) is None and key(each) == key(problem)]
        changed_now = [each for each in self._in_changed(found) if key(each) == key(problem)]
        if not changed_now or len(changed_now) >= len(changed_before):
            return bool(changed_now)
        line = self._before.lines.position(problem.start).line
        partner = self._partner(line)
        if partner is None:
            return True
        here = sum(self._before.lines.position(each.start).line == line for each in changed_before)
        return sum(self._after.lines.position(each.start).line == partner for each in changed_now) >= here

    def fresh(self, before: Iterable[Problem], now: Iterable[Problem], key: Key) -> list[Problem]:
        """The findings of `now` that were not there before, neither at their place nor among the changed lines."""
        known: Counter[tuple[int, str]] = Counter()
        loose: Counter[str] = Counter()
        for each in before:
            image = self.image(each.start)
            if image is None:
                loose[key(each)] += 1
            else:
                known[image, key(each)] += 1
        found: list[Problem] = []
        for each in now:
            place = each.start, key(each)
            if known[place]:
                known[place] -= 1
            elif self._is_changed(each) and loose[key(each)]:
                loose[key(each)] -= 1
            else:
                found.append(each)
        return found

    def _partner(self, line: int) -> int | None:
        """The line that stands for a changed one: where as many lines changed as are there now, the one in its turn."""
        at = bisect_right(self._moves, line, key=lambda move: move[0])
        first, to, length = self._moves[at - 1] if at else (0, 0, 0)
        next_first, next_to, _ = (
            self._moves[at] if at < len(self._moves) else (len(self._before.lines), len(self._after.lines), 0)
        )
        gone, come = next_first - first - length, next_to - to - length
        return to + line - first if gone == come else None

    def _in_changed(self, problems: Iterable[Problem]) -> list[Problem]:
        return [each for each in problems if self._is_changed(each)]

    def _is_changed(self, problem: Problem) -> bool:
        return self._after.lines.position(problem.start).line not in self._kept_after


def _moves(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int]]:
    head, tail = common_ends(before, after)
    found = [(0, 0, head)] if head else []
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    blocks = difflib.SequenceMatcher(None, *middle, autojunk=False).get_matching_blocks()
    found += [(head + block.a, head + block.b, block.size) for block in blocks if block.size]
    if tail:
        found.append((len(before) - tail, len(after) - tail, tail))
    return found
