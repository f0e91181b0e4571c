"""Outlines: what is in them, where it is, and that broken code has one too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from parso.grammar import load_grammar

from zicoder.assist.jedi_text import JediText
from zicoder.assist.outline import outline
from zicoder.assist.types import Symbol
from zicoder.text import Snapshot


def symbols(code: str) -> tuple[Symbol, ...]:
    text = JediText(Snapshot("untitled:x", code))
    return outline(load_grammar().parse(text.code), text)


def drawn(found: tuple[Symbol, ...], depth: int = 0) -> Iterator[str]:
    for symbol in found:
        yield "  " * depth + f"{symbol.kind} {symbol.name}"
        yield from drawn(symbol.children, depth + 1)


CODE = """\
import os
LIMIT: int = 3
name = other.attribute = LIMIT
name = 2

@decorated(1)
class Box(Base):
    size = 1

    def __init__(self):
        self.x = 1
        local = 2

    @property
    def area(self): return 1

    @area.setter
    def area(self, value): pass

    @functools.lru_cache(maxsize=None)
    async def fetch(self):
        def inner(): pass
        return lambda: 0

if os.name == "nt":
    def win(): pass
else:
    for loop in range(3):
        a, b = 1, 2

def broken(:
    pass

def after(): pass
"""


def test_the_outline_follows_the_code() -> None:
    assert list(drawn(symbols(CODE))) == [
        "constant LIMIT",
        "variable name",
        "class Box",
        "  variable size",
        "  constructor __init__",
        "  property area",
        "  property area",
        "  method fetch",
        "    function inner",
        "function win",
        "variable a",
        "variable b",
        "function after",
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_ranges_hold_the_definition_and_the_name(newline: str, bom: str) -> None:
    code = bom + '@decorated\nclass 😀Box:\n    """\u2028"""\n    size = "😀"\n\n\ndef f(): pass'.replace("\n", newline)
    code = code.replace("😀Box", "Box")
    box, f = symbols(code)
    assert code[box.start : box.end] == code[len(bom) : code.index(newline * 3)]
    assert code[box.name_start : box.name_end] == "Box"
    (size,) = box.children
    assert code[size.start : size.end] == 'size = "😀"'
    assert code[f.start : f.end] == "def f(): pass"
    assert code[f.name_start : f.name_end] == "f"


@pytest.mark.parametrize("code", ["", "\ufeff", "\n", "class", "def f(", "((((", "\x00", "x = '''", "\t\t\f\n  @a\n"])
def test_any_text_has_an_outline(code: str) -> None:
    for symbol in symbols(code):
        assert 0 <= symbol.start <= symbol.name_start <= symbol.name_end <= symbol.end <= len(code)
