"""Few changes, long pieces left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zicoder.engine.worker_diff import changes

TOKENS = st.lists(st.integers(0, 3), max_size=60)


def apply(old: list[int], new: list[int]) -> list[int]:
    held = list(old)
    for change in changes(old, new):
        held[change.start : change.start + change.removed] = new[change.start : change.start + change.added]
    return held


@given(old=TOKENS, new=TOKENS)
def test_the_changes_make_one_list_of_the_other(old: list[int], new: list[int]) -> None:
    assert apply(old, new) == new


@given(head=st.lists(st.integers(), max_size=40), old=TOKENS, new=TOKENS, tail=st.lists(st.integers(), max_size=40))
def test_with_common_ends(head: list[int], old: list[int], new: list[int], tail: list[int]) -> None:
    assert apply(head + old + tail, head + new + tail) == head + new + tail


@pytest.mark.parametrize(
    ("edit", "added"),
    [
        (lambda t: [*t[:700], 5, 6, *t[700:]], 2),
        (lambda t: [*t[:100], 5, *t[100:700], 6, *t[700:]], 2),
        (lambda t: t[200:], 0),
        (lambda t: [*t[200:700], 7, 7, 7, *t[700:]], 3),
        (lambda t: [*t[:300], *t[340:]], 0),
    ],
    ids=["typed", "edited in two places", "start cut off", "start cut off and typed", "lines deleted"],
)
def test_only_what_is_new_is_added(edit: object, added: int) -> None:
    old = list(range(1000, 2000))
    new = edit(old)  # type: ignore[operator]
    assert sum(change.added for change in changes(old, new)) == added
    assert apply(old, new) == new


def test_a_short_piece_behind_much_new_text_is_not_kept() -> None:
    old = list(range(100))
    new = [*range(50), *range(500, 600), *range(50, 100)]
    assert sum(change.added for change in changes(old, new)) == 150
