"""Commands that answer and change nothing: /ask, /explain."""

from __future__ import annotations

from collections.abc import AsyncIterator

from zicoder.agents.toolbox import LOOKING
from zicoder.commands.answering import Question, answer, show
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.region import region_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError
from zicoder.events import Event, Finished

__all__ = ["ask", "context_of", "explain"]


@COMMANDS.command("ask")
async def ask(session: Session, invocation: Invocation, *, look: bool = False, prompt: str) -> AsyncIterator[Event]:
    """Answer a question about the project.

    With `--look` the model may also read, search and list by itself, which takes longer. Mention `@file`, `@folder/`,
    `@symbol:Name`, `@diff`, `@problems` or `@selection` to point at something.
    """
    async for event in answer(session, invocation, _asked(prompt, look=look)):
        yield event


@COMMANDS.command("explain")
async def explain(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
    """Explain the selection, the function at the cursor, or what is mentioned."""
    async for event in answer(session, invocation, _explained(session, invocation, prompt)):
        yield event


async def context_of(session: Session, invocation: Invocation, command: str, prompt: str) -> AsyncIterator[Event]:
    """What /ask or /explain would send, by segment, in tokens; asks no model."""
    question = _explained(session, invocation, prompt) if command == "explain" else _asked(prompt, look=False)
    shown = await show(session, invocation, question)
    yield Finished(f"```text\n{shown.assembled.table()}\n```", shown.assembled.to_json())


def _asked(prompt: str, *, look: bool) -> Question:
    return Question(role="chat", task=prompt, tools=LOOKING if look else ())


def _explained(session: Session, invocation: Invocation, prompt: str) -> Question:
    region = region_of(session, invocation)
    if region is None and "@" not in prompt and not prompt:
        raise InputError(
            "There is nothing to explain here.",
            hint="Select some code, put the cursor into a function, or mention a file: `/explain @path`.",
        )
    task = prompt or "Explain this code: what it does, how, and what one must know to use or change it."
    return Question(
        role="chat", task=task, spoken=f"/explain {prompt}".strip(), query=prompt if region else None,
        code=region.text if region else "", excerpts=(region.pointed_at,) if region else (),
    )  # fmt: skip
