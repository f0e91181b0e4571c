"""The beginning and the end of a text that may be endless, in bounded memory; what was left out is said."""

from __future__ import annotations

import re
from collections import deque

__all__ = ["Excerpt", "readable", "shortened"]

HEAD_BYTES = 8_000
TAIL_BYTES = 16_000
"""The end is worth more: errors and totals stand there. Together some six thousand tokens."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)|[@-Z\\-_])")
_REDRAWN = re.compile(r"[^\n]*\r(?=[^\n])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Excerpt:
    """Takes bytes as they come."""

    def __init__(self, *, head: int = HEAD_BYTES, tail: int = TAIL_BYTES) -> None:
        self._head = bytearray()
        self._head_bytes = head
        self._tail: deque[bytes] = deque()
        self._tail_bytes = tail
        self._kept = 0
        self.total = 0
        """Bytes taken so far."""

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self.total += len(data)
        room = self._head_bytes - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        data = data[-self._tail_bytes :] if self._tail_bytes else b""
        if data:
            self._tail.append(data)
            self._kept += len(data)
        while self._tail and self._kept - len(self._tail[0]) >= self._tail_bytes:
            self._kept -= len(self._tail.popleft())

    def text(self) -> str:
        """Both ends, in whole lines where there are lines, without what only a terminal understands."""
        tail = b"".join(self._tail)[-self._tail_bytes :] if self._tail else b""
        left_out = self.total - len(self._head) - len(tail)
        if left_out <= 0:
            return readable(bytes(self._head) + tail)
        head = bytes(self._head)
        head_end, tail_start = head.rfind(b"\n") + 1 or len(head), tail.find(b"\n") + 1
        left_out += len(head) - head_end + tail_start
        mark = f"[… {left_out:,} bytes left out …]"
        return f"{readable(head[:head_end]).rstrip()}\n{mark}\n{readable(tail[tail_start:])}"


def readable(data: bytes) -> str:
    """Bytes of a program's output as text: no escape sequences, no redrawn progress bars, no control characters.

    A NUL, which ends names in some lists, becomes the end of a line.
    """
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\0", "\n")
    return _CONTROL.sub("", _REDRAWN.sub("", _ESCAPES.sub("", text)))


def shortened(text: str, limit: int) -> str:
    """A text of at most about `limit` characters: its beginning, in whole lines, and how many lines are missing."""
    if len(text) <= limit:
        return text
    end = text.rfind("\n", 0, limit) + 1 or limit
    return f"{text[:end].rstrip()}\n[… {text.count(chr(10), end) + 1} more lines left out …]"
