"""`/test`: what is offered has been run in a copy and passes; what does not pass is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from editor import WriteScript

from zicoder.agents.front import Answer, Applied, Question
from zicoder.commands.builtin import COMMANDS
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.events import Finished, Notice
from zicoder.proposal import Proposal
from zicoder.text import Snapshot
from zicoder.workspace import Workspace

CALC = '"""Calc."""\n\n\ndef least(a, b):\n    return b if a > b else a\n'
GOOD = "def test_least():\n    assert least(3, 1) == 1"
WRONG = "def test_wrong():\n    assert least(3, 1) == 3\n    assert least(1, 3) == 1"


def fence(code: str) -> str:
    return f"Here they are:\n```python\n{code}\n```"


@pytest.fixture(autouse=True)
def a_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_MODEL__INFILL", "none")
    monkeypatch.setenv("ZI_AGENT__TEST_COMMAND", f'"{sys.executable}" -m pytest -q -p no:cacheprovider')
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    (root / "calc.py").write_text(CALC)


class Person:
    """Answers every question in one way and takes every edit."""

    def __init__(self, answer: Answer = "once") -> None:
        self.answer: Answer = answer
        self.asked: list[str] = []
        self.taken: dict[str, str | None] = {}

    async def may(self, question: Question) -> Answer:
        self.asked.append(question.summary)
        return self.answer

    async def apply(self, proposal: Proposal) -> Applied:
        self.taken |= {file.path: file.after for file in proposal.files}
        return Applied(ok=True)


async def ended_with(root: Path, person: Person, text: str = "/test") -> tuple[Finished, str]:
    """What the command ends with, and everything that it noted."""
    path = root / "calc.py"
    document = None if "@" in text else Snapshot(path.as_uri(), CALC, language="python", path=path)
    cursor = CALC.index("return")
    async with Workspace(root) as workspace:
        session = Session(workspace, person)
        invocation = Invocation(text=text, snapshot=document, selection=None if "@" in text else (cursor, cursor))
        told = [event async for event in COMMANDS.dispatch(session, invocation)]
        await session.close()
    assert isinstance(told[-1], Finished), told[-1]
    return told[-1], "\n".join(event.text for event in told if isinstance(event, Notice))


async def test_tests_that_pass_are_offered_in_the_file_where_they_belong(root: Path, talk: WriteScript) -> None:
    talk({"when": "", "text": fence(GOOD)})
    person = Person()
    ended, _ = await ended_with(root, person)
    assert person.taken == {"tests/test_calc.py": f"from calc import least\n\n\n{GOOD}\n"}
    assert (ended.data["applied"], ended.data["passed"]) == (True, True)
    assert "1 test in `tests/test_calc.py` passes." in ended.text
    (asked,) = person.asked
    assert "in a copy of the project" in asked
    assert not (root / "tests").exists(), "only the front end writes"


async def test_a_mentioned_file_is_tested_without_an_editor(root: Path, talk: WriteScript) -> None:
    talk({"when": "", "text": fence(GOOD)})
    person = Person()
    await ended_with(root, person, "/test @calc.py")
    assert list(person.taken) == ["tests/test_calc.py"]


async def test_what_the_file_has_stays(root: Path, talk: WriteScript) -> None:
    old = '"""Old."""\n\nfrom calc import least\n\n\ndef test_equal():\n    assert least(1, 1) == 1\n'
    (root / "tests").mkdir()
    (root / "tests" / "test_calc.py").write_text(old)
    talk({"when": "", "text": fence(GOOD)})
    person = Person()
    await ended_with(root, person)
    assert person.taken == {"tests/test_calc.py": f"{old}\n\n{GOOD}\n"}


async def test_checks_that_fail_are_left_out_and_said(root: Path, talk: WriteScript) -> None:
    talk({"when": "", "text": fence(f"{GOOD}\n\n\n{WRONG}")})
    person = Person()
    ended, _ = await ended_with(root, person)
    after = person.taken["tests/test_calc.py"] or ""
    assert "assert least(1, 3) == 1" in after
    assert "== 3" not in after
    assert "2 tests in" in ended.text
    assert "`assert least(3, 1) == 3`" in ended.text
    assert ended.data["left_out"] == ["assert least(3, 1) == 3"]


async def test_failing_tests_are_mended_by_the_model(root: Path, talk: WriteScript) -> None:
    bad = "def test_least():\n    assert least(3, 1) == 3"
    talk({"when": "These tests of the code below fail", "text": fence(GOOD)}, {"when": "", "text": fence(bad)})
    person = Person()
    ended, noted = await ended_with(root, person)
    assert "== 1" in (person.taken["tests/test_calc.py"] or "")
    assert ended.data["passed"] is True
    assert "1 test does not pass; the model mends that (1 of 3)." in noted


async def test_nothing_is_offered_if_nothing_passes(root: Path, talk: WriteScript) -> None:
    talk({"when": "", "text": fence("def test_least():\n    assert least(3, 1) == 3")})
    person = Person()
    ended, noted = await ended_with(root, person, "/test --tries 1")
    assert person.taken == {}
    assert ended.data["applied"] is False
    assert "either they or the code is wrong" in noted


async def test_without_a_word_for_them_tests_do_not_run_and_that_is_said(root: Path, talk: WriteScript) -> None:
    talk({"when": "", "text": fence(f"{GOOD}\n\n\nopen('ran', 'w')")})
    person = Person("never")
    ended, noted = await ended_with(root, person)
    assert list(person.taken) == ["tests/test_calc.py"]
    assert "were not run" in noted
    assert ended.text.endswith("The tests in `tests/test_calc.py` were not run.")
    assert not (root / "ran").exists()


async def test_an_answer_without_a_test_is_asked_for_again(root: Path, talk: WriteScript) -> None:
    talk({"when": "There was no test in the code", "text": fence(GOOD)}, {"when": "", "text": fence("x = 1")})
    person = Person()
    ended, _ = await ended_with(root, person)
    assert ended.data["passed"] is True
