"""How long to wait for a pause in typing before the model is asked, from the user's rhythm and the model's speed.

A model that is asked at every keystroke of a burst works for nothing: its answer comes when the text is another one.
One that is asked late shows its answer late. The rule between the two: ask as soon as it is likely enough that the user
stays still until the answer can be read. Gaps between keystrokes have a long tail, so the longer somebody has been
still, the longer they are likely to stay so; after a short wait the condition is met. With a model that is quick
compared with the gaps it is met at once. People stop between words much more often than within them, so that the two
kinds of gaps are kept apart: that alone saves more calls than any choice of the constants below.

Pure: the caller says what time it is. Must never sleep, nor keep what was typed.
"""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections import deque

__all__ = ["Rhythm"]

GAPS = 60
"""Gaps of each kind that are remembered: the last minute or so of typing."""
LONGEST_GAP_S = 3.0
"""A longer break says only that nobody typed, which this length says as well."""
ANSWERS = 15
"""Answers of the model whose median counts: a few, since its speed changes with the load of the machine."""
FIRST_ANSWER_S = 0.25
"""What an answer is expected to take before there was one."""
GLANCE_S = 0.15
"""How long a suggestion must stand to have been of any use."""
LIKELY = 0.2
"""Least chance that the user stays still until then for the model to be asked. In `tests/bench/gate.py` a lower one
costs many more calls in vain and a higher one shows suggestions later, both for little."""
SHORTEST_S = 0.02
"""Editors send the messages of one keystroke in a burst; asking between two of them is always in vain."""

TARGET_S, BETWEEN_WORDS_S = 0.45, 0.06
"""Behind a word, where suggestions are wanted most and keys are few, the wait leaves the model the time that it needs
to answer this soon after the keystroke, and is never made shorter than the second figure for it."""

_USUAL = (0.09, 0.12, 0.14, 0.16, 0.17, 0.19, 0.2, 0.22, 0.24, 0.27, 0.3, 0.35, 0.45, 0.8, 1.5, 3.0)
"""Gaps of an ordinary typist, in seconds, that stand in until there are real ones."""


class Rhythm:
    """The recent gaps between keystrokes, the recent times of answers, and the pause that follows from them."""

    def __init__(self) -> None:
        self._gaps = {within: deque(_USUAL, maxlen=GAPS) for within in (True, False)}
        self._answers_s: deque[float] = deque(maxlen=ANSWERS)
        self._last_s: float | None = None
        self._within = True

    def typed(self, now: float, character: str) -> None:
        """Somebody typed `character` at `now`, in seconds of a clock that never goes back; "" for a deletion."""
        if self._last_s is not None and now > self._last_s:
            self._gaps[self._within].append(min(now - self._last_s, LONGEST_GAP_S))
        self._last_s = now
        self._within = character[-1:].isalnum() or character[-1:] == "_"

    def interrupted(self) -> None:
        """The next key is no part of this burst: another document, an accepted suggestion, an undo."""
        self._last_s = None

    def answered(self, ms: float) -> None:
        """The model took so many milliseconds from being asked to a whole answer."""
        self._answers_s.append(max(0.0, ms) / 1000)

    @property
    def answer_s(self) -> float:
        """What an answer is expected to take, in seconds."""
        return statistics.median(self._answers_s) if self._answers_s else FIRST_ANSWER_S

    def pause_s(self, longest_ms: int) -> float:
        """Seconds to wait after the last keystroke before the model is asked; never more than `longest_ms`."""
        longest = longest_ms / 1000
        if not self._within:
            longest = min(longest, max(BETWEEN_WORDS_S, TARGET_S - self.answer_s))
        gaps = sorted(self._gaps[self._within])
        needed = self.answer_s + GLANCE_S
        for pause in (SHORTEST_S, *(gap for gap in gaps if gap > SHORTEST_S)):
            if pause >= longest:
                break
            still, seen = (len(gaps) - bisect_right(gaps, time) for time in (pause, pause + needed))
            if still and seen >= LIKELY * still:
                return pause
        return longest
