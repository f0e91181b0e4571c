"""Tests written for one piece of code: an answer of the model as one file of tests, run in a copy of the project, what
fails mended by the model, and what passes offered.

Owns what the model is shown and what becomes of its answer. A test that still fails at the end is left out in Python
and said, since it or the code is wrong; other languages' files are offered whole, with what they fail at.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from zicoder.agents.edits.blocks import Block, Reading
from zicoder.agents.edits.proposing import propose
from zicoder.agents.edits.python_code import definitions, name_at
from zicoder.agents.processes import Ended
from zicoder.agents.telling import told
from zicoder.assist.actions.python_modules import module_of
from zicoder.commands.answering import Question, answer
from zicoder.commands.editing import fenced_code, offered, text_now
from zicoder.commands.failing import condensed, related_tests
from zicoder.commands.narrowing import Run, Version, narrowed
from zicoder.commands.region import Region, owner_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.commands.tests_of import Home, home_of
from zicoder.commands.trying import Tests, first_run, known_command, takes_files, tests_in_a_copy
from zicoder.commands.written_tests import Subject, joined, merged, names_of_tests, tidied, without
from zicoder.context.gathered import Excerpt
from zicoder.errors import InputError, ToolError, ZiError
from zicoder.events import Event, Finished, Notice, ToolEnded, ToolStarted
from zicoder.proposal import Proposal

__all__ = ["tested"]

APPENDABLE = frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact", "ruby"})
"""Languages whose tests can be put at the end of a file that has others, imports and all. Python's are merged."""
EXAMPLE_LINES = 40
MOST_TOLD = 8
"""Failures that are told at the end."""
MOST_TESTS = 6
"""That the model is asked for: an answer of a local model has room for about so many."""
_FRAMEWORK = {
    "python": "Write plain functions for pytest, `def test_...():`, with `assert`, and `pytest.raises` for errors."
}


@dataclass(kw_only=True)
class _Work:
    """What one run of the command knows."""

    session: Session
    invocation: Invocation
    question: Question
    region: Region
    home: Home
    existing: str
    """The text of the file that the tests belong to, "" if it is new."""
    subject: Subject
    name: str
    """What is tested."""
    owner: str
    most: int
    tell: Callable[[Event], None]
    said: list[str] = field(default_factory=list[str])
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    """Tests and checks that do not pass, and why."""
    ran: bool = False
    passed: bool = False
    output: str = ""


async def tested(
    session: Session, invocation: Invocation, question: Question, region: Region, *, most: int
) -> AsyncGenerator[Event] | None:
    """Have tests of a region written, run and mended, and offer them; None where its language has no files of tests.

    The last event is `Finished`. `most`: how often failing tests are mended; 0 runs none.
    """
    found = await asyncio.to_thread(_prepared, session, invocation, question, region, most)
    return _events(found) if found else None


async def _events(job: _Work) -> AsyncGenerator[Event]:
    made: list[str] = []

    async def work(tell: Callable[[Event], None]) -> None:
        job.tell = tell
        made.append(await _write(job))

    async with contextlib.aclosing(told(work)) as events:
        async for event in events:
            yield event
    verdict = _verdict(job, made[0])
    data = {"passed": job.passed, "left_out": sorted(job.left_out), "output": job.output[-4000:]}
    if not made[0]:
        yield Notice(verdict, "warning")
        yield Finished(verdict, {"applied": False, "reason": verdict, **data})
        return
    proposal, _ = await asyncio.to_thread(_proposal, job, made[0])
    async for event in offered(job.session, proposal, job.said[-1]):
        if isinstance(event, Finished):
            event = replace(event, text=f"{event.text}\n\n{verdict}".strip(), data={**event.data, **data})
        yield event


def _prepared(session: Session, invocation: Invocation, question: Question, region: Region, most: int) -> _Work | None:
    """Blocking."""
    files = session.files()
    paths = list(files.table().paths)

    def read(path: str) -> str | None:
        try:
            return files.read(path)
        except ZiError:
            return None

    name = name_at(region.text) if len(definitions(region.text)) <= 1 else ""
    owner = owner_of(region, invocation.snapshot) if invocation.snapshot else ""
    related = related_tests([each for each in (name, owner) if each], region.path, paths, read)
    home = home_of(region.path, related, paths)
    whole = text_now(session, invocation, region.path) or region.text
    if home is None or home.path == region.path:
        return None
    existing = "" if home.is_new else session.text_of(home.path) or ""
    if existing.strip() and region.language not in APPENDABLE and region.language != "python":
        return None
    module = module_of(session.root / region.path, session.root) if region.language == "python" else ""
    return _Work(
        session=session, invocation=invocation, region=region, home=home, existing=existing,
        question=replace(question, excerpts=_examples(session, region, home, existing)),
        subject=Subject(module, definitions(whole)), name=name, owner=owner, most=most, tell=lambda _: None,
    )  # fmt: skip


