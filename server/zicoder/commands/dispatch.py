"""The one way for a front end to run what somebody wrote: any command of the project, with what is in force now."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from zicoder.commands.builtin import COMMANDS
from zicoder.commands.own import own_commands
from zicoder.commands.registry import Command, Invocation, split
from zicoder.commands.session import Session
from zicoder.events import Event, Failed

__all__ = ["CHANGING", "commands_of", "dispatched"]

CHANGING = frozenset({"code", "commit", "doc", "fix", "optimize", "refactor", "run", "test", "undo", "workflow"})
"""Commands that are for a folder that is trusted: their purpose is a change, or a program that runs."""
UNTRUSTED_HINT = "Trust it in the editor first, as by `Workspaces: Manage Workspace Trust`."


def commands_of(session: Session) -> list[Command[Session]]:
    """All commands: the built-in ones, and those of the project. Blocking."""
    return COMMANDS.every(own_commands(session.workspace.own_root))


async def dispatched(session: Session, invocation: Invocation) -> AsyncGenerator[Event]:
    """What the command tells; the last event is `Finished` or `Failed`. Closing it stops the command."""
    await session.begin()
    if not session.workspace.trusted and (name := split(invocation.text)[0]) in CHANGING:
        yield Failed(f"/{name} changes files or runs programs, and this folder is not trusted.", UNTRUSTED_HINT)
        return
    own = await asyncio.to_thread(own_commands, session.workspace.own_root)
    async with contextlib.aclosing(COMMANDS.dispatch(session, invocation, own)) as events:
        async for event in events:
            yield event
