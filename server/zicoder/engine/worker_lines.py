"""Looking for lines that are likelier than the one which the likeliest tokens make, and for the next likely ones.

Greedy choice is short-sighted: it goes where the next token is likely, not the line. What a beginning has in
probability bounds every line that starts so; so the likeliest beginnings are followed first, until none can come near
the best line found (uniform-cost search), or what may be spent is spent. Where the model is sure, that is at once.

Owns which lines are looked into. What it must never do: say anything to the one who asked, or judge code.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from zicoder.engine.worker_guide import Guided, highest
from zicoder.engine.worker_llama import Context
from zicoder.engine.worker_writing import Logits, log_total
from zicoder.text import common_prefix

__all__ = ["Line", "Lines"]

SLACK = 1.5
"""Nats by which a line may be less likely than the best one and still be looked into, by who wants other lines."""
FAINT = 8.0
"""Nats: where the greedy line is less likely than that, the model is guessing, and a likelier line is a guess as well.
On the packages for tuning no line was right that was less likely than 6.4."""
TIE = 0.1
"""Nats by which a line must be likelier than the greedy one to take its place: sums of rounded numbers are noisy."""
TOP = 24
"""Tokens that count at each place; whatever is further down is unlikely."""
FORKS = 5
"""Of those, the ones beside the best that may begin a line of their own."""
LONGEST = 48
"""Tokens: a line that is longer is left as it is."""
MOST = 4
"""Lines that are given out."""


@dataclass(frozen=True, slots=True)
class Line:
    """One way to go on to the end of the line."""

    tokens: tuple[int, ...]
    """Without what ends the line, unless that is part of the last token."""
    text: str
    """With the line ends before it, where the model begins with some."""

    logprob: float
    """Natural logarithm of the probability that the answer's first line is this one, about."""
    end: int = -1
    """The token that ends it, -1 where the last one goes on into the next line, or where nothing ended it."""

    @property
    def whole(self) -> tuple[int, ...]:
        """All tokens."""
        return (*self.tokens, self.end) if self.end >= 0 else self.tokens

    def told(self) -> tuple[str, float, int]:
        """As `Stats` tells of it."""
        return self.text, self.logprob, len(self.tokens)


@dataclass(slots=True)
class _Path:
    """A beginning."""

    tokens: list[int]
    raw: bytes
    logprob: float

    @property
    def ended(self) -> bool:
        """Whether its last token went on into the next line."""
        return b"\n" in self.raw.lstrip()


