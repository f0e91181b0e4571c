"""One piece of code mended: several attempts, each checked by the grammar, by its names and by the tests, and the first
good one is offered.

Owns what the model is shown, in which order attempts are made, and what is said of them. Where tests were run and none
of the attempts passes them, nothing is offered.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath

from zicoder.agents.candidates import Candidate, Choice, Make, Tried, Verdict, choose
from zicoder.agents.cloze import Hole, line_holes, part_holes, refilled
from zicoder.agents.edits.python_code import definitions, fixed_lines, name_at, shape
from zicoder.agents.edits.undefined import undefined_names
from zicoder.agents.telling import told
from zicoder.commands.answering import Question, answer
from zicoder.commands.editing import ONE_FENCE, fenced_code, offered, replaced, text_now
from zicoder.commands.failing import condensed, failing_ids, failing_source, is_test, related_tests
from zicoder.commands.meant import beginning, meant
from zicoder.commands.region import Region, owner_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.commands.trying import Tests, first_run, known_command, takes_files, tests_in_a_copy
from zicoder.context.gathered import Excerpt
from zicoder.context.heads import offered as heads_offered
from zicoder.errors import InputError, ToolError, ZiError
from zicoder.events import Delta, Event, Finished, Notice, Progress, ToolEnded, ToolStarted, Used
from zicoder.models.protocols import ContextPart, InfillModel, InfillStats
from zicoder.proposal import Proposal
from zicoder.text import Snapshot

__all__ = ["mended"]

ONLY_FENCE = "Answer with one code fence that holds the whole new version of exactly this code, and with nothing else."
UNTESTED_TRIES = 2
"""Answers of the model where nothing but the grammar can judge them."""
TEMPERATURES = (0.4, 0.8, 1.0)
"""Of the answers after the first, where tests judge them."""
LINES_AROUND = 40
"""Of the file before and after the code that the model for holes is shown."""
MOST_HOLES = 60
HEADS_CHARS = 900
MOST_LINES = 150
"""Of code whose lines are filled anew one by one."""


@dataclass(kw_only=True)
class _Failing:
    """Tests that can be run, and what they said of the code as it is."""

    tests: Tests
    targets: tuple[str, ...]
    ids: tuple[str, ...]
    """Those that fail; () if the code passes as it is."""
    output: str
    seconds: float
    fails: bool


@dataclass(kw_only=True)
class _Work:
    """What one run of the command knows."""

    session: Session
    invocation: Invocation
    region: Region
    question: Question
    title: str
    most: int
    tell: Callable[[Event], None]
    failing: _Failing | None = None
    proposals: dict[str, Proposal] = field(default_factory=dict[str, Proposal])
    """By the code that makes them."""
    said: str = ""
    """The first answer."""


async def mended(
    session: Session, invocation: Invocation, question: Question, region: Region, *, tests: str, most: int, title: str
) -> AsyncGenerator[Event]:
    """Have a region mended, check it, and offer it. The last event is `Finished`.

    `tests`: a test file or a test; "" finds those that mention the code. `most`: attempts that are checked by tests.
    """
    found: list[tuple[_Work, Choice]] = []

    async def work(tell: Callable[[Event], None]) -> None:
        job = _Work(
            session=session, invocation=invocation, region=region, question=question, title=title, most=most, tell=tell
        )
        found.append((job, await _mend(job, tests)))

    async with contextlib.aclosing(told(work)) as events:
        async for event in events:
            yield event
    job, choice = found[0]
    if choice.best is None:
        reason = _why_not(job, choice)
        yield Notice(reason, "warning")
        yield Finished(job.said, {"applied": False, "reason": reason, "checked": "", "tried": len(choice.tried)})
        return
    checked = "tests" if job.failing is not None else "syntax"
    yield Notice(_how(job, choice))
    async for event in offered(session, job.proposals[choice.best.code], choice.best.said or job.said):
        if isinstance(event, Finished):
            more = {"checked": checked, "tried": len(choice.tried), "maker": choice.best.maker}
            event = replace(event, data={**event.data, **more})
        yield event


async def _mend(job: _Work, tests: str) -> Choice:
    async with contextlib.AsyncExitStack() as stack:
        job.failing = await _failing(job, tests, stack)
        makers: list[Make] = [partial(_rewritten, job, first=True)]
        again: Make = partial(_rewritten, job, first=False)
        holes: list[Make] = []
        if job.failing is not None and job.failing.fails:
            holes = [partial(_lines, job, holes=line_holes), partial(_lines, job, holes=part_holes)]
        role = await asyncio.to_thread(job.session.role, job.question.role)
        makers += [*holes, again] if role.models[0].startswith("local:") else [again, *holes]
        most = job.most if job.failing is not None else UNTESTED_TRIES
        checks = [partial(_sound, job), *([partial(_passing, job, job.failing)] if job.failing else [])]
        tell = partial(_tell, job)
        return await choose(makers, checks, most=most, key=shape, known=[job.region.text], tell=tell)


def _tell(job: _Work, tried: Tried) -> None:
    if not tried.verdict.ok and tried.candidate.maker == "an answer":
        job.tell(Notice(f"The model's code was not used: {tried.verdict.reason} It tries again."))


def _why_not(job: _Work, choice: Choice) -> str:
    if job.failing is not None and choice.tried:
        names = ", ".join(job.failing.ids or job.failing.targets)
        return f"None of {len(choice.tried)} attempts passes the tests ({names}), so nothing is offered."
    last = choice.tried[-1].verdict.reason if choice.tried else "It gave the code back as it was."
    return f"The model's code was not used: {last}"


def _how(job: _Work, choice: Choice) -> str:
    if job.failing is None:
        return "It was checked by the grammar only: no test of it was run."
    what = ", ".join(job.failing.targets) or "all tests"
    if not job.failing.fails:
        return f"The tests pass with it, as they did before ({what}): no test showed the mistake."
    return f"The tests that failed pass with it ({what}), at attempt {len(choice.tried)}."


# Tests


async def _failing(job: _Work, tests: str, stack: contextlib.AsyncExitStack) -> _Failing | None:
    """The tests of the code and what they say, None where there are none or they may not run.

    Where those that belong to the code pass, all of the project's are asked for: one of them may fail.
    """
    if job.most <= 0 or job.session.workspace.root is None:
        return None
    found: _Failing | None = None
    try:
        command = await known_command(job.session)
        wanted = [(tests,)] if tests else await asyncio.to_thread(_targets, job, command)
        if not wanted:
            return None
        runs = await stack.enter_async_context(
            tests_in_a_copy(job.session, command, job.most, job.invocation.snapshot, {})
        )
        for targets in wanted:
            found = await _first(job, runs, targets if takes_files(command) else ("",))
            if found.fails:
                break
    except (ToolError, InputError) as error:
        job.tell(Notice(f"{'More tests' if found else 'The tests'} were not run: {error}"))
    return found


async def _first(job: _Work, runs: Tests, targets: tuple[str, ...]) -> _Failing:
    """Run tests with the code as it is. Raises ToolError."""
    name = " ".join(targets)
    job.tell(ToolStarted(f"tests {name}", "tests", f"run the tests: {runs.line(targets)}"))
    start = time.monotonic()
    try:
        ended = await first_run(job.session, runs, targets)
    except ToolError as error:
        job.tell(ToolEnded(f"tests {name}", ok=False, summary=str(error)))
        raise
    job.tell(ToolEnded(f"tests {name}", ok=ended.ok, summary="They pass." if ended.ok else "They fail."))
    seconds = time.monotonic() - start
    return _Failing(
        tests=runs,
        targets=targets,
        ids=failing_ids(ended.output),
        output=ended.output,
        seconds=seconds,
        fails=not ended.ok,
    )


def _targets(job: _Work, command: str) -> list[tuple[str, ...]]:
    """Which tests to run, one after the other until some fail: those of the code, then all. Blocking."""
    files = job.session.files()
    paths = list(files.table().paths)
    if not command or not any(map(is_test, paths)):
        return []

    def read(path: str) -> str | None:
        try:
            return files.read(path)
        except ZiError:
            return None

    names = [name_at(job.region.text)]
    if job.invocation.snapshot is not None:
        names.append(owner_of(job.region, job.invocation.snapshot))
    related = related_tests([name for name in names if name], job.region.path, paths, read)
    return [related, ("",)] if related else [("",)]


async def _passing(job: _Work, failing: _Failing, candidate: Candidate) -> Verdict:
    """Whether the tests pass: first those that failed, which is quick, then all of these files."""
    edits = {file.path: file.after for file in job.proposals[candidate.code].files}
    for targets in dict.fromkeys([failing.ids or failing.targets, failing.targets]):
        ended = await failing.tests.again(targets, edits, 3 * failing.seconds)
        if not ended.ok:
            return Verdict(False, ended.stopped or "Its tests still fail.", condensed(ended.output))
    return Verdict(True)


async def _sound(job: _Work, candidate: Candidate) -> Verdict:
    """Whether the code fits into the file, parses, and uses no name that nothing defines."""
    read = partial(text_now, job.session, job.invocation)
    proposal, remarks = await asyncio.to_thread(replaced, job.region, candidate.code, read, job.title)
    if reason := next((remark.text for remark in remarks if remark.is_problem), ""):
        return Verdict(False, reason)
    if not proposal.files:
        return Verdict(False, "It is the code as it was.")
    job.proposals[candidate.code] = proposal
    file = proposal.files[0]
    if job.region.language == "python" and file.after is not None:
        before, after = undefined_names(file.before or ""), undefined_names(file.after)
        if before is not None and after is not None and (new := sorted(after - before)):
            return Verdict(False, f"Nothing defines `{new[0]}`.")
        if missing := sorted(definitions(job.region.text) - definitions(candidate.code)):
            return Verdict(False, f"`{missing[0]}` is no longer there.")
    return Verdict(True)


# Attempts


async def _rewritten(job: _Work, tried: Sequence[Tried], *, first: bool) -> AsyncGenerator[Candidate]:
    """The whole code written anew by the model that answers: once, or several times at rising temperatures."""
    rounds: Sequence[float | None] = (None,) if first else TEMPERATURES if job.failing else (TEMPERATURES[0],)
    for number, temperature in enumerate(rounds):
        ask = replace(
            job.question, task=_task(job, tried if number % 2 == 0 else ()), temperature=temperature, seed=number + 1,
            search=False, document=False, remember=job.question.remember and first,
            spoken=job.question.spoken or job.question.task, excerpts=_context(job),
            begin=beginning(job.region, "name")[0],
        )  # fmt: skip
        text = ""
        async with contextlib.aclosing(answer(job.session, replace(job.invocation, selection=None), ask)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    text = event.text
                elif first or isinstance(event, Used) or not isinstance(event, (Delta, Notice)):
                    job.tell(event)
        job.said = job.said or text
        if (code := fenced_code(text)) is None:
            job.tell(Notice("There was no code fence in the model's answer."))
        else:
            yield Candidate(code=await asyncio.to_thread(_narrowed, job, code), maker="an answer", said=text)


def _narrowed(job: _Work, code: str) -> str:
    """What of an answer's code is meant for the region; all of it where that is not clear. Blocking."""
    text = "\n".join(_all_lines(job.invocation.snapshot)) if job.invocation.snapshot else job.region.text
    found = meant(job.region, code, text)
    return found.code if found.code and not found.imports else code


