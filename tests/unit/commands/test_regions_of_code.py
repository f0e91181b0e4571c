"""Which code a command is about, and what of an answer is code."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from zicoder.agents.front import Front
from zicoder.commands.builtin.planning import tasks_in
from zicoder.commands.editing import fenced_code
from zicoder.commands.region import region_of, unit_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.text import Snapshot
from zicoder.workspace import Workspace

MARK = "‸"
PYTHON = """import os


@cached
@other(1)
def first(a):
    if a:
        return 1

    return 2


class Box:
    size = 3

    def open(self):
        return self.size

    def shut(self):
        pass


print(first(1))
"""
TYPESCRIPT = """export function add(a: number, b: number) {
  return a + b;
}

const twice = (a: number) => {
  return 2 * a;
};
"""


def region(text: str, at: str, *, after: int = 0, language: str = "python") -> str | None:
    """The region for a cursor behind the first `at`."""
    session = Session(Workspace(), cast("Front", None))
    offset = text.index(at) + len(at)
    snapshot = Snapshot(uri="file:///a.py", text=text, language=language, path=Path("/a.py"))
    found = region_of(session, Invocation(text="/fix", snapshot=snapshot, selection=(offset, offset + after)))
    return found.text if found else None


FIRST = PYTHON[PYTHON.index("@cached") : PYTHON.index("\n\n\nclass")]


@pytest.mark.parametrize("at", ["@cached", "@other", "def first", "if a", "return 1", "return 2"])
def test_the_function_around_the_cursor_with_its_decorators(at: str) -> None:
    assert region(PYTHON, at) == FIRST


def test_the_innermost_definition_counts() -> None:
    assert region(PYTHON, "return self") == "    def open(self):\n        return self.size"
    assert region(PYTHON, "size = 3") == PYTHON[PYTHON.index("class Box") : PYTHON.index("\n\n\nprint")]


def test_outside_of_definitions_there_is_none() -> None:
    assert region(PYTHON, "import os") is None
    assert region(PYTHON, "print(") is None


def test_a_selection_is_taken_in_whole_lines() -> None:
    assert region(PYTHON, "if", after=10) == "    if a:\n        return 1"


def test_braces_are_closed() -> None:
    assert region(TYPESCRIPT, "return a", language="typescript") == TYPESCRIPT[: TYPESCRIPT.index("\n\nconst")]
    assert region(TYPESCRIPT, "return 2", language="typescript") == TYPESCRIPT[TYPESCRIPT.index("const") :].rstrip("\n")


def test_a_method_is_found_through_its_control_flow() -> None:
    method = "  run(a) {\n    if (a) {\n      return 1;\n    } else if (b) {\n      stop();\n    }\n  }"
    text = f"class A {{\n{method}\n}}\n"
    assert region(text, "return 1", language="javascript") == method
    assert region(text, "stop()", language="javascript") == method


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("Here:\n```python\nx = 1\n```\nDone.", "x = 1"),
        ("```\na\n```\n```py\nlonger code\n```", "longer code"),
        ("```python\nx = 1\n", "x = 1"),
        ("~~~\nx\n~~~", "x"),
        ("````md\n```\nx\n```\n````", "```\nx\n```"),
        ("No code at all.", None),
    ],
)
def test_the_code_of_an_answer(answer: str, code: str | None) -> None:
    assert fenced_code(answer) == code


def test_a_list_of_tasks_is_numbered_anew_and_refers_only_backwards() -> None:
    tasks = tasks_in(
        "Sure!\n- T1: read a.py (30m)\n2. **T4**: write b.py (1.5h), after T1\n- test it, after T4 and T9\n"
    )
    assert [(t.id, t.title, t.minutes, t.after) for t in tasks] == [
        ("T1", "read a.py", 30, ()),
        ("T2", "write b.py", 90, ("T1",)),
        ("T3", "test it", None, ("T2",)),
    ]


def test_prose_has_no_tasks() -> None:
    assert tasks_in("I cannot plan that.") == []


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("        return 1", "    return 2", "@cached", "    return 2"),
        ("    if a:", "    if a:", "    if a:", "        return 1"),
        ("    if a:", "        return 1", "    if a:", "        return 1"),
        ("    def open", "    def shut", "    def open(self):", "        pass"),
        ("        return self.size", "    def shut", "    def open(self):", "        pass"),
        ("print", "first(1))", "print(first(1))", "print(first(1))"),
    ],
)
def test_a_selection_that_cuts_a_block_grows_to_the_definition_around_it(
    start: str, end: str, first: str, last: str
) -> None:
    session = Session(Workspace(), cast("Front", None))
    snapshot = Snapshot(uri="file:///a.py", text=PYTHON, language="python", path=Path("/a.py"))
    selection = PYTHON.index(start), PYTHON.index(end) + len(end)
    found = unit_of(session, Invocation(text="/fix", snapshot=snapshot, selection=selection))
    assert found
    assert (found.text.split("\n")[0], found.text.split("\n")[-1]) == (first, last)
