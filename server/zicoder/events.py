"""What the core tells a front end while it works. Plain data; the front end decides how to show it.

A command is an async generator of `Event`s: any number of them, and at the end exactly one `Finished` or `Failed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from zicoder.proposal import Proposal

__all__ = [
    "Delta",
    "Event",
    "Failed",
    "Finished",
    "Notice",
    "Progress",
    "ProgressSink",
    "Proposed",
    "Sent",
    "SentPiece",
    "ToolEnded",
    "ToolStarted",
    "Used",
    "ignore_progress",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of something that takes longer than a second.

    `done` and `total` share a unit (bytes for downloads, per cent for loading); `total` is None when unknown.
    """

    title: str
    done: int = 0
    total: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer, in Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about what is going on, no part of the answer: "Rate limit reached, waiting 8 s."."""

    text: str
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """An agent uses a tool. `summary` is one line for a person; `id` is the same in `ToolEnded`."""

    id: str
    tool: str
    summary: str


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """What became of it, in one line."""

    id: str
    ok: bool
    summary: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """Edits to show. Nothing is written yet, and this event does not ask for it."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class SentPiece:
    """One thing that a model is shown beside the question."""

    name: str
    """For a person: a path, or what it is ("git diff")."""
    path: str
    """Project-relative, "" for what is no part of a file."""
    start: int
    """Zero-based lines, [start, end)."""
    end: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What a model is about to be asked with: the pieces, and the tokens of everything against its window."""

    pieces: tuple[SentPiece, ...]
    tokens: int
    window: int


@dataclass(frozen=True, slots=True)
class Used:
    """What a model's answer cost. `cost` in US dollars; 0 for a local model, None where no price is known."""

    model: str
    input_tokens: int
    output_tokens: int
    cost: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a command: the whole text again, since some clients lose pieces, and data for programs."""

    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Failed:
    """The end of a command that could not do what was asked: what happened and why, and what to do."""

    message: str
    hint: str = ""


Event: TypeAlias = Progress | Delta | Notice | ToolStarted | ToolEnded | Proposed | Sent | Used | Finished | Failed

ProgressSink = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """A sink for callers that show nothing."""
