"""What turns the indentation that a model wrote into the file's.

Owns one question: by which single rule do the white spaces before the lines of a SEARCH text become those of the file?
The same rule then holds for the REPLACE text. Lines without text take no part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from zicoder.complete.hole import indent_of

__all__ = ["Reindent", "fit", "keep"]

Reindent: TypeAlias = Callable[[Sequence[str]], list[str] | None]
"""The lines of a REPLACE text as the file indents them, None where the rule does not fit them."""

UNITS = ("\t", "    ", "  ", "        ", "   ")
"""One level of indentation, the usual ones first."""


def keep(lines: Sequence[str]) -> list[str]:
    """The rule that changes nothing."""
    return list(lines)


def fit(pairs: Sequence[tuple[str, str]]) -> Reindent | None:
    """The rule for pairs of a SEARCH line and the file's line, which have the same text; None when there is none.

    Tried in this order: nothing to do; the same white space more, or less, before every line; levels of another unit,
    tabs against spaces or two against four; only the first line, whose indentation a model drops easily.
    """
    indents = [(indent_of(ours), indent_of(theirs)) for ours, theirs in pairs if ours.strip()]
    if all(ours == theirs for ours, theirs in indents):
        return keep
    return _more(indents) or _less(indents) or _other_unit(indents) or _first_line(indents)


def _more(indents: Sequence[tuple[str, str]]) -> Reindent | None:
    ours, theirs = indents[0]
    added = theirs[: len(theirs) - len(ours)]
    if not added or any(theirs != added + ours for ours, theirs in indents):
        return None
    return lambda lines: [added + line if line.strip() else line for line in lines]


def _less(indents: Sequence[tuple[str, str]]) -> Reindent | None:
    ours, theirs = indents[0]
    surplus = ours[: len(ours) - len(theirs)]
    if not surplus or any(ours != surplus + theirs for ours, theirs in indents):
        return None

    def reindent(lines: Sequence[str]) -> list[str] | None:
        if any(line.strip() and not line.startswith(surplus) for line in lines):
            return None
        return [line.removeprefix(surplus) if line.strip() else line for line in lines]

    return reindent


def _other_unit(indents: Sequence[tuple[str, str]]) -> Reindent | None:
    fits: list[tuple[int, str, str]] = []
    for ours_unit in UNITS:
        for theirs_unit in UNITS:
            levels = [(_level(ours, ours_unit), _level(theirs, theirs_unit)) for ours, theirs in indents]
            deeper = {theirs - ours for ours, theirs in levels if ours is not None and theirs is not None}
            if ours_unit != theirs_unit and len(deeper) == 1 and all(None not in pair for pair in levels):
                fits.append((deeper.pop(), ours_unit, theirs_unit))
    if not fits:
        return None
    deeper, ours_unit, theirs_unit = min(fits, key=lambda found: abs(found[0]))

    def reindent(lines: Sequence[str]) -> list[str] | None:
        made: list[str] = []
        for line in lines:
            indent = indent_of(line)
            whole = len(indent) - len(indent.lstrip(ours_unit[0]))
            level = whole // len(ours_unit) + deeper
            if line.strip() and level < 0:
                return None
            rest = indent[whole - whole % len(ours_unit) :]
            made.append(theirs_unit * level + rest + line[len(indent) :] if line.strip() else line)
        return made

    return reindent


def _level(indent: str, unit: str) -> int | None:
    level, rest = divmod(len(indent), len(unit))
    return None if rest or indent != unit * level else level


def _first_line(indents: Sequence[tuple[str, str]]) -> Reindent | None:
    ours, theirs = indents[0]
    if any(other != their_other for other, their_other in indents[1:]) or len(indents) < 2:
        return None

    def reindent(lines: Sequence[str]) -> list[str] | None:
        made = list(lines)
        first = next((n for n, line in enumerate(made) if line.strip()), None)
        if first is not None and indent_of(made[first]) == ours:
            made[first] = theirs + made[first][len(ours) :]
        return made

    return reindent
