"""A command that has several roles work on one task: /workflow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import Literal

from zicoder.agents.toolbox import LOOKING, WRITING
from zicoder.agents.workflow_run import Run, Runs, resumed, runs_dir
from zicoder.agents.workflow_steps import run_steps
from zicoder.agents.workflows import Step, Workflow, default_workflow, find_workflow, workflow_files
from zicoder.commands.answering import Question, answer
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.editing import by_blocks
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError, ZiError
from zicoder.events import Event, Finished

__all__ = ["workflow"]

HERE = ("local:", "scripted:")
"""Models of this machine answer one question at a time."""


@COMMANDS.command("workflow")
async def workflow(
    session: Session, invocation: Invocation, *, do: Literal["run", "resume", "list", ""] = "", name: str = "default",
    prompt: str = "",
) -> AsyncIterator[Event]:  # fmt: skip
    """Run the steps of a workflow, each by its role, and report on them together.

    `/workflow --name NAME TASK` runs one of `.zicoder/workflows/`, or the built-in `default`: plan, code, review, test,
    document. `/workflow resume` goes on with the last run where a step failed; `/workflow list` lists them.
    """
    root = session.root
    if do == "list":
        names = [default_workflow().name, *await asyncio.to_thread(lambda: [*workflow_files(root)])]
        yield Finished("\n".join(f"- {each}" for each in names), {"workflows": names})
        return
    if do != "resume" and not prompt:
        raise InputError("What is to be done?", hint="`/workflow add a --json option to the list command`")
    runs = Runs(runs_dir(root))
    run = await asyncio.to_thread(runs.read, prompt or "last") if do == "resume" else None
    commands = [command.name for command in COMMANDS if command.name != "workflow"]
    found = await asyncio.to_thread(find_workflow, root, run.workflow if run else name, commands=commands)
    run = resumed(found, run) if run else Run.begin(found, prompt)
    beside = await asyncio.to_thread(_beside, session, found)
    do_step = partial(_asked, session, invocation)
    async for event in run_steps(found, run, do_step, save=partial(asyncio.to_thread, runs.save), beside=beside):
        yield event


def _asked(session: Session, invocation: Invocation, step: Step, text: str) -> AsyncIterator[Event]:
    """One step."""
    if step.command:
        return COMMANDS.get(step.command[1:]).run(session, invocation, prompt=text)
    question = Question(role=step.role, task=text, remember=False, document=False)  # type: ignore[arg-type]
    if step.role == "coder" or step.stop == "edits":
        return by_blocks(session, invocation, question, title=f"Workflow: {step.id}")
    if step.stop == "tests_pass":
        question = replace(question, tools=(*LOOKING, *WRITING))
    return answer(session, invocation, question)


def _beside(session: Session, found: Workflow) -> Callable[[Step], bool]:
    """Which steps may be done beside others: they only look, and their model is on a server. Blocking."""

    def remote(role: str) -> bool:
        try:
            return not session.role(role).models[0].startswith(HERE)  # type: ignore[arg-type]
        except ZiError:
            return False  # it is said when the step is asked

    servers = {step.role for step in found.steps if remote(step.role)}
    looking = {"answer", "no_findings", "text"}
    return lambda step: step.role in servers and step.role != "coder" and step.stop in looking and not step.command
