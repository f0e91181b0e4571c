"""Repairs of syntax: only those that make the text sound are told, and only what is plain is called sure."""

from __future__ import annotations

import pytest

from zicoder.assist.checks.mending import mend


def best(text: str, language: str = "python") -> tuple[str, bool]:
    """The text after the first repair, and whether it is sure; the text as it is for none."""
    told = mend(text, language)
    if not told:
        return text, False
    start, end, new, _, sure = told[0]
    return text[:start] + new + text[end:], sure


@pytest.mark.parametrize(
    ("language", "broken", "mended"),
    [
        ("python", "x = foo(a, b\ny = 2\n", "x = foo(a, b)\ny = 2\n"),
        ("python", "def f(a:\n    return a\n", "def f(a):\n    return a\n"),
        ("python", "x = sum([1, 2]\ny = 2\n", "x = sum([1, 2])\ny = 2\n"),
        ("python", "x = [\n    1,\n    2,\n\ny = 2\n", "x = [\n    1,\n    2,\n]\ny = 2\n"),
        ("python", "x = f(1))\n", "x = f(1)\n"),
        ("python", "if x\n    y = 1\n", "if x:\n    y = 1\n"),
        ("python", "def f():\n    x = 1\n     y = 2\n    return x + y\n",
         "def f():\n    x = 1\n    y = 2\n    return x + y\n"),
        ("python", "def f():\n    if a:\n        x = 1\n      y = 2\n", None),
        ("python", "for x in y:\nprint(x)\n", "for x in y:\n    print(x)\n"),
        ("python", "def f(x):\n    retrun x\n", "def f(x):\n    return x\n"),
        ("python", "x = {'a': 1 'b': 2}\n", "x = {'a': 1, 'b': 2}\n"),
        ("python", 'class A:\n    def f(self):\n         """Say.\n\n        More.\n        """\n        return 1\n',
         'class A:\n    def f(self):\n        """Say.\n\n        More.\n        """\n        return 1\n'),
        ("typescript", "function f(a, b {\n  return a;\n}\n", "function f(a, b) {\n  return a;\n}\n"),
        ("typescript",
         "const a = c\n  ? [\n      1\n    ]\n  : [];\nfunction f() {\n  if (a) {\n    g();\n  \n  h();\n}\n",
         "const a = c\n  ? [\n      1\n    ]\n  : [];\nfunction f() {\n  if (a) {\n    g();\n  }\n  h();\n}\n"),
        ("typescript", "const x = { a: 1 b: 2 };\n", "const x = { a: 1, b: 2 };\n"),
        ("javascript", "foo(`${a}`, 1;\n", "foo(`${a}`, 1);\n"),
        ("javascript", "class A {\n  f() {\n    return 1;\n  }}\n  g() {\n    return 2;\n  }\n}\n",
         "class A {\n  f() {\n    return 1;\n  }\n  g() {\n    return 2;\n  }\n}\n"),
        ("typescript", "expotr function f() {}\n", "export function f() {}\n"),
    ],
)  # fmt: skip
def test_a_plain_mistake_is_mended(language: str, broken: str, mended: str | None) -> None:
    after, sure = best(broken, language)
    if mended is None:
        assert not sure
    else:
        assert (after, sure) == (mended, True)


def test_a_bracket_in_a_template_string_is_no_bracket_of_the_code() -> None:
    text = "const a = `${b}`;\nconst c = f(a b);\nconst d = `${c}`;\n"
    assert best(text, "typescript") == (text.replace("a b", "a, b"), True)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("x = 1\n", "python"),
        ("x = = = 1 +\n", "python"),
        ("{{{", "klingon"),
        ("(" * 5_000, "python"),
        ("(" * 5_000, "javascript"),
        ("x = (\n" * 30_000, "python"),
        ("a\x00(", "python"),
        ("", "typescript"),
    ],
)
def test_what_cannot_be_mended_gets_nothing_sure(text: str, language: str) -> None:
    assert not any(sure for *_, sure in mend(text, language))


@pytest.mark.parametrize(
    ("text", "language", "one", "other"),
    [
        ("if a:\n    x = 1\n  y = 2\n", "python", "if a:\n    x = 1\n    y = 2\n", "if a:\n    x = 1\ny = 2\n"),
        ("if len(a == 1:\n    pass\n", "python", "if len(a) == 1:\n    pass\n", "if len(a == 1):\n    pass\n"),
        ("x = f(g(a, b)\n", "python", "x = f(g(a), b)\n", "x = f(g(a, b))\n"),
        ("x = f(g(a, b)\n\ny = 2\n", "python", "x = f(g(a), b)\n\ny = 2\n", "x = f(g(a, b))\n\ny = 2\n"),
        ("x = a[b.c\n", "typescript", "x = a[b].c\n", "x = a[b.c]\n"),
        ("function f(a: T {\n}\n", "typescript", "function f(a): T {\n}\n", "function f(a: T) {\n}\n"),
        ("return (\n  a(b) ||\n  c(d ||\n  e\n);\n}\n", "typescript", "", ""),
    ],
)
def test_of_two_places_that_make_as_much_sense_none_is_sure(text: str, language: str, one: str, other: str) -> None:
    told = mend(text, language)
    assert not any(sure for *_, sure in told)
    assert {one, other} - {""} <= {text[:start] + new + text[end:] for start, end, new, _, _ in told}
