"""What hovers and lenses of one client work with, made at first use: definitions, git, explanations, the model.

Owns how the rooms above `assist` are handed to it: git as the agents run it, the chat's model, the local engine.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from zicoder.engine.status import EngineState
from zicoder.errors import EngineError, ToolError, ZiError
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.assist.definitions import Definitions
    from zicoder.assist.hover.ahead import Ahead
    from zicoder.assist.hover.explaining import Explaining
    from zicoder.assist.hover.explanations import Explanation
    from zicoder.assist.hover.hovers import About, Hovers
    from zicoder.assist.hover.last_change import LastChanges
    from zicoder.assist.hover.targets import Place, Targets
    from zicoder.assist.jedi_bridge import JediBridge
    from zicoder.assist.types import HoverInfo
    from zicoder.commands.session import Session
    from zicoder.complete.completer import Completer
    from zicoder.index.code_index import CodeIndex
    from zicoder.lsp.assistant import Assistant
    from zicoder.workspace import Workspace

__all__ = ["Hovering", "HoveringHost"]

QUIET_S = 10.0
"""So long nobody must have typed before the model writes unasked."""
BUSY_PERCENT = 50.0
"""Of all cores in use by others, at most."""


class HoveringHost(Protocol):
    """A server with documents, a project and checks."""

    @property
    def project(self) -> Workspace | None: ...  # noqa: D102
    @property
    def completer(self) -> Completer | None: ...  # noqa: D102
    @property
    def assistant(self) -> Assistant: ...  # noqa: D102
    @property
    def jedi(self) -> JediBridge: ...  # noqa: D102
    @property
    def open_uris(self) -> list[str]: ...  # noqa: D102
    def snapshots(self) -> list[Snapshot]: ...  # noqa: D102
    async def slash_session(self) -> Session: ...  # noqa: D102
    def in_background(self, work: Coroutine[Any, Any, None]) -> object: ...  # noqa: D102


class Hovering:
    """The hovers of one session, and what they are made of."""

    def __init__(self, host: HoveringHost) -> None:
        self._host = host
        self._hovers: Hovers | None = None
        self._definitions: Definitions | None = None
        self._of_project: tuple[Path, Targets, LastChanges, Explaining] | None = None
        self._ahead: Ahead | None = None
        self._turn = asyncio.Lock()

    async def hovers(self) -> Hovers:
        """The hovers. What they need beside jedi and the index is got ready meanwhile."""
        made = self._hovers
        if made is None:
            module: Any = await asyncio.to_thread(importlib.import_module, "zicoder.assist.hover.hovers")
            made = self._hovers = self._hovers or module.Hovers(self._analyse, index=self._index, about=self._about)
            self._host.in_background(self.ready())
        assert made is not None
        return made

    async def ready(self) -> None:
        """Make what the first hover and the first lens would otherwise wait for."""
        await self.definitions()
        await asyncio.to_thread(importlib.import_module, "zicoder.assist.hover.hovers")

    async def definitions(self) -> Definitions:
        """Finds the functions and classes of texts."""
        async with self._turn:
            if self._definitions is None:
                module: Any = await asyncio.to_thread(importlib.import_module, "zicoder.assist.definitions")
                checker = await self._host.assistant.checker()
                self._definitions = module.Definitions(checker.inspector)
            assert self._definitions is not None
            return self._definitions

    async def explain(self, snapshot: Snapshot, offset: int) -> Explanation | None:
        """What was written about the definition that is meant at an offset, or is written now, by the chat's model.

        None where the project defines nothing of that name, or the model had nothing to say. Raises ZiError.
        """
        await self.definitions()
        place: Place | None = await (await self.hovers()).place(snapshot, offset)
        about = self._of_this_project()
        target = await about[1].at(place) if about is not None and place is not None else None
        if about is None or target is None:
            return None
        return await about[3].written(target, self._ask, again=True)

    async def cursor(self, snapshot: Snapshot, line: int) -> None:
        """The cursor has come to rest: what is around it may be explained ahead, when nobody works any more."""
        project = self._host.project
        if self._ahead is not None:
            self._ahead.stop()
        if project is None or project.settings.hover.explanations != "ahead" or snapshot.path is None:
            return
        await self.definitions()
        about, path = self._of_this_project(), project.relative(snapshot.path)
        if about is None or path is None:
            return
        if self._ahead is None:
            from zicoder.assist.hover.ahead import Ahead

            self._ahead = Ahead(self._ask_quietly, calm=_calm, idle=self._idle)
        _calm()  # what it counts from the next time
        self._ahead.cursor(snapshot, path, line, targets=about[1], explaining=about[3])

    def close(self) -> None:
        """End what is asked and written."""
        if self._ahead is not None:
            self._ahead.stop()
        if self._hovers is not None:
            self._hovers.close()

    # --- what the assist room asks for

    async def _analyse(self, snapshot: Snapshot, offset: int) -> HoverInfo | None:
        return await self._host.jedi.hover(snapshot, offset)

    def _index(self) -> CodeIndex | None:
        return self._host.project.index if self._host.project else None

    def _about(self) -> About | None:
        from zicoder.assist.hover.hovers import About

        project, made = self._host.project, self._of_this_project()
        if project is None or made is None:
            return None
        wanted = project.settings.hover
        _, targets, changes, explaining = made
        return About(
            targets,
            project.relative,
            changes if wanted.last_change else None,
            explaining if wanted.explanations != "off" else None,
        )

    def _of_this_project(self) -> tuple[Path, Targets, LastChanges, Explaining] | None:
        from zicoder.assist.hover.explaining import Explaining
        from zicoder.assist.hover.explanations import Explanations
        from zicoder.assist.hover.last_change import LastChanges
        from zicoder.assist.hover.targets import Targets
        from zicoder.workspace import cache_dir

        project = self._host.project
        if project is None or project.root is None or self._definitions is None:
            return None
        if self._of_project is None or self._of_project[0] != project.root:
            root = project.root
            self._of_project = (
                root,
                Targets(root, self._definitions, self._host.snapshots),
                LastChanges(root, partial(_git, root)),
                Explaining(Explanations(cache_dir() / "explanations"), self._index),
            )
        return self._of_project

    # --- models

    async def _ask(self, prompt: str) -> tuple[str, str]:
        """Ask the chat's model, as somebody waits. Raises ZiError."""
        from zicoder.assist.hover.explanation import MAX_TOKENS, SYSTEM
        from zicoder.events import Delta
        from zicoder.models.chat.meter import Meter

        session = await self._host.slash_session()
        loop = await asyncio.to_thread(importlib.import_module, "zicoder.agents.loop")  # pydantic-ai takes a second
        role = await asyncio.to_thread(session.role, "chat")
        task = loop.Task(instructions=SYSTEM, prompt=prompt, temperature=0.0, max_tokens=MAX_TOKENS)
        events = loop.run(partial(session.model, role.models), task, Meter())
        answer = ""
        try:
            async for event in events:
                answer += event.text if isinstance(event, Delta) else ""
        finally:
            await events.aclose()
        return answer, role.models[0]

    async def _ask_quietly(self, prompt: str) -> tuple[str, str]:
        """Ask the chat's model if it is a local one that is loaded, behind everything else that the engine has to do.

        Raises ZiError, also when it had to give way.
        """
        from zicoder.assist.hover.explanation import MAX_TOKENS, SYSTEM
        from zicoder.engine.protocol import Chat, Message

        project, name = self._host.project, await self._quiet_model()
        if project is None or name is None:
            raise EngineError("No local model for chat is loaded.")
        engine = project.engine
        window = project.settings.engine.chat_tokens
        messages = Message(role="system", content=SYSTEM), Message(role="user", content=prompt)
        reading = engine.read(
            Chat(
                id=engine.new_id(),
                model=name,
                messages=messages,
                max_tokens=MAX_TOKENS,
                window=window,
                speculative=True,
            )
        )
        try:
            answer = "".join([piece async for piece in reading])
        finally:
            await reading.aclose()
        if reading.stats.finish == "cancelled":
            raise EngineError("The engine had something else to do.")
        return answer, f"local:{name}"

    async def _quiet_model(self) -> str | None:
        from zicoder.models.chat.names import LOCAL, parse_name
        from zicoder.models.chat.roles import role
        from zicoder.models.store import ModelStore

        project = self._host.project
        if project is None:
            return None
        try:
            found = await asyncio.to_thread(role, project.settings, "chat", ModelStore())
            name = parse_name(found.models[0])
        except ZiError:
            return None
        return name.model if name.provider == LOCAL and project.engine.holds(name.model) else None

    def _idle(self) -> bool:
        """Whether nobody works on this machine, as far as can be seen, and it is not on its battery."""
        host = self._host
        if host.project is None or host.project.engine.status.state is not EngineState.READY:
            return False
        session = host.completer.session if host.completer else None
        if session is not None and any(session.idle_s(uri) < QUIET_S for uri in host.open_uris):
            return False
        import psutil

        battery: Any = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        return battery is None or battery.power_plugged is not False


def _calm() -> bool:
    """Whether little else was computed since the cursor came to rest."""
    import psutil

    return psutil.cpu_percent() <= BUSY_PERCENT


async def _git(root: Path, *arguments: str, most: int) -> tuple[bool, str]:
    """Git as the agents run it: nothing of the repository's own configuration runs. See `assist.hover.last_change`."""
    tools = await asyncio.to_thread(importlib.import_module, "zicoder.agents.tools.git")
    try:
        ended = await tools.Repository(root).run(*arguments, head=most, tail=0, check=False)
    except ToolError as error:
        return False, str(error)
    return ended.ok and ended.output_bytes <= most, ended.output
