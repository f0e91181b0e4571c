"""Another line in the place of one that cannot be right, and what can be reached from a place."""

from __future__ import annotations

import pytest

from zicoder.complete.choosing import Judge
from zicoder.complete.hole import Hole
from zicoder.complete.reachable import reach

MODULE = '''import json
from os import (
    path,
    sep as separator,
)

LIMIT = 3


def first(
    rows, *,
    keep=True,
):
    """Says
    something."""
    kept = [row for row in rows]
    return ‸kept


class Shelf(dict):
    size = 4

    def put(self, book):
        slot = self.find(book)

        def undo(count):
            gone = slot
            return gone, ¤

        later = undo
        return later

    def find(self, title):
        found = title
        return found


if LIMIT:
    late = 1
'''


def hole(mark: str = "‸") -> Hole:
    before, _, after = MODULE.partition(mark)
    other = "¤" if mark == "‸" else "‸"
    return Hole(prefix=before.replace(other, ""), suffix=after.replace(other, ""), language="python")


def reachable(place: Hole) -> str:
    found = reach(place)
    assert found is not None
    return found.text + found.behind


def test_a_function_reaches_its_own_names_and_those_of_the_module() -> None:
    text = reachable(hole())
    for name in ("json", "separator", "LIMIT", "rows", "keep", "Shelf", "late"):
        assert name in text
    for name in ("size", "book", "slot", "title", "found"):
        assert name not in text


def test_a_function_within_a_method_reaches_what_is_around_it() -> None:
    text = reachable(hole("¤"))
    for name in ("book", "slot", "count", "gone", "later", "first", "late"):
        assert name in text
    for name in ("size", "title", "found", "kept"):
        assert name not in text


def test_at_the_top_of_a_module_nothing_within_a_definition_is_reached() -> None:
    before, _, after = MODULE.replace("‸", "").replace("¤", "").partition("LIMIT = 3\n")
    text = reachable(Hole(prefix=before, suffix=after, language="python"))
    assert "kept" not in text
    assert "Shelf" in text


@pytest.mark.parametrize(
    "before",
    ['def put():\n    text = """\nat the edge\n"""\n    return ', "x" * 400_000 + "\n"],
    ids=["a text that hides the function", "a huge file"],
)
def test_what_cannot_be_told_is_not_told(before: str) -> None:
    assert reach(Hole(prefix=before, suffix="", language="python")) is None


def chosen(said: str, *others: str, mark: str = "‸") -> str | None:
    lines = [(said.partition("\n")[0], -1.0, 3), *((text, -2.0 - n / 2, 3) for n, text in enumerate(others))]
    found = Judge(hole(mark)).better(said, lines)
    return found[0] if found else None


def test_a_line_that_can_be_right_stays() -> None:
    assert chosen("rows + ", "rows") is None
    assert chosen("json.dumps(", "len(") is None


def test_a_name_of_another_function_gives_way_to_one_that_is_in_reach() -> None:
    assert chosen("found or ", "rows or ", "keep or ") == "rows or "
    assert chosen("missing or ", "rows or ") == "rows or "
    assert chosen("found or ", "title or ", "keep or ") == "keep or "


def test_the_least_wrong_line_stays_where_all_are_wrong() -> None:
    assert chosen("found or ", "title or ") is None
    assert chosen("missing or ", "found or ") == "found or "  # something defines it, if not here


def test_a_line_that_breaks_the_syntax_gives_way() -> None:
    assert chosen("gone slot", "count", mark="¤") == "count"


def test_a_much_less_likely_line_is_not_taken() -> None:
    lines = [("found or ", -1.0, 3), ("rows or ", -4.0, 3)]
    assert Judge(hole()).better("found or ", lines) is None


def test_other_languages_are_judged_by_their_syntax_alone() -> None:
    place = Hole(prefix="function put(book) {\n  return ", suffix="\n}\n", language="typescript")
    lines = [("book book;", -1.0, 4), ("book.title;", -1.5, 4)]
    assert Judge(place).better("book book;", lines) == lines[1]
    lines[0] = ("unheard(book);", -1.0, 4)
    assert Judge(place).better("unheard(book);", lines) is None


def test_a_line_out_of_scope_gives_way() -> None:
    lines = [("\ndef other():", -1.0, 4), ("rows or ", -2.0, 1)]
    assert Judge(hole()).better("", lines) == lines[1]
    assert Judge(hole()).better("", [lines[1], lines[0]]) is None  # nothing of it is left, whatever it was


def test_nothing_else_known() -> None:
    assert Judge(hole()).better("", [("", -1.0, 0)]) is None
    assert Judge(hole()).better("found or ", [("found or ", -1.0, 3)]) is None
    assert Judge(hole()).better("found or ", []) is None
