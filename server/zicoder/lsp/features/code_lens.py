"""`textDocument/codeLens`: "Explain · Test · Document" over functions and classes, and the commands behind it.

The commands can be run by any client. One that has a place for answers (the chat in VS Code) takes them over; for the
others the server runs the `/command` and shows what it said.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException

from zicoder.lsp.convert import plain, uri_of
from zicoder.lsp.features.slash_commands import run_command
from zicoder.lsp.host import is_current
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.assist.definitions import Definition
    from zicoder.assist.jedi_bridge import JediBridge
    from zicoder.commands.session import Session
    from zicoder.lsp.hovering import Hovering
    from zicoder.workspace import Workspace

__all__ = ["DOCUMENT", "EXPLAIN", "TEST", "LensHost", "lines_range", "refresh", "register"]

log = logging.getLogger("zicoder.lsp")

EXPLAIN, TEST, DOCUMENT = "zi.explainSymbol", "zi.testSymbol", "zi.documentSymbol"
COMMANDS = {EXPLAIN: "explain", TEST: "test", DOCUMENT: "doc"}
TITLES = {EXPLAIN: "Explain", TEST: "Test", DOCUMENT: "Document"}
MOST = 400
"""Definitions of one document with lenses."""
ATTEMPTS = 2
LONGEST_MESSAGE = 2_000

F = TypeVar("F", bound=Callable[..., Any])


class LensHost(Protocol):
    """A server that knows definitions and runs commands."""

    @property
    def encoding(self) -> str: ...  # noqa: D102
    @property
    def project(self) -> Workspace | None: ...  # noqa: D102
    @property
    def jedi(self) -> JediBridge: ...  # noqa: D102
    @property
    def hovering(self) -> Hovering: ...  # noqa: D102
    @property
    def client_capabilities(self) -> types.ClientCapabilities: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102
    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]: ...  # noqa: D102
    def command(self, command_name: str) -> Callable[[F], F]: ...  # noqa: D102
    def send_progress(self, token: str | int, value: Any) -> None: ...  # noqa: D102
    async def slash_session(self) -> Session: ...  # noqa: D102
    async def reconfigure(self, pushed: Any) -> None: ...  # noqa: D102
    def in_background(self, work: Coroutine[Any, Any, None]) -> object: ...  # noqa: D102
    def window_show_message(self, params: types.ShowMessageParams) -> None: ...  # noqa: D102
    async def window_show_document_async(  # noqa: D102
        self, params: types.ShowDocumentParams
    ) -> types.ShowDocumentResult: ...
    async def workspace_code_lens_refresh_async(self, params: None) -> None: ...  # noqa: D102


def register(host: LensHost) -> None:
    """Offer lenses and their commands."""

    @host.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=False))
    async def lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
        uri = params.text_document.uri
        found: list[types.CodeLens] = []
        for _ in range(ATTEMPTS):  # those of an older text would stand over the wrong lines
            snapshot = host.snapshot(uri)
            if snapshot is None or host.project is None or not host.project.settings.code_lens.enabled:
                return []
            definitions = await (await host.hovering.definitions()).of(snapshot.text, snapshot.language)
            found = [lens for each in _chosen(definitions or ()) for lens in _lenses(uri, each)]
            if is_current(host, snapshot):
                break
        return found

    for identity, name in COMMANDS.items():
        host.command(identity)(_command(host, name))


def refresh(host: LensHost) -> None:
    """Have the editor ask again: the setting has changed."""
    if get_capability(host.client_capabilities, "workspace.code_lens.refresh_support", False):
        host.in_background(_refreshed(host))


async def _refreshed(host: LensHost) -> None:
    try:
        await host.workspace_code_lens_refresh_async(None)
    except JsonRpcException as error:
        log.info("the editor does not show lenses anew: %s", error)


def lines_range(first: int, last: int) -> dict[str, dict[str, int]]:
    """The lines [first, last) as LSP's range; a single one, of which nobody knows more, as the place at its start."""
    end = last if last - first > 1 else first
    return {"start": {"line": first, "character": 0}, "end": {"line": end, "character": 0}}


def _chosen(definitions: tuple[Definition, ...]) -> list[Definition]:
    """Those that are not inside of a function."""
    chosen: list[Definition] = []
    inside = 0
    for each in definitions:
        if each.start >= inside:
            chosen.append(each)
            if each.kind in ("function", "method"):
                inside = each.end
    return chosen[:MOST]


def _lenses(uri: str, definition: Definition) -> list[types.CodeLens]:
    place = types.Position(definition.head, 0)
    argument = {"uri": uri, "range": lines_range(definition.start, definition.end)}
    return [
        types.CodeLens(types.Range(place, place), types.Command(TITLES[each], each, arguments=[argument]))
        for each in (EXPLAIN, TEST, DOCUMENT)
        if each != TEST or definition.kind != "interface"
    ]


def _command(host: LensHost, name: str) -> Callable[..., Any]:
    async def run(*arguments: Any) -> dict[str, Any]:
        values = plain(arguments[0]) if arguments else {}
        answer = await run_command(host, f"/{name}", values)
        await _show(host, name, answer)
        return answer

    run.__doc__ = f"/{name} for a definition, and show what it said. One argument, an object: `uri`, `range`."
    return run


async def _show(host: LensHost, name: str, answer: dict[str, Any]) -> None:
    """Show an answer: nobody reads the result of a lens's command."""
    error = answer["error"]
    if error is not None:
        text = f"{error['message']} {error['hint']}".strip()
        host.window_show_message(types.ShowMessageParams(types.MessageType.Warning, text))
        return
    text = str(answer["text"])
    if name == "explain" and get_capability(host.client_capabilities, "window.show_document.support", False):
        path = await asyncio.to_thread(_written, host.project, text)
        if path is not None:
            top = types.Range(types.Position(0, 0), types.Position(0, 0))  # LSP4IJ opens nothing without a place
            params = types.ShowDocumentParams(uri_of(path), take_focus=True, selection=top)
            shown = await host.window_show_document_async(params)
            if shown.success:
                return
    if text:
        host.window_show_message(types.ShowMessageParams(types.MessageType.Info, text[:LONGEST_MESSAGE]))


def _written(project: Workspace | None, text: str) -> Path | None:
    """A file with an answer, one for each project. Blocking."""
    from zicoder.workspace import cache_dir, project_key

    if project is None or project.root is None:
        return None
    path = cache_dir() / "explained" / f"{project_key(project.root)}.md"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8", errors="replace")
    except OSError:
        return None
    return path
