"""The blocks of edits that a model writes, and the format they are written in:

    src/a.py
    ```python
    <<<<<<< SEARCH
    lines as they are
    =======
    lines as they shall be
    >>>>>>> REPLACE
    ```

The path may also stand in the fence's info or behind SEARCH; the fence may be missing; five to nine marks will do, and
a text that holds such marks itself is edited with another number of them. An empty SEARCH makes a new file, and so does
a fence that names a path. Two markers stand alone, and only outside blocks:

    <<<<<<< DELETE src/old.py
    <<<<<<< RENAME src/old.py -> src/new.py

Owns the markers, and what the lines between two of them may mean. A body may hold lines that look like `=======`, so a
block has as many `Reading`s as it may have; only the file can tell which one is meant. Never reads a file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from zicoder.agents.edits.headers import FENCE

__all__ = [
    "DIVIDER",
    "END",
    "OPENER",
    "SLOPPY_END",
    "WHOLE",
    "Block",
    "Piece",
    "Prose",
    "Reading",
    "closes",
    "readings_of",
]

OPENER = re.compile(r"[ \t]*(<{5,9})[ \t]*SEARCH\b[ \t]*(.*?)[ \t]*$", re.IGNORECASE)
DIVIDER = re.compile(r"[ \t]*={5,9}[ \t]*$")
END = re.compile(r"[ \t]*(>{5,9})[ \t]*REPLACE\b[ \t:]*$", re.IGNORECASE)
SLOPPY_END = re.compile(r"[ \t]*>{5,9}[ \t]*\w*[ \t]*$")
"""What is taken for the end of a block that has no other."""
WHOLE = re.compile(r"[ \t]*<{5,9}[ \t]*(DELETE|RENAME)\b[ \t:]*(.*?)[ \t]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prose:
    """Text for the reader, with its line ends."""

    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a block may mean: lines without their ends."""

    search: tuple[str, ...]
    replace: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One edit as the model wrote it."""

    kind: Literal["change", "file", "delete", "rename"]
    """`file`: a fence that names a path, whose content is the `replace` of the only reading."""
    number: int
    """One-based, in the answer."""
    path: str = ""
    """As written; "" when the block names none."""
    guess: str = ""
    """The file of the block before, or the one that the sentence before mentions."""
    to: str = ""
    """Where a file is renamed to."""
    readings: tuple[Reading, ...] = ()
    line: int | None = None
    """One-based, where the answer says in which line the text stands."""
    width: int = 7
    """How many marks its markers have."""
    ended: bool = True
    """Whether there was an end marker; without one nobody knows that the text is whole."""
    named: bool = True
    """Whether the path stands in the block itself, and not in a line above it that may only be a heading."""
    fault: str = ""
    """Why it cannot be used, "" when it can: a sentence."""
    raw: str = ""
    """The block as written, for a reader who wants to see it."""


Piece: TypeAlias = Prose | Block


def readings_of(lines: Sequence[str], divider: int, *, ended: bool, fence: str) -> list[Reading]:
    """What the lines of a block may mean with this line dividing them: fences in it may be the model's or the file's.

    `ended`: whether the block had an end marker. `fence`: the marks of the fence that the block stands in, or "".
    """
    search, put = list(lines[:divider]), list(lines[divider + 1 :])
    while not ended and put and not put[-1].strip():
        put.pop()
    if fence and _fences(search) % 2 == 0 and _fences(put) % 2 == 1:
        last = max(at for at, line in enumerate(put) if line.strip())
        if closes(put[last], fence):  # the model closed its fence one line too early
            put = put[:last]
    found = [Reading(tuple(search), tuple(put))]
    inner = _unfenced(put)
    if inner is not None and (outer := _unfenced(search) if any(map(str.strip, search)) else search) is not None:
        found.append(Reading(tuple(outer), tuple(inner)))
    return found


def closes(line: str, fence: str) -> bool:
    """Whether a line without its end closes a fence of these marks."""
    match = FENCE.match(line)
    return bool(match and match.group(2).startswith(fence) and not match.group(3))


def _unfenced(lines: Sequence[str]) -> list[str] | None:
    """The lines within a fence around all of them, None where there is none."""
    inner = list(lines)
    while inner and not inner[-1].strip():
        inner.pop()
    first = next((n for n, line in enumerate(inner) if line.strip()), len(inner))
    inner = inner[first:]
    if len(inner) < 2 or _fences(inner) != 2:
        return None
    opening, closing = FENCE.match(inner[0]), FENCE.match(inner[-1])
    return inner[1:-1] if opening and closing and not closing.group(3) else None


def _fences(lines: Sequence[str]) -> int:
    return sum(1 for line in lines if FENCE.match(line))
