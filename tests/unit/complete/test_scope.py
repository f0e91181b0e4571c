"""Where a suggestion may span lines, and where a stream is stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.complete.hole import Hole, indent_width
from zicoder.complete.scope import EndOfScope, begins_block, is_indented

CURSOR = "‸"


def hole_at(document: str, language: str = "python", *, multiline: bool = True) -> Hole:
    prefix, suffix = document.split(CURSOR)
    return Hole(prefix=prefix, suffix=suffix, language=language, multiline=multiline)


@pytest.mark.parametrize(
    ("language", "document"),
    [
        ("python", "def f(x):‸"),
        ("python", "def f(x):\n    ‸"),
        ("python", "def f(x):\n‸\n"),
        ("python", "def f(\n    x,\n):\n    ‸\n"),
        ("python", "if x:\n    y = 1\nelse:‸\n"),
        ("python", "# distance between two points\n‸\n"),
        ("python", 'def f(x):\n    """Double x."""\n    ‸\n'),
        ("python", "@app.get('/')\n‸\n"),
        ("python", "items = [‸"),
        ("python", "def f(x):\n    y = 1\n    ‸\n\ndef g():\n"),
        ("python", "def f(x):\n    y = 1\n    ‸\n    return y\n"),
        ("typescript", "const add = (a, b) => {‸"),
        ("typescript", "const add = (a, b) => {‸};"),
        ("typescript", "call({‸})"),
        ("typescript", "function f() {\n  ‸\n}\n"),
        ("typescript", "/** Adds. */\n‸\n"),
        ("java", "class A {\n\n    @Override\n    ‸\n}\n"),
        ("csharp", "int F()\n{\n    ‸\n}\n"),
        ("go", "func f() {\r\n\t‸\r\n}\r\n"),
        ("rust", "#[derive(Debug)]\n‸\n"),
        ("ruby", "items.each do |item|‸"),
        ("ruby", "def total‸"),
        ("lua", "if x then‸"),
        ("lua", "local function add(a, b)‸"),
        ("shellscript", "for f in *; do‸"),
        ("yaml", "steps:‸\n"),
        ("yaml", "run: |‸\n"),
        ("html", "<ul>‸\n</ul>"),
        ("html", "<ul>\n  ‸\n</ul>"),
    ],
)
def test_a_block_begins(language: str, document: str) -> None:
    assert begins_block(hole_at(document, language))


@pytest.mark.parametrize(
    ("language", "document"),
    [
        ("python", "def f():\n    ‸\n"),
        ("python", "if x:\n    if y:\n        ‸\n    z()\n"),
        ("python", "def f():\n    x = 1\n    ‸\n"),
        ("python", "def f():\n    for x in y:\n        x()\n    ‸\n"),
        ("python", "x = {\n    ‸\n}\n"),
        ("typescript", "function f() {\n\t‸\n}\n"),
        ("java", "class A {\n  ‸\n  void f() {}\n}\n"),
        ("yaml", "jobs:\n  ‸\n"),
    ],
)
def test_the_next_line_of_code_belongs_where_the_cursor_is(language: str, document: str) -> None:
    assert is_indented(hole_at(document, language))


@pytest.mark.parametrize(
    ("language", "document"),
    [
        ("python", "‸\n"),
        ("python", "def f():\n‸\n"),
        ("python", "def f():\n    x = ‸\n"),
        ("python", "if x:\n    if y:\n    ‸\n"),
        ("python", "def f():\n  ‸\n    return 1\n"),
        ("python", "def f(\n    ‸\n):\n    pass\n"),
        ("python", "def f(self,\n          a):\n    ‸\n"),
        ("python", "x = foo(a,\n    ‸)\n"),
        ("python", "def f():\n    # a note\n    ‸\n"),
        ("python", 'def f():\n    """Text:\n    more {\n        ‸\n    """\n'),
        ("typescript", "{\n  list\n  ‸\n}\n"),
    ],
)
def test_a_line_of_code_may_belong_elsewhere(language: str, document: str) -> None:
    assert not is_indented(hole_at(document, language))


@pytest.mark.parametrize(
    ("language", "document"),
    [
        ("python", "‸"),
        ("python", "x = ‸\n"),
        ("python", "x = ‸ + 1\n"),
        ("python", "foo(‸)\n"),
        ("python", "def f(‸):\n    pass\n"),
        ("python", "x: int = 1\n‸\n"),
        ("python", "ages: ‸\n"),
        ("python", "lambda x:‸\n"),
        ("python", "print('if x:‸\n"),
        ("python", "# for every row:‸\n"),
        ("python", "def f(x):  # doubles:‸\n"),
        ("python", '"""Notes\n\nSome more:\n\n    ‸\n"""\n'),
        ("java", "/*\nSome text {\n    ‸\n*/\n"),
        ("python", '"""\ndef f():\n    ‸\n"""\n'),
        ("python", "def f():‸ pass\n"),
        ("python", "ages = {\n    'a': 1,\n    ‸\n    'b': 2,\n}\n"),
        ("typescript", "return ‸;\n"),
        ("typescript", "const s = '{‸'\n"),
        ("typescript", "// if (x) {‸\n"),
        ("typescript", "import { ‸ } from 'x';\n"),
        ("java", "int x = 1;\n‸\n"),
        ("yaml", "name: ‸\n"),
        ("html", "<br>‸\n"),
        ("html", "<p>‸</p>\n"),
        ("plaintext", "Dear all,\n‸\n"),
    ],
)
def test_no_block_begins(language: str, document: str) -> None:
    assert not begins_block(hole_at(document, language))


def end_of(hole: Hole, text: str, max_lines: int = 24) -> tuple[str, bool]:
    scope = EndOfScope(hole, max_lines)
    done = scope.feed(text)
    assert done == scope.done
    return scope.text, done


def fed_by_characters(hole: Hole, text: str, max_lines: int = 24) -> tuple[str, bool, int]:
    """Text and verdict after feeding one character at a time, and how many were taken."""
    scope = EndOfScope(hole, max_lines)
    for count, char in enumerate(text, 1):
        if scope.feed(char):
            return scope.text, True, count
    return scope.text, scope.done, len(text)


def test_a_single_line_ends_at_its_line_break() -> None:
    hole = hole_at("x = ‸\n", multiline=False)
    assert end_of(hole, "call(1)\n    1)\n") == ("call(1)", True)
    assert end_of(hole, "call(1)") == ("call(1)", False)


@pytest.mark.parametrize(
    ("document", "text", "kept"),
    [
        ("x = ‸\n", "call(\n    1,\n)\ny = 2\n", "call(\n    1,\n)"),
        ("x = ‸ + 1\n", "call(\n    1,\n)\n", "call("),
        ("x = ‸\n", "call(\n\n    1,\n)\n", "call("),
        ("x = ‸\n    1,\n", "call(\n    1,\n)\n", "call("),
        ("x = ‸\n", "call(\n" + "    1,\n" * 9, "call("),
        ("x = '‸\n", "call(\n    1,\n)\n", "call("),
    ],
)
def test_a_statement_is_finished_where_its_brackets_close(document: str, text: str, kept: str) -> None:
    assert end_of(hole_at(document, multiline=False), text) == (kept, True)


def test_one_line_means_one_line() -> None:
    hole = replace(hole_at("x = ‸\n", multiline=False), one_line=True)
    assert end_of(hole, "call(\n    1,\n)\n") == ("call(", True)


def test_a_block_in_braces_is_not_finished() -> None:
    hole = hole_at("x = ‸\n", "typescript", multiline=False)
    assert end_of(hole, "() => {\n  go()\n}\n") == ("() => {", True)
    assert end_of(hole, "call({\n  a: 1,\n})\n") == ("call({\n  a: 1,\n})", True)


def test_a_statement_goes_on_to_the_close_of_its_brackets() -> None:
    hole = hole_at("x = ‸\n")
    assert end_of(hole, "call(\n    1,\n)\ny = 2\n") == ("call(\n    1,\n)", True)
    assert end_of(hole, "call(1)\ny = 2\n") == ("call(1)", True)


def test_a_stream_is_stopped_a_few_characters_into_the_line_that_leaves_the_block() -> None:
    hole = hole_at("class A:\n    def f(self):\n        ‸\n")
    text = "return 1\n\n    def another_method(self):\n        return 2\n"
    shown, done, taken = fed_by_characters(hole, text)
    assert (shown, done) == ("return 1", True)
    assert taken <= text.index("other")


def test_a_stream_is_stopped_with_the_closing_brace() -> None:
    hole = hole_at("function f() {‸", "typescript")
    text = "\n  return 1;\n}\nfunction g() {\n"
    shown, done, taken = fed_by_characters(hole, text)
    assert (shown, done) == ("\n  return 1;\n}", True)
    assert taken == len(shown) + 1


@pytest.mark.parametrize("pad", ["    ", "\t"])
def test_tabs_and_spaces_measure_the_same(pad: str) -> None:
    hole = hole_at("func f() {\n\t‸\n}\n", "go")
    assert end_of(hole, f"if x {{\n{pad}{pad}y()\n{pad}}}\n}}\n") == (f"if x {{\n{pad}{pad}y()\n{pad}}}", True)


def test_the_line_below_ends_the_stream() -> None:
    hole = hole_at("def f():\n    ‸\n    return  total\n")
    assert end_of(hole, "total = 1\n    return total\n    x\n") == ("total = 1", True)


def test_a_line_below_at_another_depth_does_not() -> None:
    hole = hole_at("def f(x):\n    if x:\n        ‸\n    return None\n")
    assert end_of(hole, "return None\n") == ("return None\n", False)


def test_two_blank_lines_end_the_stream_and_one_does_not() -> None:
    hole = hole_at("def f():\n    ‸\n")
    assert end_of(hole, "x = 1\n\n    y = 2\n\n\n    z = 3\n") == ("x = 1\n\n    y = 2", True)


def test_one_blank_line_is_enough_between_the_lines_of_a_paragraph() -> None:
    hole = hole_at("def f():\n    x = 1\n    ‸\n    return x\n")
    assert end_of(hole, "y = 2\n\n    z = 3\n") == ("y = 2", True)


def test_lines_are_limited() -> None:
    hole = hole_at("def f():\n    ‸\n")
    assert end_of(hole, "a()\n    b()\n    c()\n    d()\n", max_lines=3) == ("a()\n    b()\n    c()", True)


def test_a_long_string_is_not_measured_by_its_indentation() -> None:
    hole = hole_at("def f():\n    ‸\n")
    text = 'x = """\nno indentation\n"""\n    return x\n'
    assert end_of(hole, text) == (text, False)
    assert end_of(hole, text + "print(y)") == (text.rstrip("\n"), True)


@pytest.mark.parametrize(
    "end", ["<|fim_middle|>", "<|endoftext|>", "<|im_end|>", "<\uff5cfim▁hole\uff5c>", " <EOT>", "</s>"]
)
def test_a_leaked_token_ends_the_stream(end: str) -> None:
    assert end_of(hole_at("x = ‸\n", multiline=False), f"42{end}") == ("42", True)


def test_a_fence_ends_the_stream() -> None:
    assert end_of(hole_at("def f():\n    ‸\n"), "return 1\n```\n\nThis function") == ("return 1", True)


def test_feeding_after_the_end_changes_nothing() -> None:
    scope = EndOfScope(hole_at("x = ‸\n", multiline=False))
    assert scope.feed("1\n")
    assert scope.feed("more")
    assert scope.text == "1"


WORDS = [
    "x", "foo()", "return", "fi",
    "default:", "case 1:", "def f():", "class A:", "{", "}", "(", ")", "[", "]", '"', "'", '"""',
    "`", "#", "//", "/*", "*/", ",", ":", "else {", " ", "  ", "    ", "\t", "\n", "\n", "\n\n", "\n    ", "\n        ",
    "\r\n", "\r", "```", "<ul>", "</ul>", "</section>", "- a", "end", "done", "<|fim_pad|>", "</s>", " <EOT>", "🙂",
]  # fmt: skip
LANGUAGES = ["python", "typescript", "csharp", "go", "rust", "html", "yaml", "ruby", "lua", "markdown", "plaintext"]

