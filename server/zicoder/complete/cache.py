"""Suggestions that are still good: at the same place, or at a place reached by typing them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from zicoder.complete.autoclosing import MOST, before_closer, closers
from zicoder.text import Snapshot

__all__ = ["Cached", "SuggestionCache"]

CONTEXT = 256
"""Characters on each side of the cursor that must be the same for an entry to count."""
SIZE = 200
THROUGH = 128
"""Characters that may be typed, or taken of a suggestion at once, before it is forgotten."""


@dataclass(frozen=True, slots=True)
class Cached:
    """A finished answer: what was suggested at `offset` of a document. "" means that nothing was."""

    uri: str
    offset: int
    before: str
    after: str
    rest: int
    text: str
    reason: str = ""
    model: str = ""
    logprob: float | None = None
    """Mean over the answer's tokens."""

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        offset: int,
        text: str,
        reason: str = "",
        model: str = "",
        logprob: float | None = None,
    ) -> Cached:
        """An entry for this place."""
        body = snapshot.text
        before, after = body[max(0, offset - CONTEXT) : offset], body[offset : offset + CONTEXT]
        return cls(snapshot.uri, offset, before, after, len(body) - offset, text, reason, model, logprob)

    def typed(self, snapshot: Snapshot, offset: int) -> str | None:
        """What was typed since, if nothing but typing at this place has happened; None otherwise.

        What the editor closed by itself behind the cursor is no change either.
        """
        body = snapshot.text
        closing = self.closing(snapshot, offset)
        if not 0 <= offset - self.offset <= THROUGH or closing is None or snapshot.uri != self.uri:
            return None
        if body[max(0, self.offset - CONTEXT) : self.offset] != self.before:
            return None
        behind = offset + len(closing)
        if body[behind : behind + CONTEXT] != self.after:
            return None
        typed = body[self.offset : offset]
        return typed if not closing or closers(typed).startswith(closing) else None

    def closing(self, snapshot: Snapshot, offset: int) -> str | None:
        """What stands behind the cursor since; None if that is more than an editor closes, or some of it is gone."""
        end = len(snapshot.text) - self.rest
        return snapshot.text[offset:end] if offset <= end <= offset + MOST else None


class SuggestionCache:
    """The last answers, most recent first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, int, str], Cached] = OrderedDict()

    def put(self, entry: Cached) -> None:
        """Remember an answer."""
        key = (entry.uri, entry.offset, entry.before)
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > SIZE:
            self._entries.popitem(last=False)

    def find(self, snapshot: Snapshot, offset: int, *, through: bool = True) -> Cached | None:
        """The entry for this place with what is left of its text: exact or, with `through`, typed through.

        None when nothing is known. An entry whose text was typed to its end says nothing about what comes next. What
        the editor has closed by itself is not suggested again.
        """
        for entry in list(reversed(self._entries.values())):
            typed = entry.typed(snapshot, offset)
            if typed is None or not entry.text.startswith(typed) or (typed and not through):
                continue
            left, closing = entry.text[len(typed) :], entry.closing(snapshot, offset)
            rest = before_closer(left, closing, typed) if closing else left
            if rest is not None and (left or not typed):
                found = replace(entry, text=rest)
                if len(typed) > THROUGH // 2 and not closing:
                    again = Cached.of(snapshot, offset, rest, entry.reason, entry.model, entry.logprob)
                    self.put(again)  # however long it is, it stays alive while it is taken part by part
                return found
        return None

    def clear(self) -> None:
        """Forget everything, after a change of settings."""
        self._entries.clear()
