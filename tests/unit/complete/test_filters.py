"""The filters: golden cases of raw model text, and what must hold for any text at all."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.complete.blocks import closer_of, line_key
from zicoder.complete.filters import FILTERS, apply_filters
from zicoder.complete.hole import Hole, indent_width
from zicoder.complete.scope import begins_block

GOLDEN = Path(__file__).parents[2] / "golden" / "filters"
CURSOR = "‸"
LINE_ENDINGS = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}


@dataclass(frozen=True)
class Case:
    """One golden case, as its file tells it."""

    name: str
    hole: Hole
    raw: str
    expect: str
    dropped_by: str | None
    unchanged: bool


def load(path: Path) -> list[Case]:
    """The cases of one file; a case inherits the file's language."""
    family = tomllib.loads(path.read_text(encoding="utf-8"))
    return [read(path.stem, {"language": family["language"], **case}) for case in family["case"]]


def read(family: str, entry: dict[str, str]) -> Case:
    newline = LINE_ENDINGS[entry.get("line_endings", "lf")]
    prefix, suffix = entry["document"].replace("\n", newline).split(CURSOR)
    hole = Hole(prefix=prefix, suffix=suffix, language=entry["language"])
    multiline = entry.get("multiline", begins_block(hole))
    return Case(
        name=f"{family}: {entry['name']}",
        hole=replace(hole, multiline=bool(multiline)),
        raw=entry["raw"],
        expect=entry.get("expect", entry["raw"]).replace("\n", newline),
        dropped_by=entry.get("dropped_by"),
        unchanged="expect" not in entry,
    )


CASES = [case for path in sorted(GOLDEN.glob("*.toml")) for case in load(path)]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_golden(case: Case) -> None:
    shown = apply_filters(case.raw, case.hole)
    report = (
        f"\n{case.hole.prefix}{CURSOR}{case.hole.suffix}"
        f"\nraw      {case.raw!r}\nexpected {case.expect!r}\nshown    {shown.text!r}"
        f"\nmultiline {case.hole.multiline}, changed by {shown.changed_by}, dropped by {shown.dropped_by!r}"
    )
    assert shown.text == case.expect, report
    assert case.dropped_by in (None, shown.dropped_by), report
    assert bool(shown.dropped_by) == (shown.text == ""), report


def test_there_are_enough_cases_of_both_kinds() -> None:
    assert len(CASES) >= 60
    assert sum(case.unchanged for case in CASES) >= 15
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_is_shown_is_also_good_when_it_comes_from_the_model(case: Case) -> None:
    """A cached or half-accepted suggestion goes through the filters again."""
    if case.expect:
        assert apply_filters(case.expect, case.hole).text == case.expect


WORDS = [
    "x", "foo", "return", "if", "else:", "def f():", "class A {", "=>", "{", "}", "(", ")", "[", "]", '"', "'", '"""',
    "`", "#", "//", "/*", "*/", ",", ";", ":", ".", " ", "    ", "\t", "\n", "\n", "\n    ", "\r\n", "\r", "```", "\\",
    "<ul>", "</ul>", "- a", "end", "<|fim_pad|>", "</s>", "é", "🙂", "\u2028", "\f", "0", "Here is the code:",
]  # fmt: skip
LANGUAGES = [
    "python",
    "typescript",
    "java",
    "go",
    "rust",
    "html",
    "yaml",
    "ruby",
    "markdown",
    "plaintext",
    "unheard-of",
]

texts = st.lists(st.sampled_from(WORDS), max_size=25).map("".join) | st.text(max_size=40)
holes = st.builds(Hole, prefix=texts, suffix=texts, language=st.sampled_from(LANGUAGES), multiline=st.booleans())


@settings(max_examples=100)
@given(texts, holes)
def test_a_filter_never_raises_and_never_adds(text: str, hole: Hole) -> None:
    for filter_ in FILTERS:
        result = filter_(text, hole)
        assert len(result.replace("\r", "").replace("\n", "")) <= len(text.replace("\r", "").replace("\n", ""))


@settings(max_examples=100)
@given(texts, holes)
def test_filtering_twice_is_filtering_once(text: str, hole: Hole) -> None:
    once = apply_filters(text, hole)
    again = apply_filters(once.text, hole)
    assert again.text == once.text
    assert again.changed_by == () or once.text == ""


@settings(max_examples=100)
@given(texts, holes)
def test_line_endings_are_the_documents_own(text: str, hole: Hole) -> None:
    shown = apply_filters(text, hole).text
    assert not set("\r\n") & set(shown.replace(hole.newline, ""))


@settings(max_examples=100)
@given(texts, holes)
def test_one_line_means_one_line(text: str, hole: Hole) -> None:
    """Without `one_line`, a statement whose bracket is open at the line's end goes on."""
    shown = apply_filters(text, replace(hole, multiline=False, one_line=True)).text
    assert "\n" not in shown
    assert "\r" not in shown


@settings(max_examples=100)
@given(texts, holes, st.booleans())
def test_the_line_below_is_never_shown_last(text: str, hole: Hole, parrot: bool) -> None:
    """Except a closing bracket or tag: the suggestion may have opened one of its own."""
    if parrot:
        text += "\n" + hole.next_line
    shown = apply_filters(text, hole).text
    if shown and not hole.line_after.strip():
        last = (hole.line_before + shown).replace("\r", "\n").rsplit("\n", 1)[-1]
        same = line_key(last) == line_key(hole.next_line) and indent_width(last) == indent_width(hole.next_line)
        assert not same or closer_of(last)


def test_a_class_too_long_to_be_read_from_its_start_may_still_be_closed() -> None:
    """The brackets around the cursor are followed for some thousand characters only."""
    methods = "".join(f"  method{n}() {{\n    return call({n});\n  }}\n" for n in range(400))
    hole = Hole(prefix="class Long {\n" + methods, suffix="\nrun(new Long());\n", language="typescript")
    assert apply_filters("}", hole).text == "}"
    inside = Hole(
        prefix=f"class Long {{\n{methods}  go() {{\n    run(", suffix=f");\n  }}\n{methods}}}\n", language="java"
    )
    assert apply_filters("first, second);", inside).text == "first, second"


def test_one_long_line_takes_no_long_time() -> None:
    line = "function(a){return {b:[a]}};" * 40_000
    hole = Hole(prefix=line, suffix=line, language="javascript")
    assert apply_filters("x = 1;" * 200, hole).text == apply_filters("x = 1;" * 200, hole).text
