"""What the editor tells of its documents, passed on to everyone who follows them. Synchronous and tiny."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsprotocol import types

from zicoder.lsp.features import code_index
from zicoder.lsp.features.diagnostics import Publisher
from zicoder.lsp.overlay import ZiWorkspace

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.assist.jedi_bridge import JediBridge
    from zicoder.complete.completer import Completer

__all__ = ["DocumentHost", "register"]

F = TypeVar("F", bound=Callable[..., Any])


class DocumentHost(code_index.IndexHost, Protocol):
    """A server with documents, an index and a completer."""

    @property
    def documents(self) -> ZiWorkspace: ...  # noqa: D102
    @property
    def completer(self) -> Completer | None: ...  # noqa: D102
    @property
    def jedi(self) -> JediBridge: ...  # noqa: D102
    @property
    def publisher(self) -> Publisher: ...  # noqa: D102
    def in_background(self, work: Coroutine[Any, Any, None]) -> object: ...  # noqa: D102
    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]: ...  # noqa: D102


def register(server: DocumentHost) -> None:
    """Add the listeners."""

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        uri = params.text_document.uri
        code_index.document_opened(server, uri)
        server.publisher.changed(uri, pause=0)
        if params.text_document.language_id == "python":
            server.in_background(server.jedi.warm())
        completer, snapshot = server.completer, server.snapshot(uri)
        if completer is not None and snapshot is not None:
            completer.session.opened(snapshot)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        code_index.document_changed(server, uri)
        server.publisher.changed(uri)
        document = server.documents.open_document(uri)
        if document is None:
            return
        before, edits = document.take_changes()
        if server.completer is not None and before is not None:
            server.completer.changed(before, document.snapshot(), edits)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        code_index.document_saved(server, params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        code_index.document_closed(server, uri)
        server.publisher.closed(uri)
        if server.completer is not None:
            server.completer.closed(uri)
