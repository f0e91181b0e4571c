"""What the commands of one client work with in one project: models, tools, conversations, files.

Owns everything that lives as long as the client's session, and brings it up when it is first needed: neither
pydantic-ai nor a sandbox is there before a command wants them. Front ends make one and close it.
"""

from __future__ import annotations

import asyncio
import importlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from zicoder.agents.audit import AuditLog
from zicoder.agents.conversation import Conversation
from zicoder.agents.conversations import Conversations, conversations_dir
from zicoder.agents.edits.disk import disk_reader
from zicoder.agents.edits.undo import Undo
from zicoder.agents.front import Applied, Front
from zicoder.agents.gate import Gate
from zicoder.agents.places import Places
from zicoder.agents.policy import Policy
from zicoder.agents.sandbox import Sandbox, open_sandbox
from zicoder.agents.tools.commands import suggested_test_command
from zicoder.agents.tools.git import NO_CHANGES
from zicoder.commands.index import current_index
from zicoder.context.history import Said
from zicoder.context.project_files import ProjectFiles
from zicoder.errors import CodeIndexError, InputError, ModelError
from zicoder.events import Notice
from zicoder.index.threads import uninterrupted
from zicoder.index.walk import FileFilter
from zicoder.models.chat.names import LOCAL, parse_name
from zicoder.models.chat.pool import ChatModels
from zicoder.models.chat.roles import Role, RoleName, Row, budget_bytes, matrix, memory_of, role, to_unload
from zicoder.models.credentials.keys import Credentials
from zicoder.models.store import ModelStore
from zicoder.proposal import Proposal
from zicoder.settings import Settings, setting_origins
from zicoder.text import Snapshot
from zicoder.workspace import Workspace, log_dir

if TYPE_CHECKING:  # pydantic-ai and LanceDB take a second each to import
    from zicoder.index.code_index import CodeIndex
    from zicoder.models.chat.local import LocalChat
    from zicoder.models.chat.pool import Model

__all__ = ["Session"]

REMOTE_WINDOW = 24_000
"""Tokens that are sent to a remote model at most: what it costs grows with it, what it is worth does not."""
LOCAL_WINDOW = 4_096
"""Tokens of a prompt and its answer for a local model, which takes seconds for a thousand of them."""
KEPT_MESSAGES = 32
_COMMAND: ContextVar[str] = ContextVar("command", default="")
"""The run of a command that this task works for: what it applies is taken back in one step."""


