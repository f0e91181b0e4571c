"""The code index in the editor: `workspace/symbol`, `zi.search`, `zi.indexStatus`, and the news that keep it fresh."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsprotocol import types

from zicoder.errors import ZiError
from zicoder.lsp.convert import path_of, uri_of
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.index.code_index import CodeIndex
    from zicoder.index.search import Hit
    from zicoder.index.symbols import Symbol
    from zicoder.workspace import Workspace

__all__ = ["IndexHost", "document_opened", "register", "tell_open_documents", "watch_files"]

log = logging.getLogger("zicoder.lsp")

F = TypeVar("F", bound=Callable[..., Any])

SEARCH = "zi.search"
STATUS = "zi.indexStatus"
SEMANTIC_BELOW = 8
"""With fewer names than this, `workspace/symbol` also looks for what the query may mean."""
SYMBOL_LIMIT = 100
HITS = 10

_KINDS = {
    "function": types.SymbolKind.Function,
    "method": types.SymbolKind.Method,
    "class": types.SymbolKind.Class,
    "interface": types.SymbolKind.Interface,
    "module": types.SymbolKind.Variable,
    "section": types.SymbolKind.String,
}


class IndexHost(Protocol):
    """A server with a workspace."""

    @property
    def project(self) -> Workspace | None: ...  # noqa: D102
    @property
    def index_error(self) -> ZiError | None: ...  # noqa: D102
    @property
    def open_uris(self) -> list[str]: ...  # noqa: D102
    @property
    def client_capabilities(self) -> types.ClientCapabilities: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102
    def in_background(self, work: Coroutine[Any, Any, None]) -> object: ...  # noqa: D102
    def command(self, command_name: str) -> Callable[[F], F]: ...  # noqa: D102
    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]: ...  # noqa: D102
    async def client_register_capability_async(self, params: types.RegistrationParams) -> None: ...  # noqa: D102


def register(server: IndexHost) -> None:
    """Add the requests, the command and the listeners."""

    @server.feature(types.WORKSPACE_SYMBOL, types.WorkspaceSymbolOptions(resolve_provider=False))
    async def workspace_symbol(params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
        index = _index(server)
        if index is None:
            return []
        named = await index.symbols(params.query, SYMBOL_LIMIT)
        symbols = [_symbol(index.root, symbol, symbol.name, symbol.line) for symbol in named]
        if len(named) < SEMANTIC_BELOW and len(params.query) > 2:
            known = {(symbol.path, symbol.line) for symbol in named}
            hits = await index.search(params.query, SYMBOL_LIMIT // 5, deadline=1.0)
            others = [hit for hit in hits if hit.symbol and (hit.path, hit.start) not in known]
            symbols += [_symbol(index.root, hit, hit.symbol, hit.start) for hit in others]
        return symbols

    @server.command(SEARCH)
    async def search(*arguments: Any) -> list[dict[str, Any]]:
        """Search the project by meaning and by name; hits best first, lines counted from 0.

        Arguments: query, how many (10), languages ([] means all), folder or glob ("" means everywhere).
        """
        index = _index(server)
        if index is None:
            return []
        from zicoder.index.search import Scope

        query, k, languages, path = _search_arguments(arguments)
        hits = await index.search(query, k, Scope(languages, path))
        return [_as_json(index.root, hit) for hit in hits]

    @server.command(STATUS)
    async def status() -> dict[str, Any]:
        """What the index is doing, how much it holds, and what is wrong, if anything is."""
        index = _index(server)
        error = server.index_error
        answer: dict[str, Any] = {"state": "off", "files": 0, "chunks": 0, "better": 0}
        if index is not None and error is None:
            now = await index.size()
            error = now.error
            answer = {"state": str(now.state), "files": now.files, "chunks": now.chunks, "better": now.better}
        return answer | {"message": str(error) if error else "", "hint": error.hint if error else ""}

    _listen(server)


def _listen(server: IndexHost) -> None:
    """What the editor tells of files."""

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: types.DidChangeWatchedFilesParams) -> None:
        index = _index(server)
        if index is None:
            return
        paths = [_relative(index, path_of(change.uri)) for change in params.changes]
        index.files_changed([path for path in paths if path])


def document_changed(server: IndexHost, uri: str) -> None:
    """A document has other text now."""
    index, snapshot = _index(server), server.snapshot(uri)
    if index is not None and snapshot is not None and (path := _relative(index, snapshot.path)):
        index.document_changed(path, snapshot.text)


def document_saved(server: IndexHost, uri: str) -> None:
    """A document is on disk as it is in the editor."""
    if (found := _followed(server, uri)) is not None:
        found[0].document_saved(found[1])


def document_closed(server: IndexHost, uri: str) -> None:
    """A document's unsaved text is gone."""
    if (found := _followed(server, uri)) is not None:
        found[0].document_closed(found[1])


