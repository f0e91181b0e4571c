"""Of several attempts the first good one is taken, nothing is checked twice, and the dear check is run seldom."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import pytest

from zicoder.agents.candidates import Candidate, Make, Tried, Verdict, choose


def maker(name: str, *codes: str, heard: list[int] | None = None) -> Make:
    async def make(tried: Sequence[Tried]) -> AsyncGenerator[Candidate]:
        for code in codes:
            if heard is not None:
                heard.append(len(tried))
            yield Candidate(code=code, maker=name)

    return make


class Dear:
    """Passes what it is told to, and remembers what it saw."""

    def __init__(self, *good: str) -> None:
        self.good = good
        self.seen: list[str] = []

    async def __call__(self, candidate: Candidate) -> Verdict:
        self.seen.append(candidate.code)
        return Verdict(candidate.code in self.good, "it fails")


async def short(candidate: Candidate) -> Verdict:
    return Verdict(len(candidate.code) < 4, "it is too long")


async def test_the_first_good_one_is_taken_and_the_rest_is_not_made() -> None:
    dear = Dear("b", "c")
    choice = await choose([maker("one", "a", "b"), maker("two", "c")], [short, dear], most=9)
    assert choice.best == Candidate(code="b", maker="one")
    assert [tried.verdict.ok for tried in choice.tried] == [False, True]
    assert dear.seen == ["a", "b"]


async def test_a_cheap_check_spares_the_dear_one_and_does_not_count() -> None:
    dear = Dear("ok")
    choice = await choose([maker("one", "too long", "much too long", "a", "ok")], [short, dear], most=2)
    assert choice.best is not None
    assert dear.seen == ["a", "ok"]
    assert choice.tried[0].verdict.reason == "it is too long"


async def test_the_same_is_not_tried_twice_nor_what_is_known() -> None:
    dear = Dear()
    choice = await choose([maker("one", "a", " a ", "x")], [dear], most=9, known=["x"])
    assert choice.best is None
    assert dear.seen == ["a"]


@pytest.mark.parametrize("most", [1, 2])
async def test_it_ends_after_so_many(most: int) -> None:
    dear = Dear()
    choice = await choose([maker("one", "a", "b", "c")], [dear], most=most)
    assert choice.best is None
    assert len(dear.seen) == most


async def test_a_maker_knows_what_became_of_what_it_made() -> None:
    heard: list[int] = []
    await choose([maker("one", "a", "b", heard=heard)], [Dear()], most=9)
    assert heard == [0, 1]
