"""Where and when the user wants suggestions: by language, by file, by hand only, not for the next half hour.

Owns the switches that last as long as a session (snooze, on or off); the others are settings. Each answers with a
sentence for a person, as the gate does. Pure: the caller says what time it is. Must never write a settings file.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from zicoder.errors import InputError
from zicoder.index.ignore import Rules, byte_text

if TYPE_CHECKING:  # at run time the settings' schema would cost the language server's start a fifth of a second
    from zicoder.settings import CompletionSettings

__all__ = ["LONGEST_SNOOZE_MIN", "Control", "unwanted"]

LONGEST_SNOOZE_MIN = 24 * 60
FOLD_CASE = os.name == "nt" or sys.platform == "darwin"
"""Whether file names that differ only in case are the same file here, as a rule."""


class Control:
    """The switches of one session."""

    def __init__(self) -> None:
        self.on: bool | None = None
        """What the user chose for this session; None when the setting decides."""
        self._until: float | None = None

    def snooze(self, minutes: float, now: float) -> None:
        """No suggestions by themselves for so long. Raises InputError for what is no such time."""
        if not 0 < minutes <= LONGEST_SNOOZE_MIN:
            raise InputError(
                f"Suggestions cannot be snoozed for {minutes:g} minutes.",
                hint=f"Choose more than 0 and at most {LONGEST_SNOOZE_MIN} minutes.",
            )
        self._until = now + minutes * 60

    def resume(self) -> None:
        """End the snooze."""
        self._until = None

    def toggle(self, settings: CompletionSettings) -> bool:
        """Switch suggestions on or off for this session; what they are now."""
        self.on = not self.enabled(settings)
        return self.on

    def enabled(self, settings: CompletionSettings) -> bool:
        """Whether suggestions are switched on at all."""
        return settings.enabled if self.on is None else self.on

    def snoozed_s(self, now: float) -> float:
        """Seconds until suggestions come up by themselves again, 0 when they do now."""
        return max(0.0, self._until - now) if self._until is not None else 0.0

    def reason(self, settings: CompletionSettings, *, automatic: bool, now: float) -> str | None:
        """Why there are no suggestions anywhere, or None. Asking by hand passes a snooze."""
        if not self.enabled(settings):
            if self.on is None:
                return "Inline suggestions are switched off (`zi.completion.enabled`)."
            return "Inline suggestions are switched off for this session (`zi.toggleSuggestions`)."
        if not automatic:
            return None
        if settings.manual_only:
            return "Suggestions are made only when asked for (`zi.completion.manual_only`)."
        if left := self.snoozed_s(now):
            minutes = max(1, round(left / 60))
            return f"Suggestions are snoozed for another {minutes} minute{'s' * (minutes > 1)} (`zi.resume` ends it)."
        return None


def unwanted(path: str, language: str, settings: CompletionSettings) -> str | None:
    """Why the settings want no suggestions in this document, or None.

    `path` is project-relative with slashes; of a file outside the project it is the name; "" when there is none.
    """
    if language in settings.disabled_languages:
        return f"Inline suggestions are switched off for {language} (`zi.completion.disabled_languages`)."
    if settings.languages and language not in settings.languages:
        return f"Inline suggestions are not switched on for {language} (`zi.completion.languages`)."
    if path and settings.disabled_globs and _matches(path, tuple(settings.disabled_globs)):
        return f"Inline suggestions are switched off for {path} (`zi.completion.disabled_globs`)."
    return None


@lru_cache(maxsize=8)
def _rules(globs: tuple[str, ...]) -> Rules:
    return Rules("\n".join(globs).encode("utf-8", "surrogateescape"), fold_case=FOLD_CASE)


def _matches(path: str, globs: tuple[str, ...]) -> bool:
    """Whether a path or one of its folders matches, by the rules of `.gitignore`, which users know."""
    rules, text = _rules(globs), byte_text(path)
    ends = [at for at, char in enumerate(text) if char == "/"]
    if any(rules.verdict(text[:end], folder=True) for end in ends):
        return True
    return bool(rules.verdict(text, folder=False))
