"""Arguments that do not fit what is called: what is marked, and all that is passed over."""

from __future__ import annotations

import pytest
from tests.marked import snap

from zicoder.assist.checks.checker import Checker
from zicoder.assist.checks.inspector import Inspector
from zicoder.assist.jedi_bridge import JediBridge

HEAD = """
def paint(colour, width=1, *, dashed=False):
    return colour, width, dashed


class Pen:
    def __init__(self, colour):
        self.colour = colour

    def draw(self, line, twice=False):
        return self, line, twice

    @classmethod
    def red(cls, name):
        return cls(name)

    @staticmethod
    def size(of):
        return of


class Brush(Pen):
    pass

"""


async def marked(inspector: Inspector, jedi: JediBridge, code: str) -> list[str]:
    checker = Checker(inspector, ruff=lambda: None, jedi=lambda: jedi, patience=60)
    snapshot = snap(HEAD + code)
    found = [each for each in await checker.by_jedi_in(snapshot, 0) if each.code.startswith("call")]
    return [f"{snapshot.text[each.start : each.end]}: {each.message}" for each in found]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("paint(color='red')", "color: `paint` has no parameter `color`. Did you mean `colour`?"),
        ("paint('red', 2, True)", "True: `paint` takes 2 positional arguments, but 3 are given."),
        ("paint()", "paint: `paint` is called without `colour`."),
        ("Pen()", "Pen: `Pen` is called without `colour`."),
        ("Brush('a', 'b')", "'b': `Brush` takes 1 positional argument, but 2 are given."),
        ("pen = Pen('a')\npen.draw()", "draw: `draw` is called without `line`."),
        ("pen = Pen('a')\npen.draw(1, twcie=True)",
         "twcie: `draw` has no parameter `twcie`. Did you mean `twice`?"),
        ("Pen.red()", "red: `red` is called without `name`."),
        ("Pen.size(1, 2)", "2: `size` takes 1 positional argument, but 2 are given."),
    ],
)  # fmt: skip
async def test_what_does_not_fit(inspector: Inspector, jedi: JediBridge, code: str, message: str) -> None:
    assert await marked(inspector, jedi, code) == [message]


@pytest.mark.parametrize(
    "code",
    [
        "paint('red', dashed=True)\nPen('a').draw(1)\nPen.draw(Pen('a'), 1)\nPen.red('x')\nBrush('a')",
        "paint(*[1, 2, 3, 4])\npaint(**{'color': 1})",
        "def any(*a, **k): ...\nany(1, 2, x=3)",
        "import functools\n@functools.lru_cache\ndef f(a): ...\nf()",
        "def f(a): ...\ndef f(a, b): ...\nf(1)",
        "def f(a): ...\nf = print\nf(1, 2)",
        "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int\nD(1)",
        "class M(type): ...\nclass X(metaclass=M):\n    def __init__(self, a): ...\nX()",
        "class N:\n    def __new__(cls, *a): return 1\n    def __init__(self): ...\nN(1)",
        "from nowhere import Base\nclass X(Base):\n    pass\nX(1, 2)",
        "try:\n    paint()\nexcept TypeError:\n    pass",
        "import pytest\nwith pytest.raises(TypeError):\n    paint()",
        "def call(paint):\n    paint()",
    ],
)
async def test_what_is_not_sure_is_passed_over(inspector: Inspector, jedi: JediBridge, code: str) -> None:
    assert await marked(inspector, jedi, code) == []
