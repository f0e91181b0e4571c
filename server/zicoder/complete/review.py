"""What of a filtered suggestion may be shown: whether it parses, whether its names exist, whether it undoes a deletion.

Pure but for the grammars it loads at first use. Never raises; what cannot be judged passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zicoder.complete.hole import Hole
from zicoder.complete.names import unknown_names
from zicoder.complete.parses import valid_part
from zicoder.complete.recency import undoes
from zicoder.text import LINE_END

__all__ = ["UNDOES", "Review", "review"]

UNDOES = "It would have brought back what was deleted a moment ago."


@dataclass(frozen=True, slots=True)
class Review:
    """What is left of a suggestion, and why the rest is gone."""

    text: str
    note: str = ""
    """A sentence when something was taken away."""
    unknown: tuple[int, str] | None = None
    """Offset and name of the first name in the suggestion as it came that nothing defines."""


def review(text: str, hole: Hole, deleted: Sequence[str] = ()) -> Review:
    """Judge a suggestion for the hole; `deleted` are texts that the user took away there a moment ago."""
    if not text:
        return Review("")
    if undoes(deleted, text):
        return Review("", UNDOES)
    sound = valid_part(hole, text)
    note = "" if sound == text else "What would have broken the syntax was cut off."
    unknown = unknown_names(hole, sound) if hole.language == "python" else []
    if not unknown:
        return Review(sound, note)
    kept = _lines_before(sound, unknown[0][0])
    reason = f"Nothing defines the name `{unknown[0][1]}`."
    return Review(valid_part(hole, kept) if kept else "", reason, unknown[0])


def _lines_before(text: str, at: int) -> str:
    """The whole lines of the text before the one that holds `at`."""
    ends = [match.start() for match in LINE_END.finditer(text, 0, at)]
    return text[: ends[-1]].rstrip() if ends else ""
