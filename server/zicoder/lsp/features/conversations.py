"""What an editor's chat needs beside `/history`: a conversation with everything that was kept of it, and where the
record of decisions lies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from zicoder.errors import InputError

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.commands.session import Session

__all__ = ["CONVERSATION", "ConversationHost", "register"]

CONVERSATION = "zi.conversation"

F = TypeVar("F", bound=Callable[..., Any])


class ConversationHost(Protocol):
    """A server with a session of commands."""

    def command(self, command_name: str) -> Callable[[F], F]: ...  # noqa: D102
    async def slash_session(self) -> Session: ...  # noqa: D102


def register(server: ConversationHost) -> None:
    """Add the commands."""

    @server.command(CONVERSATION)
    async def conversation(*arguments: Any) -> dict[str, Any]:
        """One conversation by its identity or "last": `id`, `title`, `markdown`, and its `turns`, oldest first."""
        if not arguments or not isinstance(arguments[0], str):
            raise InputError(f"`{CONVERSATION}` needs the identity of a conversation.")
        from zicoder.agents.conversation import to_markdown

        session = await server.slash_session()
        found = await asyncio.to_thread(session.conversations.read, arguments[0])
        turns: list[dict[str, Any]] = []
        for turn in found.turns:
            values = asdict(turn)
            del values["extra"]
            turns.append(values)
        return {"id": found.id, "title": found.title, "turns": turns, "markdown": to_markdown(found)}

    @server.command("zi.auditLog")
    async def audit_log() -> dict[str, Any]:
        """The file that says what agents were allowed and refused, and whether there is one yet."""
        from zicoder.workspace import log_dir

        path = log_dir() / "audit.jsonl"
        return {"path": str(path), "exists": await asyncio.to_thread(path.is_file)}