def _examples(session: Session, region: Region, home: Home, existing: str) -> tuple[Excerpt, ...]:
    """How the project writes tests: the beginning of the file they belong to, or of the nearest other."""
    path = home.example if home.is_new else home.path
    text = existing or (session.text_of(path) if path else None) or ""
    lines = text.split("\n")[:EXAMPLE_LINES]
    return (Excerpt(path=path, start=0, text="\n".join(lines), priority=40),) if text.strip() else ()


# Writing


async def _write(job: _Work) -> str:
    """The tests, as they were run last; "" if there are none that can be offered."""
    made = await _first(job)
    if made and job.most > 0:
        try:
            async with _runs(job, made) as runs:
                made = await _mended(job, runs, made)
        except (ToolError, InputError) as error:
            job.tell(Notice(f"The tests were not run: {error}"))
    return made


async def _first(job: _Work) -> str:
    """The first answer that can be used, of two."""
    task, reason = _task(job), ""
    for number in range(2):
        more = f"\n\nYour last answer was not usable: {reason}" if reason else ""
        made, reason = _read(job, await _asked(job, task + more, first=number == 0, seed=number + 1))
        if made:
            reason = await asyncio.to_thread(_fault, job, made)
            if not reason:
                return made
        job.tell(Notice(f"The model's tests were not used: {reason}"))
    job.output = reason
    return ""


def _task(job: _Work) -> str:
    what = f"`{job.owner}.{job.name}`" if job.owner and job.name else f"`{job.name}`" if job.name else "this code"
    parts = [f"{job.question.task}\n\n{job.region.fenced}"]
    if job.subject.module and (wanted := job.owner or job.name):
        parts.append(f"Import it with `from {job.subject.module} import {wanted}`.")
    parts.append(
        f"Answer with one code fence that holds a file of at most {MOST_TESTS} short tests of {what}: its imports, "
        "then the tests, each of one thing: the usual case, the edges, wrong input. Work out each expected value from "
        f"the code. Do not repeat the code itself. {_FRAMEWORK.get(job.region.language, '')}".strip()
    )
    return "\n\n".join(parts)


async def _asked(job: _Work, task: str, *, first: bool, seed: int = 1) -> str:
    """What the model says."""
    ask = replace(
        job.question, task=task, remember=job.question.remember and first, query="", code=job.region.text,
        document=False, seed=seed, spoken=job.question.spoken or job.question.task,
    )  # fmt: skip
    text = ""
    async with contextlib.aclosing(answer(job.session, replace(job.invocation, selection=None), ask)) as events:
        async for event in events:
            if isinstance(event, Finished):
                text = event.text
            else:
                job.tell(event)
    job.said.append(text)
    return text


def _read(job: _Work, text: str) -> tuple[str, str]:
    """The tests in an answer, and why there are none."""
    code = fenced_code(text)
    if code is None:
        return "", "There was no code fence in the answer."
    if job.region.language == "python":
        code = tidied(code, job.subject)
        return code, "" if code else "There was no test in the code."
    return f"{code}\n", ""


def _fault(job: _Work, made: str) -> str:
    """What is wrong with the tests before they are run, "" if nothing is. Blocking."""
    _, reason = _proposal(job, made)
    return reason


def _whole(job: _Work, made: str) -> str:
    """The file with the tests in it."""
    if not job.existing.strip():
        return made
    if job.region.language == "python":
        return merged(job.existing, made)
    known = set(job.existing.split("\n"))
    lines = [
        line for line in made.split("\n") if line not in known or not line.startswith(("import ", "const {", "require"))
    ]
    return job.existing.rstrip("\n") + "\n\n" + "\n".join(lines).strip("\n") + "\n"


def _proposal(job: _Work, made: str) -> tuple[Proposal, str]:
    """The file of tests, and what speaks against it. Blocking."""
    lines = tuple(_whole(job, made).rstrip("\n").split("\n"))
    block = Block(
        kind="file", number=1, path=job.home.path, readings=(Reading((), lines),), named=True, ended=True
    )  # fmt: skip
    read = partial(text_now, job.session, job.invocation)
    title = f"Tests of {job.name or job.region.path}"
    proposal, remarks = propose([block], read, title=title, rewrite=True, version=job.session.version_of)
    reason = next((remark.text for remark in remarks if remark.is_problem), "")
    return proposal, reason or ("" if proposal.files else "These tests are there already.")


# Running


@contextlib.asynccontextmanager
async def _runs(job: _Work, made: str) -> AsyncGenerator[Tests]:
    """The project in a copy, with the tests in it. Raises ToolError, InputError."""
    command = await known_command(job.session)
    new = {job.home.path: _whole(job, made)}
    async with tests_in_a_copy(job.session, command, job.most + 2, job.invocation.snapshot, new) as runs:
        yield runs


