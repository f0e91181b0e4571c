"""A plan that the user owns: a Markdown file with a checkbox for each task. Pure text in, text out; touches no disk.

    - [ ] T1: Read the file (2h)
    - [x] **T2** Write the tests (30m), after T1

Whatever else the file holds is the user's: writing back changes the one character between the brackets. Read is what
people write by hand: any bullet or number, tasks without an identity (they get their number), nested tasks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from zicoder.agents.cycles import find_cycle
from zicoder.context.prose import code_ranges, inside
from zicoder.errors import InputError
from zicoder.text import split_lines

__all__ = ["PLAN_FILE", "Plan", "Status", "Task", "draft", "parse_plan"]

PLAN_FILE = ".zicoder/plan.md"
MOST_CHARS = 1_000_000
MOST_TASKS = 2000

Status = Literal["todo", "doing", "done", "dropped"]

_STATUS: dict[str, Status] = {
    "": "todo", " ": "todo", "x": "done", "X": "done", "✓": "done",
    "/": "doing", "~": "doing", ">": "doing", "-": "dropped",
}  # fmt: skip
_MARKS: dict[Status, str] = {"todo": " ", "doing": "/", "done": "x", "dropped": "-"}

_TASK = re.compile(r"(?P<indent>[ \t]*)(?:[-*+]|(?P<number>\d{1,6})[.)])[ \t]+\[(?P<mark>[^\]\[]?)\](?=[ \t]|$)[ \t]*")
_IDENTITY = re.compile(
    r"(?:\*\*|__|`)?#?(?P<id>[A-Za-z]{1,8}[-_.]?\d{1,6}(?:\.\d{1,4}){0,3}|\d{1,6}(?:\.\d{1,4}){0,3}|[A-Z])"
    r"(?:(?:\*\*|__|`)?[:.)](?:\*\*|__|`)?(?=\s)|(?:\*\*|__|`)(?=\s)|\s+[-–—](?=\s))\s*"  # noqa: RUF001 - as people write
)
_AMOUNT = (
    r"\s*[~≈]?\s*(?P<{0}amount>\d{{1,5}}(?:[.,]\d{{1,2}})?)\s*"
    r"(?P<{0}unit>minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b"
)
_ESTIMATE = re.compile(
    r"(?:[(\[~≈]|\b(?:estimate|est|effort|time)\b\.?:?)" + _AMOUNT.format("")
    + r"|[,;|–—-]" + _AMOUNT.format("last_") + r"(?=[\s)\]]*$)",  # noqa: RUF001
    re.IGNORECASE,
)  # fmt: skip
_MINUTES = {"m": 1, "h": 60, "d": 8 * 60, "w": 5 * 8 * 60}
_REFERENCE = r"[`*#]*(?:[A-Za-z]{0,8}[-_.]?\d+(?:\.\d+)*|[A-Z])\b(?!\s*(?:minutes|hours|days|weeks)\b)[`*]*"
_AFTER = re.compile(
    r"\b(?P<word>(?i:depends\s+on|dependencies|dependency|deps|requires|needs|blocked\s+by|after))\b\s*:?\s*"
    rf"(?P<list>{_REFERENCE}(?:\s*(?:,|&|\band\b|\+)\s*{_REFERENCE})*)"
)
_LOOSE = frozenset({"after", "needs", "requires"})
_ENDS = frozenset({"", *",;.:()[]|~\u2013\u2014-"})
"""A title may hold "after 3 tries" or "needs A meeting": a number or a letter names a task only at an end of words."""
_NAME = re.compile(r"[A-Za-z]{0,8}[-_.]?\d+(?:\.\d+)*|\b[A-Z]\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One checkbox."""

    id: str
    title: str
    """Without identity, estimate and dependencies."""
    status: Status = "todo"
    minutes: int | None = None
    """The estimate; a day has eight hours, a week five days."""
    after: tuple[str, ...] = ()
    """Identities of the tasks that come first."""
    parent: str = ""
    """The task it is nested in."""
    line: int = 0
    """Zero-based, in the file."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan file, understood."""

    text: str
    tasks: tuple[Task, ...] = ()

    @property
    def next(self) -> Task | None:
        """The first task that is not done and whose dependencies and nested tasks are."""
        ready = (task for task in self.tasks if task.status in ("todo", "doing") and not self.missing(task))
        return min(ready, key=lambda task: task.status != "doing", default=None)

    def task(self, wanted: str) -> Task:
        """The task with this identity, whatever its case. Raises InputError."""
        wanted = wanted.strip().lstrip("#").rstrip(":.)")
        found = [task for task in self.tasks if task.id.lower() == wanted.lower()]
        if found:
            return next((task for task in found if task.id == wanted), found[0])
        known = ", ".join(task.id for task in self.tasks[:20])
        raise InputError(f"There is no task {wanted!r} in the plan.", hint=f"Tasks: {known}." if known else "")

    def missing(self, task: Task) -> list[str]:
        """Identities of what must be done before a task: dependencies, and what is nested in it."""
        open_tasks = {t.id.lower(): t for t in self.tasks if t.status in ("todo", "doing")}
        needed = [open_tasks[name.lower()].id for name in task.after if name.lower() in open_tasks]
        nested = [t.id for t in self.tasks if t.parent == task.id and t.status in ("todo", "doing")]
        return list(dict.fromkeys([*needed, *nested]))

    def marked(self, wanted: str, status: Status = "done") -> str:
        """The text with the checkbox of one task changed, and nothing else. Raises InputError."""
        task = self.task(wanted)
        lines = split_lines(self.text)
        line = lines[task.line]
        found = _TASK.match(line)
        if found is None:
            raise InputError(f"The plan has changed; {task.id} is not where it was.")
        lines[task.line] = line[: found.start("mark")] + _MARKS[status] + line[found.end("mark") :]
        return "".join(lines)

    def problems(self) -> list[str]:
        """What is wrong with it, as sentences: identities used twice, dependencies that are not there, cycles."""
        known = {task.id.lower(): task for task in self.tasks}
        seen: set[str] = set()
        said: list[str] = []
        for task in self.tasks:
            if task.id.lower() in seen:
                said.append(f"Line {task.line + 1}: {task.id} is the name of another task, too.")
            seen.add(task.id.lower())
            said += [
                f"Line {task.line + 1}: {task.id} comes after {name}, and there is no task {name}."
                for name in task.after
                if name.lower() not in known
            ]
        if cycle := self.cycle():
            said.append(f"These wait for each other: {' → '.join(cycle)}.")
        return said

    def cycle(self) -> list[str]:
        """Identities of tasks that wait for each other, the first one again at the end; [] if none do."""
        waits = {task.id.lower(): [name.lower() for name in task.after] for task in self.tasks}
        for task in self.tasks:  # a task waits for what is nested in it
            if task.parent:
                waits[task.parent.lower()].append(task.id.lower())
        names = {task.id.lower(): task.id for task in self.tasks}
        return [names[name] for name in find_cycle(waits)]

    def summary(self) -> str:
        """How far it is, in a few lines of Markdown."""
        if not self.tasks:
            return "The plan has no tasks."
        counted = [task for task in self.tasks if task.status != "dropped"]
        done = [task for task in counted if task.status == "done"]
        lines = [f"{len(done)} of {len(counted)} tasks are done."]
        left = [task.minutes for task in counted if task.status != "done"]
        if any(left):
            unknown = sum(minutes is None for minutes in left)
            lines.append(
                f"About {spoken(sum(filter(None, left)))} are left"
                + (f", and {unknown} without an estimate." if unknown else ".")
            )
        if task := self.next:
            lines.append(f"Next: {task.id}, {task.title}.")
        waiting = ((task, self.missing(task)) for task in counted if task.status != "done")
        lines += [f"- {task.id} waits for {', '.join(missing)}." for task, missing in waiting if missing]
        return "\n".join([*lines, *(f"- {problem}" for problem in self.problems())])


