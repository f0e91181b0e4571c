"""Workflows as data: a TOML file of steps, checked in full before anything runs, and put into an order.

A project's workflow is untrusted input: it is limited in size and number, names only roles and commands that there are,
and what its steps do is still asked for by the policy. Must never run anything; `workflow_run.py` keeps what was done.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from zicoder.agents.cycles import find_cycle
from zicoder.errors import InputError
from zicoder.proposal import digest

__all__ = ["ROLES", "Step", "Workflow", "default_workflow", "find_workflow", "parse_workflow", "workflow_files"]

ROLES = ("planner", "coder", "reviewer", "tester", "documenter", "operator")
FOLDER = ".zicoder/workflows"
TASK = "task"
"""The input that every step has: what the user asked for."""
MOST_BYTES = 64 << 10
MOST_STEPS = 32
MOST_FILES = 64
LONGEST_PROMPT = 8000

_PLACE = re.compile(r"\{([a-z][a-z0-9_-]{0,39})\}")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class Step(BaseModel):
    """One step: a role, what it is to do, and when that is done."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name
    role: Name
    prompt: str = Field(default="", max_length=LONGEST_PROMPT)
    """May hold `{task}` and `{id}` of each input."""
    command: str = Field(default="", max_length=200, pattern=r"^(/[a-z][a-z0-9-]*)?$")
    """A /command that does the step; `prompt` is what it is given."""
    inputs: tuple[Name, ...] = Field(default=(), max_length=MOST_STEPS)
    """Steps whose results this one reads, and so comes after."""
    stop: Literal["answer", "edits", "tests_pass", "no_findings", "text"] = "answer"
    """When the step has done its work: any answer, edits are proposed, tests pass, a review finds nothing, or the
    answer holds `stop_text`."""
    stop_text: str = Field(default="", max_length=200)
    rounds: int = Field(default=1, ge=1, le=10)
    """How often the step may be done until `stop` holds."""
    repeat: Name | None = None
    """A step before this one that is done again in each further round, with what this one has said, and all that reads
    it; without it, this step alone."""
    retries: int = Field(default=0, ge=0, le=5)
    """How often the whole step is begun anew after an error."""
    on_failure: Literal["stop", "continue"] = "stop"
    """Whether what comes after a failed step is still done."""


class Workflow(BaseModel):
    """Steps that belong together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: str = Field(default="", max_length=500)
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MOST_STEPS)

    def step(self, identity: str) -> Step:
        """The step with this identity. Raises InputError."""
        for step in self.steps:
            if step.id == identity:
                return step
        raise InputError(f"The workflow {self.name} has no step {identity!r}.{_perhaps(identity, self._ids)}")

    @property
    def order(self) -> tuple[Step, ...]:
        """Every step after its inputs; else as they are written."""
        placed: dict[str, Step] = {}
        waiting = list(self.steps)
        while waiting:
            ready = next(step for step in waiting if all(name in placed for name in step.inputs))
            placed[ready.id] = ready
            waiting.remove(ready)
        return tuple(placed.values())

    @property
    def digest(self) -> str:
        """Tells whether a run was begun with this very workflow."""
        return digest(self.model_dump_json())

    @property
    def _ids(self) -> tuple[str, ...]:
        return tuple(step.id for step in self.steps)


def prompt_of(step: Step, task: str, results: Mapping[str, str]) -> str:
    """The step's prompt with the task and the results of its inputs in their places.

    What is put in is never looked at for further places: a result is data.
    """
    values = {TASK: task, **{name: results.get(name, "") for name in step.inputs}}
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), step.prompt).strip()


def parse_workflow(
    text: str, source: str, *, roles: Collection[str] = ROLES, commands: Collection[str] | None = None
) -> Workflow:
    """A workflow from its TOML text; `source` is what an error calls it. Names in `commands` have no slash.

    Raises InputError with everything that is wrong, a sentence each.
    """
    if len(text) > MOST_BYTES:
        raise InputError(f"{source} is larger than {MOST_BYTES >> 10} KB; no workflow is.")
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{source} is not valid TOML: {error}.") from error
    try:
        workflow = Workflow.model_validate(values)
    except ValidationError as error:
        wrong = [_sentence(values, each) for each in error.errors(include_url=False)]
        raise _invalid(source, wrong) from error
    if wrong := [*_wrong(workflow, roles, commands)]:
        raise _invalid(source, wrong)
    return workflow


@cache
def default_workflow() -> Workflow:
    """The workflow that comes with the product: plan, code, review, test, document."""
    text = resources.files("zicoder.agents").joinpath("workflow_default.toml").read_text(encoding="utf-8")
    return parse_workflow(text, "workflow_default.toml")


def workflow_files(root: Path) -> dict[str, Path]:
    """The project's workflow files by their names without the ending, sorted; links are passed over."""
    try:
        found = sorted(path for path in (root / FOLDER).glob("*.toml") if path.is_file() and not path.is_symlink())
    except OSError:
        return {}
    return {path.stem: path for path in found[:MOST_FILES]}


