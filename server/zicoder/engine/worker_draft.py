"""Guesses at the next tokens, looked up in what the model has already read, for the model to verify in one pass.

After "prompt lookup decoding" (A. Saxena, 2023) and Yang et al., "Inference with Reference: Lossless Acceleration of
Large Language Models" (2023). Owns the guess and whether it is worth its price; knows nothing of the model. A wrong
guess costs time, never a different answer.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["MOST", "Costs", "Drafter", "Luck"]

SHORTEST = 3
"""Tokens that must agree before a guess is made."""
LONGEST = 12
"""Agreement beyond this says nothing more."""
MOST = 7
"""Longest guess, so that it and the token before it fill a native call of eight."""
PRIOR = 6.0
"""How many guesses the first expectation of their luck weighs."""


class Costs:
    """What a native call costs by its number of tokens, as measured, in units of a call with one."""

    def __init__(self) -> None:
        self._seconds = [0.0] * (MOST + 2)
        self._seen = [0] * (MOST + 2)

    def record(self, tokens: int, seconds: float) -> None:
        """One call. The smallest of the last ones counts most: anything else is the machine's other business."""
        if not 0 < tokens < len(self._seconds):
            return
        known = self._seconds[tokens]
        self._seen[tokens] += 1
        share = 0.5 if seconds < known else 0.1
        self._seconds[tokens] = known + (seconds - known) * share if self._seen[tokens] > 1 else seconds

    def of(self, tokens: int) -> float:
        """Price of a call with so many tokens; what was not measured is taken to be half price from the second on."""
        one, many = self._seconds[1], self._seconds[tokens]
        return max(1.0, many / one) if one and many else 1 + 0.5 * (tokens - 1)


class Luck:
    """How often a guessed token was right, by how many tokens before the guess agreed."""

    def __init__(self) -> None:
        self._right = [0.0] * (LONGEST + 1)
        self._tried = [0.0] * (LONGEST + 1)

    def record(self, agreed: int, right: int, tried: int) -> None:
        """`right` of the `tried` tokens that were verified were as guessed."""
        self._right[agreed] += right
        self._tried[agreed] += tried

    def of(self, agreed: int) -> float:
        """Chance of each token of a guess."""
        expected = min(0.92, 0.35 + 0.08 * agreed)
        return (self._right[agreed] + PRIOR * expected) / (self._tried[agreed] + PRIOR)


class Drafter:
    """Guesses for one answer. `prompt`: every token that the model has read, those before the answer last."""

    def __init__(self, prompt: Sequence[int], costs: Costs, luck: Luck) -> None:
        self._tokens = list(prompt)
        self._costs = costs
        self._luck = luck
        self._places: dict[tuple[int, ...], int] = {}
        self._before: dict[int, int] = {}  # place -> the place before it with the same run of tokens
        self._agreed = 0
        self._guessed = 0
        for end in range(SHORTEST, len(self._tokens)):
            self._note(end)

    def add(self, token: int) -> None:
        """The answer goes on with this token."""
        self._note(len(self._tokens))
        self._tokens.append(token)

    def guess(self, room: int) -> list[int]:
        """The next tokens, at most `room`; [] when a guess is not worth its price."""
        self._guessed = 0
        place, agreed = self._longest_match()
        if place is None:
            return []
        self._agreed = agreed
        ahead = self._tokens[place : place + min(room, MOST)]
        count = self._worth(self._luck.of(agreed), len(ahead))
        self._guessed = count
        return ahead[:count]

    def verified(self, right: int) -> None:
        """So many tokens of the last guess were right."""
        if self._guessed:
            self._luck.record(self._agreed, right, min(right + 1, self._guessed))

    def _note(self, end: int) -> None:
        """Remember that what stands at `end` follows the tokens before it."""
        run = tuple(self._tokens[end - SHORTEST : end])
        if (last := self._places.get(run)) is not None:
            self._before[end] = last
        self._places[run] = end

    def _longest_match(self) -> tuple[int | None, int]:
        """The place whose preceding tokens agree longest with the end of the answer; the latest of equals."""
        tokens = self._tokens
        end = len(tokens)
        best: tuple[int | None, int] = (None, 0)
        place = self._places.get(tuple(tokens[-SHORTEST:])) if end >= SHORTEST else None
        for _ in range(8):
            if place is None:
                break
            agreed = SHORTEST
            while agreed < LONGEST and place > agreed and tokens[place - agreed - 1] == tokens[end - agreed - 1]:
                agreed += 1
            if agreed > best[1]:
                best = place, agreed
            place = self._before.get(place)
        return best

    def _worth(self, chance: float, most: int) -> int:
        """How long a guess pays best: expected tokens for the price, against one token for the price of one."""
        best, count, expected, right = 1.0, 0, 1.0, 1.0
        for n in range(1, most + 1):
            right *= chance
            expected += right
            if (gain := expected / self._costs.of(n + 1)) > best * 1.05:
                best, count = gain, n
        return count
