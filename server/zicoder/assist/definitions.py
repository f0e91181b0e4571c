"""The functions and classes of a text, in every language that the index has a grammar for.

`definitions_in` reads hostile text with native code: it is for the checks' process (`checks/child.py`), which may
crash. `Definitions` is the parent's side, and remembers.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the process that this is for asks nobody
    from zicoder.assist.checks.inspector import Inspector

__all__ = ["Definition", "Definitions", "definitions_in", "enclosing"]

MOST = 5_000
"""Definitions of one text."""
KEPT = 16
_KINDS = frozenset(("function", "method", "class", "interface"))
Row = tuple[str, str, str, int, int, int]


@dataclass(frozen=True, slots=True)
class Definition:
    """One function or class. Lines are zero-based, `end` is the line after the last."""

    name: str
    qualified: str
    kind: str
    """`function`, `method`, `class` or `interface`."""
    start: int
    """Its first line, the comments and decorators above included."""
    head: int
    """The line with its name."""
    end: int


def definitions_in(text: str, language: str) -> list[Row] | None:
    """The fields of each definition, in order; None where no grammar can read the text."""
    try:  # the grammars are an extra of the package
        from zicoder.index.chunking.definitions import TooHardError, outline_of
        from zicoder.index.chunking.grammars import GRAMMARS
        from zicoder.index.chunking.source import Source

    except ImportError:
        return None
    grammar = GRAMMARS.get(language)
    if grammar and grammar.dialect and grammar.dialect[0].search(text):
        grammar = GRAMMARS[grammar.dialect[1]]
    if grammar is None:
        return None
    try:
        # With a line behind it: a definition that is the whole text is taken for the text.
        pending = [outline_of(Source(text + "\n"), grammar).root]
    except (ImportError, TooHardError):  # this grammar's wheel may be missing
        return None
    found: list[Row] = []
    while pending and len(found) < MOST:
        definition = pending.pop()
        pending += reversed(definition.children)
        name = definition.name or definition.alias
        if definition.role in _KINDS and name:
            found.append(
                (name, definition.qualified or name, definition.role, definition.start, definition.head, definition.end)
            )
    return found


class Definitions:
    """Asks for the definitions of texts, and keeps those of the texts that were asked about last."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._known: OrderedDict[tuple[str, bytes], tuple[Definition, ...] | None] = OrderedDict()

    async def of(self, text: str, language: str) -> tuple[Definition, ...] | None:
        """The definitions of a text, in order; None where nothing here can read it."""
        key = language, blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        if key not in self._known:
            rows = await self._inspector.ask("definitions", list[Row], text, language)
            self._known[key] = None if rows is None else tuple(Definition(*row) for row in rows)
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return self._known[key]


def enclosing(definitions: tuple[Definition, ...], line: int, name: str = "") -> Definition | None:
    """The innermost definition around a line, of this name if one is given."""
    around = [each for each in definitions if each.start <= line < each.end and name in ("", each.name)]
    return min(around, key=lambda each: (each.end - each.start, -each.start), default=None)
