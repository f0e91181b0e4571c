"""A command for work that has several steps: /plan."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Literal

from zicoder.agents.plans import PLAN_FILE, Plan, Task, draft, parse_plan
from zicoder.commands.answering import Question, answer
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.editing import offered
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError
from zicoder.events import Event, Finished
from zicoder.proposal import FileEdit, Proposal

__all__ = ["plan"]

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
    text = await asyncio.to_thread(session.text_of, PLAN_FILE)
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
        edit = FileEdit(path=PLAN_FILE, before=text, after=found.marked(prompt), version=session.version_of(PLAN_FILE))
        async for event in offered(session, Proposal(f"{found.task(prompt).id} is done", (edit,)), ""):
            if not isinstance(event, Finished):
                yield event
        found = parse_plan(await asyncio.to_thread(session.text_of, PLAN_FILE) or text)
    yield Finished(_next(found) if do == "next" else found.summary(), {"tasks": [_json(task) for task in found.tasks]})


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
                    version=session.version_of(PLAN_FILE))  # fmt: skip
    async for event in offered(session, Proposal("Plan", (edit,)), parse_plan(edit.after or "").summary()):
        yield event


def tasks_in(answer_text: str) -> list[Task]:
    """The tasks in a model's list, numbered anew, each once; dependencies on what is not there are dropped."""
    names: dict[str, str] = {}
    found: dict[str, Task] = {}
    for row in list(_TASK.finditer(answer_text))[:40]:
        title = row["title"]
        after = [
            names[name] for each in _AFTER.finditer(title) for name in re.findall(r"T\d+", each[1]) if name in names
        ]
        estimate = _ESTIMATE.search(title)
        minutes = round(float(estimate[1]) * MINUTES[estimate[2][0].lower()]) if estimate else None
        title = " ".join(_ESTIMATE.sub("", _AFTER.sub("", title), count=1).replace("()", "").split()).strip(" ,;.-*")
        if not title:
            continue
        new = Task(id=f"T{len(found) + 1}", title=title, minutes=minutes, after=tuple(dict.fromkeys(after)))
        task = found.setdefault(title.lower(), new)  # small models go round in circles
        if row["id"]:
            names[row["id"]] = task.id
    return list(found.values())


def _next(found: Plan) -> str:
    task = found.next
    return f"Next: {task.id}, {task.title}." if task else "Nothing is left to do."


def _json(task: Task) -> dict[str, object]:
    return {"id": task.id, "title": task.title, "status": task.status, "minutes": task.minutes, "after": [*task.after]}
