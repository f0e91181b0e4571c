"""What our own checks say of a text, with the real process, the real ruff and the real jedi."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.marked import snap

from zicoder.assist.checks.checker import Checker
from zicoder.assist.checks.inspector import Inspector
from zicoder.assist.checks.ruff import Ruff, find_ruff, problems_of
from zicoder.assist.jedi_bridge import JediBridge
from zicoder.assist.problem import Problem
from zicoder.text import Snapshot, apply_edits

RUFF = find_ruff("auto", "", None, lambda _, __: None)
needs_ruff = pytest.mark.skipif(RUFF is None, reason="ruff is not installed beside this Python")
MakeChecker = Callable[..., Checker]


@pytest.fixture
def checker(inspector: Inspector, jedi: JediBridge) -> MakeChecker:
    def make(ruff: Ruff | None = None) -> Checker:
        return Checker(inspector, ruff=lambda: ruff, jedi=lambda: jedi, patience=60)

    return make


def shown(snapshot: Snapshot, problems: list[Problem]) -> list[tuple[str, str]]:
    return [(snapshot.text[each.start : each.end], each.message) for each in problems]


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("javascript", "function f(a { return [1, 2; }\n", [("(", "`(` is never closed.")]),
        ("typescript", "const a = 3 4;\n", [("4", "Unexpected `4`.")]),
        ("typescript", "f(`${a}`); f(1 2);\n", [("2", "Unexpected `2`.")]),
        ("java", "class A { void f() { int x = 3 } }", [("3", "Expected `;` here.")]),
        ("rust", "fn f() {}\n}\n", [("}", "`}` closes nothing.")]),
        ("json", '{"é": [1, 2}', [("[", "`[` is never closed.")]),
        ("go", "package a\nvar s = \"(\"\n", []),
        ("jsonc", '{"a": 1,} // comma', []),
        ("javascript", "// @flow\ntype A = {| a: ?string |};\n", []),
        ("klingon", "{{{", []),
        ("python", "def f(:\n    pass\n", [("(", "`(` is never closed.")]),
        ("python", "x = 1\n  y = 2\n", [(" ", "Unexpected indent.")]),
        ("python", "for x in y\n    pass\n", [("y", "Expected ':'.")]),
        ("python", "return 1\n", [("return 1", "'return' outside function.")]),
        ("python", 'type X[T] = list[T]\nprint(f"{d["a"]}")\n', []),
        ("python", "x = '\0'\n", [("\0", "Python source must not contain a NUL byte.")]),
    ],
)  # fmt: skip
async def test_errors_of_syntax(checker: MakeChecker, language: str, text: str, found: list[tuple[str, str]]) -> None:
    snapshot = Snapshot("untitled:x", text, 1, language)
    problems = await checker().problems(snapshot, "syntax")
    assert shown(snapshot, problems)[:1] == found[:1]
    assert all(each.source == "zi" and "\n" not in text[each.start : each.end - 1] for each in problems)


async def test_of_many_errors_a_few_are_told(checker: MakeChecker) -> None:
    snapshot = Snapshot("untitled:x", "foo(]\n" * 1000, 1, "javascript")
    assert 0 < len(await checker().problems(snapshot, "syntax")) <= 5


async def test_a_text_that_ends_the_process_costs_only_its_own_answer(checker: MakeChecker) -> None:
    subject = checker()
    assert await subject.problems(snap("-" * 900_000 + "1"), "syntax") == []
    assert await subject.problems(snap("x = (\n"), "syntax") != []


async def test_python_without_ruff(checker: MakeChecker) -> None:
    code = (
        "import os\nimport sys\n\n\nclass A:\n    def gather(self):\n        return os.pathh\n\n"
        "    def other(self, b: 'A'):\n        return self.gahter() + missing + b.invented\n"
    )
    snapshot = snap(code)
    assert shown(snapshot, await checker().problems(snapshot, "all")) == [
        ("sys", "`sys` is imported and not used."),
        ("pathh", "The module `os` has no attribute `pathh`."),
        ("gahter", "`A` has no attribute `gahter`. Did you mean `gather`?"),
        ("missing", "`missing` is not defined."),
    ]


@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    def __getattr__(self, n): return n\nA().anything\n",
        "class A: pass\na = A()\nif hasattr(a, 'x'):\n    print(a.x)\n",
        "import os\ntry:\n    os.nothing\nexcept AttributeError:\n    pass\n",
        "import os\nos.invented = 1\nprint(os.invented)\n",
        "from unknown import Base\nclass A(Base):\n    def f(self): return self.g()\n",
        "import collections\nPoint = collections.namedtuple('Point', 'x y')\nPoint(1, 2).xx\n",
        "from enum import Enum\nclass E(Enum):\n    A = 1\nE.A.valu_e\n",
        "class Mixin:\n    def f(self): return self.somewhere_else()\n",
        "class A:\n    def gather(self): pass\na = A()\nif isinstance(a, int):\n    a.gathre\n",
        "import functools\n@functools.total_ordering\nclass A:\n    def gather(self): pass\nA().gathre\n",
        "class M(type): pass\nclass A(metaclass=M):\n    def gather(self): pass\nA().gathre\n",
        "def f(name: str): return name.decode()\n",
        "import enum\nclass E(enum.IntEnum):\n    A = 1\nE.A.bit_lenght\n",
    ],
)
async def test_what_is_not_sure_is_not_told(checker: MakeChecker, code: str) -> None:
    assert await checker().problems(snap(code), "all") == []


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("parts = []\nparts.apend(1)\n", "`list` has no attribute `apend`. Did you mean `append`?"),
        ("','.jion([])\n", "`str` has no attribute `jion`. Did you mean `join`?"),
        ("def f(names: dict[str, list[int]]): names['a'].apend(1)\n", "`list` has no attribute `apend`."),
        ("def f() -> bytes: ...\nf().decoed()\n", "`bytes` has no attribute `decoed`. Did you mean `decode`?"),
        ("open('x').raed()\n", "`TextIOWrapper` has no attribute `raed`. Did you mean `read`?"),
        ("from dataclasses import dataclass\n\n\n@dataclass(slots=True)\nclass A:\n    width: int = 0\n\n\nA().widht\n",
         "`A` has no attribute `widht`. Did you mean `width`?"),
        ("import abc\n\n\nclass A(metaclass=abc.ABCMeta):\n    def gather(self): ...\n\n\nA().gathre\n",
         "`A` has no attribute `gathre`. Did you mean `gather`?"),
    ],
)  # fmt: skip
async def test_attributes_of_what_is_known_well(checker: MakeChecker, code: str, meant: str) -> None:
    told = [each.message for each in await checker().problems(snap(code), "all")]
    assert len(told) == 1
    assert told[0].startswith(meant)


@needs_ruff
async def test_ruff_counts_as_we_do(tmp_path: Path, checker: MakeChecker) -> None:
    assert RUFF
    (tmp_path / "ruff.toml").write_text('[lint]\nselect = ["F"]\n')
    for start in ("", "\ufeff", "# é\U0001d54f\r\n"):
        snapshot = snap(start + "import os, sys; π = '\U0001d54f'; print(sys, missing)\r\n", tmp_path / "a.py")
        problems = await checker(Ruff(RUFF, tmp_path)).problems(snapshot, "all")
        assert [snapshot.text[each.start : each.end] for each in problems] == ["os", "missing"]
        fix = problems[0].fix
        assert fix is not None
        assert apply_edits(snapshot.text, fix.edits) == snapshot.text.replace("import os, sys", "import sys")
        assert await Ruff(RUFF, tmp_path).fixed(snapshot) == snapshot.text.replace("import os, sys", "import sys")


async def test_a_ruff_that_misbehaves_is_done_without(tmp_path: Path, checker: MakeChecker) -> None:
    bad = tmp_path / "ruff"
    bad.write_text(f'#!{sys.executable}\nprint(\'[{{"code": "F1", "location": 3}}, 7, null]\')\n')
    bad.chmod(0o755)
    for program in (str(bad), str(tmp_path / "nothing")):
        assert await checker(Ruff(program, tmp_path)).problems(snap("x = 1\n"), "all") == []
    for output in ("", "nonsense", "{}", "[" * 5000, '[{"code": "F401"}]'):
        assert problems_of(output, snap("x = 1\n")) == []


def test_a_project_does_not_say_which_ruff_runs(tmp_path: Path) -> None:
    asked: list[tuple[str, Path]] = []

    def search(name: str, root: Path) -> str | None:
        asked.append((name, root))
        return None

    assert find_ruff("none", "", tmp_path, search) is None
    assert find_ruff(str(tmp_path / "absent"), "", tmp_path, search) is None
    beside = tmp_path / ("ruff.exe" if sys.platform == "win32" else "ruff")
    beside.touch()
    assert find_ruff("auto", str(tmp_path / "python"), None, search) == str(beside)
    assert asked == []


async def test_the_same_text_is_not_checked_twice(checker: MakeChecker) -> None:
    subject = checker()
    snapshot = snap("x = (\n")
    first = await subject.problems(snapshot, "syntax")
    assert await subject.problems(replace(snapshot, version=9), "syntax") is first
    assert subject.known(snapshot) is first
    subject.forget(snapshot.uri)
    assert subject.known(snapshot) is None


async def test_what_was_just_typed_is_looked_at_first(inspector: Inspector, jedi: JediBridge) -> None:
    """However little time there is; what was found elsewhere before stays found."""
    hurried = Checker(inspector, ruff=lambda: None, jedi=lambda: jedi, patience=0)
    before = "import os\n\nos.getcdw()\n" + "os.getcwd()\n" * 400
    known = await hurried.problems(snap(before), "all")
    assert [each.start for each in known] == [before.index("getcdw")]
    after = f"{before}os.getpdi()\n"
    found = await hurried.problems(snap(after, version=2), "all")
    assert [each.start for each in found] == [after.index("getcdw"), after.index("getpdi")]
    mended = after.replace("getcdw", "getcwd")
    found = await hurried.problems(snap(mended, version=3), "all")
    assert [each.start for each in found] == [mended.index("getpdi")]
