"""The code around the cursor that is worth parsing: a statement at the top of the file, or a part of one that is huge.

Owns how far a parse reaches. It judges lines by their indentation alone and never looks at more than a bounded part of
a document, however large that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from zicoder.complete.hole import Hole, indent_width, line_start
from zicoder.complete.syntax import Syntax, delimiter_around, lexer_at, syntax_of
from zicoder.text import LINE_END

__all__ = ["Region", "member_around", "statement_around"]

REACH = 10_000
"""Characters on either side of the cursor: parsing both takes some 5 ms."""
FAR_LINES = 2_000
"""Lines that are looked through, beyond that, for the headers of the blocks around the cursor."""
FAR_CHARS = 200_000

_TOP = re.compile(
    r"^(?=[^\W\d]|@|#\[)(?!(?:el(?:se|if|sif)|except|finally|rescue|ensure|catch|case|when|then|default|do|done|fi|esac"
    r"|end|and|or|in|where)\b|namespace\b[^\n;{]*\{[ \t]*$|extern \"C\"|\w+[ \t]*:[ \t]*$)",
    re.MULTILINE,
)
"""A line that starts a statement at the top of a file and goes on with no other; a label stands there by itself."""
_WHOLE = frozenset({"html", "json", "jsonc"})
"""Languages without statements at the top of a file: they are read whole or not at all."""
_C = frozenset({"c", "cpp"})
_AFTER_BLANK = re.compile(r"^[ \t]*\r?\n([ \t]*)(\S[^\n]*)$", re.MULTILINE)
_OPENS = ("{", "(", "[", ":")
_ANNOTATIONS = ("@", "#[")
"""Starts of lines that belong to the statement below them."""
_LINE = re.compile(r"^([ \t]*)(\S[^\n]*)$", re.MULTILINE)
_DEFINITION = re.compile(r"[ \t]+(?:async[ \t]+)?def\b")
_CLOSES = re.compile(r"[)\]}]|end\b|</")
_NO_HEADER = re.compile(r"[)\]}*#]|//|/\*(?!.*\*/.*\{)|--|end\b|</")
"""Starts of lines that open no block, or that end one whose header is further up."""
_OUTER_END = re.compile(r"(?<=\n\n)\}|^\}[ \t]*//|^(?:#|namespace\b|extern \"C\")", re.MULTILINE)
"""What ends a C function's surroundings: the brace of a namespace that is not indented, a directive."""


@dataclass(frozen=True, slots=True)
class Region:
    """The text to parse before and after the cursor."""

    before: str
    after: str


def statement_around(hole: Hole) -> Region | None:
    """The statement at the top of the file that the cursor stands in, of some `REACH` characters on either side.

    Of a longer one the members around the cursor are left, in the headers and closers of the blocks that hold them.
    None when it cannot be cut so.
    """
    if hole.language in _WHOLE:
        small = len(hole.prefix) < REACH and len(hole.suffix) < REACH
        return Region(hole.prefix, hole.suffix) if small else None
    syntax = syntax_of(hole.language)
    before = _before(hole, syntax) or _members_before(hole.prefix)
    after = _after(hole, syntax)
    after = _members_after(hole.suffix) if after is None else after
    if after is None or (before is None and hole.prefix):
        return None
    before = before or ""
    return Region("<?php\n" + before if hole.language == "php" and "<?" not in before else before, after)


def member_around(hole: Hole) -> Region | None:
    """The innermost indented Python function around the cursor, as the body of a block; None when there is none.

    It is a guess by indentation alone: a string at the left margin breaks it.
    """
    found = _definition_above(hole)
    if found is None:
        return None
    start, width = found
    after = hole.suffix[:REACH]
    for match in _LINE.finditer(after, len(hole.line_after)):
        below = match.start() > len(hole.line_after) and not match.group(2).startswith((")", "]", "}"))
        if below and indent_width(match.group(1)) <= width:
            return Region("if 1:\n" + hole.prefix[start:], after[: match.start()])
    return Region("if 1:\n" + hole.prefix[start:], after) if len(after) < REACH else None


