"""An editor for the bench of fixes: it shows texts to the real server, and asks what can be done about what is marked.

Every text that it shows is answered with diagnostics, since the first one under a name is never sound.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types
from tests.bench._harness import Editor

from zicoder.lsp.convert import offset_of
from zicoder.text import Edit, Snapshot, apply_edits

__all__ = ["FixEditor", "Menu", "Offer"]

WAIT_S = 120.0
BROKEN = "((("
ASKS = 3
"""As often the menu is asked for, as an editor does that asks at rest and when it is opened."""
PAUSE_S = 0.7
CAPABILITIES = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(
        configuration=True,
        workspace_edit=types.WorkspaceEditClientCapabilities(
            document_changes=True, change_annotation_support=types.ChangeAnnotationsSupportOptions()
        ),
    ),
    text_document=types.TextDocumentClientCapabilities(
        publish_diagnostics=types.PublishDiagnosticsClientCapabilities(version_support=True),
        code_action=types.CodeActionClientCapabilities(
            is_preferred_support=True,
            data_support=True,
            resolve_support=types.ClientCodeActionResolveOptions(properties=["edit"]),
            code_action_literal_support=types.ClientCodeActionLiteralOptions(
                types.ClientCodeActionKindOptions(value_set=[types.CodeActionKind.QuickFix])
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """One entry of the menu, and the text that it would leave; None where that is made when it is chosen."""

    title: str
    preferred: bool
    after: str | None
    action: types.CodeAction


@dataclass(slots=True)
class Menu:
    """What was offered at last, and how long each asking took."""

    offers: list[Offer] = field(default_factory=list[Offer])
    milliseconds: list[float] = field(default_factory=list[float])


class FixEditor(Editor):
    """One window over one package."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._told: dict[tuple[str, int | None], list[types.Diagnostic]] = {}
        self._news = asyncio.Event()
        self._texts: dict[str, tuple[int, str]] = {}
        self._sound: dict[str, list[types.Diagnostic]] = {}

    def marked(self, params: types.PublishDiagnosticsParams) -> None:
        """Keep them for whoever waits for this version."""
        self._told[params.uri, params.version] = list(params.diagnostics)
        self._news.set()

    async def begin(self, root: Path) -> None:
        """Start the server, and wait for the code index."""
        await self.client.start_io(sys.executable, "-P", "-m", "zicoder", "lsp")
        folder = types.WorkspaceFolder(root.as_uri(), root.name)
        await self.client.initialize_async(
            types.InitializeParams(capabilities=CAPABILITIES, root_uri=root.as_uri(), workspace_folders=[folder])
        )
        self.client.initialized(types.InitializedParams())
        await self.index_ready()

    async def shown(self, path: Path, text: str, language: str) -> list[types.Diagnostic]:
        """What is marked once the document has this text."""
        uri = path.as_uri()
        if uri not in self._texts:
            self._texts[uri] = 0, BROKEN
            self.open(uri, BROKEN, language)
            await self._marked(uri, 0)
        version = self._texts[uri][0] + 1
        self._texts[uri] = version, text
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=version, uri=uri),
                [types.TextDocumentContentChangeWholeDocument(text=text)],
            )
        )
        return await self._marked(uri, version)

    async def sound(self, path: Path, text: str, language: str) -> list[types.Diagnostic]:
        """What is marked in the text as it was released; looked at once."""
        uri = path.as_uri()
        if uri not in self._sound:
            self._sound[uri] = await self.shown(path, text, language)
        return self._sound[uri]

    async def _marked(self, uri: str, version: int) -> list[types.Diagnostic]:
        async with asyncio.timeout(WAIT_S):
            while (uri, version) not in self._told:
                self._news.clear()
                await self._news.wait()
        return self._told.pop((uri, version))

    async def menu(self, path: Path, text: str, language: str, problem: types.Diagnostic) -> Menu:
        """What can be done about a diagnostic, with the cursor at its beginning."""
        place = types.Range(problem.range.start, problem.range.start)
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(path.as_uri()), place, types.CodeActionContext([problem])
        )
        menu = Menu()
        for number in range(ASKS):
            begun = time.perf_counter()
            found = await self.client.text_document_code_action_async(params)
            menu.milliseconds.append(round((time.perf_counter() - begun) * 1000, 1))
            actions = [each for each in found or () if isinstance(each, types.CodeAction)]
            menu.offers = [self._offer(path, text, language, each) for each in actions]
            if any(each.preferred for each in menu.offers):
                break
            if number + 1 < ASKS:
                await asyncio.sleep(PAUSE_S)
        return menu

    async def resolved(self, path: Path, text: str, language: str, offer: Offer) -> tuple[str | None, str, float]:
        """The text after an offer that is made when it is chosen, its title then, and the seconds that it took."""
        begun = time.perf_counter()
        action = await self.client.code_action_resolve_async(offer.action)
        seconds = round(time.perf_counter() - begun, 2)
        return self._offer(path, text, language, action).after, action.title, seconds

    def _offer(self, path: Path, text: str, language: str, action: types.CodeAction) -> Offer:
        after = self._after(path, text, language, action.edit) if action.edit is not None else None
        return Offer(action.title, bool(action.is_preferred), after, action)

    @staticmethod
    def _after(path: Path, text: str, language: str, edit: types.WorkspaceEdit) -> str | None:
        snapshot = Snapshot(path.as_uri(), text, 1, language, path)
        edits: list[Edit] = []
        for change in edit.document_changes or ():
            if not isinstance(change, types.TextDocumentEdit) or change.text_document.uri != snapshot.uri:
                return None
            for each in change.edits:
                if isinstance(each, types.SnippetTextEdit):
                    return None
                span = [offset_of(snapshot, place, "utf-16") for place in (each.range.start, each.range.end)]
                edits.append(Edit(span[0], span[1], each.new_text))
        return apply_edits(text, edits)
