"""Reading a chat's prompt while something more important comes again and again."""

from __future__ import annotations

from itertools import count
from typing import Any, cast

from zicoder.engine.worker_branches import Branch
from zicoder.engine.worker_cache import SLICE
from zicoder.engine.worker_llama import SMALL_PASS, Aborted, Context
from zicoder.engine.worker_talk import read_prompt


class Interrupted:
    """A cache whose every call that can be interrupted is, as often as `times` says."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.read: list[int] = []
        self.calls: list[int] = []

    def decode(self, tokens: list[int], *, at: int, seq: int, logits: int = 0) -> list[Any]:
        assert (at, seq) == (len(self.read), 0)
        self.calls.append(len(tokens))
        if len(tokens) > SMALL_PASS and self.times:
            self.times -= 1
            raise Aborted
        self.read += tokens
        return ["logits"] * logits


def read(cells: Interrupted, prompt: list[int]) -> int:
    """How often it gave way."""
    branch = Branch(0, count())
    steps = read_prompt(cast(Context, cells), branch, prompt)
    ended: list[Any] = []

    def to_the_end() -> Any:
        ended.append((yield from steps))

    given_way = len([*to_the_end()])
    assert ended == [["logits"]]
    assert cells.read == branch.tokens == prompt
    return given_way


def test_a_prompt_is_read_to_its_end_however_often_it_is_interrupted() -> None:
    cells = Interrupted(10_000)
    assert read(cells, [*range(500)]) < 2 * 500 / SMALL_PASS + 10


def test_after_an_interruption_slices_grow_again() -> None:
    cells = Interrupted(1)
    read(cells, [*range(4 * SLICE)])
    assert cells.calls[:4] == [SLICE, SLICE // 2, SLICE, SLICE]
    assert sum(cells.calls) == 5 * SLICE
