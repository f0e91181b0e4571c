"""Which names of a Python suggestion nothing defines.

A reading by tokens alone, since a suggestion is a part of a statement. It is cautious: whatever occurs anywhere in the
document is known, and every form of binding in the suggestion's own statements counts. It never imports anything.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

from zicoder.complete.hole import Hole
from zicoder.complete.syntax import CLOSERS, REGION_CHARS, lex_prefix

__all__ = ["bound_names", "missing_names", "unknown_names"]

AHEAD = 80
"""Characters after the cursor that are read with the suggestion: they say whether its last name is a keyword."""
MOST_CHARS = 4_000

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>(?P<kind>[A-Za-z]{0,3})(?P<quote>\"{3}|'{3}|\"|'))
    |(?P<name>[^\W\d]\w*)
    |(?P<number>\d[\w.]*)
    |(?P<newline>\n)
    |(?P<op>:=|->|==|!=|<=|>=|[-+*/%&|^@<>]{1,2}=|\*\*|//|[^\w\s])""",
    re.VERBOSE,
)
_END_OF_STRING = {
    quote: re.compile(r"\\.|" + quote + ("" if len(quote) == 3 else r"|\n"), re.DOTALL)
    for quote in ('"""', "'''", '"', "'")
}
_STAR_IMPORT = re.compile(r"^[ \t]*from\s+\S+\s+import\s+\*", re.MULTILINE)
_KNOWN = (
    frozenset(dir(builtins))
    | frozenset(keyword.kwlist)
    | frozenset(keyword.softkwlist)
    | frozenset({
        "__annotations__", "__builtins__", "__class__", "__dict__", "__file__", "__module__", "__path__",
        "__qualname__", "reveal_type", "PythonFinalizationError", "WindowsError", "get_ipython",
    })
)  # fmt: skip
_BINDS_ALL = frozenset({"import", "from", "global", "nonlocal", "case"})
"""First words of statements whose names are all bound, or are no names of this file."""
_BINDS_NEXT = frozenset({"def", "class", "as", "type"})


@dataclass(slots=True)
class _Token:
    """A name, a mark, or the end of a line outside brackets ("\\n"); strings, numbers and comments are "0"."""

    text: str
    at: int
    """Offset in the suggestion; negative before the cursor."""
    depth: int
    bracket: str
    """The innermost bracket around it, "" outside."""
    is_name: bool = False


def unknown_names(hole: Hole, text: str, within: str | None = None) -> list[tuple[int, str]]:
    """The names that `text` uses and nothing defines: (offset in `text`, name), in order, each once.

    Nothing is unknown when a star import may define anything, in comments and in strings, and after the first 4,000
    characters. A name that was begun before the cursor has offset 0. The document is only searched for the names that
    the suggestion brings; nothing need be prepared or kept. `within` is another text to search in its place.
    """
    if len(text) > MOST_CHARS or _STAR_IMPORT.search(hole.prefix) or _STAR_IMPORT.search(text):
        return []
    before = _statement_start(hole)
    if before is None:
        return []
    texts = (hole.prefix, hole.suffix) if within is None else (within, before)
    tokens = list(_tokens(before, text, hole.suffix[:AHEAD]))
    bound: set[str] = set()
    used: dict[str, int] = {}
    for statement in _statements(tokens):
        _read(statement, bound, used, len(text))
    return [
        (max(at, 0), name)
        for name, at in used.items()
        if name not in bound and name not in _KNOWN and not any(_has_word(where, name) for where in texts)
    ]


def bound_names(code: str) -> set[str]:
    """The names that whole statements bind."""
    bound: set[str] = set()
    for statement in _statements(list(_tokens("", code, ""))):
        _read(statement, bound, {}, len(code))
    return bound


def missing_names(code: str, before: str) -> list[str]:
    """The names that whole statements use before they bind them, and that do not occur in the code `before` either."""
    if len(code) > MOST_CHARS:
        code = code[: code.rfind("\n", 0, MOST_CHARS) + 1]
    if _STAR_IMPORT.search(before) or _STAR_IMPORT.search(code):
        return []
    bound: set[str] = set()
    missing: list[str] = []
    for statement in _statements(list(_tokens("", code, ""))):
        used: dict[str, int] = {}
        _read(statement, bound, used, len(code))
        missing += [name for name in used if name not in bound | _KNOWN and name not in missing]
    return [name for name in missing if not _has_word(before, name)]


