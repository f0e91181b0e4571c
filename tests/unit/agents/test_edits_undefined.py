"""Names that nothing defines are found, and none that something may define."""

from __future__ import annotations

import pytest

from zicoder.agents.edits.undefined import undefined_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(a):\n    return a + b\n", {"b"}),
        ("import os\nx = os.sep + y\n", {"y"}),
        ("def f():\n    return g()\n\n\ndef g():\n    return len([n for n in range(3)])\n", set[str]()),
        ("def f():\n    global made\n    made = 1\n\n\ndef g():\n    return made\n", set[str]()),
        ("class A:\n    x = 1\n\n    def f(self):\n        return __class__, x\n", {"x"}),
        ("def f(xs):\n    return [y for x in xs]\n", {"y"}),
        ("try:\n    pass\nexcept OSError as e:\n    print(e, __name__, __file__)\n", set[str]()),
    ],
)
def test_names(text: str, names: set[str]) -> None:
    assert undefined_names(text) == names


@pytest.mark.parametrize("text", ["def f(:\n", "from os import *\nprint(sep)\n", "x = (" * 5000, "\0"])
def test_nobody_can_say(text: str) -> None:
    assert undefined_names(text) is None
