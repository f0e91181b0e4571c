"""`/fix` where there are tests: what is offered passes them, and what does not pass is not offered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from editor import RunZi, WriteScript

from zicoder.agents.front import Answer, Applied, Question
from zicoder.commands.builtin import COMMANDS
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.events import Finished, Notice
from zicoder.proposal import Proposal
from zicoder.text import Snapshot
from zicoder.workspace import Workspace

CALC = '"""Calc."""\n\n\ndef least(a, b):\n    return a if a > b else b\n'
TEST = "from calc import least\n\n\ndef test_least():\n    assert least(3, 1) == 1\n"


def code(body: str) -> str:
    return f"```python\ndef least(a, b):\n    {body}\n```"


GOOD = code("return b if a > b else a")


@pytest.fixture(autouse=True)
def a_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_MODEL__INFILL", "none")
    monkeypatch.setenv("ZI_AGENT__TEST_COMMAND", f'"{sys.executable}" -m pytest -q -p no:cacheprovider')
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    (root / "calc.py").write_text(CALC)
    (root / "tests").mkdir()
    (root / "tests" / "test_calc.py").write_text(TEST)


class Person:
    """Lets tests run and takes every edit."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.taken: list[str | None] = []

    async def may(self, question: Question) -> Answer:
        self.asked.append(question)
        return "once"

    async def apply(self, proposal: Proposal) -> Applied:
        self.taken += [file.after for file in proposal.files]
        return Applied(ok=True)


async def fixed(root: Path, person: Person, text: str = "/fix") -> tuple[Finished, str]:
    """What the command ends with, and everything that it noted."""
    path = root / "calc.py"
    document = Snapshot(path.as_uri(), CALC, language="python", path=path)
    cursor = CALC.index("return")
    async with Workspace(root) as workspace:
        session = Session(workspace, person)
        invocation = Invocation(text=text, snapshot=document, selection=(cursor, cursor))
        told = [event async for event in COMMANDS.dispatch(session, invocation)]
        await session.close()
    assert isinstance(told[-1], Finished), told[-1]
    return told[-1], "\n".join(event.text for event in told if isinstance(event, Notice))


async def test_an_attempt_that_fails_the_tests_goes_back_with_what_they_said(root: Path, talk: WriteScript) -> None:
    talk(
        {"when": "The mistake is somewhere else", "text": GOOD},
        {"when": "assert least(3, 1) == 1", "text": code("return min(a, a)")},
    )
    person = Person()
    ended, noted = await fixed(root, person)
    assert person.taken == [CALC.replace("a if a > b else b", "b if a > b else a")]
    assert (ended.data["applied"], ended.data["checked"], ended.data["tried"]) == (True, "tests", 2)
    assert "Its tests still fail" in noted
    assert "tests/test_calc.py" in noted
    (question,) = person.asked
    assert "in a copy of the project" in question.summary
    assert (root / "calc.py").read_text() == CALC


async def test_nothing_is_offered_if_no_attempt_passes(root: Path, talk: WriteScript) -> None:
    talk({"when": "", "text": code("return a")})
    person = Person()
    ended, noted = await fixed(root, person)
    assert person.taken == []
    assert ended.data["applied"] is False
    assert "None of 1 attempts passes the tests" in noted


def events(zi: RunZi, text: str) -> list[dict[str, Any]]:
    done = zi("run", text, "--file", "calc.py:4", "--json", "--yes")
    return [json.loads(line) for line in done.stdout.splitlines()]


def notices(told: list[dict[str, Any]]) -> str:
    return "\n".join(event["text"] for event in told if event["event"] == "notice")


def test_without_a_word_for_them_tests_do_not_run_and_that_is_said(zi: RunZi, talk: WriteScript, root: Path) -> None:
    (root / "tests" / "test_calc.py").write_text(TEST + "\n\nopen('ran', 'w')\n")
    talk({"when": "", "text": GOOD})
    told = events(zi, "/fix")
    assert "The tests were not run" in notices(told)
    assert "no test of it was run" in notices(told)
    assert [event for event in told if event["event"] == "proposed"]
    assert not (root / "ran").exists()


def test_a_name_that_nothing_defines_is_not_offered(zi: RunZi, talk: WriteScript) -> None:
    talk({"when": "Nothing defines `smaller`", "text": GOOD}, {"when": "", "text": code("return smaller(a, b)")})
    told = events(zi, "/fix --tries 0")
    assert told[-1]["data"]["applied"] is True
    assert told[-1]["data"]["checked"] == "syntax"
    assert "Nothing defines `smaller`" in notices(told)
