"""An editor, as far as the server can tell: pytest-lsp's client over a real server process and its stdio."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from lsprotocol import types
from pygls.lsp.client import LanguageClient as PlainClient
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import register_lsp_features

from zicoder.lsp.convert import offset_of, position_at
from zicoder.text import Snapshot

MARK = "‸"
WAIT_S = 90.0
"""Long enough for a busy machine to load a model; nothing in the tests depends on how long it really takes."""
SERVER = (sys.executable, "-P", "-m", "zicoder", "lsp")
VSCODE, NEOVIM = "visual_studio_code", "neovim@v0.11"
UTF16 = types.PositionEncodingKind.Utf16


@dataclass
class Document:
    """A text in the editor, with a cursor in it."""

    uri: str
    text: str
    cursor: int
    language: str
    version: int = 1

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(self.uri, self.text, self.version, self.language)

    def at(self, text: str) -> int:
        """Offset just after the first occurrence of `text`."""
        return self.text.index(text) + len(text)


class _Client(LanguageClient):
    """pytest-lsp's client, keeping what the server says on standard error."""

    def __init__(self) -> None:
        super().__init__()
        register_lsp_features(self)
        self.log = ""

    async def start_io(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        await PlainClient.start_io(self, cmd, *args, **kwargs)
        self._async_tasks.append(asyncio.create_task(self._keep_log()))

    async def _keep_log(self) -> None:
        assert self._server
        assert self._server.stderr
        while line := await self._server.stderr.readline():
            self.log += line.decode("utf-8", "replace")


class Editor:
    """One editor window with one server."""

    def __init__(self, root: Path | None, kind: str = VSCODE) -> None:
        self.root = root
        self.client = _Client()
        self.capabilities = client_capabilities(kind)
        assert self.capabilities.text_document
        # The recorded sets are older than LSP 3.18; both editors have inline completion by now.
        self.capabilities.text_document.inline_completion = types.InlineCompletionClientCapabilities()
        self.result: types.InitializeResult
        self.statuses: list[Any] = []
        self.initialization_options: Any = None
        self.jedi_may_fail = False
        """Where jedi is expected to give up: the server logs jedi's stack trace then, for a bug report."""

        @self.client.feature("zi/status")
        def status(params: Any) -> None:
            self.statuses.append(params)

    # --- life

    async def start(
        self, *, command: Sequence[str] = SERVER, env: dict[str, str] | None = None, settings: Any = None
    ) -> None:
        self.configure(settings)
        await self.client.start_io(*command, env=os.environ | (env or {}))
        folder = types.WorkspaceFolder(self.root.as_uri(), self.root.name) if self.root else None
        self.result = await self._answer(
            self.client.initialize_session(
                types.InitializeParams(
                    capabilities=self.capabilities,
                    initialization_options=self.initialization_options,
                    root_uri=self.root.as_uri() if self.root else None,
                    workspace_folders=[folder] if folder else None,
                )
            )
        )

    @property
    def process(self) -> psutil.Process:
        assert self.client._server
        return psutil.Process(self.client._server.pid)

    @property
    def exit_status(self) -> int | None:
        assert self.client._server
        return self.client._server.returncode

    def children(self) -> list[psutil.Process]:
        return self.process.children(recursive=True)

    def engine(self) -> psutil.Process | None:
        """The process that runs the model, if there is one."""
        for child in self.children():
            try:
                if "zicoder.engine.worker" in child.cmdline():
                    return child
            except psutil.Error:
                continue
        return None

    async def close(self) -> None:
        """Shut down in the way the protocol asks for. Fails when the server does not go, or left a stack trace."""
        if self.exit_status is None and not self._ended():
            await self._answer(self.client.shutdown_session())
        await self._answer(self.client.stop())
        assert self.jedi_may_fail or "Traceback" not in self.client.log, self.client.log

    def _ended(self) -> bool:
        """Whether the server has ended, also if asyncio does not know it yet."""
        try:
            return self.process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    async def kill(self) -> None:
        """As when the machine runs out of memory: no good-bye."""
        self.process.kill()
        assert self.client._server
        await self._answer(self.client._server.wait())

    # --- what the server said

    async def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < deadline, f"never happened: {what}\n{self.statuses[-3:]}\n{self.client.log}"
            await asyncio.sleep(0.02)

    async def status(self, state: str) -> Any:
        """Wait until the status bar shows this state."""
        await self.until(lambda: bool(self.statuses) and self.statuses[-1].state == state, f"status {state}")
        return self.statuses[-1]

    @property
    def popups(self) -> list[str]:
        return [message.message for message in self.client.messages]

    # --- what the user does

    def configure(self, settings: Any) -> None:
        self.client.set_configuration(settings, section="zi")

    def change_settings(self, settings: Any) -> None:
        """The user edits the settings; like VS Code, only the news is sent, and the server asks."""
        self.configure(settings)
        self.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))

    def open(self, name: str, marked: str, language: str = "python") -> Document:
        """Open a text under a file name in the workspace, or under a URI. The cursor goes where the mark is."""
        before, _, after = marked.partition(MARK)
        if ":" not in name:
            assert self.root
            name = (self.root / name).as_uri()
        document = Document(name, before + after, len(before), language)
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(document.uri, types.LanguageKind(language), document.version, document.text)
            )
        )
        return document

    def type(self, document: Document, text: str) -> None:
        """Type at the cursor, as one incremental change."""
        self.replace(document, document.cursor, document.cursor, text)

    def replace(self, document: Document, start: int, end: int, text: str) -> None:
        """Replace a range of offsets, as one incremental change; the cursor goes behind it."""
        where = types.Range(self.position(document, start), self.position(document, end))
        document.text = document.text[:start] + text + document.text[end:]
        document.cursor = start + len(text)
        document.version += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(document.version, document.uri),
                [types.TextDocumentContentChangePartial(range=where, text=text)],
            )
        )

    # --- what the user asks for

    @property
    def encoding(self) -> str:
        return self.result.capabilities.position_encoding or UTF16

    def position(self, document: Document, offset: int | None = None) -> types.Position:
        return position_at(document.snapshot, document.cursor if offset is None else offset, self.encoding)

    def offset(self, document: Document, position: types.Position) -> int:
        return offset_of(document.snapshot, position, self.encoding)

    def inline_params(self, document: Document, *, invoked: bool = True) -> types.InlineCompletionParams:
        kinds = types.InlineCompletionTriggerKind
        context = types.InlineCompletionContext(trigger_kind=kinds.Invoked if invoked else kinds.Automatic)
        return types.InlineCompletionParams(context, self._id(document), self.position(document))

    async def ghost(self, document: Document, *, invoked: bool = True) -> str:
        """The ghost text shown at the cursor, "" for none."""
        params = self.inline_params(document, invoked=invoked)
        return ghost_of(await self._answer(self.client.text_document_inline_completion_async(params)))

    async def why(self) -> dict[str, Any]:
        """What the command "Why no suggestion?" answers."""
        return await self.command("zi.whyNoSuggestion")

    async def command(self, name: str, *arguments: Any) -> Any:
        params = types.ExecuteCommandParams(name, list(arguments))
        return _plain(await self._answer(self.client.workspace_execute_command_async(params)))

    def move_cursor(self, document: Document) -> None:
        """The cursor rests where it is, as clients with an extension of ours tell."""
        where = self.position(document)
        position = {"line": where.line, "character": where.character}
        params = {"textDocument": {"uri": document.uri}, "position": position}
        self.client.protocol.notify("zi/cursorMoved", params)

    async def prepared(self) -> None:
        """Wait until nothing is being made ready any more."""
        async with asyncio.timeout(WAIT_S):
            while not (await self.command("zi.prepared"))["prepared"]:
                await asyncio.sleep(0.1)

    async def completion(self, document: Document) -> types.CompletionList:
        params = types.CompletionParams(self._id(document), self.position(document))
        found = await self._answer(self.client.text_document_completion_async(params))
        assert isinstance(found, types.CompletionList)
        return found

    async def hover(self, document: Document, offset: int | None = None) -> str:
        params = types.HoverParams(self._id(document), self.position(document, offset))
        found = await self._answer(self.client.text_document_hover_async(params))
        if found is None:
            return ""
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    async def hover_saying(self, document: Document, offset: int, *wanted: str) -> str:
        """The hover once all that is wanted is in it: a hover takes what is ready, and is asked for again."""
        async with asyncio.timeout(WAIT_S):
            while True:
                text = await self.hover(document, offset)
                if all(each in text for each in wanted):
                    return text
                await asyncio.sleep(0.05)

    async def answers(self) -> bool:
        """Whether the server still answers about a small document that has nothing to do with what went before."""
        document = self.open("untitled:StillThere", f"import os\nos.getc{MARK}")
        labels = [item.label for item in (await self.completion(document)).items]
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(self._id(document)))
        return "getcwd" in labels

    def _id(self, document: Document) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(document.uri)

    async def _answer(self, work: Any) -> Any:
        """A request that is never answered is a failure with a name, not a hanging test."""
        async with asyncio.timeout(WAIT_S):
            return await work


StartEditor = Callable[..., Coroutine[Any, Any, Editor]]
WriteScript = Callable[..., str]
RunZi = Callable[..., subprocess.CompletedProcess[str]]
"""Types of the fixtures in conftest.py: tests cannot import from there, since every folder's is called `conftest`."""


def ghost_of(answer: Any) -> str:
    """The text of an inlineCompletion response."""
    assert isinstance(answer, types.InlineCompletionList)
    texts = [item.insert_text for item in answer.items]
    assert len(texts) <= 1
    assert all(isinstance(text, str) for text in texts)
    return str(texts[0]) if texts else ""


def _plain(value: Any) -> Any:
    """pygls' named tuples as dicts."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
