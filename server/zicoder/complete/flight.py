"""One generation under way, with any number of requests waiting for it.

Owns who waits and whether what was typed since still agrees with the stream. Knows nothing of models or filters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from zicoder.complete.cache import Cached
from zicoder.text import Snapshot

__all__ = ["GRACE_S", "Flight"]

GRACE_S = 0.025
"""How long a generation that nobody waits for goes on. Editors cancel and ask again within one burst of messages;
the new request may want the very same text."""


class Flight:
    """One generation, with any number of requests waiting for it."""

    def __init__(self, snapshot: Snapshot, offset: int, work: Callable[[Flight], Coroutine[None, None, None]]) -> None:
        self.snapshot = snapshot
        self.offset = offset
        self.streamed = ""
        self._expected = ""
        """With what is streamed the answer will probably begin."""
        self.text = ""
        self.reason = ""
        self.logprob: float | None = None
        self._waiting = 0
        self._joined: dict[asyncio.Future[None], tuple[Snapshot, int]] = {}
        """What each joining request has typed, and how to tell it that the stream went elsewhere."""
        self._place = Cached.of(snapshot, offset, "")
        self.task: asyncio.Task[None] = asyncio.create_task(work(self))

    def hear(self, text: str) -> None:
        """The model has come this far."""
        self.streamed = text
        self.expect(text)

    def expect(self, text: str) -> None:
        """The answer will probably begin so."""
        self._expected = text
        for left, typed in self._joined.items():
            if not left.done() and not self.agrees(*typed):
                left.set_result(None)

    async def join(self, snapshot: Snapshot, offset: int) -> bool:
        """Wait for the end; False as soon as the stream is something else than what was typed since."""
        left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joined[left] = (snapshot, offset)
        ended = asyncio.create_task(self.wait())
        try:
            await asyncio.wait((ended, left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._joined[left]
            if not ended.done():
                ended.cancel()
        return ended.done() and ended.result()

    def agrees(self, snapshot: Snapshot, offset: int) -> bool:
        """Whether what was typed since is what has been streamed, or will probably be, as far as both go."""
        typed = self._place.typed(snapshot, offset)
        if typed is None or self.task.done():
            return False
        n = min(len(typed), len(self._expected))
        return typed[:n] == self._expected[:n]

    async def wait(self) -> bool:
        """Wait for the end; False when it was cancelled by somebody else. Raises what the work raised."""
        self._waiting += 1
        try:
            await asyncio.shield(self.task)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if not self.task.cancelled() or (me and me.cancelling()):
                raise
            return False
        else:
            return True
        finally:
            self._waiting -= 1
            if self._waiting == 0 and not self.task.done():
                asyncio.get_running_loop().call_later(GRACE_S, self._cancel_if_alone)

    def _cancel_if_alone(self) -> None:
        if self._waiting == 0:
            self.task.cancel()

    def cancel(self) -> asyncio.Task[None]:
        """Cancel now, whoever waits."""
        self.task.cancel()
        return self.task
