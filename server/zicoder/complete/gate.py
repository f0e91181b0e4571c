"""Whether to speak at all. Pure; each rule gives its reason as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zicoder.complete.hole import Hole

if TYPE_CHECKING:  # at run time the settings' schema would cost the language server's start a fifth of a second
    from zicoder.settings import CompletionSettings

__all__ = ["AUTOMATIC", "INVOKED", "refuse"]

AUTOMATIC, INVOKED = "automatic", "invoked"

LONGEST_LINE = 2000
"""Characters; longer lines are data or minified code."""


def refuse(hole: Hole, trigger: str, settings: CompletionSettings) -> str | None:
    """Why no suggestion should be made here, or None to go ahead. Asking by hand passes the rules of manners."""
    if not settings.enabled:
        return "Inline suggestions are switched off (`zi.completion.enabled`)."
    if hole.language in settings.disabled_languages:
        return f"Inline suggestions are switched off for {hole.language} (`zi.completion.disabled_languages`)."
    if len(hole.line_before) + len(hole.line_after) > LONGEST_LINE:
        return f"The line is longer than {LONGEST_LINE} characters."
    if not (hole.prefix.strip() or hole.suffix.strip()):
        return "The document is empty."
    if trigger == AUTOMATIC and _is_word(hole.line_after[:1]) and _is_word(hole.line_before[-1:]):
        return "The cursor stands in the middle of a word."
    return None


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
