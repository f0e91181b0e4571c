"""What there is to tell a person about the engine."""

from __future__ import annotations

import enum
import os
import signal
from dataclasses import dataclass

from zicoder.errors import ZiError

__all__ = ["EngineState", "EngineStatus", "exit_cause"]


class EngineState(enum.Enum):
    """Where the engine is in its life."""

    DOWN = "down"
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"
    CRASHED = "crashed"
    STOPPED = "stopped"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What to tell a person about the engine."""

    state: EngineState
    error: ZiError | None = None
    percent: int | None = None


def exit_cause(code: int) -> str:
    """An exit status as a person would say it."""
    if code < 0 and os.name == "posix":
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"killed by {name}; out of memory?" if name == "SIGKILL" else f"killed by {name}"
    return f"exit status {code}"
