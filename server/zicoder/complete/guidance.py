"""Which names may stand where: asked for when the cursor rests, kept, and given out at once when somebody types.

Owns what was found out for each document and for how long it holds. What it must never do: ask an analysis while an
answer is waited for, or give names out for a place in a string or a comment.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from zicoder.complete.hole import Hole, hole_at, indent_width
from zicoder.complete.rebound import changed_lines, still_true
from zicoder.complete.syntax import lexer_at
from zicoder.models.protocols import Guide
from zicoder.text import Snapshot

__all__ = ["GuideKeeper", "Names"]

KEPT = 8
"""Documents whose names are kept."""
SCOPE_LINES = 400
"""Lines above the cursor in which the definitions around it are looked for."""
LINE_CHARS = 300
"""Of the cursor's line, as much as is looked at."""

_WORD = re.compile(r"[\w$]*$")
_DEFINITION = re.compile(
    r"\s*(?:@\w+\s+)*(?:(?:export|default|public|private|protected|static|final|abstract|async|internal|data|sealed)\s+)*"
    r"(?:def|class|interface|struct|enum|record|object|impl|trait|function|func|fn|fun)\b"
)
_ASKS_HERE = re.compile(r"\.$|\b(?:import|from)\b[^'\"()]*\(?[^'\"()]*$")


class Names(Protocol):
    """An analysis of one or more languages."""

    async def guide(self, snapshot: Snapshot, offset: int, *, around: bool = True) -> Guide:
        """What can stand at `offset`; with `around` also behind the names near it. Raises nothing, may take long."""
        ...


@dataclass(frozen=True, slots=True)
class _Prepared:
    snapshot: Snapshot
    start: int
    """Where the identifier at the cursor begins."""
    scope: tuple[str, ...]
    """The lines that begin the definitions around the cursor, innermost first."""
    guide: Guide


class GuideKeeper:
    """The guides of one session. `names` says who knows a language, by LSP identifier."""

    def __init__(self, names: Mapping[str, Names]) -> None:
        self._names = names
        self._prepared: OrderedDict[str, _Prepared] = OrderedDict()

    async def prepare(self, snapshot: Snapshot, offset: int) -> None:
        """Find out about this place, for a moment when nobody waits. What is known already is not asked again."""
        names = self._names.get(snapshot.language)
        if names is None:
            return
        hole = hole_at(snapshot, offset)
        if _in_text(hole):
            return
        start = _word_start(snapshot.text, offset)
        scope = _scope(hole)
        known = self._prepared.get(snapshot.uri)
        # The names around a place do not change by what is typed in its line; the place itself may be another.
        around = known is None or known.scope != scope or not _differ_in_one_line(known, snapshot, offset)
        if not around and not _ASKS_HERE.search(
            hole.line_before[-LINE_CHARS:].removesuffix(snapshot.text[start:offset])
        ):
            return
        guide = await names.guide(snapshot, offset, around=around)
        if known is not None and not around:
            guide = replace(guide, members=known.guide.members, arguments=known.guide.arguments)
        self._keep(_Prepared(snapshot, start, scope, guide))

    def guide(self, snapshot: Snapshot, offset: int) -> Guide | None:
        """What is known of this place now, None when that is nothing. Asks nobody."""
        known = self._prepared.get(snapshot.uri)
        if known is None:
            return None
        text, guide = snapshot.text, known.guide
        hole = hole_at(snapshot, offset)
        if _in_text(hole):
            return None
        start = _word_start(text, offset)
        if known.scope != _scope(hole):
            guide = replace(guide, members={}, arguments={})
        else:
            guide = still_true(guide, *changed_lines(known.snapshot.text, text, start, offset))
        same = start == known.start and text[: known.start] == known.snapshot.text[: known.start]
        if guide.here and same:
            guide = replace(guide, typed=text[known.start : offset])
        else:
            guide = replace(guide, here=(), typed="", listed=False)
        return guide if guide.here or guide.members or guide.arguments else None

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._prepared.pop(uri, None)

    def _keep(self, prepared: _Prepared) -> None:
        self._prepared[prepared.snapshot.uri] = prepared
        self._prepared.move_to_end(prepared.snapshot.uri)
        while len(self._prepared) > KEPT:
            self._prepared.popitem(last=False)


def _in_text(hole: Hole) -> bool:
    """Whether the cursor is in a string or a comment."""
    return bool(lexer_at(hole).inside)


def _line(snapshot: Snapshot, offset: int) -> int:
    return snapshot.lines.position(offset).line


def _word_start(text: str, offset: int) -> int:
    match = _WORD.search(text, max(0, offset - 200), offset)
    return match.start() if match else offset


def _differ_in_one_line(known: _Prepared, snapshot: Snapshot, offset: int) -> bool:
    """Whether what was prepared is the same document but for the cursor's line."""
    line, old = _line(snapshot, offset), known.snapshot
    if line != _line(old, known.start):
        return False
    a, b = snapshot.lines, old.lines
    above = snapshot.text[: a.start(line)] == old.text[: b.start(line)]
    return above and snapshot.text[a.content_end(line) :] == old.text[b.content_end(line) :]


def _scope(hole: Hole) -> tuple[str, ...]:
    """The first lines of the definitions around the hole, innermost first, by indentation."""
    width = indent_width(hole.line_before)
    found: list[str] = []
    for line in hole.lines_above(SCOPE_LINES):
        own = indent_width(line)
        if own < width:
            # A head over several lines ends in a line as deep as the one that it began with.
            width = own + 1 if line.lstrip().startswith((")", "]", "}")) else own
            if _DEFINITION.match(line):
                found.append(line.strip())
        if width == 0:
            break
    return tuple(found)
