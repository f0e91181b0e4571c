"""Keeps the brackets and quotes of a suggestion in step with those around the cursor.

Only what the suggestion makes worse is repaired: what was unbalanced before stays the user's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from zicoder.complete.hole import Hole
from zicoder.complete.syntax import CLOSERS, LINE_COMMENT, REGION_CHARS, Lexer, lex_prefix, suffix_region, syntax_of

__all__ = ["Balance", "balance_brackets"]

_TAIL = "([{)]};, \t\r\n"
_QUOTES = "\"'`"
_CANDIDATES = 64
"""Cuts that are tried; more closing brackets than that are no suggestion any more."""


class Balance:
    """Weighs what a text at the cursor would do to the brackets of the statement around it."""

    def __init__(self, hole: Hole) -> None:
        self._start = lex_prefix(hole)
        self._before = hole.line_before[-REGION_CHARS:]
        self._after = hole.line_after[:REGION_CHARS] + "\n"
        cursor = self._start.copy()
        cursor.feed(self._before)
        self.string_at_cursor = cursor.inside if cursor.in_string else ""
        """The quote that ends the string the cursor stands in, "" elsewhere."""
        self._ends_at_cursor = cursor.inside if cursor.inside != LINE_COMMENT else ""
        self._in_long_string = cursor.in_string and cursor.in_long_text and not self._lex_line("").in_long_text
        self._may_comment = cursor.inside == LINE_COMMENT or not self._after.strip()
        below = Lexer(syntax_of(hole.language))
        below.feed(suffix_region(hole))
        self._closers = below.strays
        in_short_string = cursor.in_string and not cursor.in_long_text
        self.in_prose = cursor.inside != "" and not in_short_string and not self._in_long_string
        """Whether the cursor stands in a comment or a long string, where brackets belong to sentences."""
        if self.in_prose:
            self._start, self._closers = Lexer(syntax_of("plaintext")), []

    def ends_text_at_cursor(self, mark: str, text: str) -> bool:
        """Whether `mark` is what ends the string or comment around the cursor, and stands but once in `text`."""
        return mark == self._ends_at_cursor and text.count(mark) == 1

    def faults(self, text: str) -> int:
        """What is wrong with the document once `text` is inserted.

        Counted are closing brackets too many or of the wrong kind, strings that a line's end breaks, a
        long string that ends too early, and code after the cursor that becomes a comment.
        """
        return self.weigh(text)[0]

    def weigh(self, text: str) -> tuple[int, int]:
        """The faults, and then the brackets that are merely left open."""
        swallowed = 0
        if not self._may_comment:
            lexer = self._start.copy()
            lexer.feed(self._before + text)
            swallowed = int(lexer.inside == LINE_COMMENT)
        lexer = self._lex(text)
        reopened = self._in_long_string and lexer.in_long_text
        return lexer.faults + swallowed + int(reopened), len(lexer.stack)

    def left_open(self, text: str) -> list[str]:
        """The brackets that nothing closes once `text` is inserted, outermost first."""
        return self._lex(text).stack

    def ends_in_comment(self, text: str) -> bool:
        """Whether the cursor's line ends in a comment once `text` is inserted."""
        lexer = self._start.copy()
        lexer.feed(self._before + text + self._after.removesuffix("\n"))
        return lexer.inside == LINE_COMMENT

    def _lex_line(self, text: str) -> Lexer:
        lexer = self._start.copy()
        lexer.feed(self._before + text + self._after)
        return lexer

    def _lex(self, text: str) -> Lexer:
        lexer = self._lex_line(text)
        if not lexer.in_long_text:
            for closer in self._closers:
                lexer.close(closer)
        return lexer


def balance_brackets(text: str, hole: Hole) -> str:
    """Cut the closing brackets and quotes that the text after the cursor has already, and unmatched ones.

    First the closers at the end are taken away one by one, since a model that does not see the suffix
    repeats them there; then everything from the last closing bracket on, from the one before it, ...
    The first cut that does no harm to the document wins; without one the best is taken.
    """
    balance = Balance(hole)
    if balance.in_prose:
        return text
    allowed = balance.faults("")
    best, least = text, balance.faults(text)
    if least <= allowed:
        return text
    for count, cut in enumerate(_cuts(text, hole, balance)):
        faults = balance.faults(text[:cut])
        if faults < least:
            best, least = text[:cut], faults
        if least <= allowed or count >= _CANDIDATES:
            break
    return best


def _cuts(text: str, hole: Hole, balance: Balance) -> Iterator[int]:
    """Where the text might be cut, in the order in which to try."""
    quote = balance.string_at_cursor
    tail = _TAIL + (quote or "".join(char for char in hole.line_after.lstrip()[:1] if char in _QUOTES))
    end = len(text)
    while end > 0 and text[end - 1] in tail:
        end -= 1
        yield end
    for at in range(end - 1, -1, -1):
        if text[at] in CLOSERS:
            yield at
    if quote and (at := text.find(quote)) >= 0:
        yield at
    for mark in syntax_of(hole.language).line_comments:
        if (at := text.rfind(mark)) >= 0:
            yield at
