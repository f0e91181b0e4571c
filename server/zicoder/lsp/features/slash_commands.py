"""The `/commands` in the editor: `zi.run`, one id for each command, and the lists that an editor shows.

While a command runs, its events go out as `$/progress` with the caller's token, numbered, at most one message in 50 ms;
the response holds the whole text again, since some clients lose or reorder progress.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from lsprotocol import types

from zicoder.commands.names import NAMES
from zicoder.errors import InputError
from zicoder.lsp.convert import offset_of
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.commands.registry import Command, Commands, Invocation
    from zicoder.commands.session import Session
    from zicoder.events import Event

__all__ = ["SlashHost", "register"]

PAUSE_S = 0.05
"""Between two messages."""

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
        return await _run(server, str(values.get("text") or ""), values)

    for name in NAMES:
        server.command(f"zi.command.{name}")(_named(server, name))

    @server.command("zi.commands")
    async def commands() -> list[dict[str, Any]]:
        """All commands, those of the project included: name, title, usage."""
        builtin, own = await _known(await server.slash_session())
        every = [*builtin, *(command for command in own if command.name not in builtin)]
        return [{"name": c.name, "title": c.title, "usage": c.usage, "details": c.details} for c in every]

    @server.command("zi.roles")
    async def roles() -> list[dict[str, Any]]:
        """The table of roles and models: a row for each role."""
        from zicoder.models.chat.roles import matrix
        from zicoder.settings import setting_origins

        session = await server.slash_session()
        origins = await asyncio.to_thread(setting_origins, project=session.workspace.root)
        rows = await asyncio.to_thread(matrix, session.workspace.settings, origins, session.store)
        return [asdict(row) for row in rows]

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
        return await _run(server, f"/{name} {values.get('prompt') or ''}".strip(), values)

    named.__doc__ = f"The command /{name}; the prompt stands in `prompt`."
    return named


async def _run(server: SlashHost, text: str, values: dict[str, Any]) -> dict[str, Any]:
    """Run a command and tell its events; the answer holds the whole text."""
    token = values.get("token")
    stream = _Stream(server, token) if isinstance(token, (str, int)) else None
    if stream:
        stream.put({"kind": "begun"})
    session = await server.slash_session()
    builtin, own = await _known(session)
    invocation = _invocation(server, text, values)
    return await _told(builtin.dispatch(session, invocation, own), stream)


async def _known(session: Session) -> tuple[Commands[Session], list[Command[Session]]]:
    """The built-in commands, and those of the project."""
    builtin, own = await asyncio.to_thread(
        lambda: [importlib.import_module(f"zicoder.commands.{name}") for name in ("builtin", "own")]
    )
    return builtin.COMMANDS, await asyncio.to_thread(own.own_commands, session.workspace.root)


async def _told(events: AsyncIterator[Event], stream: _Stream | None) -> dict[str, Any]:
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


class _Stream:
    """Numbers what is sent, and puts pieces of text together that come within one pause."""

    def __init__(self, server: SlashHost, token: str | int) -> None:
        self._server = server
        self._token = token
        self._sequence = 0
        self._waiting: list[dict[str, Any]] = []
        self._sent = 0.0
        self._task: asyncio.Task[None] | None = None

    def put(self, value: dict[str, Any]) -> None:
        """Send a value, at once or when the pause is over."""
        last = self._waiting[-1] if self._waiting else None
        if last is not None and last["kind"] == value["kind"] == "delta":
            last["text"] += value["text"]
        else:
            self._waiting.append(dict(value))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Send what is left."""
        if self._task is not None:
            await self._task
        self._flush()

    async def _send(self) -> None:
        while self._waiting:
            await asyncio.sleep(max(0.0, PAUSE_S - (time.monotonic() - self._sent)))
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        values, self._waiting = self._waiting, []
        self._sent = time.monotonic()
        self._sequence += 1
        self._server.send_progress(self._token, {"seq": self._sequence, "events": values})


def _invocation(server: SlashHost, text: str, values: dict[str, Any]) -> Invocation:
    """What the caller said it is about. Raises InputError for a document that is not open and cannot be read."""
    from zicoder.commands.complete import read_document
    from zicoder.commands.registry import Invocation
    from zicoder.lsp.convert import path_of

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
    point = _plain(_plain(place).get(name))
    return types.Position(int(point.get("line", 0)), int(point.get("character", 0)))


def _object(arguments: tuple[Any, ...]) -> dict[str, Any]:
    return _plain(arguments[0]) if arguments else {}


def _plain(value: Any) -> dict[str, Any]:
    """An object as pygls hands it over."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    fields = cast("dict[str, Any]", getattr(value, "__dict__", {}))
    return dict(fields)
