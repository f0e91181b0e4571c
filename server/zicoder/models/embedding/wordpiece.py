"""BERT's lower-case WordPiece tokenizer: text to token numbers.

Follows the original rules (clean, lower case, no accents, split at white space and punctuation, longest match first).
Text is never read as control tokens: a "[SEP]" in it is three ordinary tokens. Work is bounded by `limit`, not by
the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

__all__ = ["WordPiece"]

_LONGEST_WORD = 100
"""BERT's own rule: a longer word is unknown."""
_CACHED_WORDS = 1 << 16
_ASCII_WORD = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")
_ASCII_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])
_SLICE = 4096
"""Characters that are normalised at once."""


class WordPiece:
    """A vocabulary. Thread-safe."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._ids = {token: number for number, token in enumerate(vocabulary)}
        self._unknown = (self._ids["[UNK]"],)
        self._first, self._last = self._ids["[CLS]"], self._ids["[SEP]"]
        self._known: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str, limit: int) -> list[int]:
        """Token numbers of a text, at most `limit` of them, those at both ends included."""
        ids = [self._first]
        for word in _words(text):
            found = self._known.get(word)
            if found is None:
                if len(self._known) >= _CACHED_WORDS:
                    self._known.clear()
                found = self._known[word] = self._pieces(word)
            ids += found
            if len(ids) >= limit:
                break
        del ids[limit - 1 :]
        ids.append(self._last)
        return ids

    def _pieces(self, word: str) -> tuple[int, ...]:
        if len(word) > _LONGEST_WORD:
            return self._unknown
        found: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self._ids.get(("##" if start else "") + word[start:end])
                if piece is not None:
                    break
            else:
                return self._unknown
            found.append(piece)
            start = end
        return tuple(found)


def _words(text: str) -> Iterator[str]:
    """The words of a text, normalised slice by slice. A slice ends at white space where there is any."""
    start = 0
    while start < len(text):
        end = min(start + _SLICE, len(text))
        if end < len(text):
            cut = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
            end = cut + 1 if cut > start else end
        part = text[start:end]
        if part.isascii():
            yield from _ASCII_WORD.findall(part.translate(_ASCII_CONTROL).lower())
        else:
            yield from _spaced(part).split()
        start = end


def _spaced(text: str) -> str:
    """Lower case without accents and control characters, with spaces around what is a word of its own."""
    cleaned = "".join(
        f" {c} " if _is_ideograph(ord(c)) else " " if c.isspace() and c not in "\v\f" else c
        for c in text
        if c in "\t\n\r" or (c != "\ufffd" and not unicodedata.category(c).startswith("C"))
    )
    plain = (c for c in unicodedata.normalize("NFD", cleaned) if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if _is_punctuation(c) else c for c in "".join(plain).lower())


def _is_punctuation(c: str) -> bool:
    if c.isascii():
        return not c.isalnum() and not c.isspace() and c >= "!"
    return unicodedata.category(c).startswith("P")


def _is_ideograph(code: int) -> bool:
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x2A6DF
        or 0x2A700 <= code <= 0x2CEAF
        or 0xF900 <= code <= 0xFAFF
        or 0x2F800 <= code <= 0x2FA1F
    )
