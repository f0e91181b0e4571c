"""Mentions in a prompt: which there are, which are none, and how one is completed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.context.mentions import Mention, begun, candidates, parse, symbol_candidates
from zicoder.context.path_table import PathTable
from zicoder.index.symbols import Symbol


def told(mention: Mention) -> str:
    lines = f" {mention.lines[0]}-{mention.lines[1]}" if mention.lines else ""
    return f"{mention.kind} {mention.value}".strip() + lines


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("@src/a.py", ["path src/a.py"]),
        ("Look at @src/a.py, @b.py; and (@c.py).", ["path src/a.py", "path b.py", "path c.py"]),
        ("@a.py:10 @a.py:10-20", ["path a.py 10-10", "path a.py 10-20"]),
        ("@a.py#L3-L5 @a.py:7:3", ["path a.py 3-5", "path a.py 7-7"]),
        ("@a.py:20-10", ["path a.py 10-20"]),
        ('@"my notes/to do.md":3 and @file:"b c.py"', ["path my notes/to do.md 3-3", "file b c.py"]),
        ("@src/ @folder:docs/api", ["path src/", "folder docs/api"]),
        ("@symbol:Session.get, @symbol:std::move.", ["symbol Session.get", "symbol std::move"]),
        ("@diff, @problems! @selection?", ["diff", "problems", "selection"]),
        ("@app/[id]/(group)/page.tsx (see @a(1).py)", ["path app/[id]/(group)/page.tsx", "path a(1).py"]),
        ("@different", ["path different"]),
        ("write to a@b.org or x.y@src/a.py", []),
        ("`@a.py` and\n```\n@b.py\n```\n@c.py", ["path c.py"]),
        ("~~~\n@b.py", []),
        ("@ @, @: @@ foo@", []),
        ("@Makefile:3", ["path Makefile 3-3"]),
    ],
)  # fmt: skip
def test_mentions_are_told_from_text(prompt: str, expected: list[str]) -> None:
    found = parse(prompt)
    assert [told(mention) for mention in found] == expected
    for mention in found:
        assert prompt[mention.start] == "@"
        assert mention.value in prompt[mention.start : mention.end]


@settings(max_examples=50)
@given(st.text(alphabet="@ab./:\"'` \n()[]#L0-9,~", max_size=200))
def test_any_text_will_do(prompt: str) -> None:
    for mention in parse(prompt):
        assert 0 <= mention.start < mention.end <= len(prompt)
    for cursor in range(0, len(prompt) + 1, 7):
        begun(prompt, cursor)


TABLE = PathTable(
    ["README.md", "docs/my notes.md", "shop/cart.py", "shop/checkout.py", "shop/deep/cart_test.py", "web/app.ts"]
)


def offered(typed: str) -> list[str]:
    return [candidate.text for candidate in candidates(typed, TABLE)]


def test_what_is_being_written_is_found_at_the_cursor() -> None:
    assert begun("look at @shop/ca", 16) == (8, "shop/ca")
    assert begun("look at @shop/ca", 12) == (8, "sho")
    assert begun('see @"docs/my no', 16) == (4, '"docs/my no')
    assert begun("a@shop", 6) is None
    assert begun("@shop ", 6) is None
    assert begun("```\n@sho", 8) is None


def test_words_come_first_then_names_then_paths() -> None:
    assert offered("")[:4] == ["@diff", "@problems", "@selection", "@docs/"]
    assert offered("d")[:3] == ["@diff", "@shop/deep/", "@docs/"]
    assert offered("ca") == ["@shop/cart.py", "@shop/deep/cart_test.py"]
    assert offered("shop/")[:3] == ["@shop/deep/", "@shop/cart.py", "@shop/checkout.py"]
    assert offered("eckout") == ["@shop/checkout.py"]
    assert offered("file:app") == ["@file:web/app.ts"]
    assert offered("folder:shop") == ["@folder:shop/", "@folder:shop/deep/"]
    assert offered("nothing like it") == []


def test_a_path_that_needs_quotes_gets_them() -> None:
    assert offered("my") == ['@"docs/my notes.md"']
    assert told(parse(offered("my")[0])[0]) == "path docs/my notes.md"


def test_symbols_are_offered_as_the_index_found_them() -> None:
    symbols = [Symbol("get", "Session.get", "method", "a.py", 4), Symbol("get", "Session.get", "method", "b.py", 9)]
    [candidate] = symbol_candidates(symbols)
    assert (candidate.text, candidate.detail) == ("@symbol:Session.get", "method, a.py:5")


def test_a_table_finds_by_ending_by_folder_and_by_likeness() -> None:
    assert TABLE.ending("cart.py") == ["shop/cart.py"]
    assert TABLE.ending("op/cart.py") == []
    assert TABLE.folder("shop/deep") == TABLE.folder("deep") == "shop/deep/"
    assert TABLE.folder("nowhere") is None
    assert list(TABLE.below("shop/")) == ["shop/cart.py", "shop/checkout.py", "shop/deep/cart_test.py"]
    assert TABLE.nearest("shop/chekout.py") == ["shop/checkout.py"]
