"""What helps with code as it stands, for one client: the checks of our own, and what they found.

Made with the server, and empty until the first document: processes and imports come with the first question.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from zicoder.errors import ZiError
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.assist.actions.action import Action, Asked
    from zicoder.assist.actions.offering import Offering
    from zicoder.assist.checks.checker import Checker
    from zicoder.assist.checks.ruff import Ruff
    from zicoder.assist.fixing.fixer import Say
    from zicoder.assist.jedi_bridge import JediBridge
    from zicoder.commands.session import Session
    from zicoder.index.code_index import CodeIndex
    from zicoder.workspace import Workspace

__all__ = ["Assistant", "AssistantHost"]


class AssistantHost(Protocol):
    """A server with documents and a project."""

    @property
    def project(self) -> Workspace | None: ...  # noqa: D102
    @property
    def jedi(self) -> JediBridge: ...  # noqa: D102
    @property
    def open_uris(self) -> list[str]: ...  # noqa: D102
    async def slash_session(self) -> Session: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102


class Assistant:
    """The checks of one session, and which languages other servers were seen to check."""

    def __init__(self, host: AssistantHost) -> None:
        self._host = host
        self._checker: Checker | None = None
        self._offering: Offering | None = None
        self._ruff: tuple[tuple[str, str, Path | None], Ruff | None] | None = None
        self.checked_by_others: set[str] = set()
        """Languages of documents that came with another server's diagnostics."""

    async def checker(self) -> Checker:
        """The checks, made at first use."""
        made = self._checker
        if made is None:
            checker, inspector = await asyncio.to_thread(_imported)
            made = self._checker or checker.Checker(
                inspector.Inspector(), ruff=self._current_ruff, jedi=lambda: self._host.jedi
            )
            self._checker = made
        await asyncio.to_thread(self._find_ruff)
        return made

    async def offering(self) -> Offering:
        """The code actions, made at first use."""
        checker = await self.checker()
        made = self._offering
        if made is None:
            actions, fixing = await asyncio.to_thread(
                lambda: [
                    importlib.import_module(f"zicoder.assist.{name}") for name in ("actions.offering", "fixing.fixer")
                ]
            )
            fixer = fixing.Fixer(
                checker, ask=self._ask, index=self._index, samples=self._samples, tests=self._tests, fill=self._filled,
                certain=self._certain,
            )  # fmt: skip
            made = self._offering or actions.Offering(
                checker, index=self._index, jedi=lambda: self._host.jedi, documents=self._documents, more=(fixer,)
            )
            self._offering = made
        return made

    @asynccontextmanager
    async def _tests(self, snapshot: Snapshot, offset: int) -> AsyncGenerator[Say | None]:
        """The tests that cover a place, where the settings let them run for a fix."""
        project = self._host.project
        if project is None or not project.settings.fixes.tests or not project.trusted:
            yield None
            return
        session = await self._host.slash_session()
        covering = await asyncio.to_thread(importlib.import_module, "zicoder.commands.covering")
        async with covering.covering(session, snapshot, offset) as say:
            yield say

    def _documents(self) -> list[Snapshot]:
        """Those that are open now."""
        found = (self._host.snapshot(uri) for uri in self._host.open_uris)
        return [each for each in found if each is not None]

    def _samples(self) -> int:
        project = self._host.project
        return project.settings.fixes.samples if project is not None and project.settings.fixes.model else 0

    async def _ask(
        self, system: str, prompt: str, *, temperature: float, max_tokens: int, begin: str = ""
    ) -> AsyncIterator[str]:
        """Ask the coder's model, outside of every conversation and without tools. Raises ZiError."""
        from zicoder.events import Delta
        from zicoder.models.chat.meter import Meter

        session = await self._host.slash_session()
        loop = await asyncio.to_thread(importlib.import_module, "zicoder.agents.loop")  # pydantic-ai takes a second
        role = await asyncio.to_thread(session.role, "coder")
        instructions = "\n\n".join(filter(None, (system, role.prompt)))
        task = loop.Task(
            instructions=instructions, prompt=prompt, temperature=temperature, max_tokens=max_tokens, begin=begin
        )
        events = loop.run(partial(session.model, role.models), task, Meter())
        try:
            async for event in events:
                if isinstance(event, Delta):
                    yield event.text
        finally:
            await events.aclose()

    async def _filled(self, before: str, after: str, rank: int) -> str:
        """A line by the model for suggestions, "" where that fills no holes or has nothing to say."""
        from zicoder.agents.cloze import line_request, written

        project = self._host.project
        if project is None:
            return ""
        with suppress(ZiError):  # who answers instead says what is wrong
            model = await project.infill_model()
            if model.fills_suffix:
                text, _ = await written(model, line_request("zi-fix", before, after, rank=rank))
                return text
        return ""

    async def _certain(self, asked: Asked) -> list[Action]:
        return await self._offering.certain(asked) if self._offering is not None else []

    def _index(self) -> CodeIndex | None:
        return self._host.project.index if self._host.project else None

    def forget(self, uri: str) -> None:
        """A document is closed."""
        if self._checker is not None:
            self._checker.forget(uri)

    async def close(self) -> None:
        """End the processes."""
        if self._offering is not None:
            await self._offering.close()
        if self._checker is not None:
            await self._checker.close()

    def _current_ruff(self) -> Ruff | None:
        return self._ruff[1] if self._ruff else None

    def _find_ruff(self) -> None:
        """Look for ruff again if the settings have changed. Blocking."""
        from zicoder.agents.processes import trusted_program
        from zicoder.assist.checks.ruff import Ruff, find_ruff

        project = self._host.project
        if project is None:
            return
        settings = project.settings
        wanted = settings.diagnostics.ruff, settings.python.interpreter, project.root
        if self._ruff is None or self._ruff[0] != wanted:
            program = find_ruff(*wanted, trusted_program)
            self._ruff = wanted, Ruff(program, project.root) if program else None


def _imported():  # noqa: ANN202 - modules
    from zicoder.assist.checks import checker, inspector

    return checker, inspector
