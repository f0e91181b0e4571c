"""Names that a misspelt one may have meant: from the message, from jedi, else from the text itself."""

from __future__ import annotations

import difflib
import keyword
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from zicoder.assist.checks.calls import parameters_at
from zicoder.assist.jedi_bridge import JediBridge
from zicoder.assist.jedi_text import JediText
from zicoder.text import Snapshot, common_prefix

__all__ = ["close_names", "names_in_place", "parameters_in_place", "surely_meant", "words_of"]

MOST = 3
NEAR = 0.7
LEAST = 4
"""Letters of a name that a slip says something of; `ab` is one slip from most short names."""
MAX_CHARS = 400_000
"""Of a text whose words are looked at."""
_WORD = re.compile(r"[^\W\d]\w*")
_MEMBER = re.compile(r"\.\s*([^\W\d]\w*)")


def close_names(name: str, known: Iterable[str], suggested: str = "") -> list[str]:
    """The names nearest to a misspelt one, what a server suggested first."""
    ranked = sorted({each for each in known if each != name}, key=lambda each: -_likeness(name, each))
    near = [each for each in ranked[:MOST] if _likeness(name, each) >= NEAR]
    first = [suggested] if suggested and suggested != name else list[str]()
    return list(dict.fromkeys([*first, *near]))[:MOST]


def surely_meant(name: str, known: Iterable[str]) -> str:
    """The one name that a single slip of the fingers makes this one of; "" where there are several, or none."""
    if len(name) < LEAST - 1:
        return ""
    near = {each for each in known if len(each) >= LEAST and abs(len(each) - len(name)) < 2 and _is_slip(name, each)}
    return near.pop() if len(near) == 1 else ""


def _is_slip(name: str, other: str) -> bool:
    """Whether one letter too many, too few or wrong, or two that changed places, are all that differs."""
    head = common_prefix(name, other)
    one, two = name[head:], other[head:]
    if name.lower() == other.lower():
        return False  # `Response` beside `response`: people mean both
    if len(one) == len(two):
        return one[1:] == two[1:] or (one[:2] == two[1::-1] and one[2:] == two[2:])
    return one[1:] == two if len(one) > len(two) else one == two[1:]


def _likeness(name: str, other: str) -> float:
    """How alike two names are, 1 for names that differ in case or underscores only."""
    if abs(len(name) - len(other)) > 3 or (len(name) < 3 and len(other) < 3):
        return 0.0
    plain, bare = (re.sub(r"_", "", each).lower() for each in (name, other))
    if plain == bare:
        return 1.0
    if sorted(plain) == sorted(bare) and plain[:1] == bare[:1]:
        return 0.95  # letters in another order
    return difflib.SequenceMatcher(None, plain, bare, autojunk=False).ratio()


def words_of(snapshot: Snapshot, *, members: bool) -> Counter[str]:
    """The identifiers of a text, or only those behind a point."""
    pattern = _MEMBER if members else _WORD
    return Counter(pattern.findall(snapshot.text[:MAX_CHARS]))


async def names_in_place(jedi: JediBridge, snapshot: Snapshot, offset: int) -> list[str]:
    """What can stand at an offset of a Python text, whatever stands there now."""

    def ask(script: Any, text: JediText) -> list[str]:
        found: list[Any] = script.complete(*text.place(offset))
        return [each.name for each in found if not keyword.iskeyword(each.name)]

    return await jedi.work("names for a correction", snapshot, ask, list[str](), urgent=True)


async def parameters_in_place(jedi: JediBridge, snapshot: Snapshot, offset: int) -> list[str]:
    """The names that the call around an offset of a Python text takes."""
    return await jedi.work(
        "parameters for a correction",
        snapshot,
        lambda script, text: parameters_at(script, text, offset),
        list[str](),
        urgent=True,
    )
