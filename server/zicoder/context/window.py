"""The part of the current file that goes into an infill prompt.

Both ends of the window move in steps of whole blocks of lines, not with every keystroke: a prompt whose first tokens
change finds nothing in the KV cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from zicoder.text import Snapshot

__all__ = ["Window", "window_at"]

CHARS_PER_TOKEN = 3.2
"""Code in the languages tried gives 3 to 4 characters a token; a low figure keeps the budget."""
HEAD_STEP = 32
"""Lines by which the window's start moves."""
TAIL_STEP = 8
"""Lines by which the window's end moves."""


NEAR_PREFIX_TOKENS, NEAR_SUFFIX_TOKENS = 128, 40
"""The part next to the cursor that a slow machine evaluates first: about a screenful."""
NEAR_STEP = 4
"""Lines by which both ends of the near part move."""


@dataclass(frozen=True, slots=True)
class Window:
    """Text before and after the cursor, cut to budget, and how much of it, next to the cursor, is the near part."""

    prefix: str
    suffix: str
    near_prefix: int
    near_suffix: int


def window_at(snapshot: Snapshot, offset: int, *, prefix_tokens: int, suffix_tokens: int) -> Window:
    """Cut the document around `offset`, at line starts, to about the given numbers of tokens.

    A line that alone is over budget is cut in the middle: a minified file must not flood the prompt.
    """
    start = _start(snapshot, offset, int(prefix_tokens * CHARS_PER_TOKEN), HEAD_STEP)
    end = _end(snapshot, offset, int(suffix_tokens * CHARS_PER_TOKEN), TAIL_STEP)
    near_start = _start(snapshot, offset, int(NEAR_PREFIX_TOKENS * CHARS_PER_TOKEN), NEAR_STEP)
    near_end = _end(snapshot, offset, int(NEAR_SUFFIX_TOKENS * CHARS_PER_TOKEN), NEAR_STEP)
    return Window(
        prefix=snapshot.text[start:offset],
        suffix=snapshot.text[offset:end],
        near_prefix=offset - max(start, near_start),
        near_suffix=min(end, near_end) - offset,
    )


def _start(snapshot: Snapshot, offset: int, budget: int, step: int) -> int:
    """Where text before the cursor begins: at a line that is a multiple of `step`, so that it stays put for a while."""
    if offset <= budget:
        return 0
    lines = snapshot.lines
    cursor = lines.position(offset).line
    first = lines.position(offset - budget).line + 1
    step = _step(step, cursor - first)
    if (rounded := -(-first // step) * step) <= cursor:
        first = rounded
    return lines.start(first) if first <= cursor else offset - budget


def _end(snapshot: Snapshot, offset: int, budget: int, step: int) -> int:
    """Where text after the cursor ends, likewise."""
    if len(snapshot.text) - offset <= budget:
        return len(snapshot.text)
    lines = snapshot.lines
    cursor = lines.position(offset).line
    last = lines.position(offset + budget).line
    if (rounded := last // step * step) > cursor:
        last = rounded
    return lines.start(last) if last > cursor else offset + budget


def _step(most: int, lines: int) -> int:
    """A power of two, so that one grid lies within the other: at most half of the lines there are."""
    return min(most, 1 << (lines // 2).bit_length() - 1) if lines >= 2 else 1
