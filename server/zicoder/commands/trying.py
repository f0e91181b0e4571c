"""The project's tests with edits that nobody has accepted: asked for once, then run in a copy as often as was said.

Goes through the same rules and questions as every run of tests (`Gate`); the project's files stay as they are.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from zicoder.agents.audit import AuditLog
from zicoder.agents.front import Front
from zicoder.agents.gate import Gate
from zicoder.agents.processes import Ended
from zicoder.agents.sandbox import open_sandbox
from zicoder.agents.tools.commands import TestsArguments, TestsTool, suggested_test_command
from zicoder.agents.tools.protocol import Grant, ToolText, Touch
from zicoder.agents.trials import Trial, trial
from zicoder.commands.session import Session
from zicoder.text import Snapshot
from zicoder.workspace import log_dir

__all__ = ["Tests", "first_run", "known_command", "takes_files", "tests_in_a_copy"]

_TAKES_FILES = re.compile(r"pytest|^(?:npm|pnpm|yarn)( run)? test$|jest|vitest|mocha|rspec|phpunit")
LEAST_S = 10.0
"""For a run after the first one, which may have been quick because everything failed at once."""


class Tests(TestsTool):
    """The tool `tests` over a copy of the project."""

    __test__ = False

    def __init__(self, at: Trial, command: str, most: int) -> None:
        super().__init__(at.sandbox, command)
        self._trial = at
        self._most = most
        self.sandbox = at.sandbox
        self.ended: Ended | None = None
        """How the first run ended, without any edit."""

    def touches(self, arguments: TestsArguments) -> Touch:
        """The command. Raises ToolError where there is none."""
        line = self.line(arguments.target.split("\n"))
        return Touch(
            summary=f"run tests up to {self._most} times, in a copy of the project: {line}",
            command=line,
        )

    async def run(self, arguments: TestsArguments, _: Grant) -> ToolText:
        """The first run."""
        self.ended = await self._trial.run(self.line(arguments.target.split("\n")), {})
        return ToolText(self.ended.output, self.ended.stopped or f"status {self.ended.code}", ok=self.ended.ok)

    async def again(self, targets: Sequence[str], edits: Mapping[str, str | None], seconds: float) -> Ended:
        """A run with edits of files, after the first one was allowed."""
        assert self.ended is not None
        return await self._trial.run(self.line(targets), edits, seconds=max(LEAST_S, seconds))

    def line(self, targets: Sequence[str]) -> str:
        """The command line. Raises ToolError for what is no test."""
        first, *more = targets or [""]
        lines = [self._line(first), *(self._line(each)[len(self._command) :].strip() for each in more)]
        return " ".join(lines)


@asynccontextmanager
async def tests_in_a_copy(
    session: Session, command: str, most: int, document: Snapshot | None, new: Mapping[str, str]
) -> AsyncGenerator[Tests]:
    """The tests over a copy with all open documents as they are, and with `new` files, by their paths.

    Raises ToolError for a project that is too large.
    """
    texts: dict[str, str] = {}
    for each in (*session.documents(), *filter(None, (document,))):
        path = session.workspace.relative(each.path) if each.path is not None else None
        if path:
            texts[path] = each.text
    texts |= new
    sandbox = await open_sandbox(session.root, session.settings.agent)
    async with trial(session.root, sandbox, texts) as at:
        yield Tests(at, command, most)


async def first_run(session: Session, tests: Tests, targets: Sequence[str], front: Front | None = None) -> Ended:
    """Ask, and run them without an edit. `front`: whoever is asked instead of the session's person.

    Raises ToolDenied, ToolError.
    """
    policy = (await session.gate()).policy
    gate = Gate(
        [tests], root=session.root, settings=session.settings.agent, front=front or session.front,
        audit=AuditLog(log_dir() / "audit.jsonl"), sandbox=tests.sandbox, policy=policy, project=str(session.root),
    )  # fmt: skip
    await gate.call("tests", {"target": "\n".join(targets)})
    assert tests.ended is not None
    return tests.ended


async def known_command(session: Session) -> str:
    """The command that runs the project's tests, "" if none is known."""
    return session.settings.agent.test_command or await asyncio.to_thread(suggested_test_command, session.root)


def takes_files(command: str) -> bool:
    """Whether files can be named behind a command, so that only their tests run."""
    return _TAKES_FILES.search(command) is not None