def parse_plan(text: str) -> Plan:
    """Understand a plan file. Any text will do. Raises InputError for one that is too large."""
    if len(text) > MOST_CHARS:
        raise InputError(f"The plan has more than {MOST_CHARS:,} characters; no person wrote that.")
    rows = _rows(text)
    numbers = [found["number"] for _, found, _ in rows if found["number"]]
    counted = len(set(numbers)) == len(numbers)  # Markdown lets every item of a list be number one
    written = [named["id"] if (named := _IDENTITY.match(rest)) else found["number"] if counted else None
               for _, found, rest in rows]  # fmt: skip
    taken = set(written)
    free = (name for number in range(1, 2 * MOST_TASKS) if (name := str(number)) not in taken)
    names = [name or next(free) for name in written]
    tasks: list[Task] = []
    above: list[tuple[int, str]] = []
    for (line, found, rest), name in zip(rows, names, strict=True):
        indent = len(found["indent"].expandtabs(4))
        above = [(depth, parent) for depth, parent in above if depth < indent]
        parent = above[-1][1] if above else ""
        above.append((indent, name))
        tasks.append(_task(rest, name, _STATUS[found["mark"]], parent, line))
    return Plan(text, tuple(tasks))


def _rows(text: str) -> list[tuple[int, re.Match[str], str]]:
    """Lines with a checkbox that are no code: number, match, and what follows the checkbox."""
    ranges = code_ranges(text, inline=False)
    rows: list[tuple[int, re.Match[str], str]] = []
    at = 0
    for number, line in enumerate(split_lines(text)):
        found = _TASK.match(line)
        if found and found["mark"] in _STATUS and not inside(ranges, at):
            rows.append((number, found, line[found.end() :].rstrip("\r\n")))
            if len(rows) == MOST_TASKS:
                break
        at += len(line)
    return rows


