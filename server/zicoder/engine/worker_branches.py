"""The prompts of several conversations in one KV cache, side by side; what they begin with alike is held once.

    sequence 0:  instructions | question a | answer a
    sequence 1:  (the same cells) | question b | answer b

Owns which sequence holds which tokens, and which conversation goes when there is no room. Evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Protocol

from zicoder.text import common_prefix

__all__ = ["Branch", "Branches"]

MOST = 8
"""Sequences: a conversation, its condensed history and a few roles of a workflow."""
WORTH = 64
"""Tokens at the end of a prompt that are given up for one that goes on differently: an answer that was cut short, the
head of the next turn. More than these, and the other conversation may come back for them."""


class Sequences(Protocol):
    """The part of a context that is needed here."""

    n_ctx: int

    def remove(self, seq: int, start: int, end: int) -> None:
        """Forget cells [start, end) of `seq`; end -1 means all that follow."""
        ...

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        """Let `target` share cells [start, end) of `source`."""
        ...


class Branch:
    """One sequence, and what it holds."""

    def __init__(self, seq: int, numbers: count[int]) -> None:
        self.seq = seq
        self.tokens: list[int] = []
        self.cells: list[int] = []
        """A number for each token's cell; two branches that share a cell have the same."""
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self.tokens)

    def grow(self, tokens: Sequence[int]) -> None:
        """Take note of tokens that were evaluated at its end."""
        self.tokens += tokens
        self.cells += [next(self._numbers) for _ in tokens]

    def cut(self, keep: int) -> None:
        """Take note that only the first `keep` are left."""
        del self.tokens[keep:], self.cells[keep:]


class Branches:
    """The conversations of one context, the one used longest ago first to go."""

    def __init__(self, context: Sequences) -> None:
        self._context = context
        self._numbers = count()
        self._branches = [Branch(seq, self._numbers) for seq in range(MOST)]
        """The one used longest ago first."""

    def turn_to(self, prompt: Sequence[int], room: int) -> Branch:
        """A branch that holds as much of the beginning of `prompt` as any does, and nothing else; at least the last
        token is left to be evaluated. There are then cells for `room` tokens, those of the prompt included.
        """
        wanted = prompt[:-1]
        best = max(self._branches, key=lambda branch: common_prefix(branch.tokens, wanted))
        keep = common_prefix(best.tokens, wanted)
        if len(best) - keep > WORTH:
            best = self._fork(best, keep)
        self._context.remove(best.seq, keep, -1)
        best.cut(keep)
        self._branches.remove(best)
        self._branches.append(best)
        while self._used() + room - keep > self._context.n_ctx and (old := self._oldest(best)):
            self._drop(old)
        return best

    def forget(self) -> None:
        """The context was emptied."""
        for branch in self._branches:
            branch.cut(0)

    def _fork(self, source: Branch, keep: int) -> Branch:
        """Another branch that begins with the first `keep` tokens of this one."""
        other = next((branch for branch in self._branches if not len(branch)), None)
        if other is None:
            other = next(branch for branch in self._branches if branch is not source)
        self._drop(other)
        self._context.copy(source.seq, other.seq, 0, keep)
        other.tokens, other.cells = source.tokens[:keep], source.cells[:keep]
        return other

    def _oldest(self, beside: Branch) -> Branch | None:
        """The branch used longest ago that holds anything, `beside` this one."""
        return next((branch for branch in self._branches if len(branch) and branch is not beside), None)

    def _drop(self, branch: Branch) -> None:
        self._context.remove(branch.seq, -1, -1)
        branch.cut(0)

    def _used(self) -> int:
        """Cells that hold anything."""
        return len({cell for branch in self._branches for cell in branch.cells})
