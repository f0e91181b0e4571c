"""What a local model says, taken apart while it speaks: text for the reader, a call of a tool, going round in circles.

Pure: fed with pieces, it answers what can be shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from zicoder.models.chat.turns import CALL, CALL_END

__all__ = ["Call", "Loops", "Speech"]

_SPOKEN = re.compile(r'\s*\{\s*"name"\s*:\s*"answer"\s*,\s*"arguments"\s*:\s*\{\s*"text"\s*:\s*"')
"""Behind the mark of a call: the answer's text begins here, as a JSON string."""
_STRING = re.compile(r'(?:[^"\\]|\\(?:["\\/bfnrt]|u(?![dD][89abAB])[0-9a-fA-F]{4}|u[dD][89abAB]..\\u[0-9a-fA-F]{4}))*')
"""What of a JSON string's inside is complete: whole escapes, both halves of a character."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool: its name, and the arguments as JSON."""

    name: str
    arguments: str


class Speech:
    """Fed with an answer, piece by piece. Without tools everything is text."""

    def __init__(self, tools: Iterable[str]) -> None:
        self._tools = frozenset(tools)
        self._text = ""
        self._shown = 0
        """Characters of the text before a call, or of an answer's text within one, that were given away."""
        self._from = -1
        """Where the text within an answering call begins."""

    def feed(self, piece: str) -> str:
        """The text that can be shown now."""
        self._text += piece
        if not self._tools:
            return self._until(len(self._text))
        at = self._text.find(CALL)
        if at < 0:
            open_end = max((n for n in range(1, len(CALL)) if self._text.endswith(CALL[:n])), default=0)
            return self._until(len(self._text) - open_end)
        if self._from < 0:
            if not (spoken := _SPOKEN.match(self._text, at + len(CALL))):
                return self._until(at)
            self._from, self._shown = spoken.end(), 0
        return self._spoken()

    def end(self) -> tuple[str, Call | None]:
        """The rest of the text, and the call that the answer made, if any; one that was cut off is none."""
        if self._from >= 0:
            return self._spoken(), None
        at = self._text.find(CALL) if self._tools else -1
        if at < 0:
            return self._until(len(self._text)), None
        return self._until(at), self._call(self._text[at + len(CALL) :].split(CALL_END, 1)[0])

    def _until(self, at: int) -> str:
        at = max(at, self._shown)
        new, self._shown = self._text[self._shown : at], at
        return new

    def _spoken(self) -> str:
        complete = _STRING.match(self._text, self._from)
        said: str = json.loads(f'"{complete[0]}"', strict=False) if complete else ""
        new, self._shown = said[self._shown :], len(said)
        return new

    def _call(self, body: str) -> Call | None:
        try:
            found: Any = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(found, dict):
            return None
        values = cast("dict[str, Any]", found)
        arguments = values.get("arguments", {})
        if values.get("name") not in self._tools or not isinstance(arguments, dict):
            return None
        return Call(str(values["name"]), json.dumps(arguments, ensure_ascii=False))


class Loops:
    """Notices a model that says the same again and again: the last stretch of text, four times over."""

    TIMES = 4
    SHORTEST = 240
    """Characters that the repetition must cover: a table's rule and a drawn line are shorter."""
    LONGEST = 2400

    def __init__(self) -> None:
        self._text = ""
        self._next = self.SHORTEST

    def feed(self, piece: str) -> bool:
        """Whether the text so far ends in a loop."""
        self._text = (self._text + piece)[-self.LONGEST :]
        self._next -= len(piece)
        if self._next > 0:
            return False
        self._next = 40
        return any(self._repeats(period) for period in range(1, len(self._text) // self.TIMES + 1))

    def _repeats(self, period: int) -> bool:
        size = max(self.TIMES * period, self.SHORTEST)
        tail = self._text[-size:]
        return len(tail) == size and tail[period:] == tail[:-period]