def draft(title: str, tasks: Iterable[Task]) -> str:
    """The Markdown of a new plan."""
    lines = [f"# {' '.join(title.split())}", ""]
    for task in tasks:
        estimate = f" ({spoken(task.minutes)})" if task.minutes else ""
        after = f", after {', '.join(task.after)}" if task.after else ""
        lines.append(f"- [{_MARKS[task.status]}] {task.id}: {' '.join(task.title.split())}{estimate}{after}")
    return "\n".join([*lines, ""])


def spoken(minutes: int) -> str:
    """Minutes as people write them: `90m` is `1.5h`."""
    return f"{minutes}m" if minutes < 60 else f"{minutes / 60:.1f}".removesuffix(".0") + "h"


def _task(rest: str, identity: str, status: Status, parent: str, line: int) -> Task:
    named = _IDENTITY.match(rest)
    body = rest[named.end() :] if named else rest
    estimate, after = _ESTIMATE.search(body), _AFTER.search(body)
    names = _NAME.findall(after["list"]) if after else []
    if after and after["word"].lower() in _LOOSE and body[after.end() :].strip()[:1] not in _ENDS:
        names = [name for name in names if len(name) > 1 and not name.isdigit()]
    said = [match for match in (estimate, after if names else None) if match]
    return Task(
        id=identity, title=_title(body, said), status=status, minutes=_minutes(estimate) if estimate else None,
        after=tuple(dict.fromkeys(names)), parent=parent, line=line,
    )  # fmt: skip


def _minutes(estimate: re.Match[str]) -> int:
    amount, unit = estimate["amount"] or estimate["last_amount"], estimate["unit"] or estimate["last_unit"]
    return round(float(amount.replace(",", ".")) * _MINUTES[unit[0].lower()])


def _title(body: str, said: Sequence[re.Match[str]]) -> str:
    """What is left when estimate and dependencies are taken out."""
    for match in sorted(said, key=lambda m: -m.start()):
        body = body[: match.start()] + body[match.end() :]
    body = re.sub(r"[(\[][\s,;:~]*[)\]]", "", body)
    return re.sub(r"\s+", " ", body).strip(" \t,;:()[]|–—-")  # noqa: RUF001 - as people write
