"""What a search asks for, taken apart: words, names that look like code, and the vector. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zicoder.index.words import IDENTIFIER, words_of

__all__ = ["MAX_WORDS", "Query"]

MAX_WORDS = 48
"""Of a query as long as a file, the first distinct words say what it is about; each one costs time."""
MAX_NAMES = 8
MAX_CHARS = 20_000

_STOP_WORDS = frozenset(
    (  # noqa: SIM905 - a list of a hundred quoted words is no better to read
        "a an and any are as at be been before being but by can could did do does for from get gets got had has have "
        "how i if in into is it its make makes made me my of on one or out so some such than that the their them then "
        "there these they this to us use used uses using was we were what when where which while who whose why will "
        "with would you your"
    ).split()
)
_LOOKS_LIKE_CODE = re.compile(r"[a-z0-9][A-Z]|[^\W_]_|_[^\W_]")
_CALL = re.compile(r"([^\W\d]\w*)\s*\(")
_MENTIONS_TESTS = frozenset({"test", "tests", "testing", "spec", "fixture"})


@dataclass(frozen=True, slots=True)
class Query:
    """One search, understood."""

    text: str
    words: tuple[str, ...]
    """Distinct words to look for, in order, at most MAX_WORDS; function words only if there are no others."""
    names: tuple[str, ...]
    """Identifiers that the asker wrote as code: `get_user`, `HttpClient`, `parse()`; or a query of one word."""
    is_name: bool
    """Whether one name is all there is."""
    about_tests: bool

    @classmethod
    def parse(cls, text: str) -> Query:
        """Take a text apart. Any text will do; of an empty one nothing is left."""
        text = text[:MAX_CHARS].strip()
        every = list(dict.fromkeys(words_of(text)))
        telling = [word for word in every if word not in _STOP_WORDS] or every
        runs = IDENTIFIER.findall(text)
        if len(runs) == 1:
            names = runs
        else:
            called = set(_CALL.findall(text))
            names = [run for run in runs if _LOOKS_LIKE_CODE.search(run) or run in called]
        return cls(
            text=text,
            words=tuple(telling[:MAX_WORDS]),
            names=tuple(dict.fromkeys(names))[:MAX_NAMES],
            is_name=len(runs) == 1 and runs[0] == text,
            about_tests=not _MENTIONS_TESTS.isdisjoint(every),
        )

    def __bool__(self) -> bool:
        return bool(self.words)
