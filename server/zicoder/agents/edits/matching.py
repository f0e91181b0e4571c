"""Where in a file the SEARCH text of a block stands: a ladder of steps, each named by what it forgives.

Owns the steps that compare whole lines; the last one, which measures likeness, is `fuzzy`'s. A step that finds several
places ends the search: what is more tolerant would only find more of them. Pure functions over lines without line ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from zicoder.agents.edits.document import BOM
from zicoder.agents.edits.indentation import Reindent, fit, keep

__all__ = ["Found", "Place", "Step", "find"]

Step = str
"""What was forgiven: "" for nothing, else words that complete "found by forgiving …"."""

MOST_PLACES = 50
"""Places after which it makes no difference how many there are."""

_NUMBERED = re.compile(r"[ \t]*(\d{1,7})([ \t]*[:|│→][ \t]?|\t|\)[ \t])(.*)", re.DOTALL)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#34;": '"', "&#39;": "'", "&apos;": "'", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES))
_ESCAPED_QUOTE = re.compile(r"\\([\"'`])")
_ESCAPED = re.compile(r"\\([\"'`\\/])")


@dataclass(frozen=True, slots=True)
class Place:
    """One stretch of the file that a SEARCH text may mean."""

    start: int
    end: int
    """Lines of the file, half-open, zero-based."""
    pairs: tuple[int | None, ...]
    """For each line of the SEARCH text the line of the file that it is, None for a blank one that the file lacks."""
    reindent: Reindent


@dataclass(frozen=True, slots=True)
class Found:
    """What a step found: one place, or several."""

    step: Step
    places: tuple[Place, ...]
    search: tuple[str, ...]
    replace: tuple[str, ...]
    """The two texts of the block as the step reads them: without line numbers, unescaped."""
    line: int | None = None
    """One-based, where the SEARCH text has line numbers: the first of them."""


def find(lines: Sequence[str], search: Sequence[str], put: Sequence[str]) -> Found | None:
    """The first step of the ladder that finds the SEARCH text in the lines of a file; None when none does.

    `lines` are those of the file without its byte order mark. Steps, in order: nothing; a byte order mark; white space
    at the ends of lines; indentation; blank lines; then the same again without copied line numbers, with HTML entities
    read, with quotes unescaped.
    """
    for step, seen, written, line in _views(search, put):
        if any(text.strip() for text in seen):
            inner, places = _steps(lines, seen)
            if places:
                both = ", ".join(name for name in (step, inner) if name)
                return Found(both, tuple(places), tuple(seen), tuple(written), line)
    return None


def _views(search: Sequence[str], put: Sequence[str]) -> Iterator[tuple[Step, list[str], list[str], int | None]]:
    """The two texts as they are, then as they are without what models add to them."""
    views: list[tuple[Step, Sequence[str], Sequence[str], int | None]] = [("", search, put, None)]
    if search and search[0].startswith(BOM):
        views.append(("a byte order mark", _without_bom(search), _without_bom(put), None))
    if numbered := _without_numbers(search):
        first, seen = numbered
        rest = _without_numbers(put, ascending=False)
        views.append(("line numbers", seen, rest[1] if rest else put, first))
    for step, unescape in _UNESCAPES:
        seen = [unescape(line) for line in search]
        if seen != list(search):
            views.append((step, seen, [unescape(line) for line in put], None))
    for step, seen, written, line in views:
        yield step, list(seen), list(written), line


_UNESCAPES: tuple[tuple[Step, Callable[[str], str]], ...] = (
    ("HTML entities", lambda line: _ENTITY.sub(lambda match: _ENTITIES[match.group()], line)),
    ("escaped quotes", lambda line: _ESCAPED_QUOTE.sub(r"\1", line)),
    ("escaped quotes", lambda line: _ESCAPED.sub(r"\1", line)),
)


def _without_bom(lines: Sequence[str]) -> list[str]:
    return [lines[0].removeprefix(BOM), *lines[1:]] if lines else []


def _without_numbers(lines: Sequence[str], *, ascending: bool = True) -> tuple[int, list[str]] | None:
    """The first number, and the lines without them, if each line with text begins with one."""
    matches = [_NUMBERED.fullmatch(line) for line in lines]
    numbers = [int(match.group(1)) for match in matches if match]
    if not numbers or any(line.strip() and not match for line, match in zip(lines, matches, strict=True)):
        return None
    if ascending and any(after != before + 1 for before, after in pairwise(numbers)):
        return None
    return numbers[0], [match.group(3) if match else "" for match in matches]


def _steps(lines: Sequence[str], search: Sequence[str]) -> tuple[Step, list[Place]]:
    size = len(search)
    if starts := _occurrences(lines, search):
        return "", [_straight(start, size, keep) for start in starts]
    ours, theirs = [line.rstrip() for line in search], [line.rstrip() for line in lines]
    if starts := _occurrences(theirs, ours):
        return "white space at line ends", [_straight(start, size, keep) for start in starts]
    ours, theirs = [line.strip() for line in search], [line.strip() for line in lines]
    places = [
        _straight(start, size, rule)
        for start in _occurrences(theirs, ours)
        if (rule := fit(list(zip(search, lines[start : start + size], strict=True))))
    ]
    if places:
        return "indentation", places
    return _among_blank_lines(lines, search)


def _straight(start: int, size: int, reindent: Reindent) -> Place:
    return Place(start, start + size, tuple(range(start, start + size)), reindent)


def _occurrences(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where `wanted` begins in `lines`, at most MOST_PLACES. Looked for by the rarest of its lines."""
    if not wanted or len(wanted) > len(lines):
        return []
    counts = Counter(lines)
    anchor = min(range(len(wanted)), key=lambda at: counts[wanted[at]])
    rare, size, wanted = wanted[anchor], len(wanted), list(wanted)
    found: list[int] = []
    if counts[rare]:
        for at, line in enumerate(lines):
            start = at - anchor
            if line == rare and start >= 0 and list(lines[start : start + size]) == wanted:
                found.append(start)
                if len(found) == MOST_PLACES:
                    break
    return found


