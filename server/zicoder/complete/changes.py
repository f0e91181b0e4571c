"""What the last change to a document was: typing, a bulk edit, an undo, or the acceptance of a suggestion.

A server is told how a text changes, not why. This infers the reason from the shape of the change, from the versions the
text has had, and from what was suggested. Keeps hashes of old versions, never their text. Pure: the caller says what
time it is.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from zicoder.text import Edit

__all__ = ["BULK_CHARS", "Change", "ChangeLog"]

VERSIONS = 30
"""Versions of a document in which an undo is recognised: editors undo a few steps at a time."""
DOCUMENTS = 50
LARGEST = 1_000_000
"""Characters; hashing a larger text at every keystroke would be felt, so that an undo in it is not recognised."""
BULK_CHARS = 100
"""Characters inserted or deleted at once that nobody types: a paste, a refactoring, a formatter."""
BULK_HUNKS = 3
"""Places changed at once; an editor that renames both ends of a tag changes two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The last change to a document."""

    at: float
    """When it came, in seconds of the caller's clock."""
    inserted: int = 0
    """Characters put in, without the indentation that an editor adds to a line break."""
    deleted: int = 0
    hunks: int = 1
    """Places where something other than white space was changed."""
    character: str = ""
    """The last character that was typed, "" when nothing was."""
    restored: bool = False
    """Whether the text is again what it was some versions ago: an undo or a redo."""
    accepted: int = 0
    """Characters of the suggestion that was offered, put in at its place all at once."""

    @property
    def bulk(self) -> bool:
        """Whether it is more than anybody types at once."""
        return not self.accepted and (self.hunks >= BULK_HUNKS or max(self.inserted, self.deleted) > BULK_CHARS)


@dataclass(slots=True)
class _Document:
    versions: deque[tuple[int, int]] = field(default_factory=lambda: deque[tuple[int, int]](maxlen=VERSIONS))
    offered: tuple[int, str] | None = None
    last: Change | None = None


class ChangeLog:
    """The last change to each of the documents that were changed lately."""

    def __init__(self) -> None:
        self._documents: OrderedDict[str, _Document] = OrderedDict()

    def opened(self, uri: str, text: str) -> None:
        """A document as it was before its first change."""
        self._document(uri).versions.append(_fingerprint(text))

    def closed(self, uri: str) -> None:
        """A document that is not edited any more."""
        self._documents.pop(uri, None)

    def offered(self, uri: str, offset: int, text: str) -> None:
        """A suggestion that stands at `offset` now; the editor may insert it, or the first part of it."""
        self._document(uri).offered = (offset, text)

    def changed(self, uri: str, edits: Sequence[Edit], text: str, now: float) -> Change:
        """Note one change: the edits that were made, in the order in which they came, and the text after them.

        An edit's range refers to the text as the edits before it have left it, as in LSP.
        """
        document = self._document(uri)
        seen = _fingerprint(text)
        deleted, inserted = sum(e.end - e.start for e in edits), sum(_weight(e.text) for e in edits)
        by_hand = len(edits) == 1 and deleted + len(edits[0].text) <= 1
        change = Change(
            at=now,
            inserted=inserted,
            deleted=deleted,
            hunks=sum(1 for e in edits if e.text.strip() or (not e.text and e.end - e.start > 1)) or min(1, len(edits)),
            character=edits[-1].text[-1:] if edits else "",
            restored=not by_hand and len(text) <= LARGEST and seen in document.versions,
            accepted=_accepted(document.offered, edits),
        )
        document.versions.append(seen)
        document.last = change
        return change

    def last(self, uri: str) -> Change | None:
        """The last change to a document, None when there was none."""
        document = self._documents.get(uri)
        return document.last if document else None

    def _document(self, uri: str) -> _Document:
        document = self._documents.setdefault(uri, _Document())
        self._documents.move_to_end(uri)
        if len(self._documents) > DOCUMENTS:
            self._documents.popitem(last=False)
        return document


def _fingerprint(text: str) -> tuple[int, int]:
    return (len(text), hash(text) if len(text) <= LARGEST else 0)


def _weight(text: str) -> int:
    """Characters of an insertion, a line break with its indentation counted as one."""
    return len(text) if text.strip() else min(len(text), 1)


def _accepted(offered: tuple[int, str] | None, edits: Sequence[Edit]) -> int:
    """How much of an offered suggestion a change put in, 0 when it is another change.

    One character is typing. An editor may insert a suggestion together with what was typed of its line before it.
    """
    if offered is None or len(edits) != 1:
        return 0
    (start, suggestion), edit = offered, edits[0]
    if not edit.start <= start <= edit.end:
        return 0
    kept = edit.text[start - edit.start :]
    return len(kept) if len(kept) > 1 and suggestion.startswith(kept) else 0
