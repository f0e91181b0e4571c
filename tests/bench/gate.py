"""`zi bench gate`: what the gate and the pause before the model is asked bring, on a simulated user.

The replay types real functions of packages that we may tune on, with the suggestions that the local model makes there,
or a look-up where many are needed. The user accepts a suggestion whose first line is what really stands next and types
over any other. A policy says which suggestions are shown; its score is the characters accepted minus a cost for each
suggestion shown in vain. The packages of the first group were used to choose the prior, those of the second
(`held_out`) were not. `--fit` prints weights from the former.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench._harness import report
from tests.bench._synthetic_typing import Typist, asked
from tests.bench._typed_places import Asked, Stretch, looked_up, recorded

from zicoder.complete.gate import AUTOMATIC, Circumstances, refuse
from zicoder.complete.reception import Offer, Reception
from zicoder.complete.willingness import COST, PRIOR, Willingness
from zicoder.settings import CompletionSettings
from zicoder.text import Snapshot

CHOSEN_ON, HELD_OUT = ("flask", "click", "express"), ("httpx", "commander", "attrs")
MODEL_CHOSEN_ON, MODEL_HELD_OUT = ("flask",), ("httpx",)
"""Of those, the ones that the real model is asked about: it takes minutes for each."""
SETTINGS = CompletionSettings()
KEY_S = 0.25
FIXED_S = 0.06

Policy = Callable[[Offer, Willingness], bool]


def always(offer: Offer, gate: Willingness) -> bool:
    """What an assistant without a gate does."""
    return True


def gated(offer: Offer, gate: Willingness) -> bool:
    """What ours does."""
    return offer.show


@dataclass
class Score:
    """What the replay of one policy came to."""

    shown: int = 0
    accepted: int = 0
    characters: int = 0

    def total(self, cost: float) -> float:
        return round(self.characters - cost * (self.shown - self.accepted), 1)

    def as_json(self) -> dict[str, Any]:
        totals = {f"score_{name}": self.total(cost) for name, cost in COST.items()}
        share = round(self.accepted / self.shown, 3) if self.shown else None
        return {"shown": self.shown, "accepted": self.accepted, "accepted_share": share} | {
            "characters": self.characters,
            **totals,
        }


class Clock:
    """Time that passes by typing."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def accepted_length(place: Asked) -> int:
    """Characters of the suggestion that its user keeps: whole lines that are the truth, 0 if the first one is not."""
    truth = place.stretch.truth(place.at)
    kept = 0
    for line in place.suggestion.splitlines(keepends=True):
        wanted = truth[kept:].split("\n", 1)[0]
        if not line.strip() and not wanted.strip():
            kept += len(line)
        elif line.rstrip() == wanted.rstrip():
            kept += len(line.rstrip()) if len(wanted) + kept >= len(truth) else len(line)
        else:
            break
    return kept if place.suggestion[:kept].strip() else 0


def picky(place: Asked) -> int:
    """The same for a user who wants nothing below four characters and no prose: somebody to get used to."""
    prose = place.stretch.hole(place.at).line_before.count(" ") > 14
    return 0 if prose or len(place.suggestion.strip()) < 4 else accepted_length(place)


def replay(
    places: Sequence[Asked],
    policy: Policy,
    *,
    user: Callable[[Asked], int] = accepted_length,
    rules: bool = True,
    learning: bool = False,
    taught: Willingness | None = None,
) -> Score:
    """Type the stretches from place to place under a policy; `rules` are those of manners."""
    score, clock = Score(), Clock()
    reception = Reception(clock=clock)
    reception.learning = learning
    if taught is not None:
        reception.willingness = taught
    stretch: Stretch | None = None
    at = 0
    for place in places:
        if place.stretch is not stretch:
            at = place.stretch.start
        stretch = place.stretch
        if place.at < at:
            continue  # an accepted suggestion has passed this place
        hole = stretch.hole(place.at)
        uri = f"{stretch.package}/{stretch.path}"
        snapshot = Snapshot(uri, hole.prefix + hole.suffix, 0, stretch.language)
        clock.now += KEY_S * (place.at - at)
        reception.changed(snapshot, place.at - at)
        if not place.suggestion or (rules and _refused(place, reception, snapshot, clock.now)):
            continue
        offer = reception.offer(snapshot, hole, place.suggestion, SETTINGS.eagerness, idle_s=KEY_S)
        offer.show = policy(offer, reception.willingness)
        at = place.at
        if not offer.show:
            continue
        score.shown += 1
        if kept := user(place):
            score.accepted += 1
            score.characters += len(place.suggestion[:kept].strip())
            reception.accepted(offer.id, kept)
            at += kept
    return score


