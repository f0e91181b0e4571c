"""Lines, positions and edits, by LSP's rule of what a line is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zicoder.text import (
    Edit,
    LineIndex,
    Position,
    Snapshot,
    apply_edits,
    commented,
    common_ends,
    common_prefix,
    language_of,
    split_lines,
)

TEXTS = st.text(alphabet="ab \r\n\f\u2028é😀", max_size=40)


@given(TEXTS, TEXTS)
def test_texts_differ_only_between_their_common_ends(a: str, b: str) -> None:
    head, tail = common_ends(a, b)
    assert a[:head] == b[:head]
    assert a[len(a) - tail :] == b[len(b) - tail :]
    assert head + tail <= min(len(a), len(b))
    middles = a[head : len(a) - tail], b[head : len(b) - tail]
    assert not all(middles) or (middles[0][0] != middles[1][0] and middles[0][-1] != middles[1][-1])


@given(TEXTS)
def test_lines_put_together_are_the_text(text: str) -> None:
    assert "".join(split_lines(text)) == text


@given(TEXTS)
def test_a_line_ends_at_line_feed_carriage_return_or_both_and_nowhere_else(text: str) -> None:
    for line in split_lines(text):
        assert not re.search(r"[\r\n]", line.removesuffix("\n").removesuffix("\r"))
    assert len(LineIndex(text)) == len(re.findall(r"\r\n|\r|\n", text)) + 1


@given(st.text(alphabet="a */\r\n", max_size=30))
def test_nothing_in_a_comment_ends_it(text: str) -> None:
    lines = commented(("/* ", " */"), text).splitlines()
    assert len(lines) == len(split_lines(text))
    assert all(line.startswith("/* ") and line.index("*/", 2) == len(line) - 2 for line in lines)


def test_a_comment_to_the_end_of_its_line_keeps_the_text() -> None:
    assert commented(("# ", ""), "def f():\r\n    ...\n") == "# def f():\n#     ...\n"


@given(TEXTS, st.data())
def test_offset_and_position_are_each_others_inverse(text: str, data: st.DataObject) -> None:
    lines = LineIndex(text)
    offset = data.draw(st.integers(0, len(text)))
    position = lines.position(offset)
    assert lines.start(position.line) + position.column == offset
    # Inside "\r\n" there is no place for a cursor: the end of the line is the nearest.
    inside = text[offset - 1 : offset + 1] == "\r\n"
    assert lines.offset(position) == (offset - 1 if inside else offset)


@given(TEXTS, st.integers(0, 100), st.integers(0, 100))
def test_every_position_means_a_place_in_the_text(text: str, line: int, column: int) -> None:
    lines = LineIndex(text)
    offset = lines.offset(Position(line, column))
    assert 0 <= offset <= len(text)
    if line < len(lines):
        assert lines.position(offset).line == line


@given(TEXTS, st.integers())
def test_offsets_outside_the_text_are_clamped(text: str, offset: int) -> None:
    lines = LineIndex(text)
    assert lines.position(offset) == lines.position(min(max(offset, 0), len(text)))


@given(TEXTS)
def test_lines_by_number_are_the_split_lines_without_their_ends(text: str) -> None:
    lines = LineIndex(text)
    by_number = [lines.line(number) for number in range(len(lines))]
    split = [re.sub(r"(\r\n|\r|\n)$", "", line) for line in split_lines(text)]
    assert by_number == [*split, ""][: len(by_number)]


@given(TEXTS, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), TEXTS), max_size=5))
def test_edits_all_refer_to_the_text_as_it_was(text: str, drawn: list[tuple[int, int, str]]) -> None:
    """Compared with applying them one by one from the end, which needs no bookkeeping."""
    edits: list[Edit] = []
    at = 0
    for skip, length, insert in drawn:
        start = min(at + skip, len(text))
        end = min(start + length, len(text))
        edits.append(Edit(start, end, insert))
        at = end + 1
    edits = [edit for edit in edits if edit.start < len(text)]
    expected = text
    for edit in reversed(edits):
        expected = expected[: edit.start] + edit.text + expected[edit.end :]
    assert apply_edits(text, reversed(edits)) == expected


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abcdef", [Edit(0, 3, "x"), Edit(2, 4, "y")])


@pytest.mark.parametrize(("text", "newline"), [("a\r\nb\n", "\r\n"), ("a\rb\n", "\r"), ("a\nb\r\n", "\n"), ("a", "\n")])
def test_a_document_uses_the_line_ending_it_uses_first(text: str, newline: str) -> None:
    assert Snapshot("untitled:1", text).newline == newline


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("app.py", "python"),
        ("App.TSX", "typescriptreact"),
        ("a.b.rs", "rust"),
        ("Makefile", "makefile"),
        ("a.xyz", "plaintext"),
    ],
)
def test_the_language_follows_from_the_name(name: str, language: str) -> None:
    assert language_of(Path(name)) == language


@given(st.text("ab", max_size=1500), st.text("ab", max_size=40), st.text("ab", max_size=40))
def test_what_two_texts_begin_with(same: str, one: str, other: str) -> None:
    a, b = same + one, same + other
    found = common_prefix(a, b)
    assert found == common_prefix(list(a), list(b))
    assert a[:found] == b[:found]
    assert a[found : found + 1] != b[found : found + 1] or found in (len(a), len(b))
