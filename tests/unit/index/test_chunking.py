"""What a chunk knows of its code, how code is merged and cut, and that no line of any text is lost."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.index.chunking import BUDGET, CHUNKERS, chunks_of
from zicoder.index.chunking.grammars import GRAMMARS, Grammar
from zicoder.index.types import Chunk, Kind

GOLDEN = Path(__file__).parents[2] / "golden" / "chunks"
SAMPLES = {p.stem: tomllib.loads(p.read_text(encoding="utf-8"))["source"] for p in GOLDEN.glob("*.toml")}
LANGUAGES = sorted([*GRAMMARS, "plaintext"])


def check(text: str, chunks: Sequence[Chunk]) -> None:
    lines = re.split(r"\r\n|\r|\n", text)
    assert [c.start for c in chunks] == sorted(c.start for c in chunks)
    for chunk in chunks:
        assert 0 <= chunk.start < chunk.end <= len(lines)
        whole = "\n".join(lines[chunk.start : chunk.end])
        cut = chunk.end - chunk.start == 1 and len(whole) > BUDGET.hard_characters
        assert chunk.text == (whole[: BUDGET.hard_characters] if cut else whole)
        assert len(chunk.text) <= BUDGET.hard_characters
        assert not set(chunk.defines) & set(chunk.uses)
    covered = {line for chunk in chunks for line in range(chunk.start, chunk.end)}
    assert [n for n, line in enumerate(lines) if line.strip() and n not in covered] == []


def only(chunks: Sequence[Chunk], qualified: str) -> Chunk:
    (found,) = [c for c in chunks if c.qualified == qualified]
    return found


@settings(max_examples=40)
@given(st.text(alphabet="ab(){}[]<>\"'`#/*:;=-@\\ \t\n\r\f\u2028\ud800é😀", max_size=300), st.sampled_from(LANGUAGES))
def test_no_line_of_any_text_is_lost(text: str, language: str) -> None:
    check(text, chunks_of(text, language))


@settings(max_examples=40)
@given(st.sampled_from(LANGUAGES), st.sampled_from(sorted(SAMPLES)), st.data())
def test_no_line_of_broken_code_is_lost(language: str, sample: str, data: st.DataObject) -> None:
    text = SAMPLES.get(language, SAMPLES[sample])
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(text)))
        size = data.draw(st.sampled_from([0, 1, 30, 300]))
        stranger = data.draw(st.sampled_from(["", "(", "}", '"', "\r", "\n\n", "\x00", "/*", "'''"]))
        text = text[:at] + stranger + text[at + size :]
    check(text, chunks_of(text, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_nesting_without_end_is_survived(language: str) -> None:
    for text in ("[" * 10_000, "(\n" * 1_000, "<a>" * 1_000, "{" * 1_500 + "}" * 1_500, "- " * 500):
        check(text, chunks_of(text, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n"])
def test_an_empty_file_has_no_chunks(text: str, language: str) -> None:
    assert chunks_of(text, language) == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_do_not_matter(end: str) -> None:
    assert chunks_of(SAMPLES["python"].replace("\n", end), "python") == chunks_of(SAMPLES["python"], "python")


def test_a_chunk_knows_its_name_signature_doc_and_identifiers() -> None:
    chunk = only(chunks_of(SAMPLES["python"], "python"), "parse_url")
    assert chunk.kind is Kind.FUNCTION
    assert chunk.text.startswith("@functools.lru_cache")
    assert chunk.signature == "def parse_url(url: str) -> tuple[str, int]"
    assert chunk.doc == "Split a URL into host and port."
    assert chunk.defines == ("parse_url",)
    assert {"functools", "lru_cache", "url", "partition", "host"} <= set(chunk.uses)
    assert not {"Split", "URL", "def", "return"} & set(chunk.uses)


def test_module_code_defines_its_constants_and_uses_its_imports() -> None:
    head = chunks_of(SAMPLES["python"], "python")[0]
    assert (head.kind, head.symbol, head.doc) == (Kind.MODULE, "", "Sessions and what they send.")
    assert head.defines[:3] == ("TIMEOUT", "RETRIES", "BACKOFF")
    assert {"functools", "overload"} <= set(head.uses)


def test_names_in_strings_are_not_used_but_those_in_interpolations_are() -> None:
    (chunk,) = chunks_of('x = f"plain {inner} {obj.attr!r}" + "other"  # note\n', "python")
    assert chunk.uses == ("inner", "obj", "attr")


def test_comments_and_a_jsdoc_with_a_blank_line_below_are_the_doc() -> None:
    text = "var a = 1\n\n/**\n * Starts it.\n */\n\nfunction start(port) {\n  listen(port)\n}\n"
    chunk = only(chunks_of(text, "javascript"), "start")
    assert (chunk.start, chunk.doc) == (2, "Starts it.")


def test_overloads_go_with_the_implementation() -> None:
    assert only(chunks_of(SAMPLES["typescript"], "typescript"), "find").text.count("function find") == 3
    assert only(chunks_of(SAMPLES["python"], "python"), "Session.get").text.count("def get") == 3


def test_a_small_class_is_one_chunk_that_defines_its_methods() -> None:
    (chunk,) = chunks_of(
        "class A:\n    x = 1\n\n    def f(self):\n        return 1\n\n    def g(self): ...\n", "python"
    )
    assert (chunk.kind, chunk.defines) == (Kind.CLASS, ("A", "x", "f", "g"))


def test_a_long_function_is_cut_between_statements_and_every_part_knows_it() -> None:
    body = "".join(
        f"    if check_{n}(value):\n        value = apply_{n}(value, 'a word or two')\n\n" for n in range(60)
    )
    chunks = chunks_of(f"def long(value):\n{body}    return value\n", "python")
    assert len(chunks) > 2
    assert {(c.symbol, c.kind, c.signature) for c in chunks} == {("long", Kind.FUNCTION, "def long(value)")}
    assert all(c.text.startswith(("def", "    if")) for c in chunks)
    assert all(len(c.text) <= BUDGET.characters * BUDGET.slack for c in chunks)
    assert ["long" in c.defines for c in chunks] == [True] + [False] * (len(chunks) - 1)


def test_functions_inside_a_long_function_stand_alone() -> None:
    inner = "".join(f"  function part{n}(a) {{\n{'    use(a)' * 40}\n  }}\n\n" for n in range(8))
    chunks = chunks_of(f"function outer() {{\n{inner}  return part1\n}}\n", "javascript")
    assert {f"outer.part{n}" for n in range(8)} < {c.qualified for c in chunks}


def test_small_neighbours_share_a_chunk_and_larger_ones_do_not() -> None:
    small = "".join(f"def f{n}(): return {n}\n\n\n" for n in range(5))
    chunks = chunks_of(f"{small}def large():\n    a = 1\n    return a\n", "python")
    assert [c.defines for c in chunks] == [("f0", "f1", "f2", "f3", "f4"), ("large",)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "def a(:\n    pass\n\ndef good(x):\n    y = x\n    return y\n"),
        ("javascript", "const x = foo(;\nbar]\n\nfunction good(x) {\n  let y = x\n  return y\n}\n"),
        ("java", "class A { int f( { }\n  void good(int x) {\n    int y = x;\n    use(y);\n  }\n}\n"),
        ("go", "package a\n\nvar = = 3\n\nfunc good(x int) int {\n\ty := x\n\treturn y\n}\n"),
    ],
)
def test_definitions_around_broken_syntax_are_found(language: str, text: str) -> None:
    assert any("good" in c.defines for c in chunks_of(text, language))


def test_a_header_in_cpp_is_read_as_cpp() -> None:
    text = "namespace a {\nclass B {\npublic:\n  void f() {\n    g();\n  }\n};\n}\n"
    assert [(c.qualified, c.language) for c in chunks_of(text, "c")] == [("a.B", "c")]


def test_only_the_beginning_of_an_endless_line_is_kept() -> None:
    chunks = chunks_of("a = 1\nb = [" + "1, " * 50_000 + "]\nc = 2\n", "python")
    assert max(len(c.text) for c in chunks) == BUDGET.hard_characters
    assert {"a", "c"} <= {name for c in chunks for name in c.defines}


def test_a_fence_is_not_cut_where_text_can_be() -> None:
    fence = "```\n" + "a line of the listing\n" * 40 + "```\n"
    chunks = chunks_of("# Title\n\n" + ("some words of prose\n" * 50) + "\n" + fence, "markdown")
    assert chunks[-1].text == fence.rstrip("\n")


def test_unknown_languages_are_read_in_windows_that_overlap() -> None:
    chunks = chunks_of("".join(f"line {n}\n" for n in range(200)), "klingon")
    assert {c.kind for c in chunks} == {Kind.LINES}
    assert all(a.end > b.start for a, b in pairwise(chunks))


def test_a_missing_grammar_and_a_failing_chunker_mean_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRAMMARS, "go", Grammar("tree_sitter_that_is_not_installed", "go"))
    assert [c.kind for c in chunks_of("package a\n", "go")] == [Kind.LINES]

    @CHUNKERS.register("failing")
    def _fail(text: str, language: str) -> Sequence[Chunk]:
        raise RuntimeError(text + language)

    assert [c.kind for c in chunks_of("x\n", "failing")] == [Kind.LINES]
