"""The KV cache of one prompt, changed so that an edit costs only what was edited.

llama.cpp lets a sequence grow at its end only. So new text in the middle of a prompt is evaluated at the end of a
second sequence that shares the cells before it; the cells behind it are moved to make room, and the new cells are
then shared back:

    prompt:   before | after      move `after` right     before | ... | after
    scratch:  before              evaluate the new text  before | new              share it back

Cells that were moved hold values from before the change. Measured, that costs no quality, with two provisos: the
*marker* (FIM_SUFFIX) behind any change is evaluated anew (its old value remembers where the text before the cursor used
to end, and the model repeats the line), and what has been moved past too much new text is evaluated afresh when the
machine is idle.

Every method that evaluates is a generator that yields between native calls. Closed at a yield, or ended by an
exception, it leaves the cache as far as it got, with the bookkeeping true.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from zicoder.engine.worker_diff import Change, changes
from zicoder.engine.worker_llama import Context

__all__ = ["SLICE", "Prompt", "PromptCache", "changes_to", "missing_from"]

SLICE = 128
"""Prompt tokens per native call: about 0.2 s on two laptop cores. The abort flag works within a call as well."""

DRIFT = 24
"""A cell that was moved past more new or removed tokens than this is evaluated afresh when the machine is idle: what
was evaluated before another file was put in front knows nothing of it, and the model does as if it had not read it."""
NEAR, TOUCHED = 192, 4
"""Of the so many tokens before the cursor (the first) that is true already from so few on (the second)."""

_STALE = -1
"""In the place of a token whose cell must not be used again."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens of a prompt in order. `marker` is the token that is evaluated anew after any change before it; no other
    place of a prompt holds it. None in a prompt of one piece.
    """

    tokens: list[int]
    marker: int | None = None

    def __len__(self) -> int:
        return len(self.tokens)


def changes_to(held: list[int], prompt: Prompt) -> list[Change]:
    """What must change for these tokens to be the prompt's.

    What stood on the other side of the marker is not kept: it was read as the text after the cursor, and would be
    taken for the text before it, or the other way round.
    """
    old = _head(held, prompt)
    new = prompt.tokens.index(prompt.marker) if prompt.marker is not None else len(prompt)
    head = changes(held[:old], prompt.tokens[:new])
    tail = changes(held[old + 1 :], prompt.tokens[new + 1 :])
    found = [Change(change.start + new + 1, change.removed, change.added) for change in tail]
    if held[old : old + 1] != prompt.tokens[new : new + 1]:
        marker = Change(new, len(held[old : old + 1]), len(prompt.tokens[new : new + 1]))
        if head and head[-1].start + head[-1].added == new:
            last = head.pop()
            marker = Change(last.start, last.removed + marker.removed, last.added + marker.added)
        head.append(marker)
    return [*head, *found]


def missing_from(held: list[int], prompt: Prompt) -> int:
    """How many tokens of a prompt would have to be evaluated by who holds these."""
    return sum(change.added for change in changes_to(held, prompt))


class PromptCache:
    """What one sequence of a context holds, and how to get it to hold something else at the least cost.

    `scratch` is a sequence that several caches of a context may share, as one of them works at a time; `size` is the
    number of cells that are this one's.
    """

    def __init__(self, context: Context, *, seq: int, scratch: int, size: int) -> None:
        self._context = context
        self._size = size
        self.seq = seq
        self._scratch = scratch
        self._tokens: list[int] = []
        self._moved: list[int] = []  # by token: so many others have come or gone before it since it was evaluated

    def __len__(self) -> int:
        return len(self._tokens)

    def hold(self, prompt: Prompt, *, idle: bool = False) -> Generator[None, None, int]:
        """Make the cache hold this prompt; returns the position behind it, where the sequence can grow.

        With `idle`, cells that have drifted are evaluated afresh.
        """
        self.forget_answer()
        self._forget_marker(prompt)
        if idle:
            self._freshen(prompt)
        needed = changes_to(self._tokens, prompt)
        if needed and (not self._context.can_shift or _most_cells(len(self._tokens), needed) > self._size):
            self._cut(needed[0].start)
            needed = changes_to(self._tokens, prompt)
        for change in needed:
            at = change.start  # of the prompt: what is before it is as wanted by now
            yield from self._replace(at, at + change.removed, prompt.tokens[at : at + change.added])
        return len(self._tokens)

    def missing(self, prompt: Prompt) -> int:
        """How many tokens `hold` would evaluate, about."""
        return missing_from(self._tokens, prompt)

    def forget_answer(self) -> None:
        """Drop what was generated behind the prompt."""
        self._context.remove(self.seq, len(self._tokens), -1)

    def forget_all(self, *, cleared: bool = False) -> None:
        """Start anew. `cleared`: the context was emptied before."""
        if not cleared:
            self._context.remove(self.seq, -1, -1)
        self._tokens, self._moved = [], []

    def take(self, tokens: list[int]) -> None:
        """The sequence was filled with these tokens' cells from elsewhere."""
        self._tokens, self._moved = list(tokens), [0] * len(tokens)

    def content(self) -> list[int]:
        """What `take` needs to go on with these cells later."""
        return list(self._tokens)

    # --- details

    def _forget_marker(self, wanted: Prompt) -> None:
        """Let the marker be evaluated anew if anything before it is about to change."""
        if wanted.marker is None or wanted.marker not in self._tokens:
            return
        at = self._tokens.index(wanted.marker)
        if self._tokens[: at + 1] != wanted.tokens[: at + 1]:
            self._tokens[at] = _STALE

    def _freshen(self, prompt: Prompt) -> None:
        """Forget the cells that the prompt's changes have left, or are about to leave, too far behind."""
        drifted = next((n for n, moved in enumerate(self._moved) if moved > DRIFT), None)
        if drifted is not None:
            self._cut(drifted)
        held = self._tokens
        cursor = _head(held, prompt)
        near = max(0, cursor - NEAR)
        above = [change for change in changes_to(held, prompt) if change.start + change.added < near]
        coming = sum(change.added + change.removed for change in above)
        if coming > DRIFT:
            self._cut(above[0].start)
        elif max([coming, *self._moved[near:cursor]]) >= TOUCHED:
            self._cut(near)

    def _cut(self, at: int) -> None:
        self._context.remove(self.seq, at, -1)
        del self._tokens[at:], self._moved[at:]

    def _replace(self, start: int, end: int, new: list[int]) -> Generator[None, None, None]:
        """Put `new` in the place of the cells [start, end)."""
        context = self._context
        if end >= len(self._tokens):
            self._cut(start)
            for at in range(0, len(new), SLICE):
                part = new[at : at + SLICE]
                yield from context.evaluate(part, at=start + at, seq=self.seq)
                self._tokens += part
                self._moved += [0] * len(part)
                yield
            return
        self._splice(start, end, len(new))
        done = 0
        try:
            # The move is applied within the next native call, so it comes before the first one.
            context.remove(self._scratch, -1, -1)
            context.copy(self.seq, self._scratch, 0, start)
            while done < len(new):
                part = new[done : done + SLICE]
                yield from context.evaluate(part, at=start + done, seq=self._scratch)
                done += len(part)
                if done < len(new):
                    yield
        finally:
            context.copy(self._scratch, self.seq, start, start + done)
            context.remove(self._scratch, -1, -1)
            self._tokens[start:start] = new[:done]
            self._moved[start:start] = [0] * done
            if done < len(new):  # closed half way: the rest moves back to where the evaluated part ends
                behind = start + len(new)
                context.shift(self.seq, behind, -1, done - len(new))
        yield

    def _splice(self, start: int, end: int, room: int) -> None:
        """Take the cells [start, end) out and leave `room` in their place; until it is filled, `_tokens` has no gap."""
        context = self._context
        context.remove(self.seq, start, end)
        context.shift(self.seq, end, -1, room - (end - start))
        marks = 2 * (_STALE in self._tokens[start:end])  # the marker goes and comes again with every change
        del self._tokens[start:end], self._moved[start:end]
        for n in range(start, len(self._moved)):
            self._moved[n] += room + end - start - marks


def _head(held: list[int], prompt: Prompt) -> int:
    """How many tokens are held of what comes before the marker."""
    return next((n for n, token in enumerate(held) if token in (prompt.marker, _STALE)), len(held))


def _most_cells(held: int, needed: Sequence[Change]) -> int:
    """Cells that are taken at the fullest moment of these changes."""
    most = held
    for change in needed:
        held += change.added - change.removed
        most = max(most, held)
    return most
