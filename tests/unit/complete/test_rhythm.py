"""When the model is asked: at once if it is quick, behind a burst if it is not, and never later than allowed."""

from __future__ import annotations

import random

import pytest
from tests.bench._synthetic_typing import Typist, asked

from zicoder.complete.rhythm import Rhythm

LONGEST = 300


def after(gaps: list[float], character: str, answer_ms: float) -> Rhythm:
    rhythm = Rhythm()
    now = 0.0
    for gap in [*gaps, 0.2]:
        rhythm.typed(now, character)
        now += gap
    for _ in range(5):
        rhythm.answered(answer_ms)
    return rhythm


def test_a_quick_model_is_asked_nearly_at_once() -> None:
    assert after([0.4] * 80, "x", 60).pause_s(LONGEST) < 0.05


def test_in_a_burst_a_slow_model_is_asked_only_when_the_burst_seems_over() -> None:
    assert after([0.11, 0.13, 0.12, 0.14] * 20, "x", 250).pause_s(LONGEST) > 0.12


def test_behind_a_word_people_stop_more_often_so_the_wait_is_shorter() -> None:
    chance = random.Random(7)
    rhythm = Rhythm()
    now = 0.0
    for _ in range(60):
        for character, gap in [*zip("name", [0.15] * 4, strict=True), (" ", 0.2 if chance.random() < 0.6 else 1.5)]:
            rhythm.typed(now, character)
            now += gap
    rhythm.typed(now, "n")
    within = rhythm.pause_s(LONGEST)
    rhythm.typed(now + 0.15, " ")
    assert rhythm.pause_s(LONGEST) < 0.05 < within


@pytest.mark.parametrize("longest", [0, 20, 80, 2000])
@pytest.mark.parametrize("answer_ms", [0, 200, 60_000])
def test_the_setting_is_a_ceiling(longest: int, answer_ms: float) -> None:
    for character in "x ":
        assert 0 <= after([0.15] * 100, character, answer_ms).pause_s(longest) <= longest / 1000


def test_a_break_is_no_gap_between_keys() -> None:
    slow, fresh = after([0.4] * 80, "x", 60), after([0.4] * 80, "x", 60)
    for at in range(100, 200):
        slow.interrupted()
        slow.typed(float(at * 60), "x")
    assert slow.pause_s(LONGEST) == fresh.pause_s(LONGEST)


def test_before_anything_is_known_the_wait_is_moderate() -> None:
    rhythm = Rhythm()
    rhythm.typed(0.0, "x")
    assert 0.02 <= rhythm.pause_s(LONGEST) <= 0.3
    assert rhythm.answer_s == 0.25


@pytest.mark.parametrize("gap_s", [0.18, 0.23, 0.28])
def test_fewer_calls_in_vain_than_a_fixed_pause_and_as_many_of_use(gap_s: float) -> None:
    """Over 2,000 synthetic keys: what a test can say without a person at a keyboard."""
    typist = Typist(gap_s, 0.2, keys=2000)
    fixed = asked(typist, lambda _: 0.06)
    adaptive = asked(typist, lambda rhythm: rhythm.pause_s(LONGEST))
    assert adaptive["in_vain_engine_s"] < 0.85 * fixed["in_vain_engine_s"]
    assert adaptive["useful"] > 0.8 * fixed["useful"]
    assert adaptive["visible_p95_ms"] < 500