class Lines:
    """The search at one place: `at` is the position behind the prompt in sequence `seq`.

    `guided` makes the guide of an answer at its start, or None. The greedy path is written by somebody else, who tells
    of each choice by `watch` and of each token by `take`, and feeds `guide`; then `best` looks further, in the sequence
    `beside`, and `resume` goes on from a line. A line of `longest` tokens is left as it is, at the latest.
    """

    def __init__(
        self, context: Context, guided: Callable[[], Guided | None], *, seq: int, beside: int, at: int, longest: int
    ) -> None:
        self._context = context
        self._seq = seq
        self._beside = beside
        self._at = at
        self._guided = guided
        self.guide = guided()
        """That of the greedy path."""
        self._longest = min(longest, LONGEST)
        self._first = _Path([], b"", 0.0)
        self._end = -1
        self._is_line = False
        self._held: list[int] = []
        """Tokens behind the prompt in `seq`,"""
        self._held_beside: list[int] | None = None
        """and in `beside`, None where that holds no prompt."""
        self._open: list[tuple[float, int, _Path]] = []
        self._numbers = count()
        self._found: dict[str, Line] = {}
        self._likeliest = -np.inf
        self.spent = 0
        """Tokens that were evaluated beside the greedy line."""

    # --- the greedy line

    @property
    def greedy(self) -> Line:
        """As far as it is written."""
        path = self._first
        return Line(tuple(path.tokens), _text(path.raw), path.logprob, self._end)

    def watch(self, logits: Logits, token: int, logprob: float) -> None:
        """These were the logits behind the greedy path, and this was chosen, with this probability."""
        path = self._first
        _, nexts = self._look(path, logits, self.guide, float(logits[token]) - logprob)
        for likely, other in nexts:
            if other != token:
                self._fork(path, other, likely)
        if not self._ends(path, token):
            path.logprob += logprob

    def take(self, token: int) -> bool:
        """The greedy path goes on with this token; False where the line ends."""
        path = self._first
        if self._ends(path, token):
            self._end, self._is_line = token, bool(path.raw.strip())
            return False
        path.tokens.append(token)
        path.raw += self._context.model.piece(token)
        if path.ended:
            self._is_line = True
            self._finish(path, path.logprob)
        if path.ended or len(path.tokens) >= self._longest:
            return False  # the last token is not evaluated
        self._held = list(path.tokens)
        return True

    # --- the others

    def best(self, budget: int, slack: float = 0.0) -> Generator[None, None, list[Line]]:
        """The lines that may be meant, likeliest first; only the greedy path where that is no line or a long one.

        `budget`: tokens that may be evaluated to find others; `slack`: nats by which these may be less likely than the
        best. Asked again, it goes on from where it stopped.
        """
        if not self._is_line:
            return [self.greedy]
        most = self.spent + (budget if slack or self._likeliest > -FAINT else 0)
        while self._open and self.spent < most and -self._open[0][0] > self._likeliest - slack:
            yield from self._follow(heapq.heappop(self._open)[2], most, slack)
        text = self.greedy.text.strip()
        worth = {key: line.logprob + (TIE if key == text else 0.0) for key, line in self._found.items()}
        return [self._found[key] for key in sorted(worth, key=lambda key: -worth[key])[:MOST]]

    def resume(self, line: Line) -> Generator[None, None, Logits]:
        """The logits behind all of a line, with the sequence ready to go on there."""
        tokens = list(line.whole)
        same = _shared(self._held, tokens)
        self._context.remove(self._seq, self._at + same, -1)
        rows = yield from self._context.evaluate(tokens[same:], at=self._at + same, seq=self._seq, logits=1)
        self._held = tokens
        return rows[-1]

    def forget_cells(self) -> None:
        """Count on none that were held behind the prompt: they were dropped meanwhile."""
        self._held, self._held_beside = [], None

    def _follow(self, path: _Path, most: int, slack: float) -> Generator[None, None, None]:
        """Go on from a beginning by the likeliest tokens while that may come near the likeliest line."""
        guide = self._guided()
        if guide:
            for token in path.tokens:
                guide.feed(token)
        while not path.ended:
            if len(path.tokens) >= self._longest:
                return
            if self.spent >= most:
                self._open_up(path)
                return
            yield
            before = self._context.evaluated
            logits = yield from self._evaluate(path.tokens)
            self.spent += self._context.evaluated - before
            end, nexts = self._look(path, logits, guide, log_total(logits))
            goes_on = bool(nexts) and nexts[0][0] > max(end, self._likeliest - slack)
            for logprob, token in nexts[goes_on:]:
                self._fork(path, token, logprob)
            if not goes_on:
                return
            logprob, token = nexts[0]
            path = self._longer(path, token, logprob)
            if guide:
                guide.feed(token)
        self._finish(path, path.logprob)

    def _evaluate(self, tokens: list[int]) -> Generator[None, None, Logits]:
        """The logits behind these tokens, of which there is one at least, evaluated beside the greedy line."""
        same, greedy = _shared(self._held_beside or [], tokens), _shared(self._held, tokens)
        if self._held_beside is None or greedy > same:
            self._context.remove(self._beside, -1, -1)
            self._context.copy(self._seq, self._beside, 0, self._at + greedy)
            same = greedy
        else:
            self._context.remove(self._beside, self._at + same, -1)
        self._held_beside = tokens[:same]
        rows = yield from self._context.evaluate(tokens[same:], at=self._at + same, seq=self._beside, logits=1)
        self._held_beside = list(tokens)
        return rows[-1]

    # --- reading logits

    def _look(
        self, path: _Path, logits: Logits, guide: Guided | None, whole: float
    ) -> tuple[float, list[tuple[float, int]]]:
        """How likely a line is that ends here, and how it may go on: (how likely then, token), likeliest first.

        `whole` is the `log_total` of the logits.
        """
        top = highest(logits, TOP)
        ends, nexts, last = 0.0, list[tuple[float, int]](), -1
        for token in top.tolist():
            if guide is not None and not guide.allows(token):
                continue
            if self._ends(path, token):
                ends += float(np.exp(logits[token] - whole))
                last = token if last < 0 else last
            else:
                nexts.append((path.logprob + float(logits[token]) - whole, token))
        end = -np.inf
        if ends and path.raw.strip():
            end = path.logprob + float(np.log(ends))
            self._finish(path, end, last)
        return end, nexts[: FORKS + 1]

    def _ends(self, path: _Path, token: int) -> bool:
        """Whether the token only ends the line, or the answer."""
        if self._context.model.ends(token):
            return True
        begins_line = self._context.model.piece(token).lstrip(b" \t\r").startswith(b"\n")
        return begins_line and bool(path.raw.strip())

    def _finish(self, path: _Path, logprob: float, end: int = -1) -> None:
        line = Line(tuple(path.tokens), _text(path.raw), logprob, end)
        key = line.text.strip()
        if known := self._found.get(key):  # the same text by other tokens
            likelier = max(known, line, key=lambda each: each.logprob)
            line = replace(likelier, logprob=float(np.logaddexp(known.logprob, logprob)))
        self._found[key] = line
        self._likeliest = max(self._likeliest, line.logprob)

    def _fork(self, path: _Path, token: int, logprob: float) -> None:
        if logprob > self._likeliest - SLACK:
            self._open_up(self._longer(path, token, logprob))

    def _open_up(self, path: _Path) -> None:
        heapq.heappush(self._open, (-path.logprob, next(self._numbers), path))

    def _longer(self, path: _Path, token: int, logprob: float) -> _Path:
        return _Path([*path.tokens, token], path.raw + self._context.model.piece(token), logprob)


def _shared(held: list[int], tokens: list[int]) -> int:
    """How many of the tokens need not be evaluated again; the last one is."""
    return min(common_prefix(held, tokens), len(tokens) - 1)


def _text(raw: bytes) -> str:
    """All up to the end of the first line that is not empty, "" without one."""
    text = raw.decode("utf-8", "ignore")
    begun = text.lstrip()
    return text[: len(text) - len(begun)] + begun.partition("\n")[0].rstrip() if begun else ""
