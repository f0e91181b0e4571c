"""Documentation as Markdown that can do nothing but be read.

A docstring is text written by whoever wrote the code under the cursor. Editors render hover Markdown with links (some
run editor commands) and HTML, so everything that is not plain text is escaped.
"""

from __future__ import annotations

import re

__all__ = ["code_span", "docs_markdown", "fenced"]

MAX_DOC_CHARS = 12_000
"""Longest documentation shown. Whole-module docstrings run to hundreds of kilobytes; a hover shows a screenful."""

_SPECIAL = re.compile(r"[\\`*_\[\]<>&~|#!]")
# At the start of a line these make lists, rules and underlined headings.
_LINE_START = re.compile(r"([-+=]|\d+[.)])")
_SCHEME = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,30}):(?=\S)")
_WWW = re.compile(r"(?i)\bwww\.")
_BACKTICKS = re.compile(r"`+")
_ZERO_WIDTH_SPACE = "\u200b"


def fenced(code: str, language: str = "python") -> str:
    """A code block whose fence is longer than any run of backticks in it, so that nothing gets out."""
    fence = "`" * max(3, 1 + _longest_backticks(code))
    return f"{fence}{language}\n{code}\n{fence}"


def code_span(code: str) -> str:
    """Inline code, on one line."""
    code = " ".join(code.split())
    ticks = "`" * (1 + _longest_backticks(code))
    pad = " " if code.startswith("`") or code.endswith("`") else ""
    return f"{ticks}{pad}{code}{pad}{ticks}"


def docs_markdown(text: str) -> str:
    """Plain documentation as Markdown that looks the same: lines, indentation, doctests as code blocks."""
    if len(text) > MAX_DOC_CHARS:
        text = text[:MAX_DOC_CHARS] + "\n…"
    blocks: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text.expandtabs(4).strip("\n")):
        lines = block.splitlines()
        if lines and lines[0].lstrip().startswith(">>> "):
            blocks.append(fenced("\n".join(lines)))
        else:
            blocks.append("  \n".join(_escape_line(line) for line in lines))
    return "\n\n".join(block for block in blocks if block.strip())


def _escape_line(line: str) -> str:
    """One line with nothing special left in it; leading spaces kept, and never a code block."""
    body = line.lstrip(" ")
    indent = "&nbsp;" * (len(line) - len(body))
    # Editors turn bare URLs into links; a zero-width space after the colon keeps them text.
    body = _SCHEME.sub(rf"\1:{_ZERO_WIDTH_SPACE}", body)
    body = _WWW.sub(f"www{_ZERO_WIDTH_SPACE}.", body)
    body = _SPECIAL.sub(r"\\\g<0>", body)
    if match := _LINE_START.match(body):
        cut = match.end() - 1
        body = f"{body[:cut]}\\{body[cut:]}"
    return indent + body.rstrip()


def _longest_backticks(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
