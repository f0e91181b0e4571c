"""Which parts of a Python file bind names that can be used at the cursor: the module's own lines, and the function
around.

Judged by indentation alone, as code that is being written has no tree to rely on. For choosing between suggestions,
not for forbidding any: a name that is bound in a way unheard of is out of sight here, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from zicoder.complete.hole import Hole, indent_width
from zicoder.text import split_lines

__all__ = ["Reach", "reach"]

MOST_CHARS = 150_000
"""Of a document; a longer one is not looked at, as that would take tens of milliseconds."""

_DEFINITION = re.compile(r"[ \t]*(?:async[ \t]+)?(def|class)\b")
_CLOSES = (")", "]", "}", "#")
"""Beginnings of lines whose indentation says nothing."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Code by where it stands."""

    text: str
    """The lines that bind names for the cursor, without its own and those of `behind`."""
    behind: str
    """The rest of the function around, "" outside any."""


def reach(hole: Hole) -> Reach | None:
    """What can be reached from the cursor; None where that cannot be told."""
    if len(hole.prefix) + len(hole.suffix) > MOST_CHARS:
        return None
    before, after = split_lines(hole.prefix), split_lines(hole.suffix)
    reader = _Reader()
    for line in before[:-1] if hole.line_before else before:
        reader.read(line)
    depth = indent_width(hole.line_before)
    reader.leave(depth)
    if depth and not reader.inside:
        return None
    around, behind = reader.around(), list[str]()
    in_body, in_class = bool(around), reader.in_class
    for line in after[1:] if hole.line_after else after:
        bare = line.strip()
        in_body = in_body and (not bare or bare.startswith(_CLOSES) or indent_width(line) > reader.depth)
        if in_body:
            behind.append(line)
        else:
            reader.read(line)
    if in_class:
        around, behind = [*around, *behind], []
    return Reach("".join([*reader.module, *around]), "".join(behind))


class _Reader:
    """Goes through lines, and knows the definitions around the last one."""

    def __init__(self) -> None:
        self.module: list[str] = []
        """Lines outside any definition, and those with which one of a module begins."""
        self.inside: list[tuple[int, str]] = []
        """(depth, def or class) of the definitions around."""
        self._bodies: list[list[str]] = []
        """The lines of each of them."""

    @property
    def depth(self) -> int:
        """Of the definition that `around` is about."""
        return self.inside[self._which()][0]

    @property
    def in_class(self) -> bool:
        """Whether that is a class."""
        return bool(self.inside) and self.inside[self._which()][1] == "class"

    def read(self, line: str) -> None:
        bare = line.strip()
        if bare and not bare.startswith(_CLOSES):
            self.leave(indent_width(line))
        definition = _DEFINITION.match(line)
        if not self.inside:
            self.module.append(line)
        for body in self._bodies:
            body.append(line)
        if definition:
            self.inside.append((indent_width(line), definition[1]))
            self._bodies.append([line])

    def leave(self, depth: int) -> None:
        """What follows is so deep: definitions that are not less so have ended."""
        while self.inside and depth <= self.inside[-1][0]:
            self.inside.pop()
            self._bodies.pop()

    def around(self) -> list[str]:
        """The lines of the outermost function around, of the outermost class if none is; [] in neither."""
        return list(self._bodies[self._which()]) if self.inside else []

    def _which(self) -> int:
        return next((n for n, (_, kind) in enumerate(self.inside) if kind == "def"), 0)
