"""When an earlier suggestion is still good."""

from __future__ import annotations

import pytest

from zicoder.complete.cache import CONTEXT, SIZE, THROUGH, Cached, SuggestionCache
from zicoder.text import Snapshot

MARK = "‸"
SUGGESTED = "width * height"


def at(marked: str, uri: str = "file:///a.py") -> tuple[Snapshot, int]:
    before, _, after = marked.partition(MARK)
    return Snapshot(uri, before + after), len(before)


def said(cache: SuggestionCache, marked: str) -> tuple[str, str] | None:
    """What is left to suggest, and why."""
    found = cache.find(*at(marked))
    return (found.text, found.reason) if found else None


@pytest.fixture
def cache() -> SuggestionCache:
    cache = SuggestionCache()
    cache.put(Cached.of(*at(f"def area():\n    return {MARK}\n\nprint()\n"), SUGGESTED, "because"))
    return cache


@pytest.mark.parametrize("typed", ["", "w", "width *", "width * heigh"])
def test_typing_a_suggestion_leaves_the_rest_of_it(cache: SuggestionCache, typed: str) -> None:
    found = said(cache, f"def area():\n    return {typed}{MARK}\n\nprint()\n")
    assert found == (SUGGESTED[len(typed) :], "because")


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("print(‸)", "width, sep=[height]"),
        ("print(width, sep=[‸])", "height"),
        ("print(width, sep=[height]‸)", ""),
        ("print(width, sep=[height])‸", ".area"),
        ("print(w‸)", "idth, sep=[height]"),
        ("print(‸]", None),
        ("print(‸))", None),
    ],
)
def test_what_the_editor_closed_by_itself_is_no_change(now: str, left: str | None) -> None:
    cache = SuggestionCache()
    above, below = "def area():\n    ", "\n\nprint()\n"
    cache.put(Cached.of(*at(f"{above}print{MARK}{below}"), "(width, sep=[height]).area", "because"))
    found = said(cache, f"{above}{now}{below}")
    assert found == (None if left is None else (left, "because"))


@pytest.mark.parametrize(
    "marked",
    [
        f"def area():\n    return h{MARK}\n\nprint()\n",
        f"def area():\n    return {SUGGESTED}{MARK}\n\nprint()\n",
        f"def area():\n    return{MARK}\n\nprint()\n",
        f"def area(w):\n    return {MARK}\n\nprint()\n",
        f"def area():\n    return {MARK}\n\nprint(1)\n",
        f"def area():\n    return {MARK}w\n\nprint()\n",
        f"def area():\n    return w{MARK}\n\nprint(1)\n",
    ],
    ids=[
        "something else typed",
        "typed to its end",
        "a character deleted",
        "text before changed",
        "text after changed",
        "cursor moved back",
        "typed, and text after changed",
    ],
)
def test_anything_else_makes_it_stale(cache: SuggestionCache, marked: str) -> None:
    assert cache.find(*at(marked)) is None


def test_a_suggestion_of_another_document_is_not_used(cache: SuggestionCache) -> None:
    assert cache.find(*at(f"def area():\n    return {MARK}\n\nprint()\n", uri="file:///b.py")) is None


def test_that_there_was_nothing_to_suggest_is_remembered_for_that_place_only() -> None:
    cache = SuggestionCache()
    cache.put(Cached.of(*at(f"x = {MARK}"), "", "nothing to add"))
    assert said(cache, f"x = {MARK}") == ("", "nothing to add")
    assert cache.find(*at(f"x = 1{MARK}")) is None


def test_the_newest_answer_wins() -> None:
    cache = SuggestionCache()
    for text in ("old", "new"):
        cache.put(Cached.of(*at(f"x = {MARK}"), text))
    assert said(cache, f"x = {MARK}") == ("new", "")


def test_a_change_far_away_does_not_matter() -> None:
    """It would if it changed the number of characters after the cursor: then it is not only typing any more."""
    far = "# " + "x" * (2 * CONTEXT) + "\n"
    cache = SuggestionCache()
    cache.put(Cached.of(*at(f"{far}x = {MARK}"), SUGGESTED))
    assert said(cache, f"{far.replace('# x', '# y')}x = w{MARK}") == (SUGGESTED[1:], "")


def test_old_suggestions_are_forgotten_for_new_ones() -> None:
    cache = SuggestionCache()
    for number in range(SIZE + 1):
        cache.put(Cached.of(*at(f"x{number} = {MARK}"), "1"))
    assert cache.find(*at(f"x0 = {MARK}")) is None
    assert cache.find(*at(f"x{SIZE} = {MARK}")) is not None


def test_after_clearing_nothing_is_known(cache: SuggestionCache) -> None:
    cache.clear()
    assert cache.find(*at(f"def area():\n    return {MARK}\n\nprint()\n")) is None


def test_without_typing_through_only_the_very_place_counts(cache: SuggestionCache) -> None:
    place = at(f"def area():\n    return {MARK}\n\nprint()\n")
    typed = at(f"def area():\n    return w{MARK}\n\nprint()\n")
    assert cache.find(*place, through=False) is not None
    assert cache.find(*typed, through=False) is None
    assert cache.find(*typed) is not None


def test_a_long_suggestion_stays_alive_while_it_is_taken_part_by_part(cache: SuggestionCache) -> None:
    lines = "".join(f"    line_{n} = {n}\n" for n in range(40))
    cache.put(Cached.of(*at(f"def area():\n{MARK}"), lines, "because"))
    assert said(cache, f"def area():\n{lines[: THROUGH + 1]}{MARK}") is None, "too much at once"
    for end in range(0, len(lines), 100):
        assert said(cache, f"def area():\n{lines[:end]}{MARK}") == (lines[end:], "because")


@pytest.mark.parametrize("opened", ["while (x) {", "print("])
def test_a_suggestion_that_opens_a_block_says_nothing_of_what_is_in_it(opened: str) -> None:
    cache = SuggestionCache()
    cache.put(Cached.of(*at(f"area\n{MARK}\n"), opened))
    assert cache.find(*at(f"area\n{opened}{MARK}{'}' if opened.endswith('{') else ')'}\n")) is None


def test_where_nobody_knows_what_is_closed_the_model_is_asked() -> None:
    cache = SuggestionCache()
    cache.put(Cached.of(*at(f"area\nprint{MARK}\n"), "(a, 'b)"))
    assert cache.find(*at(f"area\nprint({MARK})\n")) is None
