"""How likely the user is to want this suggestion here: a small logistic model that goes on learning.

It starts from weights chosen by hand and on a few hundred real places, and moves with every suggestion that was
accepted, rejected or passed by; a pull back to the first weights keeps a bad day from spoiling it (stochastic gradient
descent on the log loss with an L2 penalty on the distance from the prior). Pure arithmetic: must never see a file or a
clock, nor keep any code. It hides only suggestions that nobody asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from zicoder.complete.hole import Hole
from zicoder.complete.syntax import lexer_at

__all__ = ["COST", "PRIOR", "Features", "Recent", "Willingness", "features_of"]

Features = Mapping[str, float]
"""What speaks for and against, by name; each about between -1 and 1. A name that is missing counts as 0."""

RATE = 0.05
PULL = 0.002
"""Share of the way back to the prior at each step: after a few hundred outcomes the user's own habits decide."""
FARTHEST = 3.0
"""How far a weight may move from the prior."""

COST = {"low": 8.0, "balanced": 2.0, "high": 0.7}
"""By eagerness: a suggestion in vain costs the user as much as typing so many characters."""
WORTH = 40
"""Characters beyond which a longer suggestion does not gain more: the rest of it is corrected as often as kept."""

PRIOR: dict[str, float] = {
    "bias": -0.3,
    "line_start": -0.2,
    "after_word_and_space": -0.2,
    "after_sign_and_space": 0.0,
    "in_word": 0.3,
    "word_length": 0.2,
    "after_dot": 0.2,
    "after_opening": 0.2,
    "after_operator": 0.0,
    "after_other": 0.0,
    "in_text": -2.0,
    "in_brackets": -0.3,
    "rest_of_line": -0.5,
    "line_before": 0.4,
    "length": -1.0,
    "several_lines": -0.5,
    "short": 0.7,
    "closers": 0.2,
    "ends_open": -0.4,
    "known_words": 0.8,
    "data": 0.0,
    "prose": -1.0,
    "idle": 0.2,
    "accepted": 1.0,
    "just_rejected": -0.5,
    "logprob": 2.0,
}
"""Chosen by hand, with an eye on what `tests/bench/gate.py --fit` finds on packages that we may tune on, but milder: a
gate that hides too much before it knows its user is worse than none."""

_OPERATORS = frozenset("=+-*/%<>!&|^~?:")
_DATA = frozenset({"json", "yaml", "toml", "xml", "jsonc"})
_PROSE = frozenset({"markdown", "plaintext", "restructuredtext", "tex"})
_WORD_BEFORE = re.compile(r"\w+$")
_CLOSERS_ONLY = re.compile(r"[\s)\]}>;,:'\"`]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """How the last suggestions were received."""

    accepted: float = 0.3
    """Share of the last ones in this file that were accepted, mixed with the usual share while there are few."""
    rejection_s: float = math.inf
    """Seconds since the last rejection."""
    idle_s: float = 0.3
    """Seconds since the last keystroke."""


def features_of(hole: Hole, suggestion: str, recent: Recent, mean_logprob: float | None = None) -> dict[str, float]:
    """What the model looks at. `mean_logprob` is per token, natural logarithm, None when it is not known."""
    before, after = hole.line_before, hole.line_after
    first, *others = suggestion.splitlines() or [""]
    lexer = lexer_at(hole)
    found = {
        "bias": 1.0,
        **_last_character(before),
        "in_text": float(bool(lexer.inside)),
        "in_brackets": float(bool(lexer.stack)),
        "rest_of_line": float(not _CLOSERS_ONLY.match(after)),
        "line_before": min(len(before.strip()), 80) / 80,
        "length": min(len(first.strip()), 60) / 60,
        "several_lines": float(bool(others)),
        "short": float(len(first.strip()) <= 3),
        "closers": float(_CLOSERS_ONLY.match(suggestion) is not None),
        "ends_open": float(first.rstrip().endswith((",", "(", "[", "="))),
        "known_words": _known(suggestion, hole),
        "data": float(hole.language in _DATA),
        "prose": float(hole.language in _PROSE),
        "idle": min(recent.idle_s, 3.0) / 3,
        "accepted": recent.accepted - 0.3,
        "just_rejected": math.exp(-recent.rejection_s / 10),
    }
    if mean_logprob is not None:
        found["logprob"] = max(-3.0, mean_logprob) / 3 + 0.15
    return found


def _last_character(before: str) -> dict[str, float]:
    """What stands right before the cursor."""
    if not before.strip():
        return {"line_start": 1.0}
    last = before[-1]
    if last.isspace():
        word = _WORD_BEFORE.search(before.rstrip()[-80:])
        return {"after_word_and_space": 1.0} if word else {"after_sign_and_space": 1.0}
    if word := _WORD_BEFORE.search(before[-80:]):
        return {"in_word": 1.0, "word_length": min(len(word[0]), 8) / 8}
    if last == ".":
        return {"after_dot": 1.0}
    if last in "([{,":
        return {"after_opening": 1.0}
    return {"after_operator": 1.0} if last in _OPERATORS else {"after_other": 1.0}


def _known(suggestion: str, hole: Hole) -> float:
    """Share of the suggestion's longer words that stand in the text around, minus a half; 0 when it has none."""
    words = set(re.findall(r"[^\W\d]\w{2,}", suggestion[:400]))
    if not words:
        return 0.0
    around = set(re.findall(r"[^\W\d]\w{2,}", hole.prefix[-6000:] + "\n" + hole.suffix[:2000]))
    return len(words & around) / len(words) - 0.5


class Willingness:
    """The weights, and what follows from them."""

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self._prior = dict(PRIOR if weights is None else weights)
        self._weights = dict(self._prior)

    def chance(self, features: Features) -> float:
        """Probability that the suggestion is accepted."""
        total = sum(self._weights.get(name, 0.0) * value for name, value in features.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

    def worthwhile(self, features: Features, suggestion: str, eagerness: str) -> bool:
        """Whether to show it: what it may save must outweigh what it costs in vain."""
        chance = self.chance(features)
        return chance * min(len(suggestion.strip()), WORTH) >= (1 - chance) * COST[eagerness]

    def learn(self, features: Features, wanted: float, weight: float = 1.0) -> None:
        """Move towards an outcome: `wanted` is 1 for accepted, 0 for rejected, a share for accepted in part."""
        error = (self.chance(features) - wanted) * weight
        for name, value in features.items():
            first, now = self._prior.get(name, 0.0), self._weights.get(name, 0.0)
            moved = now - RATE * error * value - PULL * (now - first)
            self._weights[name] = max(first - FARTHEST, min(first + FARTHEST, moved))

    def relearn(self, outcomes: Iterable[tuple[Features, float, float]]) -> None:
        """Start again from the prior and learn from a whole log: (features, wanted, weight), oldest first."""
        self._weights = dict(self._prior)
        for features, wanted, weight in outcomes:
            self.learn(features, wanted, weight)
