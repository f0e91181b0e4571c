"""Where context comes from: definitions, similar code, open documents, the far parts of this file, recent edits.

Each source answers a `Place` with pieces, best first, on its own: one that fails or is slow takes nothing from the
others. A source must never show text of the file being edited but from the snapshot, and far from the cursor.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from zicoder.context.edits import RecentEdits
from zicoder.context.heads import offered
from zicoder.context.outline import Block, blocks_of, doc_line, members_of
from zicoder.context.place import Place, identifiers
from zicoder.text import split_lines

if TYPE_CHECKING:  # the index brings numpy and LanceDB with it
    from zicoder.index.search import Hit

__all__ = [
    "OUTLINE",
    "Definitions",
    "Edits",
    "OpenDocuments",
    "OwnFile",
    "Piece",
    "ProjectIndex",
    "Similar",
    "Source",
]

INDEX_DEADLINE_S = 0.5
MOST_CHARS = 400_000
"""Of a document that is cut into blocks here; a larger one is data, or generated."""
OPEN_DOCUMENTS = 8
"""So many other open documents are looked at."""
FAR_LINES = 60
"""Lines from the cursor from which on text of the same file is shown, if the window before it does not reach."""
AMBIGUOUS = 3
"""A name that is defined in more places than this says nothing, unless something points to one of them."""
OUTLINE = "outline"
"""The source, as the ranking knows it, of what the own file defines elsewhere."""
OFFERED_CHARS = 480
CLASSES = frozenset({"class", "interface"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that may help at a place."""

    source: str
    path: str
    text: str
    score: float
    """0 .. 1 within its source."""
    start: int = -1
    end: int = -1
    """Zero-based lines of its file, [start, end); -1 where they mean nothing."""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same piece again."""
        return self.path, self.text


class ProjectIndex(Protocol):
    """The part of the code index that is asked. It answers [] when it has nothing, is not open or is too slow."""

    async def similar(self, snippet: str, k: int = 5, *, outside: str = "", deadline: float = 0.5) -> list[Hit]:
        """Chunks like a piece of code, none of the file `outside`."""
        ...

    async def definitions(self, names: Sequence[str], limit: int = 20, *, deadline: float = 0.5) -> list[Hit]:
        """Where these names are defined."""
        ...


class Source(Protocol):
    """One place where context comes from."""

    @property
    def name(self) -> str:
        """Of the source, as the ranking knows it."""
        ...

    async def pieces(self, place: Place) -> list[Piece]:
        """What may help here, best first."""
        ...


class Definitions:
    """Signatures of the names near the cursor and of what is imported; members of classes."""

    name = "definitions"

    def __init__(self, index: Callable[[], ProjectIndex | None], read: Callable[[str], str]) -> None:
        """`read` gives the text that a file of the project has on disk, "" if it must not be shown."""
        self._index = index
        self._read = read

    async def pieces(self, place: Place) -> list[Piece]:
        """One piece for each definition."""
        index = self._index()
        if index is None or not place.names:
            return []
        hits = await index.definitions(place.names, 60, deadline=INDEX_DEADLINE_S)
        told = self._told(place, [hit for hit in hits if not place.is_own(hit.path)])
        return await asyncio.to_thread(self._drawn, place, told)

    def _told(self, place: Place, hits: Sequence[Hit]) -> list[tuple[float, Hit]]:
        """The definitions that are meant, as far as that can be told, with their scores."""
        rank = {name: 1 / (1 + 0.15 * number) for number, name in enumerate(place.names)}
        by_name: dict[str, list[tuple[int, Hit]]] = {}
        near = set(place.names)
        for hit in hits:
            if hit.symbol in rank:
                by_name.setdefault(hit.symbol, []).append((_pointed_at(place, near, hit), hit))
        told: list[tuple[float, Hit]] = []
        for name, found in by_name.items():
            best = max(pointed for pointed, _ in found)
            meant = [hit for pointed, hit in found if pointed == best]
            if len(meant) <= AMBIGUOUS:
                told += [(rank[name] * (0.6 + 0.2 * min(best, 2)) / len(meant) ** 0.5, hit) for hit in meant]
        return sorted(told, key=lambda scored: (-scored[0], scored[1].path, scored[1].start))

    def _drawn(self, place: Place, told: Sequence[tuple[float, Hit]]) -> list[Piece]:
        opened = dict(place.documents)
        texts: dict[str, list[str]] = {}
        pieces: list[Piece] = []
        for score, hit in told[:12]:
            members = ""
            if hit.kind in CLASSES:
                if hit.path not in texts:
                    document = opened.get(hit.path)
                    text = document.text if document else self._read(hit.path)
                    texts[hit.path] = split_lines(text[:MOST_CHARS])
                members = members_of(_from(texts[hit.path], hit), 0)
            pieces.append(Piece(self.name, hit.path, members or _head(hit), score, hit.start, hit.end))
        return pieces


class Similar:
    """Chunks of other files that look like the lines around the cursor."""

    name = "similar"

    def __init__(self, index: Callable[[], ProjectIndex | None]) -> None:
        self._index = index

    async def pieces(self, place: Place) -> list[Piece]:
        """The best few, as they stand in their files."""
        index = self._index()
        if index is None or not place.snippet.strip():
            return []
        found = await index.similar(place.snippet, 6, outside=place.path, deadline=INDEX_DEADLINE_S)
        hits = [hit for hit in found if not place.is_own(hit.path)]
        top = hits[0].score if hits else 0.0
        return [
            Piece(self.name, hit.path, hit.text, max(0.05, hit.score / top) / (1 + 0.2 * number), hit.start, hit.end)
            for number, hit in enumerate(hits if top > 0 else ())
        ]


class OwnFile:
    """Parts of the file being edited that its window does not reach, from the snapshot."""

    name = "own"

    def __init__(self, *, before: int, after: int) -> None:
        """`before` and `after`: characters next to the cursor that the prompt shows anyway."""
        self._before, self._after = before, after

    async def pieces(self, place: Place) -> list[Piece]:
        """Blocks that share rare names with the cursor's surroundings."""
        return await asyncio.to_thread(self._pieces, place)

    def _pieces(self, place: Place) -> list[Piece]:
        snapshot = place.snapshot
        if not self._before < len(snapshot.text) <= MOST_CHARS:
            return []
        lines = snapshot.lines
        cursor = lines.start(place.line)
        first = min(place.line - FAR_LINES, lines.position(max(0, cursor - self._before)).line)
        last = max(place.line + FAR_LINES, lines.position(cursor + self._after).line)
        lines_of = [line.rstrip("\r\n") for line in split_lines(snapshot.text)]
        heads = offered(lines_of, place.line, range(first, last + 1), OFFERED_CHARS)
        outline = [Piece(OUTLINE, place.path, heads, 1.0)] if heads else []
        far = [(place.path, c) for c in _cut(snapshot.text) if c.block.end <= first or c.block.start > last]
        return outline + _sharing(self.name, place, far, most=4)


