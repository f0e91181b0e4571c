"""What the last change was, told from its shape alone."""

from __future__ import annotations

import pytest

from zicoder.complete.changes import BULK_CHARS, LARGEST, Change, ChangeLog
from zicoder.text import Edit, apply_edits

URI = "file:///a.py"


class Writer:
    """A document whose edits go to a log."""

    def __init__(self, text: str = "") -> None:
        self.log, self.text, self.now = ChangeLog(), text, 0.0
        self.log.opened(URI, text)

    def edit(self, *edits: Edit) -> Change:
        for edit in edits:
            self.text = apply_edits(self.text, [edit])
        self.now += 0.2
        return self.log.changed(URI, edits, self.text, self.now)

    def insert(self, text: str, at: int | None = None) -> Change:
        at = len(self.text) if at is None else at
        return self.edit(Edit(at, at, text))

    def type(self, text: str) -> Change:
        return [self.insert(char) for char in text][-1]


def test_typing_is_nothing_special() -> None:
    change = Writer().type("x = 1")
    assert (change.inserted, change.deleted, change.character) == (1, 0, "1")
    assert not change.bulk
    assert not change.restored


def test_correcting_a_letter_is_no_undo() -> None:
    writer = Writer()
    writer.type("retrun")
    assert not writer.edit(Edit(5, 6, "")).restored
    assert not writer.insert("n").restored


def test_an_undo_and_its_redo_are_recognised() -> None:
    writer = Writer("a = 1\n")
    writer.type("b = 2")
    undo = writer.edit(Edit(6, 11, ""))
    assert undo.restored
    assert writer.insert("b = 2").restored
    assert not writer.insert("\n").restored


def test_only_the_last_versions_count() -> None:
    writer = Writer("a\n")
    writer.type("x" * 40)
    assert not writer.edit(Edit(2, 42, "")).restored


def test_a_huge_text_is_not_hashed() -> None:
    writer = Writer("x" * (LARGEST + 1))
    writer.insert("abc", 0)
    assert not writer.edit(Edit(0, 3, "")).restored


@pytest.mark.parametrize(
    ("edits", "bulk"),
    [
        ([Edit(0, 0, "x" * (BULK_CHARS + 1))], True),
        ([Edit(0, 300, "")], True),
        ([Edit(0, 0, "\n" + " " * 200)], False),
        ([Edit(0, 0, "self.name")], False),
        ([Edit(0, 1, "n"), Edit(10, 11, "n"), Edit(20, 21, "n")], True),
        ([Edit(0, 3, "div"), Edit(10, 13, "div")], False),
        ([Edit(4, 8, ""), Edit(4, 4, "\n    ")], False),
    ],
    ids=["paste", "cut", "new line and indentation", "a name", "rename", "both ends of a tag", "trimmed indentation"],
)
def test_bulk_edits(edits: list[Edit], bulk: bool) -> None:
    assert Writer("abc " * 100).edit(*edits).bulk is bulk


def test_an_accepted_suggestion_is_no_bulk_edit() -> None:
    writer = Writer("def f():\n")
    text = "    return 1\n" * 30
    writer.log.offered(URI, len(writer.text), text)
    change = writer.insert(text)
    assert change.accepted == len(text)
    assert not change.bulk


def test_accepting_a_word_and_accepting_with_the_line_replaced() -> None:
    writer = Writer("x = ")
    writer.log.offered(URI, 4, "height * width")
    assert writer.insert("height").accepted == 6
    writer = Writer("x = ")
    writer.log.offered(URI, 4, "height * width")
    assert writer.edit(Edit(0, 4, "x = height * width")).accepted == 14


def test_typing_the_suggestion_or_something_else_is_no_acceptance() -> None:
    writer = Writer("x = ")
    writer.log.offered(URI, 4, "height")
    assert writer.insert("h").accepted == 0
    assert writer.insert("hello").accepted == 0


def test_the_last_change_of_each_document() -> None:
    writer = Writer()
    assert writer.log.last(URI) is None
    change = writer.type("ab")
    assert writer.log.last(URI) is change
    writer.log.closed(URI)
    assert writer.log.last(URI) is None
