"""Whether the tests that cover a place say the same of changed code: for fixes, where the settings allow it beforehand.

Runs in a copy of the project, through the same rules as every run of tests; the setting stands in for the person's yes,
and for nothing else. What a rule forbids is not run, and then nothing is known.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

from zicoder.agents.edits.python_code import name_at
from zicoder.agents.front import Answer, Applied, Question
from zicoder.commands.failing import failing_reasons, related_tests
from zicoder.commands.region import owner_of, region_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.commands.trying import Tests, first_run, known_command, takes_files, tests_in_a_copy
from zicoder.errors import ZiError
from zicoder.proposal import Proposal
from zicoder.text import Snapshot

__all__ = ["Said", "covering"]

log = logging.getLogger("zicoder.commands")

MOST_RUNS = 8
Said = tuple[Literal["mended", "pass", "broken"], str]
"""What tests say of a change, and which tests: "mended" where some failed before and all pass now."""


class _BySettings:
    """Says yes to tests, as the settings do, and to nothing else."""

    async def may(self, question: Question) -> Answer:
        return "once" if question.tool == "tests" else "never"

    async def apply(self, proposal: Proposal) -> Applied:
        return Applied(ok=False, reason="Nothing is applied here.")


@asynccontextmanager
async def covering(
    session: Session, snapshot: Snapshot, offset: int
) -> AsyncGenerator[Callable[[str], Awaitable[Said | None]]]:
    """Asks the tests that cover `offset` of a document what they say of another text of it; None where none do.

    The first question copies the project and runs them as it is; nothing happens before.
    """
    async with AsyncExitStack() as stack:
        runs = _Runs(session, snapshot, offset, stack)
        yield runs.say


class _Runs:
    def __init__(self, session: Session, snapshot: Snapshot, offset: int, stack: AsyncExitStack) -> None:
        self._session, self._snapshot, self._offset, self._stack = session, snapshot, offset, stack
        self._tests: Tests | None = None
        self._targets: tuple[str, ...] | None = None
        self._seconds = 0.0
        self._failing: frozenset[str] = frozenset()

    async def say(self, after: str) -> Said | None:
        try:
            if self._targets is None:
                await self._begin()
            return await self._again(after)
        except ZiError as error:
            log.info("the tests of a fix were not run: %s", error)
            self._tests = None
            return None

    async def _begin(self) -> None:
        """Find the tests, and run them as the code is. Raises ZiError."""
        self._targets = ()
        if self._session.workspace.root is None:
            return
        command = await known_command(self._session)
        if not command or not takes_files(command):
            return  # all tests of a project are too much for one fix
        self._targets = await asyncio.to_thread(self._related)
        if not self._targets:
            return
        tests = await self._stack.enter_async_context(
            tests_in_a_copy(self._session, command, MOST_RUNS, self._snapshot, {})
        )
        begun = time.monotonic()
        ended = await first_run(self._session, tests, self._targets, front=_BySettings())
        self._seconds = time.monotonic() - begun
        self._failing = frozenset(failing_reasons(ended.output)) if not ended.ok else frozenset()
        if ended.ok or self._failing:  # else they did not run at all
            self._tests = tests

    async def _again(self, after: str) -> Said | None:
        path = self._session.workspace.relative(self._snapshot.path) if self._snapshot.path is not None else None
        if self._tests is None or not self._targets or path is None:
            return None
        ended = await self._tests.again(self._targets, {path: after}, 3 * self._seconds)
        names = ", ".join(self._targets)
        if ended.ok:
            return ("mended", names) if self._failing else ("pass", names)
        failing = frozenset(failing_reasons(ended.output))
        if ended.stopped or not failing or failing - self._failing or not self._failing:
            return "broken", names
        return None  # what failed before still fails, and nothing else: that says nothing of the fix

    def _related(self) -> tuple[str, ...]:
        """Blocking."""
        files = self._session.files()

        def read(path: str) -> str | None:
            try:
                return files.read(path)
            except ZiError:
                return None

        invocation = Invocation(text="", snapshot=self._snapshot, selection=(self._offset, self._offset))
        region = region_of(self._session, invocation)
        names = [name_at(region.text), owner_of(region, self._snapshot)] if region is not None else []
        path = self._session.path_of(self._snapshot)
        return related_tests([name for name in names if name], path, list(files.table().paths), read)
