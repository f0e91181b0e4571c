"""Findings before and after a change: which of them are the same, gone, or new."""

from __future__ import annotations

from tests.marked import snap

from zicoder.assist.fixing.shift import Shift
from zicoder.assist.problem import Problem

BEFORE = "a = x\nb = 1\nc = x\n"


def found(text: str, word: str = "x") -> list[Problem]:
    """Every place of a word, as a finding that bears its name."""
    return [Problem(at, at + 1, word) for at in range(len(text)) if text[at] == word]


def words(problem: Problem) -> str:
    return problem.message


def shift(after: str) -> Shift:
    return Shift(snap(BEFORE), snap(after))


def test_a_finding_that_moved_with_its_line_is_neither_gone_nor_new() -> None:
    after = "# one\n# two\n# three\na = x\nb = 1\nc = x\n"
    assert shift(after).fresh(found(BEFORE), found(after), words) == []
    assert shift(after).left(found(BEFORE), found(after), found(BEFORE)[0], words)


def test_one_mended_and_one_made_elsewhere_is_no_fix() -> None:
    after = "a = 2\nb = x\nc = x\n"
    before, now = found(BEFORE), found(after)
    assert shift(after).fresh(before, now, words) == []  # as many as before among the changed lines ...
    assert shift(after).left(before, now, before[0], words)  # ... so that the one asked for is not gone
    swapped = "a = x + 1\nb = 1\nc = 3\n"
    assert shift(swapped).left(before, found(swapped), before[0], words)
    far = "a = 2\nb = 1\nc = x\nd = x\n"
    assert [each.start for each in shift(far).fresh(before, found(far), words)] == []
    assert shift(far).left(before, found(far), before[0], words)


def test_the_other_one_is_not_taken_for_it() -> None:
    after = "a = 2\nb = 1\nc = x\n"
    assert not shift(after).left(found(BEFORE), found(after), found(BEFORE)[0], words)
    assert shift(after).left(found(BEFORE), found(after), found(BEFORE)[1], words)


def test_a_new_one_is_seen() -> None:
    after = "a = x\nb = 1\nc = x\nd = x\n"
    assert [each.start for each in shift(after).fresh(found(BEFORE), found(after), words)] == [after.rindex("x")]


def test_a_finding_of_another_kind_does_not_stand_in() -> None:
    after = "a = y\nb = 1\nc = x\n"
    now = [*found(after), *found(after, "y")]
    assert [each.message for each in shift(after).fresh(found(BEFORE), now, words)] == ["y"]
