"""What was done of a workflow so far: kept in a file, so that a failed or interrupted run goes on where it stopped.

    <data>/workflows/<project>/<id>.json

Blocking: for a thread. Must never run anything.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from zicoder.agents.workflows import Step, Workflow
from zicoder.errors import InputError, ZiError
from zicoder.models.store import data_dir
from zicoder.workspace import index_dir

__all__ = ["Result", "Run", "Runs", "combined", "next_step", "resumed", "runs_dir"]

LARGEST = 8 << 20
LONGEST_RESULT = 200_000
"""Characters of one step's result that are kept."""
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


def next_step(workflow: Workflow, run: Run) -> Step | None:
    """The step to do next; None when all are done, or a failed one ends the run."""
    failed = [step for step in workflow.steps if _status(run, step.id) == "failed"]
    if any(step.on_failure == "stop" for step in failed):
        return None
    return next((step for step in workflow.order if step.id not in run.results), None)


def resumed(workflow: Workflow, run: Run) -> Run:
    """The run with its failed steps, and all that read them, still to be done. Raises InputError.

    A workflow that was changed since is no longer the one that was begun.
    """
    if run.workflow != workflow.name or run.digest != workflow.digest:
        raise InputError(f"The workflow {run.workflow} was changed since this run.", hint="Begin a new run.")
    again = {step.id for step in workflow.steps if _status(run, step.id) == "failed"}
    for step in workflow.order:
        if again & set(step.inputs):
            again.add(step.id)
    kept = {name: result for name, result in run.results.items() if name not in again}
    return msgspec.structs.replace(run, results=kept)


def combined(workflow: Workflow, run: Run) -> str:
    """One report of the whole run, in Markdown."""
    parts = [f"# {workflow.name}: {' '.join(run.task.split())[:200]}"]
    for step in workflow.order:
        result = run.results.get(step.id)
        status = result.status if result else "not done"
        parts.append(f"## {step.id} ({step.role}): {status}")
        if result and result.error:
            parts.append(f"> {' '.join(result.error.split())}")
        if result and result.text.strip():
            parts.append(result.text.strip())
    return "\n\n".join(parts) + "\n"


def runs_dir(root: Path) -> Path:
    """Where the runs in the project at `root` are on this machine."""
    return data_dir() / "workflows" / index_dir(root).name


class Runs:
    """The runs kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, run: Run) -> None:
        """Write a run down, whole or not at all. Raises ZiError."""
        path = self._path(run.id)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
                part = Path(file.name)
                try:
                    file.write(msgspec.json.encode(run))
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    file.close()
                    part.unlink(missing_ok=True)
                    raise
            part.replace(path)
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
