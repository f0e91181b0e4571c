"""Edits of any text: what was not meant to change stays as it is, byte by byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from zicoder.agents.edits.document import Document
from zicoder.agents.edits.proposing import propose
from zicoder.agents.edits.reader import AnswerReader, parse
from zicoder.text import split_lines

PATH = "notes/any.txt"
NEW = "a line that is new"

words = st.text(st.sampled_from("abcxyz_(){}:;=+\"'<>&\\#éß漢 \t\x0c\u2028\ufeff"), max_size=12)
special = st.sampled_from(["=======", "<<<<<<< HEAD", ">>>>>>> main", "```", "...", "    }", "\t}", "", "1: a", "# x"])
bodies = st.lists(st.one_of(words, words.map(lambda w: f"    {w}z"), special), min_size=1, max_size=12)
ends = st.sampled_from(["\n", "\r\n", "\n", "\r"])


@dataclass(frozen=True)
class Span:
    """A file, some of its lines, and their numbers."""

    text: str
    start: int
    end: int

    @property
    def lines(self) -> list[str]:
        return [line.body for line in Document.of(self.text).lines]

    @property
    def search(self) -> list[str]:
        return self.lines[self.start : self.end]

    def without(self) -> tuple[str, str]:
        """What stands before and after the lines."""
        document = Document.of(self.text)
        pieces = [line.body + line.end for line in document.lines]
        return document.bom + "".join(pieces[: self.start]), "".join(pieces[self.end :])


@st.composite
def spans(draw: st.DrawFn) -> Span:
    lines = draw(bodies)
    text = "".join(line + draw(ends) for line in lines)
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    text = draw(st.sampled_from(["", "\ufeff"])) + text
    count = len(Document.of(text).lines)
    assume(count)
    start = draw(st.integers(0, count - 1))
    return Span(text, start, draw(st.integers(start + 1, count)))


def answer(search: list[str], put: list[str], *, fence: str = "") -> str:
    """A block around these lines, with nine marks: the texts hold seven."""
    block = ["<<<<<<<<< SEARCH", *search, "=========", *put, ">>>>>>>>> REPLACE"]
    return "\n".join([PATH, *([fence] if fence else []), *block, *([fence] if fence else []), ""])


def applied(text: str, written: str) -> tuple[str | None, list[str]]:
    proposal, remarks = propose(parse(written), {PATH: text}.get, files=[PATH])
    return (proposal.files[0].after if proposal.files else text), [r.text for r in remarks if r.is_problem]


def occurrences(lines: list[str], wanted: list[str]) -> int:
    return sum(lines[at : at + len(wanted)] == wanted for at in range(len(lines) - len(wanted) + 1))


@settings(max_examples=80, suppress_health_check=[HealthCheck.filter_too_much])
@given(spans(), st.sampled_from(["", "```", "````text"]))
def test_a_block_from_any_lines_changes_only_them(span: Span, fence: str) -> None:
    assume(any(line.strip() for line in span.search))
    after, problems = applied(span.text, answer(span.search, [*span.search, NEW], fence=fence and ""))
    if occurrences(span.lines, span.search) > 1:
        assert after == span.text
        assert problems
        return
    before, rest = span.without()
    assert problems == []
    assert after is not None
    assert after.startswith(before + span.search[0])
    assert after.endswith(rest)
    assert after.count(NEW) == 1
    assert after.replace(NEW, "").replace("\r", "").replace("\n", "") == span.text.replace("\r", "").replace("\n", "")


def indent(lines: list[str]) -> list[str]:
    return [f"  {line}" if line.strip() else line for line in lines]


def trailing(lines: list[str]) -> list[str]:
    return [f"{line} \t" for line in lines]


def spread(lines: list[str]) -> list[str]:
    return ["", *(part for line in lines for part in (line, ""))]


def numbered(lines: list[str]) -> list[str]:
    return [f"{at:4} | {line}" for at, line in enumerate(lines, 7)]


def entities(lines: list[str]) -> list[str]:
    return [line.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;") for line in lines]


plain = st.lists(
    st.text(st.sampled_from("abcdefgh(){}:=+\"'<&"), min_size=3, max_size=12).map(lambda w: f"x{w}"),
    min_size=1, max_size=8, unique_by=lambda line: line.strip(),
)  # fmt: skip


@settings(max_examples=80)
@given(
    plain, st.data(), st.sampled_from([indent, trailing, spread, numbered, entities]),
    st.sampled_from(["\n", "\r\n"]), st.booleans(),
)  # fmt: skip
def test_a_distorted_block_changes_only_its_lines(
    lines: list[str], data: st.DataObject, distort: Callable[[list[str]], list[str]], end: str, last: bool
) -> None:
    lines = ["def top():", *(f"    {line}" for line in lines)]
    text = end.join(lines) + end * last
    start = data.draw(st.integers(0, len(lines) - 1))
    stop = data.draw(st.integers(start + 1, len(lines)))
    search = lines[start:stop]
    wrong = distort(search)
    keeps = distort in (trailing, spread)  # what these add to a new line would be meant
    new = f"    {NEW}" if keeps else distort([*search, f"    {NEW}"])[-1]
    at = len(wrong) - (distort is spread)
    after, problems = applied(text, answer(wrong, [*wrong[:at], new, *wrong[at:]]))
    assert problems == []
    assert after == end.join([*lines[:stop], f"    {NEW}", *lines[stop:]]) + end * last


@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
@given(spans(), bodies, bodies)
def test_a_refused_block_changes_nothing(span: Span, search: list[str], put: list[str]) -> None:
    search = [line for line in search if not line.startswith("<<<<<<<<<")]
    after, problems = applied(span.text, answer(search, put))
    if problems:
        assert after == span.text
    elif after != span.text:
        assert any(line.strip() for line in search) or not span.text.strip("\ufeff \t\r\n\x0c\u2028")


@settings(max_examples=60)
@given(st.text(max_size=200), st.lists(special, max_size=8), st.integers(1, 40), st.booleans())
def test_no_answer_is_too_odd_to_read(text: str, marks: list[str], size: int, cut: bool) -> None:
    odd = "\n".join([text, "<<<<<<< SEARCH", *marks, text, "=======", ">>>>> REPLACE", "```py a.py", *marks, text])
    reader = AnswerReader()
    pieces = [p for at in range(0, len(odd), size) for p in reader.feed(odd[at : at + size])] + reader.finish(cut=cut)
    proposal, remarks = propose(pieces, lambda _: None)
    assert all(edit.kind == "create" for edit in proposal.files)
    assert all(remark.text for remark in remarks)


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_a_document_is_its_text(text: str) -> None:
    document = Document.of(text)
    assert document.text == text
    assert len(document.lines) == len(split_lines(text.removeprefix("\ufeff")))
