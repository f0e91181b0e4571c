"""Where a bracket that is missing may belong, and which one may be too many.

Layout speaks: a bracket that closes on a line of its own stands under the line that opened it, and one that closes on a
line of code mostly stands at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zicoder.assist.checks.repair import Repair
from zicoder.text import LineIndex

if TYPE_CHECKING:
    from zicoder.index.chunking.tokens import Token

__all__ = ["bracket_repairs"]

MOST_PLACES = 60
MOST_BLANK = 200
"""Lines behind the opening one that are looked at."""
_PARTNERS = {")": "(", "]": "[", "}": "{"}
_CLOSES = {"(": ")", "[": "]", "{": "}", "${": "}"}
_BEHIND = frozenset((":", ";", ",", "{", "=>", "!"))
"""What may follow a closing bracket at the end of a line."""
_JOINS = frozenset((
    "==", "!=", "===", "!==", "<", ">", "<=", ">=", "and", "or", "not", "in", "is", "&&", "||", "??", "instanceof",
    "+", "-", "*", "/", "//", "%", "**", "@", "|", "&", "^", "<<", ">>", "=", "=>", "?", ":", "[",
    "if", "else", "for", "of", "as", "from",
))  # fmt: skip
"""What often follows a closing bracket in the middle of a line: `len(a) == 1` is as likely as `len(a == 1)`."""
NATURAL, ODD = 2, 4
"""Costs of a place in the middle of a line where people close brackets, and of another."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """A bracket that is open too long: the number of its token, and of the token before which it should have closed."""

    opened: int
    until: int
    closer: int | None = None
    """The token that closes something else instead, or nothing."""


def bracket_repairs(text: str, tokens: list[Token]) -> Iterator[Repair]:
    """Ways to balance the first brackets that are not."""
    lines = LineIndex(text)
    fault, surplus = _fault(tokens, lines)
    if fault is not None:
        yield from _closings(text, tokens, lines, fault)
    if surplus is not None:
        token = tokens[surplus]
        yield Repair(token.start, token.end, "", f"Remove `{token.text}`", 1)
        yield from _others_to_remove(tokens, lines, surplus)
        yield from _doubled(tokens, lines, surplus)


def _others_to_remove(tokens: list[Token], lines: LineIndex, surplus: int) -> Iterator[Repair]:
    line = lines.position(tokens[surplus].start).line
    for token in tokens[max(0, surplus - 20) : surplus]:
        if token.kind == tokens[surplus].kind and lines.position(token.start).line >= line - 1:
            yield Repair(token.start, token.end, "", f"Remove `{token.text}`", 2)


def _doubled(tokens: list[Token], lines: LineIndex, surplus: int) -> Iterator[Repair]:
    """A bracket behind its like that ends a block of another line: what it leaves over shows only much later."""
    opened: list[int] = []
    for number, token in enumerate(tokens[:surplus]):
        if token.kind in _CLOSES:
            opened.append(number)
        elif token.kind in _PARTNERS and opened:
            start = opened.pop()
            if token.kind != tokens[surplus].kind or tokens[number - 1].kind != token.kind:
                continue
            line, opening = (lines.position(tokens[each].start).line for each in (number, start))
            if tokens[number - 1].end == token.start and _indent(lines, opening) < _indent(lines, line):
                yield Repair(token.start, token.end, "", f"Remove `{token.text}` of line {line + 1}", -2)
                return


def _fault(tokens: list[Token], lines: LineIndex) -> tuple[_Fault | None, int | None]:
    """The first bracket that is open too long, and the first that closes nothing."""
    opened: list[int] = []
    askew: list[tuple[int, int]] = []
    for number, token in enumerate(tokens):
        if token.kind in _CLOSES:
            opened.append(number)
        elif token.kind in _PARTNERS:
            if not opened:
                return _within(-1, askew), number
            if _CLOSES[tokens[opened[-1]].kind] != token.kind:
                return _within(opened[-1], askew) or _Fault(opened[-1], number, number), number
            start = opened.pop()
            if _stands_askew(tokens, lines, start, number):
                askew.append((start, number))
    if not opened:
        return None, None
    first = opened[-1]
    return _within(first, askew) or _Fault(first, _statement_end(tokens, lines, first)), None


def _within(opened: int, askew: list[tuple[int, int]]) -> _Fault | None:
    """What took the partner of an open bracket: the first that stands askew behind it. Elsewhere that is a style."""
    return next((_Fault(start, end, end) for start, end in askew if start > opened), None)


def _stands_askew(tokens: list[Token], lines: LineIndex, start: int, end: int) -> bool:
    """Whether a bracket closes at the head of a line that is indented otherwise than the one that opened it."""
    line, opening = (lines.position(tokens[each].start).line for each in (end, start))
    at_head = end == 0 or lines.position(tokens[end - 1].start).line < line
    return at_head and line != opening and _indent(lines, line) != _indent(lines, opening)


def _statement_end(tokens: list[Token], lines: LineIndex, opened: int) -> int:
    """The first token of the next line that is indented no deeper than the one that opened the bracket."""
    opening = lines.position(tokens[opened].start).line
    indent = _indent(lines, opening)
    before = opening
    for number in range(opened + 1, len(tokens)):
        line = lines.position(tokens[number].start).line
        if line > before and _indent(lines, line) <= indent and tokens[number].kind not in _PARTNERS:
            return number
        before = line
    return len(tokens)


def _closings(text: str, tokens: list[Token], lines: LineIndex, fault: _Fault) -> Iterator[Repair]:
    opener = tokens[fault.opened]
    closing = _CLOSES[opener.kind]
    title = f"Close `{opener.kind}` of line {lines.position(opener.start).line + 1}"
    opening = lines.position(opener.start).line
    indent = _indent(lines, opening)
    if fault.closer is not None and tokens[fault.closer].kind != closing:
        wrong = tokens[fault.closer]
        yield Repair(wrong.start, wrong.end, closing, f"Change `{wrong.text}` to `{closing}`", 4)
    last_line = lines.position(tokens[fault.until].start).line if fault.until < len(tokens) else len(lines) - 1
    own_line = any(lines.position(token.start).line > opening for token in tokens[fault.opened + 1 : fault.opened + 2])
    yield from _blank_lines(lines, closing, title, range(opening, last_line + 1), own_line=own_line)
    inner: list[str] = []
    for number in range(fault.opened, min(fault.until, fault.opened + MOST_PLACES)):
        token = tokens[number]
        if token.kind in _CLOSES:
            inner.append(_CLOSES[token.kind])
        elif token.kind in _PARTNERS and inner:
            inner.pop()
        following = tokens[number + 1] if number + 1 < len(tokens) else None
        line = lines.position(token.end).line
        cost = _cost(tokens, lines, number, closing, nested=len(inner) > 1)
        if cost is None or inner[-1:] != [closing]:
            continue
        if cost == ODD and number + 1 == fault.until and fault.closer is not None:
            cost -= 1
        if cost == ODD and following is not None and following.start == token.end and following.kind in (".", "("):
            cost += 1
        yield Repair(token.end, token.end, closing, title, cost + (2 if own_line else 0))
        ends = following is None or lines.position(following.start).line > line
        if own_line and ends and (following is None or _indent(lines, lines.position(following.start).line) <= indent):
            newline = "\r\n" if "\r\n" in text else "\n"
            at = lines.content_end(line)
            margin = lines.line(opening)[:indent]
            yield Repair(at, at, newline + margin + closing, title, 2)


def _cost(tokens: list[Token], lines: LineIndex, number: int, closing: str, *, nested: bool) -> int | None:
    """How unusual it is that a bracket closes behind this token. None: it never does.

    `nested`: another bracket is open around the one that would be closed there.
    """
    token, following = tokens[number], tokens[number + 1] if number + 1 < len(tokens) else None
    if token.kind in (",", "=", ".", "operator") or token.kind == "comment":
        return None
    line = lines.position(token.end).line
    if following is None or lines.position(following.start).line > line:
        return 1
    rest = number + 2
    last = rest >= len(tokens) or lines.position(tokens[rest].start).line > line
    if following.kind in _BEHIND and (last or tokens[rest].kind == "comment"):
        return 1
    return NATURAL if _is_natural(tokens, number, closing, nested=nested) else ODD


def _is_natural(tokens: list[Token], number: int, closing: str, *, nested: bool) -> bool:
    """Whether what follows on the line goes on as code does behind a closing bracket."""
    following = tokens[number + 1]
    if following.text == ",":
        # `f(g(a), b)` beside `f(g(a, b))`; the next parameter, `a: list[int], b: int`
        return nested or [each.text for each in tokens[number + 3 : number + 4]] == [":"]
    if following.text in (".", "?.", "!"):
        return closing == "]" or tokens[number].kind in _PARTNERS
    return following.text in _JOINS and not (following.text == "[" and tokens[number].kind in _CLOSES)  # `f()[1]`


def _blank_lines(lines: LineIndex, closing: str, title: str, within: range, *, own_line: bool) -> Iterator[Repair]:
    """A line with nothing but indentation is where a bracket was, or is about to be typed.

    `own_line`: what is in the bracket begins on a line of its own.
    """
    head = lines.line(within.start)
    indent = _indent(lines, within.start)
    several = head.count(_PARTNERS[closing]) - head.count(closing) > 1
    for line in list(within)[1:MOST_BLANK]:
        start, end = lines.start(line), lines.content_end(line)
        content = lines.line(line)
        if not content.strip():
            fits = len(content) == indent
            left = 0 if indent else 1 if own_line else 2  # an empty line says little
            yield Repair(end, end, closing, title, left if fits else ODD)
        elif len(content) - len(content.lstrip()) == indent and content.lstrip()[:1] in (",", ";", ")", "]", "}"):
            at = start + indent
            taken = content[indent] == closing and not several
            yield Repair(at, at, closing, title, ODD if taken else 0)


def _indent(lines: LineIndex, line: int) -> int:
    content = lines.line(line)
    return len(content) - len(content.lstrip())
