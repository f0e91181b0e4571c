"""Fixes that a model makes: which of its answers are offered, and as what. The model is a list of answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.marked import cut

from zicoder.assist.actions.action import Action, Asked
from zicoder.assist.actions.offering import Offering
from zicoder.assist.checks.checker import Checker
from zicoder.assist.checks.inspector import Inspector
from zicoder.assist.checks.ruff import Ruff, find_ruff
from zicoder.assist.fixing.fixer import Fixed, Fixer, region_around
from zicoder.assist.jedi_bridge import JediBridge
from zicoder.assist.problem import Problem
from zicoder.events import ignore_progress
from zicoder.text import Snapshot, apply_edits

RUFF = find_ruff("auto", "", None, lambda _, __: None)


class Model:
    """Gives these answers in turn, piece by piece, and keeps what it was asked."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, float]] = []
        self.begins: list[str] = []

    async def __call__(
        self, system: str, prompt: str, *, temperature: float, max_tokens: int, begin: str = ""
    ) -> AsyncIterator[str]:
        self.asked.append((prompt, temperature))
        self.begins.append(begin)
        answer = self._answers.pop(0) if self._answers else "I do not know."
        for at in range(0, len(answer), 7):
            yield answer[at : at + 7]


def fence(code: str) -> str:
    return f"Here it is:\n```python\n{code}\n```\n"


@pytest.fixture
def fix(inspector: Inspector, jedi: JediBridge, tmp_path: Path):
    (tmp_path / "ruff.toml").write_text('[lint]\nselect = ["F"]\n')
    ruff = Ruff(RUFF, tmp_path) if RUFF else None

    async def fix(
        marked: str, message: str, *answers: str, source: str = "Pylance", code: str = "", language: str = "python"
    ) -> tuple[str, Fixed | None, Model]:
        """The text after the fix ("" for none), the fix, and the model."""
        snapshot, offset = cut(marked, tmp_path / "a.py")
        snapshot = Snapshot(snapshot.uri, snapshot.text, 1, language, snapshot.path)
        checker = Checker(inspector, ruff=lambda: ruff, jedi=lambda: jedi, patience=60)
        model = Model(*answers)
        fixer = Fixer(checker, ask=model, index=lambda: None, samples=lambda: 3)
        problem = Problem(offset, offset + 1, message, source, code)
        asked = Asked(snapshot=snapshot, start=offset, end=offset, problems=(problem,))
        (offer,) = await fixer.actions(asked)
        assert offer.make
        assert not offer.preferred
        change = await offer.make(ignore_progress)
        fixed = await fixer.fix(asked, problem)
        offers = await fixer.actions(asked)
        assert [each.preferred for each in offers] == ([] if fixed is None else [fixed.preferred])
        return (apply_edits(snapshot.text, change.edits) if change else ""), fixed, model

    return fix


async def test_a_fix_whose_diagnostic_is_gone_is_checked(fix) -> None:
    text, fixed, model = await fix(
        "import os\n\n\ndef f(number):\n    return ‸nmber + 1\n\n\nprint(os)\n", '"nmber" is not defined',
        fence("def f(number):\n    return number + 1"),
    )  # fmt: skip
    assert text == "import os\n\n\ndef f(number):\n    return number + 1\n\n\nprint(os)\n"
    assert fixed.verdict.state == "checked"
    assert fixed.verdict.how == ("`nmber` is defined or gone", "it parses", "nothing new is wrong")
    assert fixed.preferred
    assert len(model.asked) == 1
    assert "in line 2 of the code below" in model.asked[0][0]
    assert model.begins == ["```python\ndef f(number):\n"]


async def test_answers_that_fail_the_checks_are_not_offered(fix) -> None:
    text, fixed, model = await fix(
        "def f(number):\n    return ‸nmber + 1\n", '"nmber" is not defined',
        fence("def f(number):\n    return (number + 1"),
        fence("def f(number):\n    return total + 1"),
        fence("def f(number):\n    return nmber + 2"),
    )  # fmt: skip
    assert (text, fixed) == ("", None)
    assert [temperature for _, temperature in model.asked] == [0.0, 0.5, 0.8]


async def test_a_later_sample_may_pass(fix) -> None:
    text, fixed, _ = await fix(
        "class A:\n    def f(self, number):\n        return ‸nmber\n", '"nmber" is not defined',
        "Rename it.", fence("def f(self, number):\n    return number"),
    )  # fmt: skip
    assert text == "class A:\n    def f(self, number):\n        return number\n"
    assert fixed.verdict.state == "checked"