class OpenDocuments:
    """Blocks of the other open documents that share rare names with the cursor's surroundings."""

    name = "open"

    async def pieces(self, place: Place) -> list[Piece]:
        """The best few over all documents."""
        return await asyncio.to_thread(self._pieces, place)

    def _pieces(self, place: Place) -> list[Piece]:
        blocks = [
            (path, cut)
            for path, snapshot in place.documents
            if len(snapshot.text) <= MOST_CHARS
            for cut in _cut(snapshot.text)
        ]
        return _sharing(self.name, place, blocks, most=6)


class Edits:
    """What was edited lately in other files: what changed in this one may be what is being changed again."""

    name = "edits"

    def __init__(self, edits: RecentEdits, allowed: Callable[[str], bool]) -> None:
        self._edits = edits
        self._allowed = allowed

    async def pieces(self, place: Place) -> list[Piece]:
        """Small diffs, the most recent with the highest score."""
        regions = [region for region in self._edits.regions() if not place.is_own(region.path)]
        paths = {region.path for region in regions}
        allowed = {path for path in paths if await asyncio.to_thread(self._allowed, path)}
        return [
            Piece(self.name, region.path, region.diff(), 1 / (1 + 0.3 * number), region.start, region.end)
            for number, region in enumerate(reversed(regions))
            if region.path in allowed
        ]


def _pointed_at(place: Place, near: set[str], hit: Hit) -> int:
    """How many signs say that this definition is the one that is meant."""
    *owners, _ = hit.qualified.split(".") if hit.qualified else [""]
    signs = sum(owner in near for owner in owners[-1:])
    if module := place.imported.get(hit.symbol):
        path = PurePosixPath(hit.path)
        words = module.replace("/", ".").replace("::", ".").split(".")
        signs += 1 + (path.stem in words or (path.stem in {"__init__", "index", "mod"} and path.parent.name in words))
    return signs


def _from(lines: Sequence[str], hit: Hit) -> Sequence[str]:
    """The lines of a file from a chunk on; [] when the file is no longer what was indexed."""
    first = hit.text.split("\n", 1)[0].rstrip()
    if hit.start < len(lines) and lines[hit.start].rstrip() == first:
        return lines[hit.start :]
    return ()


def _head(hit: Hit) -> str:
    """Signature and the first line of the documentation, in the words of the language."""
    if hit.kind in CLASSES or not hit.signature:
        return hit.text
    doc = doc_line(hit.text)
    if not doc:
        return hit.signature
    return f'{hit.signature}:\n    """{doc}"""' if hit.language == "python" else f"// {doc}\n{hit.signature}"


@dataclass(frozen=True, slots=True)
class _Named:
    block: Block
    names: frozenset[str]


@lru_cache(maxsize=2 * OPEN_DOCUMENTS)
def _cut(text: str) -> tuple[_Named, ...]:
    """The blocks of a text. Remembered: of several open documents, one changes between two looks."""
    return tuple(_Named(block, frozenset(identifiers(block.text))) for block in blocks_of(text))


def _sharing(source: str, place: Place, blocks: Sequence[tuple[str, _Named]], *, most: int) -> list[Piece]:
    """The blocks that share the rarest names with the place, by the rarity of those over a block's length."""
    wanted = {name: 1 / (1 + 0.05 * rank) for rank, name in enumerate(place.names)}
    shared = [cut.names & wanted.keys() for _, cut in blocks]
    frequency = Counter(name for names in shared for name in names)
    scored = [
        (sum(wanted[name] * math.log(1 + len(blocks) / frequency[name]) for name in names), number)
        for number, names in enumerate(shared)
        if names
    ]
    ranked = sorted(((score / (4 + len(blocks[n][1].names)) ** 0.5, -n) for score, n in scored), reverse=True)[:most]
    best = [(score, *blocks[-n]) for score, n in ranked]
    return [
        Piece(source, path, c.block.text, score / ranked[0][0], c.block.start, c.block.end) for score, path, c in best
    ]


def text_of(place: Path, most: int) -> str:
    """The text of a file, "" if it cannot be read or is too large."""
    try:
        with place.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError):
        return ""
    return content.decode(errors="replace") if len(content) <= most else ""