def _among_blank_lines(lines: Sequence[str], search: Sequence[str]) -> tuple[Step, list[Place]]:
    """Compare only lines with text, with the same ends or, failing that, with another indentation."""
    ours = [at for at, line in enumerate(search) if line.strip()]
    theirs = [at for at, line in enumerate(lines) if line.strip()]
    size = len(ours)
    by_ends = _occurrences([lines[at].rstrip() for at in theirs], [search[at].rstrip() for at in ours])
    if by_ends:
        return "blank lines", [_gapped(lines, search, ours, theirs[at : at + size], keep) for at in by_ends]
    places: list[Place] = []
    for at in _occurrences([lines[at].strip() for at in theirs], [search[at].strip() for at in ours]):
        chosen = theirs[at : at + size]
        if rule := fit([(search[a], lines[b]) for a, b in zip(ours, chosen, strict=True)]):
            places.append(_gapped(lines, search, ours, chosen, rule))
    return "blank lines, indentation", places


def _gapped(
    lines: Sequence[str], search: Sequence[str], ours: Sequence[int], theirs: Sequence[int], reindent: Reindent
) -> Place:
    """Pair the lines with text, then the blank lines between them as far as there are as many."""
    pairs: list[int | None] = [None] * len(search)
    for a, b in zip(ours, theirs, strict=True):
        pairs[a] = b
    for a, b, next_a, next_b in zip(ours, theirs, (*ours[1:], len(search)), (*theirs[1:], len(lines)), strict=True):
        for step in range(1, min(next_a - a, next_b - b)):
            if lines[b + step].strip():
                break
            pairs[a + step] = b + step
    for step in range(1, ours[0] + 1):
        if theirs[0] - step < 0 or lines[theirs[0] - step].strip():
            break
        pairs[ours[0] - step] = theirs[0] - step
    known = [pair for pair in pairs if pair is not None]
    return Place(known[0], known[-1] + 1, tuple(pairs), reindent)