def _definition_above(hole: Hole) -> tuple[int, int] | None:
    """Where the innermost indented `def` line around the cursor starts, and how deep it is indented."""
    line = hole.line_before
    start = len(hole.prefix) - len(line)
    limit = max(0, start - REACH)
    width = indent_width(line) if line else 1_000
    while True:
        if _DEFINITION.match(line):
            return start, width
        if width == 0 or start <= limit:
            return None
        end = start - 1
        start = line_start(hole.prefix, end)
        line = hole.prefix[start:end]
        depth = indent_width(line)
        if not line.strip() or depth >= width:
            line = ""
        else:
            width = depth + 1 if line.lstrip().startswith((")", "]", "}")) else depth


def _before(hole: Hole, syntax: Syntax) -> str | None:
    near = hole.prefix[-REACH:]
    base = len(hole.prefix) - len(near)
    starts = [match.start() for match in _TOP.finditer(near) if match.start() or not base]
    for start in reversed(starts):
        if not delimiter_around(hole.prefix, base + start, syntax):
            return near[start:]
    return None if base else near


def _after(hole: Hole, syntax: Syntax) -> str | None:
    near = hole.suffix[:REACH]
    lexer = lexer_at(hole)
    opening = lexer.inside if lexer.in_long_text else ""
    at = max(near.find(opening), 0) if opening else 0
    for match in _TOP.finditer(near, max(at, len(hole.line_after)) + 1):
        above = (hole.line_before + near[: match.start()]).rstrip()
        if above[line_start(above, len(above)) :].startswith(_ANNOTATIONS):
            continue
        if LINE_END.match(near, match.start() - 1) and not delimiter_around(near, match.start(), syntax):
            near = near[: match.start()]
            break
    else:
        if len(hole.suffix) > REACH:
            return None
    if hole.language in _C and (end := _OUTER_END.search(near, len(hole.line_after))):
        return near[: end.start()]
    return near


def _members_before(text: str) -> str | None:
    """The last members of a long block, under the headers of the blocks around them."""
    near = text[-REACH:]
    least = _least_indent(near)
    start = next(_members(near, least), None)
    return None if start is None else _headers(text, len(text) - len(near) + start, least) + near[start:]


def _members_after(text: str) -> str | None:
    """The first members of the rest of a long block, and what closes the blocks around them."""
    near = text[:REACH]
    least = _least_indent(near)
    end = max(_members(near, least), default=None)
    return None if end is None else near[:end] + _closers(text, end, least)


def _least_indent(text: str) -> int:
    """The least indentation of the complete lines of code in a text."""
    lines = list(_LINE.finditer(text))[1:-1]
    return min((indent_width(at.group(1)) for at in lines if not at.group(2).startswith(("*", "#"))), default=0)


def _members(text: str, width: int) -> Iterator[int]:
    """Where the lines of this indentation start that follow a blank line."""
    for line in _AFTER_BLANK.finditer(text):
        if indent_width(line.group(1)) == width and not _CLOSES.match(line.group(2)):
            yield line.start(1)


def _headers(text: str, end: int, least: int) -> str:
    """The lines before `end` that open the blocks around it: those that are indented ever less."""
    headers: list[str] = []
    brace = False
    for line in reversed(text[max(0, end - FAR_CHARS) : end].splitlines(keepends=True)[-FAR_LINES:]):
        code = line.strip()
        if not code or _NO_HEADER.match(code) or code.endswith(";") or (indent_width(line) >= least and not brace):
            continue
        opens = brace or code == "{" or code.endswith(_OPENS)
        headers.append(line if opens else line.rstrip() + " {\n")
        least = min(least, indent_width(line))
        brace = code == "{"
    return "".join(reversed(headers))


def _closers(text: str, start: int, least: int) -> str:
    """The lines after `start` that are indented ever less, as far as they close a block."""
    closers: list[str] = []
    for line in text[start : start + FAR_CHARS].splitlines(keepends=True)[:FAR_LINES]:
        if line.strip() and indent_width(line) < least:
            least = indent_width(line)
            if _CLOSES.match(line.lstrip()):
                closers.append(line)
    return "".join(closers)