def find_workflow(
    root: Path, name: str, *, roles: Collection[str] = ROLES, commands: Collection[str] | None = None
) -> Workflow:
    """The workflow called `name`: the built-in one, which no file can replace, or that of the file of this name.

    Raises InputError, with the nearest name if there is none.
    """
    if name == (default := default_workflow()).name:
        return default
    files = workflow_files(root)
    if name not in files:
        raise InputError(
            f"There is no workflow {name!r}.{_perhaps(name, (default.name, *files))}",
            hint=f"Known: {', '.join((default.name, *files))}.",
        )
    try:
        with files[name].open("rb") as file:
            text = file.read(MOST_BYTES + 1).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The workflow {name} cannot be read: {error}.") from error
    workflow = parse_workflow(text, f"{FOLDER}/{name}.toml", roles=roles, commands=commands)
    if workflow.name != name:
        raise InputError(f"{FOLDER}/{name}.toml calls itself {workflow.name!r}; name and file must be the same.")
    return workflow


# --- checks


def _wrong(workflow: Workflow, roles: Collection[str], commands: Collection[str] | None) -> Iterator[str]:
    """Sentences about what no schema can say."""
    ids = [step.id for step in workflow.steps]
    for twice in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"Two steps are called {twice!r}."
    for step in workflow.steps:
        yield from (f"Step {step.id!r}: {what}" for what in _wrong_step(step, ids, roles, commands))
    waits = {step.id: [name for name in step.inputs if name in ids] for step in workflow.steps}
    if cycle := find_cycle(waits):
        yield f"These steps wait for each other: {' → '.join(cycle)}."
    for step in workflow.steps:
        yield from (f"Step {step.id!r}: {what}" for what in _wrong_repeat(step, waits))


def _wrong_repeat(step: Step, waits: Mapping[str, Collection[str]]) -> Iterator[str]:
    if step.repeat is None:
        return
    if step.rounds < 2 or step.stop == "answer":
        yield "`repeat` needs `rounds` of at least 2, and a `stop` that not every answer is."
    if step.repeat not in _before(step.id, waits):
        yield f"it cannot repeat {step.repeat!r}, which is none of the steps that it reads, directly or through others."


def _before(step: str, waits: Mapping[str, Collection[str]]) -> set[str]:
    """The steps that this one waits for, directly or through others."""
    found: set[str] = set()
    ahead = [*waits[step]]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += waits[name]
    return found


def _wrong_step(
    step: Step, ids: Collection[str], roles: Collection[str], commands: Collection[str] | None
) -> Iterator[str]:
    if step.id == TASK:
        yield f"{TASK!r} is the name of what the user asks for; call the step something else."
    if step.role not in roles:
        yield f"there is no role {step.role!r}.{_perhaps(step.role, roles)}"
    if not step.prompt.strip() and not step.command:
        yield "it has neither a prompt nor a command."
    if step.command and commands is not None and step.command[1:] not in commands:
        yield f"there is no command {step.command!r}.{_perhaps(step.command, [f'/{c}' for c in commands])}"
    if (step.stop == "text") != bool(step.stop_text.strip()):
        yield '`stop = "text"` and `stop_text` go together.'
    for name in step.inputs:
        if name not in ids:
            yield f"its input {name!r} is no step.{_perhaps(name, ids)}"
    for name in dict.fromkeys(_PLACE.findall(step.prompt)):
        if name in ids and name not in step.inputs:
            yield f"its prompt uses {{{name}}}, which is not among its inputs."


def _sentence(values: Mapping[str, Any], error: ErrorDetails) -> str:
    """One finding of the schema for a person."""
    *above, last = error["loc"]
    match above:
        case ["steps", int(number), *_]:
            steps: Any = values.get("steps")
            named = steps[number].get("id") if isinstance(steps[number], dict) else None
            where = f"Step {named!r}: " if isinstance(named, str) else f"Step {number + 1}: "
        case _:
            where = ""
    if error["type"] == "extra_forbidden":
        known = Step.model_fields if where else Workflow.model_fields
        return f"{where}there is no key {last!r}.{_perhaps(str(last), known)}"
    if error["type"] == "missing":
        return f"{where}{last!r} is missing."
    if where or isinstance(last, str):
        return f"{where}{last!r}: {error['msg']}."
    return f"Step {last + 1} is no table of settings."


def _invalid(source: str, wrong: list[str]) -> InputError:
    more = f" And {len(wrong) - 8} more." if len(wrong) > 8 else ""
    return InputError(f"{source} is no workflow. {' '.join(wrong[:8])}{more}")


def _perhaps(wrong: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
