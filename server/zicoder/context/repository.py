"""The part of an infill prompt that comes from the rest of the project, prepared while nobody waits for it.

Owns what was prepared last for each document. `prepare` may take its time and never raises for a reason that lies in a
source; `parts` is instant and asks nobody. Must never show a file that the index would not hold, nor the line that is
being completed.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from zicoder.context.arrange import arrange, choose
from zicoder.context.edits import RecentEdits
from zicoder.context.place import LONGEST_LINE, Place
from zicoder.context.sources import (
    FAR_LINES,
    OPEN_DOCUMENTS,
    OUTLINE,
    Definitions,
    Edits,
    OpenDocuments,
    OwnFile,
    Piece,
    ProjectIndex,
    Similar,
    Source,
    text_of,
)
from zicoder.context.window import CHARS_PER_TOKEN
from zicoder.errors import ZiError
from zicoder.index.skip import HEAD_BYTES, content_reason
from zicoder.index.walk import FileFilter
from zicoder.models.protocols import ContextPart
from zicoder.text import Snapshot

__all__ = ["BUDGET_TOKENS", "RepositoryContext"]

log = logging.getLogger("zicoder.context")

BUDGET_TOKENS = 512
DEADLINE_S = 1.0
"""For each source. Nobody waits, but what comes later is about a place that the cursor has left."""
TELLING = 6
"""Characters of the line before the cursor from which on it is known again."""
DOCUMENTS = 32
"""For so many documents the last context is remembered."""


class RepositoryContext:
    """Context from one project."""

    def __init__(
        self,
        files: FileFilter,
        *,
        index: Callable[[], ProjectIndex | None],
        documents: Callable[[], Iterable[Snapshot]],
        prefix_tokens: int = 1536,
        suffix_tokens: int = 384,
        budget_tokens: int = BUDGET_TOKENS,
        sources: Sequence[Source] | None = None,
    ) -> None:
        """`index` gives the code index if there is one; `documents` all open documents, the most recent first.

        `prefix_tokens` and `suffix_tokens` are those of the window around the cursor: what it shows is not shown twice.
        """
        self.edits = RecentEdits()
        """To be fed with every change of an open document; see `changed`."""
        self._files = files
        self._documents = documents
        self.budget_tokens = budget_tokens
        """Of what `prepare` keeps; 0 switches it off. May be changed at any time."""
        window = {"before": int(prefix_tokens * CHARS_PER_TOKEN), "after": int(suffix_tokens * CHARS_PER_TOKEN)}
        self._sources: Sequence[Source] = sources or (
            Definitions(index, self._read),
            Similar(index),
            OwnFile(**window),
            OpenDocuments(),
            Edits(self.edits, self._allowed),
        )
        self._prepared: OrderedDict[str, tuple[Piece, ...]] = OrderedDict()
        self._turn: dict[str, int] = {}
        self._turns = itertools.count()

    def changed(self, before: Snapshot, after: Snapshot) -> None:
        """A document was edited: remember where. On the keystroke path; costs microseconds."""
        if (path := self.path_of(after)) is not None:
            self.edits.changed(path, before, after)

    def closed(self, uri: str) -> None:
        """A document was closed: its context is forgotten, its edits are not."""
        self._prepared.pop(uri, None)
        self._turn.pop(uri, None)

    async def prepare(self, snapshot: Snapshot, offset: int) -> None:
        """Ask all sources for this place, and keep what `parts` will give. Raises nothing that a source raised."""
        turn = self._turn[snapshot.uri] = next(self._turns)  # before anything is waited for: calls keep their order
        path = await asyncio.to_thread(self._real_path, snapshot)
        if path is None or self.budget_tokens <= 0:
            self.closed(snapshot.uri)
            return
        others = tuple(itertools.islice((d for d in self._documents() if d.uri != snapshot.uri), OPEN_DOCUMENTS))
        place = await asyncio.to_thread(self._place, snapshot, offset, path, others)
        answers = await asyncio.gather(*(self._ask(source, place) for source in self._sources))
        if self._turn.get(snapshot.uri) != turn:
            return  # a later call is about where the cursor is now
        previous = self._prepared.get(snapshot.uri, ())
        pieces = [piece for answer in answers for piece in answer]
        self._prepared[snapshot.uri] = await asyncio.to_thread(self._chosen, previous, place, pieces)
        self._prepared.move_to_end(snapshot.uri)
        while len(self._prepared) > DOCUMENTS:
            self.closed(next(iter(self._prepared)))

    def parts(self, snapshot: Snapshot, offset: int) -> tuple[ContextPart, ...]:
        """What was prepared last for this document, less what the cursor has come near to since. Instant."""
        pieces = self._prepared.get(snapshot.uri, ())
        if not pieces:
            return ()
        own = self.path_of(snapshot)
        near = _Near(snapshot, offset)
        return tuple(ContextPart(piece.path, piece.text) for piece in pieces if piece.path != own or near.allows(piece))

    def path_of(self, snapshot: Snapshot) -> str | None:
        """A document's path in the project, None for one outside it and for an untitled one."""
        return self._files.relative(str(snapshot.path)) or None if snapshot.path else None

    # --- details

    def _real_path(self, snapshot: Snapshot) -> str | None:
        """As the index knows the document, also when it was opened through a link. Reads the ignore files anew."""
        self._files.reload()
        if snapshot.path is None:
            return None
        try:
            return self._files.relative(str(snapshot.path.resolve())) or self.path_of(snapshot)
        except OSError:
            return self.path_of(snapshot)

    def _chosen(self, previous: Sequence[Piece], place: Place, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
        budget = self.budget_tokens
        known = {place.path, *(path for path, _ in place.documents)}
        standing = [p for p in previous if p.path in known or self._files.reason(p.path) is None]
        return arrange(standing, choose(place, pieces, budget, previous=standing), place, budget)

    async def _ask(self, source: Source, place: Place) -> list[Piece]:
        try:
            return await asyncio.wait_for(source.pieces(place), DEADLINE_S)
        except TimeoutError:
            log.info("no context from %s: it took longer than %.1f s", source.name, DEADLINE_S)
        except (ZiError, OSError, RuntimeError, ValueError) as error:
            log.info("no context from %s: %s", source.name, error)
        return []

    def _place(self, snapshot: Snapshot, offset: int, path: str, others: Sequence[Snapshot]) -> Place:
        shown = ((self.path_of(other), other) for other in others)
        allowed = tuple((name, other) for name, other in shown if name and self._allowed(name, other.text))
        return Place.at(snapshot, offset, path, allowed)

    def _allowed(self, path: str, text: str = "") -> bool:
        """Whether the index would hold this file. Looks at the disk."""
        head = text[:HEAD_BYTES].encode(errors="replace")
        return self._files.reason(path, size=len(text)) is None and content_reason(path, head) is None

    def _read(self, path: str) -> str:
        """A file as it is on disk; "" for one that the index would not hold."""
        if not self._allowed(path):
            return ""
        return text_of(Path(self._files.absolute(path)), self._files.max_bytes)


class _Near:
    """Guards the lines around a cursor against parts of the same file that were prepared for another place."""

    def __init__(self, snapshot: Snapshot, offset: int) -> None:
        self._text = snapshot.text.replace("\r\n", "\n")
        self._line = snapshot.lines.position(offset).line
        self._typed = snapshot.text[max(snapshot.lines.start(self._line), offset - LONGEST_LINE) : offset].strip()

    def allows(self, piece: Piece) -> bool:
        """Whether the file still has this text, and only far from the cursor."""
        text = piece.text
        if piece.source == OUTLINE:
            return len(self._typed) < TELLING or not any(_begins(line, self._typed) for line in text.split("\n"))
        at = self._text.find(text)
        if at < 0:
            return False
        while at >= 0:
            first = self._text.count("\n", 0, at)
            if first - FAR_LINES // 2 <= self._line <= first + text.count("\n") + FAR_LINES // 2:
                return False
            at = self._text.find(text, at + 1)
        return True


def _begins(line: str, typed: str) -> bool:
    """Whether a line of an outline begins so; its line of attributes is no line of the file."""
    line = line.strip()
    return line.startswith(typed) and not line.startswith(("self.", "this."))
