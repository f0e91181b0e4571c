"""Names in a Python suggestion that nothing defines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.complete.hole import Hole
from zicoder.complete.names import bound_names, missing_names, unknown_names

DOCUMENT = "import json\n\nLIMIT = 3\n\n\ndef load(path, rows):\n    {}\n\n\ndef save(path):\n    return LIMIT\n"


def unknown(before: str, text: str, after: str = "", document: str = DOCUMENT) -> list[str]:
    """The unknown names of `text` between `before` and `after` in the body of `load`."""
    prefix, suffix = document.split("{}")
    return [
        name for _, name in unknown_names(Hole(prefix=prefix + before, suffix=after + suffix, language="python"), text)
    ]


@pytest.mark.parametrize(
    ("before", "text", "names"),
    [
        ("", "return parse_all(rows)", ["parse_all"]),
        ("", "return json.loads(pth)", ["pth"]),
        ("", "x = limit + LIMIT", ["limit"]),
        ("x = ", "first(second, third=fourth)", ["first", "second", "fourth"]),
        ("json.", "loads(nothing)", ["nothing"]),
        ("x = pa", "rse(rows)", ["parse"]),
        ("x = json.lo", "ads(rows)", []),
        ("for ", "row in riws:", ["riws"]),
        ("", "rows[index] = value", ["index", "value"]),
        ("", "count += 1", ["count"]),
        ("", "def inner(a: Kind, b=other): pass", ["Kind", "other"]),
        ("", "except_ = {key: value for key in rows}", ["value"]),
        ("", "@decorated\n    def inner(): ...", ["decorated"]),
        ("", "x: Mapping = 1", ["Mapping"]),
        ("x = [\n        rows,\n        ", "riws, path]", ["riws"]),
        ("if rows:\n        return ", "lambda row: row + raw", ["raw"]),
    ],
)
def test_unknown(before: str, text: str, names: list[str]) -> None:
    assert unknown(before, text) == names


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("", "return json.loads(path.read_text())[:LIMIT]"),
        ("", "return [row.name for row in rows if row]"),
        ("", "return {k: v for k, (v, w) in rows.items()}"),
        ("", "for at, (a, b) in enumerate(rows):\n        print(at, a, b)"),
        ("", "a, (b, *c) = rows\n    return a + b + c"),
        ("", "first = second = rows\n    return first, second"),
        ("", "if (found := rows.get(path)) is not None:\n        return found"),
        ("", "with open(path) as file, open(path) as (a, b):\n        return file, a, b"),
        ("", "try:\n        pass\n    except (OSError, ValueError) as error:\n        raise KeyError from error"),
        ("", "from os import path as p, sep\n    import a.b as c\n    return p, sep, c"),
        ("", "def inner(a, *args, b: int = 1, **kwargs):\n        return a, args, b, kwargs"),
        ("", "async def go(x): return await x"),
        ("", "class Row[T](dict, metaclass=type):\n        def __init__(self): super().__init__()"),
        ("", "return sorted(rows, key=lambda a, b=1: a + b)"),
        ("", "match rows:\n        case Point(x=px, y=[first, *rest]):\n            return px, first, rest"),
        ("", "global counter\n    counter = 1"),
        ("", "size: int = 1\n    return size"),
        ("", "# says nothing about anything"),
        ("", "print(f'{rows}', rb'bytes', 'don\\'t', \"\"\"long\nwords\"\"\")"),
        ("", "return 0x1F + 1e5 + 1_000 + 2j"),
        ("x = 'some ", "words here'"),
        ('"""Doc.\n\n    ', "Any words at all"),
        ("# any ", "words at all"),
        ("json.", "whatever.it.is"),
        ("call(\n        rows,\n        ", "named=1, other=2)"),
    ],
)
def test_known(before: str, text: str) -> None:
    assert unknown(before, text) == []


def test_a_keyword_argument_may_have_its_equals_sign_after_the_cursor() -> None:
    assert unknown("call(", "named", "=1)") == []
    assert unknown("call(", "named", ")") == ["named"]


def test_parameters_that_are_being_written() -> None:
    document = "def load({}):\n    pass\n"
    assert unknown("", "self, path: str, *, strict=False", document=document) == []
    assert unknown("self, ", "path: Strange = None", document=document) == ["Strange"]


def test_a_star_import_may_bring_any_name() -> None:
    assert unknown("", "anything()", document="from os.path import *\n\ndef f():\n    {}\n") == []


def test_where_each_name_stands() -> None:
    hole = Hole(prefix="x = co", suffix="\n", language="python")
    assert unknown_names(hole, "unt(first, first, second)") == [(0, "count"), (4, "first"), (18, "second")]


WORDS = [
    "x", "foo", "=", ":=", ":", ",", "(", ")", "[", "]", "lambda ", "for ", " in ", "def ", "class ", "as ", ".", "\n",
    "'", '"""', "#", "\\", " ", "import ", "from ", "case ", "*", "f'{", "é", "\x00", "\r\n", "0x",
]  # fmt: skip
texts = st.lists(st.sampled_from(WORDS), max_size=20).map("".join)


@settings(max_examples=60)
@given(texts, texts, texts)
def test_it_never_raises_and_names_are_in_the_text(prefix: str, text: str, suffix: str) -> None:
    for at, name in unknown_names(Hole(prefix=prefix, suffix=suffix, language="python"), text):
        assert text.startswith(name, at) or (at == 0 and (prefix + text).find(name) >= 0)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("    total += 1\n    return total\n", ["total"]),
        ("    for row in rows:\n        print(row, sep)\n", ["sep"]),
        ("    out = [cell for cell in rows]\n    return out\n", []),
        ("    with open(path) as file:\n        data = file.read()\n", []),
        ("    return first(path) or second.third(fourth=fifth)\n", ["first", "second", "fifth"]),
        ("    # about missing\n    x: Kind = 'missing'\n    print(x, len(x))\n", ["Kind"]),
        ("    print(a)\n    a = 1\n    print(b)\n    print(a)\n", ["a", "b"]),
        ("    from x import *\n    print(anything)\n", []),
    ],
)
def test_names_that_code_waits_for(code: str, names: list[str]) -> None:
    assert missing_names(code, "def load(path, rows):\n") == names


def test_names_that_statements_bind() -> None:
    code = "total = width\nfor row, cell in rows:\n    with open(row) as file:\n        import os, sys as system\n"
    assert {"total", "row", "cell", "file", "os", "system"} <= bound_names(code)
    assert bound_names(code).isdisjoint({"width", "rows", "print", "open"})
