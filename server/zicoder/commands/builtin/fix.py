"""The command that mends code: /fix."""

from __future__ import annotations

from collections.abc import AsyncIterator

from zicoder.commands.answering import Question
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.editing import by_blocks
from zicoder.commands.mending import mended
from zicoder.commands.region import unit_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError
from zicoder.events import Event

__all__ = ["fix"]

NOTHING = "Select some code, put the cursor into a function, or mention a file with `@path`."


@COMMANDS.command("fix")
async def fix(
    session: Session, invocation: Invocation, *, tests: str = "", tries: int = 16, prompt: str = ""
) -> AsyncIterator[Event]:
    """Mend what is wrong with the selection or the function at the cursor.

    The model sees the code, the editor's problems in it, and what its tests say: those of `--tests FILE`, else of the
    test files that mention it. Tests are asked for, and run in a copy of the project. Up to `--tries` attempts are
    checked by them; the first that passes is offered, and if none does, none is. `--tries 0` runs no tests.
    """
    problems = "\n".join(invocation.problems[:20])
    task = "Find what is wrong with this code and mend it; change nothing else."
    if problems:
        task = f"{task}\nThese problems are reported:\n{problems}"
    question = Question(
        role="coder", task=f"{task}\n{prompt}".strip() if prompt else task, spoken=f"/fix {prompt}".strip()
    )
    region = unit_of(session, invocation)
    if region is not None:
        title = f"Fix {region.path}:{region.first + 1}"
        changed = mended(session, invocation, question, region, tests=tests, most=tries, title=title)
    elif "@" in prompt or (invocation.snapshot is not None and invocation.selection is None):
        changed = by_blocks(session, invocation, question, title="Fix")
    else:
        raise InputError("There is no code to change here.", hint=NOTHING)
    async for event in changed:
        yield event
