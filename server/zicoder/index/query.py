"""What a search asks for, taken apart: words, names that look like code, and the vector. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zicoder.index.words import IDENTIFIER, split_identifier

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
_RUN = re.compile(r"\w+")
_NAME = re.compile(r"[^\W\d]\w*(?:(?:\.|::|#)[^\W\d]\w*)*(?:\(\))?")
_PROSE = re.compile(r"[^\w\s.:#]")
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
    """Whether there is nothing but names."""
    about_tests: bool

    @classmethod
    def parse(cls, text: str) -> Query:
        """Take a text apart. Any text will do; of an empty one nothing is left."""
        text = text[:MAX_CHARS].strip()
        runs = _RUN.findall(text)
        plain = [word for run in runs for word in split_identifier(run)]
        telling = [w for run in runs if run.lower() not in _STOP_WORDS for w in split_identifier(run)]
        if _NAME.fullmatch(text):  # a name by itself, with its scope perhaps: `Session.get`, `parse()`
            full = text.rstrip("()").replace("::", ".").replace("#", ".")
            names, is_name = [full, *IDENTIFIER.findall(full)[-1:]], True
        else:
            called = set(_CALL.findall(text))
            names = [run for run in IDENTIFIER.findall(text) if _LOOKS_LIKE_CODE.search(run) or run in called]
            is_name = bool(names) and len(names) == len(runs) and _PROSE.search(text) is None
        return cls(
            text=text,
            words=tuple(dict.fromkeys(telling or plain))[:MAX_WORDS],
            names=tuple(dict.fromkeys(names))[:MAX_NAMES],
            is_name=is_name,
            about_tests=not _MENTIONS_TESTS.isdisjoint(plain),
        )

    def __bool__(self) -> bool:
        return bool(self.words)
