"""Commands that change code: /doc, /refactor, /optimize, /code, /undo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial

from zicoder.agents.front import Applied
from zicoder.agents.toolbox import LOOKING, WRITING
from zicoder.commands.answering import Question, answer
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.docstrings import bare
from zicoder.commands.editing import ONE_FENCE, by_blocks, documented_each, is_local, rewritten
from zicoder.commands.meant import Beginning, Meant, documented, meant
from zicoder.commands.region import Region, unit_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError
from zicoder.events import Event, Finished, Notice, Proposed
from zicoder.models.chat.roles import RoleName

__all__ = ["code", "doc", "optimize", "refactor", "undo"]

HEADS = (
    "Answer with one code fence: the head of each function and class, its docstring, and `...` in place of its body."
)
ONE_DOCSTRING = "Answer with one code fence: its head and its docstring, two or three lines, and `...` for its body."
MOST_PARTS = 30
"""Functions and classes that are documented at once."""
NOTHING = "Select some code, put the cursor into a function, or mention a file with `@path`."


@COMMANDS.command("doc")
async def doc(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
    """Write or mend the documentation of the selection or the function at the cursor.

    Documentation is all that is taken from the answer: the code stays as it is. Of a selected class, in Python and with
    a local model, each function that has no documentation is asked for by itself.
    """
    task = (
        "Add the documentation that the language expects (a docstring, a doc comment) to this code, or mend it where "
        "it is wrong: what it does, arguments, result, errors. Say nothing that the code does not show. Change no code."
    )
    async for event in _changed(session, invocation, "documenter", task, prompt, "Document", documented):
        yield event


@COMMANDS.command("refactor")
async def refactor(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
    """Make the selection or the function at the cursor clearer without changing what it does.

    Only that function is taken from the answer, with the helpers and imports that it needs. In Python its parameters
    stay as they are unless a prompt asks for something, and a name that nothing defines is refused.
    """
    task = "Make this code clearer and simpler. What it does for its callers must stay exactly the same."
    reading = partial(meant, keeps_parameters=not prompt)
    async for event in _changed(session, invocation, "coder", task, prompt, "Refactor", reading):
        yield event


@COMMANDS.command("optimize")
async def optimize(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
    """Make the selection or the function at the cursor faster without changing what it does.

    What is taken from the answer is as with `/refactor`.
    """
    task = (
        "Make this code faster or leaner. What it does for its callers must stay exactly the same. Say what is gained."
    )
    reading = partial(meant, keeps_parameters=not prompt)
    async for event in _changed(session, invocation, "coder", task, prompt, "Optimize", reading):
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
    session: Session, invocation: Invocation, role: RoleName, task: str, prompt: str, title: str,
    reading: Callable[[Region, str, str], Meant],
) -> AsyncIterator[Event]:  # fmt: skip
    """One region rewritten, or, where files are mentioned, blocks."""
    wanted = f"{task}\n{prompt}".strip() if prompt else task
    spoken = f"/{title.lower()} {prompt}".strip()
    region = unit_of(session, invocation)
    question = Question(role=role, task=wanted, spoken=spoken)
    if region is not None:
        question = replace(question, query=prompt, code=region.text)
        named = f"{title} {region.path}:{region.first + 1}"
        form = HEADS if reading is documented and region.language == "python" else ONE_FENCE
        parts = await asyncio.to_thread(bare, region) if form is HEADS else []
        if len(parts) > 1 and await asyncio.to_thread(is_local, session, role):
            each = documented_each(
                session, invocation, question, region, parts[:MOST_PARTS], title=named, form=ONE_DOCSTRING
            )
            async for event in each:
                yield event
            return
        certain: Beginning = "docstring" if reading is documented else "name" if prompt else "head"
        changed = rewritten(
            session, invocation, question, region, title=named, reading=reading, form=form, certain=certain
        )
    elif "@" in prompt or (invocation.snapshot is not None and invocation.selection is None):
        changed = by_blocks(session, invocation, question, title=title)
    else:
        raise InputError("There is no code to change here.", hint=NOTHING)
    async for event in changed:
        yield event


def _title(prompt: str) -> str:
    line = prompt.strip().split("\n", 1)[0]
    return line if len(line) <= 60 else f"{line[:57]}…"
