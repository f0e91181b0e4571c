"""Whether to speak at all. Pure; each rule gives its reason as a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zicoder.complete.changes import Change
from zicoder.complete.control import Control, unwanted
from zicoder.complete.hole import Hole
from zicoder.complete.syntax import LINE_COMMENT, REGION_CHARS, lexer_at, syntax_of

if TYPE_CHECKING:  # at run time the settings' schema would cost the language server's start a fifth of a second
    from zicoder.settings import CompletionSettings

__all__ = ["AUTOMATIC", "INVOKED", "Circumstances", "refuse"]

AUTOMATIC, INVOKED = "automatic", "invoked"

LONGEST_LINE = 2000
"""Characters; longer lines are data or minified code."""
QUIET_S = 3.0
"""How long after an undo or a bulk edit somebody looks at what it did."""
LONG_TEXT = 12
"""Words of a comment or string from which on it is prose that its writer has in mind: what a small model adds to a
sentence is seldom what was meant. A doc comment that was just opened has fewer."""
TEMPLATE = "`"
"""Delimiter of strings that mostly hold code of some kind: markup, styles, queries."""
PROSE = frozenset({"markdown", "plaintext", "restructuredtext", "tex"})
"""Languages whose text is no comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a place alone does not tell."""

    now: float = 0.0
    """Seconds of the clock that `last_change` and `control` use."""
    path: str = ""
    """Project-relative with slashes; the name of a file outside the project; "" for none."""
    list_open: bool = False
    """Whether the editor shows its completion list, with an entry selected."""
    last_change: Change | None = None
    cooling_down: bool = False
    """Whether suggestions at about this place were rejected again and again just now."""
    control: Control = field(default_factory=Control)


def refuse(
    hole: Hole, trigger: str, settings: CompletionSettings, circumstances: Circumstances | None = None
) -> str | None:
    """Why no suggestion should be made here, or None to go ahead. Asking by hand passes the rules of manners."""
    circumstances = circumstances or Circumstances()
    automatic = trigger == AUTOMATIC
    if reason := circumstances.control.reason(settings, automatic=automatic, now=circumstances.now):
        return reason
    if reason := unwanted(circumstances.path, hole.language, settings):
        return reason
    if len(hole.line_before) + len(hole.line_after) > LONGEST_LINE:
        return f"The line is longer than {LONGEST_LINE} characters."
    if not (hole.prefix.strip() or hole.suffix.strip()):
        return "The document is empty."
    return _ill_mannered(hole, circumstances) if automatic else None


def _ill_mannered(hole: Hole, circumstances: Circumstances) -> str | None:
    """Why a suggestion that nobody asked for would disturb here."""
    if _is_word(hole.line_before[-1:]):
        if _is_word(hole.line_after[:1]):
            return "The cursor stands in the middle of a word."
        if circumstances.list_open:
            return "The editor's completion list is open in the middle of a name."
    change = circumstances.last_change
    if change is not None and circumstances.now - change.at < QUIET_S:
        if change.restored:
            return "The last change was undone or redone just now."
        if change.bulk:
            return "The last change was a bulk edit, not typing."
    if circumstances.cooling_down:
        return "Two suggestions at about this place were rejected just now."
    if _text_so_far(hole) > LONG_TEXT:
        return f"The cursor is in a comment or string of more than {LONG_TEXT} words."
    return None


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _text_so_far(hole: Hole) -> int:
    """Words before the cursor of the comment or string that it stands in, 0 in code.

    Lines of comment that follow each other are one comment, as people write them.
    """
    if hole.language in PROSE:
        return 0
    lexer = lexer_at(hole)
    if lexer.inside in ("", TEMPLATE):
        return 0
    syntax = syntax_of(hole.language)
    if lexer.inside == LINE_COMMENT:
        own = _after_any(hole.line_before, syntax.line_comments)
        return len(own.split()) + _words_above(hole, syntax.line_comments)
    openers = {end: start for start, end in syntax.block_comments}
    return len(_after_any(hole.prefix[-REGION_CHARS:], (openers.get(lexer.inside, lexer.inside),)).split())


def _words_above(hole: Hole, marks: tuple[str, ...]) -> int:
    """Words of the lines of comment right above a line that is nothing but a comment."""
    words = 0
    if hole.line_before.lstrip().startswith(marks):
        for line in hole.lines_above(LONG_TEXT, blank=True):
            if not line.lstrip().startswith(marks):
                break
            words += len(_after_any(line, marks).split())
    return words


def _after_any(text: str, marks: tuple[str, ...]) -> str:
    """What follows the last of the marks."""
    return text[max((at + len(mark) for mark in marks if (at := text.rfind(mark)) >= 0), default=0) :]