def _statement_start(hole: Hole) -> str | None:
    """The text before the cursor from the line on which its statement begins; None within a long string."""
    lexer = lex_prefix(hole)
    open_brackets = len(lexer.stack)
    start = hole.line_before[-REGION_CHARS:]
    if lexer.in_long_text:
        return None
    if not open_brackets:
        return start
    # The statement starts on the line with its first open bracket: the brackets are counted back to it.
    for line in hole.lines_above(100, blank=True):
        start = line + "\n" + start
        code = re.sub(r"\"[^\"\n]*\"|'[^'\n]*'|#.*", "", line)
        open_brackets -= sum(code.count(opener) - code.count(closer) for closer, opener in CLOSERS.items())
        if open_brackets <= 0:
            break
    return start


def _tokens(before: str, text: str, after: str) -> Iterator[_Token]:
    """The tokens of a statement's start, the suggestion and a little of what follows it."""
    code, base = before + text + after, len(before)
    at, stack = 0, [""]
    while match := _TOKEN.search(code, at):
        at = match.end()
        token = match.group()
        where = match.start() - base
        if match["string"]:
            end = _skip_string(code, at, match["quote"])
            at = len(code) if end is None else end
            yield _Token("0", where, len(stack), stack[-1])
        elif match["comment"] or (match["newline"] and len(stack) > 1):
            continue
        elif match["newline"]:
            yield _Token("\n", where, 1, "")
        elif match["name"]:
            yield _Token(token, where, len(stack), stack[-1], is_name=True)
        elif token in CLOSERS:
            if len(stack) > 1:
                stack.pop()
            yield _Token(token, where, len(stack), stack[-1])
        else:
            yield _Token("0" if match["number"] else token, where, len(stack), stack[-1])
            if token in ("(", "[", "{"):
                stack.append(token)


def _skip_string(code: str, at: int, quote: str) -> int | None:
    for match in _END_OF_STRING[quote].finditer(code, at):
        if match.group() in (quote, "\n"):
            return match.end() if match.group() == quote else match.start()
    return None


def _statements(tokens: list[_Token]) -> Iterator[list[_Token]]:
    statement: list[_Token] = []
    for token in tokens:
        if token.text in ("\n", ";") and token.depth == 1:
            yield statement
            statement = []
        else:
            statement.append(token)
    yield statement


def _read(statement: list[_Token], bound: set[str], used: dict[str, int], end: int) -> None:
    """Sort the names of one statement into those that it binds and those that it uses within [0, end)."""
    all_bound = bool(statement) and statement[0].text in _BINDS_ALL
    targets = _targets(statement)
    parameters = _parameters(statement)
    until = ""  # the word or mark that ends a list of targets: after `for`, `lambda`, `as (`
    for place, token in enumerate(statement):
        before = statement[place - 1].text if place else ""
        after = statement[place + 1].text if place + 1 < len(statement) else ""
        if token.text in ("for", "lambda"):
            until = "in" if token.text == "for" else ":"
        elif token.text == "(" and before == "as":
            until = ")"
        elif token.text == until:
            until = ""
        if not token.is_name or before == "." or keyword.iskeyword(token.text):
            continue
        if until or all_bound or before in _BINDS_NEXT or after == ":=" or place in targets or place in parameters:
            bound.add(token.text)
        elif after == "=" and token.bracket == "(" and before != ":":
            continue
        elif token.at + len(token.text) > 0 and token.at + len(token.text) <= end:
            used.setdefault(token.text, token.at)


def _targets(statement: list[_Token]) -> set[int]:
    """The places of the names that an assignment or annotation binds."""
    ends = [place for place, token in enumerate(statement) if token.text == "=" and token.depth == 1]
    annotated = len(statement) > 1 and statement[1].text == ":" and statement[0].is_name
    if annotated:
        return {0}
    targets: set[int] = set()
    depth = 0  # of the innermost call or subscript
    for place, token in enumerate(statement[: ends[-1]] if ends else ()):
        before = statement[place - 1] if place else None
        if depth and token.depth <= depth and token.text in CLOSERS:
            depth = 0
        elif not depth and token.text in ("(", "[") and before and (before.is_name or before.text in CLOSERS):
            depth = token.depth
        elif not depth and token.is_name and statement[place + 1].text not in (".", "(", "["):
            targets.add(place)
    return targets


def _parameters(statement: list[_Token]) -> set[int]:
    """The places of a function's parameters, and of its type parameters."""
    words = [token.text for token in statement[:2]]
    if not ({"def", "class", "type"} & set(words)):
        return set()
    parameters: set[int] = set()
    for place, token in enumerate(statement[1:], 1):
        starts = statement[place - 1].text in ("(", ",", "*", "**", "[")
        in_list = token.bracket == "[" or (token.bracket == "(" and "def" in words)
        if token.is_name and starts and in_list and token.depth == 2:
            parameters.add(place)
    return parameters


def _has_word(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (at and _in_word(text[at - 1])) and not (end < len(text) and _in_word(text[end])):
            return True
        at = text.find(word, end)
    return False


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"
