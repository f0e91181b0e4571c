"""Functions and classes of texts in the languages of the index."""

from __future__ import annotations

import pytest

from zicoder.assist.checks.inspector import Inspector
from zicoder.assist.definitions import Definitions, definitions_in, enclosing

SAMPLES = {
    "python": "@cached\ndef add(a):\n    return a\n\n\nclass Cart:\n    def total(self):\n        pass\n",
    "typescript": "const add = (a: number) => a;\nclass Cart {\n  total() {}\n}\ninterface Priced { p: number }\n",
    "go": "package a\n\n// Add adds.\nfunc Add() int {\n\treturn 1\n}\n\ntype Cart int\nfunc (c Cart) Total() {}\n",
    "rust": "fn add() {}\nstruct Cart;\nimpl Cart {\n    fn total(&self) {}\n}\n",
    "java": "class Cart {\n  int add() { return 1; }\n  void total() {}\n}\n",
    "ruby": "class Cart\n  def total\n  end\nend\ndef add\nend\n",
}


@pytest.mark.parametrize("language", SAMPLES)
def test_every_language_has_its_definitions(language: str) -> None:
    found = definitions_in(SAMPLES[language], language)
    assert found is not None
    names = {row[0].lower() for row in found}
    assert {"add", "cart", "total"} <= names
    lines = SAMPLES[language].split("\n")
    assert all(row[0] in lines[row[4]] for row in found)


@pytest.mark.parametrize(
    ("text", "language"), [("x" * 1_000_000, "typescript"), ("(" * 100_000, "python"), ("\0\ufeff{", "go"), ("", "c")]
)
async def test_hostile_text_gives_nothing_and_costs_nothing_else(
    inspector: Inspector, text: str, language: str
) -> None:
    definitions = Definitions(inspector)
    assert not await definitions.of(text, language)
    assert await definitions.of("def f(): pass", "python")


async def test_a_language_without_grammar_is_not_read(inspector: Inspector) -> None:
    assert await Definitions(inspector).of("f :: Int\nf = 1\n", "haskell") is None


async def test_the_innermost_around_a_line(inspector: Inspector) -> None:
    found = await Definitions(inspector).of(SAMPLES["python"], "python")
    assert found is not None
    assert [each and each.qualified for each in (enclosing(found, line) for line in (0, 2, 4, 5, 7))] == [
        "add", "add", None, "Cart", "Cart.total",
    ]  # fmt: skip
