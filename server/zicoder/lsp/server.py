# pyright: reportUnknownMemberType=false
# (pygls types its constructor and decorators only in part)
"""The language server: capabilities, life cycle, settings, and the wiring of the features.

`initialize` answers before anything heavy is imported or started; models load after `initialized`, in the background.
Owns no logic of a feature. Notification handlers are synchronous and tiny.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from zicoder import __version__
from zicoder.engine.status import EngineState
from zicoder.errors import ZiError
from zicoder.lsp.assistant import Assistant
from zicoder.lsp.convert import path_of, plain
from zicoder.lsp.editor_settings import editor_settings
from zicoder.lsp.features import (
    chat_page,
    code_action,
    code_index,
    code_lens,
    completion,
    conversations,
    definition,
    document_symbol,
    documents,
    engine_commands,
    hover,
    inline_completion,
    model_matrix,
    rename,
    signature_help,
    slash_commands,
    suggestion_feedback,
)
from zicoder.lsp.features.diagnostics import Publisher
from zicoder.lsp.hovering import Hovering
from zicoder.lsp.indexing import Indexing
from zicoder.lsp.overlay import ZiWorkspace, snapshot_of
from zicoder.lsp.protocol import ZiProtocol
from zicoder.lsp.python_analysis import PythonAnalysis
from zicoder.lsp.status import StatusReporter
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `load_the_rest`
    from zicoder.assist.jedi_bridge import JediBridge
    from zicoder.commands.session import Session as SlashSession
    from zicoder.complete.completer import Completer
    from zicoder.complete.control import Control
    from zicoder.complete.journal import Journal
    from zicoder.complete.reception import Reception
    from zicoder.settings import Settings
    from zicoder.workspace import Workspace

__all__ = ["TRUST_GRANTED", "ZiServer", "make_server", "serve"]

log = logging.getLogger("zicoder.lsp")

TRUST_GRANTED = "zi/trustGranted"
"""The notification that the folder, which `initialize` called not trusted, is trusted now."""
STOP_S = 1.0
"""What runs in the background ends at its next step; a request to the client that is never answered, here."""


class ZiServer(LanguageServer):
    """One client's session: its documents, its workspace, its status."""

    def __init__(self) -> None:
        super().__init__("zicoder", __version__, protocol_cls=ZiProtocol)
        self.project: Workspace | None = None
        self.completer: Completer | None = None
        self.status = StatusReporter(self._notify_status, self._progress)
        self.client_info: types.ClientInfo | None = None
        self.initial_settings: Any = None
        """`initializationOptions`: the settings of clients that cannot be asked for them."""
        self.cursor: tuple[str, types.Position] | None = None
        """Where it rested last, before there was a completer."""
        self.goes_through_others = False
        """Whether the client shows other suggestions for a place, one after the other."""
        self._trusted = True
        """Whether the person trusts the folder that is open, as far as the client says."""
        self._python = PythonAnalysis(self._interpreter, self._root)
        self.assistant = Assistant(self)
        self.hovering = Hovering(self)
        self.publisher = Publisher(self)
        self._indexing = Indexing(self)
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: set[str] = set()
        self._up = asyncio.Event()
        """Whether the project is there."""
        self._slash: SlashSession | None = None
        self._slash_turn = asyncio.Lock()

    # --- what features ask for

    @property
    def documents(self) -> ZiWorkspace:
        """The editor's documents."""
        return cast("ZiProtocol", self.protocol).workspace

    @property
    def open_uris(self) -> list[str]:
        """Of the documents that are open now."""
        return [document.uri for document in self.documents.text_documents.values()]

    @property
    def index_error(self) -> ZiError | None:
        """Why there is no code index."""
        return self._indexing.error

    @property
    def encoding(self) -> str:
        """The negotiated position encoding."""
        return self.server_capabilities.position_encoding or types.PositionEncodingKind.Utf16

    @property
    def client_name(self) -> str:
        """What the editor calls itself, "" if it does not say."""
        return self.client_info.name if self.client_info else ""

    @property
    def jedi(self) -> JediBridge:
        """The Python analysis of this session, made at first use."""
        return self._python.bridge

    def snapshot(self, uri: str) -> Snapshot | None:
        """The open document, frozen now; None when it is not open."""
        document = self.documents.open_document(uri)
        return snapshot_of(document) if document is not None else None

    def snapshots(self) -> list[Snapshot]:
        """All open documents, frozen now, the one that was opened last first."""
        found = (self.snapshot(uri) for uri in reversed(self.open_uris))
        return [snapshot for snapshot in found if snapshot is not None]

    async def slash_session(self) -> SlashSession:
        """What the /commands of this client work with, made at first use. Waits until the project is brought up."""
        async with self._slash_turn:
            if self._slash is None:
                await self._up.wait()
                project = self.project
                assert project is not None
                commands, front = await asyncio.to_thread(
                    lambda: [importlib.import_module(f"zicoder.{name}") for name in ("commands.session", "lsp.front")]
                )
                person = front.EditorFront(self, project.root or Path.cwd())
                self._slash = commands.Session(project, person, documents=self.snapshots)
            assert self._slash is not None
            return self._slash

    def send_progress(self, token: str | int, value: Any) -> None:
        """Tell the client how a command goes on, with the client's own token."""
        self.protocol.notify("$/progress", types.ProgressParams(token=token, value=value))

    async def ask_client(self, method: str, params: dict[str, Any]) -> Any:
        """Send the client a request that is not of the protocol."""
        return await self.protocol.send_request_async(method, params)

    @property
    def control(self) -> Control | None:
        """The switches of this session."""
        return self.completer.session.control if self.completer else None

    @property
    def reception(self) -> Reception | None:
        """What became of this session's suggestions."""
        return self.completer.session.reception if self.completer else None

    @property
    def journal(self) -> Journal | None:
        """The log that suggestions are learnt from."""
        return self.completer.session.journal if self.completer else None

    def in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that nobody waits for; it must deal with its own errors."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._background_done)
        return task

    def _background_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("internal error in the background", exc_info=error)

    def trust(self, *, trusted: bool) -> None:
        """The client says whether the folder is trusted. Once it is, its settings and commands count."""
        changed, self._trusted = trusted != self._trusted, trusted
        if changed and self.project is not None:
            self.project.trusted = trusted
            self.in_background(self.reconfigure(None))

    # --- life cycle

    async def bring_up(self) -> None:
        """Everything after `initialized`: settings, then the model."""
        await asyncio.to_thread(load_the_rest)
        from zicoder.workspace import Workspace

        editor = await editor_settings(self, self.initial_settings)
        self.project = Workspace(
            self._root(), editor_settings=editor, on_engine=self.status.engine, trusted=self._trusted
        )
        self._up.set()
        self.completer = self._completer(self.project)
        self.in_background(self.completer.session.remember())
        for document in self.snapshots():  # whatever was opened while we were loading
            self.completer.session.opened(document)
        inline_completion.prefill(self)
        self.publisher.refresh()
        _set_log_level(self.project.settings)
        if self.project.settings.python.interpreter:
            # a request that came before the settings made one with the default interpreter
            self.in_background(self._python.replaced())
        self._show_problems()
        await self._indexing.restart(self.project)
        if self.project.settings.code_lens.enabled:
            code_lens.refresh(self)
        await self.bring_up_model()
        self.in_background(self.hovering.ready())
        from zicoder.lsp.calibrating import calibrate_when_idle

        self.in_background(calibrate_when_idle(self))

    def _completer(self, project: Workspace) -> Completer:
        """The completion pipeline, with what this session's analyses know of names."""
        from zicoder.complete.completer import Completer
        from zicoder.complete.guidance_code import names_by_language
        from zicoder.complete.journal import Journal
        from zicoder.complete.session import Session

        return Completer(
            project,
            session=Session(Journal()),
            names=names_by_language(self._python, lambda: project.index),
            documents=self.snapshots,
            on_latency=self.status.latency,
        )

    async def choose_model_again(self) -> None:
        """The best model for suggestions is another, or its file is gone: forget what it said, bring up the next."""
        if self.project is None:
            return
        self.project.choose_again()
        if self.completer is not None:
            self.completer.settings_changed()
        await self.bring_up_model()

    async def bring_up_model(self) -> None:
        """Choose and load the model, and say how it went."""
        project = self.project
        if project is None:
            return
        enabled = project.settings.completion.enabled
        if not enabled:
            self.status.model(None, None, enabled=False)
            return
        name: str | None = None
        error: ZiError | None = None
        try:
            name = (await project.infill_model()).name
            self.status.model(name, None, enabled=True)
            await project.warm_up()
        except ZiError as problem:
            error = problem
            log.warning("%s", error.sentence)
        if error is None and project.engine.status.state is EngineState.DOWN:
            self.status.ready()  # a model that needs no engine
        self.status.model(name, error if project.engine.status.error is None else None, enabled=True)

    async def reconfigure(self, pushed: Any) -> None:
        """The editor's settings changed."""
        if self.project is None:
            self.initial_settings = pushed or self.initial_settings  # `bring_up` is about to read them
            return
        before = self.project.settings
        self.project.configure(await editor_settings(self, pushed))
        after = self.project.settings
        if self.completer:
            self.completer.settings_changed()
        if before.python != after.python:
            self.in_background(self._python.replaced())
        if before.diagnostics != after.diagnostics or before.python != after.python:
            self.publisher.refresh()
        if before.code_lens != after.code_lens:
            code_lens.refresh(self)
        if before.index != after.index:
            await self._indexing.restart(self.project)
        _set_log_level(after)
        self._show_problems()
        if before != after:
            await self.bring_up_model()

    async def bring_down(self) -> None:
        """End what was started."""
        self.status.close()
        for task in (tasks := list(self._tasks)):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)
        if self.completer:
            await self.completer.close()
        if self._slash:
            await self._slash.close()
        if self.project:
            await self.project.close()
        self.hovering.close()
        self._python.close()
        await self.assistant.close()

    # --- details

    def _interpreter(self) -> str:
        return self.project.settings.python.interpreter if self.project else ""

    def _root(self) -> Path | None:
        """The first folder of the workspace."""
        for folder in self.documents.folders.values():
            return path_of(folder.uri)
        return path_of(self.documents.root_uri) if self.documents.root_uri else None

    def _show_problems(self) -> None:
        for problem in self.project.problems if self.project else []:
            text = f"Settings: {problem}"
            if text not in self._told:
                self._told.add(text)
                self.window_show_message(types.ShowMessageParams(type=types.MessageType.Warning, message=text))

    def _notify_status(self, method: str, message: Any) -> None:
        self.protocol.notify(method, message)

    @property
    def bars(self) -> Any:
        """What shows progress in the editor, None where it can't."""
        return self._progress()

    def _progress(self) -> Any:
        window = self.client_capabilities.window
        return self.work_done_progress if window and window.work_done_progress else None

    def report_server_error(self, error: Exception, source: Any) -> None:
        """An unforeseen exception goes to the log; no popup shows a stack trace."""
        log.error("internal error (%s)", getattr(source, "__name__", source), exc_info=error)


