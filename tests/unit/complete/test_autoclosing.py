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


@given(st.text("()[]{}\"'\\ab, ", max_size=30), st.text("()[]{}\"'\\ab, ", max_size=30))
def test_any_texts(typed: str, rest: str) -> None:
    closing = closers(typed)
    if not typed.endswith("\\"):
        assert closers(typed + closing) == ""
    assert rest.startswith(before_closer(rest, closing))
    assert (typed + closing).startswith(typed_by_hand(typed + closing, typed + rest))
