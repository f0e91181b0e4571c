"""The mistakes of `zi bench repair` are small, parse, and are told in honest figures."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import pytest
from tests.bench._repair_figures import difference, mcnemar, summary
from tests.bench._repair_mutants import KINDS, functions, mutations
from tests.bench.corpora import sources

SOURCE = '''
def least(values, default=None):
    """The least; é."""
    best = default
    for number, value in enumerate(values):
        if best is None or (value < best and not value == 0):
            best = value - number
        elif value:
            best = min(best, value)
    return best + 1
'''


def test_no_package_is_both_tuned_on_and_reported() -> None:
    tune, report = ({entry.name for entry in sources(role)} for role in ("repair-tune", "repair-report"))
    assert tune
    assert report
    assert not tune & report


def test_every_mistake_is_of_a_known_kind_and_is_python_that_differs() -> None:
    (function,) = functions(SOURCE)
    found = mutations(SOURCE, function.node)
    assert {mutation.kind for mutation in found} <= set(KINDS)
    assert len({mutation.kind for mutation in found}) >= 9
    for mutation in found:
        bad = mutation.apply(SOURCE)
        assert ast.dump(ast.parse(bad)) != ast.dump(ast.parse(SOURCE))
        assert '"""The least; é."""' in bad


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("comparison", "value <= best"),
        ("and/or", "value < best or not"),
        ("missing not", "and value == 0"),
        ("off by one", "return best\n"),
        ("swapped operands", "number - value"),
        ("swapped arguments", "min(value, best)"),
        ("missing return", "\n    best + 1"),
        ("operator", "value + number"),
    ],
)
def test_a_mistake_of_each_kind_is_where_one_would_make_it(kind: str, text: str) -> None:
    (function,) = functions(SOURCE)
    made = [mutation.apply(SOURCE) for mutation in mutations(SOURCE, function.node) if mutation.kind == kind]
    assert any(text in bad for bad in made)


@dataclass
class Row:
    repaired: bool
    package: str = "p"
    kind: str = "operator"
    same: bool = False
    offered: bool = True
    maker: str = "an answer"
    input_tokens: int = 1
    output_tokens: int = 1


def test_pairs_are_compared() -> None:
    first, second = [False] * 8 + [True] * 2, [True] * 6 + [False] * 2 + [True, False]
    assert mcnemar(first, second) == pytest.approx(0.125)
    found = difference(first, second)
    assert found["points"] == 50.0
    assert found["low"] < 50.0 < found["high"]
    assert mcnemar([True], [True]) == 1.0


def test_a_summary_has_shares_by_package_and_kind() -> None:
    rows = {"a": {"plain": Row(False), "ours": Row(True)}, "b": {"plain": Row(True), "ours": Row(True)}}
    found = summary(rows)
    assert found["plain"]["repaired"] == 50.0
    assert found["ours"]["offered_but_wrong"] == 0.0
    assert found["by_package"] == {"p": "plain 1/2 ours 2/2"}
    assert summary({}) == {}
