"""Commands that change code: /doc, /refactor, /optimize, /code, /undo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from zicoder.agents.front import Applied
from zicoder.agents.toolbox import LOOKING, WRITING
from zicoder.commands.answering import Question, answer
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.editing import by_blocks, rewritten
from zicoder.commands.region import region_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError
from zicoder.events import Event, Finished, Notice, Proposed
from zicoder.models.chat.roles import RoleName

__all__ = ["code", "doc", "optimize", "refactor", "undo"]

NOTHING = "Select some code, put the cursor into a function, or mention a file with `@path`."


@COMMANDS.command("doc")
async def doc(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
    """Write or mend the documentation of the selection or the function at the cursor."""
    task = (
        "Add the documentation that the language expects (a docstring, a doc comment) to this code, or mend it where "
        "it is wrong: what it does, arguments, result, errors. Change no code."
    )
    async for event in _changed(session, invocation, "documenter", task, prompt, "Document"):
        yield event


@COMMANDS.command("refactor")
async def refactor(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
    """Make the selection or the function at the cursor clearer without changing what it does."""
    task = "Make this code clearer and simpler. What it does for its callers must stay exactly the same."
    async for event in _changed(session, invocation, "coder", task, prompt, "Refactor"):
        yield event


@COMMANDS.command("optimize")
async def optimize(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
    """Make the selection or the function at the cursor faster without changing what it does."""
    task = (
        "Make this code faster or leaner. What it does for its callers must stay exactly the same. Say what is gained."
    )
    async for event in _changed(session, invocation, "coder", task, prompt, "Optimize"):
        yield event


@COMMANDS.command("code")
async def code(session: Session, invocation: Invocation, *, agent: bool = False, prompt: str) -> AsyncIterator[Event]:
    """Carry out a task: edits of one or more files.

    With `--agent` the model works step by step with tools: it reads and searches by itself, edits, and runs the tests;
    everything but looking is asked for.
    """
    if agent:
        task = Question(
            role="coder", task=prompt, tools=(*LOOKING, *WRITING), search=True,
            instructions="Carry out the task with the tools. Read before you edit. When it is done, say what you did.",
        )  # fmt: skip
        async for event in answer(session, invocation, task):
            yield event
        return
    async for event in by_blocks(session, invocation, Question(role="coder", task=prompt), title=_title(prompt)):
        yield event


@COMMANDS.command("undo")
async def undo(session: Session, invocation: Invocation) -> AsyncIterator[Event]:
    """Take back the edits that were applied last: all that one command has applied, in one step.

    Nothing is taken back when one of the files has changed since; which one is said.
    """
    taken = await asyncio.to_thread(session.undo.take_back, session.text_of)
    yield Proposed(taken.proposal)
    applied = await session.front.apply(taken.proposal) if taken.proposal.files else Applied(ok=True)
    if not applied.ok:
        yield Notice(applied.reason or "Nothing was taken back.")
        yield Finished("Nothing was taken back.", {"applied": False})
        return
    await asyncio.to_thread(session.undo.forget, taken)
    paths = ", ".join(f"`{file.path}`" for file in taken.proposal.files)
    yield Finished(f"Taken back: {paths}." if paths else "Nothing was left of the last edits.", {"applied": True})


async def _changed(
    session: Session, invocation: Invocation, role: RoleName, task: str, prompt: str, title: str
) -> AsyncIterator[Event]:
    """One region rewritten, or, where files are mentioned, blocks."""
    wanted = f"{task}\n{prompt}".strip() if prompt else task
    spoken = f"/{title.lower()} {prompt}".strip()
    region = region_of(session, invocation)
    question = Question(role=role, task=wanted, spoken=spoken)
    if region is not None:
        question = replace(question, query=prompt, code=region.text)
        changed = rewritten(session, invocation, question, region, title=f"{title} {region.path}:{region.first + 1}")
    elif "@" in prompt or (invocation.snapshot is not None and invocation.selection is None):
        changed = by_blocks(session, invocation, question, title=title)
    else:
        raise InputError("There is no code to change here.", hint=NOTHING)
    async for event in changed:
        yield event


def _title(prompt: str) -> str:
    line = prompt.strip().split("\n", 1)[0]
    return line if len(line) <= 60 else f"{line[:57]}…"
