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


@dataclass(frozen=True, slots=True)
class Window:
    """Text before and after the cursor, cut to budget."""

    prefix: str
    suffix: str


def window_at(snapshot: Snapshot, offset: int, *, prefix_tokens: int, suffix_tokens: int) -> Window:
    """Cut the document around `offset`, at line starts, to about the given numbers of tokens.

    A line that alone is over budget is cut in the middle: a minified file must not flood the prompt.
    """
    text, lines = snapshot.text, snapshot.lines
    cursor = lines.position(offset).line
    head_budget, tail_budget = int(prefix_tokens * CHARS_PER_TOKEN), int(suffix_tokens * CHARS_PER_TOKEN)

    start = 0
    if offset > head_budget:
        first = lines.position(offset - head_budget).line + 1
        first = -(-first // HEAD_STEP) * HEAD_STEP  # round up to a multiple: the start stays put for that many lines
        if first > cursor:
            first = lines.position(offset - head_budget).line + 1
        start = lines.start(first) if first <= cursor else offset - head_budget

    end = len(text)
    if end - offset > tail_budget:
        last = lines.position(offset + tail_budget).line // TAIL_STEP * TAIL_STEP
        if last <= cursor:
            last = lines.position(offset + tail_budget).line
        end = lines.start(last) if last > cursor else offset + tail_budget
    return Window(prefix=text[start:offset], suffix=text[offset:end])
