"""Guesses come from what was read, and only where they pay."""

from __future__ import annotations

from zicoder.engine.worker_draft import MOST, Costs, Drafter, Luck


def test_a_repeated_passage_is_guessed() -> None:
    passage = list(range(20, 50))
    drafter = Drafter([*passage, 1, 2, 3, *passage[:10]], Costs(), Luck())
    guess = drafter.guess(100)
    assert guess
    assert guess == passage[10 : 10 + len(guess)]
    assert len(guess) <= MOST


def test_nothing_is_guessed_after_something_new() -> None:
    drafter = Drafter(list(range(50)), Costs(), Luck())
    drafter.add(999)
    assert drafter.guess(100) == []


def test_an_answer_that_repeats_itself_is_guessed() -> None:
    drafter = Drafter([1], Costs(), Luck())
    for token in [7, 8, 9, 10, 11, 12] * 3:
        drafter.add(token)
    assert drafter.guess(100)[:2] == [7, 8]


def test_the_longest_agreement_decides() -> None:
    drafter = Drafter([1, 2, 3, 4, 5, 60, 60, 60, 9, 3, 4, 5, 70, 70, 70, 1, 2, 3, 4, 5], Costs(), Luck())
    assert set(drafter.guess(100)) == {60}


def test_there_must_be_room() -> None:
    drafter = Drafter([*range(30), *range(20)], Costs(), Luck())
    assert drafter.guess(0) == []
    assert len(drafter.guess(2)) <= 2


def test_no_guess_where_it_costs_as_much_as_it_saves() -> None:
    costs = Costs()
    for tokens in range(1, MOST + 2):
        costs.record(tokens, 0.02 * tokens)
    assert Drafter([*range(30), *range(20)], costs, Luck()).guess(100) == []


def test_bad_luck_ends_the_guessing() -> None:
    luck = Luck()
    prompt = [*range(30), *range(20)]
    drafter = Drafter(prompt, Costs(), luck)
    guesses = 0
    while drafter.guess(100) and guesses < 100:
        drafter.verified(0)
        guesses += 1
    assert 0 < guesses < 100
