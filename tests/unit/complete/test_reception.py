"""What becomes of a suggestion, told from the changes to the document and from what the client says."""

from __future__ import annotations

import pytest

from zicoder.complete.hole import Hole
from zicoder.complete.journal import Entry
from zicoder.complete.reception import COOL_DOWN_CHARS, Offer, Reception
from zicoder.text import Snapshot

URI = "file:///a.py"


class Desk:
    """A writer whose cursor is at the mark, a clock, and what is written to the journal."""

    def __init__(self, marked: str = "def f(width, height):\n    return ‸\n") -> None:
        self.before, _, self.after = marked.partition("‸")
        self.now = 1000.0
        self.journal: list[Entry] = []
        self.reception = Reception(self.journal.append, clock=lambda: self.now, wall_clock=lambda: 1.8e9)

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(URI, self.before + self.after, 0, "python")

    def suggest(self, text: str, eagerness: str = "high") -> Offer:
        return self.reception.offer(self.snapshot, Hole(prefix=self.before, suffix=self.after), text, eagerness)

    def show(self, text: str) -> Offer:
        offer = self.suggest(text)
        offer.show = True
        return offer

    def insert(self, text: str, *, accepted: bool = False) -> None:
        self.before += text
        self.now += 0.3
        self.reception.changed(self.snapshot, len(text), len(text) if accepted else 0)

    def type(self, text: str) -> None:
        for char in text:
            self.insert(char)

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        return [(entry.outcome, entry.kept) for entry in self.journal]


def test_accepted_as_the_client_says_or_as_the_change_shows_but_once() -> None:
    desk = Desk()
    offer = desk.show("width * height")
    desk.reception.accepted(offer.id)
    desk.insert("width * height", accepted=True)
    assert desk.outcomes == [("accepted", 14)]
    desk = Desk()
    offer = desk.show("width * height")
    desk.insert("width * height", accepted=True)
    desk.reception.accepted(offer.id)
    assert desk.outcomes == [("accepted", 14)]


def test_typed_by_hand_to_its_end() -> None:
    desk = Desk()
    desk.show("width * height")
    desk.type("width * heigh")
    assert desk.outcomes == []
    desk.type("t")
    assert desk.outcomes == [("typed", 14)]


def test_typed_along_while_the_editor_closes_brackets() -> None:
    desk = Desk()
    offer = desk.show("area(width, height)")
    desk.type("area")
    desk.after = ")" + desk.after
    desk.insert("(")
    assert desk.outcomes == []
    assert desk.suggest("width, height") is offer
    desk.type("width, height")
    desk.after = desk.after.removeprefix(")")
    desk.insert(")")
    assert desk.outcomes == [("typed", 19)]


def test_what_stands_at_a_place() -> None:
    desk = Desk()
    offer = desk.show("area(width)")
    place = len(desk.before)
    assert desk.reception.standing(desk.snapshot, place) == offer.id
    assert desk.reception.standing(desk.snapshot, 3) == "", "the cursor is elsewhere"
    desk.type("area")
    assert desk.reception.standing(desk.snapshot, place + 4) == offer.id
    offer.show = False
    assert desk.reception.standing(desk.snapshot, place + 4) == "", "nobody saw it"


def test_a_suggestion_with_quotes_in_the_middle_of_being_typed_is_the_same_one() -> None:
    desk = Desk()
    offer = desk.show("'a', 'b'")
    desk.type("'")
    assert desk.suggest("a', 'b'") is offer


def test_typed_over() -> None:
    desk = Desk()
    desk.show("width * height")
    desk.type("width + 1")
    assert desk.outcomes == [("ignored", 6)]


def test_accepted_by_word_and_then_left() -> None:
    desk = Desk()
    offer = desk.show("width * height")
    desk.insert("width", accepted=True)
    desk.reception.accepted(offer.id, 5)
    desk.type(" + 1")
    assert desk.outcomes == [("partly", 6)]
    desk = Desk()
    offer = desk.show("width * height")
    desk.reception.accepted(offer.id, 5)
    desk.reception.rejected(offer.id)
    assert desk.outcomes == [("partly", 5)]


def test_a_change_elsewhere_says_nothing() -> None:
    desk = Desk()
    desk.show("width * height")
    desk.before = "import os\n" + desk.before
    desk.reception.changed(desk.snapshot, 10)
    assert desk.outcomes == []


def test_a_suggestion_in_the_middle_of_being_typed_is_the_same_one() -> None:
    desk = Desk()
    first = desk.show("width * height")
    desk.type("wid")
    again = desk.suggest("th * height", eagerness="low")
    assert again is first
    assert again.show
    desk.type("x")
    assert len(desk.journal) == 1


def test_one_that_was_kept_back_is_followed_too() -> None:
    desk = Desk()
    desk.suggest("width * height").show = False
    desk.type("width * height")
    desk.suggest(" + 1").show = False
    desk.type(" - 1")
    assert [outcome for outcome, _ in desk.outcomes] == ["hidden_right", "hidden_wrong"]


def test_outcomes_move_the_gate() -> None:
    desk = Desk()
    before = desk.suggest("width * height").chance
    for _ in range(12):
        desk.reception.accepted(desk.show("width * height").id)
    assert desk.suggest("width * height").chance > before
    desk.reception.forget()
    assert desk.suggest("width * height").chance == pytest.approx(before)
    desk.reception.remember(desk.journal)
    assert desk.suggest("width * height").chance > before


def test_without_learning_nothing_is_kept() -> None:
    desk = Desk()
    desk.reception.learning = False
    weights = desk.reception.willingness.chance({"bias": 1.0})
    desk.reception.accepted(desk.show("width").id)
    desk.reception.rejected(desk.show("width").id)
    assert desk.journal == []
    assert desk.reception.willingness.chance({"bias": 1.0}) == weights


def test_two_quick_rejections_cool_down_until_something_is_typed() -> None:
    desk = Desk()
    desk.reception.rejected(desk.show("width").id)
    assert not desk.reception.cooling_down(URI, 1)
    desk.reception.rejected(desk.show("height").id)
    assert desk.reception.cooling_down(URI, 1)
    assert not desk.reception.cooling_down(URI, 2), "another line is another matter"
    desk.type("z" * COOL_DOWN_CHARS)
    assert not desk.reception.cooling_down(URI, 1)


def test_slow_or_distant_rejections_do_not_count_together() -> None:
    desk = Desk()
    desk.reception.rejected(desk.show("width").id)
    desk.now += 60
    desk.reception.rejected(desk.show("width").id)
    assert not desk.reception.cooling_down(URI, 1)
    desk.before += "a\n\n\n\n"
    desk.reception.rejected(desk.show("width").id)
    assert not desk.reception.cooling_down(URI, 5)


def test_a_client_that_tells_what_it_shows_is_believed() -> None:
    desk = Desk()
    desk.reception.shown(desk.show("width").id)
    desk.type("x")
    desk.show("height")  # the client shows something else there, such as its completion list
    desk.type("y")
    assert desk.outcomes == [("ignored", 0)]


@pytest.mark.parametrize("id_", ["", "17", "nonsense"])
def test_unknown_ids_are_ignored(id_: str) -> None:
    desk = Desk()
    desk.show("width")
    desk.reception.shown(id_)
    desk.reception.accepted(id_, 3)
    desk.reception.rejected(id_)
    assert desk.outcomes == []


def test_the_journal_holds_no_text_of_the_document() -> None:
    desk = Desk("secret_name = ‸")
    desk.reception.accepted(desk.show("secret_value").id)
    assert "secret" not in repr(desk.journal)
