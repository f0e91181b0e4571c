"""What one editing session teaches: how the user types, what was just changed, how suggestions are received.

Owns the memory that the gate, the debounce and the review ask; follows documents as they are edited. Notifications
come on the keystroke path, so everything here is instant. Never touches a disk but for the journal, in a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from zicoder.complete.changes import ChangeLog
from zicoder.complete.control import Control
from zicoder.complete.gate import Circumstances
from zicoder.complete.journal import Entry, Journal
from zicoder.complete.recency import MOST_CHARS
from zicoder.complete.reception import Reception
from zicoder.complete.rhythm import Rhythm
from zicoder.text import Edit, Snapshot

__all__ = ["Session"]

DELETED_S, DELETED_NEAR = 10.0, 80
"""For so long, and within so many characters of it, a deletion says what is not wanted."""
MERGED_S = 1.5
"""Backspaces no further apart are one deletion."""


@dataclass(slots=True)
class _Deletion:
    at: float
    uri: str
    offset: int
    text: str


class Session:
    """The memory of one session."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.control = Control()
        self.rhythm = Rhythm()
        self.changes = ChangeLog()
        self.journal = journal
        self.reception = Reception(self._keep)
        self._deleted: deque[_Deletion] = deque(maxlen=20)
        self._writing: set[asyncio.Task[None]] = set()

    async def remember(self) -> None:
        """Learn from the journal of earlier sessions."""
        if self.journal is not None:
            journal = self.journal
            self.reception.remember(await asyncio.to_thread(lambda: list(journal.entries())))

    async def close(self) -> None:
        """Finish writing the journal."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=1.0)

    # --- what the editor tells

    def opened(self, snapshot: Snapshot) -> None:
        """A document was opened."""
        self.changes.opened(snapshot.uri, snapshot.text)

    def changed(self, before: Snapshot, after: Snapshot, edits: Sequence[Edit]) -> None:
        """A document was edited, by these edits in their order; each refers to the text the ones before it left."""
        now = time.monotonic()
        change = self.changes.changed(after.uri, edits, after.text, now)
        if change.bulk or change.restored or change.accepted:
            self.rhythm.interrupted()
        else:
            self.rhythm.typed(now, change.character)
        self.reception.changed(after, change.inserted, change.accepted)
        if len(edits) == 1 and edits[0].end > edits[0].start:
            self._note_deletion(before, edits[0], now)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        self.changes.closed(uri)
        self.reception.closed(uri)

    # --- what the pipeline asks

    def circumstances(self, snapshot: Snapshot, line: int, *, path: str, list_open: bool) -> Circumstances:
        """What the gate wants to know beside the place."""
        return Circumstances(
            now=time.monotonic(),
            path=path,
            list_open=list_open,
            last_change=self.changes.last(snapshot.uri),
            cooling_down=self.reception.cooling_down(snapshot.uri, line),
            control=self.control,
        )

    def idle_s(self, uri: str) -> float:
        """Seconds since the last change of a document; an hour when there was none."""
        change = self.changes.last(uri)
        return time.monotonic() - change.at if change else 3600.0

    def deleted(self, uri: str, offset: int) -> list[str]:
        """What was deleted near this place a moment ago."""
        now = time.monotonic()
        return [
            gone.text
            for gone in self._deleted
            if gone.uri == uri and now - gone.at < DELETED_S and abs(gone.offset - offset) < DELETED_NEAR
        ]

    # --- details

    def _note_deletion(self, before: Snapshot, edit: Edit, now: float) -> None:
        text = before.text[edit.start : min(edit.end, edit.start + MOST_CHARS)]
        last = self._deleted[-1] if self._deleted else None
        if last and last.uri == before.uri and last.offset == edit.end and now - last.at < MERGED_S:
            last.at, last.offset, last.text = now, edit.start, (text + last.text)[:MOST_CHARS]
        else:
            self._deleted.append(_Deletion(now, before.uri, edit.start, text))

    def _keep(self, entry: Entry) -> None:
        journal = self.journal
        if journal is not None:
            task = asyncio.create_task(asyncio.to_thread(journal.append, entry))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
