"""Edits that a model makes: of one region of a document, or of any files by blocks. Checked, then offered.

An edit that breaks the syntax, or does not fit, goes back to the model with the reason. What is offered at last is one
proposal; it is applied by the front end or not at all.
"""

from __future__ import annotations

import asyncio
import re
import textwrap
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from functools import partial

from zicoder.agents.edits.blocks import Block, Reading
from zicoder.agents.edits.by_name import with_imports
from zicoder.agents.edits.document import Document
from zicoder.agents.edits.proposing import Focus, Remark, propose
from zicoder.agents.edits.python_code import name_at
from zicoder.agents.edits.reader import parse
from zicoder.commands.answering import Question, answer
from zicoder.commands.docstrings import with_each
from zicoder.commands.meant import Beginning, Meant, beginning, meant
from zicoder.commands.region import Region
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.context.outline import indent_of
from zicoder.errors import InputError
from zicoder.events import Event, Finished, Notice, Progress, Proposed
from zicoder.models.chat.roles import RoleName
from zicoder.proposal import Proposal
from zicoder.text import LINE_END

__all__ = [
    "BLOCKS",
    "by_blocks",
    "documented_each",
    "fenced_code",
    "is_local",
    "offered",
    "replaced",
    "rewritten",
    "text_now",
]

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
WHOLE = """Write one code fence for each file, and above it the file's path alone on a line, without line numbers. In
the fence write every function or class that is new or changed, whole, and leave out the others. First say in one
sentence what you do."""
"""For local models, which seldom manage to quote what they replace; `agents.edits.by_name` finds where it belongs."""
ONE_FENCE = (
    "Answer with one code fence that holds the whole new version of exactly this code, nothing left out, then one "
    "sentence on what you changed."
)
UNCHANGED = "The model leaves this code as it is."
TRIES = 2
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)^[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE)
_OPEN_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[^\n`]*\n(.*)\Z", re.DOTALL | re.MULTILINE)


async def rewritten(
    session: Session, invocation: Invocation, question: Question, region: Region, *, title: str,
    reading: Callable[[Region, str, str], Meant] = meant, form: str = ONE_FENCE, certain: Beginning = "name",
) -> AsyncGenerator[Event]:  # fmt: skip
    """Have a region written anew, check it, and offer it. The last event is `Finished`.

    `reading` takes what is meant from the code of an answer, and `form` asks for it. `certain`: what a local model is
    not asked for, but goes on from.
    """
    name = name_at(region.text)
    form = form.replace("exactly this code", f"exactly this code (`{name}`)") if name else form
    task = f"{question.task}\n\n{region.fenced}\n\n{form}"
    begin, until = beginning(region, certain)
    ask = replace(
        question, task=task, spoken=question.spoken or question.task, document=False, begin=begin, until=until
    )
    read = partial(text_now, session, invocation)
    proposal, text, new = Proposal(title, ()), "", Meant()
    for attempt in range(TRIES):
        async for event in answer(session, replace(invocation, selection=None), ask):
            if isinstance(event, Finished):
                text = event.text
            else:
                yield event
        new, proposal = await asyncio.to_thread(_made, region, text, reading, read, title)
        if not new.reason:
            break
        if attempt + 1 < TRIES:
            yield Notice(f"The model's code was not used: {new.reason} It tries again.")
            ask = replace(ask, task=f"{task}\n\nYour last attempt was not usable: {new.reason}", remember=False)
    if new.reason:
        yield Notice(f"The model's code was not used: {new.reason}", "warning")
        yield Finished(text, {"applied": False, "reason": new.reason})
        return
    if not proposal.files:
        yield Notice(UNCHANGED)
        yield Finished(text, {"applied": False, "reason": UNCHANGED})
        return
    if new.note:
        yield Notice(new.note)
    async for event in offered(session, proposal, text):
        yield event


async def documented_each(
    session: Session, invocation: Invocation, question: Question, region: Region, parts: Sequence[Region], *,
    title: str, form: str,
) -> AsyncGenerator[Event]:  # fmt: skip
    """Have each part of a region of Python documented by itself, and offer all of it. The last event is `Finished`.

    For local models, which lose the thread in long code.
    """
    answers: dict[int, str] = {}
    said: list[str] = []
    for number, part in enumerate(parts):
        yield Progress("Document", number, len(parts), name_at(part.text))
        begin, _ = beginning(part, "docstring")
        ask = replace(
            question, task=f"{question.task}\n\n{part.fenced}\n\n{form}", code=part.text, begin=begin, until='"""',
            spoken=question.spoken or question.task, document=False, remember=question.remember and not number,
        )  # fmt: skip
        async for event in answer(session, replace(invocation, selection=None), ask):
            if isinstance(event, Finished):
                answers[part.first] = fenced_code(event.text) or ""
                said.append(event.text)
            else:
                yield event
    read = partial(text_now, session, invocation)
    code = await asyncio.to_thread(with_each, region, answers)
    proposal, _ = await asyncio.to_thread(replaced, region, code, read, title)
    async for event in offered(session, proposal, "\n\n".join(said)):
        yield event


async def by_blocks(
    session: Session, invocation: Invocation, question: Question, *, title: str
) -> AsyncGenerator[Event]:
    """Have any files changed, check the edits, and offer them together. The last event is `Finished`."""
    local = await asyncio.to_thread(is_local, session, question.role)
    ask = replace(question, instructions=f"{question.instructions}\n\n{WHOLE if local else BLOCKS}".strip())
    read = partial(text_now, session, invocation)
    files = frozenset(await asyncio.to_thread(lambda: session.files().table().paths))
    path = session.path_of(invocation.snapshot) if invocation.snapshot else ""
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
            propose, parse(text), read, title=title, files=files, focus=focus, onto=proposal, version=session.version_of
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


def _made(
    region: Region, answer_text: str, reading: Callable[[Region, str, str], Meant],
    read: Callable[[str], str | None], title: str,
) -> tuple[Meant, Proposal]:  # fmt: skip
    """What an answer comes to, with the reason why it cannot be used, if so. Blocking."""
    nothing = Proposal(title, ())
    if (code := fenced_code(answer_text)) is None:
        return Meant(reason="There was no code fence in the answer."), nothing
    if textwrap.dedent(code).strip() == textwrap.dedent(region.text).strip():
        return Meant(code), nothing
    found = reading(region, code, LINE_END.sub("\n", read(region.path) or ""))
    if found.reason:
        return found, nothing
    proposal, remarks = replaced(region, found.code, read, title)
    reason = next((remark.text for remark in remarks if remark.is_problem), "")
    if not reason and found.imports and proposal.files:
        (file,) = proposal.files
        made = with_imports(Document.of(file.after or ""), found.imports, region.language)
        proposal = replace(proposal, files=(replace(file, after=made.text),))
    return replace(found, reason=reason), proposal


def is_local(session: Session, role: RoleName) -> bool:
    """Whether the role's first model runs here, and so is a small one. Blocking."""
    return session.role(role).models[0].startswith("local:")


def fenced_code(answer_text: str) -> str | None:
    """The code of an answer: of its largest fence, or of one that was left open; None if there is none."""
    fences = [found[2] for found in _FENCE.finditer(answer_text)]
    if not fences and (left_open := _OPEN_FENCE.search(answer_text)):
        fences = [left_open[1]]
    return max(fences, key=len).rstrip("\n") if fences else None


def replaced(region: Region, new: str, read: Callable[[str], str | None], title: str) -> tuple[Proposal, list[Remark]]:
    """The proposal that puts code into a region's place, indented as the region is. Blocking."""
    level = min((indent_of(line) for line in region.text.split("\n") if line.strip()), default=0)
    first = next(line for line in region.text.split("\n") if line.strip())
    prefix = first[: len(first) - len(first.lstrip())] if indent_of(first) == level else " " * level
    body = textwrap.indent(textwrap.dedent(new), prefix)
    reading = Reading(tuple(region.text.split("\n")), tuple(body.split("\n")))
    block = Block(kind="change", number=1, path=region.path, readings=(reading,), line=region.first + 1)
    proposal, remarks = propose([block], read, title=title, files=(region.path,))
    return proposal, list(remarks)


def text_now(session: Session, invocation: Invocation, path: str) -> str | None:
    """A file's text now: the open document's, else the disk's. Blocking."""
    if invocation.snapshot is not None and path == session.path_of(invocation.snapshot):
        return invocation.snapshot.text
    if session.open_text(path) is None:
        refused = session.files().refused(path)
        if refused and "there is no" not in refused:
            raise InputError(f"{path} is not changed: {refused}.")
    return session.text_of(path)
