"""One ACP session: its mode, its conversation, and the one command that may run in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from acp import Client
from acp.helpers import update_agent_message_text, update_available_commands, update_user_message_text
from acp.schema import (
    AvailableCommand,
    AvailableCommandInput,
    SessionInfoUpdate,
    SessionMode,
    SessionModeState,
    UnstructuredCommandInput,
)

from zicoder.acp.front import AcpFront
from zicoder.acp.prompt import Attached, Written, in_role, written
from zicoder.acp.updates import Updates
from zicoder.agents.conversation import UNTITLED
from zicoder.commands.complete import read_document
from zicoder.commands.dispatch import commands_of, dispatched
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError
from zicoder.events import Finished
from zicoder.models.chat.roles import ROLES, RoleName
from zicoder.workspace import Workspace

__all__ = ["Talk"]

DOES: dict[RoleName, str] = {
    "chat": "Answers questions about the project.",
    "planner": "Takes a task apart into steps.",
    "coder": "Carries out a task as edits that you accept or refuse.",
    "reviewer": "Reviews what is mentioned, or the git diff.",
    "tester": "Writes tests and runs them when you allow it.",
    "documenter": "Writes documentation.",
    "operator": "Does a task with shell commands that you allow.",
}


class Talk:
    """A session `identity`, which is also its first conversation's."""

    def __init__(self, identity: str, workspace: Workspace, root: Path, client: Client, *, reads: bool) -> None:
        self.identity = identity
        self._client = client
        self._root = root
        self._updates = Updates(self._send, root)
        self.session = Session(workspace, AcpFront(client, identity, self._updates, root, reads=reads))
        self._conversation = identity
        self._title = ""
        """As the client knows it."""
        self._mode: RoleName = "chat"
        self._job: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def modes(self) -> SessionModeState:
        """The roles, and the one that is set."""
        modes = [SessionMode(id=name, name=name.capitalize(), description=DOES[name]) for name in ROLES]
        return SessionModeState(current_mode_id=self._mode, available_modes=modes)

    def set_mode(self, name: str) -> None:
        """Choose the role for text without a slash. Raises InputError."""
        for role in ROLES:
            if role == name:
                self._mode = role
                return
        raise InputError(f"There is no mode {name[:40]!r}.", hint=f"There are {', '.join(ROLES)}.")

    async def announce(self) -> None:
        """Tell the client which commands there are."""
        commands = await asyncio.to_thread(commands_of, self.session)
        told = [_told(command.name, command.title, command.usage) for command in commands]
        await self._send(update_available_commands(told))

    async def reopen(self, *, replay: bool) -> None:
        """Go on with what was said before, and tell it anew. Raises InputError where there is no such conversation."""
        found = await asyncio.to_thread(self.session.conversations.read, self.identity)
        if found.id != self.identity:
            raise InputError(f"There is no conversation {self.identity[:60]!r}.")
        self._title = found.title
        for turn in found.turns if replay else ():
            make = update_user_message_text if turn.role == "user" else update_agent_message_text
            await self._send(make(turn.text))

    async def prompt(self, blocks: Sequence[Any]) -> Literal["end_turn", "cancelled"]:
        """Do what a person wrote, and tell it. Raises InputError."""
        if self._job is not None:
            raise InputError("Zi is still answering in this session.", hint="Cancel that, or wait for it.")
        self._stopping = False
        self._job = asyncio.create_task(self._answer(blocks))
        try:
            await self._job
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            return "cancelled"
        finally:
            self._job = None
            await self._updates.close()
        await self._retitle()
        # What was being written when the cancel came was written to its end.
        return "cancelled" if self._stopping else "end_turn"

    def cancel(self) -> None:
        """Stop what runs: the model and every tool."""
        if self._job is not None:
            self._stopping = True
            self._job.cancel()

    async def stop(self) -> None:
        """As `cancel`, and wait until it has stopped."""
        self.cancel()
        if self._job is not None:
            await asyncio.wait([self._job])

    async def close(self) -> None:
        """Close the session's connections. What runs was stopped with the client's connection."""
        await self.session.close()

    async def _answer(self, blocks: Sequence[Any]) -> None:
        message = written(blocks, self._root)
        invocation = await asyncio.to_thread(self._invocation, message)
        async with contextlib.aclosing(dispatched(self.session, invocation)) as events:
            async for event in events:
                await self._updates.show(event)
                if isinstance(event, Finished) and (conversation := event.data.get("conversation")):
                    self._conversation = str(conversation)

    async def _retitle(self) -> None:
        """Tell the title of the conversation, once there is one."""
        with contextlib.suppress(InputError):  # nothing was said in it yet
            found = await asyncio.to_thread(self.session.conversations.read, self._conversation)
            if found.title not in (UNTITLED, self._title):
                self._title = found.title
                await self._send(SessionInfoUpdate(session_update="session_info_update", title=found.title))

    def _invocation(self, message: Written) -> Invocation:
        """The call; the first attached lines are the selection. Blocking."""
        text, conversation = in_role(message.text, self._mode), self._conversation
        pointed = next((file for file in message.files if file.lines), None)
        if pointed is None:
            return Invocation(text=text, conversation=conversation)
        snapshot = read_document(pointed.path)
        first, last = _within(pointed, len(snapshot.lines))
        selection = snapshot.lines.start(first - 1), snapshot.lines.content_end(last - 1)
        return Invocation(text=text, snapshot=snapshot, selection=selection, conversation=conversation)

    async def _send(self, update: Any) -> None:
        with contextlib.suppress(ConnectionError):  # the client has gone, and nobody sees it
            await self._client.session_update(session_id=self.identity, update=update)


def _within(file: Attached, count: int) -> tuple[int, int]:
    """First and last line of what was attached, as far as the file has them."""
    first, last = file.lines or (1, count)
    return min(first, count), min(last, count)


def _told(name: str, title: str, usage: str) -> AvailableCommand:
    hint = usage.removeprefix(f"/{name}").strip()
    given = AvailableCommandInput(root=UnstructuredCommandInput(hint=hint)) if hint else None
    return AvailableCommand(name=name, description=title, input=given)
