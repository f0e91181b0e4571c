"""The small model behind the gate: sensible from the start, moved by outcomes, and never far from the start."""

from __future__ import annotations

import pytest

from zicoder.complete.hole import Hole
from zicoder.complete.willingness import COST, PRIOR, Recent, Willingness, features_of


def hole(marked: str, language: str = "python") -> Hole:
    before, _, after = marked.partition("‸")
    return Hole(prefix=before, suffix=after, language=language)


def chance(marked: str, suggestion: str, recent: Recent | None = None, logprob: float | None = None) -> float:
    return Willingness().chance(features_of(hole(marked), suggestion, recent or Recent(), logprob))


def test_what_speaks_for_a_suggestion() -> None:
    code = "def area(width, height):\n    return ‸"
    usual = chance(code, "width * height")
    assert chance("# The area of a rectangle is ‸", "the product of both") < usual
    assert chance(code, "flurbs + grommets") < usual
    assert chance(code, "width * height", Recent(accepted=0.8)) > usual
    assert chance(code, "width * height", Recent(rejection_s=0.5)) <= usual
    assert chance(code, "width * height", logprob=-0.1) > chance(code, "width * height", logprob=-2.5)


def test_every_feature_has_a_weight_and_is_small() -> None:
    places = ["", "x", "x.", "f(", "x = ", "x ", "x =", "'a", "# b", "    ", "x‸)", "x ‸ y", "é‸", "\t\t‸", "#" * 3000]
    for marked in places:
        for suggestion in ("", "x", ")", "a, b, c,", "line\nline\n" * 50, "\n", "x" * 5000):
            found = features_of(hole(marked), suggestion, Recent(rejection_s=0.0, idle_s=1e9), -1e9)
            assert found.keys() <= PRIOR.keys()
            assert all(-1 <= value <= 1 for value in found.values()), found


def test_eagerness_decides_between_the_same_chances() -> None:
    features = features_of(hole("def area(width, height):\n    ‸"), "return width", Recent())
    gate = Willingness({"bias": -2.0})
    assert [gate.worthwhile(features, "return width", eagerness) for eagerness in ("low", "balanced", "high")] == [
        False,
        False,
        True,
    ]
    assert COST["low"] > COST["balanced"] > COST["high"]


def test_it_learns_what_a_user_wants_and_forgets_it_slowly() -> None:
    gate, wanted, other = Willingness(), {"bias": 1.0, "after_dot": 1.0}, {"bias": 1.0, "line_start": 1.0}
    before = gate.chance(wanted), gate.chance(other)
    for _ in range(60):
        gate.learn(wanted, 1.0)
        gate.learn(other, 0.0)
    assert gate.chance(wanted) > before[0] + 0.1
    assert gate.chance(other) < before[1]
    for _ in range(5000):
        gate.learn({}, 0.0)
        gate.learn({"after_dot": 0.0, "line_start": 0.0, "bias": 0.0}, 0.0)
    assert gate.chance(wanted) == pytest.approx(before[0], abs=0.02)


def test_no_log_however_odd_drives_it_to_an_extreme() -> None:
    gate = Willingness()
    gate.relearn([({"bias": 2.0, "after_dot": -2.0, "made_up": 2.0}, 0.0, 1.0)] * 20_000)
    assert 0 < gate.chance({"bias": 1.0, "in_word": 1.0}) < 1
    assert gate.worthwhile({"bias": 1.0}, "x" * 40, "high"), "no log shuts the gate"


def test_a_log_gives_the_same_as_the_outcomes_themselves() -> None:
    outcomes = [({"bias": 1.0, "in_word": float(n % 2)}, float(n % 3 == 0), 0.5) for n in range(50)]
    live, again = Willingness(), Willingness()
    for outcome in outcomes:
        live.learn(*outcome)
    again.learn({"bias": 1.0}, 1.0)
    again.relearn(outcomes)
    assert live.chance({"bias": 1.0, "in_word": 1.0}) == again.chance({"bias": 1.0, "in_word": 1.0})
