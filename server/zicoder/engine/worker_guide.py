"""Greedy choice of the next token among those that write names which can stand there.

After Agrawal et al., "Monitor-Guided Decoding of Code LMs with Static Analysis of Repository Context" (2023). Owns the
choice between tokens; `worker_guide_text` reads the text they make. What it must never do: touch a choice that is
allowed, force a name on a model that is far from writing any of them, or depend on anything but the logits and the
tokens fed: a batch of drafted tokens is checked with it as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from zicoder.engine.protocol import Guide
from zicoder.engine.worker_guide_text import begun_text

__all__ = ["MAX_GAP", "MOST_TRIED", "Guided", "highest"]

MAX_GAP = 8.0
"""Nats by which an allowed token may be less likely than the best one. Where the right name was found by this, at 74
places in four packages, it was by less; what came from further off was a valid name and never the right one."""
MOST_TRIED = 2000
"""Tokens looked at for one choice: some milliseconds. A count and no clock, so that a choice can be repeated."""
FEW = 64
"""Nearly every choice is among so many; the others are sorted only when these are all forbidden."""


class Guided:
    """Chooses the tokens of one answer, in order: `choose` for each, then `feed` with what was taken.

    `before` is the text before the hole, of which the last lines are enough, `after` the text behind it, of which the
    first character is; `piece` gives a token's bytes, none for one that ends the answer.
    """

    def __init__(self, guide: Guide, before: str, after: str, piece: Callable[[int], bytes]) -> None:
        self._piece = piece
        self._text = begun_text(guide, before, after)
        self.changed = 0
        """How often the guide took another token than the best."""

    def choose(self, logits: NDArray[np.float32]) -> int:
        """The best token that is allowed now, or the best of all where none comes near."""
        best = int(logits.argmax())
        if self.allows(best):
            return best
        near = np.flatnonzero(logits >= logits[best] - MAX_GAP)
        scores = logits[near]
        for count in (FEW, MOST_TRIED):
            for token in near[highest(scores, count)].tolist():
                if self.allows(token) and not self._turns_special(token, best):
                    self.changed += 1
                    return token
        return best

    def feed(self, token: int) -> None:
        """Go on behind this token."""
        self._text.read(self._piece(token))

    def allows(self, token: int) -> bool:
        """Whether this token may come next."""
        piece = self._piece(token)
        return self._text.may_go_on(piece) if piece else self._text.may_end()

    def _turns_special(self, token: int, best: int) -> bool:
        """Whether a name begins like `__init__` that the model did not mean to: every object has such, to no use."""
        piece = self._piece(token)
        return piece[:1] == b"_" != self._piece(best)[:1] and self._text.begins_special(piece)


def highest(scores: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Indexes of the `count` highest scores, best first; equal ones in order, so that the choice can be repeated."""
    if len(scores) > count:
        some = np.sort(np.argpartition(scores, -count)[-count:])
        return some[np.argsort(-scores[some], kind="stable")]
    return np.argsort(-scores, kind="stable")
