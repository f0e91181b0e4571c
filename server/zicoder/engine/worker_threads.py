"""How many threads are worth using on a machine that others use, too."""

from __future__ import annotations

import time

import psutil

__all__ = ["ThreadGauge"]


class ThreadGauge:
    """How many threads are worth using now: those for which no other process wants the core.

    llama.cpp's threads meet at a barrier after every operation. On a core shared with a busy process each meeting
    waits for the scheduler: on two cores with one of them busy, one thread was measured to be twice as fast as two.
    """

    MIN_WINDOW_S = 0.2

    def __init__(self, most: int) -> None:
        self._most = most
        self._process = psutil.Process()
        self._cores = psutil.cpu_count() or 1
        self._now = most
        self._at, self._busy, self._own = self._sample()

    def _sample(self) -> tuple[float, float, float]:
        machine, own = psutil.cpu_times(), self._process.cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        return time.monotonic(), sum(machine[:8]) - idle, own.user + own.system

    def read(self) -> int:
        """Threads to use for the next request."""
        at, busy, own = self._sample()
        elapsed = at - self._at
        if elapsed >= self.MIN_WINDOW_S:
            others = max(0.0, (busy - self._busy) - (own - self._own)) / elapsed
            self._at, self._busy, self._own = at, busy, own
            self._now = max(1, min(self._most, round(self._cores - others)))
        return self._now