class Session:
    """One client in one project; a workspace without a root has no files, tools and conversations."""

    def __init__(
        self, workspace: Workspace, front: Front, *, documents: Callable[[], Iterable[Snapshot]] = tuple
    ) -> None:
        """`documents` gives the open ones, whose text counts before that of the disk."""
        self.workspace = workspace
        self.front = front
        self.documents = documents
        self.settings: Settings = workspace.settings
        """As they were when the last command began."""
        self.store = ModelStore()
        self.chosen_model = ""
        """What `/model` has set for this session, before the settings."""
        self._own: dict[str, Model] = {}
        self._used: dict[str, int] = {}
        """Bytes of the local chat models that were loaded here, the one used longest ago first."""
        self._notice: Callable[[str], None] = lambda _: None
        self._models: ChatModels | None = None
        self._replaced: list[ChatModels] = []
        """Those of other settings; an answer may still be coming from one."""
        self._sent: dict[tuple[str, float], str] = {}
        """Whole messages by their conversations and times; on disk stands only where they came from."""
        self._files: ProjectFiles | None = None
        self._gate: Gate | None = None
        self._opening = asyncio.Lock()

    async def begin(self) -> None:
        """A command begins: it sees the settings and the files of now, and what it applies belongs together."""
        _COMMAND.set(secrets.token_hex(8))
        self._files = None
        await self._refresh()

    async def _refresh(self) -> None:
        """Read the settings anew, and let go of what was made under others."""
        before, self.settings = self.settings, await asyncio.to_thread(self.workspace.read_settings)
        chat, now = before.chat, self.settings.chat
        if (chat.keys, chat.proxy) != (now.keys, now.proxy) and self._models is not None:
            self._replaced.append(self._models)
            self._models = None
        if before.engine != self.settings.engine:
            self._own.clear()
        if before.agent != self.settings.agent:
            self._gate = None

    def keep_sent(self, conversation: str, at: float, message: str) -> None:
        """The whole message of a turn, with all that was shown; the oldest are forgotten."""
        self._sent[conversation, at] = message
        while len(self._sent) > KEPT_MESSAGES:
            del self._sent[next(iter(self._sent))]

    def said(self, conversation: Conversation) -> list[Said]:
        """The turns of a conversation, with what was sent where this session sent it."""
        return conversation.said({at: text for (name, at), text in self._sent.items() if name == conversation.id})

    async def close(self) -> None:
        """Close every connection. The workspace belongs to the front end."""
        for models in (*self._replaced, self._models):
            if models is not None:
                await models.close()

    # --- the project

    @property
    def root(self) -> Path:
        """Its folder. Raises InputError where there is none."""
        if self.workspace.root is None:
            raise InputError("This needs a project.", hint="Open a folder, or start `zi` in one.")
        return self.workspace.root

    @property
    def conversations(self) -> Conversations:
        """Those about this project."""
        return Conversations(conversations_dir(self.root))

    @property
    def undo(self) -> Undo:
        """The edits that can be taken back."""
        return Undo(self.root)

    def files(self) -> ProjectFiles:
        """The files that may be shown, listed once for a command and again after edits. Blocking. Raises InputError."""
        files = self._files
        if files is None:
            settings = self.settings.index
            judge = FileFilter(self.root, max_bytes=settings.max_file_kb * 1024, ignore=settings.exclude)
            files = self._files = ProjectFiles(judge, self.documents)
        return files

    async def index(self) -> CodeIndex:
        """The code index, opened and as current as can be. Raises CodeIndexError."""
        index = self.workspace.index
        if index is None:
            index, _ = await current_index(self.workspace)
        return index

    async def index_or_none(self) -> CodeIndex | None:
        """The code index, None where there is none: answers are then made without it."""
        try:
            return await self.index()
        except CodeIndexError:
            return None

    def path_of(self, document: Snapshot) -> str:
        """A document's path in the project, its name where it lies outside, "untitled" where it is no file."""
        if document.path is None:
            return "untitled"
        return self.workspace.relative(document.path) or document.path.name

    def open_text(self, path: str) -> tuple[str, int | None] | None:
        """Text and version of an open document by its path in the project."""
        for document in self.documents():
            if document.path is not None and self.workspace.relative(document.path) == path:
                return document.text, document.version
        return None

    def version_of(self, path: str) -> int | None:
        """Version of an open document by its path in the project, None for one that is not open."""
        opened = self.open_text(path)
        return opened[1] if opened else None

    def text_of(self, path: str) -> str | None:
        """A file's text now: the open document's, else the disk's, None where there is none. Blocking.

        Raises InputError for a file that is no text, too large, or outside the project.
        """
        opened = self.open_text(path)
        return opened[0] if opened else disk_reader(self.root)(path)

    async def apply(self, proposal: Proposal) -> Applied:
        """Have the front end show and apply edits; what was applied can be taken back, also if this is cancelled."""
        if not self.workspace.trusted:
            return Applied(ok=False, reason="This folder is not trusted, so nothing in it is changed.")
        result = await self.front.apply(proposal)
        if result.ok:
            self._files = None
            await uninterrupted(asyncio.to_thread(self.undo.record, proposal, run=_COMMAND.get()))
        if (task := asyncio.current_task()) and task.cancelling():
            raise asyncio.CancelledError
        return result

    # --- models

    @property
    def models(self) -> ChatModels:
        """The chat models in use, and where their providers are."""
        if self._models is None:
            settings = self.settings.chat
            self._models = ChatModels(
                Credentials(where=settings.keys),
                own={LOCAL: self._local, "scripted": self._scripted},
                proxy=settings.proxy,
            )
        return self._models

    def forget_healths(self) -> None:
        """A key has come or gone: whether models answer is asked anew."""
        if self._models is not None:
            self._models.healths.forget()

    def role(self, name: RoleName) -> Role:
        """A role, with the model that `/model` has set. Blocking. Raises what `roles.role` raises."""
        if not self.chosen_model:
            return role(self.settings, name, self.store)
        own = getattr(self.settings, name)
        return Role(name=name, models=(self.chosen_model,), temperature=own.temperature, prompt=own.prompt)

    async def roles(self) -> tuple[Row, ...]:
        """The table of roles and models, by the settings of now, and how the models are; a server is asked for that."""
        await self._refresh()
        origins = await asyncio.to_thread(setting_origins, project=self.workspace.own_root)
        return await self.models.healths.rows(await asyncio.to_thread(matrix, self.settings, origins, self.store))

    async def model(self, names: Sequence[str], notice: Callable[[Notice], None]) -> Model:
        """The first of these models, the others in its place. Raises ZiError."""
        self._notice = lambda text: notice(Notice(text, "warning"))
        for name in names[:1]:
            await self._make_room(name)
        return await self.models.chain(names, notice=notice)

    def window(self, name: str) -> int:
        """Tokens that a prompt for this model and its answer may take together."""
        if parse_name(name).provider == LOCAL:
            return min(self.settings.engine.chat_tokens, LOCAL_WINDOW)
        return REMOTE_WINDOW

    async def count(self, name: str, texts: Sequence[str]) -> tuple[int, ...] | None:
        """Tokens of each text by the model's own tokenizer; None for one that is not ours to ask."""
        parsed = parse_name(name)
        if parsed.provider != LOCAL:
            return None
        local = await asyncio.to_thread(self._local, parsed.model)
        return await local.count(texts)

    def _local(self, name: str) -> LocalChat:
        from zicoder.models.chat.local import LocalChat

        known = self._own.get(name)
        if not isinstance(known, LocalChat):
            known = LocalChat(
                self.workspace.engine, self.store.resolve(name), self.settings.engine,
                on_notice=lambda text: self._notice(text),
            )  # fmt: skip
            self._own[name] = known
        return known

    def _scripted(self, path: str) -> Model:
        from zicoder.models.chat.scripted import scripted_chat

        if path not in self._own:
            self._own[path] = scripted_chat(Path(path))
        return self._own[path]

    async def _make_room(self, name: str) -> None:
        """Unload local models that do not fit beside this one; the one for suggestions stays."""
        parsed = parse_name(name)
        if parsed.provider != LOCAL:
            return
        try:
            entry = (await asyncio.to_thread(self.store.resolve, parsed.model)).entry
        except ModelError:
            return  # it is said when the model is made
        size = memory_of(entry) if entry else 0
        for gone in to_unload(self._used, parsed.model, size, budget_bytes(self.settings)):
            self.workspace.engine.unload(gone)
            self._own.pop(gone, None)
            del self._used[gone]
        self._used.pop(parsed.model, None)
        self._used[parsed.model] = size

    # --- tools

    async def diff(self, *, staged: bool = False, revision: str = "") -> str:
        """The git diff without files that hold secrets; "" for none. Raises ToolError without git."""
        arguments = {"staged": staged, "revision": revision}
        result = await (await self.gate()).call("git_diff", arguments)
        return "" if result.text == NO_CHANGES else result.text

    async def gate(self) -> Gate:
        """The tools of the project behind the policy. Raises InputError."""
        async with self._opening:
            if self._gate is None:
                self._gate = await self._made_gate()
            return self._gate

    async def _made_gate(self) -> Gate:
        root, settings = self.root, self.settings.agent
        toolbox = await asyncio.to_thread(importlib.import_module, "zicoder.agents.toolbox")
        sandbox: Sandbox = await open_sandbox(root, settings)
        command = settings.test_command or await asyncio.to_thread(suggested_test_command, root)
        found = toolbox.tools(
            root, apply=self.apply, sandbox=sandbox, index=self.index, test_command=command, open_text=self.open_text
        )
        policy = Policy(settings, Places(root))
        audit = AuditLog(log_dir() / "audit.jsonl")
        return Gate(
            found, root=root, settings=settings, front=self.front, audit=audit, sandbox=sandbox, policy=policy,
            project=str(root),
        )  # fmt: skip
