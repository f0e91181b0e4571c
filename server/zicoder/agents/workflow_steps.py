"""Does the steps of a workflow: one after the other or beside each other, again while something is found, until all are
done or one has failed.

Owns when a step is done, done again, or failed. Knows no model: how one step is asked, the caller says. Every result is
saved before the next step begins.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeAlias

from zicoder.agents.workflow_run import Result, Run, combined, next_steps, sent_back
from zicoder.agents.workflows import Step, Workflow, prompt_of
from zicoder.errors import ZiError
from zicoder.events import Delta, Event, Failed, Finished, Notice, ToolEnded, ToolStarted

__all__ = ["DoStep", "has_findings", "run_steps"]

DoStep: TypeAlias = Callable[[Step, str], AsyncIterator[Event]]
"""Does a step with a prompt. The last event is `Finished` or `Failed`; a `reason` in the data of `Finished` is why
nothing came of it. May raise ZiError."""
Save: TypeAlias = Callable[[Run], Awaitable[None]]

VERDICT = 'End with one line: "Verdict: clean" if nothing has to be changed, else "Verdict: findings".'
_VERDICT = re.compile(r"^\W*verdict\W+(\w+)", re.IGNORECASE | re.MULTILINE)
_FINDING = re.compile(r"^\s*(?:[-*+]|\d+[.)]|#+)\s*\W*(?:critical|high|medium)\b", re.IGNORECASE | re.MULTILINE)
_TESTS = "tests"
"""The tool that runs them."""


def has_findings(review: str) -> bool | None:
    """Whether a review found something that has to be changed; None when it does not say.

    Its last verdict counts, but not against a list of findings of some weight.
    """
    if _FINDING.search(review):
        return True
    verdicts = _VERDICT.findall(review)
    return None if not verdicts else verdicts[-1].lower() not in {"clean", "ok", "pass", "none"}


async def run_steps(
    workflow: Workflow, run: Run, do: DoStep, *, save: Save, beside: Callable[[Step], bool] = lambda _: False
) -> AsyncGenerator[Event]:
    """Do what is left of a run. The last event is `Finished` with one report of it all.

    Steps that may be done `beside` others are, where they are independent; what each says then comes at its end.
    Closing the generator ends what is under way; what was saved can be resumed. Raises what `save` raises.
    """
    while steps := next_steps(workflow, run, beside=beside):
        for step in steps:
            yield Notice(f"Step {step.id}, by the {step.role}.")
        async with aclosing(_merged([_done(run, step, do) for step in steps])) as events:
            async for event in events:
                if not isinstance(event, _Ended):
                    yield event
                    continue
                step, said = event.step, event.said
                if not all(name in run.results for name in step.inputs):
                    continue  # a step beside it has sent back what this one has read
                again = sent_back(workflow, run, step, said.text) if said.missing else None
                if again is not None:
                    yield Notice(f"{said.missing} Round {again.rounds[step.id]} of {step.rounds} begins.")
                error = said.error or said.missing
                result = Result(status="failed" if error else "done", text=said.text, error=error, attempts=event.tries)
                run = again or run.with_result(step, result)
                await save(run)
                if error and again is None:
                    yield Notice(f"Step {step.id} failed: {error} `/workflow resume` begins it again.", "warning")
    statuses = {name: result.status for name, result in run.results.items()}
    yield Finished(combined(workflow, run), {"run": run.id, "steps": statuses})


@dataclass
class _Said:
    """What came of doing a step once."""

    text: str = ""
    error: str = ""
    """Why nothing came of it."""
    missing: str = ""
    """What is missing from its being done."""
    pieces: list[str] = field(default_factory=list[str])
    tests: dict[str, bool | None] = field(default_factory=dict[str, bool | None])
    """Runs of the tests, in order, and whether they passed."""

    def take(self, event: Event, *, again: bool) -> None:
        """Take note of an event."""
        match event:
            case Delta(text=text):
                self.pieces.append(text)
            case ToolStarted(id=identity, tool=tool) if tool == _TESTS:
                self.tests[identity] = None
            case ToolEnded(id=identity, ok=ok) if identity in self.tests:
                self.tests[identity] = ok
            case Finished(text=text, data=data):
                self.text = text
                nothing_new = again and "files" not in data  # who was asked to mend may find nothing to mend
                self.error = "" if nothing_new else str(data.get("reason", ""))
            case Failed(message=message, hint=hint):
                self.error = f"{message} {hint}".strip()
            case _:
                pass

    def judge(self, step: Step) -> None:
        """See whether the step has done its work."""
        self.text = self.text or "".join(self.pieces)
        match step.stop:
            case "tests_pass" if not self.tests:
                self.missing = "No tests were run."
            case "tests_pass" if not [*self.tests.values()][-1]:
                self.missing = "The tests do not pass."
            case "no_findings" if (found := has_findings(self.text)) is not False:
                self.missing = f"Step {step.id} found something." if found else f"Step {step.id} gave no verdict."
            case "text" if step.stop_text not in self.text:
                self.missing = f"The answer of step {step.id} does not hold {step.stop_text!r}."
            case _ if not self.text.strip() and not self.error:
                self.error = "it came to no result"
            case _:
                pass


@dataclass(frozen=True)
class _Ended:
    """A step is over."""

    step: Step
    said: _Said
    tries: int


async def _done(run: Run, step: Step, do: DoStep) -> AsyncGenerator[Event | _Ended]:
    """One step: begun anew after an error as often as it says, and done again while its work is not done, unless it
    sends that back to another.
    """
    remark = run.remarks.get(step.id, "")
    tries = errors = rounds = 0
    while True:
        tries += 1
        said = _Said()
        yield Delta(f"\n\n## {step.id}{', again' if remark or tries > 1 else ''}\n\n")
        try:
            async with aclosing(_events(do(step, _prompt(step, run, remark)))) as events:
                async for event in events:
                    said.take(event, again=step.id in run.remarks)
                    if not isinstance(event, (Finished, Failed)):
                        yield event
        except ZiError as error:
            said.error = error.sentence
        if not said.error:
            said.judge(step)
        if said.error and errors < step.retries:
            errors += 1
        elif said.missing and not step.repeat and rounds + 1 < step.rounds:
            rounds += 1
            remark = f"{said.text}\n\n{said.missing}"
        else:
            yield _Ended(step, said, tries)
            return


def _prompt(step: Step, run: Run, remark: str) -> str:
    parts = [prompt_of(step, run.task, run.texts)]
    if remark:
        parts.append(f"This was done before, and here is what came of it. Mend what is wrong.\n{remark}")
    if step.stop == "no_findings":
        parts.append(VERDICT)
    return "\n\n".join(filter(None, parts))


async def _events(events: AsyncIterator[Event]) -> AsyncGenerator[Event]:
    """The same events, closed when they are left."""
    try:
        async for event in events:
            yield event
    finally:
        if close := getattr(events, "aclose", None):
            await close()


async def _merged(sources: Sequence[AsyncGenerator[Event | _Ended]]) -> AsyncGenerator[Event | _Ended]:
    """The events of several steps as they come; text is held until its step has ended, or it would be mixed up."""
    if len(sources) == 1:
        async with aclosing(sources[0]) as events:
            async for event in events:
                yield event
        return
    queue: asyncio.Queue[Event | _Ended | None] = asyncio.Queue()

    async def read(source: AsyncGenerator[Event | _Ended]) -> None:
        held: list[str] = []
        try:
            async with aclosing(source):
                async for event in source:
                    if isinstance(event, Delta):
                        held.append(event.text)
                        continue
                    if isinstance(event, _Ended):
                        queue.put_nowait(Delta("".join(held)))
                    queue.put_nowait(event)
        finally:
            queue.put_nowait(None)

    tasks = [asyncio.create_task(read(source)) for source in sources]
    try:
        for _ in tasks:
            while (event := await queue.get()) is not None:
                yield event
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
