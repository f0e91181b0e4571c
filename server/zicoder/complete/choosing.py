"""Which of the lines that a model thinks likely is the one to suggest.

A small model writes fluent lines that cannot be right here: they use a variable of the function above, or a bracket too
many. It often had the right one in second place. Owns that second look. Pure but for the grammars it loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

from zicoder.complete.filters import apply_filters
from zicoder.complete.hole import Hole, indent_width
from zicoder.complete.names import bound_names, missing_names, unknown_names
from zicoder.complete.parses import valid_part
from zicoder.complete.reachable import Reach, reach
from zicoder.complete.scope import EndOfScope
from zicoder.text import split_lines

__all__ = ["Found", "Judge"]

Found: TypeAlias = tuple[str, float, int]
"""A line: text, logarithm of its probability, tokens."""

UNKNOWN = 4.0
"""What it counts against a line, in nats, when nothing in the document defines a name that it uses,"""
OUT_OF_REACH = 2.5
"""when something does that cannot be reached from here,"""
IDLE = 2.0
"""when the code behind waits for a name and it defines none,"""
BROKEN = 4.0
"""when it adds a syntax error,"""
DROPPED = 8.0
"""and when a filter leaves nothing of it."""


class Judge:
    """Judges lines for one place. What that takes is read when it is first needed: a sure line needs nothing."""

    def __init__(self, hole: Hole) -> None:
        self._hole = hole
        self._flaws: dict[str, float] = {}

    @cached_property
    def _reach(self) -> Reach | None:
        return reach(self._hole) if self._hole.language == "python" else None

    @cached_property
    def _reachable(self) -> str | None:
        return self._reach and self._reach.text + self._reach.behind

    @cached_property
    def missing(self) -> list[str]:
        """Names that the code behind the cursor uses and nothing defines: a new statement here should."""
        hole = self._hole
        if hole.line_before.strip() or hole.line_after.strip() or self._reach is None:
            return []
        behind = self._reach.behind
        return missing_names(behind, self._reach.text) if _goes_on_level(hole, behind) else []

    def better(self, said: str, lines: Sequence[Found]) -> Found | None:
        """The line to take in the place of what a model said, as far as that is in scope; None to keep that.

        `lines` are those that it thought likely, that of `said` first.
        """
        if len(lines) < 2:
            return None
        flaw = self.flaw(said)
        if not flaw:
            return None
        best, worth = None, lines[0][1] - flaw
        for line in lines[1:]:
            against = self.flaw(line[0]) if line[1] > worth else DROPPED
            if against < DROPPED and line[1] - against > worth:
                best, worth = line, line[1] - against
        return best

    def misses(self, text: str) -> bool:
        """Whether names are missing, and the text defines none of them."""
        return bool(self.missing) and bound_names(text).isdisjoint(self.missing)

    def flaw(self, text: str) -> float:
        """What counts against the first line of a text, in nats."""
        if text not in self._flaws:
            self._flaws[text] = self._flaw(text)
        return self._flaws[text]

    def _flaw(self, text: str) -> float:
        hole = self._hole
        scope = EndOfScope(hole)
        scope.feed(text)
        made = apply_filters(scope.text, hole).text
        if not made.strip():
            return DROPPED
        line = _first(made)
        if _first(valid_part(hole, made)) != line:
            return BROKEN
        if hole.language != "python":
            return 0.0
        if unknown_names(hole, line):
            return UNKNOWN
        if self._reachable is not None and unknown_names(hole, line, self._reachable):
            return OUT_OF_REACH
        return IDLE if self.misses(made) else 0.0


def _goes_on_level(hole: Hole, behind: str) -> bool:
    """Whether the next line belongs to the block that the cursor is in."""
    line = next((line for line in split_lines(behind) if line.strip()), "")
    return bool(line) and indent_width(line) == indent_width(hole.line_before) > 0


def _first(text: str) -> str:
    head, line_end, tail = text.lstrip().partition("\n")
    return text[: len(text) - len(line_end + tail)] if head else ""
