"""The line that a diagnostic is about, written anew by the model that fills holes.

A small model fills a hole far better than it writes code again, and what is nearest to what stood there is most likely
what was meant: most mistakes are slips. Owns the holes and the order of what came out. Asks nobody whether it is right.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from zicoder.assist.problem import Problem
from zicoder.text import Edit, Snapshot

__all__ = ["Fill", "refilled"]

Fill = Callable[[str, str, int], Awaitable[str]]
"""(text before, text after, rank) -> one line for the hole, "" for none; `rank` asks for the next likely ones."""

LINES_BEFORE, LINES_AFTER = 40, 20
RANKS = (0, 1)
LONGEST = 300
"""Characters of a line; of a longer one nothing is filled."""
TELLING = 4
"""Characters of a line's end that are known again wherever they stand."""
LEAST = 0.5
"""Similarity to the line as it was: what is less is another line, not a fix of this one."""


@dataclass(frozen=True, slots=True)
class _Hole:
    """[start, end) of the document, on one line."""

    start: int
    end: int


async def refilled(fill: Fill, snapshot: Snapshot, problem: Problem) -> list[Edit]:
    """Other texts for the line of a problem, each once, the one nearest to the line as it is first. Raises ZiError."""
    lines = snapshot.lines
    number = lines.position(problem.start).line
    first, last = lines.start(number), lines.content_end(number)
    line = snapshot.text[first:last]
    if not line.strip() or len(line) > LONGEST:
        return []
    before = snapshot.text[lines.start(max(0, number - LINES_BEFORE)) : first]
    after = snapshot.text[last : lines.content_end(min(len(lines) - 1, number + LINES_AFTER))]
    found: dict[str, float] = {}
    for hole in _holes(line, problem.start - first, problem.end - first):
        head, tail = line[: hole.start], line[hole.end :]
        for rank in RANKS:
            text = _fitted(await fill(before + head, tail + after, rank), tail)
            made = head + text + tail
            alike = difflib.SequenceMatcher(None, line.strip(), made.strip(), autojunk=False).ratio()
            if text.strip() and made.strip() != line.strip() and alike >= LEAST:
                found[made] = alike
    return [Edit(first, last, made) for made in sorted(found, key=lambda each: -found[each])]


def _holes(line: str, start: int, end: int) -> Iterator[_Hole]:
    """What the diagnostic marks, what follows from there, and the whole line behind its indentation."""
    indent, length = len(line) - len(line.lstrip()), len(line.rstrip())
    start, end = max(indent, start), min(end, length)
    spans = [(start, end), (start, length), (indent, length)]
    for span in dict.fromkeys(span for span in spans if span[0] < span[1]):
        yield _Hole(*span)


def _fitted(text: str, tail: str) -> str:
    """One line of an answer, without what stands behind the hole already."""
    text = text.split("\n", 1)[0].rstrip()
    rest = tail.strip()
    if rest and text.endswith(rest):
        return text[: -len(rest)]
    return text[: text.find(rest)] if len(rest) >= TELLING and rest in text else text
