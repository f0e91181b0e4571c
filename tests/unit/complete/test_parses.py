"""What is left of a suggestion so that the document parses: golden cases, and what must hold for any text."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.complete.hole import Hole
from zicoder.complete.parses import valid_part
from zicoder.index.chunking.errors_in import errors_in
from zicoder.text import LINE_END

GOLDEN = Path(__file__).parents[2] / "golden" / "parses"
CURSOR = "‸"


def hole_at(document: str, language: str = "python") -> Hole:
    prefix, suffix = document.split(CURSOR)
    return Hole(prefix=prefix, suffix=suffix, language=language)


def cases() -> list[tuple[str, Hole, str, str]]:
    found: list[tuple[str, Hole, str, str]] = []
    for path in sorted(GOLDEN.glob("*.toml")):
        family = tomllib.loads(path.read_text(encoding="utf-8"))
        for case in family["case"]:
            language = case.get("language", family["language"])
            hole = hole_at(case["document"], language)
            found.append((f"{language}: {case['name']}", hole, case["raw"], case.get("expect", case["raw"])))
    return found


CASES = cases()


@pytest.mark.parametrize(("hole", "raw", "expect"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_golden(hole: Hole, raw: str, expect: str) -> None:
    assert valid_part(hole, raw) == expect, f"\n{hole.prefix}{CURSOR}{hole.suffix}"


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 30
    assert len({hole.language for _, hole, _, _ in CASES}) >= 8
    assert len({name for name, *_ in CASES}) == len(CASES)


@pytest.mark.parametrize(("hole", "raw", "expect"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_left_is_valid_itself(hole: Hole, raw: str, expect: str) -> None:
    assert valid_part(hole, expect) == expect


def test_the_grammars_are_not_loaded_before_they_are_needed() -> None:
    """The language server imports this module before it answers `initialize`."""
    code = (
        "import sys, zicoder.complete.parses; sys.exit('tree_sitter' in sys.modules or 'zicoder.index' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_grammars_everything_passes() -> None:
    code = """if True:
        import sys
        sys.modules["tree_sitter"] = None
        from zicoder.complete.hole import Hole
        from zicoder.complete.review import review
        hole = Hole(prefix="function area() {\\n  return ", suffix="\\n}\\n", language="typescript")
        print(review("width * (height", hole).text)
    """
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "width * (height\n"


METHOD = "    def method{}(self, value):\n        return [self.call(value, {}), value]\n\n"


@pytest.mark.parametrize("size", [3, 4_000])
def test_a_class_of_any_length(size: int) -> None:
    above = "class Long:\n" + "".join(METHOD.format(n, n) for n in range(size))
    hole = Hole(prefix=above + "    def last(self):\n        return ", suffix="\n\n" + METHOD * size, language="python")
    assert valid_part(hole, "self.call(1)") == "self.call(1)"
    assert valid_part(hole, "self.call(1") == "self.call"


@pytest.mark.parametrize("size", [3, 4_000])
def test_a_java_class_of_any_length(size: int) -> None:
    methods = "".join(
        f"    int method{n}(int value) {{\n        return call(value, {n});\n    }}\n\n" for n in range(size)
    )
    prefix = f"package a;\n\nclass Long {{\n{methods}    void last() {{\n        "
    hole = Hole(prefix=prefix, suffix=f"\n    }}\n\n{methods}}}\n", language="java")
    assert valid_part(hole, "call(1);\n        call(2);") == "call(1);\n        call(2);"
    assert valid_part(hole, "call(1);\n        call(2") == "call(1);"


@pytest.mark.parametrize("language", ["python", "javascript", "yaml", "json", "html", "rust"])
def test_what_would_take_long_is_left_alone(language: str) -> None:
    """One line of a megabyte, and brackets without end: some grammars crash on them."""
    for hostile in (
        "x = [1, 2]; " * 90_000,
        "[" * 20_000,
        "(" * 5_000 + "\n" + "{" * 5_000,
        "a:\n" + " \t" * 400 + "- ",
    ):
        hole = Hole(prefix=hostile, suffix="\n" + hostile, language=language)
        assert "call(1)".startswith(valid_part(hole, "call(1)"))


def test_deep_yaml_is_not_given_to_its_grammar() -> None:
    deep = "".join(f"{' ' * depth}a{depth}:\n" for depth in range(300))
    assert errors_in(deep, "yaml") is None


WORDS = [
    "x", "foo", "return", "if", "else:", "def f():", "class A {", "=>", "{", "}", "(", ")", "[", "]", '"', "'", '"""',
    "`", "#", "//", "/*", "*/", ",", ";", ":", ".", " ", "    ", "\t", "\n", "\n", "\n    ", "\r\n", "\r", "@", "\\",
    "<ul>", "</ul>", "- a", "end", "try:", "é", "🙂", "\u2028", "\f", "0", "\x00", "\ud800", "=", "+", "lambda",
]  # fmt: skip
LANGUAGES = ["python", "typescript", "java", "csharp", "go", "rust", "html", "yaml", "ruby", "php", "c", "unheard-of"]
texts = st.lists(st.sampled_from(WORDS), max_size=20).map("".join)
holes = st.builds(Hole, prefix=texts, suffix=texts, language=st.sampled_from(LANGUAGES))


@settings(max_examples=40)
@given(holes, texts)
def test_it_never_raises_and_only_takes_away(hole: Hole, text: str) -> None:
    left = valid_part(hole, text)
    assert text.startswith(left)
    assert valid_part(hole, left) == left


@settings(max_examples=30)
@given(texts)
def test_sound_python_stays_sound(text: str) -> None:
    hole = hole_at("def f(a):\n    b = a\n    ‸\n    return b\n")
    left = valid_part(hole, text.replace("\x00", "").replace("\ud800", ""))
    if sum(bool(line.strip()) for line in LINE_END.split(left)) > 1:
        ast.parse(hole.prefix + left + hole.suffix)
