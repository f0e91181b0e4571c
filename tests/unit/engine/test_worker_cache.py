"""Prompts that follow one another in a cache whose cells obey llama.cpp's rules."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from zicoder.engine.worker_cache import DRIFT, Prompt, PromptCache
from zicoder.engine.worker_llama import Context

MARKER = 999
SEQ, SCRATCH = 0, 1
SIZE = 400


class Cells:
    """The cells of two sequences by position; of each the token, and what stood before it when it was evaluated."""

    can_shift = True

    def __init__(self) -> None:
        self.held: dict[int, dict[int, tuple[int, tuple[int, ...]]]] = {SEQ: {}, SCRATCH: {}}
        self.calls: list[int] = []
        self.moves = 0

    def evaluate(
        self, tokens: Sequence[int], *, at: int, seq: int, logits: int = 0
    ) -> Generator[None, None, list[object]]:
        cells = self.held[seq]
        assert at == max(cells, default=-1) + 1, "llama.cpp refuses a token that does not stand behind the last one"
        yield  # as when something more important comes
        for n, token in enumerate(tokens):
            cells[at + n] = token, tuple(token for _, (token, _) in sorted(cells.items()))
        self.calls.append(len(tokens))
        return []

    def remove(self, seq: int, start: int, end: int) -> None:
        self.held[seq] = {p: cell for p, cell in self.held[seq].items() if p < start or (0 <= end <= p)}

    def shift(self, seq: int, start: int, end: int, delta: int) -> None:
        assert end == -1
        self.moves += bool(delta)
        moved = {p + delta if p >= start else p: cell for p, cell in self.held[seq].items()}
        assert len(moved) == len(self.held[seq]), "one cell was moved onto another"
        self.held[seq] = moved

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        assert start <= end
        self.held[target] |= {p: cell for p, cell in self.held[source].items() if start <= p < end}

    @property
    def tokens(self) -> list[int]:
        return [token for _, (token, _) in sorted(self.held[SEQ].items())]


class Rig:
    """A cache, and how it is asked to hold the text before and after a cursor."""

    def __init__(self) -> None:
        self.cells = Cells()
        self.cache = PromptCache(cast(Context, self.cells), seq=SEQ, scratch=SCRATCH, size=SIZE)

    def hold(self, before: Sequence[int], after: Sequence[int], *, idle: bool = False, steps: int = 10_000) -> bool:
        """Whether it came to its end within so many steps; what it came to must be right."""
        prompt = Prompt([*before, MARKER, *after], marker=MARKER)
        ends: list[int] = []

        def to_the_end() -> Generator[None, None, None]:
            ends.append((yield from self.cache.hold(prompt, idle=idle)))

        work = to_the_end()
        for _ in itertools.islice(work, steps):
            pass
        work.close()
        if not ends:
            return False
        assert self.cells.tokens == prompt.tokens
        assert ends == [max(self.cells.held[SEQ]) + 1], "the answer goes on behind the last token"
        [read] = [cell[1] for cell in self.cells.held[SEQ].values() if cell[0] == MARKER]
        assert read == tuple(before), "the marker knows where the text before it ends"
        return True

    def cost(self, before: Sequence[int], after: Sequence[int]) -> tuple[list[int], int]:
        """Tokens evaluated, by native call, and moves."""
        calls, moves = len(self.cells.calls), self.cells.moves
        assert self.hold(before, after)
        return self.cells.calls[calls:], self.cells.moves - moves


BEFORE, AFTER = list(range(100)), list(range(500, 560))


def test_what_is_typed_is_read_with_the_marker_in_one_call() -> None:
    rig = Rig()
    assert rig.cost(BEFORE, AFTER) == ([101, 60], 0)
    assert rig.cost([*BEFORE, 1], AFTER) == ([2], 1)
    assert rig.cost([*BEFORE, 2], AFTER) == ([2], 0)
    assert rig.cost(BEFORE, AFTER) == ([1], 1)


def test_what_has_drifted_is_read_afresh_when_idle() -> None:
    rig = Rig()
    rig.hold(BEFORE, AFTER)
    rig.hold([*BEFORE, 1], AFTER)
    typed = [*BEFORE, *[1] * (DRIFT + 1)]
    assert rig.cost(typed, AFTER) == ([DRIFT + 1], 1)
    rig.hold(typed, AFTER, idle=True)
    assert all(read == tuple(rig.cells.tokens[:n]) for n, (_, read) in enumerate(rig.cells.held[SEQ].values()))


TOKENS = st.lists(st.integers(0, 5), max_size=40)
EDITS = st.tuples(TOKENS, TOKENS, st.booleans(), st.sampled_from([10_000, 1, 2, 3]))


@given(st.lists(EDITS, max_size=8))
def test_any_prompts_one_after_another_and_interrupted(edits: list[tuple[list[int], list[int], bool, int]]) -> None:
    rig = Rig()
    for before, after, idle, steps in edits:
        rig.hold([7, *before], after, idle=idle, steps=steps)


@st.composite
def typing(draw: st.DrawFn) -> list[tuple[list[int], list[int], bool, int]]:
    """Texts that differ in little, as those of one document do."""
    text, cursor = draw(st.lists(st.integers(0, 99), min_size=30, max_size=150)), 15
    found: list[tuple[list[int], list[int], bool, int]] = []
    for _ in range(draw(st.integers(1, 12))):
        at = draw(st.sampled_from([cursor, cursor, cursor, draw(st.integers(0, len(text)))]))
        removed, added = draw(st.integers(0, 3)), draw(st.lists(st.integers(0, 99), max_size=40))
        text = [*text[:at], *added, *text[at + removed :]]
        cursor = min(len(text), at + len(added) if at <= cursor else cursor)
        found.append(
            (text[:cursor][-150:], text[cursor:][:60], draw(st.booleans()), draw(st.sampled_from([10_000, 2])))
        )
    return found


@given(typing())
def test_any_edits_of_one_document(edits: list[tuple[list[int], list[int], bool, int]]) -> None:
    rig = Rig()
    for before, after, idle, steps in edits:
        rig.hold([7, *before], after, idle=idle, steps=steps)


def test_a_prompt_that_fills_the_cache_is_not_read_anew_with_every_key() -> None:
    rig = Rig()
    before = [n % 90 for n in range(SIZE - len(AFTER) - 3)]
    rig.hold(before, AFTER)
    assert rig.cost([*before, 1], AFTER) == ([2], 1)
    assert rig.cost([*before, 1, 2], AFTER) == ([2], 1)
