"""Which lines of the open document a command is about: the selection, the definition around the cursor, or what is
near it.

Looks at the document alone, by its indentation; asks no model and no index.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from zicoder.agents.edits.python_code import name_at
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.context.gathered import Excerpt
from zicoder.context.outline import indent_of
from zicoder.text import Snapshot

__all__ = ["Region", "around", "owner_of", "region_of", "selected", "unit_of"]

AROUND_LINES = 60
POINTED_AT, OPEN_DOCUMENT = 90, 30
"""Priorities: of what the user points at, and of the text around the cursor."""
_OPENS = re.compile(
    r"\s*(?:(?:export\s+|default\s+|public\s+|private\s+|protected\s+|static\s+|abstract\s+|async\s+|pub\s+)*"
    r"(?:def|class|function|fn|func|fun|interface|struct|enum|trait|impl)\b)"
    r"|(?!\s*\}?\s*(?:if|for|foreach|while|switch|else|catch|try|do|with|using|lock|match|return)\b).*(?:=>|\))\s*\{\s*$"
)


@dataclass(frozen=True, slots=True)
class Region:
    """Whole lines of a document, [first, last]."""

    path: str
    first: int
    last: int
    text: str
    language: str

    @property
    def fenced(self) -> str:
        """The code for a prompt, under its place."""
        return f"{self.path}:{self.first + 1}-{self.last + 1}\n```{self.language}\n{self.text}\n```"

    @property
    def pointed_at(self) -> Excerpt:
        """The region as something that must be shown."""
        return Excerpt(path=self.path, start=self.first, text=self.text, priority=POINTED_AT, required=True)


def region_of(session: Session, invocation: Invocation) -> Region | None:
    """The selection; else the function or class that the cursor is in; None where there is neither."""
    snapshot = invocation.snapshot
    if snapshot is None or invocation.selection is None:
        return None
    start, end = invocation.selection
    if start != end:
        return selected(session, invocation)
    found = _enclosing(snapshot, snapshot.lines.position(start).line)
    return _lines(session, snapshot, *found) if found else None


def unit_of(session: Session, invocation: Invocation) -> Region | None:
    """The region to be written anew: where the selection cuts a block, all of that block, or the definition around."""
    region, snapshot = region_of(session, invocation), invocation.snapshot
    if region is None or snapshot is None:
        return region
    lines = [snapshot.lines.line(number) for number in range(len(snapshot.lines))]
    first, last = region.first, region.last
    depths = [indent_of(line) for line in region.text.split("\n") if line.strip()]
    if min(depths) < depths[0] and (found := _enclosing(snapshot, first)):
        first, last = found[0], max(last, found[1])
    while last > first and not lines[last].strip():
        last -= 1
    return _lines(session, snapshot, first, max(last, _end(lines, last)))


def selected(session: Session, invocation: Invocation) -> Region | None:
    """The lines of the selection, None where nothing, or nothing but blank lines, is selected."""
    snapshot = invocation.snapshot
    if snapshot is None or invocation.selection is None:
        return None
    start, end = invocation.selection
    if start == end:
        return None
    lines = snapshot.lines
    return _lines(session, snapshot, lines.position(start).line, lines.position(max(start, end - 1)).line)


def around(session: Session, invocation: Invocation) -> list[Excerpt]:
    """The lines of the open document around the cursor."""
    snapshot = invocation.snapshot
    if snapshot is None:
        return []
    cursor = snapshot.lines.position(invocation.selection[0]).line if invocation.selection else 0
    first, last = max(0, cursor - AROUND_LINES), min(len(snapshot.lines), cursor + AROUND_LINES) - 1
    found = _lines(session, snapshot, first, last)
    return [Excerpt(path=found.path, start=first, text=found.text, priority=OPEN_DOCUMENT)] if found else []


def owner_of(region: Region, snapshot: Snapshot) -> str:
    """The class that a method is in, by its indentation; "" if it is in none."""
    level = indent_of(region.text)
    above = (snapshot.lines.line(number) for number in range(region.first - 1, -1, -1))
    head = next((line for line in above if line.strip() and indent_of(line) < level), "")
    return name_at(head) if level else ""


def _lines(session: Session, snapshot: Snapshot, first: int, last: int) -> Region | None:
    """The lines [first, last], None where they are all blank."""
    text = "\n".join(snapshot.lines.line(number) for number in range(first, last + 1))
    return Region(session.path_of(snapshot), first, last, text, snapshot.language) if text.strip() else None


def _enclosing(snapshot: Snapshot, line: int) -> tuple[int, int] | None:
    """The lines of the definition around a line, by indentation: decorators, its head, and what is deeper."""
    lines = [snapshot.lines.line(number) for number in range(len(snapshot.lines))]
    while line + 1 < len(lines) and lines[line].lstrip().startswith("@"):
        line += 1
    level = indent_of(lines[line]) if lines[line].strip() else sys.maxsize
    for first in range(line, -1, -1):
        text = lines[first]
        if not text.strip():
            continue
        if (first == line or indent_of(text) < level) and _OPENS.match(text):
            last = _end(lines, first)
            if last >= line:
                while first and lines[first - 1].lstrip().startswith("@"):
                    first -= 1
                return first, last
        level = min(level, indent_of(text))
    return None


def _end(lines: Sequence[str], first: int) -> int:
    """The last line that is deeper than the first one, and what closes it."""
    level, last = indent_of(lines[first]), first
    for number in range(first + 1, len(lines)):
        text = lines[number]
        if text.strip() and indent_of(text) > level:
            last = number
        elif text.strip() and text.lstrip()[0] in ")]}{":
            last = number
            if text.strip()[0] == "}":
                break
        elif text.strip():
            break
    return last
