"""Which one of several places in a file a block means, and what to tell a model whose text is not there.

Owns the choice among places, and the sentences about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zicoder.agents.edits.blocks import Block, Reading
from zicoder.agents.edits.document import Document
from zicoder.agents.edits.fuzzy import Likeness, is_sure, most_alike
from zicoder.agents.edits.matching import Found, Place, find
from zicoder.agents.edits.rewriting import kept_lines

__all__ = ["Located", "locate"]

SHOWN_LINES = 12
SHOWN_PLACES = 6
WORTH_SHOWING = 0.2
"""Likeness below which the nearest lines are of no help."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a block applies."""

    place: Place
    reading: Reading
    """The texts as the step reads them."""
    step: str
    """What was forgiven, "" for nothing."""
    score: float = 1.0
    """How like the texts are, from 0 to 1."""


def locate(document: Document, block: Block, path: str, near: int | None, *, by_likeness: bool = True) -> Located | str:
    """The one place that a block means, or a sentence that says why there is none.

    `near`: the one-based line of the selection. Of several places only one that no block has written counts, then the
    one nearest to the line that the block names, then the one nearest to the selection.
    """
    lines = [line.body for line in document.lines]
    found = [(hit, reading) for reading in block.readings if (hit := find(lines, reading.search, reading.replace))]
    if found:
        least = min(found, key=lambda pair: (bool(pair[0].step), -len(pair[1].search)))
        return _only(document, least[0], path, (block.line, least[0].line, near))
    by_likeness = by_likeness and len(block.readings) == 1
    likeness = most_alike(lines, block.readings[0].search) if by_likeness else None
    if likeness and (located := _by_likeness(document, likeness, block.readings[0])):
        return located
    return f"The SEARCH text does not occur in `{path}`{_nearest(lines, likeness)}"


def _by_likeness(document: Document, likeness: Likeness, reading: Reading) -> Located | None:
    changed = set(range(len(reading.search))) - kept_lines(reading.search, reading.replace).keys()
    if not is_sure(likeness, reading.search, changed):
        return None
    place = likeness.place
    if any(document.lines[at].origin is None for at in range(place.start, place.end)):
        return None
    return Located(place, reading, f"differences in the text ({likeness.score:.0%} alike)", likeness.score)


def _only(document: Document, found: Found, path: str, hints: Sequence[int | None]) -> Located | str:
    places = list(found.places)
    if len(places) > 1:
        untouched = [
            place for place in places
            if all(document.lines[at].origin is not None for at in range(place.start, place.end))
        ]  # fmt: skip
        places = untouched or places
    for hint in hints:
        if len(places) > 1 and hint is not None:
            places = _nearest_to(document, places, hint - 1)
    if len(places) == 1:
        return Located(places[0], Reading(found.search, found.replace), found.step or _endings(document, places[0]))
    at = [_line(document, place.start) + 1 for place in places]
    shown = ", ".join(map(str, at[:SHOWN_PLACES])) + (", …" if len(at) > SHOWN_PLACES else "")
    return (
        f"The SEARCH text occurs {len(at)} times in `{path}`, at lines {shown}: add more of the lines around it,"
        " so that it occurs once."
    )


def _nearest_to(document: Document, places: Sequence[Place], line: int) -> list[Place]:
    def far(place: Place) -> int:
        first, last = _line(document, place.start), _line(document, place.end - 1)
        return max(first - line, line - last, 0)

    least = min(map(far, places))
    return [place for place in places if far(place) == least]


def _line(document: Document, at: int) -> int:
    """The number that a line had before any block was applied, which is the one that the model saw."""
    for before in range(at, -1, -1):
        origin = document.lines[before].origin
        if origin is not None:
            return origin + at - before
    return at


def _endings(document: Document, place: Place) -> str:
    """What an exact match forgave nevertheless: blocks have \\n and no byte order mark."""
    if any(line.end not in ("\n", "") for line in document.lines[place.start : place.end]):
        return "line endings"
    return "a byte order mark" if document.bom and place.start == 0 else ""


def _nearest(lines: Sequence[str], likeness: Likeness | None) -> str:
    """The rest of a sentence: what in the file is most like the SEARCH text, for a model to copy."""
    if likeness is None or likeness.score < WORTH_SHOWING:
        return ": copy the lines to change exactly as they stand in the file."
    at = next(n for n, pair in enumerate(likeness.place.pairs) if pair is not None)
    start = max(0, likeness.place.start - at)
    end = min(len(lines), max(likeness.place.end, start + len(likeness.place.pairs)), start + SHOWN_LINES)
    shown = "\n".join(line[:200] for line in lines[start:end])
    named = f"line is {start + 1}" if end - start == 1 else f"lines are {start + 1}-{end}"
    return f"; the nearest {named}:\n{shown}"
