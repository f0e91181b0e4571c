"""The code around the cursor with a text in the hole, mended as far as that takes no guess.

Half-written code is broken at the cursor. What makes it whole again, so that a suggestion can be judged by a parser, is
mostly the closing of brackets that the user has opened and not closed yet. Brackets that the suggestion itself opens
are its own fault and stay open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from zicoder.complete.brackets import Balance
from zicoder.complete.hole import Hole
from zicoder.complete.region import Region
from zicoder.complete.syntax import CLOSERS

__all__ = ["Judge", "Mended"]

Judge = Callable[[str], bool]
"""Whether a text may stand in the hole."""

_OPENERS = {opener: closer for closer, opener in CLOSERS.items()}


class Mended:
    """One region of a document, ready for any text at the cursor."""

    def __init__(self, hole: Hole, region: Region) -> None:
        self._balance = Balance(hole)
        self.string_at_cursor = self._balance.string_at_cursor
        """The quote that ends the string the cursor stands in, "" elsewhere."""
        self._open = len(self._balance.left_open(""))
        self._region = region
        self._line_after = hole.line_after
        self._rest = region.after[len(hole.line_after) :]

    def within_brackets(self, text: str) -> bool:
        """Whether the end of the text is still within brackets that were open at the cursor."""
        return 0 < len(self._balance.left_open(text)) <= self._open

    def insert(self, text: str, tail: str = "") -> Iterator[str]:
        """The code with the text as it is, and mended when that is another; `tail` comes behind the cursor's line.

        Which brackets are open is told by a few hundred lines, so it may be the code as it is that is whole.
        """
        line = self._region.before + text + self._line_after
        yield line + tail + self._rest
        stack = self._balance.left_open(text)
        if 0 < len(stack) <= self._open:
            closers = "".join(_OPENERS[opener] for opener in reversed(stack))
            yield line + ("\n" if self._balance.ends_in_comment(text) else "") + closers + tail + self._rest