def _task(job: _Work, tried: Sequence[Tried]) -> str:
    """What the model is asked: the code, the test that fails, and what became of its last attempt."""
    parts = [job.question.task, job.region.fenced]
    if job.failing is not None and job.failing.fails:
        parts.append(f"This test fails:\n```text\n{condensed(job.failing.output)}\n```")
    parts.append(ONE_FENCE if not job.said else ONLY_FENCE)
    last = next((each for each in reversed(tried) if each.candidate.maker == "an answer"), None)
    if last is not None:
        parts.append(f"Your last attempt was not usable: {last.verdict.reason}")
        if last.verdict.detail:
            parts.append(f"It was\n```\n{last.candidate.code}\n```\nThe mistake is somewhere else.")
    return "\n\n".join(parts)


def _context(job: _Work) -> tuple[Excerpt, ...]:
    """The heads of what else the file defines, which the code may use."""
    if job.invocation.snapshot is None:
        return ()
    lines = _all_lines(job.invocation.snapshot)
    near = range(job.region.first, job.region.last + 1)
    heads = heads_offered(lines, min(job.region.first + 1, len(lines) - 1), near, HEADS_CHARS)
    return (Excerpt(path=job.region.path, start=0, text=heads, priority=20),) if heads else ()


async def _lines(
    job: _Work, _: Sequence[Tried], *, holes: Callable[[str, Callable[[int], bool]], list[Hole]]
) -> AsyncGenerator[Candidate]:
    """The code with one line written anew, by the model for suggestions if it fills holes."""
    model = await _hole_model(job)
    code, snapshot = job.region.text, job.invocation.snapshot
    if model is None or snapshot is None or job.failing is None or code.count("\n") > MOST_LINES:
        return
    lines = _all_lines(snapshot)
    before = lines[max(0, job.region.first - LINES_AROUND) : job.region.first]
    after = lines[job.region.last + 1 : job.region.last + 1 + LINES_AROUND // 2]
    skipped = fixed_lines(code)
    wanted = holes(code, skipped.__contains__)[:MOST_HOLES]
    source = failing_source(job.failing.output)
    context = [ContextPart(job.failing.targets[0] or "tests", source)] if source else []
    cost: list[InfillStats] = []

    def filled(stats: InfillStats) -> None:
        cost.append(stats)
        job.tell(Progress("Filling lines anew", len(cost), len(wanted)))

    made = refilled(
        model, code, wanted, before="".join(f"{line}\n" for line in before), after="".join(f"\n{x}" for x in after),
        document=f"fix:{PurePosixPath(job.region.path).name}", context=context, filled=filled,
    )  # fmt: skip
    try:
        async with contextlib.aclosing(made):
            async for candidate in made:
                yield candidate
    except ZiError as error:
        job.tell(Notice(f"No more lines are filled anew: {error}"))
    finally:
        job.tell(Used(model.name, sum(s.evaluated_tokens for s in cost), sum(s.generated_tokens for s in cost)))


def _all_lines(snapshot: Snapshot) -> list[str]:
    return [snapshot.lines.line(number) for number in range(len(snapshot.lines))]


async def _hole_model(job: _Work) -> InfillModel | None:
    try:
        model = await job.session.workspace.infill_model()
    except ZiError:
        return None
    return model if model.fills_suffix else None
