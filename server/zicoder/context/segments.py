"""The vocabulary of the context window: segments, their shares, items, and what came of them. Pure data.

`budget.py` decides what goes in; this says what an item looks like in the prompt and how the result is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from zicoder.settings import ContextSettings

__all__ = ["LAYOUT", "Assembled", "Item", "LeftOut", "Placed", "Segment", "Shares", "fenced"]


class Segment(StrEnum):
    """A part of the window."""

    SYSTEM = "system"  # who the model is and what it must keep to
    PROJECT = "project"  # what the project is, and what the index found in it
    HISTORY = "history"  # the turns before this one, the oldest as a summary
    TASK = "task"  # the question, and what the user pointed at
    RESERVE = "reserve"  # room for the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How much of the window each segment may count on. Only their proportion matters; the default is per cent."""

    system: int = 5
    project: int = 15
    history: int = 30
    task: int = 40
    reserve: int = 10

    @classmethod
    def of(cls, settings: ContextSettings) -> Shares:
        """Those that the user set."""
        return cls(**{segment.value: getattr(settings, segment.value) for segment in Segment})

    def tokens(self, window: int, *, answer: int = 0) -> dict[Segment, int]:
        """Tokens of each segment, together at most `window`; the reserve holds at least `answer`, if that fits."""
        weights = {segment: max(0, getattr(self, segment.value)) for segment in Segment}
        reserve = min(window, max(answer, -(-window * weights.pop(Segment.RESERVE) // self._total)))
        others = sum(weights.values()) or 1
        split = {segment: (window - reserve) * weight // others for segment, weight in weights.items()}
        return {**split, Segment.RESERVE: reserve}

    @property
    def _total(self) -> int:
        return sum(max(0, getattr(self, segment.value)) for segment in Segment) or 1


LAYOUT = (Segment.SYSTEM, Segment.PROJECT, Segment.HISTORY, Segment.TASK)
"""The order in the prompt: what changes least comes first, so that the model's cache serves the next question. Items
that are `fresh` stand between the history and the task, whichever segment pays for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that may go into the prompt."""

    segment: Segment
    text: str
    name: str = ""
    """What a person calls it; the head of a fenced item that has no path."""
    path: str = ""
    """Project-relative, with slashes; "" for what is no part of a file."""
    start: int = 0
    """Zero-based first line in the file."""
    language: str = ""
    priority: int = 0
    """Within its segment the higher ones go first, then those that come first."""
    required: bool = False
    """Goes in whole, or the whole request fails."""
    atomic: bool = False
    """Goes in whole or not at all; any other is cut at whole lines."""
    keep: Literal["head", "tail"] = "head"
    """Which end a cut leaves: the tail of a log says more."""
    fresh: bool = False
    """Chosen for this question, and another for the next."""
    fence: bool = True
    """Data, shown in a code fence under a head; else text that stands as it is."""
    role: Literal["user", "assistant", ""] = ""
    """Of a turn of the history."""

    def render(self, lines: list[str] | None = None, mark: str = "") -> str:
        """The item as it stands in the prompt, or `lines` of it with a `mark` where the others were."""
        if lines is None:
            body, first, count = self.text, self.start, self.text.count("\n") + (not self.text.endswith("\n"))
        else:
            first = self.start + (self.text.count("\n") + 1 - len(lines) if self.keep == "tail" else 0)
            body, count = "\n".join([*lines, mark] if self.keep == "head" else [mark, *lines]), len(lines)
        if not self.fence:
            return body
        head = f"{self.path}:{first + 1}-{first + max(count, 1)}" if self.path else self.name
        return f"{head}\n{fenced(body, self.language)}"

    @property
    def title(self) -> str:
        """One line for a person."""
        return self.name or self.path or self.segment.value


def fenced(text: str, language: str = "") -> str:
    """A code block whose fence nothing in the text can end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.removesuffix(chr(10))}\n{fence}"


@dataclass(frozen=True, slots=True)
class Placed:
    """An item that goes in, as it goes in."""

    item: Item
    text: str
    tokens: int
    lines_cut: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An item for which there was no room."""

    item: Item
    tokens: int | None = None
    """None where it was too large to count."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """What a request sends."""

    window: int
    shares: Mapping[Segment, int]
    """Tokens of each segment before anything flowed from one to another."""
    placed: tuple[Placed, ...]
    """In the order of the prompt."""
    left_out: tuple[LeftOut, ...] = ()

    @property
    def tokens(self) -> int:
        """Of everything that goes in."""
        return sum(each.tokens for each in self.placed)

    @property
    def room(self) -> int:
        """What is left for the answer; never less than the reserve."""
        return self.window - self.tokens

    @property
    def system(self) -> str:
        """The system prompt: who the model is, and what stays true of the project."""
        standing = (Segment.SYSTEM, Segment.PROJECT)
        return _joined(p for p in self.placed if p.item.segment in standing and not p.item.fresh)

    @property
    def history(self) -> tuple[Placed, ...]:
        """The summary of the oldest turns, if there is one, and the turns, oldest first."""
        return tuple(p for p in self.placed if p.item.segment is Segment.HISTORY and not p.item.fresh)

    @property
    def prompt(self) -> str:
        """The message of this turn: what was found for it, what was pointed at, the question."""
        return _joined(p for p in self.placed if p.item.fresh or p.item.segment is Segment.TASK)

    def used(self, segment: Segment) -> int:
        """Tokens that a segment takes."""
        return sum(each.tokens for each in self.placed if each.item.segment is segment)

    def notes(self) -> list[str]:
        """Sentences about what is missing, for whoever asked."""
        cut = [
            f"{_place(p.item)} is shown without {p.lines_cut:,} of its lines; there is no room for more."
            for p in self.placed
            if p.lines_cut
        ]
        return cut + [f"{_place(each.item)} is left out; there is no room for it." for each in self.left_out]

    def to_json(self) -> dict[str, Any]:
        """Segments, items and tokens, as `--show-context` prints them for programs."""
        segments = [
            {
                "segment": segment.value,
                "share": self.shares[segment],
                "tokens": self.used(segment),
                "items": [_item_json(each) for each in self.placed if each.item.segment is segment],
            }
            for segment in LAYOUT
        ]
        left_out = [{"title": e.item.title, "path": e.item.path, "tokens": e.tokens} for e in self.left_out]
        reserve = self.shares[Segment.RESERVE]
        return {
            "window": self.window, "tokens": self.tokens, "room": self.room, "reserve": reserve,
            "segments": segments, "leftOut": left_out,
        }  # fmt: skip

    def table(self) -> str:
        """The same for a person: one line a segment, one line an item."""
        lines: list[str] = []
        for segment in LAYOUT:
            lines.append(f"{segment.value:<9}{self.used(segment):>7,} of {self.shares[segment]:,} tokens")
            for each in self.placed:
                if each.item.segment is segment:
                    cut = f" ({each.lines_cut:,} lines cut)" if each.lines_cut else ""
                    lines.append(f"  {each.tokens:>7,}  {_place(each.item)}{cut}")
        lines += [f"  left out  {_place(each.item)}" for each in self.left_out]
        lines.append(f"{'answer':<9}{self.room:>7,} of {self.window:,} tokens are left")
        return "\n".join(lines)


def _joined(placed: Any) -> str:
    return "\n\n".join(each.text for each in placed)


def _place(item: Item) -> str:
    if not item.path:
        return item.title
    return f"{item.path}:{item.start + 1}" if item.start else item.path


def _item_json(placed: Placed) -> dict[str, Any]:
    item = placed.item
    return {
        "title": item.title, "path": item.path, "line": item.start + 1 if item.path else None,
        "tokens": placed.tokens, "linesCut": placed.lines_cut, "fresh": item.fresh,
    }  # fmt: skip
