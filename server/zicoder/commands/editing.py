"""Edits that a model makes: of one region of a document, or of any files by blocks. Checked, then offered.

An edit that breaks the syntax, or does not fit, goes back to the model with the reason. What is offered at last is one
proposal; it is applied by the front end or not at all.
"""

from __future__ import annotations

import asyncio
import re
import sys
import textwrap
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from zicoder.agents.edits.blocks import Block, Reading
from zicoder.agents.edits.disk import disk_reader
from zicoder.agents.edits.proposing import Focus, Remark, propose
from zicoder.agents.edits.reader import parse
from zicoder.commands.answering import Question, answer, path_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.context.gathered import Excerpt
from zicoder.context.outline import indent_of
from zicoder.errors import InputError
from zicoder.events import Event, Finished, Notice, Proposed
from zicoder.proposal import Proposal
from zicoder.text import Snapshot

__all__ = ["BLOCKS", "Region", "by_blocks", "offered", "region_of", "rewritten"]

BLOCKS = """Write every change as a block, with the file's path above it:

path/of/file.py
```
<<<<<<< SEARCH
some lines exactly as they stand in the file
=======
the lines that shall stand there instead
>>>>>>> REPLACE
```

An empty SEARCH makes a new file. Change as little as possible; never leave lines out with "...". First say in one or
two sentences what you do."""
ONE_FENCE = (
    "Answer with one code fence that holds the whole new version of exactly this code, nothing left out, then one "
    "sentence on what you changed."
)
TRIES = 2
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)^[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE)
_OPEN_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[^\n`]*\n(.*)\Z", re.DOTALL | re.MULTILINE)
_OPENS = re.compile(
    r"\s*(?:(?:export\s+|default\s+|public\s+|private\s+|protected\s+|static\s+|abstract\s+|async\s+|pub\s+)*"
    r"(?:def|class|function|fn|func|fun|interface|struct|enum|trait|impl)\b)"
    r"|(?!\s*\}?\s*(?:if|for|foreach|while|switch|else|catch|try|do|with|using|lock|match|return)\b).*(?:=>|\))\s*\{\s*$"
)


@dataclass(frozen=True, slots=True)
class Region:
    """Whole lines of a document, [first, last]."""

    path: str
    first: int
    last: int
    text: str
    language: str

    @property
    def fenced(self) -> str:
        """The code for a prompt, under its place."""
        return f"{self.path}:{self.first + 1}-{self.last + 1}\n```{self.language}\n{self.text}\n```"


def region_of(session: Session, invocation: Invocation) -> Region | None:
    """The selection; else the function or class that the cursor is in; None where there is neither."""
    snapshot = invocation.snapshot
    if snapshot is None or invocation.selection is None:
        return None
    start, end = invocation.selection
    first = snapshot.lines.position(start).line
    last = snapshot.lines.position(max(start, end - 1)).line
    if start == end:
        found = _enclosing(snapshot, first)
        if found is None:
            return None
        first, last = found
    lines = [snapshot.lines.line(number) for number in range(first, last + 1)]
    if not any(map(str.strip, lines)):
        return None
    return Region(path_of(session, invocation), first, last, "\n".join(lines), snapshot.language)


def _enclosing(snapshot: Snapshot, line: int) -> tuple[int, int] | None:
    """The lines of the definition around a line, by indentation: decorators, its head, and what is deeper."""
    lines = [snapshot.lines.line(number) for number in range(len(snapshot.lines))]
    while line + 1 < len(lines) and lines[line].lstrip().startswith("@"):
        line += 1
    level = indent_of(lines[line]) if lines[line].strip() else sys.maxsize
    for first in range(line, -1, -1):
        text = lines[first]
        if not text.strip():
            continue
        if (first == line or indent_of(text) < level) and _OPENS.match(text):
            last = _end(lines, first)
            if last >= line:
                while first and lines[first - 1].lstrip().startswith("@"):
                    first -= 1
                return first, last
        level = min(level, indent_of(text))
    return None


def _end(lines: Sequence[str], first: int) -> int:
    """The last line that is deeper than the first one, and what closes it."""
    level, last = indent_of(lines[first]), first
    for number in range(first + 1, len(lines)):
        text = lines[number]
        if text.strip() and indent_of(text) > level:
            last = number
        elif text.strip() and text.lstrip()[0] in ")]}{":
            last = number
            if text.strip()[0] == "}":
                break
        elif text.strip():
            break
    return last


async def rewritten(
    session: Session, invocation: Invocation, question: Question, region: Region, *, title: str
) -> AsyncGenerator[Event]:
    """Have a region written anew, check it, and offer it. The last event is `Finished`."""
    task = f"{question.task}\n\n{region.fenced}\n\n{ONE_FENCE}"
    ask = replace(question, task=task, spoken=question.spoken or question.task, document=False)
    read = partial(_read, session, invocation)
    proposal, text, reason = Proposal(title, ()), "", ""
    for attempt in range(TRIES):
        async for event in answer(session, replace(invocation, selection=None), ask):
            if isinstance(event, Finished):
                text = event.text
            else:
                yield event
        new = fenced_code(text)
        if new is None:
            reason = "There was no code fence in the answer."
        else:
            proposal, remarks = await asyncio.to_thread(_replaced, region, new, read, title)
            reason = next((remark.text for remark in remarks if remark.is_problem), "")
        if not reason:
            break
        if attempt + 1 < TRIES:
            yield Notice(f"The model's code was not used: {reason} It tries again.")
            ask = replace(ask, task=f"{task}\n\nYour last attempt was not usable: {reason}", remember=False)
    if reason:
        yield Notice(f"The model's code was not used: {reason}", "warning")
        yield Finished(text, {"applied": False, "reason": reason})
        return
    async for event in offered(session, proposal, text):
        yield event


async def by_blocks(
    session: Session, invocation: Invocation, question: Question, *, title: str
) -> AsyncGenerator[Event]:
    """Have any files changed by blocks, check them, and offer them together. The last event is `Finished`."""
    ask = replace(question, instructions=f"{question.instructions}\n\n{BLOCKS}".strip())
    read = partial(_read, session, invocation)
    files = frozenset(await asyncio.to_thread(lambda: session.files().table().paths))
    path = path_of(session, invocation) if invocation.snapshot else ""
    focus = Focus(path) if path in files else None
    proposal: Proposal | None = None
    text, problems = "", list[str]()
    for attempt in range(TRIES):
        async for event in answer(session, invocation, ask):
            if isinstance(event, Finished):
                text = event.text
            else:
                yield event
        make = partial(
            propose, parse(text), read, title=title, files=files, focus=focus, onto=proposal, version=_version(session)
        )
        proposal, remarks = await asyncio.to_thread(make)
        problems = [remark.text for remark in remarks if remark.is_problem]
        if not problems or attempt + 1 == TRIES:
            break
        yield Notice(f"Not all of that can be used: {problems[0]} The model tries again.")
        task = f"{question.task}\n\nThese of your blocks could not be used; write only these anew:\n" + "\n".join(
            problems
        )
        ask = replace(ask, task=task, remember=False)
    for problem in problems:
        yield Notice(problem, "warning")
    assert proposal is not None
    async for event in offered(session, proposal, text):
        yield event


async def offered(session: Session, proposal: Proposal, text: str = "") -> AsyncGenerator[Event]:
    """Show a proposal and have it applied, if it is wanted."""
    if not proposal.files:
        yield Finished(text, {"applied": False, "reason": "nothing to change"})
        return
    yield Proposed(proposal)
    applied = await session.apply(proposal)
    if applied.reason:
        yield Notice(applied.reason)
    yield Finished(text, {"applied": applied.ok, "reason": applied.reason, "files": [f.path for f in proposal.files]})


def fenced_code(answer_text: str) -> str | None:
    """The code of an answer: of its largest fence, or of one that was left open; None if there is none."""
    fences = [found[2] for found in _FENCE.finditer(answer_text)]
    if not fences and (left_open := _OPEN_FENCE.search(answer_text)):
        fences = [left_open[1]]
    return max(fences, key=len).rstrip("\n") if fences else None


def _replaced(region: Region, new: str, read: Callable[[str], str | None], title: str) -> tuple[Proposal, list[Remark]]:
    """The proposal that puts code into a region's place, indented as the region is. Blocking."""
    level = min((indent_of(line) for line in region.text.split("\n") if line.strip()), default=0)
    first = next(line for line in region.text.split("\n") if line.strip())
    prefix = first[: len(first) - len(first.lstrip())] if indent_of(first) == level else " " * level
    body = textwrap.indent(textwrap.dedent(new), prefix)
    reading = Reading(tuple(region.text.split("\n")), tuple(body.split("\n")))
    block = Block(kind="change", number=1, path=region.path, readings=(reading,), line=region.first + 1)
    proposal, remarks = propose([block], read, title=title, files=(region.path,))
    return proposal, list(remarks)


def _read(session: Session, invocation: Invocation, path: str) -> str | None:
    """A file's text now: the open document's, else the disk's. Blocking."""
    if invocation.snapshot is not None and path == path_of(session, invocation):
        return invocation.snapshot.text
    if opened := session.open_text(path):
        return opened[0]
    refused = session.files().refused(path)
    if refused and "there is no" not in refused:
        raise InputError(f"{path} is not changed: {refused}.")
    return disk_reader(session.root)(path)


def _version(session: Session) -> Callable[[str], int | None]:
    def version(path: str) -> int | None:
        opened = session.open_text(path)
        return opened[1] if opened else None

    return version


def excerpt_of(region: Region) -> Excerpt:
    """The region as something to show."""
    return Excerpt(path=region.path, start=region.first, text=region.text, priority=90, required=True)
