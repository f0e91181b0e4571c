"""What a query is understood as, and what comes first."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zicoder.index.query import MAX_WORDS, Query
from zicoder.index.ranking import Candidate, Ranking, is_aside, rank
from zicoder.index.store import Found


@pytest.mark.parametrize(
    ("text", "words", "names"),
    [
        ("getHTTPResponse", ("http", "response"), ("getHTTPResponse",)),
        ("get_user", ("user",), ("get_user",)),
        ("where is the retry policy handled", ("retry", "policy", "handled"), ()),
        ("how does parse() work", ("parse", "work"), ("parse",)),
        ("what is it", ("what", "is", "it"), ()),
        ("", (), ()),
        ("?!", (), ()),
    ],
)
def test_words_and_names(text: str, words: tuple[str, ...], names: tuple[str, ...]) -> None:
    query = Query.parse(text)
    assert set(words) <= set(query.words)
    assert query.names == names
    assert bool(query) is bool(words)


def test_tests_are_asked_for_by_name() -> None:
    assert Query.parse("tests of the parser").about_tests
    assert Query.parse("test_parser").about_tests
    assert not Query.parse("latest contest").about_tests


@given(st.text())
def test_any_text_is_a_query(text: str) -> None:
    query = Query.parse(text)
    assert len(query.words) == len(set(query.words)) <= MAX_WORDS
    assert all(word.split() == [word] for word in query.words)
    assert all(name in text for name in query.names)


def test_a_query_as_long_as_a_file_stays_small() -> None:
    query = Query.parse("\n".join(f"def function_{n}(argument_{n}): return call_{n}()" for n in range(5000)))
    assert len(query.words) == MAX_WORDS
    assert len(query.names) <= 8


# --- ranking


def candidate(symbol: str = "", path: str = "src/a.py", start: int = 0, **more: Any) -> Candidate:
    scores = {name: more.pop(name, 0.5) for name in ("lexical", "static")}
    kind = more.pop("kind", "function" if symbol else "module")
    qualified = more.pop("qualified", symbol)
    found = Found(start, f"{path}:{start}", path, "python", kind, symbol, qualified, "", start, start + 5, "", 0.0)
    return Candidate(found, **scores)


def order(query: str, *candidates: Candidate) -> list[tuple[str, str]]:
    return [(c.found.path, c.found.symbol) for c in rank(Query.parse(query), list(candidates), Ranking())]


def test_a_definition_comes_before_what_only_uses_it() -> None:
    use = candidate("caller", path="src/b.py", lexical=0.6)
    assert order("parse_header", use, candidate("parse_header"))[0] == ("src/a.py", "parse_header")
    assert order("Cart.total", candidate("total", qualified="Cart.total"), use)[0][1] == "total"


@pytest.mark.parametrize(
    "aside", ["tests/test_a.py", "pkg/a_test.go", "vendor/x/a.py", "docs/conf.py", "examples/a.py"]
)
def test_what_is_not_the_code_itself_comes_later(aside: str) -> None:
    assert is_aside(aside)
    assert order("cart total", candidate("cart_total", path=aside), candidate("cart_total"))[0][0] == "src/a.py"


@pytest.mark.parametrize(
    "path", ["src/latest.py", "contest/a.py", "src/testament.rs", "src/docstring.py", "vendors.py"]
)
def test_a_name_that_only_sounds_like_it_is_code(path: str) -> None:
    assert not is_aside(path)


def test_tests_come_first_for_who_asks_for_them() -> None:
    test = candidate("test_cart_total", path="tests/test_a.py", lexical=0.8, static=0.8)
    assert (
        order("test of cart total", test, candidate("cart_total", lexical=0.5, static=0.5))[0][0] == "tests/test_a.py"
    )


def test_better_matches_come_first_and_ties_are_steady() -> None:
    good, bad = candidate(path="z.py", lexical=9, static=0.9), candidate(path="a.py", lexical=1, static=0.1)
    assert order("some words", bad, good) == order("some words", good, bad) == [("z.py", ""), ("a.py", "")]
    same = [candidate(path=f"{name}.py") for name in "cab"]
    assert order("some words", *same) == order("some words", *reversed(same))


def test_where_a_name_stands_comes_before_what_only_means_something_like_it() -> None:
    stands = candidate(path="src/far.py", lexical=1.0, static=0.1)
    others = [candidate(f"f{n}", path=f"src/{n}.py", lexical=0.0, static=0.2 + n / 100) for n in range(12)]
    assert order("frobnicate", *others, stands)[0] == ("src/far.py", "")
    assert order("where do we frobnicate things", *others, stands)[0] != ("src/far.py", "")


def test_parts_of_one_definition_are_one_answer() -> None:
    parts = [candidate("long", start=n * 50, qualified="Big.long") for n in range(4)]
    ranked = rank(Query.parse("long thing"), [*parts, candidate("other", path="b.py")], Ranking())
    assert sorted(c.found.symbol for c in ranked) == ["long", "other"]
    assert max(c.folded for c in ranked) == 3


def test_one_file_does_not_fill_the_answer() -> None:
    many = [candidate(f"f{n}", start=n * 10, lexical=5, static=0.9) for n in range(30)]
    ranked = rank(Query.parse("some words"), [*many, candidate("other", path="b.py", lexical=1, static=0.2)], Ranking())
    assert "b.py" in [c.found.path for c in ranked[:10]]


def test_nothing_to_rank() -> None:
    assert rank(Query.parse("x"), [], Ranking()) == []
    alone = Candidate(candidate("f").found)
    assert rank(Query.parse("x"), [alone], Ranking()) == [alone]
