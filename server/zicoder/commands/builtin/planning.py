"""Commands for work that has several steps: /plan, /workflow."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Literal

from zicoder.agents.plans import PLAN_FILE, Plan, Task, draft, parse_plan
from zicoder.agents.toolbox import LOOKING, WRITING
from zicoder.agents.workflow_run import Result, Run, Runs, combined, next_step, resumed, runs_dir
from zicoder.agents.workflows import Step, Workflow, default_workflow, find_workflow, prompt_of, workflow_files
from zicoder.commands.answering import Question, answer
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.editing import by_blocks, offered
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError, ZiError
from zicoder.events import Delta, Event, Finished, Notice
from zicoder.proposal import FileEdit, Proposal

__all__ = ["plan", "workflow"]

PLAN = """Take the task apart. Answer with a Markdown list of at most twelve tasks and nothing else, each on one line:

- T1: what to do, naming the files (2h)
- T2: what to do next (30m), after T1

The time in brackets is an estimate; "after" names the tasks that must come first."""
_TASK = re.compile(
    r"^\s*(?:[-*+]|\d+[.)])\s*(?:\[.\]\s*)?(?:\**(?P<id>T\d+)\**[.:)]*\s*)?(?P<title>.+?)\s*$", re.MULTILINE
)
_ESTIMATE = re.compile(r"\(?\b(\d+(?:\.\d+)?)\s*(m|min|minutes?|h|hours?|d|days?)\b\)?", re.IGNORECASE)
_AFTER = re.compile(r",?\s*\(?after\s+((?:T\d+(?:\s*,\s*|\s+and\s+)?)+)\)?", re.IGNORECASE)
MINUTES = {"m": 1, "h": 60, "d": 480}


@COMMANDS.command("plan")
async def plan(
    session: Session, invocation: Invocation, *, do: Literal["status", "next", "done", ""] = "", prompt: str = ""
) -> AsyncIterator[Event]:
    """Take a task apart into steps with estimates, and keep track of them.

    The plan is a file of the project (`.zicoder/plan.md`) that you own and may edit. `/plan status` says how far it is,
    `/plan next` what comes next, `/plan done T3` ticks a task off.
    """
    text = await asyncio.to_thread(_text, session)
    if not do and prompt:
        async for event in _made(session, invocation, prompt, text):
            yield event
        return
    if text is None:
        raise InputError("There is no plan yet.", hint="Make one: `/plan what you want to do`.")
    found = parse_plan(text)
    if do == "done":
        if not prompt:
            raise InputError("Which task is done?", hint="`/plan done T3`")
        edit = FileEdit(path=PLAN_FILE, before=text, after=found.marked(prompt), version=_version(session))
        async for event in offered(session, Proposal(f"{found.task(prompt).id} is done", (edit,)), ""):
            if not isinstance(event, Finished):
                yield event
        found = parse_plan(await asyncio.to_thread(_text, session) or text)
    yield Finished(_next(found) if do == "next" else found.summary(), {"tasks": [_json(task) for task in found.tasks]})


@COMMANDS.command("workflow")
async def workflow(
    session: Session, invocation: Invocation, *, do: Literal["run", "resume", "list", ""] = "", name: str = "default",
    prompt: str = "",
) -> AsyncIterator[Event]:  # fmt: skip
    """Run the steps of a workflow, each by its role, and report on them together.

    `/workflow --name NAME TASK` runs one of `.zicoder/workflows/`, or the built-in `default`: plan, code, review, test,
    document. `/workflow resume` goes on with the last run where a step failed; `/workflow list` lists them.
    """
    root = session.root
    runs = Runs(runs_dir(root))
    if do == "list":
        names = [default_workflow().name, *await asyncio.to_thread(lambda: [*workflow_files(root)])]
        yield Finished("\n".join(f"- {each}" for each in names), {"workflows": names})
        return
    found = await asyncio.to_thread(find_workflow, root, name, commands=[command.name for command in COMMANDS])
    if do == "resume":
        run = resumed(found, await asyncio.to_thread(lambda: runs.read(prompt or "last")))
    elif prompt:
        run = Run.begin(found, prompt)
    else:
        raise InputError("What is to be done?", hint="`/workflow add a --json option to the list command`")
    while (step := next_step(found, run)) is not None:
        yield Notice(f"Step {step.id}, by the {step.role}.")
        said: list[Event] = []
        async for event in _step(session, invocation, found, run, step):
            if isinstance(event, Finished):
                said.append(event)
            else:
                yield event
        result = _result(said)
        run = run.with_result(step, result)
        await asyncio.to_thread(runs.save, run)
        if result.status == "failed":
            yield Notice(f"Step {step.id} failed: {result.error} `/workflow resume` begins it again.", "warning")
    yield Finished(combined(found, run), {"run": run.id, "steps": {k: r.status for k, r in run.results.items()}})


async def _step(
    session: Session, invocation: Invocation, found: Workflow, run: Run, step: Step
) -> AsyncIterator[Event]:
    """One step, begun anew as often as it says. The last event is `Finished`, with an error in its data."""
    error = ""
    for attempt in range(1 + step.retries):
        text = prompt_of(step, run.task, run.texts)
        yield Delta(f"\n\n## {step.id}\n\n" if not attempt else f"\n\n## {step.id}, again\n\n")
        question = Question(role=step.role, task=text, remember=False, document=False)  # type: ignore[arg-type]
        try:
            async for event in _asked(session, invocation, question, step):
                if isinstance(event, Finished) and not (error := str(event.data.get("reason", ""))):
                    yield event
                    return
                if not isinstance(event, Finished):
                    yield event
        except ZiError as failure:
            error = failure.sentence
    yield Finished("", {"reason": error or "it came to no result"})


def _asked(session: Session, invocation: Invocation, question: Question, step: Step) -> AsyncIterator[Event]:
    if step.role == "coder" or step.stop == "edits":
        return by_blocks(session, invocation, question, title=f"Workflow: {step.id}")
    if step.stop == "tests_pass":
        from dataclasses import replace

        return answer(session, invocation, replace(question, tools=(*LOOKING, *WRITING)))
    return answer(session, invocation, question)


def _result(said: list[Event]) -> Result:
    last = said[-1] if said else Finished("", {"reason": "it came to no result"})
    assert isinstance(last, Finished)
    error = str(last.data.get("reason", ""))
    return Result(status="failed" if error else "done", text=last.text, error=error)


async def _made(session: Session, invocation: Invocation, prompt: str, before: str | None) -> AsyncIterator[Event]:
    """Have a plan made and offer it as a file."""
    text = ""
    question = Question(role="planner", task=f"Plan this: {prompt}", instructions=PLAN, spoken=f"/plan {prompt}")
    async for event in answer(session, invocation, question):
        if isinstance(event, Finished):
            text = event.text
        else:
            yield event
    tasks = tasks_in(text)
    if not tasks:
        raise InputError("The model made no list of tasks.", hint="Say more closely what you want to do.")
    edit = FileEdit(path=PLAN_FILE, before=before, after=draft(prompt.split("\n", 1)[0][:80], tasks),
                    version=_version(session))  # fmt: skip
    async for event in offered(session, Proposal("Plan", (edit,)), parse_plan(edit.after or "").summary()):
        yield event


def tasks_in(answer_text: str) -> list[Task]:
    """The tasks in a model's list, numbered anew; dependencies on what is not there are dropped."""
    rows = list(_TASK.finditer(answer_text))[:40]
    names = {row["id"] or f"#{number}": f"T{number}" for number, row in enumerate(rows, 1)}
    found: list[Task] = []
    for number, row in enumerate(rows, 1):
        title = row["title"]
        after = [
            names[name] for each in _AFTER.finditer(title) for name in re.findall(r"T\d+", each[1]) if name in names
        ]
        estimate = _ESTIMATE.search(title)
        minutes = round(float(estimate[1]) * MINUTES[estimate[2][0].lower()]) if estimate else None
        title = " ".join(_ESTIMATE.sub("", _AFTER.sub("", title), count=1).replace("()", "").split()).strip(" ,;.-*")
        earlier = tuple(name for name in dict.fromkeys(after) if int(name[1:]) < number)
        if title:
            found.append(Task(id=f"T{number}", title=title, minutes=minutes, after=earlier))
    return found


def _next(found: Plan) -> str:
    task = found.next
    return f"Next: {task.id}, {task.title}." if task else "Nothing is left to do."


def _json(task: Task) -> dict[str, object]:
    return {"id": task.id, "title": task.title, "status": task.status, "minutes": task.minutes, "after": [*task.after]}


def _text(session: Session) -> str | None:
    opened = session.open_text(PLAN_FILE)
    if opened:
        return opened[0]
    try:
        with (session.root / PLAN_FILE).open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The plan {PLAN_FILE} cannot be read: {error}.") from error


def _version(session: Session) -> int | None:
    opened = session.open_text(PLAN_FILE)
    return opened[1] if opened else None
