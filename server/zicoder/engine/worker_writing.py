"""Writing an answer token by token, or by several at a time where a guess comes true.

Greedy. The guess of a `Drafter` is evaluated in one call with the token before it; of what comes out, exactly those
tokens are taken that would have been chosen one by one. The library adds up in another order when it evaluates several
tokens at a time, so a choice between near equals is made again by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from zicoder.engine.worker_draft import Drafter
from zicoder.engine.worker_guide import Guided, highest
from zicoder.engine.worker_llama import Context

__all__ = ["Logits", "Writing", "log_total", "unindented"]

Logits = NDArray[np.float32]

SEEN = 64
"""So many tokens are looked at together; what is less likely than any of them is never written."""
MARGIN = 1.0
"""How far ahead of the next best token one must be for the order of additions not to matter, in nats."""


def log_total(logits: Logits) -> float:
    """What to take from a logit to get the logarithm of a probability."""
    top = float(logits.max())
    return top + float(np.log(np.exp(logits - top).sum()))


def unindented(logits: Logits, piece: Callable[[int], bytes]) -> Logits:
    """The same without the likeliest tokens that begin with spaces or tabs; one that does not is the likeliest left."""
    logits = logits.copy()
    while True:
        indents = [token for token in highest(logits, SEEN).tolist() if piece(token).startswith((b" ", b"\t"))]
        logits[indents] = -np.inf
        if len(indents) < SEEN:
            return logits


class Writing:
    """One answer at the end of a sequence. `take` is told each token and answers whether to go on.

    `watch` is told, before that, what each token was chosen from, and the logarithm of its probability.
    """

    def __init__(
        self,
        context: Context,
        seq: int,
        take: Callable[[int], bool],
        guided: Guided | None,
        drafter: Drafter | None,
        watch: Callable[[Logits, int, float], None] | None = None,
    ) -> None:
        self._context = context
        self._seq = seq
        self._take = take
        self._guided = guided
        self._drafter = drafter
        self._watch = watch
        self._logprobs = 0.0
        self._count = 0
        self._guided_before = 0
        self.drafted = 0
        """Tokens that were guessed and verified."""
        self.accepted = 0

    @property
    def mean_logprob(self) -> float:
        """Of the tokens chosen so far, the last one included even when it ended the answer; 0 when there are none."""
        return self._logprobs / self._count if self._count else 0.0

    @property
    def guided(self) -> int:
        """How often the guide took another token than the best."""
        return self._guided_before + (self._guided.changed if self._guided else 0)

    def begin(self, tokens: Sequence[int], logprob: float, *, after: Writing) -> None:
        """The answer begins with these tokens, which have this probability together; `after` is how they came about."""
        for token in tokens:
            self._feed(token)
        self._logprobs, self._count = logprob, len(tokens)
        self.drafted, self.accepted, self._guided_before = after.drafted, after.accepted, after.guided

    def go_on(self, logits: Logits, *, at: int, rank: int = 0) -> Generator[None, None, None]:
        """Write until `take` says that it is enough. `logits` are for position `at`, where the sequence ends.

        `rank`: so many of the best first tokens are passed over.
        """
        for _ in range(rank):
            logits = logits.copy()
            logits[self._guided.choose(logits) if self._guided else int(logits.argmax())] = -np.inf
        token = self._choose(logits)
        while self._take(token):
            self._feed(token)
            guess = self._drafter.guess(self._context.n_ctx - at - 2) if self._drafter else []
            yield
            rows = yield from self._context.evaluate([token, *guess], at=at, seq=self._seq, logits=1 + len(guess))
            at += 1
            right = 0
            found = self._choice(rows[0], sure=bool(guess))
            while right < len(guess) and found == guess[right]:
                token = guess[right]
                right += 1
                if not self._take(token):
                    self._note(len(guess), right)
                    return
                self._feed(token)
                found = self._choice(rows[right], sure=True)
            at += right
            self._note(len(guess), right)
            if right < len(guess):
                self._context.remove(self._seq, at, -1)
            if found is None:  # `token` is the last one taken: ask for what follows it once more
                self._context.remove(self._seq, at - 1, -1)
                rows = yield from self._context.evaluate([token], at=at - 1, seq=self._seq, logits=1)
                found = self._choose(rows[0])
            token = found

    def _choice(self, logits: Logits, *, sure: bool) -> int | None:
        """The next token; with `sure` None when another is nearly as good."""
        if sure:
            second, first = np.partition(logits, -2)[-2:]
            if first - second < MARGIN:
                return None
        return self._choose(logits)

    def _note(self, guessed: int, right: int) -> None:
        if self._drafter and guessed:
            self._drafter.verified(right)
            self.drafted += guessed
            self.accepted += right

    def _choose(self, logits: Logits) -> int:
        token = self._guided.choose(logits) if self._guided else int(logits.argmax())
        logprob = float(logits[token]) - log_total(logits)
        self._logprobs += logprob
        self._count += 1
        if self._watch:
            self._watch(logits, token, logprob)
        return token

    def _feed(self, token: int) -> None:
        if self._guided:
            self._guided.feed(token)
        if self._drafter:
            self._drafter.add(token)
