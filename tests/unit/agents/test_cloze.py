"""Lines of code are written anew by the model that fills holes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from zicoder.agents.cloze import line_holes, part_holes, refilled
from zicoder.models.protocols import InfillRequest, InfillStats

CODE = "    def least(a, b):\n        if a < b:\n            return b\n        # never\n        return a"


class Filling:
    """Fills holes from a table of what stands before and behind them."""

    def __init__(self, answers: dict[str, tuple[str, float]]) -> None:
        self.answers = answers
        self.requests: list[InfillRequest] = []

    name = "table"
    fills_suffix = True

    def infill(self, request: InfillRequest) -> Stream:
        self.requests.append(request)
        line = request.prefix.rsplit("\n", 1)[-1] + "|" + request.suffix.split("\n", 1)[0]
        number = request.prefix.count("\n")
        return Stream(*self.answers.get(f"{number}{line.strip()}", ("", 0.0)))

    async def prefill(self, request: InfillRequest, *, thorough: bool = False, near_only: bool = False) -> bool:
        return True


class Stream:
    def __init__(self, text: str, logprob: float) -> None:
        self.text = text
        self.stats = InfillStats(logprob=logprob)

    async def __aiter__(self) -> AsyncIterator[str]:
        yield self.text

    async def aclose(self) -> None:
        pass


def test_holes_are_what_stands_behind_the_indentation_of_lines_of_code() -> None:
    found = [CODE[hole.start : hole.end] for hole in line_holes(CODE, {0}.__contains__)]
    assert found == ["if a < b:", "return b", "return a"]


def test_parts_begin_behind_words_and_marks() -> None:
    found = {CODE[hole.start : hole.end] for hole in part_holes(CODE, {0}.__contains__)}
    assert {"a < b:", " < b:", "b", "a"} <= found


async def test_the_surest_line_that_changes_something_comes_first() -> None:
    model = Filling({"2|": ("if a > b:", -0.5), "3|": ("return a\nand more", -0.1), "5|": ("return a", 0.0)})
    made = refilled(model, CODE, line_holes(CODE, {0}.__contains__), before="x = 1\n", after="\n\ny = 2", document="d")
    lines = [candidate.code.split("\n") for candidate in [each async for each in made]]
    assert [code[2].strip() for code in lines] == ["return a", "return b"]
    assert [code[1].strip() for code in lines] == ["if a < b:", "if a > b:"]
    assert all(code[0] == "    def least(a, b):" for code in lines)
    assert model.requests[0].prefix.startswith("x = 1\n")
    assert model.requests[0].suffix.endswith("y = 2")
