"""A comma or a colon that is missing, a keyword that is misspelt, near to where a parser gave up."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from zicoder.assist.checks.repair import Repair
from zicoder.text import LineIndex

if TYPE_CHECKING:
    from zicoder.index.chunking.tokens import Token

__all__ = ["token_repairs"]

NEAR_LINES = 2
MOST_PLACES = 60
_PYTHON = frozenset(each for each in keyword.kwlist if len(each) > 2)
_SCRIPT = frozenset((
    "abstract", "async", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "declare",
    "default", "delete", "else", "enum", "export", "extends", "false", "finally", "for", "from", "function",
    "implements", "import", "interface", "instanceof", "keyof", "let", "namespace", "new", "null", "private",
    "protected", "public", "readonly", "return", "static", "super", "switch", "this", "throw", "true", "try",
    "type", "typeof", "undefined", "var", "void", "while", "with", "yield",
))  # fmt: skip
_JAVA = frozenset((
    "abstract", "boolean", "break", "case", "catch", "class", "continue", "default", "double", "else", "enum",
    "extends", "final", "finally", "float", "for", "if", "implements", "import", "instanceof", "int", "interface",
    "long", "new", "package", "private", "protected", "public", "return", "static", "super", "switch", "this",
    "throw", "throws", "try", "void", "while",
))  # fmt: skip
_KEYWORDS = {
    "python": _PYTHON, "javascript": _SCRIPT, "javascriptreact": _SCRIPT, "typescript": _SCRIPT,
    "typescriptreact": _SCRIPT, "java": _JAVA,
}  # fmt: skip
_WORD = re.compile(r"[^\W\d]\w*")


def token_repairs(
    text: str, tokens: list[Token], language: str, errors: list[tuple[int, int, str]]
) -> Iterator[Repair]:
    """What a single token would mend at the errors (start, end, message), or in the lines before."""
    lines = LineIndex(text)
    error = errors[0]
    line = lines.position(error[0]).line
    wrong = {lines.position(start).line for start, _, _ in errors}
    tokens = [token for token in tokens if "comment" not in token.kind]
    near = [
        number
        for number, token in enumerate(tokens)
        if any(each - NEAR_LINES <= lines.position(token.start).line <= each for each in wrong)
    ]  # fmt: skip
    for number in near[-MOST_PLACES:]:
        token = tokens[number]
        yield from _respelt(token, language, min(1, abs(lines.position(token.start).line - line)))
        following = tokens[number + 1] if number + 1 < len(tokens) else None
        if following is not None and _takes_comma(token, following):
            broken = lines.position(following.start).line > lines.position(token.end).line
            yield Repair(token.end, token.end, ",", "Insert `,`", 1 if broken or following.start > token.end else 3)
    if language == "python" and "expected ':'" in error[2].lower():
        at = lines.content_end(line)
        code = lines.line(line).partition("#")[0].rstrip()
        yield Repair(lines.start(line) + len(code), lines.start(line) + len(code), ":", "Insert `:`", 0)
        if at != lines.start(line) + len(code):
            yield Repair(at, at, ":", "Insert `:`", 1)


def _takes_comma(token: Token, following: Token) -> bool:
    """Whether a comma may have stood between two tokens: one ends a value, the other begins one."""
    ends = token.text[-1:].isalnum() or token.text[-1:] in "_)]}>\"'`"
    begins = following.text[:1].isalnum() or following.text[:1] in "_([{\"'`*-.@#"
    return ends and begins


def _respelt(token: Token, language: str, away: int) -> Iterator[Repair]:
    known = _KEYWORDS.get(language)
    if known is None or not _WORD.fullmatch(token.text) or token.text in known or len(token.text) > 12:
        return
    for rank, meant in enumerate(difflib.get_close_matches(token.text, known, 2, 0.75)):
        yield Repair(token.start, token.end, meant, f"Change to `{meant}`", away - 1 + 2 * rank)
