"""Which names of a Python text nothing defines, and which imports nothing uses."""

from __future__ import annotations

import pytest

from zicoder.assist.checks.python_names import names_in


def undefined(code: str) -> list[str]:
    found = names_in(code)["undefined"]
    assert all(code[start:end] == name for start, end, name in found)
    return [name for _, _, name in found]


def unused(code: str) -> list[str]:
    return [name for _, _, name in names_in(code)["unused"]]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("print(x)", ["x"]),
        ("def f(a):\n    return a + b\n", ["b"]),
        ("def f():\n    return later\nlater = 1\n", []),
        ("def f(x=default): pass", ["default"]),
        ("[a for a in range(3) if a > limit]", ["limit"]),
        ("class A:\n    x = 1\n    def f(self):\n        return x\n", ["x"]),
        ("def f():\n    global made\n    made = 1\nprint(made)\n", []),
        ("try:\n    text = unicode\nexcept NameError:\n    text = str\n", []),
        ("from os import *\nprint(anything)\n", []),
        ("globals()['made'] = 1\nprint(made)\n", []),
        ("def top(self, which):\n    return self, which\n", []),
        ("x = lambda a, b=c: a + b + d\n", ["c", "d"]),
        ("π = 'é'; print(π, missing)\n", ["missing"]),
        ("\ufeffprint(missing)", ["missing"]),
        ("def f(:\n", []),
        ("class A(Base):\n    @decorated\n    def f(self) -> Result: ...\n", ["Base", "decorated", "Result"]),
        ("match x:\n    case {'a': found}:\n        print(found)\n", ["x"]),
        ("with open('a') as f, other() as (g, h):\n    print(f, g, h)\n", ["other"]),
        ("def f():\n    def g():\n        nonlocal n\n        n += 1\n    n = 0\n    return g\n", []),
    ],
)
def test_undefined_names(code: str, names: list[str]) -> None:
    assert sorted(undefined(code)) == sorted(names)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import os, sys\nprint(sys)\n", ["os"]),
        ("import os.path\nprint(os)\n", []),
        ("import numpy as np\n", ["np"]),
        ("from a import b as b\n", []),
        ("from __future__ import annotations\n", []),
        ("from a import b\n__all__ = ['b']\n", []),
        ("from a import b\n# type: b\n", []),
    ],
)
def test_unused_imports(code: str, names: list[str]) -> None:
    assert unused(code) == names
