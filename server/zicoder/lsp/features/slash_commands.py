"""The `/commands` in the editor: `zi.run`, one id for each command, and the lists that an editor shows.

While a command runs, its events go out as `$/progress` with the caller's token, numbered, at most one message in 50 ms;
the response holds the whole text again, since some clients lose or reorder progress.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsprotocol import types

from zicoder.commands.names import NAMES
from zicoder.errors import InputError
from zicoder.lsp.convert import offset_of, path_of, plain
from zicoder.lsp.event_stream import EventStream
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.commands.registry import Invocation
    from zicoder.commands.session import Session
    from zicoder.events import Event

__all__ = ["SlashHost", "register", "run_command"]

F = TypeVar("F", bound=Callable[..., Any])


class SlashHost(Protocol):
    """A server with a session of commands."""

    @property
    def encoding(self) -> str: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102
    def command(self, command_name: str) -> Callable[[F], F]: ...  # noqa: D102
    def send_progress(self, token: str | int, value: Any) -> None: ...  # noqa: D102
    async def slash_session(self) -> Session: ...  # noqa: D102
    async def reconfigure(self, pushed: Any) -> None: ...  # noqa: D102


def register(server: SlashHost) -> None:
    """Add the commands."""

    @server.command("zi.run")
    async def run(*arguments: Any) -> dict[str, Any]:
        """Run a `/command`. One argument, an object: `text`, and what the command is about."""
        values = _object(arguments)
        return await run_command(server, str(values.get("text") or ""), values)

    for name in NAMES:
        server.command(f"zi.command.{name}")(_named(server, name))

    @server.command("zi.commands")
    async def commands() -> list[dict[str, Any]]:
        """All commands, those of the project included: name, title, usage."""
        session = await server.slash_session()
        commands = await _dispatch_module()
        every = await asyncio.to_thread(commands.commands_of, session)
        return [{"name": c.name, "title": c.title, "usage": c.usage, "details": c.details} for c in every]

    @server.command("zi.roles")
    async def roles() -> list[dict[str, Any]]:
        """The table of roles and models: a row for each role."""
        session = await server.slash_session()
        return [asdict(row) for row in await session.roles()]

    @server.command("zi.setRole")
    async def set_role(*arguments: Any) -> list[dict[str, Any]]:
        """Set one value of a role in the user's settings file: role, key, value (null takes it out)."""
        from zicoder.models.chat.matrix_file import set_role as write

        if len(arguments) < 2:
            raise InputError("`zi.setRole` needs a role and a key.")
        role, key, value = (*arguments, None)[:3]
        await asyncio.to_thread(write, str(role), str(key), value)
        await server.reconfigure(None)
        return await roles()

    @server.command("zi.mentions")
    async def mentions(*arguments: Any) -> list[dict[str, Any]]:
        """How to go on with a mention: what stands behind the `@` so far."""
        from zicoder.context.mentions import candidates

        session = await server.slash_session()
        typed = str(arguments[0]) if arguments else ""
        table = await asyncio.to_thread(lambda: session.files().table())
        return [asdict(each) for each in candidates(typed, table)]


def _named(server: SlashHost, name: str) -> Callable[..., Any]:
    async def named(*arguments: Any) -> dict[str, Any]:
        values = _object(arguments)
        return await run_command(server, f"/{name} {values.get('prompt') or ''}".strip(), values)

    named.__doc__ = f"The command /{name}; the prompt stands in `prompt`."
    return named


async def run_command(server: SlashHost, text: str, values: dict[str, Any]) -> dict[str, Any]:
    """Run a command and tell its events; the answer holds the whole text.

    That it has begun is told before anything is imported, read or waited for.
    """
    token = values.get("token")
    stream = EventStream(partial(server.send_progress, token)) if isinstance(token, (str, int)) else None
    if stream:
        stream.put({"kind": "begun"})
    session = await server.slash_session()
    commands = await _dispatch_module()
    return await _told(commands.dispatched(session, _invocation(server, text, values)), stream)


async def _dispatch_module() -> Any:
    """`zicoder.commands.dispatch`, imported in a thread: with it come all commands."""
    return await asyncio.to_thread(importlib.import_module, "zicoder.commands.dispatch")


async def _told(events: AsyncIterator[Event], stream: EventStream | None) -> dict[str, Any]:
    from zicoder.events import Failed, Finished

    answer: dict[str, Any] = {"text": "", "data": {}, "error": None}
    try:
        async for event in events:
            match event:
                case Finished(text=text, data=data):
                    answer |= {"text": text, "data": dict(data)}
                case Failed(message=message, hint=hint):
                    answer["error"] = {"message": message, "hint": hint}
                case _ if stream:
                    stream.put(_value(event))
                case _:
                    pass
    finally:
        if close := getattr(events, "aclose", None):
            await close()
        if stream:
            await stream.close()
    return answer


def _value(event: Event) -> dict[str, Any]:
    """An event as plain data; a proposal as its diff."""
    from zicoder.events import Proposed

    if isinstance(event, Proposed):
        files = [{"path": file.path, "kind": file.kind} for file in event.proposal.files]
        return {"kind": "proposed", "title": event.proposal.title, "diff": event.proposal.diff(), "files": files}
    return {"kind": type(event).__name__.lower(), **asdict(event)}


def _invocation(server: SlashHost, text: str, values: dict[str, Any]) -> Invocation:
    """What the caller said it is about. Raises InputError for a document that is not open and cannot be read."""
    from zicoder.commands.complete import read_document
    from zicoder.commands.registry import Invocation

    uri = values.get("uri")
    snapshot: Snapshot | None = None
    if isinstance(uri, str) and uri:
        snapshot = server.snapshot(uri)
        path: Path | None = path_of(uri)
        if snapshot is None and path is not None:
            snapshot = read_document(path)
    selection = None
    place = values.get("range")
    if snapshot is not None and place is not None:
        start, end = (_position(place, name) for name in ("start", "end"))
        encoding = server.encoding
        selection = (offset_of(snapshot, start, encoding), offset_of(snapshot, end, encoding))
    problems = tuple(str(each) for each in values.get("problems") or ())
    conversation = values.get("conversation")
    return Invocation(
        text=text, snapshot=snapshot, selection=selection, problems=problems,
        conversation=str(conversation) if conversation else None,
    )  # fmt: skip


def _position(place: Any, name: str) -> types.Position:
    point = plain(plain(place).get(name))
    return types.Position(int(point.get("line", 0)), int(point.get("character", 0)))


def _object(arguments: tuple[Any, ...]) -> dict[str, Any]:
    return plain(arguments[0]) if arguments else {}
