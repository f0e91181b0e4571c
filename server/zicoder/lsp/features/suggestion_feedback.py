"""What the user does with suggestions and says about them: accepted, rejected, snoozed, forgotten.

The notifications are optional: without them an acceptance is recognised by the change that it makes. All of them hold
the `id` that came with the suggestion, or a client that keeps none says where it stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsprotocol import types

from zicoder.errors import InputError
from zicoder.lsp.convert import offset_of

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.complete.control import Control
    from zicoder.complete.journal import Journal
    from zicoder.complete.reception import Reception
    from zicoder.text import Snapshot
    from zicoder.workspace import Workspace

__all__ = ["ACCEPTED", "FORGET", "REJECTED", "RESUME", "SHOWN", "SNOOZE", "TAKEN", "TOGGLE", "FeedbackHost", "register"]

F = TypeVar("F", bound=Callable[..., Any])

SNOOZE, RESUME, TOGGLE, FORGET = "zi.snooze", "zi.resume", "zi.toggleSuggestions", "zi.forgetHistory"
TAKEN = "zi.suggestionAccepted"
"""The command that an editor runs once it has inserted a suggestion."""
SHOWN, ACCEPTED, REJECTED = "zi/suggestionShown", "zi/suggestionAccepted", "zi/suggestionRejected"

USUAL_SNOOZE_MIN = 30.0


class FeedbackHost(Protocol):
    """A server with a workspace, and with the session's switches and memory (None before `initialized`)."""

    @property
    def project(self) -> Workspace | None: ...  # noqa: D102
    @property
    def encoding(self) -> str: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102
    @property
    def control(self) -> Control | None: ...  # noqa: D102
    @property
    def reception(self) -> Reception | None: ...  # noqa: D102
    @property
    def journal(self) -> Journal | None: ...  # noqa: D102
    def command(self, command_name: str) -> Callable[[F], F]: ...  # noqa: D102
    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]: ...  # noqa: D102
    def window_show_message(self, params: types.ShowMessageParams) -> None: ...  # noqa: D102


def register(server: FeedbackHost) -> None:
    """Add the commands and the listeners."""

    @server.command(SNOOZE)
    async def snooze(*arguments: Any) -> dict[str, Any]:
        """No suggestions by themselves for a while. Argument: minutes (30)."""
        control = server.control
        if control is not None:
            try:
                control.snooze(_minutes(arguments), time.monotonic())
            except InputError as error:
                _say(server, types.MessageType.Warning, error.sentence)
        return _state(server)

    @server.command(RESUME)
    async def resume() -> dict[str, Any]:
        """End a snooze."""
        if server.control is not None:
            server.control.resume()
        return _state(server)

    @server.command(TOGGLE)
    async def toggle() -> dict[str, Any]:
        """Switch suggestions on or off for this session."""
        if server.control is not None and server.project is not None:
            server.control.toggle(server.project.settings.completion)
        return _state(server)

    @server.command(FORGET)
    async def forget() -> bool:
        """Erase the log of what was accepted and rejected, and what was learnt from it; whether that worked."""
        return await _forget(server)

    _listen(server)


def _listen(server: FeedbackHost) -> None:
    """What a client tells of the suggestion that it shows."""

    @server.command(TAKEN)
    async def taken(*arguments: Any) -> None:
        """A suggestion was accepted, all of it. Argument: its id. Every suggestion brings it along as its command."""
        if server.reception is not None and arguments:
            server.reception.accepted(str(arguments[0]))

    @server.feature(SHOWN)
    def shown(params: Any) -> None:
        """Params: {id}. From a client that never sends this, every suggestion is taken to be shown."""
        if server.reception is not None:
            server.reception.shown(_id(params))

    @server.feature(ACCEPTED)
    def accepted(params: Any) -> None:
        """Params: {id, acceptedLength?}: without a length, all of it."""
        if server.reception is not None:
            length = getattr(params, "acceptedLength", None)
            server.reception.accepted(_id(params), length if isinstance(length, int) else None)

    @server.feature(REJECTED)
    def rejected(params: Any) -> None:
        """Params: {id} or {textDocument, position}: it, or the one that stands there, was dismissed by hand.

        As with Escape; the server sees by itself when it is typed over.
        """
        if server.reception is not None:
            server.reception.rejected(_id(params) or _standing(server, server.reception, params))


async def _forget(server: FeedbackHost) -> bool:
    if server.journal is None or server.reception is None:
        return False
    server.reception.forget()
    try:
        await asyncio.to_thread(server.journal.forget)
    except OSError as error:
        _say(server, types.MessageType.Error, f"The log of suggestions could not be erased: {error}.")
        return False
    _say(server, types.MessageType.Info, "The log of suggestions and what was learnt from it are erased.")
    return True


def _minutes(arguments: tuple[Any, ...]) -> float:
    """How long to snooze. Raises InputError for something that is no number."""
    if not arguments or arguments[0] is None:
        return USUAL_SNOOZE_MIN
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        return float(arguments[0])
    raise InputError("The time to snooze must be a number of minutes.")


def _state(server: FeedbackHost) -> dict[str, Any]:
    """Whether suggestions come up by themselves now, for how long not, and why."""
    control, project = server.control, server.project
    if control is None or project is None:
        return {"active": False, "snoozedSeconds": 0, "reason": "The server is still starting."}
    now = time.monotonic()
    reason = control.reason(project.settings.completion, automatic=True, now=now)
    return {"active": reason is None, "snoozedSeconds": round(control.snoozed_s(now)), "reason": reason or ""}


def _say(server: FeedbackHost, kind: types.MessageType, text: str) -> None:
    server.window_show_message(types.ShowMessageParams(type=kind, message=text))


def _standing(server: FeedbackHost, reception: Reception, params: Any) -> str:
    """The id of the suggestion at the place that the params name, "" for none."""
    document, place = getattr(params, "textDocument", None), getattr(params, "position", None)
    snapshot = server.snapshot(document.uri) if document is not None else None
    if snapshot is None or place is None:
        return ""
    position = types.Position(line=place.line, character=place.character)
    return reception.standing(snapshot, offset_of(snapshot, position, server.encoding))


def _id(params: Any) -> str:
    return str(getattr(params, "id", ""))
