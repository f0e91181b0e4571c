"""JSON-RPC messages, one a line, over two binary streams: the SDK's transport, by two threads and for every system.

Owns what happens to lines that are no messages: they are answered with an error and never end the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
from typing import Any, BinaryIO, cast

__all__ = ["LONGEST", "Pipe"]

LONGEST = 64 << 20
"""Bytes of one message that is taken."""
NO_JSON, NO_REQUEST = -32700, -32600
"""Error codes of JSON-RPC 2.0."""
CLOSING_S = 5.0
"""How long a client may take to read what is left."""


class Pipe:
    """A connection to one client. Make it inside the running loop."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader, self._writer = reader, writer
        self._loop = asyncio.get_running_loop()
        self._incoming: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writing = threading.Thread(target=self._write, name="acp-write", daemon=True)
        self._writing.start()
        threading.Thread(target=self._read, name="acp-read", daemon=True).start()

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None at the end of the connection."""
        return await self._incoming.get()

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message after those before it."""
        self._outgoing.put(json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n")

    async def close(self) -> None:
        """Send what is left; a client that does not read it is not waited for."""
        self._outgoing.put(None)
        await asyncio.to_thread(self._writing.join, CLOSING_S)

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the other side is gone, or the stream was closed
            while line := self._reader.readline(LONGEST + 1):
                if len(line) > LONGEST:
                    self._skip_line(line)
                    self._refuse(NO_REQUEST, f"A message may have {LONGEST >> 20} MB at most.")
                elif line.strip():
                    self._take(line)
        self._hand_over(None)

    def _skip_line(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._reader.readline(LONGEST)

    def _take(self, line: bytes) -> None:
        try:
            message: Any = json.loads(line)
        except (ValueError, RecursionError):
            self._refuse(NO_JSON, "This is not JSON.")
            return
        if isinstance(message, dict):
            self._hand_over(cast("dict[str, Any]", message))
        else:
            self._refuse(NO_REQUEST, "A message is a JSON object.")

    def _refuse(self, code: int, text: str) -> None:
        answer = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": text}}
        self._outgoing.put(json.dumps(answer).encode("ascii") + b"\n")

    def _hand_over(self, message: dict[str, Any] | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._incoming.put_nowait, message)

    def _write(self) -> None:
        try:
            while (data := self._outgoing.get()) is not None:
                self._writer.write(data)
                self._writer.flush()
        except (OSError, ValueError):
            self._hand_over(None)  # nobody reads any more
