"""What happened to one request, stage by stage: the answer to "why no suggestion?"."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from zicoder.models.protocols import InfillStats

__all__ = ["Stage", "Trace"]


@dataclass(slots=True)
class Stage:
    """One stage: how long it took in milliseconds, and what it decided."""

    name: str
    ms: float = 0.0
    note: str = ""


@dataclass(slots=True)
class Trace:
    """The record of one request. `reason` is a sentence for a person."""

    uri: str
    line: int
    column: int
    trigger: str
    model: str = ""
    outcome: str = "running"
    """"shown", "nothing", "cancelled" or "failed"."""
    reason: str = ""
    stages: list[Stage] = field(default_factory=list[Stage])
    stats: InfillStats | None = None
    raw: str = ""
    """What the model said before the filters; stays in memory, never in a log."""
    started: float = field(default_factory=time.perf_counter)
    total_ms: float = 0.0

    @contextmanager
    def stage(self, name: str) -> Generator[Stage]:
        """Time a stage, also when it ends in an exception."""
        stage = Stage(name)
        self.stages.append(stage)
        start = time.perf_counter()
        try:
            yield stage
        finally:
            stage.ms = (time.perf_counter() - start) * 1000

    def end(self, outcome: str, reason: str) -> None:
        """Close the record."""
        self.outcome, self.reason = outcome, reason
        self.total_ms = (time.perf_counter() - self.started) * 1000

    @property
    def last_stage(self) -> str:
        """The stage that decided."""
        return self.stages[-1].name if self.stages else ""

    def describe(self) -> str:
        """The record in a few lines of text."""
        head = {"shown": "A suggestion was shown", "nothing": "No suggestion", "failed": "No suggestion"}
        lines = [f"{head.get(self.outcome, 'The request was ' + self.outcome)}: {self.reason}"]
        lines += [f"  {s.name}: {s.ms:.0f} ms{'; ' + s.note if s.note else ''}" for s in self.stages]
        return "\n".join(lines)
