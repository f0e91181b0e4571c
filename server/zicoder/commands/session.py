"""What the commands of one client work with in one project: models, tools, conversations, files.

Owns everything that lives as long as the client's session, and brings it up when it is first needed: neither
pydantic-ai nor a sandbox is there before a command wants them. Front ends make one and close it.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zicoder.agents.audit import AuditLog
from zicoder.agents.conversations import Conversations, conversations_dir
from zicoder.agents.edits.undo import Undo
from zicoder.agents.front import Applied, Front
from zicoder.agents.gate import Gate
from zicoder.agents.places import Places
from zicoder.agents.policy import Policy
from zicoder.agents.sandbox import Sandbox, open_sandbox
from zicoder.agents.tools.commands import suggested_test_command
from zicoder.agents.tools.git import NO_CHANGES
from zicoder.commands.index import current_index
from zicoder.context.project_files import ProjectFiles
from zicoder.errors import CodeIndexError, InputError, ModelError
from zicoder.events import Notice
from zicoder.index.walk import FileFilter
from zicoder.models.chat.names import LOCAL, parse_name
from zicoder.models.chat.pool import ChatModels
from zicoder.models.chat.roles import Role, RoleName, budget_bytes, memory_of, role, to_unload
from zicoder.models.credentials.keys import Credentials
from zicoder.models.store import ModelStore
from zicoder.proposal import Proposal
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


class Session:
    """One client in one project; a workspace without a root has no files, tools and conversations."""

    def __init__(
        self, workspace: Workspace, front: Front, *, documents: Callable[[], Iterable[Snapshot]] = tuple
    ) -> None:
        """`documents` gives the open ones, whose text counts before that of the disk."""
        self.workspace = workspace
        self.front = front
        self.documents = documents
        self.store = ModelStore()
        self.chosen_model = ""
        """What `/model` has set for this session, before the settings."""
        self._own: dict[str, Model] = {}
        self._used: dict[str, int] = {}
        """Bytes of the local chat models that were loaded here, the one used longest ago first."""
        self._notice: Callable[[str], None] = lambda _: None
        self._models: ChatModels | None = None
        self._gate: Gate | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close every connection. The workspace belongs to the front end."""
        if self._models is not None:
            await self._models.close()

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
        """The files that may be shown. Blocking. Raises InputError."""
        settings = self.workspace.settings.index
        files = FileFilter(self.root, max_bytes=settings.max_file_kb * 1024, ignore=settings.exclude)
        return ProjectFiles(files, self.documents)

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

    def open_text(self, path: str) -> tuple[str, int | None] | None:
        """Text and version of an open document by its path in the project."""
        for document in self.documents():
            if document.path is not None and self.workspace.root is not None:
                try:
                    relative = document.path.relative_to(self.workspace.root).as_posix()
                except ValueError:
                    continue
                if relative == path:
                    return document.text, document.version
        return None

    async def apply(self, proposal: Proposal) -> Applied:
        """Have the front end show and apply edits; what was applied can be taken back."""
        result = await self.front.apply(proposal)
        if result.ok:
            await asyncio.to_thread(self.undo.record, proposal)
        return result

    # --- models

    @property
    def models(self) -> ChatModels:
        """The chat models in use, and where their providers are."""
        if self._models is None:
            settings = self.workspace.settings.chat
            self._models = ChatModels(
                Credentials(where=settings.keys),
                own={LOCAL: self._local, "scripted": self._scripted},
                proxy=settings.proxy,
            )
        return self._models

    def role(self, name: RoleName) -> Role:
        """A role, with the model that `/model` has set. Blocking. Raises what `roles.role` raises."""
        if not self.chosen_model:
            return role(self.workspace.settings, name, self.store)
        settings = self.workspace.settings
        own = getattr(settings, name)
        return Role(name=name, models=(self.chosen_model,), temperature=own.temperature, prompt=own.prompt)

    async def model(self, names: Sequence[str], notice: Callable[[Notice], None]) -> Model:
        """The first of these models, the others in its place. Raises ZiError."""
        self._notice = lambda text: notice(Notice(text, "warning"))
        for name in names[:1]:
            self._make_room(name)
        return await self.models.chain(names, notice=notice)

    def window(self, name: str) -> int:
        """Tokens that a prompt for this model and its answer may take together."""
        if parse_name(name).provider == LOCAL:
            return min(self.workspace.settings.engine.chat_tokens, LOCAL_WINDOW)
        return REMOTE_WINDOW

    async def count(self, name: str, texts: Sequence[str]) -> tuple[int, ...] | None:
        """Tokens of each text by the model's own tokenizer; None for one that is not ours to ask."""
        parsed = parse_name(name)
        if parsed.provider != LOCAL:
            return None
        await asyncio.to_thread(__import__, "zicoder.models.chat.local")
        return await self._local(parsed.model).count(texts)

    def _local(self, name: str) -> LocalChat:
        from zicoder.models.chat.local import LocalChat

        known = self._own.get(name)
        if not isinstance(known, LocalChat):
            known = LocalChat(
                self.workspace.engine, self.store.resolve(name), self.workspace.settings.engine,
                on_notice=lambda text: self._notice(text),
            )  # fmt: skip
            self._own[name] = known
        return known

    def _scripted(self, path: str) -> Model:
        from zicoder.models.chat.scripted import scripted_chat

        if path not in self._own:
            self._own[path] = scripted_chat(Path(path))
        return self._own[path]

    def _make_room(self, name: str) -> None:
        """Unload local models that do not fit beside this one; the one for suggestions stays."""
        parsed = parse_name(name)
        if parsed.provider != LOCAL:
            return
        try:
            entry = self.store.resolve(parsed.model).entry
        except ModelError:
            return  # it is said when the model is made
        size = memory_of(entry) if entry else 0
        for gone in to_unload(self._used, parsed.model, size, budget_bytes(self.workspace.settings)):
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
        root, settings = self.root, self.workspace.settings.agent
        toolbox = await asyncio.to_thread(importlib.import_module, "zicoder.agents.toolbox")
        sandbox: Sandbox = await open_sandbox(root, settings)
        command = settings.test_command or await asyncio.to_thread(suggested_test_command, root)

        def applied(proposal: Proposal) -> Any:
            self.undo.record(proposal)

        found = toolbox.tools(
            root, front=self.front, sandbox=sandbox, index=self.index, test_command=command, open_text=self.open_text,
            applied=applied,
        )  # fmt: skip
        policy = Policy(settings, Places(root))
        audit = AuditLog(log_dir() / "audit.jsonl")
        return Gate(
            found, root=root, settings=settings, front=self.front, audit=audit, sandbox=sandbox, policy=policy,
            project=str(root),
        )  # fmt: skip
