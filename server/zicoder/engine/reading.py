"""The running answer to one request, as its caller reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from zicoder.engine.protocol import Begun, Chat, Done, Infill, Piece, Reply, Stats
from zicoder.errors import EngineError, ZiError

__all__ = ["Reading"]


class Line(Protocol):
    """The part of the engine's handle that a reading needs."""

    def submit(self, request: Infill | Chat) -> asyncio.Queue[Reply | ZiError]:
        """Send a request; its replies arrive in the queue, a failure as an exception object."""
        ...

    def cancel(self, request_id: int) -> None:
        """Stop a request for real."""
        ...


class Reading:
    """The running answer to one request: iterate for text; `stats` when it ended; `aclose` cancels."""

    def __init__(self, engine: Line, request: Infill | Chat) -> None:
        self._engine = engine
        self._request = request
        self._replies: asyncio.Queue[Reply | ZiError] | None = None
        self.stats = Stats(finish="cancelled")

    async def __aiter__(self) -> AsyncIterator[str]:
        """Pieces of text; an empty one tells that `stats` knows more lines. Raises EngineError or ModelError."""
        self._replies = self._engine.submit(self._request)
        try:
            while True:
                reply = await self._replies.get()
                match reply:
                    case Begun():
                        self.stats = msgspec.structs.replace(reply.stats, finish="cancelled")
                        if self.stats.lines:
                            yield ""
                    case Piece():
                        count = self.stats.generated_tokens + 1
                        self.stats = msgspec.structs.replace(self.stats, generated_tokens=count, logprob=reply.logprob)
                        yield reply.text
                    case Done():
                        self._replies = None
                        self.stats = reply.stats
                        return
                    case ZiError():
                        self._replies = None
                        raise reply
                    case _:
                        raise EngineError(f"The engine answered out of turn: {type(reply).__name__}.")
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Cancel, if it still runs. The engine stops between two tokens or in the middle of prompt evaluation."""
        if self._replies is not None:
            self._replies = None
            self._engine.cancel(self._request.id)
