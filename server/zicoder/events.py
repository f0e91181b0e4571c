"""What the core tells a front end while it works. Plain data; the front end decides how to show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Progress", "ProgressSink", "ignore_progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of something that takes longer than a second.

    `done` and `total` share a unit (bytes for downloads, per cent for loading); `total` is None when unknown.
    """

    title: str
    done: int = 0
    total: int | None = None
    detail: str = ""


ProgressSink = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """A sink for callers that show nothing."""
