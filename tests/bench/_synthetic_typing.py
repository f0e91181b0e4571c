"""Somebody typing, as numbers: for measuring when to ask the model, without waiting for anybody.

Within words the gaps between keys are log-normal; between words they are longer, and now and then somebody stops to
think, longer still at the end of a line. Deterministic for a seed. The shape is that of published keystroke studies,
the figures are ours: it compares rules, and says nothing of any one user.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from zicoder.complete.rhythm import Rhythm

GLANCE_S = 0.25
"""A suggestion that stood so long before the next key was of use."""
WORD, SPACE = "a", " "


@dataclass(frozen=True)
class Typist:
    """How fast somebody types, and how fast the model answers, both as medians in seconds."""

    gap_s: float
    answer_s: float
    keys: int = 3000
    seed: int = 1

    def strokes(self) -> Iterator[tuple[str, float, float]]:
        """What is typed, how long until the next key, and what the model would take for an answer now."""
        chance = random.Random(self.seed)
        left = chance.randint(2, 9)
        for _ in range(self.keys):
            gap = self.gap_s * chance.lognormvariate(0, 0.35)
            within = left > 0
            left = left - 1 if within else chance.randint(1, 9)
            if not within:
                gap *= 1.3
                kind = chance.random()
                gap += 0.9 * chance.lognormvariate(0, 0.7) if kind < 0.10 else 0.0
                gap += 1.5 * chance.lognormvariate(0, 0.8) if kind > 0.92 else 0.0
            yield WORD if within else SPACE, gap, self.answer_s * chance.lognormvariate(0, 0.25)


def asked(typist: Typist, rule: Callable[[Rhythm], float]) -> dict[str, float]:
    """What a rule for the pause comes to, per 100 keys. A key pressed before the answer cancels the call."""
    rhythm = Rhythm()
    now, calls, useful, in_vain_s = 0.0, 0, 0, 0.0
    visible: list[float] = []
    for character, gap, answer in typist.strokes():
        rhythm.typed(now, character)
        pause = rule(rhythm)
        if gap > pause:
            calls += 1
            stood = gap - pause - answer
            if stood > 0:
                visible.append((pause + answer) * 1000)
                rhythm.answered(answer * 1000)
            useful += stood > GLANCE_S
            in_vain_s += 0.0 if stood > GLANCE_S else min(answer, gap - pause)
        now += gap
    visible.sort()
    per = typist.keys / 100
    return {
        "calls": round(calls / per, 1),
        "useful": round(useful / per, 1),
        "in_vain_engine_s": round(in_vain_s / per, 2),
        "visible_p50_ms": round(visible[len(visible) // 2]),
        "visible_p95_ms": round(visible[int(len(visible) * 0.95)]),
    }
