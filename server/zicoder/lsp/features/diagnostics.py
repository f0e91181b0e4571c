"""`textDocument/publishDiagnostics`: what our own checks find, where no other server does it.

Checks begin when typing pauses, end when the text changes again, and what they found is published with the version that
they saw, or not at all. Nothing here runs longer than it takes to start a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lsprotocol import types
from pygls.capabilities import get_capability

from zicoder.lsp.convert import range_at
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.assist.problem import Problem, Severity
    from zicoder.lsp.assistant import Assistant
    from zicoder.workspace import Workspace

__all__ = ["DiagnosticsHost", "Publisher", "depth_for"]

PAUSE_S = 0.4
"""So long typing must pause before a text is checked."""
AT_ONCE = 2
"""Documents that are checked side by side, when a session is restored with dozens of them."""

_BUILT_IN = {
    "visual studio code": frozenset(
        ("css", "html", "javascript", "javascriptreact", "json", "jsonc", "less", "markdown", "php", "python", "scss",
         "typescript", "typescriptreact")
    ),
}  # fmt: skip
"""Languages that an editor checks as it is installed, or with the extension that nobody uses the language without."""
_CHECKS_ALL = ("intellij", "pycharm", "webstorm", "goland", "rider", "clion", "phpstorm", "rubymine", "rustrover")
"""Editors that check whatever language they know."""

_SEVERITIES: dict[Severity, types.DiagnosticSeverity] = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "information": types.DiagnosticSeverity.Information,
    "hint": types.DiagnosticSeverity.Hint,
}


class DiagnosticsHost(Protocol):
    """A server that can publish."""

    @property
    def encoding(self) -> str: ...  # noqa: D102
    @property
    def project(self) -> Workspace | None: ...  # noqa: D102
    @property
    def assistant(self) -> Assistant: ...  # noqa: D102
    @property
    def open_uris(self) -> list[str]: ...  # noqa: D102
    @property
    def client_capabilities(self) -> types.ClientCapabilities: ...  # noqa: D102
    @property
    def client_name(self) -> str: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102
    def in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]: ...  # noqa: D102
    def text_document_publish_diagnostics(self, params: types.PublishDiagnosticsParams) -> None: ...  # noqa: D102


def depth_for(
    level: Literal["auto", "off", "syntax", "all"], language: str, client: str, others: set[str]
) -> Literal["", "syntax", "all"]:
    """How deeply a document is checked, "" for not at all.

    `client` is the editor's name, `others` the languages that other servers were seen to check.
    """
    if level != "auto":
        return "" if level == "off" else level
    name = client.lower()
    known = next((languages for editor, languages in _BUILT_IN.items() if name.startswith(editor)), frozenset[str]())
    checked = language in known or language in others or any(editor in name for editor in _CHECKS_ALL)
    return "" if checked else "syntax"


class Publisher:
    """Publishes for the documents of one session, each at its own pace."""

    def __init__(self, host: DiagnosticsHost) -> None:
        self._host = host
        self._running: dict[str, asyncio.Task[None]] = {}
        self._shown: set[str] = set()
        self._turn = asyncio.Semaphore(AT_ONCE)

    def changed(self, uri: str, *, pause: float = PAUSE_S) -> None:
        """A document has other text now, or was opened."""
        self._stop(uri)
        if self._host.project is None:
            return  # `refresh` comes when the project is there
        task = self._host.in_background(self._check(uri, pause))
        self._running[uri] = task
        task.add_done_callback(lambda done: self._done(uri, done))

    def closed(self, uri: str) -> None:
        """A document is closed: nothing is wrong with it any more."""
        self._stop(uri)
        self._host.assistant.forget(uri)
        self._clear(uri)

    def refresh(self) -> None:
        """The settings may have changed, or what other servers do."""
        for uri in self._host.open_uris:
            self.changed(uri, pause=0)

    def _stop(self, uri: str) -> None:
        if (task := self._running.pop(uri, None)) is not None:
            task.cancel()

    def _done(self, uri: str, task: asyncio.Task[None]) -> None:
        if self._running.get(uri) is task:
            del self._running[uri]

    def _clear(self, uri: str) -> None:
        if uri in self._shown:
            self._shown.discard(uri)
            self._host.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri=uri, diagnostics=[]))

    async def _check(self, uri: str, pause: float) -> None:
        await asyncio.sleep(pause)
        host = self._host
        snapshot, project = host.snapshot(uri), host.project
        if snapshot is None or project is None:
            return
        level = project.settings.diagnostics.level
        depth = depth_for(level, snapshot.language, host.client_name, host.assistant.checked_by_others)
        if not depth:
            self._clear(uri)
            return
        async with self._turn:
            found = await (await host.assistant.checker()).problems(snapshot, depth)
        now = host.snapshot(uri)
        if now is not None and now.version == snapshot.version and now.text == snapshot.text:
            self._publish(snapshot, found)

    def _publish(self, snapshot: Snapshot, found: list[Problem]) -> None:
        if not found and snapshot.uri not in self._shown:
            return  # most documents are sound, and have been before
        self._shown.add(snapshot.uri)
        can = self._host.client_capabilities
        versions = get_capability(can, "text_document.publish_diagnostics.version_support", False)
        tags = get_capability(can, "text_document.publish_diagnostics.tag_support", None) is not None
        encoding = self._host.encoding
        params = types.PublishDiagnosticsParams(
            uri=snapshot.uri,
            version=snapshot.version if versions else None,
            diagnostics=[diagnostic(snapshot, each, encoding, tags=tags) for each in found],
        )
        self._host.text_document_publish_diagnostics(params)


def diagnostic(snapshot: Snapshot, problem: Problem, encoding: str, *, tags: bool = True) -> types.Diagnostic:
    """A problem as LSP has it."""
    return types.Diagnostic(
        range=range_at(snapshot, problem.start, problem.end, encoding),
        message=problem.message,
        severity=_SEVERITIES[problem.severity],
        source=problem.source,
        code=problem.code or None,
        code_description=types.CodeDescription(problem.url) if problem.url.startswith("https://") else None,
        tags=[types.DiagnosticTag.Unnecessary] if tags and problem.unnecessary else None,
    )