async def test_what_no_check_here_can_see_is_not_called_checked(fix) -> None:
    text, fixed, model = await fix(
        "def f(a):\n    return a\n\n\nf(‸)\n", 'Argument missing for parameter "a"',
        fence("def f(a):\n    return a\n\n\nf(1)"), fence("def f(a):\n    return a\n\n\nf(2)"),
        fence("def f(a):\n    return a\n\n\nf(2)"),
    )  # fmt: skip
    assert fixed.verdict.state == "unchecked"
    assert len(model.asked) == 3
    assert text in ("def f(a):\n    return a\n\n\nf(1)\n", "def f(a):\n    return a\n\n\nf(2)\n")


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed beside this Python")
async def test_ruff_is_asked_again(fix) -> None:
    text, fixed, _ = await fix(
        "def f(x):\n    return x ‸is 'a'\n", "Use `==`", fence("def f(x):\n    return x == 'a'"),
        source="Ruff", code="F632",
    )  # fmt: skip
    assert text == "def f(x):\n    return x == 'a'\n"
    assert "ruff no longer finds F632" in fixed.verdict.how
    _, fixed, _ = await fix(
        "def f(x):\n    return x ‸is 'a'\n", "Use `==`", fence("def f(x):\n    y = x == 'a'\n    return f'{x}' is 'a'"),
        source="Ruff", code="F632",
    )  # fmt: skip
    assert fixed is None


async def test_errors_of_syntax_in_any_language(fix) -> None:
    text, fixed, model = await fix(
        "function f(a {‸\n  return a;\n}\n", "')' expected.", fence("function f(a) {\n  return a;\n}"),
        source="ts", language="typescript",
    )  # fmt: skip
    assert text == "function f(a) {\n  return a;\n}\n"
    assert fixed.verdict.state == "checked"
    assert not fixed.preferred
    assert model.begins == ["```typescript\n"]
    _, fixed, _ = await fix("{‸{", "strange", fence("{{}}"), language="klingon")
    assert fixed.verdict.state == "unchecked"


async def test_an_answer_that_rewrites_everything_is_refused(fix) -> None:
    body = "\n".join(f"    x{number} = {number}" for number in range(20))
    other = "\n".join(f"    z{number} = {number}" for number in range(20))
    _, fixed, _ = await fix(
        f"def f():\n{body}\n    return ‸nmber\n", '"nmber" is not defined', fence(f"def f():\n{other}\n    return 1")
    )
    assert fixed is None


def test_the_region_is_the_definition_around() -> None:
    snapshot, offset = cut(
        "x = 1\n\n\nclass A:\n    def f(self):\n        if x:\n            re‸turn 1\n\n    def g(self): ...\n"
    )
    region = region_around(snapshot, Problem(offset, offset, "m"))
    assert region.text == "    def f(self):\n        if x:\n            return 1"
    for text in ("", "\n", "x", "(\n" * 500, "    " * 3000):
        region = region_around(Snapshot("u", text), Problem(len(text), len(text), "m"))
        assert text[region.start : region.end] == region.text


async def test_an_error_that_only_moved_is_not_gone(fix) -> None:
    _, fixed, _ = await fix(
        "def f(number):\n    a = ‸nmber\n    b = nmber\n    return a + b\n", '"nmber" is not defined',
        fence("def f(number):\n    b = nmber\n    a = nmber\n    return a + b"),
        fence("def f(number):\n    a = nmber + 0\n    b = number\n    return a + b"),
    )  # fmt: skip
    assert fixed is None


async def test_a_type_error_beside_an_open_bracket_is_not_gone_with_the_bracket(fix) -> None:
    text, fixed, _ = await fix(
        "x: int = ‸'a'\ny = (1\n", 'Type "str" is not assignable to declared type "int"',
        fence("x: int = 'a'\ny = (1)"),
    )  # fmt: skip
    assert text
    assert fixed.verdict.state == "unchecked"


async def test_a_call_that_does_not_fit_is_looked_at_again(fix) -> None:
    text, fixed, _ = await fix(
        "def paint(colour):\n    return colour\n\n\n‸paint()\n", 'Argument missing for parameter "colour"',
        *(fence(f"def paint(colour):\n    return colour\n\n\npaint({each}='red')") for each in ("color", "colour")),
    )  # fmt: skip
    assert text.endswith("paint(colour='red')\n")
    assert fixed.verdict.how[0] == "the arguments fit what is called"