def document_opened(server: IndexHost, uri: str) -> None:
    """An editor may open a document with text that was never saved: one it restored after a crash, for example."""
    if _index(server) is not None:
        server.in_background(_compare(server, uri))


def tell_open_documents(server: IndexHost) -> None:
    """A new index does not know what was opened and changed before it."""
    for uri in server.open_uris:
        document_opened(server, uri)


async def _compare(server: IndexHost, uri: str) -> None:
    snapshot = server.snapshot(uri)
    path = snapshot.path if snapshot is not None else None
    if snapshot is None or path is None or await asyncio.to_thread(_is_on_disk, path, snapshot.text):
        return
    index = _index(server)
    if index is not None and server.snapshot(uri) == snapshot and (relative := _relative(index, path)):
        index.document_changed(relative, snapshot.text)


def _is_on_disk(path: Path, text: str) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return path.read_bytes().removeprefix(b"\xef\xbb\xbf") == text.encode("utf-8", "surrogatepass")
    return False


async def watch_files(server: IndexHost) -> None:
    """Ask the client to tell of files that change on disk, where it can be asked."""
    workspace = server.client_capabilities.workspace
    watching = workspace.did_change_watched_files if workspace else None
    if watching is None or not watching.dynamic_registration:
        return
    options = types.DidChangeWatchedFilesRegistrationOptions(watchers=[types.FileSystemWatcher(glob_pattern="**/*")])
    registration = types.Registration(
        id="zi-index-files", method=types.WORKSPACE_DID_CHANGE_WATCHED_FILES, register_options=options
    )
    try:
        await server.client_register_capability_async(types.RegistrationParams(registrations=[registration]))
    except Exception as error:  # noqa: BLE001 - the server watches the files itself; this is a second pair of eyes
        log.info("the editor does not watch files: %s", error)


def _index(server: IndexHost) -> CodeIndex | None:
    return server.project.index if server.project else None


def _search_arguments(arguments: tuple[Any, ...]) -> tuple[str, int, tuple[str, ...], str]:
    """Query, number, languages, path; what is missing or of no use stands for its default."""
    query, k, languages, path = (*arguments, *[None] * 4)[:4]
    number = k if isinstance(k, int) and k > 0 else HITS
    if isinstance(languages, str):
        languages = [languages]
    return str(query or ""), min(number, SYMBOL_LIMIT), tuple(map(str, languages or ())), str(path or "")


def _relative(index: CodeIndex, path: Path | None) -> str | None:
    return index.relative(path) if path is not None else None


def _followed(server: IndexHost, uri: str) -> tuple[CodeIndex, str] | None:
    """The index, and the document's path as it knows it."""
    index = _index(server)
    path = _relative(index, path_of(uri)) if index is not None else None
    return (index, path) if index is not None and path else None


def _place(root: Path, path: str, line: int) -> types.Location:
    start = types.Position(line, 0)
    return types.Location(uri=uri_of(root / path), range=types.Range(start, start))


def _symbol(root: Path, found: Symbol | Hit, name: str, line: int) -> types.WorkspaceSymbol:
    return types.WorkspaceSymbol(
        name=name,
        kind=_KINDS.get(found.kind, types.SymbolKind.Variable),
        container_name=found.qualified.rpartition(".")[0] or found.path,
        location=_place(root, found.path, line),
    )


def _as_json(root: Path, hit: Hit) -> dict[str, Any]:
    return {
        "uri": uri_of(root / hit.path),
        "path": hit.path,
        "range": {"start": {"line": hit.start, "character": 0}, "end": {"line": hit.end, "character": 0}},
        "language": hit.language,
        "kind": hit.kind,
        "symbol": hit.symbol,
        "qualified": hit.qualified,
        "signature": hit.signature,
        "text": hit.text,
        "score": hit.score,
        "folded": hit.folded,
        "unsaved": hit.unsaved,
    }
