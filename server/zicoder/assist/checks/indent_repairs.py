"""Indentations of Python lines that would make a text sound, fewest changed lines first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from zicoder.assist.checks.repair import Repair
from zicoder.text import LineIndex

if TYPE_CHECKING:
    from zicoder.index.chunking.tokens import Token

__all__ = ["indent_repairs"]

MOST_BLOCK = 200
MOST_LEVELS = 12
_INDENTATION = re.compile(r"(?i)indent|outside function|outside loop|not properly in loop|inconsistent use of tabs")
_CLAUSE = re.compile(r"\s*(?:else|elif|except|finally|case)\b")


def indent_repairs(text: str, tokens: list[Token], error: tuple[int, int, str]) -> Iterator[Repair]:
    """Other indentations of the line of an error (start, end, message), and of the line before it."""
    lines = _Code(text, tokens)
    line = lines.position(error[0]).line
    if not _INDENTATION.search(error[2]) and not _CLAUSE.match(lines.line(line)):
        return
    before = _written(lines, line, -1)
    for at in (line, before):
        if at is not None:
            yield from _moved(lines, at, away=line - at)
    if before is not None and "expected an indented block" in error[2].lower():
        margin = _margin(lines, before) + lines.step
        newline = "\r\n" if "\r\n" in text else "\n"
        end = lines.content_end(before)
        yield Repair(end, end, f"{newline}{margin}pass", "Insert `pass`", 3)


class _Code(LineIndex):
    """Lines, of which some are the inside of a string that began above: their margins are no indentation."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        super().__init__(text)
        self.inside: set[int] = set()
        for token in tokens:
            if "\n" in token.text and "comment" not in token.kind:
                first, last = (self.position(place).line for place in (token.start, token.end))
                self.inside.update(range(first + 1, last + 1))
        self.step = _step_of(self)


def _moved(lines: _Code, line: int, *, away: int) -> Iterator[Repair]:
    """The line, or it and what is indented as deeply below it, at each level that the lines around it know."""
    own = _margin(lines, line)
    block = _block_end(lines, line)
    for margin in _levels(lines, line):
        if margin == own:
            continue
        cost = _cost(own, margin, lines.step) + (1 if away else 0)
        verb = "Indent" if _columns(margin) > _columns(own) else "Dedent"
        start = lines.start(line)
        yield Repair(start, start + len(own), margin, f"{verb} line {line + 1}", cost)
        if block > line:
            moved = "".join(
                _line(lines, each)
                if not lines.line(each).strip() or each in lines.inside
                else margin + _line(lines, each)[len(own) :]
                for each in range(line, block + 1)
            )
            end = lines.start(block + 1)
            yield Repair(start, end, moved, f"{verb} lines {line + 1} to {block + 1}", cost + 3)


def _cost(own: str, margin: str, step: str) -> int:
    """How unusual a slip is: a space too many or too few, a whole step; a margin of no level is surely the slip."""
    far, whole = abs(_columns(margin) - _columns(own)), _columns(step)
    cost = 0 if far == 1 else 1 if far in (2, whole) else 2 if far == 3 else 3
    return cost - (2 if _columns(own) % whole and not _columns(margin) % whole else 0)


def _levels(lines: _Code, line: int) -> list[str]:
    """Indentations that the line may have meant: of the open blocks above it, of its neighbours, one step deeper."""
    found: dict[str, None] = {}
    above = _written(lines, line, -1)
    if above is not None:
        found[_margin(lines, above)] = None
        if lines.line(above).partition("#")[0].rstrip().endswith(":"):
            found[_margin(lines, above) + lines.step] = None
    if (below := _written(lines, line, 1)) is not None:
        found[_margin(lines, below)] = None
    least = _columns(_margin(lines, above)) if above is not None else 0
    at = above
    while at is not None and least > 0 and len(found) < MOST_LEVELS:
        at = _written(lines, at, -1)
        if at is not None and _columns(_margin(lines, at)) < least:
            found[_margin(lines, at)] = None
            least = _columns(_margin(lines, at))
    return list(found)


def _block_end(lines: _Code, line: int) -> int:
    """The last of the lines that are indented at least as deeply, from `line` on without a gap in depth."""
    own = _columns(_margin(lines, line))
    last = line
    for each in range(line + 1, min(len(lines), line + MOST_BLOCK)):
        if not lines.line(each).strip() or each in lines.inside:
            last = each if each in lines.inside else last
            continue
        if _columns(_margin(lines, each)) < own:
            break
        last = each
    return last


def _written(lines: _Code, line: int, step: int) -> int | None:
    """The next line with code on it, up or down."""
    at = line + step
    while 0 <= at < len(lines):
        content = lines.line(at).strip()
        if content and not content.startswith("#") and at not in lines.inside:
            return at
        at += step
    return None


def _step_of(lines: _Code) -> str:
    """One step of indentation as most blocks of the text have it."""
    found: Counter[str] = Counter()
    for line in range(len(lines) - 1):
        if lines.line(line).rstrip().endswith(":") and line not in lines.inside:
            above, below = _margin(lines, line), _margin(lines, line + 1)
            if below.startswith(above) and len(below) > len(above):
                found[below[len(above) :]] += 1
    return found.most_common(1)[0][0] if found else "    "


def _margin(lines: LineIndex, line: int) -> str:
    content = lines.line(line)
    return content[: len(content) - len(content.lstrip(" \t\f"))]


def _columns(margin: str) -> int:
    return len(margin.expandtabs(8))


def _line(lines: LineIndex, line: int) -> str:
    """A line with its ending."""
    return lines.line(line) + _ending(lines, line)


def _ending(lines: LineIndex, line: int) -> str:
    size = lines.start(line + 1) - lines.content_end(line)
    return "\r\n" if size == 2 else "\n" if size == 1 else ""
