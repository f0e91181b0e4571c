"""Documentation of code nobody vouches for, as Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from zicoder.assist.markdown import MAX_DOC_CHARS, code_span, docs_markdown, fenced

PARSER = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
HARMLESS = {"paragraph", "text", "softbreak", "hardbreak", "fence", "inline", "code_inline"}


def kinds(markdown: str) -> set[str]:
    found = set()
    for token in PARSER.parse(markdown):
        for each in [token, *(token.children or [])]:
            found.add(each.type.removesuffix("_open").removesuffix("_close"))
    return found


def rendered(markdown: str) -> str:
    """The text a reader sees."""
    parts = []
    for token in PARSER.parse(markdown):
        if token.type == "fence":
            parts.append(token.content)
        parts += ["\n" if child.type in ("softbreak", "hardbreak") else child.content for child in token.children or []]
    return "".join(parts)


@pytest.mark.parametrize(
    "hostile",
    [
        "[click](command:workbench.action.terminal.sendSequence?x)",
        "![x](https://tracker.example/pixel.png)",
        "<img src=x onerror=alert(1)>",
        "<command:evil>",
        "<a href='command:evil'>ok</a>",
        "[ref]: command:evil\n[ref]",
        "text\n```\ncode\n```\n[x](command:y)",
        ">>> x\n```\n[x](command:y)",
        ">>> x = '''\n````\n</code><b>",
        "&lt;b&gt; &#91;x](command:y)",
        "# head\n\nunder\n====\n\n- item\n1. one\n> quote\n***\n| a | b |\n|---|---|",
        "    [x](command:y)",
        "\\[x](command:y)",
        "~~~\n[x](command:y)",
        "<!-- c --> <script>",
        "line \\\n[x](command:y)",
    ],
)
def test_hostile_docstrings_are_only_text(hostile: str) -> None:
    assert kinds(docs_markdown(hostile)) <= HARMLESS


@given(st.text(st.sampled_from("ab \n\t`*_[]()<>#+-=.!|~&:;1\\'\"\r\f>"), max_size=60))
def test_nothing_but_text_comes_out_of_any_docstring(text: str) -> None:
    assert kinds(docs_markdown(text)) <= HARMLESS


def test_bare_addresses_are_no_links() -> None:
    shown = docs_markdown("see https://example.org/x and www.example.org or command:evil")
    assert "https://" not in shown
    assert "www.e" not in shown
    assert "command:e" not in shown


def test_a_reader_sees_what_was_written() -> None:
    text = "Join a_b * c <d>.\nSecond line [x].\n\n1. one\n- two # three"
    assert rendered(docs_markdown(text)) == "Join a_b * c <d>.\nSecond line [x].1. one\n- two # three"


def test_doctests_are_code() -> None:
    assert docs_markdown("Adds.\n\n    >>> add(1, 2)\n    3") == "Adds.\n\n```python\n    >>> add(1, 2)\n    3\n```"


def test_a_huge_docstring_is_cut() -> None:
    assert len(docs_markdown("word " * 200_000)) < MAX_DOC_CHARS + 10


@given(st.text(st.sampled_from("a`\n "), max_size=20))
def test_nothing_gets_out_of_a_fence(code: str) -> None:
    assert kinds(fenced(code)) == {"fence"}


def test_code_spans_hold_backticks() -> None:
    assert kinds(code_span("a``b`")) == {"paragraph", "inline", "code_inline"}
