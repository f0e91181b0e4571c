"""Splits code and prose into the words that search is made of. The one rule for both sides of every look-up.

`getHTTPResponse2` and `get_http_response_2` both become get, http, response, 2.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["IDENTIFIER", "split_identifier", "words_of"]

IDENTIFIER = re.compile(r"[^\W\d]\w*")
"""A name in nearly any language; digits and underscores may follow its first character."""

_LOWER = "a-zß-öø-ÿ"
_UPPER = "A-ZÀ-ÖØ-Þ"
_WORD = re.compile(
    rf"[{_UPPER}]+(?![{_LOWER}])"  # an acronym, up to the capital that begins the next word
    rf"|[{_UPPER}]?[{_LOWER}]+"
    r"|\d+"
    rf"|[^\W\d_{_LOWER}{_UPPER}]+"  # scripts without case
)
_RUN = re.compile(r"\w+")


@lru_cache(maxsize=1 << 16)
def split_identifier(name: str) -> tuple[str, ...]:
    """The words of one run of letters, digits and underscores, in lower case."""
    return tuple(word.lower() for word in _WORD.findall(name))


def words_of(text: str) -> list[str]:
    """Every word of a text, in order, in lower case."""
    return [word for run in _RUN.findall(text) for word in split_identifier(run)]
