"""Which definition of the project a hover is about, with its text: of the open document, else of the file on disk.

Reads files of the project only, and small ones. What it must never do: be waited for by a hover, or read outside.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from zicoder.assist.definitions import Definition, Definitions
from zicoder.assist.hover.facts import Facts
from zicoder.assist.types import HoverInfo
from zicoder.text import Snapshot, language_of, split_lines

__all__ = ["Place", "Target", "Targets", "place_of"]

MOST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name is defined: on the lines [first, last) of a file below the root, or of one part of it."""

    path: str
    """Below the root, with slashes."""
    first: int
    last: int
    name: str


@dataclass(frozen=True, slots=True)
class Target:
    """A definition of the project."""

    path: str
    text: str
    """Of the whole file."""
    language: str
    definition: Definition

    @property
    def code(self) -> str:
        """The definition's own lines, line endings made "\\n"."""
        lines = split_lines(self.text)[self.definition.start : self.definition.end]
        return "\n".join(line.rstrip("\r\n") for line in lines)


def place_of(
    name: str, line: int, own: str, found: HoverInfo | None, facts: Facts | None, relative: Callable[[Path], str | None]
) -> Place | None:
    """Where the project defines the name that stands at `line` of the file `own`; None where that is not certain.

    What the analysis of the language says counts; else the index's word, if it knows one definition only, or if the
    name stands on one.
    """
    if found is not None:
        path = relative(found.path) if found.path is not None else None
        return Place(path, found.line, found.line + 1, name) if path else None
    defined = facts.defined if facts is not None else ()
    here = [hit for hit in defined if hit.path == own and hit.start <= line < hit.end]
    chosen = here or (defined if len(defined) == 1 else ())
    return Place(chosen[0].path, chosen[0].start, chosen[0].end, name) if chosen else None


class Targets:
    """Finds definitions in the files of one project."""

    def __init__(self, root: Path, definitions: Definitions, documents: Callable[[], Iterable[Snapshot]]) -> None:
        self._root = root
        self._definitions = definitions
        self._documents = documents

    async def at(self, place: Place) -> Target | None:
        """The definition at a place; None where there is no such function or class any more."""
        path = self._root / place.path
        opened = next((each for each in self._documents() if each.path is not None and _same(each.path, path)), None)
        text = opened.text if opened is not None else await asyncio.to_thread(_read, self._root, path)
        if text is None:
            return None
        language = opened.language if opened is not None else language_of(path)
        found = await self._definitions.of(text, language) or ()
        named = [
            each
            for each in found
            if each.name == place.name and each.start < place.last and place.first < max(each.end, each.start + 1)
        ]
        best = min(named, key=lambda each: abs(each.head - place.first), default=None)
        return Target(place.path, text, language, best) if best is not None else None

    async def around(self, snapshot: Snapshot, path: str, line: int, most: int) -> list[Target]:
        """The definition around a line of an open document, then those nearest to it."""
        found = await self._definitions.of(snapshot.text, snapshot.language) or ()
        inside = [each for each in found if each.start <= line < each.end]
        others = [each for each in found if each not in inside]
        inside.sort(key=lambda each: each.end - each.start)
        others.sort(key=lambda each: min(abs(each.start - line), abs(each.end - line)))
        return [Target(path, snapshot.text, snapshot.language, each) for each in (*inside[:1], *others)[:most]]


def _same(one: Path, other: Path) -> bool:
    return os.path.normcase(one) == os.path.normcase(other)


def _read(root: Path, path: Path) -> str | None:
    """A file's text; None for what is no plain file below the root, or is too large."""
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            return None
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
            return None
        return path.read_bytes()[:MOST_BYTES].decode("utf-8", "replace")
    except (OSError, ValueError):
        return None
