"""textDocument/inlineCompletion: ghost text, and `zi/cursorMoved`, which lets the model get ready for it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from lsprotocol import types

from zicoder.complete.gate import AUTOMATIC, INVOKED
from zicoder.lsp.convert import offset_of, position_at
from zicoder.lsp.features.suggestion_feedback import TAKEN
from zicoder.lsp.host import FeatureHost

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.complete.completer import Completer
    from zicoder.lsp.hovering import Hovering

__all__ = ["CURSOR_MOVED", "InlineHost", "register"]

CURSOR_MOVED = "zi/cursorMoved"


class InlineHost(FeatureHost, Protocol):
    """A server that also completes inline."""

    @property
    def completer(self) -> Completer | None:
        """None before `initialized`."""
        ...

    cursor: tuple[str, types.Position] | None
    """Where it rested last, before there was a completer."""

    @property
    def goes_through_others(self) -> bool: ...  # noqa: D102
    @property
    def hovering(self) -> Hovering: ...  # noqa: D102
    def in_background(self, work: Coroutine[Any, Any, None]) -> object: ...  # noqa: D102


def register(server: InlineHost) -> None:
    """Add the handlers. Without options pygls would not advertise the capability."""

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(params: types.InlineCompletionParams) -> types.InlineCompletionList:
        nothing = types.InlineCompletionList(items=[])
        snapshot, completer, encoding = server.snapshot(params.text_document.uri), server.completer, server.encoding
        if snapshot is None or completer is None:
            return nothing
        offset = offset_of(snapshot, params.position, encoding)
        automatic = params.context.trigger_kind == types.InlineCompletionTriggerKind.Automatic
        found = await completer.complete(
            snapshot,
            offset,
            AUTOMATIC if automatic else INVOKED,
            list_open=params.context.selected_completion_info is not None,
        )
        if found is None:
            return nothing
        place = position_at(snapshot, found.offset, encoding)
        told = types.Command(title="Accepted", command=TAKEN, arguments=[found.id]) if found.id else None
        # VS Code does not ask again for the next one, so that they must come with the first.
        wanted = server.goes_through_others and not automatic
        others = await completer.others(snapshot, found) if wanted else []
        now = server.snapshot(params.text_document.uri)
        if now is None or now.text != snapshot.text:
            return nothing
        return types.InlineCompletionList(
            [
                types.InlineCompletionItem(insert_text=text, range=types.Range(start=place, end=place), command=told)
                for text in (found.text, *others)
            ]
        )

    @server.feature(CURSOR_MOVED)
    def cursor_moved(params: Any) -> None:
        """Params: {textDocument: {uri}, position}. Sent by clients while nobody types; optional."""
        uri = params.textDocument.uri
        position = types.Position(line=params.position.line, character=params.position.character)
        server.cursor = uri, position
        prefill(server)
        if server.completer is not None and (snapshot := server.snapshot(uri)) is not None:
            server.in_background(server.hovering.cursor(snapshot, position.line))


def prefill(server: InlineHost) -> None:
    """Get ready for a request where the cursor rested last; while there is no completer yet, nothing."""
    if server.completer is None or server.cursor is None:
        return
    (uri, position), server.cursor = server.cursor, None
    if (snapshot := server.snapshot(uri)) is not None:
        server.completer.prefill(snapshot, offset_of(snapshot, position, server.encoding))
