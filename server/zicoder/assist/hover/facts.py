"""What the code index knows of a name: where the project defines it, who uses it. Certain things only, and at once.

Uses are found by name, so they are counted for names that the project defines in one place, or else not claimed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zicoder.assist.actions.action import Index
from zicoder.assist.markdown import code_span, docs_markdown, fenced
from zicoder.context.outline import doc_line
from zicoder.text import Snapshot

if TYPE_CHECKING:  # LanceDB takes a second to import
    from zicoder.index.search import Hit

__all__ = ["Facts", "facts_of", "word_at"]

DEADLINE_S = 0.04
"""A hover is there within 50 ms, or without these."""
MOST_USES = 50
NEAREST = 3
MAX_LINES = 12
LONGEST_LINE = 200
LONGEST_WORD = 200
"""Characters; a file of one line may be one word."""
_SHORT = re.compile(r"\w{1,2}")
_ECMASCRIPT = frozenset(("javascript", "javascriptreact", "typescript", "typescriptreact"))


@dataclass(frozen=True, slots=True)
class Facts:
    """The pieces of a hover, as Markdown and as plain text; "" where nothing is known."""

    declaration: str = ""
    plain_declaration: str = ""
    uses: str = ""
    plain_uses: str = ""
    defined: tuple[Hit, ...] = ()
    """Where the project defines the name, the own file first."""


def word_at(snapshot: Snapshot, offset: int) -> tuple[int, int]:
    """The identifier that touches an offset; an empty range where there is none, or one too long to be a name."""
    text = snapshot.text
    start = end = offset
    first, last = max(0, offset - LONGEST_WORD), min(len(text), offset + LONGEST_WORD)
    while start > first and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < last and (text[end].isalnum() or text[end] == "_"):
        end += 1
    nothing = start == end or end - start > LONGEST_WORD or text[start].isdigit()
    return (offset, offset) if nothing else (start, end)


async def facts_of(name: str, *, index: Index, language: str, own: str, seconds: float = DEADLINE_S) -> Facts:
    """What is known of a name in a language. `own`: the project's path of the file that asks."""
    if not name or _SHORT.fullmatch(name):
        return Facts()
    defined, used = await asyncio.gather(
        index.definitions([name], 8, deadline=seconds), index.callers(name, MOST_USES, deadline=seconds)
    )
    defined = [hit for hit in defined if hit.symbol == name and _akin(hit.language, language)]
    if not defined:
        return Facts()
    shown = sorted(defined, key=lambda hit: (hit.path != own, hit.path, hit.start))
    others = [hit for hit in used if _akin(hit.language, language) and not any(_same(hit, each) for each in defined)]
    uses = _uses(others, own) if len(defined) == 1 else ("", "")
    return Facts(_declared(shown), "\n".join(_heads(shown)), *uses, tuple(shown))


def _akin(one: str, other: str) -> bool:
    return one == other or (one in _ECMASCRIPT and other in _ECMASCRIPT) or {one, other} == {"c", "cpp"}


def _same(one: Hit, other: Hit) -> bool:
    return one.path == other.path and one.start == other.start


def _heads(defined: Sequence[Hit]) -> list[str]:
    told = ((_head(hit), doc_line(hit.text), f"Defined in {_place(hit)}") for hit in defined[:NEAREST])
    return ["\n".join(filter(None, each)) for each in told]


def _declared(defined: Sequence[Hit]) -> str:
    parts: list[str] = []
    for hit in defined[:NEAREST]:
        doc = docs_markdown(doc_line(hit.text))
        parts += filter(None, (fenced(_head(hit), hit.language), doc, f"Defined in {code_span(_place(hit))}"))
    more = len(defined) - NEAREST
    return "\n\n".join([*parts, *([f"and in {more} more places"] if more > 0 else [])])


def _head(hit: Hit) -> str:
    if hit.signature:
        return hit.signature
    return "\n".join(line[:LONGEST_LINE] for line in hit.text.split("\n", MAX_LINES)[:MAX_LINES])


def _place(hit: Hit) -> str:
    return f"{hit.path}:{hit.start + 1}"


def _uses(others: Sequence[Hit], own: str) -> tuple[str, str]:
    """How many pieces of the project use it, and the nearest: of the same file, then of its folder."""
    if not others:
        return "", ""
    folder = own.rpartition("/")[0]
    near = sorted(others, key=lambda hit: (hit.path != own, hit.path.rpartition("/")[0] != folder, hit.path, hit.start))
    number = f"{len(others)}" if len(others) < MOST_USES else f"{MOST_USES} or more"
    head = f"Used in {number} place{'' if len(others) == 1 else 's'}: "
    return (
        head + ", ".join(code_span(_place(hit)) for hit in near[:NEAREST]),
        head + ", ".join(_place(hit) for hit in near[:NEAREST]),
    )
