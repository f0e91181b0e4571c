"""Brackets and quotes that an editor closes by itself, behind the cursor, when somebody types an opening one.

Somebody who types along a suggestion `(a, b)` has `(` before the cursor and the editor's `)` behind it. Pure, and
without regard to a language: what is looked at is a suggestion's own text, and what an editor put there at once.
"""

from __future__ import annotations

__all__ = ["before_closer", "closers", "typed_by_hand"]

MOST = 8
"""Closers that one suggestion leaves open at once."""

_CLOSER = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}
_QUOTES = frozenset("\"'`")


def closers(text: str) -> str:
    """What would close what the text opens and does not close, innermost first."""
    stack: list[str] = []
    _read(text, stack)
    return "".join(reversed(stack))


def before_closer(text: str, closing: str, behind: str = "") -> str | None:
    """The part of the text that stands before what `closing` (innermost first) is there for already; all, if none.

    `behind` is what the text goes on from. None where a quote is left open, so that nobody knows.
    """
    stack = list(reversed(closing))
    least = len(stack)
    end = _read(text, stack, least, behind[-1:])
    return None if len(stack) > least and stack[-1] in _QUOTES else text[:end]


def typed_by_hand(text: str, suggestion: str) -> str:
    """The text without closers at its end, if what is before them begins the suggestion; the text as it is, if not."""
    if suggestion.startswith(text):
        return text
    for end in range(len(text) - 1, max(-1, len(text) - 1 - MOST), -1):
        if suggestion.startswith(text[:end]) and closers(text[:end]).startswith(text[end:]):
            return text[:end]
    return text


def _read(text: str, stack: list[str], least: int = 0, before: str = "") -> int:
    """Follow brackets and quotes, `stack` being what closes the open ones; where it falls below `least`, else the end.

    A closer that nothing opened is passed over, and so is an apostrophe (`don't`, `&'a str`). But for "`", a quote is
    not open any more on the next line.
    """
    escaped = before == "\\"
    for at, character in enumerate(text):
        if escaped:
            pass
        elif stack and character == stack[-1]:
            stack.pop()
            if len(stack) < least:
                return at
        elif character in "\r\n" and len(stack) > least and stack[-1] in "\"'":
            stack.pop()
        elif (not stack or stack[-1] not in _QUOTES) and character in _CLOSER and not _is_apostrophe(character, before):
            stack.append(_CLOSER[character])
        escaped, before = character == "\\" and not escaped, character
    return len(text)


def _is_apostrophe(character: str, before: str) -> bool:
    return character == "'" and (before.isalnum() or before in ("_", "&", "<"))
