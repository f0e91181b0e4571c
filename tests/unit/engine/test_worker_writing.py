"""What is written with guesses is what would have been written one by one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from zicoder.engine.worker_draft import Costs, Drafter, Luck
from zicoder.engine.worker_llama import Context
from zicoder.engine.worker_writing import Writing

VOCABULARY = 12
LENGTH = 40


class Sequence0:
    """A context whose next token depends on the last two by a table; it checks that positions follow each other."""

    n_ctx = 1000

    def __init__(self, table: Sequence[int], gap: float, start: Sequence[int]) -> None:
        self._table, self._gap = table, gap
        self.cells = list(start)
        self.calls = 0

    def logits(self) -> NDArray[np.float32]:
        best = self._table[(self.cells[-1] * 5 + self.cells[-2] * 3) % len(self._table)]
        found = np.zeros(VOCABULARY, np.float32)
        found[best] = self._gap
        return found

    def evaluate(
        self, tokens: Sequence[int], *, at: int, seq: int, logits: int = 0
    ) -> Generator[None, None, list[NDArray[np.float32]]]:
        assert at == len(self.cells)
        self.calls += 1
        rows: list[NDArray[np.float32]] = []
        for token in tokens:
            self.cells.append(token)
            rows.append(self.logits())
        yield
        return rows[len(rows) - logits :]

    def remove(self, seq: int, start: int, end: int) -> None:
        assert end == -1
        del self.cells[start:]


def write(table: Sequence[int], start: list[int], *, draft: bool, gap: float = 5.0) -> tuple[list[int], Sequence0]:
    context = Sequence0(table, gap, start)
    said: list[int] = []

    def take(token: int) -> bool:
        said.append(token)
        return len(said) < LENGTH

    costs = Costs()
    costs.record(1, 1.0)
    drafter = Drafter(start, costs, Luck()) if draft else None
    writing = Writing(cast("Context", context), 0, take, None, drafter)
    steps: Any = writing.go_on(context.logits(), at=len(start))
    for _ in steps:
        pass
    return said, context


TABLES = st.lists(st.integers(0, VOCABULARY - 1), min_size=3, max_size=17)
STARTS = st.lists(st.integers(0, VOCABULARY - 1), min_size=4, max_size=60)


@given(table=TABLES, start=STARTS, gap=st.sampled_from([0.5, 5.0]))
def test_guesses_change_nothing(table: list[int], start: list[int], gap: float) -> None:
    alone, _ = write(table, start, draft=False, gap=gap)
    guessed, _ = write(table, start, draft=True, gap=gap)
    assert guessed == alone


def test_guesses_save_calls() -> None:
    table, start = [1, 2, 3, 4, 5, 6, 7], [1, 2] * 10
    _, one_by_one = write(table, start, draft=False)
    _, guessed = write(table, start, draft=True)
    assert guessed.calls < 0.8 * one_by_one.calls
