"""Commands that look at changes: /review, /commit."""

from __future__ import annotations

from collections.abc import AsyncIterator

from zicoder.commands.answering import Question, answer
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.region import selected
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.context.segments import Item, Segment
from zicoder.errors import InputError
from zicoder.events import Event

__all__ = ["commit", "review"]

REVIEW = """Review this code like a careful colleague. For each finding write one list item:

- **high|medium|low** `path:line`: what is wrong, and when it bites. Then the suggested edit.

Look for wrong results, errors that are not handled, security, races, resources that stay open; then for what is hard to
read. Say nothing about style that a formatter settles. If nothing is wrong, say so in one sentence."""
COMMIT = """Write the commit message for this diff. The first line is imperative, at most 72 characters, without a full
stop. If more needs to be said: an empty line, then why it was done, wrapped at 72 characters. Answer with the message
in one code fence and nothing else."""


@COMMANDS.command("review")
async def review(
    session: Session, invocation: Invocation, *, staged: bool = False, base: str = "", prompt: str = ""
) -> AsyncIterator[Event]:
    """Review the selection, what is mentioned, or the git diff.

    Without a selection and a mention, the diff of the working tree is reviewed; with `--staged` what is staged, with
    `--base REV` everything since that revision.
    """
    region = selected(session, invocation)
    excerpts = (region.pointed_at,) if region else ()
    items: tuple[Item, ...] = ()
    if region is None and "@" not in prompt:
        items = (await _diff(session, staged=staged, base=base),)
    question = Question(
        role="reviewer", task=prompt or "Review this.", spoken=f"/review {prompt}".strip(), instructions=REVIEW,
        excerpts=excerpts, items=items,
    )  # fmt: skip
    async for event in answer(session, invocation, question):
        yield event


@COMMANDS.command("commit")
async def commit(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
    """Write the message for what is staged. Commits nothing."""
    diff = await _diff(session, staged=True, base="")
    log = await (await session.gate()).call("git_log", {"count": 8})
    style = f"\nEarlier commits of this project:\n{log.text}" if log.ok else ""
    question = Question(
        role="documenter", task=f"Write the commit message. {prompt}{style}".strip(),
        spoken=f"/commit {prompt}".strip(), instructions=COMMIT, items=(diff,), search=False, remember=False,
    )  # fmt: skip
    async for event in answer(session, invocation, question):
        yield event


async def _diff(session: Session, *, staged: bool, base: str) -> Item:
    """The diff as an item. Raises InputError when there is none, ToolError without git."""
    text = await session.diff(staged=staged, revision="" if staged else base or "HEAD")
    if not text:
        hint = "Stage something with `git add`." if staged else "Change something, select code, or mention a file."
        raise InputError("Nothing is staged." if staged else "There is no diff to review.", hint=hint)
    return Item(
        segment=Segment.TASK, text=text, name="the diff", language="diff", priority=90, fresh=True
    )  # fmt: skip
