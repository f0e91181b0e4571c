"""The requests that the engine has not answered yet: who waits for which, and what arrives for them.

Owns the numbers of requests and the queues of those who wait. Never touches the process.
"""

from __future__ import annotations

import asyncio

from zicoder.engine.protocol import (
    Begun,
    Chat,
    Count,
    Counted,
    Done,
    Failed,
    Infill,
    Load,
    Loaded,
    Loading,
    Piece,
    Reply,
)
from zicoder.errors import EngineError, EngineUnavailable, ModelError, ModelMisconfigured, ZiError

__all__ = ["Pending", "Replies", "Request"]

Request = Load | Infill | Chat | Count
Replies = asyncio.Queue[Reply | ZiError]
"""What arrives for one request, a failure as an exception object."""

_FAILURES: dict[str, type[ZiError]] = {
    "ModelError": ModelError,
    "ModelMisconfigured": ModelMisconfigured,
    "EngineError": EngineError,
    "EngineUnavailable": EngineUnavailable,
}


class Pending:
    """The open requests of one engine."""

    def __init__(self) -> None:
        self._waiting: dict[int, Replies] = {}
        self._asked: set[int] = set()
        """Requests that somebody waits for, which idle preparation is not: they make the engine look busy."""
        self._last_id = 0

    @property
    def busy(self) -> bool:
        """Whether somebody waits."""
        return bool(self._asked)

    def new_id(self) -> int:
        """A fresh request id."""
        self._last_id += 1
        return self._last_id

    def add(self, request: Request) -> Replies:
        """Wait for what is answered to a request."""
        replies = self._waiting[request.id] = Replies()
        if _is_waited_for(request):
            self._asked.add(request.id)
        return replies

    def drop(self, request_id: int) -> bool:
        """Wait no more; False if nobody did."""
        self._asked.discard(request_id)
        return self._waiting.pop(request_id, None) is not None

    def deliver(self, reply: Begun | Piece | Loading | Done | Loaded | Counted | Failed) -> None:
        """Hand a reply to whoever waits for it; `Failed` and what ends a request is the last one it gets."""
        last = not isinstance(reply, (Begun, Piece, Loading))
        replies = self._waiting.pop(reply.id, None) if last else self._waiting.get(reply.id)
        if replies is not None:
            failed = isinstance(reply, Failed)
            replies.put_nowait(_FAILURES[reply.kind](reply.message, hint=reply.hint) if failed else reply)
        if last:
            self._asked.discard(reply.id)

    def fail(self, error: ZiError) -> None:
        """Nothing more will be answered."""
        for replies in self._waiting.values():
            replies.put_nowait(error)
        self._waiting.clear()
        self._asked.clear()


def _is_waited_for(request: Request) -> bool:
    """Whether a person waits, and does not just find it ready one day."""
    if isinstance(request, Infill):
        return not request.prefill
    return not (isinstance(request, Chat) and request.speculative)
