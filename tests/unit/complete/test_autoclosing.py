"""Brackets and quotes that the editor closed by itself behind the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zicoder.complete.autoclosing import before_closer, closers, typed_by_hand


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("f(a, b)", ""),
        ("f(", ")"),
        ("f([a, {", "}])"),
        ("f([a]", ")"),
        ('f("', '")'),
        ('f("a(', '")'),
        (r'f("a\"', '")'),
        ('f("a")', ""),
        (")(", ")"),
    ],
)
def test_what_would_close_a_text(text: str, expected: str) -> None:
    assert closers(text) == expected


@pytest.mark.parametrize(
    ("text", "closing", "expected"),
    [
        ("a, b)", ")", "a, b"),
        ("a, f(b))", ")", "a, f(b)"),
        ("a, ')')", ")", "a, ')'"),
        ("1, 2])", "])", "1, 2"),
        ('name")', '"', "name"),
        ('na\\"me")', '"', 'na\\"me'),
        (")", ")", ""),
        ("a, b", ")", "a, b"),
        ("a, b).area", ")", "a, b"),
    ],
)
def test_what_is_closed_already_is_not_suggested(text: str, closing: str, expected: str) -> None:
    assert before_closer(text, closing) == expected


@pytest.mark.parametrize(
    ("text", "suggestion", "expected"),
    [
        ("()", "(a, b)", "("),
        ("(a)", "(a, b)", "(a"),
        ("([])", "([1])", "(["),
        ("()", "()", "()"),
        ("(a)", "(b)", "(a)"),
        ("(a]", "(a, b)", "(a]"),
        ("", "(a, b)", ""),
    ],
)
def test_what_was_typed_by_hand(text: str, suggestion: str, expected: str) -> None:
    assert typed_by_hand(text, suggestion) == expected


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("it's a, b)", "it's a, b"),
        ("x: &'a str) -> Self {", "x: &'a str"),
        ("# isn't\n)", "# isn't\n"),
        ("a, 'b)", None),
    ],
)
def test_an_apostrophe_is_no_quote(rest: str, expected: str | None) -> None:
    assert before_closer(rest, ")") == expected


TEXTS = st.recursive(
    st.sampled_from(["x", ", ", "don't", "\n", '"a(b"', "'['", ""]),
    lambda inner: st.tuples(st.sampled_from(["()", "[]", "{}"]), inner, inner).map(
        lambda made: f"{made[0][0]}{made[1]}{made[0][1]}{made[2]}"
    ),
    max_leaves=8,
)


@given(TEXTS, st.integers(0, 60))
def test_what_is_typed_and_what_is_left_make_a_whole(text: str, at: int) -> None:
    """A text whose brackets are closed, typed up to some place, where the editor has closed what is open."""
    typed, rest = text[:at], text[at:]
    closing = closers(typed)
    if '"' in closing or "'" in closing or not closing:
        return
    left = before_closer(rest, closing, typed)
    assert left is not None
    assert rest[len(left)] == closing[0]
    assert closers(typed + left + closing) == ""
    assert text.startswith(typed_by_hand(typed + closing, text))
