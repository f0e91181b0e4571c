"""The filters that make a model's raw text right in form, in their order.

Every filter is a pure function `(text, hole) -> text` named by what it does. A filter only ever takes
away, and only what is certainly wrong: a correct suggestion passes through all of them unchanged.
None may call a model, know a grammar, or raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from zicoder.complete.blocks import opens_block
from zicoder.complete.brackets import balance_brackets
from zicoder.complete.hole import Hole, indent_of
from zicoder.complete.repeats import (
    drop_line_below,
    drop_repeated_lines,
    drop_repeated_prefix,
    drop_repeated_suffix,
)
from zicoder.complete.scope import FENCE, EndOfScope, is_indented, statement_end
from zicoder.complete.syntax import CLOSERS, lexer_at
from zicoder.complete.tokens import find_special_token
from zicoder.text import LINE_END

__all__ = ["FILTERS", "Filter", "Filtered", "apply_filters"]

Filter = Callable[[str, Hole], str]

UNLIMITED = 1000
"""Lines for `stop_at_scope_end`: how long a suggestion may be is the caller's choice, not a matter of form."""

_PROSE = re.compile(
    r"(?:Sure|Certainly|Of course|Here(?:'s| is| are)|The (?:code|complete|completed|missing|following)|"
    r"To (?:complete|fill|implement)|This (?:code|function)|You can|I(?:'ll| will| have))\b[^\r\n]*"
)
_PROSE_LANGUAGES = frozenset({"markdown", "plaintext", "html", "yaml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """What the filters left of a model's raw text."""

    text: str
    """What to show; "" for nothing."""
    dropped_by: str = ""
    """Name of the filter that emptied the text, or ""."""
    changed_by: tuple[str, ...] = ()
    """Names of the filters that changed the text, in order."""


def drop_special_tokens(text: str, hole: Hole) -> str:
    """Cut the text at the first mark of the model's prompt format that leaked into it.

    Marks at the very start are skipped: they say that what follows is the answer.
    """
    while (token := find_special_token(text, hole)) and not text[: token.start()].strip():
        text = text[token.end() :]
    return text[: token.start()] if token else text


def drop_markdown_fence(text: str, hole: Hole) -> str:
    """Unwrap code from the fence and the prose that an instruct model puts around it."""
    if hole.language == "markdown" or _in_string_or_comment(hole):
        return text
    lines = text.splitlines(keepends=True)
    fences = [at for at, line in enumerate(lines) if line.lstrip().startswith(FENCE)]
    if not fences:
        return _drop_introduction(text, hole)
    lead = "".join(lines[: fences[0]])
    if lead.strip() and not _PROSE.match(lead.lstrip()):
        return lead
    end = fences[1] if len(fences) > 1 else len(lines)
    code = "".join(lines[fences[0] + 1 : end])
    if not hole.line_before.strip() and code.startswith(hole.line_before):
        code = code[len(hole.line_before) :]
    return code


def _in_string_or_comment(hole: Hole) -> bool:
    return lexer_at(hole).inside != ""


def _drop_introduction(text: str, hole: Hole) -> str:
    """Drop a first line such as "Here is the completed code:"."""
    match = _PROSE.match(text)
    if match is None or hole.language in _PROSE_LANGUAGES or hole.line_before.strip():
        return text
    rest = text[match.end() :].lstrip("\r\n")
    return rest if match.group().rstrip().endswith(":") and rest else text


def normalise_line_endings(text: str, hole: Hole) -> str:
    """Write every line break as the document writes its own."""
    return LINE_END.sub(hole.newline, text)


def drop_extra_indent(text: str, hole: Hole) -> str:
    """Take away what a model indents beyond the indentation that stands before the cursor already.

    Only where there is no doubt that the suggestion belongs there. The lines that follow are moved with the first one
    where they stand as deep as it did.
    """
    before = hole.line_before
    first = LINE_END.split(text, maxsplit=1)[0]
    extra = indent_of(first)
    if not extra or not first.strip() or not is_indented(hole):
        return text
    depth, rest = before + extra, text[len(first) :]
    indents = [indent_of(line) for line in LINE_END.split(rest) if line.strip()]
    opens = opens_block(first, hole.language)
    if first.rstrip().endswith((",", "\\")):
        return text
    if indents and indents[0].startswith(depth) and (indents[0] != depth) == opens:
        between = any(len(before) < len(indent) < len(depth) for indent in indents)
        if between or any(quotes in text for quotes in ('"""', "'''", "`")):
            return text
        rest = re.sub(rf"(?<=[\r\n]){depth}(?=[^\r\n])", before, rest)
    elif indents and not opens and len(indents[0]) > len(before):
        return text
    return first[len(extra) :] + rest


def stop_at_scope_end(text: str, hole: Hole) -> str:
    """Cut the text at its first natural end, for a stream that nobody has watched."""
    scope = EndOfScope(hole, max_lines=UNLIMITED)
    if not scope.feed(text) and not text.endswith(("\r", "\n")):
        scope.feed("\n")  # no more will come: what was undecided about the last line is decided now
    return scope.text[: len(text)]


def single_line(text: str, hole: Hole) -> str:
    """Keep one line, or the whole of a statement that goes over several, unless more may stand here.

    On a blank line that is the first one with text, without the line breaks that a model puts before it.
    """
    if hole.multiline:
        return text
    lines = LINE_END.split(text)
    if lines[0].strip():
        return text[: statement_end(f"{text}\n", hole)]
    if hole.line_before.strip():
        return lines[0]
    line = next((line for line in lines if line.strip()), "")
    return line[len(hole.line_before) :] if indent_of(line).startswith(hole.line_before) else ""


def cut_trailing_space(text: str, hole: Hole) -> str:
    """Cut white space at the end, and on lines that hold nothing else.

    Before more text on the cursor's line it is kept, unless that text brings its own or wants none.
    """
    text = re.sub(r"(?<=[\r\n])[ \t]+(?=[\r\n])", "", text)
    after = hole.line_after
    if not after.strip():
        return text.rstrip()
    bare = text.rstrip(" \t")
    return bare if after[0] in " \t),;" and not bare.endswith(("\r", "\n")) else text


def drop_blank(text: str, hole: Hole) -> str:
    """Drop a suggestion of white space only, or of exactly what stands after the cursor."""
    shown = text.strip()
    if not shown:
        return ""
    only_closers = all(char in CLOSERS for char in shown)
    return "" if shown == hole.line_after.strip() and not only_closers else text


FILTERS: tuple[Filter, ...] = (
    drop_special_tokens,
    drop_markdown_fence,
    normalise_line_endings,
    drop_repeated_prefix,
    drop_extra_indent,
    stop_at_scope_end,
    single_line,
    drop_repeated_lines,
    drop_repeated_suffix,
    drop_line_below,
    balance_brackets,
    cut_trailing_space,
    drop_blank,
)
"""Wrappers first, then the reach, then repetition, brackets and space."""


def apply_filters(text: str, hole: Hole) -> Filtered:
    """Run every filter over raw model output, again and again until none changes it any more.

    One filter's cut can uncover work for an earlier one. Since filters only take away, this ends, and
    the result is a fixed point: filtering it again changes nothing.
    """
    changed: list[str] = []
    while True:
        start = text
        for filter_ in FILTERS:
            result = filter_(text, hole)
            name = filter_.__name__
            if result != text and name not in changed:
                changed.append(name)
            if not result.strip():
                dropped_by = name if text.strip() else "drop_blank"
                return Filtered(text="", dropped_by=dropped_by, changed_by=tuple(changed))
            text = result
        if text == start:
            return Filtered(text=text, changed_by=tuple(changed))