def _refused(place: Asked, reception: Reception, snapshot: Snapshot, now: float) -> bool:
    hole = place.stretch.hole(place.at)
    cooling = reception.cooling_down(snapshot.uri, snapshot.lines.position(place.at).line)
    return refuse(hole, AUTOMATIC, SETTINGS, Circumstances(now=now, cooling_down=cooling)) is not None


def outcomes(
    places: Iterable[Asked], user: Callable[[Asked], int] = accepted_length
) -> list[tuple[dict[str, float], float]]:
    """Features and outcome of every place at which the rules let anything be shown."""
    found: list[tuple[dict[str, float], float]] = []
    reception = Reception()
    for place in places:
        hole = place.stretch.hole(place.at)
        snapshot = Snapshot(place.stretch.path, hole.prefix + hole.suffix, 0, hole.language)
        if place.suggestion and not _refused(place, reception, snapshot, 0.0):
            offer = reception.offer(snapshot, hole, place.suggestion, SETTINGS.eagerness)
            found.append((offer.features, float(user(place) > 0)))
            reception.closed(snapshot.uri)
    return found


def fit(data: Sequence[tuple[dict[str, float], float]], start: dict[str, float], pull: float = 3.0) -> dict[str, float]:
    """Weights of least log loss with an L2 penalty on the distance from `start`, by plain gradient descent."""
    weights = dict(start)
    for _ in range(3000):
        slope = {name: pull * (weights[name] - start[name]) for name in weights}
        for features, wanted in data:
            chance = 1 / (1 + math.exp(-sum(weights[n] * v for n, v in features.items() if n in weights)))
            for name in features.keys() & slope.keys():
                slope[name] += (chance - wanted) * features[name]
        for name in weights:
            weights[name] -= 0.01 * slope[name]
    return {name: round(weight, 1) for name, weight in weights.items()}


def measure() -> dict[str, Any]:
    result: dict[str, Any] = {}
    for source, ask, chosen_on, held_out in (
        ("look-up", looked_up, CHOSEN_ON, HELD_OUT),
        ("model", recorded, MODEL_CHOSEN_ON, MODEL_HELD_OUT),
    ):
        before = [place for package in chosen_on for place in ask(package)]
        after = [place for package in held_out for place in ask(package)]
        result[source] = {"places": len(after), "held_out": compared(after, before)}
        if source == "look-up":
            result[source]["held_out, picky user"] = compared(after, before, picky)
    result["pause"] = {
        f"gap {gap:.2f} s, answer {answer:.2f} s": {
            "fixed 60 ms": asked(Typist(gap, answer), lambda _: FIXED_S),
            "adaptive": asked(Typist(gap, answer), lambda rhythm: rhythm.pause_s(SETTINGS.debounce_ms)),
        }
        for gap in (0.18, 0.23, 0.28)
        for answer in (0.1, 0.2, 0.35)
    }
    return result


def compared(
    places: Sequence[Asked], earlier: Sequence[Asked] = (), user: Callable[[Asked], int] = accepted_length
) -> dict[str, Any]:
    """Every policy on the same places; `earlier` is what the user has typed before, for a gate that learns."""
    taught = Willingness()
    taught.relearn((features, wanted, 1.0) for features, wanted in outcomes(earlier, user))
    scores = {
        "always": replay(places, always, user=user, rules=False),
        "rules": replay(places, always, user=user),
        "rules_and_prior": replay(places, gated, user=user),
        "rules_and_learning": replay(places, gated, user=user, learning=True),
    }
    if earlier:
        scores["rules_and_learnt"] = replay(places, gated, user=user, learning=True, taught=taught)
    return {name: score.as_json() for name, score in scores.items()}


def main(argv: Sequence[str]) -> int:
    if "--fit" in argv:
        for ask, packages in ((looked_up, CHOSEN_ON), (recorded, MODEL_CHOSEN_ON)):
            data = outcomes(place for package in packages for place in ask(package))
            print(len(data), "places", sum(wanted for _, wanted in data), "accepted", fit(data, PRIOR))
        return 0
    return report("gate", measure(), argv)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
