"""The lines that a block leaves in the place of those that it found.

Owns one rule: a line that the REPLACE text has in common with the SEARCH text stays as it is in the file, byte by byte,
however the model wrote it. Only what the model changed is written anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from zicoder.agents.edits.document import BOM, Document, Line
from zicoder.agents.edits.matching import Place
from zicoder.text import common_prefix

__all__ = ["kept_lines", "rewritten"]

MOST_COMPARED = 1_000
"""Changed lines of a block, old and new, between which common lines are looked for."""


def rewritten(document: Document, place: Place, search: Sequence[str], put: Sequence[str]) -> Document | None:
    """The document after the block; None when the REPLACE text does not fit the place.

    It does not when its indentation goes below that of the file, or when lines of the file that the SEARCH text leaves
    out stand between lines that it takes away: nobody knows what shall become of them.
    """
    written = place.reindent(put)
    if written is None:
        return None
    if written and place.start == 0 and document.bom:
        written[0] = written[0].removeprefix(BOM)
    old = document.lines
    default = document.end_near(place.end)
    owned = _owned(place)
    made: list[Line] = []
    kept = kept_lines(search, put)
    # Lines of the file above the first pair belong to nobody, so there are none: a place begins with a pair.
    for start, end, put_start, put_end in _stretches(kept, len(search), len(put)):
        taken = [pair for at in range(start, end) if (pair := place.pairs[at]) is not None]
        between = [line for at in range(start, end) for line in owned[at]]
        survives = end - 1 in kept or (end < len(search) and end in kept)
        if end - start == 1 and start in kept:
            made += [old[at] for at in taken + between]
            continue
        inner = [line for at in range(start, end - 1) for line in owned[at]]
        last = owned[end - 1] if end > start else []
        if any(old[at].body.strip() for at in inner) or (not survives and any(old[at].body.strip() for at in last)):
            return None
        ends = [old[at].end for at in taken]
        for number, text in enumerate(written[put_start:put_end]):
            made.append(Line(text, (ends[number] if number < len(ends) else "") or default))
        made += [old[at] for at in last if old[at].body.strip()]
    return document.with_lines(place.start, place.end, made)


def kept_lines(search: Sequence[str], put: Sequence[str]) -> dict[int, int]:
    """Lines of the SEARCH text that the REPLACE text repeats, and where."""
    head = common_prefix(search, put)
    tail = 0
    while tail < min(len(search), len(put)) - head and search[-1 - tail] == put[-1 - tail]:
        tail += 1
    kept = {at: at for at in range(head)}
    ours, theirs = search[head : len(search) - tail], put[head : len(put) - tail]
    if len(ours) + len(theirs) <= MOST_COMPARED:
        for a, b, size in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
            kept |= {head + a + n: head + b + n for n in range(size)}
    return kept | {len(search) - n: len(put) - n for n in range(1, tail + 1)}


def _stretches(kept: dict[int, int], size: int, put_size: int) -> Iterator[tuple[int, int, int, int]]:
    """The block in order: each kept line alone, and the changed stretches between them."""
    at = put_at = 0
    for a, b in [*sorted(kept.items()), (size, put_size)]:
        if at < a or put_at < b:
            yield at, a, put_at, b
        if a < size:
            yield a, a + 1, b, b + 1
        at, put_at = a + 1, b + 1


def _owned(place: Place) -> list[list[int]]:
    """For each line of the SEARCH text the lines of the file after it that it leaves out."""
    owned: list[list[int]] = [[] for _ in place.pairs]
    known = [(at, pair) for at, pair in enumerate(place.pairs) if pair is not None]
    for (at, pair), (_, following) in pairwise(known):
        owned[at] = list(range(pair + 1, following))
    return owned
