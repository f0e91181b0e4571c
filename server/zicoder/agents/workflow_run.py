"""What was done of a workflow so far: kept in a file, so that a failed or interrupted run goes on where it stopped.

    <data>/workflows/<project>/<id>.json

Blocking: for a thread. Must never run anything.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from zicoder.agents.workflows import Step, Workflow
from zicoder.errors import InputError, ZiError
from zicoder.files import OWNER, write_whole
from zicoder.models.store import data_dir
from zicoder.workspace import project_key

__all__ = ["Result", "Run", "Runs", "combined", "next_steps", "resumed", "runs_dir", "sent_back"]

LARGEST = 8 << 20
LONGEST_RESULT = 200_000
"""Characters of one step's result that are kept."""
MOST_AT_ONCE = 4
_IDENTITY = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one step."""

    status: Literal["done", "failed"]
    text: str = ""
    error: str = ""
    attempts: int = 1
    at: float = 0.0
    """Seconds since 1970."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a workflow; never changed, only replaced."""

    id: str
    workflow: str
    digest: str
    task: str
    results: dict[str, Result] = {}
    rounds: dict[str, int] = {}
    """The round that a step which may send others back is in, the first not among them."""
    remarks: dict[str, str] = {}
    """What was said of the last work of a step that is done again, by step."""

    @classmethod
    def begin(cls, workflow: Workflow, task: str) -> Run:
        """A run of which nothing is done yet."""
        identity = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        return cls(id=identity, workflow=workflow.name, digest=workflow.digest, task=task)

    def with_result(self, step: Step, result: Result) -> Run:
        """The run after one more step."""
        cut = msgspec.structs.replace(result, text=result.text[:LONGEST_RESULT], at=result.at or round(time.time(), 3))
        return msgspec.structs.replace(self, results={**self.results, step.id: cut})

    @property
    def texts(self) -> Mapping[str, str]:
        """The results that later steps read; a failed one tells why."""
        return {name: r.text or f"(This step failed: {r.error})" for name, r in self.results.items()}


def next_steps(workflow: Workflow, run: Run, *, beside: Callable[[Step], bool] = lambda _: False) -> tuple[Step, ...]:
    """The steps to do next; () when all are done, or a failed one ends the run.

    One at a time, as they are written; more where they follow each other, none reads another, and each of them may be
    done `beside` others.
    """
    failed = [step for step in workflow.steps if _status(run, step.id) == "failed"]
    if any(step.on_failure == "stop" for step in failed):
        return ()
    found: list[Step] = []
    for step in workflow.order:
        if step.id in run.results:
            continue
        alone = bool(found) and not (beside(step) and beside(found[0]))
        if alone or len(found) == MOST_AT_ONCE or not all(name in run.results for name in step.inputs):
            break
        found.append(step)
    return tuple(found)


def sent_back(workflow: Workflow, run: Run, step: Step, remark: str) -> Run | None:
    """The run in the next round of `step`: what it sends back, and all that read that, is done again.

    None where it sends nothing back, or has done so as often as it may.
    """
    used = run.rounds.get(step.id, 1)
    if not step.repeat or used >= step.rounds:
        return None
    return msgspec.structs.replace(
        run,
        results=_without(workflow, run, {step.repeat}),
        rounds={**run.rounds, step.id: used + 1},
        remarks={**run.remarks, step.repeat: remark[:LONGEST_RESULT]},
    )


def resumed(workflow: Workflow, run: Run) -> Run:
    """The run with its failed steps, and all that read them, still to be done. Raises InputError.

    A workflow that was changed since is no longer the one that was begun.
    """
    if run.workflow != workflow.name or run.digest != workflow.digest:
        raise InputError(f"The workflow {run.workflow} was changed since this run.", hint="Begin a new run.")
    failed = {step.id for step in workflow.steps if _status(run, step.id) == "failed"}
    kept = _without(workflow, run, failed)
    gone = set(run.results) - set(kept)
    return msgspec.structs.replace(run, results=kept, rounds={n: r for n, r in run.rounds.items() if n not in gone})


def _without(workflow: Workflow, run: Run, again: Collection[str]) -> dict[str, Result]:
    """The results of a run without those of some steps, and of all that read them."""
    gone = set(again)
    for step in workflow.order:
        if gone & set(step.inputs):
            gone.add(step.id)
    return {name: result for name, result in run.results.items() if name not in gone}


def combined(workflow: Workflow, run: Run) -> str:
    """One report of the whole run, in Markdown."""
    parts = [f"# {workflow.name}: {' '.join(run.task.split())[:200]}"]
    for step in workflow.order:
        result = run.results.get(step.id)
        status = result.status if result else "not done"
        rounds = f", round {run.rounds[step.id]} of {step.rounds}" if step.id in run.rounds else ""
        parts.append(f"## {step.id} ({step.role}): {status}{rounds}")
        if result and result.error:
            parts.append(f"> {' '.join(result.error.split())}")
        if result and result.text.strip():
            parts.append(result.text.strip())
    return "\n\n".join(parts) + "\n"


def runs_dir(root: Path) -> Path:
    """Where the runs in the project at `root` are on this machine."""
    return data_dir() / "workflows" / project_key(root)


class Runs:
    """The runs kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, run: Run) -> None:
        """Write a run down, whole or not at all. Raises ZiError."""
        path = self._path(run.id)
        try:
            write_whole(path, msgspec.json.encode(run), new=OWNER)
        except OSError as error:
            raise ZiError(
                f"The run of {run.workflow} cannot be saved: {error.strerror or error} ({path}).",
                hint="Make room on the disk, or set ZI_DATA_DIR to a folder that can be written.",
            ) from error

    def read(self, identity: str) -> Run:
        """A run by its identity, or "last". Raises InputError."""
        names = self.names()
        if identity == "last" and names:
            identity = names[0]
        if identity not in names:
            raise InputError(f"There is no run {identity!r} of a workflow.", hint="Begin one with `/workflow`.")
        try:
            with self._path(identity).open("rb") as file:
                return msgspec.json.decode(file.read(LARGEST), type=Run)
        except (OSError, msgspec.MsgspecError, RecursionError) as error:
            raise InputError(f"The run {identity} cannot be read: {error}.", hint="Begin a new one.") from error

    def names(self) -> list[str]:
        """Identities of all runs, the last begun first."""
        with contextlib.suppress(OSError):
            return sorted((p.stem for p in self.folder.glob("*.json") if _IDENTITY.fullmatch(p.stem)), reverse=True)
        return []

    def _path(self, identity: str) -> Path:
        if not _IDENTITY.fullmatch(identity):
            raise InputError(f"{identity!r} is no run of a workflow.")
        return self.folder / f"{identity}.json"


def _status(run: Run, step: str) -> str:
    return run.results[step].status if step in run.results else ""
