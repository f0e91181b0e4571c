r"""The documents the editor has open, as the editor sees them, over those on disk.

pygls splits lines as `str.splitlines` does, also at form feeds, U+2028 and others; LSP knows "\n", "\r\n" and
"\r" only. With pygls' own documents one such character makes every later incremental change land on the
wrong line. It also splits the whole text anew for each change. The classes here replace both; `ZiProtocol` is how
a server installs them.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from zicoder.errors import InputError
from zicoder.lsp.convert import offset_of, path_of
from zicoder.text import LINE_END, Edit, LineIndex, Snapshot, common_ends, language_of, split_lines

__all__ = ["ZiTextDocument", "ZiWorkspace", "snapshot_of"]

log = logging.getLogger("zicoder.lsp")

MOST_EDITS = 100
"""Edits of one change that are noted one by one; more are a bulk edit, whatever they are."""


class _KnownLines(LineIndex):
    """A line index whose line starts are known already, so that nothing is scanned."""

    __slots__ = ()

    def __init__(self, text: str, starts: list[int]) -> None:  # pyright: ignore[reportMissingSuperCall]
        self._text = text
        self._starts = starts

    def edited(self, start: int, end: int, insert: str) -> _KnownLines:
        r"""The index of the text after [start, end) was replaced; this one stays as it is.

        Only the text around the edit is scanned: a line start depends on at most the two characters before it and
        the one after its "\r", so starts up to `start - 1` and from `end + 2` on survive, the latter shifted.
        """
        old = self._text
        text = old[:start] + insert + old[end:]
        shift = len(insert) - (end - start)
        stop = end + shift
        starts = self._starts[: max(1, bisect_right(self._starts, start - 1))]
        tail = bisect_left(self._starts, end + 2)
        starts += [
            match.end()
            for match in LINE_END.finditer(text, max(0, start - 2), min(len(text), stop + 2))
            if start <= match.end() <= stop + 1
        ]
        starts += [at + shift for at in islice(self._starts, tail, None)]
        return _KnownLines(text, starts)

    @property
    def text(self) -> str:
        """The text this index belongs to."""
        return self._text


def _index(text: str) -> _KnownLines:
    """Index a text from scratch."""
    return _KnownLines(text, [0, *(match.end() for match in LINE_END.finditer(text))])


class ZiTextDocument(TextDocument):
    """A pygls document with LSP's idea of a line and a frozen `snapshot`.

    Costs on a 20 MB text of 500,000 lines: one copy of the text and, for an edit near its top, one pass over the line
    starts; the text is not scanned again. See `tests/unit/lsp/test_overlay.py` for the rule it is held to.
    """

    _source: str | None
    _indexed: _KnownLines | None = None
    _frozen: Snapshot | None = None
    _before: Snapshot | None = None
    _edits: tuple[Edit, ...] = ()

    @property
    def source(self) -> str:
        """The text as the editor sees it, or, for a document that is not open, what is on disk, line endings kept.

        Raises InputError when there is neither.
        """
        if self._source is not None:
            return self._source
        path = path_of(self.uri)
        if path is None:
            return ""
        try:
            return path.read_bytes().decode("utf-8", "replace")
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error

    @property
    def lines(self) -> Sequence[str]:
        """Lines with their endings, split by LSP's rule."""
        return tuple(split_lines(self.source))

    def snapshot(self) -> Snapshot:
        """Freeze the version of this moment. Asking again before the next change gives the same object."""
        version = self.version or 0
        frozen = self._frozen
        if frozen is None or frozen.version != version or self._indexed is None or frozen.text is not self._source:
            frozen = self._freeze(version)
        return frozen

    def take_changes(self) -> tuple[Snapshot | None, list[Edit]]:
        """The text before what has changed since the last call (None: nothing has), and the edits in their order.

        An edit's range refers to the text as the edits before it left it.
        """
        before, edits = self._before, list(self._edits)
        self._before, self._edits = None, ()
        return before, edits

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Apply one change, and note what it was."""
        before = self.snapshot()
        super().apply_change(change)
        if isinstance(change, types.TextDocumentContentChangeWholeDocument):
            self._note(before, _difference(before.text, change.text))

    def _note(self, before: Snapshot, edit: Edit) -> None:
        self._before = self._before or before
        if len(self._edits) < MOST_EDITS:
            self._edits += (edit,)

    def _freeze(self, version: int) -> Snapshot:
        index = self._index()
        path = path_of(self.uri)
        language = self.language_id or language_of(path or Path(unquote(self.uri)))
        frozen = Snapshot(uri=self.uri, text=index.text, version=version, language=language, path=path)
        # `Snapshot.lines` is a cached property: filling its cache saves a scan of the whole text.
        frozen.__dict__["lines"] = index
        self._frozen = frozen
        return frozen

    def _index(self) -> _KnownLines:
        source = self.source
        if self._indexed is None or self._indexed.text is not source:
            self._indexed = _index(source)
        return self._indexed

    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        snapshot = self.snapshot()
        encoding = self.position_codec.encoding or types.PositionEncodingKind.Utf16
        start = offset_of(snapshot, change.range.start, encoding)
        end = offset_of(snapshot, change.range.end, encoding)
        self._note(snapshot, Edit(min(start, end), max(start, end), change.text))
        self._indexed = self._index().edited(min(start, end), max(start, end), change.text)
        self._source = self._indexed.text
        self._frozen = None


def _difference(before: str, after: str) -> Edit:
    """The one edit that makes a text another: a client that always sends the whole text has not replaced all of it."""
    start, end = common_ends(before, after)
    return Edit(start, len(before) - end, after[start : len(after) - end])


class ZiWorkspace(Workspace):
    """pygls' workspace, making our documents."""

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> ZiTextDocument:
        return ZiTextDocument(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )

    def open_document(self, uri: str) -> ZiTextDocument | None:
        """The document the editor has open under this URI, or None; the disk is never asked."""
        document = self.text_documents.get(unquote(uri))
        return document if isinstance(document, ZiTextDocument) else None

    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """Apply one change. A change to a document that was never opened is logged and left out."""
        if self.open_document(text_doc.uri) is None:
            log.warning("The editor changed %s without having opened it; the change is ignored.", text_doc.uri)
            return
        super().update_text_document(text_doc, change)


def snapshot_of(document: TextDocument) -> Snapshot:
    """The current version of a document, frozen: what a handler takes before its first `await`."""
    if not isinstance(document, ZiTextDocument):
        raise TypeError(f"{document.uri} was not made by ZiWorkspace; the server must use ZiProtocol")
    return document.snapshot()
