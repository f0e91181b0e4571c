"""The KV cache of one infill context, laid out so that typing costs only what was typed.

    sequence 0:  head (FIM_PREFIX, text before the cursor)
    sequence 1:  head (shared cells), marker (FIM_SUFFIX), tail (text after the cursor), then middle and the answer
    sequence 2:  empty but while new tail tokens are put in front of old ones

llama.cpp lets a sequence grow at its end only. So text typed before the cursor is evaluated at the end of sequence 0,
the tail's cells in sequence 1 are moved right, and the new cells are then shared with sequence 1. The tail's own
values are from before the move; measured, that costs no quality, provided the marker is evaluated anew each time
(its old value remembers where the prefix used to end, and the model repeats the line).

Every method that evaluates is a generator that yields between native calls, with the bookkeeping true at each yield
and at each exception: work that is interrupted is kept as far as it got.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from zicoder.engine.worker_llama import Context

__all__ = ["SLICE", "FimCache"]

SLICE = 128
"""Prompt tokens per native call: about 0.2 s on two laptop cores. The abort flag works within a call as well."""

DRIFT = 256
"""A tail whose cells were moved past this many new tokens is evaluated afresh when the machine is idle."""


class FimCache:
    """What three sequences of a context hold now, and how to get them to hold something else at the least cost.

    `first` is the id of sequence 0 above, so that several caches can live in one context.
    """

    SEQUENCES = 3

    def __init__(self, context: Context, *, first: int = 0) -> None:
        self._context = context
        self._first = first
        self._head_seq, self.answer_seq, self._scratch_seq = range(first, first + self.SEQUENCES)
        self._head: list[int] = []
        self._shared = 0  # so many head cells are in sequence 1, too
        self._marker = False  # sequence 1 holds an up-to-date marker right behind the head
        self._tail: list[int] = []
        self._tail_at = 0  # position of the first tail cell in sequence 1
        self._drift = 0  # head tokens evaluated since the tail was

    def hold(
        self, head: Sequence[int], marker: Sequence[int], tail: Sequence[int], *, idle: bool = False
    ) -> Generator[None, None, int]:
        """Make the cache hold this prompt; returns the position behind it, where sequence 1 can grow.

        `marker` is at most one token; without it (a left-to-right model) `tail` must be empty.
        With `idle`, a tail that has drifted is evaluated afresh.
        """
        if len(head) + len(self._tail) + len(tail) + SLICE > self._context.n_ctx:
            self._forget_tail(0)
        yield from self._hold_head(list(head), list(marker))
        if idle and self._drift > DRIFT:
            self._forget_tail(0)
        yield from self._hold_tail(list(tail))
        return self._tail_at + len(self._tail)

    def forget_answer(self) -> None:
        """Drop what was generated behind the tail."""
        self._context.remove(self.answer_seq, self._tail_at + len(self._tail), -1)

    def forget_all(self) -> None:
        """Start anew, after the context was cleared."""
        self.__init__(self._context, first=self._first)

    def missing(self, head: Sequence[int], tail: Sequence[int]) -> int:
        """How many tokens `hold` would evaluate, about."""
        _, _, new = _tail_change(self._tail, tail)
        return len(head) - _common_prefix(self._head, head) + len(new)

    def _hold_head(self, head: list[int], marker: list[int]) -> Generator[None, None, None]:
        keep = _common_prefix(self._head, head)
        if keep == len(self._head) == len(head) and self._marker:
            return
        context = self._context
        context.remove(self._head_seq, keep, -1)
        # stale head cells and the marker
        context.remove(self.answer_seq, min(keep, self._shared), self._tail_at if self._tail else -1)
        del self._head[keep:]
        self._shared = min(keep, self._shared)
        self._marker = False
        target = len(head) + len(marker)
        if self._tail:  # before anything is evaluated: the library applies a move within the next native call
            context.shift(self.answer_seq, self._tail_at, -1, target - self._tail_at)
        self._tail_at = target
        new = [*head[keep:], *marker]
        for at in range(0, len(new), SLICE):
            part = new[at : at + SLICE]
            yield from context.evaluate(part, at=keep + at, seq=self._head_seq)
            self._head += part[: len(head) - keep - at]
            if at + SLICE < len(new):
                yield
        self._drift += len(head) - keep
        context.copy(self._head_seq, self.answer_seq, self._shared, target)
        self._shared = len(head)
        context.remove(self._head_seq, len(head), -1)
        self._marker = True
        yield

    def _forget_tail(self, keep: int) -> None:
        self._context.remove(self.answer_seq, self._tail_at + keep, -1)
        del self._tail[keep:]
        if not keep:
            self._drift = 0

    def _hold_tail(self, tail: list[int]) -> Generator[None, None, None]:
        """Keep what the old tail and the new one have in common at both ends."""
        context, old = self._context, self._tail
        front, back, new = _tail_change(old, tail)
        cut = self._tail_at + front
        old_end = self._tail_at + len(old) - back
        if not back:
            self._forget_tail(front)
            for at in range(0, len(new), SLICE):
                part = new[at : at + SLICE]
                yield from context.evaluate(part, at=cut + at, seq=self.answer_seq)
                self._tail += part
                yield
            return
        if new:
            try:
                context.remove(self._scratch_seq, -1, -1)
                context.copy(self.answer_seq, self._scratch_seq, 0, cut)
                for at in range(0, len(new), SLICE):
                    yield from context.evaluate(new[at : at + SLICE], at=cut + at, seq=self._scratch_seq)
                    if at + SLICE < len(new):
                        yield
            except BaseException:
                context.remove(self._scratch_seq, -1, -1)
                raise
        if old_end > cut:
            context.remove(self.answer_seq, cut, old_end)
        context.shift(self.answer_seq, old_end, -1, cut + len(new) - old_end)
        if new:
            context.copy(self._scratch_seq, self.answer_seq, cut, cut + len(new))
            context.remove(self._scratch_seq, -1, -1)
        self._tail = tail
        yield


def _tail_change(old: Sequence[int], new: Sequence[int]) -> tuple[int, int, list[int]]:
    """How many tokens stay at the front and at the back, and which new ones stand between them."""
    front = _common_prefix(old, new)
    back = _common_prefix(old[front:][::-1], new[front:][::-1])
    between = list(new[front : len(new) - back])
    if back < len(between):  # too little stays behind the change to be worth its staleness
        return front, 0, list(new[front:])
    return front, back, between


def _common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n
