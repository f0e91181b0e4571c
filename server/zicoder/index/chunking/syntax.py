"""Makes chunks of the definitions in a text: what stands alone, what is merged, what is cut. Knows no language."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from zicoder.index.chunking.budget import BUDGET, Budget, fits, split
from zicoder.index.chunking.definitions import Definition, Outline, outline_of, signature_of
from zicoder.index.chunking.grammars import GRAMMARS, Grammar
from zicoder.index.chunking.source import Source
from zicoder.index.types import Chunk, Kind

__all__ = ["chunk_code"]

_HEAD_LINES = 3  # a head, comment or rest of at most this many lines goes with its neighbour
_BRACKET_CHARACTERS = 120
_CLOSING = re.compile(r"(?:\s*(?:</[\w:.-]+>|\bend\b|#[ \t]*endif\b[^\n]*|\}[ \t]*//[^\n]*|[^\w\s]))*\s*")


def chunk_code(text: str, language: str, *, budget: Budget = BUDGET) -> Sequence[Chunk]:
    """Chunks of a text in one of the languages of `GRAMMARS`.

    Of a line that is longer than the hard bound by itself (minified code, data) only the beginning is kept.
    Raises KeyError for another language, ImportError when its grammar is not installed, TooHardError when the
    grammar takes too long over this text.
    """
    grammar = GRAMMARS[language]
    if grammar.dialect and grammar.dialect[0].search(text):
        grammar = GRAMMARS[grammar.dialect[1]]
    source = Source(text)
    maker = _Maker(source, outline_of(source, grammar), grammar, language, budget)
    return sorted(maker.chunks(), key=lambda chunk: (chunk.start, chunk.end))


@dataclass(slots=True)
class _Unit:
    """Lines [start, end) that belong together: one definition, or what stands between two."""

    start: int
    end: int
    definition: Definition | None = None
    merges: bool = True
    """Whether it may share a chunk with its neighbours."""


class _Maker:
    """Walks the scopes of one text from the outside in."""

    def __init__(self, source: Source, outline: Outline, grammar: Grammar, language: str, budget: Budget) -> None:
        self._source = source
        self._outline = outline
        self._grammar = grammar
        self._language = language
        self._budget = budget
        self._comment_lines = {row for last, first in outline.asides.items() for row in range(first, last + 1)}

    def chunks(self) -> Iterator[Chunk]:
        """Every chunk, scope after scope."""
        scopes = [self._outline.root]
        while scopes:
            scope = scopes.pop()
            units = self._units(scope, scopes)
            first = True
            for group in self._merged(units):
                yield from self._emit(scope, group, first)
                first = False

    # What stands in a scope -------------------------------------------------------------------------------------

    def _units(self, scope: Definition, scopes: list[Definition]) -> Iterator[_Unit]:
        """The units of a scope in order. Definitions that are too large for one chunk go to `scopes` instead."""
        members = self._members(scope)
        at = scope.start
        for place, member in enumerate(members):
            if place and self._is_aside(at, member.start):
                member.start = at
            elif at < member.start:
                yield _Unit(at, member.start)
            after = members[place + 1] if place + 1 < len(members) else None
            if after is None and self._trails(scope, member.end, scope.end):
                member.end = scope.end
            elif after and not self._is_aside(member.end, after.start) and self._trails(scope, member.end, after.start):
                member.end = after.start
            at = member.end
            if self._is_whole(member):
                keeps = member.end - member.head >= self._grammar.keep
                yield _Unit(member.start, member.end, member, merges=not keeps)
            else:
                if member.kind == Kind.SECTION and not member.children[0].transparent:
                    self._lend_head(member, lines=1)
                scopes.append(member)
                yield _Unit(member.start, member.start, merges=False)
        if at < scope.end:
            yield _Unit(at, scope.end)

    def _members(self, scope: Definition) -> list[Definition]:
        """The definitions in a scope, those in transparent scopes included, their lines made disjoint."""
        found: list[Definition] = []
        # The line that a scope starts on is its own, even when a definition inside shares it.
        at = scope.start if scope.role in ("", "section") else scope.head + 1
        pending = scope.children[::-1]
        while pending:
            member = pending.pop()
            if member.transparent:
                self._lend_head(member)
                pending += member.children[::-1]
                continue
            member.start = max(member.start, at)
            member.head = max(member.head, member.start)
            if member.end <= member.start:
                continue
            if found and self._overloads(found[-1], member):
                member.start = found.pop().start
            found.append(member)
            at = member.end
        return found

    def _lend_head(self, scope: Definition, *, lines: int = _HEAD_LINES) -> None:
        """`impl Point {` goes with the first method, `dependencies:` with the first of them."""
        if scope.children and scope.children[0].start - scope.start <= lines:
            scope.children[0].start = min(scope.start, scope.children[0].start)

    def _overloads(self, one: Definition, other: Definition) -> bool:
        """Whether `one` is but a signature of what `other` defines."""
        return (
            one.qualified == other.qualified
            and one.end - one.head < self._grammar.keep
            and not self._source.between(one.end, other.start).strip()
            and fits(self._source, one.start, other.start, self._budget, slack=0.5)
        )

    def _is_whole(self, member: Definition) -> bool:
        """Whether a definition is one chunk (or parts of one) together with what is defined inside."""
        source, budget = self._source, self._budget
        if member.role in ("function", "method"):
            if fits(source, member.start, member.end, budget, slack=budget.slack):
                return True
            return not any(inner.end - inner.head >= self._grammar.keep for inner in member.children)
        if not member.children:
            return True
        small = source.size(member.start, member.end) <= budget.class_characters
        return small and member.end - member.start <= budget.class_lines

    def _trails(self, scope: Definition, start: int, end: int) -> bool:
        """Whether the lines behind a definition are too little for a chunk: a bracket, or in a scope a line or two."""
        start, end = self._source.trim(start, end)
        if not 0 < end - start <= _HEAD_LINES:
            return False
        lines = sum(1 for line in self._source.lines[start:end] if line.strip())
        few = scope.parent is not None and scope.kind != Kind.SECTION and lines < self._grammar.keep
        return few or self._closes(start, end)

    def _closes(self, start: int, end: int) -> bool:
        """Whether there are only brackets and other ends of what began before."""
        short = self._source.size(start, end) < _BRACKET_CHARACTERS
        return short and _CLOSING.fullmatch(self._source.between(start, end)) is not None

    def _is_aside(self, start: int, end: int) -> bool:
        """Whether a short comment, or one line that leans on the next, is all there is: it belongs to what follows."""
        behind = end
        start, end = self._source.trim(start, end)
        if end - start == 1 and end == behind:
            return self._source.size(start, end) < _BRACKET_CHARACTERS and not self._closes(start, end)
        lines = self._source.lines
        return 0 < end - start <= _HEAD_LINES and all(
            row in self._comment_lines or not lines[row].strip() for row in range(start, end)
        )

    # Merging and cutting ----------------------------------------------------------------------------------------

    def _merged(self, units: Iterator[_Unit]) -> Iterator[list[_Unit]]:
        """Neighbours that may share a chunk, up to the budget."""
        group: list[_Unit] = []
        for unit in units:
            unit.start, unit.end = self._source.trim(unit.start, unit.end)
            if unit.start == unit.end and unit.merges:
                continue
            if group and not (
                unit.merges and group[-1].merges and fits(self._source, group[0].start, unit.end, self._budget)
            ):
                yield group
                group = []
            group.append(unit)
        if group:
            yield group

    def _emit(self, scope: Definition, group: list[_Unit], first: bool) -> Iterator[Chunk]:
        start, end = group[0].start, group[-1].end
        if start == end:
            return
        only = group[0].definition if len(group) == 1 else None
        about = only or scope
        if about.parent is None:
            head = Chunk(self._language, self._grammar.loose, 0, 0, "", doc=about.doc if first else "")
        else:
            head = Chunk(
                self._language, about.kind, 0, 0, "",
                symbol=about.name, qualified=about.qualified, signature=signature_of(about, self._source),
                doc=about.doc if first or only else "",
            )  # fmt: skip
        for part, (a, b) in enumerate(split(self._source, start, end, self._budget, whole=self._outline.whole)):
            yield self._chunk(head if part == 0 else replace(head, doc=""), a, b)

    def _chunk(self, head: Chunk, start: int, end: int) -> Chunk:
        names = self._outline.names
        low, high = bisect_left(names, (start, "")), bisect_left(names, (end, ""))
        defines = dict.fromkeys([name for _, name in names[low:high]])
        if head.symbol in defines:
            defines = {head.symbol: None} | defines
        spans = self._outline.identifiers
        low = bisect_left(spans, (self._source.offset(start), 0))
        high = bisect_left(spans, (self._source.offset(end), 0))
        used = dict.fromkeys([self._source.slice(a, b) for a, b in spans[low:high]])
        text = self._source.between(start, end)[: self._budget.hard_characters]
        return Chunk(
            head.language, head.kind, start, end, text, head.symbol, head.qualified, head.signature, head.doc,
            tuple(defines), tuple([name for name in used if name not in defines]),
        )  # fmt: skip
