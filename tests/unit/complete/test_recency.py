"""Suggestions that bring back what was just deleted."""

from __future__ import annotations

import pytest

from zicoder.complete.recency import undoes


@pytest.mark.parametrize(
    ("deleted", "text"),
    [
        (["return total"], "return total"),
        (["return total"], "return  total\n"),
        (["return total"], "return total / count"),
        (["return total / count"], "return total"),
        (["    if rows:\n        show(rows)\n"], "if rows:\n    show(rows)"),
        (["x", "second thing"], "second thing"),
        (["compute(first, second, third)"], "compute(first, second, third]"),
    ],
)
def test_it_undoes(deleted: list[str], text: str) -> None:
    assert undoes(deleted, text)


@pytest.mark.parametrize(
    ("deleted", "text"),
    [
        ([], "return total"),
        (["x"], "x"),
        (["a.b"], "a.b"),
        (["name)"], "name, other)"),
        (["return total / count"], "return"),
        (["return total"], "return count"),
        (["total"], "return total"),
        (["   \n\n  "], "x = 1"),
        (["return total"], ""),
    ],
)
def test_it_does_not_undo(deleted: list[str], text: str) -> None:
    assert not undoes(deleted, text)


def test_large_deletions_take_no_time() -> None:
    assert not undoes(["x = 1\n" * 200_000] * 20, "y = 1\n" * 200_000)
