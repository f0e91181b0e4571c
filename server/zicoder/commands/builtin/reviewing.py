"""Commands that look at changes: /review, /commit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection

from zicoder.commands.answering import Question, answer
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.editing import fenced_code, is_local
from zicoder.commands.region import selected
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.context.segments import Item, Segment
from zicoder.errors import InputError
from zicoder.events import Event, Finished, Notice

__all__ = ["commit", "message_in", "review", "within"]

FENCE = "```\n"
_FINDING = re.compile(r"\s*[-*]\s+\*\*(?:high|medium|low)\*\*\s+`([^`:]+)", re.IGNORECASE)
_PATH = re.compile(r"^(?:---|\+\+\+) [ab]/(.+)$", re.MULTILINE)
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
    files = _files(items[0].text) if items else frozenset({region.path} if region else ())
    local = await asyncio.to_thread(is_local, session, question.role)
    async for event in answer(session, invocation, question):
        if isinstance(event, Finished) and local and files:
            text, left_out = within(event.text, files)
            if left_out:
                yield Notice(f"Left out: {left_out} on files that are not under review.")
                event = Finished(text, {**event.data, "corrected": True})
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
        begin=FENCE, until="```",
    )  # fmt: skip
    async for event in answer(session, invocation, question):
        if isinstance(event, Finished):
            message = message_in(event.text)
            event = Finished(message, {**event.data, "corrected": message not in event.text})
        yield event


def message_in(answer_text: str) -> str:
    """The commit message of an answer, ready for `git commit -F -`."""
    text = (fenced_code(answer_text) or answer_text).strip()
    if text[:1] in "`\"'" and text[-1:] == text[:1] and text.count(text[:1]) == 2:
        text = text[1:-1]
    lines = [line.rstrip() for line in text.split("\n") if not line.lstrip().startswith("```")]
    if lines:
        lines[0] = lines[0].lstrip("#* ").rstrip(".")
    return "\n".join(lines).strip()


def within(answer_text: str, files: Collection[str]) -> tuple[str, str]:
    """A review without its findings on other files, and how many these were, in words."""
    kept: list[str] = []
    gone = 0
    skipping = False
    for line in answer_text.split("\n"):
        if found := _FINDING.match(line):
            skipping = not any(path == found[1] or path.endswith(f"/{found[1]}") for path in files)
            gone += skipping
        elif line and not line[0].isspace():
            skipping = False
        if not skipping:
            kept.append(line)
    return "\n".join(kept).strip(), f"{gone} finding{'s' if gone > 1 else ''}" if gone else ""


def _files(diff: str) -> frozenset[str]:
    """The paths of a diff, old and new."""
    return frozenset(found[1].strip() for found in _PATH.finditer(diff))


async def _diff(session: Session, *, staged: bool, base: str) -> Item:
    """The diff as an item. Raises InputError when there is none, ToolError without git."""
    text = await session.diff(staged=staged, revision="" if staged else base or "HEAD")
    if not text:
        hint = "Stage something with `git add`." if staged else "Change something, select code, or mention a file."
        raise InputError("Nothing is staged." if staged else "There is no diff to review.", hint=hint)
    return Item(
        segment=Segment.TASK, text=text, name="the diff", language="diff", priority=90, fresh=True
    )  # fmt: skip
