"""Pieces of files for a question: from mentions, the selection and the index, each line of a file at most once.

Turns what was found into items with `path:line` heads. Must never call a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from zicoder.context.prose import code_ranges, inside
from zicoder.context.segments import Item, Segment
from zicoder.index.query import Query
from zicoder.text import language_of

if TYPE_CHECKING:  # the index brings numpy and LanceDB with it
    from zicoder.index.search import Hit

__all__ = [
    "DEFINED",
    "FOUND",
    "Excerpt",
    "SearchedIndex",
    "called_in",
    "excerpts_of",
    "items_of",
    "merged",
    "names_in",
    "retrieve",
]

DEFINED, FOUND = 30, 20
"""Priorities: what defines a name of the question, and what is like the question."""
CHUNKS = 12
MOST_NAMES = 8
AMBIGUOUS = 4
"""Definitions of one name that are shown."""

_CALLED = re.compile(r"(?<![\w$])([^\W\d]\w{2,})\s*\(")
_DEFINED = re.compile(r"\b(?:def|class|function|func|fn|fun)\s+([^\W\d]\w*)")
_QUOTED = re.compile(r"`([^\W\d][\w.:#]{1,80})(?:\(\))?`")
_CAPITAL = re.compile(r"(?<=[\w,;:] )([A-Z][a-z]\w+)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Lines of a file."""

    path: str
    start: int
    """Zero-based first line."""
    text: str
    """Whole lines joined by "\\n"."""
    priority: int = 0
    required: bool = False

    @property
    def end(self) -> int:
        """The line after the last one."""
        return self.start + len(self.lines)

    @property
    def lines(self) -> list[str]:
        """Without their ends."""
        return self.text.removesuffix("\n").split("\n")


class SearchedIndex(Protocol):
    """The part of the code index that is asked. It answers [] when it has nothing, is not open or is too slow."""

    async def search(self, text: str, k: int = 10) -> list[Hit]:
        """The best chunks for a question."""
        ...

    async def definitions(self, names: Sequence[str], limit: int = 20) -> list[Hit]:
        """Where these names are defined."""
        ...


def names_in(question: str) -> tuple[str, ...]:
    """Identifiers that a question names: in backticks, written like code, or capitalised within a sentence."""
    ranges = code_ranges(question, inline=False)
    prose = "".join(part if not inside(ranges, at) else "\n" for at, part in _lines(question))
    quoted = [re.split(r"\.|::|#", name.rstrip(":.#"))[-1] for name in _QUOTED.findall(prose)]
    names = [*quoted, *Query.parse(prose).names, *_CAPITAL.findall(prose)]
    return tuple(dict.fromkeys(name for name in names if name.isidentifier()))[:MOST_NAMES]


def called_in(code: str) -> tuple[str, ...]:
    """Names that code calls and does not define, in order; a few at most."""
    defined = frozenset(_DEFINED.findall(code))
    return tuple(dict.fromkeys(name for name in _CALLED.findall(code) if name not in defined))[:MOST_NAMES]


async def retrieve(question: str, index: SearchedIndex, *, chunks: int = CHUNKS, code: str = "") -> list[Excerpt]:
    """What the index has for a question, best first: definitions of the names in it, then what search finds.

    Definitions of what `code` calls count like those of names in the question. Nothing is searched for "".
    """
    names = tuple(dict.fromkeys((*names_in(question), *called_in(code))))
    defined = await index.definitions(names, len(names) * AMBIGUOUS) if names else []
    shown: dict[str, int] = {}
    for hit in defined:
        shown[hit.symbol] = shown.get(hit.symbol, 0) + 1
    clear = [hit for hit in defined if shown[hit.symbol] <= AMBIGUOUS]
    found = await index.search(question, chunks) if question.strip() else []
    return [*excerpts_of(clear, DEFINED), *excerpts_of(found, FOUND)]


def excerpts_of(hits: Iterable[Hit], priority: int) -> list[Excerpt]:
    """Chunks of the index as excerpts, in the same order."""
    return [Excerpt(path=hit.path, start=hit.start, text=hit.text, priority=priority) for hit in hits]


def merged(excerpts: Iterable[Excerpt]) -> list[Excerpt]:
    """The same lines, each once: what has a higher priority, or comes first, has it.

    Ranges of one priority that overlap or touch become one. Best first; blank remainders are dropped.
    """
    ordered = sorted(excerpts, key=lambda e: (-e.priority, not e.required))
    taken: dict[str, set[int]] = {}
    groups: dict[tuple[str, int, bool], dict[int, str]] = {}
    for excerpt in ordered:
        seen = taken.setdefault(excerpt.path, set())
        lines = groups.setdefault((excerpt.path, excerpt.priority, excerpt.required), {})
        for number, line in enumerate(excerpt.lines, excerpt.start):
            if number not in seen:
                seen.add(number)
                lines[number] = line
    found = [
        Excerpt(path=path, start=start, text="\n".join(lines), priority=priority, required=required)
        for (path, priority, required), group in groups.items()
        for start, lines in _runs(group)
        if any(line.strip() for line in lines)
    ]
    rank = _ranks(ordered)
    return sorted(found, key=lambda e: min(rank[e.path, number] for number in range(e.start, e.end)))


def items_of(excerpts: Iterable[Excerpt], *, segment: Segment = Segment.TASK, fresh: bool = False) -> list[Item]:
    """Items with a `path:first-last` head, in the same order."""
    return [
        Item(
            segment=segment, text=e.text, path=e.path, start=e.start, priority=e.priority, required=e.required,
            language=_fence_language(e.path), fresh=fresh,
        )
        for e in excerpts
    ]  # fmt: skip


def _lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for line in text.splitlines(keepends=True):
        yield at, line
        at += len(line)


def _runs(lines: dict[int, str]) -> Iterator[tuple[int, list[str]]]:
    """Lines that follow each other, with the number of the first."""
    run: list[str] = []
    first = 0
    for number in sorted(lines):
        if run and number != first + len(run):
            yield first, run
            run = []
        if not run:
            first = number
        run.append(lines[number])
    if run:
        yield first, run


def _ranks(excerpts: Sequence[Excerpt]) -> dict[tuple[str, int], int]:
    """Which excerpt was the first to have a line."""
    ranks: dict[tuple[str, int], int] = {}
    for rank, excerpt in enumerate(excerpts):
        for number in range(excerpt.start, excerpt.end):
            ranks.setdefault((excerpt.path, number), rank)
    return ranks


def _fence_language(path: str) -> str:
    language = language_of(PurePosixPath(path))
    return "" if language == "plaintext" else language
