"""A piece of code with one of its lines written anew by the model that fills holes.

A small model knows better what belongs into a hole than how to write a whole function again, and where it fills in what
stood there already, that line is most likely right. Owns the holes and the order of what came out: what the model is
surest of comes first. (The idea: Xia and Zhang, "Less Training, More Repairing Please", 2022.)
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from zicoder.agents.candidates import Candidate
from zicoder.models.protocols import ContextPart, InfillModel, InfillRequest, InfillStats

__all__ = ["Hole", "line_holes", "line_request", "part_holes", "refilled", "written"]

MAKER = "a line"
MOST_TOKENS = 48
_BREAK = re.compile(
    r"(?<=[\w)\]}\"'])(?=\s*[-+*/%<>=!&|]=?\s)|(?<=[(\[,=])\s*|\b(?:and|or|not|in|is|if|else|return)\s+"
)


@dataclass(frozen=True, slots=True)
class Hole:
    """Characters [start, end) of a piece of code."""

    start: int
    end: int


def line_holes(code: str, skip: Callable[[int], bool] = lambda _: False) -> list[Hole]:
    """What stands in each line behind its indentation. `skip` is asked about each line, by its number."""
    found: list[Hole] = []
    at = 0
    for number, line in enumerate(code.split("\n")):
        text = line.strip()
        if text and not text.startswith(("#", "@", "//")) and not skip(number):
            start = at + len(line) - len(line.lstrip())
            found.append(Hole(start, at + len(line.rstrip())))
        at += len(line) + 1
    return found


def part_holes(code: str, skip: Callable[[int], bool] = lambda _: False) -> list[Hole]:
    """The ends of lines, from behind a word or a mark on which something depends."""
    found: list[Hole] = []
    for whole in line_holes(code, skip):
        cuts = {match.end() for match in _BREAK.finditer(code, whole.start, whole.end)}
        found += [Hole(cut, whole.end) for cut in sorted(cuts) if whole.start < cut < whole.end]
    return found


def line_request(
    document: str, prefix: str, suffix: str, *, context: Sequence[ContextPart] = (), rank: int = 0
) -> InfillRequest:
    """Asks for what stands between two texts, on one line."""
    return InfillRequest(
        document=document, prefix=prefix, suffix=suffix, max_tokens=MOST_TOKENS, stop=("\n",), context=tuple(context),
        rank=rank,
    )  # fmt: skip


async def written(model: InfillModel, request: InfillRequest) -> tuple[str, InfillStats]:
    """The whole answer, and what it cost. Raises EngineError, ModelError."""
    text = ""
    async with contextlib.aclosing(model.infill(request)) as stream:
        async for piece in stream:
            text += piece
    return text, stream.stats


async def refilled(
    model: InfillModel,
    code: str,
    holes: Iterable[Hole],
    *,
    before: str,
    after: str,
    document: str,
    context: Sequence[ContextPart] = (),
    filled: Callable[[InfillStats], None] = lambda _: None,
) -> AsyncGenerator[Candidate]:
    """The code with each hole filled by the model, where that changes it; the surest first.

    `before` and `after` are the text around the code, `filled` is told what each hole has cost. Raises EngineError,
    ModelError.
    """
    found: dict[str, float] = {}
    for hole in holes:
        request = line_request(document, before + code[: hole.start], code[hole.end :] + after, context=context)
        text, stats = await written(model, request)
        filled(stats)
        for made in _made(code, hole, text):
            found[made] = max(found.get(made, -99.0), stats.logprob)
    for made in sorted(found, key=lambda each: -found[each]):
        yield Candidate(code=made, maker=MAKER)


def _made(code: str, hole: Hole, text: str) -> Iterator[str]:
    new = text.split("\n", 1)[0].rstrip()
    if new.strip() and new.strip() != code[hole.start : hole.end].strip():
        yield code[: hole.start] + new + code[hole.end :]