async def _mended(job: _Work, runs: Tests, made: str) -> str:
    """Run the tests, have those that fail written anew, and leave out what still fails. Raises ToolError.

    A local model is slow and seldom mends what it got wrong, so it is asked only where not one check passes.
    """
    command = await known_command(job.session)
    target = job.home.path if takes_files(command) else ""
    start = time.monotonic()
    ended = await _told_run(job, "tests", first_run(job.session, runs, [target]), runs.line([target]))
    seconds = 3 * (time.monotonic() - start)

    async def run(name: str, text: str) -> Version:
        again = runs.again([target], {job.home.path: _whole(job, text)}, seconds)
        after = await _told_run(job, name, again, runs.line([target]))
        return Version.of(text, after)

    best = Version.of(made, ended)
    role = await asyncio.to_thread(job.session.role, job.question.role)
    if role.models[0].startswith("local:"):
        best = await _narrowed(job, best, run)
    for attempt in range(1, job.most + 1):
        if best.ended.ok:
            break
        job.tell(Notice(f"{_counted(best.failing)} not pass; the model mends that ({attempt} of {job.most})."))
        new, reason = _read(job, await _asked(job, _mend_task(job, best), first=False, seed=attempt + 1))
        text = _put(job, best, new) if new else ""
        reason = reason or ("It is as it was." if text == best.text else "")
        reason = reason or await asyncio.to_thread(_fault, job, text)
        if reason:
            job.tell(Notice(f"The model's tests were not used: {reason}"))
            continue
        version = await run(f"tests {attempt}", text)
        if version.ended.ok or version.passing >= best.passing:
            best = version
    return _kept(job, await _narrowed(job, best, run))


async def _narrowed(job: _Work, best: Version, run: Run) -> Version:
    if best.ended.ok or job.region.language != "python":
        return best
    best, left_out = await narrowed(best, run)
    job.left_out |= left_out
    return best


async def _told_run(job: _Work, name: str, run: Awaitable[Ended], line: str) -> Ended:
    job.tell(ToolStarted(name, "tests", f"run the tests: {line}"))
    try:
        ended = await run
    except ToolError as error:
        job.tell(ToolEnded(name, ok=False, summary=str(error)))
        raise
    job.ran, job.output = True, ended.output
    job.tell(ToolEnded(name, ok=ended.ok, summary="They pass." if ended.ok else "Some fail."))
    return ended


def _mend_task(job: _Work, made: Version) -> str:
    kept = [name for name in names_of_tests(made.text) if name not in made.failing]
    shown = without(made.text, kept) if job.region.language == "python" and kept else made.text
    return (
        f"These tests of the code below fail:\n```{job.region.language}\n{shown.strip()}\n```\n"
        f"```text\n{condensed(made.ended.output)}\n```\n{job.region.fenced}\n\n"
        "Mend the tests: work out from the code what it really gives. Answer with one code fence that holds these "
        "tests with their imports, and with nothing else."
    )


def _put(job: _Work, made: Version, new: str) -> str:
    """The tests with those that failed replaced by new ones."""
    if job.region.language != "python":
        return new
    kept = without(made.text, made.failing)
    return joined(kept, new) if names_of_tests(kept) else new


def _kept(job: _Work, made: Version) -> str:
    """What is offered: what passes, in Python; elsewhere the whole file."""
    job.passed = made.ended.ok
    if job.passed:
        return made.text
    job.left_out |= made.failing
    if job.region.language != "python":
        return made.text
    kept = without(made.text, made.failing)
    job.passed = bool(names_of_tests(kept))
    return tidied(kept, job.subject) if job.passed else ""


def _counted(failing: dict[str, str]) -> str:
    return "1 test does" if len(failing) == 1 else f"{len(failing)} tests do" if failing else "The tests do"


def _one_line(check: str) -> str:
    return " ".join(check.replace("`", "'").split())


def _verdict(job: _Work, made: str) -> str:
    """What is to be said at the end."""
    if not made and not job.ran:
        return f"No tests were made: {job.output}"
    if not job.ran:
        return f"The tests in `{job.home.path}` were not run."
    passing = names_of_tests(made)
    lines = [f"{len(passing)} tests in `{job.home.path}` pass." if len(passing) != 1 else
             f"1 test in `{job.home.path}` passes."] if job.passed and passing else []  # fmt: skip
    if job.passed and not passing:
        lines = [f"The tests in `{job.home.path}` pass."]
    if job.left_out and job.region.language == "python":
        lines.append("These do not pass and are left out; either they or the code is wrong:")
        told = list(job.left_out.items())
        lines += [f"- `{_one_line(what)}`{': ' + why if why else ''}" for what, why in told[:MOST_TOLD]]
        lines += [f"- and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
    elif not job.passed:
        lines.append(f"The tests in `{job.home.path}` do not pass.")
    return "\n".join(lines)
