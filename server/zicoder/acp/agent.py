"""The methods of the Agent Client Protocol, and the process that answers them.

Owns the sessions and the workspaces of one client. What goes wrong reaches the client as a sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar, cast

from acp import PROTOCOL_VERSION, Agent, Client, RequestError, run_agent
from acp.schema import (
    AgentCapabilities,
    ClientCapabilities,
    CloseSessionResponse,
    Implementation,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PromptCapabilities,
    PromptResponse,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionCloseCapabilities,
    SessionInfo,
    SessionListCapabilities,
    SessionResumeCapabilities,
)

import zicoder
from zicoder.acp.pipe import Pipe
from zicoder.acp.talk import Talk
from zicoder.agents.conversations import Conversations, conversations_dir
from zicoder.errors import InputError, ZiError
from zicoder.workspace import Workspace

__all__ = ["ZiAgent", "serve"]

log = logging.getLogger("zicoder.acp")

P = ParamSpec("P")
T = TypeVar("T")
INVALID, INTERNAL = -32602, -32603
"""Error codes of JSON-RPC 2.0."""


def _sentences(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """A method whose ZiErrors the client gets as its answer."""

    @functools.wraps(method)
    async def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except ZiError as error:
            raise RequestError(INVALID if isinstance(error, InputError) else INTERNAL, error.sentence) from None

    return told


class ZiAgent:
    """One client's agent. Close it at the end."""

    def __init__(self) -> None:
        self._client: Client
        self._reads = False
        self._talks: dict[str, Talk] = {}
        self._workspaces: dict[Path, Workspace] = {}
        self._announcing: set[asyncio.Task[None]] = set()

    def on_connect(self, conn: Client) -> None:
        """The other side, before any method is called."""
        self._client = conn

    async def initialize(
        self, protocol_version: int, client_capabilities: ClientCapabilities | None = None, **_: Any
    ) -> InitializeResponse:
        """What Zi can do."""
        files = client_capabilities.fs if client_capabilities else None
        self._reads = bool(files and files.read_text_file)
        return InitializeResponse(
            protocol_version=min(protocol_version, PROTOCOL_VERSION) or PROTOCOL_VERSION,
            agent_capabilities=AgentCapabilities(
                load_session=True,
                prompt_capabilities=PromptCapabilities(image=False, audio=False, embedded_context=True),
                session_capabilities=SessionCapabilities(
                    list=SessionListCapabilities(), resume=SessionResumeCapabilities(), close=SessionCloseCapabilities()
                ),
            ),
            agent_info=Implementation(name="zi", title="Zi Coder", version=zicoder.__version__),
            auth_methods=[],
        )

    @_sentences
    async def new_session(self, cwd: str, **_: Any) -> NewSessionResponse:
        """Begin a session in a folder."""
        root = await asyncio.to_thread(_folder, cwd)
        talk = self._talk(Conversations(conversations_dir(root)).begin(), root)
        self._announce(talk)
        return NewSessionResponse(session_id=talk.identity, modes=talk.modes)

    @_sentences
    async def load_session(self, cwd: str, session_id: str, **_: Any) -> LoadSessionResponse:
        """Go on with a conversation of the project: everything that was said is told again."""
        talk = await self._reopened(cwd, session_id, replay=True)
        return LoadSessionResponse(modes=talk.modes)

    @_sentences
    async def resume_session(self, cwd: str, session_id: str, **_: Any) -> ResumeSessionResponse:
        """Go on with a conversation of the project that the client still shows: nothing is told again."""
        talk = await self._reopened(cwd, session_id, replay=False)
        return ResumeSessionResponse(modes=talk.modes)

    @_sentences
    async def close_session(self, session_id: str, **_: Any) -> CloseSessionResponse:
        """Stop what runs in a session, and let go of it. Its conversation stays."""
        talk = self._found(session_id)
        await talk.stop()
        if self._talks.pop(session_id, None) is talk:
            await talk.close()
        return CloseSessionResponse()

    @_sentences
    async def list_sessions(self, cwd: str | None = None, **_: Any) -> ListSessionsResponse:
        """The conversations about a project; without one, those of the projects that sessions are in."""
        roots = [await asyncio.to_thread(_folder, cwd)] if cwd else list(self._workspaces)
        sessions: list[SessionInfo] = []
        for root in roots:
            for each in await asyncio.to_thread(Conversations(conversations_dir(root)).list):
                at = datetime.fromtimestamp(each.at, UTC).isoformat()
                sessions.append(SessionInfo(session_id=each.id, cwd=str(root), title=each.title, updated_at=at))
        return ListSessionsResponse(sessions=sessions)

    @_sentences
    async def set_session_mode(self, session_id: str, mode_id: str, **_: Any) -> None:
        """Choose the role for text without a slash."""
        self._found(session_id).set_mode(mode_id)

    @_sentences
    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        """Do what a person wrote."""
        return PromptResponse(stop_reason=await self._found(session_id).prompt(prompt))

    async def cancel(self, session_id: str, **_: Any) -> None:
        """Stop what runs in a session."""
        if talk := self._talks.get(session_id):
            talk.cancel()

    async def close(self) -> None:
        """End every session and every workspace."""
        for talk in self._talks.values():
            await talk.close()
        for workspace in self._workspaces.values():
            await workspace.close()

    def _found(self, session: str) -> Talk:
        if session not in self._talks:
            raise InputError(f"There is no session {session[:60]!r}.", hint="Begin a new one.")
        return self._talks[session]

    def _talk(self, identity: str, root: Path) -> Talk:
        if root not in self._workspaces:
            self._workspaces[root] = Workspace(root)
            for problem in self._workspaces[root].problems:
                log.warning("%s", problem)
        talk = Talk(identity, self._workspaces[root], root, self._client, reads=self._reads)
        self._talks[identity] = talk
        return talk

    async def _reopened(self, cwd: str, session_id: str, *, replay: bool) -> Talk:
        root = await asyncio.to_thread(_folder, cwd)
        is_new = session_id not in self._talks
        talk = self._talk(session_id, root) if is_new else self._talks[session_id]
        try:
            await talk.reopen(replay=replay)
        except ZiError:
            if is_new:
                await self._talks.pop(session_id).close()
            raise
        self._announce(talk)
        return talk

    def _announce(self, talk: Talk) -> None:
        """Tell the commands, once the client has the answer that names the session."""
        job = asyncio.create_task(talk.announce())
        self._announcing.add(job)
        job.add_done_callback(self._announcing.discard)


def _folder(cwd: str) -> Path:
    """The project's folder. Blocking. Raises InputError."""
    path = Path(cwd)
    try:
        if path.is_absolute() and path.is_dir():
            return path.resolve()
    except (OSError, ValueError):
        pass
    raise InputError(f"{cwd[:200]!r} is no folder.", hint="`cwd` is the absolute path of the project.")


def serve() -> None:
    """Answer one client over standard input and output, until it closes them."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that any library prints may get between our messages
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(reader, writer))


async def _serve(reader: BinaryIO, writer: BinaryIO) -> None:
    agent = ZiAgent()
    try:
        # The SDK still counts `session/close` and `session/resume` as unstable; the protocol does not.
        await run_agent(cast("Agent", agent), Pipe(reader, writer), use_unstable_protocol=True)
    finally:
        await agent.close()
