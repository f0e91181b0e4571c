"""Whether a suggestion brings back what the user has just taken away.

The caller remembers what was deleted, and for how long that counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from zicoder.complete.blocks import line_key
from zicoder.text import common_prefix

__all__ = ["MOST_CHARS", "undoes"]

MIN_CHARS = 4
"""Characters of code below which a deletion says nothing: a slip of the finger."""
MOST_CHARS = 4_000
NEARLY = 0.9
"""Share of a deletion that a suggestion must bring back, from its start, to undo it."""


def undoes(deleted: Sequence[str], text: str) -> bool:
    """Whether `text` inserts again one of the texts that were deleted a moment ago, white space aside.

    It does when it starts with the deleted text, with nearly all of it, or is itself most of its beginning. A deletion
    that the suggestion merely contains further on, or begins like and then leaves, is no undoing: somebody who deletes
    `name)` may want `name, other)`.
    """
    shown = line_key(text[:MOST_CHARS])
    return any(_brings_back(line_key(gone[:MOST_CHARS]), shown) for gone in deleted)


def _brings_back(gone: str, shown: str) -> bool:
    if len(gone) < MIN_CHARS or len(shown) < MIN_CHARS:
        return False
    common = common_prefix(gone, shown)
    if common == len(gone):
        return True
    if common == len(shown):
        return 2 * len(shown) >= len(gone)
    return common >= NEARLY * len(gone)