texts = st.lists(st.sampled_from(WORDS), max_size=30).map("".join)
holes = st.builds(Hole, prefix=texts, suffix=texts, language=st.sampled_from(LANGUAGES), multiline=st.booleans())


@settings(max_examples=400)
@given(holes, texts, st.integers(1, 8))
def test_the_end_does_not_depend_on_how_the_stream_is_cut(hole: Hole, text: str, max_lines: int) -> None:
    shown, done, _ = fed_by_characters(hole, text, max_lines)
    assert (shown, done) == end_of(hole, text, max_lines)
    assert text.startswith(shown)


@settings(max_examples=150)
@given(holes)
def test_begins_block_answers_for_any_document(hole: Hole) -> None:
    goes_on = any(character.isalnum() for character in hole.line_after)
    assert not (begins_block(hole) and goes_on)


def test_a_hole_knows_its_surroundings() -> None:
    hole = hole_at("a = 1\r\n\r\n\tb = ‸ + 2\r\n  \r\n\tc = 3\r\n")
    assert (hole.line_before, hole.line_after) == ("\tb = ", " + 2")
    assert (hole.indent, hole.newline) == ("\t", "\r\n")
    assert (hole.previous_line, hole.next_line) == ("a = 1", "\tc = 3")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_end_where_lsp_says(newline: str) -> None:
    text = f"one\u2028\f{newline}two{newline}{newline}‸{newline}{newline}three\x0b{newline}four"
    hole = hole_at(text)
    assert hole.lines_above(5, blank=True) == ["", "two", "one\u2028\f"]
    assert hole.lines_below(5, blank=True) == ["", "three\x0b", "four"]
    assert hole.newline == newline
    assert replace(hole, prefix="", suffix="").newline == "\n"


def test_a_tab_reaches_the_next_stop() -> None:
    assert indent_width("\tx") == indent_width("  \tx") == indent_width("    x") == 4
