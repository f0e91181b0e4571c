"""The one way for a front end to run what somebody wrote: any command of the project, with what is in force now."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from zicoder.commands.builtin import COMMANDS
from zicoder.commands.own import own_commands
from zicoder.commands.registry import Command, Invocation
from zicoder.commands.session import Session
from zicoder.events import Event

__all__ = ["commands_of", "dispatched"]


def commands_of(session: Session) -> list[Command[Session]]:
    """All commands: the built-in ones, and those of the project. Blocking."""
    return COMMANDS.every(own_commands(session.workspace.root))


async def dispatched(session: Session, invocation: Invocation) -> AsyncGenerator[Event]:
    """What the command tells; the last event is `Finished` or `Failed`. Closing it stops the command."""
    await session.begin()
    own = await asyncio.to_thread(own_commands, session.workspace.root)
    async with contextlib.aclosing(COMMANDS.dispatch(session, invocation, own)) as events:
        async for event in events:
            yield event
