"""Commands that run programs: /test, /run. Every program is judged by the policy and asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path

from zicoder.agents.toolbox import LOOKING
from zicoder.commands.answering import Question, answer
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.editing import by_blocks
from zicoder.commands.failing import is_test
from zicoder.commands.region import Region, unit_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.commands.testing import tested
from zicoder.errors import InputError, ToolError
from zicoder.events import Event, Finished, Notice, ToolEnded, ToolStarted
from zicoder.text import language_of

__all__ = ["run", "write_tests"]

TEST = (
    "Write tests in the project's own style and test framework, in the file where they belong: the usual case, the "
    "edges, wrong input. Each test checks one thing that a caller would notice. Import what you use."
)


@COMMANDS.command("test")
async def write_tests(
    session: Session, invocation: Invocation, *, tries: int = 3, prompt: str = ""
) -> AsyncIterator[Event]:
    """Write tests for the selection, the function at the cursor or what is mentioned, run them, and mend them.

    For one piece of code they are run in a copy of the project, and what passes is offered. Running is asked for.
    `--tries N` is how often failing tests are mended (0: they are not run).
    """
    region = await asyncio.to_thread(_region, session, invocation, prompt)
    if region is None and not prompt:
        raise InputError("There is nothing to test here.", hint="Select code, or say what: `/test @path`.")
    spoken = f"/test {prompt}".strip()
    written: AsyncGenerator[Event] | None = None
    if region is not None:
        question = Question(role="tester", task=f"Write tests. {prompt}".strip(), spoken=spoken)
        written = await tested(session, invocation, question, region, most=max(0, tries))
    if written is None:
        task = f"Write tests. {prompt}\n\n{region.fenced}" if region else f"Write tests. {prompt}"
        question = Question(role="tester", task=task, instructions=TEST, spoken=spoken)
        written = _by_blocks(session, invocation, question, tries)
    async for event in written:
        yield event


def _region(session: Session, invocation: Invocation, prompt: str) -> Region | None:
    """What is pointed at: by the cursor, or as the one file that is mentioned. Blocking."""
    region = unit_of(session, invocation)
    mentioned = re.findall(r"(?:^|\s)@([\w./\\-]+\.\w+)(?=$|[\s,;])", prompt)
    if region is not None or len(mentioned) != 1 or session.workspace.root is None:
        return region
    files = session.files()
    if mentioned[0] not in files.table().paths or not (text := files.read(mentioned[0])).strip():
        return None
    lines = text.replace("\r\n", "\n").rstrip("\n")
    return Region(mentioned[0], 0, lines.count("\n"), lines, language_of(Path(mentioned[0])))


async def _by_blocks(session: Session, invocation: Invocation, question: Question, tries: int) -> AsyncGenerator[Event]:
    """Tests for what is no one piece of code: they are applied first, then run and mended where they stand."""
    ask, output, passed = question, "", False
    applied = Finished()
    for attempt in range(max(0, tries) + 1):
        async for event in by_blocks(session, invocation, ask, title="Tests"):
            if isinstance(event, Finished):
                applied = event
            else:
                yield event
        if not applied.data.get("applied") or tries <= 0:
            break
        paths = [str(path) for path in applied.data.get("files", ())]
        target = next((path for path in paths if is_test(path)), "")
        yield ToolStarted(f"tests-{attempt}", "tests", f"run the tests in {target or 'the project'}")
        try:
            result = await (await session.gate()).call("tests", {"target": target})
        except ToolError as error:
            yield ToolEnded(f"tests-{attempt}", ok=False, summary=str(error))
            yield Notice(f"The tests were not run: {error}")
            break
        passed, output = result.ok, result.text
        yield ToolEnded(f"tests-{attempt}", ok=passed, summary=result.summary)
        if passed or attempt == tries:
            break
        yield Notice(f"The tests do not pass yet; the model mends them ({attempt + 1} of {tries}).")
        failed = f"The tests fail:\n```text\n{output[-3000:]}\n```\nMend them, or the code if it is wrong."
        ask = replace(question, task=f"{question.task}\n\n{failed}", remember=False)
    verdict = "The tests pass." if passed else "The tests were not run." if not output else "The tests do not pass."
    data = {**applied.data, "passed": passed, "output": output[-4000:]}
    yield Finished(f"{applied.text}\n\n{verdict}".strip(), data)


@COMMANDS.command("run")
async def run(session: Session, invocation: Invocation, *, prompt: str) -> AsyncIterator[Event]:
    """Do a task with shell commands, by the operator; every command is asked for.

    A line that begins with `!` is run as it is, without a model.
    """
    if prompt.startswith("!"):
        command = prompt[1:].strip()
        if not command:
            raise InputError("Which command?", hint="`/run !git status`")
        yield ToolStarted("shell", "shell", command)
        result = await (await session.gate()).call("shell", {"command": command})
        yield ToolEnded("shell", ok=result.ok, summary=result.summary)
        yield Finished(f"```text\n{result.text}\n```", {"ok": result.ok})
        return
    question = Question(
        role="operator", task=prompt, spoken=f"/run {prompt}", tools=(*LOOKING, "tests", "shell"), search=False,
        instructions="Do the task with the tools, one short command at a time. Report what came out.",
    )  # fmt: skip
    async for event in answer(session, invocation, question):
        yield event
