"""How long a provider is waited for, and when it is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from zicoder.models.exchange import Limits

__all__ = ["Breaker", "Patience", "pause_s"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Limits of one request. Times in seconds."""

    tries: int = 4
    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0
    """A provider that asks for a longer one is left alone instead."""
    answer_s: float = 900.0
    """For a whole answer that is not streamed."""
    limits: Limits = field(default_factory=Limits)
    alone_s: float = 30.0
    """How long a provider is left alone at first, once it has failed for good; twice as long each time."""
    longest_alone_s: float = 600.0


def pause_s(patience: Patience, attempt: int, asked_s: float | None, chance: float) -> float | None:
    """How long to wait before the next attempt (the first failure is attempt 1), None to give up.

    What the provider asks for is kept to, never undercut; else exponential backoff with "equal jitter": half of the
    pause is fixed, half is left to `chance`, 0 to 1, so that many clients do not come back at the same moment.
    """
    if attempt >= patience.tries:
        return None
    backoff = min(patience.first_pause_s * 2 ** (attempt - 1), patience.longest_pause_s)
    if asked_s is None:
        return backoff * (0.5 + chance / 2)
    if asked_s > patience.longest_pause_s:
        return None
    return asked_s + min(patience.first_pause_s, asked_s) * chance / 4


class Breaker:
    """The circuit to one provider: closed; open once it has failed for good; half open when one request may probe."""

    def __init__(self, patience: Patience, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0
        self._probing = False

    def enter(self) -> float:
        """0.0 when a request may go; else the seconds for which none may, at least a little."""
        left = self._open_until - self._clock()
        if left > 0:
            return left
        if self._failures == 0:
            return 0.0
        if self._probing:
            return self._patience.first_pause_s
        self._probing = True
        return 0.0

    @property
    def probing(self) -> bool:
        """Whether the circuit is half open: the request that is under way is a probe, and gets one attempt."""
        return self._probing

    def worked(self) -> None:
        """The provider answered, if only to refuse."""
        self._failures, self._probing = 0, False

    def failed(self, asked_s: float | None = None) -> None:
        """It failed for good: leave it alone, at least as long as it asked for."""
        alone = min(self._patience.alone_s * 2**self._failures, self._patience.longest_alone_s)
        self._failures = min(self._failures + 1, 16)
        self._open_until = self._clock() + max(alone, asked_s or 0.0)
        self._probing = False

    def left(self) -> None:
        """The request was given up by whoever made it, which says nothing about the provider."""
        self._probing = False
