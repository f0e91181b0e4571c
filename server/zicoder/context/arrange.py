"""Which pieces go into the context, and in which order. Pure functions.

The order serves the KV cache of the model: what was in the previous context and is still wanted, or still has room,
keeps its place, so that the prompt stays the same from its beginning for as long as it can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from zicoder.context.place import Place, distinct_lines
from zicoder.context.sources import Piece
from zicoder.context.window import CHARS_PER_TOKEN

__all__ = ["ORDER", "WEIGHTS", "arrange", "choose", "cost"]

WEIGHTS: Mapping[str, float] = {
    "outline": 1.0,
    "definitions": 0.8,
    "similar": 0.8,
    "own": 1.0,
    "open": 0.6,
    "edits": 0.8,
}
"""How much a piece of each source is worth beside one of another."""
ORDER = ("outline", "definitions", "open", "own", "similar", "edits")
"""In the prompt: what changes most often comes last, and so does what is nearest to what is being written."""
LAST = ORDER[-1]
SEEN = 0.5
"""Share of a piece's lines that the surroundings of the cursor have already, from which on it is left out: a small
model would only say the same again."""
SAME = 0.7
"""The same for a better piece."""
PIECE_CHARS = int(240 * CHARS_PER_TOKEN)
"""Longest part of one piece: the head is kept."""
LOYALTY = 1.25
"""How much more a piece is worth that the previous context has."""
HEADER_TOKENS = 8
"""What the path of a part takes; each line takes one more, as a comment."""


def choose(
    place: Place,
    pieces: Sequence[Piece],
    budget: int,
    *,
    previous: Sequence[Piece] = (),
    weights: Mapping[str, float] = WEIGHTS,
) -> list[Piece]:
    """The best pieces of all sources within `budget` tokens, each once, cut to size, best first.

    Those of the previous context are worth a little more: a prompt that changes must be evaluated again.
    """
    known = {piece.key for piece in previous}
    candidates = [cut for piece in pieces if weights.get(piece.source, 0.0) > 0 and (cut := _cut(piece)).text]
    worth = [weights[p.source] * p.score * (LOYALTY if p.key in known else 1.0) for p in candidates]
    ranked = sorted(zip(worth, candidates, strict=True), key=lambda r: (-r[0], r[1].path, r[1].start))
    chosen: list[Piece] = []
    shown: list[frozenset[str]] = []
    left = budget
    for _, piece in ranked:
        lines = distinct_lines(piece.text)
        if cost(piece) > left or not lines or _share(lines, place.around) >= SEEN:
            continue
        if any(_same(piece, lines, *other) for other in zip(chosen, shown, strict=True)):
            continue
        chosen.append(piece)
        shown.append(lines)
        left -= cost(piece)
    return chosen


def arrange(previous: Sequence[Piece], chosen: Sequence[Piece], place: Place, budget: int) -> tuple[Piece, ...]:
    """The chosen pieces in an order near the previous one.

    Previous ones keep their places. New ones come behind them, by source, the best last. A previous piece that is not
    chosen any more stays while there is room; when there is none, the last one goes first. Recent edits are no part of
    that: they are always last.
    """
    wanted = {piece.key: piece for piece in chosen if piece.source != LAST}
    room = budget - sum(map(cost, chosen))
    kept: list[Piece] = []
    for piece in previous:
        if piece.key in wanted:
            kept.append(wanted.pop(piece.key))
        elif piece.source != LAST and _may_stay(piece, place, chosen):
            room -= cost(piece)
            if room >= 0:
                kept.append(piece)
    new = [*wanted.values(), *(piece for piece in chosen if piece.source == LAST)]
    new.sort(key=lambda piece: (ORDER.index(piece.source), piece.score))
    return (*kept, *new)


def cost(piece: Piece) -> int:
    """Tokens that a piece takes, about."""
    return HEADER_TOKENS + piece.text.count("\n") + 1 + int(len(piece.text) / CHARS_PER_TOKEN)


def _may_stay(piece: Piece, place: Place, chosen: Sequence[Piece]) -> bool:
    """Whether a piece of the previous context does no harm here."""
    lines = distinct_lines(piece.text)
    if place.is_own(piece.path) or _share(lines, place.around) >= SEEN:
        return False
    return not any(_same(piece, lines, other, distinct_lines(other.text)) for other in chosen)


def _cut(piece: Piece) -> Piece:
    """The head of a piece, whole lines. Always the same one, so that the piece is known again."""
    text = piece.text.strip("\n")
    if len(text) > PIECE_CHARS:
        text = text[: max(0, text.rfind("\n", 0, PIECE_CHARS))]
    return replace(piece, text=text)


def _same(piece: Piece, lines: frozenset[str], other: Piece, others: frozenset[str]) -> bool:
    """Whether another piece shows the same lines of one file, or much the same text."""
    if _share(lines, others) >= SAME:
        return True
    if piece.path != other.path or min(piece.start, other.start) < 0 or LAST in (piece.source, other.source):
        return False
    return piece.start < other.end and other.start < piece.end


def _share(lines: frozenset[str], others: frozenset[str]) -> float:
    """The share of the lines that others have, too."""
    return len(lines & others) / len(lines) if lines else 0.0
