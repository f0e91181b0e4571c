"""The search for likely lines finds what trying every line finds, and leaves the sequence as it says."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from random import Random
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from zicoder.engine.worker_guide import Guided
from zicoder.engine.worker_lines import SLACK, TIE, Lines
from zicoder.engine.worker_llama import Context
from zicoder.engine.worker_writing import Writing

PIECES = (b"a", b"b", b"ab", b")", b" ", b"\n", b")\n", b"")
"""By token; the last one ends the answer."""
PROMPT = [0, 3]
DEEPEST = 6


class Tree:
    """A model whose next token depends on all that was said, by chance; after some tokens it comes to the end."""

    n_vocab = len(PIECES)

    def __init__(self, seed: int, sure: float) -> None:
        self._seed, self._sure = seed, sure

    def piece(self, token: int) -> bytes:
        return PIECES[token]

    def ends(self, token: int) -> bool:
        return not PIECES[token]

    def logits(self, said: Sequence[int]) -> NDArray[np.float32]:
        random = Random(f"{self._seed} {list(said)}")
        found = np.array([random.gauss(0, self._sure) for _ in PIECES], np.float32)
        if len(said) >= DEEPEST:
            found[[5, 7]] += 30
        return found

    def logprobs(self, said: Sequence[int]) -> NDArray[np.float64]:
        logits = self.logits(said).astype(float)
        return logits - np.log(np.exp(logits).sum())


class Cells:
    """A context over such a model, with two sequences; it checks that positions follow each other."""

    n_ctx = 1000

    def __init__(self, model: Tree) -> None:
        self.model = model
        self.cells = list(PROMPT)
        self.beside: list[int] = []
        self.evaluated = 0

    def evaluate(
        self, tokens: Sequence[int], *, at: int, seq: int, logits: int = 0
    ) -> Generator[None, None, list[NDArray[np.float32]]]:
        cells = self._of(seq)
        assert at == len(cells)
        assert tokens
        rows: list[NDArray[np.float32]] = []
        for token in tokens:
            cells.append(token)
            rows.append(self.model.logits(cells[len(PROMPT) :]))
        self.evaluated += len(tokens)
        yield
        return rows[len(rows) - logits :]

    def remove(self, seq: int, start: int, end: int) -> None:
        assert end == -1
        del self._of(seq)[max(0, start) :]

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        assert (source, target, start) == (0, 1, 0)
        assert not self.beside
        assert end <= len(self.cells)
        self.beside += self.cells[:end]

    def _of(self, seq: int) -> list[int]:
        return (self.cells, self.beside)[seq]


def finished(steps: Generator[None, None, Any]) -> Any:
    """Run it to its end; what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def search(model: Tree, budget: int, longest: int = 40, slack: float = 0.0) -> tuple[Lines, list[Any], Cells]:
    context = Cells(model)

    def guided() -> Guided | None:
        return None

    lines = Lines(cast("Context", context), guided, seq=0, beside=1, at=len(PROMPT), longest=longest)
    writing = Writing(cast("Context", context), 0, lines.take, None, None, lines.watch)
    finished(writing.go_on(model.logits([]), at=len(PROMPT)))
    return lines, finished(lines.best(budget, slack)), context


def every_line(model: Tree) -> Iterator[tuple[bytes, float]]:
    """Each line there is, once for each way to write it."""
    todo: list[tuple[list[int], bytes, float]] = [([], b"", 0.0)]
    while todo:
        said, raw, logprob = todo.pop()
        logprobs = model.logprobs(said)
        over = [7, 5] if raw.strip() else []
        if over:
            yield raw.strip(), logprob + float(np.logaddexp.reduce([logprobs[token] for token in over]))
        for token, piece in enumerate(PIECES[:7]):
            now = logprob + float(logprobs[token])
            if token in over or now < -9:
                continue
            if b"\n" in (raw + piece).lstrip():
                yield (raw + piece).strip(), now
            else:
                todo.append(([*said, token], raw + piece, now))


@given(seed=st.integers(0, 10_000), sure=st.sampled_from([1.0, 2.0, 4.0]), slack=st.sampled_from([0.0, SLACK]))
def test_it_finds_the_likeliest_line_of_all(seed: int, sure: float, slack: float) -> None:
    model = Tree(seed, sure)
    lines, best, _ = search(model, 100_000, slack=slack)
    if not best[0].text.strip():
        return  # the model has nothing to say: nothing is looked for
    singles: dict[bytes, float] = {}
    sums: dict[bytes, float] = {}
    for text, logprob in every_line(model):
        singles[text] = max(singles.get(text, -math.inf), logprob)
        sums[text] = float(np.logaddexp(sums.get(text, -math.inf), logprob))
    if max(singles.values()) < -7:
        return  # not all lines were tried
    assert best[0].logprob >= max(singles.values()) - TIE - 1e-4
    for line in best:
        if line.logprob > -6:
            assert line.logprob <= sums[line.text.strip().encode()] + 1e-3
    assert lines.spent < 100_000


@given(seed=st.integers(0, 10_000), budget=st.integers(0, 20))
def test_it_spends_no_more_than_it_may_and_stands_where_it_says(seed: int, budget: int) -> None:
    model = Tree(seed, 1.5)
    lines, best, context = search(model, budget)
    assert lines.spent <= budget + DEEPEST  # the last call may take a few tokens together
    for line in best:
        logits = finished(lines.resume(line))
        assert context.cells == [*PROMPT, *line.whole]
        assert np.array_equal(logits, model.logits(line.whole))


@given(seed=st.integers(0, 10_000), budget=st.integers(0, 12), kept=st.booleans())
def test_it_goes_on_where_it_stopped(seed: int, budget: int, kept: bool) -> None:
    model = Tree(seed, 1.5)
    lines, best, context = search(model, budget)
    singles = [logprob for _, logprob in every_line(model)]
    if not best[0].text.strip() or max(singles) < -7:
        return  # nothing is looked for, or not all lines were tried
    if not kept:  # as between two requests
        lines.forget_cells()
        context.cells, context.beside = list(PROMPT), []
    found = finished(lines.best(100_000, SLACK))
    assert found[0].logprob >= max(singles) - TIE - 1e-4


def test_the_greedy_line_costs_one_token_to_go_on_from() -> None:
    costs: list[int] = []
    for seed in range(200):
        model = Tree(seed, 1.5)
        lines, best, context = search(model, 20)
        greedy = search(model, 0)[1][0]
        if lines.spent and best[0] == greedy:
            before = context.evaluated
            finished(lines.resume(best[0]))
            costs.append(context.evaluated - before)
    assert len(costs) > 10
    assert set(costs) == {1}


def test_a_model_that_is_sure_costs_nothing_more() -> None:
    model = Tree(3, 40.0)
    lines, best, context = search(model, 100)
    assert best[0].text
    assert lines.spent == 0
    before = context.evaluated
    finished(lines.resume(best[0]))
    assert context.evaluated - before <= 1  # what ended the line within a token was not evaluated yet


@pytest.mark.parametrize("seed", range(5))
def test_a_long_line_is_left_as_it_is(seed: int) -> None:
    greedy, best, _ = search(Tree(seed, 2.0), 100, longest=1)
    assert len(best) == 1 or len(best[0].tokens) <= 1
    assert greedy.spent == 0 or len(best) > 1