def _set_log_level(settings: Settings) -> None:
    logging.getLogger("zicoder").setLevel(settings.log.level.upper())


def load_the_rest() -> None:
    """Import what only works after `initialized`: it takes as long as half of pygls, and `initialize` must not wait.

    For a thread; the same imports in the functions of this module then cost nothing.
    """
    importlib.import_module("zicoder.complete.completer")  # and with it settings, workspace and models


def make_server() -> ZiServer:
    """A server with every feature registered."""
    server = ZiServer()

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.initial_settings = params.initialization_options
        server.client_info = params.client_info
        options = plain(params.initialization_options)
        server.goes_through_others = options.get("otherSuggestions") is True
        server.trust(trusted=options.get("trusted") is not False)

    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        server.in_background(server.bring_up())

    @server.feature(TRUST_GRANTED)
    def trust_granted(_: Any = None) -> None:
        server.trust(trusted=True)

    @server.feature(types.SHUTDOWN)
    async def shutdown(_: None = None) -> None:
        await server.bring_down()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        server.in_background(server.reconfigure(params.settings))

    for feature in (
        completion, hover, signature_help, definition, document_symbol, inline_completion, engine_commands, code_index,
        documents, suggestion_feedback, slash_commands, code_action, code_lens, rename, chat_page,
        conversations, model_matrix,
    ):  # fmt: skip
        feature.register(server)
    return server


def serve(tcp: str | None = None) -> None:
    """Serve one client over stdio, or over TCP (`HOST:PORT`) for debugging."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("zicoder").setLevel(logging.INFO)
    server = make_server()
    if tcp is None:
        stdout = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # nothing that any library prints may get between our messages
        with contextlib.suppress(KeyboardInterrupt):
            server.start_io(stdout=stdout)
        return
    host, _, port = tcp.rpartition(":")
    server.start_tcp(host.strip("[]") or "127.0.0.1", int(port))
