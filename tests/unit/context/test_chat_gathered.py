"""Pieces of files, each line once; names in a question; citations in an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.context.citations import checked_citations, cited
from zicoder.context.gathered import Excerpt, called_in, items_of, merged, names_in, retrieve
from zicoder.context.path_table import PathTable
from zicoder.index.search import Hit

FILE = [f"line {n}" for n in range(40)]


def piece(start: int, length: int, priority: int = 0, path: str = "a.py") -> Excerpt:
    return Excerpt(path=path, start=start, text="\n".join(FILE[start : start + length]), priority=priority)


pieces = st.builds(piece, st.integers(0, 30), st.integers(1, 10), st.integers(0, 3), st.sampled_from(["a.py", "b.py"]))


@settings(max_examples=50)
@given(st.lists(pieces, max_size=10))
def test_every_line_is_shown_once_and_by_the_most_important(given_pieces: list[Excerpt]) -> None:
    made = merged(given_pieces)
    shown = [(e.path, number) for e in made for number in range(e.start, e.end)]
    wanted = {(e.path, number) for e in given_pieces for number in range(e.start, e.end)}
    assert len(shown) == len(set(shown))
    assert set(shown) == wanted
    for excerpt in made:
        assert excerpt.lines == FILE[excerpt.start : excerpt.end]
        for number in range(excerpt.start, excerpt.end):
            having = [e for e in given_pieces if e.path == excerpt.path and e.start <= number < e.end]
            assert excerpt.priority == max(e.priority for e in having)
    assert [e.priority for e in made] == sorted((e.priority for e in made), reverse=True)
    assert merged(made) == made


def test_ranges_that_touch_become_one() -> None:
    [one] = merged([piece(5, 5), piece(0, 5), piece(8, 4)])
    assert (one.start, one.end) == (0, 12)
    [item] = items_of([one])
    assert item.render().startswith("a.py:1-12\n```python\nline 0\n")


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How does `Cart.add_line()` work?", ("add_line",)),
        ("Where is the Session created, and who calls get_user?", ("get_user", "Session")),
        ("what does it do", ()),
        ("Why?\n```\nsome_code(x)\n```\n", ()),
        ("HttpClient or parse()", ("HttpClient", "parse")),
    ],
)
def test_names_of_a_question(question: str, names: tuple[str, ...]) -> None:
    assert names_in(question) == names


class Index:
    async def search(self, text: str, k: int = 10) -> list[Hit]:
        return [_hit("a.py", 0, "cart"), _hit("b.py", 5, "get_user")][:k]

    async def definitions(self, names: Sequence[str], limit: int = 20) -> list[Hit]:
        return [_hit("b.py", 5, "get_user")][:limit] if "get_user" in names else []


def _hit(path: str, start: int, symbol: str) -> Hit:
    return Hit(path, start, start + 1, "python", "function", symbol, symbol, "", f"def {symbol}(): ...", 1.0)


async def test_what_a_name_stands_for_comes_before_what_search_finds() -> None:
    found = merged(await retrieve("Who calls get_user?", Index()))
    assert [(e.path, e.start) for e in found] == [("b.py", 5), ("a.py", 0)]


# --- citations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See src/a.py:10 and `b.py:3-7`.", ["src/a.py:10-10", "b.py:3-7"]),
        ("(a.py:10) [a.py:4](src/a.py#L4-L9)", ["a.py:10-10", "a.py:4-4", "src/a.py:4-9"]),
        ("Makefile:3, app/[id]/(group)/page.tsx:4", ["Makefile:3-3", "app/[id]/(group)/page.tsx:4-4"]),
        ("a.py:10:5 is a place", ["a.py:10-10"]),
        ("at 12:30, http://host.org:8080/x, localhost:80, 127.0.0.1:80, example.com:443, 3:1, x:1", []),
        ("```\nTraceback a.py:10\n```", []),
        ("**src\\win\\a.py:2**", ["src\\win\\a.py:2-2"]),
    ],
)
def test_citations_are_found(text: str, expected: list[str]) -> None:
    found = cited(text)
    assert [f"{c.path}:{c.first}-{c.last}" for c in found] == expected
    for citation in found:
        assert text[citation.start : citation.end].startswith(citation.path)


class Project:
    """Files and their numbers of lines."""

    lines: ClassVar = {"src/a.py": 20, "src/b.py": 5, "web/b.py": 5, "docs/guide.md": 100}

    def line_count(self, path: str) -> int | None:
        return self.lines.get(path)

    def ending(self, written: str) -> Sequence[str]:
        return PathTable(self.lines).ending(written)


@pytest.mark.parametrize(
    ("answer", "expected", "wrong"),
    [
        ("See src/a.py:20.", "See src/a.py:20.", []),
        ("See `a.py:3`.", "See `src/a.py:3`.", ["There is no file a.py; src/a.py is meant."]),
        ("See lib/a.py:3-5.", "See src/a.py:3-5.", ["There is no file lib/a.py; src/a.py is meant."]),
        ("See src/a.py:21.", "See src/a.py.", ["src/a.py has 20 lines, not 21."]),
        ("See src/a.py:18-25.", "See src/a.py:18-20.", ["src/a.py has 20 lines, not 25."]),
        ("See src/a.py:0.", "See src/a.py.", ["src/a.py has 20 lines, not 0."]),
        ("See `b.py:3`!", "See `b.py:3` (several files are called so)!", ["There is no file b.py."]),
        ("See `made/up.py:3`.", "See `made/up.py:3` (no such file).", ["There is no file made/up.py."]),
        ("a.py:99 and guide.md:7", "src/a.py and docs/guide.md:7",
         ["There is no file a.py; src/a.py is meant. src/a.py has 20 lines, not 99.",
          "There is no file guide.md; docs/guide.md is meant."]),
    ],
)  # fmt: skip
def test_citations_of_nothing_are_mended_or_marked(answer: str, expected: str, wrong: list[str]) -> None:
    text, found = checked_citations(answer, Project())
    assert text == expected
    assert [each.reason for each in found] == wrong


def test_of_several_files_the_one_that_was_read_is_meant() -> None:
    assert checked_citations("See b.py:3.", Project(), shown=["web/b.py", "src/a.py"])[0] == "See web/b.py:3."


@settings(max_examples=50)
@given(st.text(alphabet="ab/.:py0123-#L`([)] \n", max_size=120))
def test_any_answer_will_do(answer: str) -> None:
    text, wrong = checked_citations(answer, Project())
    assert (text == answer) == (not wrong)


def test_what_code_calls_is_looked_up_and_what_it_defines_is_not() -> None:
    assert called_in("def f(x):\n    return g(x) + self.total (x) + f(1) + if_(a) + a(b)\n") == ("total", "if_")
    assert called_in("class A(Base):\n    pass\n") == ()