@pytest.mark.parametrize(
    ("said", "state", "told"),
    [
        (("mended", "tests/test_a.py"), "checked", "the tests that failed pass: tests/test_a.py"),
        (("pass", "tests/test_a.py"), "unchecked", "the tests of it pass: tests/test_a.py"),
        (None, "unchecked", ""),
        (("broken", "tests/test_a.py"), None, ""),
    ],
)
async def test_tests_have_a_say_where_they_may_run(
    inspector: Inspector, jedi: JediBridge, said: Any, state: str | None, told: str
) -> None:
    asked: list[str] = []

    async def say(after: str) -> Any:
        asked.append(after)
        return said

    @asynccontextmanager
    async def tests(snapshot: Snapshot, offset: int) -> AsyncGenerator[Any]:
        yield say

    checker = Checker(inspector, ruff=lambda: None, jedi=lambda: jedi, patience=60)
    fixer = Fixer(
        checker, ask=Model(fence("def f():\n    return 2")), index=lambda: None, samples=lambda: 1, tests=tests
    )
    snapshot, offset = cut("def f():\n    return ‸1\n")
    problem = Problem(offset, offset + 1, "This should be two", "mad")
    fixed = await fixer.fix(Asked(snapshot=snapshot, start=offset, end=offset, problems=(problem,)), problem)
    assert asked == ["def f():\n    return 2\n"]
    assert (fixed.verdict.state if fixed else None) == state
    assert fixed is None or told == "" or told in fixed.verdict.how
    assert fixed is None or fixed.preferred == (said is not None and said[0] == "mended")


async def test_a_line_filled_anew_comes_before_any_answer_the_nearest_to_what_stood_there(
    inspector: Inspector, jedi: JediBridge
) -> None:
    holes: list[tuple[str, str, int]] = []
    lines = {"‸ + 1": "count", "‸": "number + 1"}

    async def fill(before: str, after: str, rank: int) -> str:
        hole = f"{before}‸{after}".split("\n")[1].strip().removeprefix("return ")
        holes.append((before.split("\n")[-1], after, rank))
        return lines.get(hole, "total") if rank == 0 else "nmber.real + 1"

    checker = Checker(inspector, ruff=lambda: None, jedi=lambda: jedi, patience=60)
    model = Model()
    fixer = Fixer(checker, ask=model, index=lambda: None, samples=lambda: 1, fill=fill)
    snapshot, offset = cut("def f(number, count):\n    return ‸nmber + 1\n")
    problem = Problem(offset, offset + 5, '"nmber" is not defined', "Pylance")
    fixed = await fixer.fix(Asked(snapshot=snapshot, start=offset, end=offset, problems=(problem,)), problem)
    assert fixed is not None
    assert apply_edits(snapshot.text, (fixed.edit,)) == "def f(number, count):\n    return number + 1\n"
    assert fixed.preferred
    assert model.asked == []
    assert [head for head, _, rank in holes if rank == 0] == ["    return ", "    return ", "    "]
    assert holes[0][1] == " + 1\n"


async def test_of_what_no_check_can_judge_the_one_that_is_said_twice_is_given(
    inspector: Inspector, jedi: JediBridge
) -> None:
    async def fill(before: str, after: str, rank: int) -> str:
        return f"f({rank})"

    checker = Checker(inspector, ruff=lambda: None, jedi=lambda: jedi, patience=60)
    code = "def f(a):\n    return a\n\n\n"
    model = Model(fence(f"{code}f(1)"))
    fixer = Fixer(checker, ask=model, index=lambda: None, samples=lambda: 1, fill=fill)
    snapshot, offset = cut(f"{code}‸f()\n")
    problem = Problem(offset, offset + 3, "This is not enough", "mad")
    fixed = await fixer.fix(Asked(snapshot=snapshot, start=offset, end=offset, problems=(problem,)), problem)
    assert fixed is not None
    assert fixed.verdict.state == "unchecked"
    assert apply_edits(snapshot.text, (fixed.edit,)) == f"{code}f(1)\n"


async def test_what_is_certain_needs_no_model(inspector: Inspector, jedi: JediBridge) -> None:
    checker = Checker(inspector, ruff=lambda: None, jedi=lambda: jedi, patience=60)
    model = Model(fence("def f(number):\n    return 1"))
    made: list[Offering] = []

    async def certain(asked: Asked) -> list[Action]:
        return await made[0].certain(asked)

    fixer = Fixer(checker, ask=model, index=lambda: None, samples=lambda: 1, certain=certain)
    made.append(Offering(checker, index=lambda: None, jedi=lambda: jedi, more=(fixer,)))
    snapshot, offset = cut("def f(number):\n    return ‸nmber\n")
    problem = Problem(offset, offset + 5, '"nmber" is not defined', "Pylance")
    asked = Asked(snapshot=snapshot, start=offset, end=offset, problems=(problem,))
    titles = [action.title for _, action in await made[0].offers(asked, seconds=60)]
    assert next(each for each in titles if each.startswith(("Fix with Zi", "Change to"))) == "Change to `number`"
    fixed = await fixer.fix(asked, problem)
    assert fixed is not None
    assert apply_edits(snapshot.text, (fixed.edit,)) == "def f(number):\n    return number\n"
    assert fixed.verdict.state == "checked"
    assert model.asked == []
    titles = [action.title for _, action in await made[0].offers(asked, seconds=60)]
    assert not [each for each in titles if each.startswith("Fix")]
    await made[0].close()
