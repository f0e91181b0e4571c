"""From a model's answer to the text of a file: golden cases."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from zicoder.agents.edits.blocks import Block, Piece, Prose
from zicoder.agents.edits.proposing import Focus, propose
from zicoder.agents.edits.reader import AnswerReader, parse

GOLDEN = Path(__file__).parents[2] / "golden" / "edits"


@dataclass(frozen=True)
class Case:
    """One golden case, as its file tells it."""

    name: str
    path: str
    before: str
    target: str
    """The file that is looked at afterwards."""
    expect: str | None
    answer: str
    problem: str
    step: str
    line: int | None
    cut: bool


def load(path: Path) -> list[Case]:
    family = tomllib.loads(path.read_text(encoding="utf-8"))
    common = {key: value for key, value in family.items() if key != "case"}
    return [read(path.stem, {**common, **case}) for case in family["case"]]


def read(family: str, entry: dict[str, Any]) -> Case:
    def as_on_disk(text: str) -> str:
        if entry.get("no_last_newline"):
            text = text.removesuffix("\n")
        if entry.get("line_endings") == "crlf":
            text = text.replace("\n", "\r\n")
        return ("\ufeff" if entry.get("bom") else "") + text

    before = entry["file"]
    expect: str | None = before if entry.get("target", entry["path"]) == entry["path"] else None
    if "edit" in entry:
        old, new = entry["edit"]
        assert before.count(old) == 1, entry["name"]
        expect = before.replace(old, new)
    elif "expect" in entry:
        expect = entry["expect"]
    return Case(
        name=f"{family}: {entry['name']}",
        path=entry["path"],
        before=as_on_disk(before),
        target=entry.get("target", entry["path"]),
        expect=None if expect is None or entry.get("gone") else as_on_disk(expect),
        answer=entry["answer"],
        problem=entry.get("problem", ""),
        step=entry.get("step", ""),
        line=entry.get("line"),
        cut=entry.get("cut", False),
    )


CASES = [case for path in sorted(GOLDEN.glob("*.toml")) for case in load(path)]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_golden(case: Case) -> None:
    files = {case.path: case.before}
    focus = Focus(case.path, case.line) if case.line else None
    proposal, remarks = propose(parse(case.answer, cut=case.cut), files.get, files=files, focus=focus)
    after = files | {edit.path: edit.after for edit in proposal.files}
    said = "\n".join(f"[{remark.kind}] {remark.text}" for remark in remarks)
    problems = [remark.text for remark in remarks if remark.is_problem]

    assert after.get(case.target) == case.expect, said
    assert case.problem in "\n".join(problems), said
    assert bool(problems) == bool(case.problem), said
    steps = [remark.text.partition("forgiving ")[2].rstrip(".") for remark in remarks if remark.kind == "matched"]
    if case.step:
        assert any(case.step in step for step in steps), said
    elif "crlf" not in case.name.lower():
        assert not steps or case.before.count("\r"), said


@pytest.mark.parametrize("size", [1, 7])
def test_an_answer_reads_alike_however_it_streams(size: int) -> None:
    for case in CASES:
        reader = AnswerReader()
        streamed = [p for at in range(0, len(case.answer), size) for p in reader.feed(case.answer[at : at + size])]
        streamed += reader.finish(cut=case.cut)
        whole = parse(case.answer, cut=case.cut)
        assert blocks(streamed) == blocks(whole), case.name
        assert prose(streamed) == prose(whole), case.name


def test_prose_comes_before_its_line_ends() -> None:
    reader = AnswerReader()
    assert reader.feed("### src/") == []
    assert reader.feed("a.py\n") == []
    shown = reader.feed("The loop runs once too often, since ")
    assert prose(shown) == "### src/a.py\nThe loop runs once too often, since "
    assert prose(reader.feed("it")) == "it"


def blocks(pieces: list[Piece]) -> list[Block]:
    return [piece for piece in pieces if isinstance(piece, Block)]


def prose(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Prose))


def test_there_are_enough_cases_of_both_kinds() -> None:
    assert len(CASES) >= 45
    assert sum(bool(case.problem) for case in CASES) >= 15
    assert len({case.name for case in CASES}) == len(CASES)
