"""Decides what goes into the window of a chat model: shares, priorities, cuts at whole lines. Pure functions.

Tokens are counted by the function that the caller passes, the model's own tokenizer. Every item is counted by itself,
as it stands in the prompt: joining texts makes hardly ever more tokens of them, and the reserve takes the rest.
Must never cut within a line, nor leave out what is required.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

from zicoder.context.segments import LAYOUT, Assembled, Item, LeftOut, Placed, Segment, Shares
from zicoder.errors import ContextTooLarge

__all__ = ["FLOW", "ITEM_TOKENS", "assemble"]

FLOW = (Segment.TASK, Segment.HISTORY, Segment.PROJECT, Segment.SYSTEM)
"""Who gets first what other segments leave unused."""
ITEM_TOKENS = 4
"""For the marks of a chat template and the blank line between two items."""
CHARS_PER_TOKEN = 12
"""Texts that are longer for their room are not counted whole: ordinary text has 3 to 5 characters a token, and ten
megabytes of it take a tokenizer seconds."""
FEWEST_LINES = 3
"""Less of an item is not worth its head."""


def assemble(
    items: Iterable[Item],
    *,
    window: int,
    count: Callable[[str], int],
    shares: Shares | None = None,
    answer: int = 0,
    model: str = "the model",
) -> Assembled:
    """What of `items` goes into a window of `window` tokens, in the order of the prompt.

    `answer` tokens at least are kept free. First comes what is required; then each segment gets what it asks for, up
    to its share; then what is left goes to whoever still asks, in the order of `FLOW`.
    Raises ContextTooLarge, which names the largest part of what is required.
    """
    tokens = (shares or Shares()).tokens(window, answer=answer)
    room = window - tokens[Segment.RESERVE]
    measured = [_Measured(number, item, count, room) for number, item in enumerate(items)]
    _check_required(measured, room, window, model)
    wanted = {s: min(room, sum(m.tokens for m in measured if m.item.segment is s)) for s in FLOW}
    required = {s: sum(m.tokens for m in measured if m.item.segment is s and m.item.required) for s in FLOW}
    grants = _grants(wanted, required, tokens, room)
    placed: list[tuple[int, Placed]] = []
    left_out: list[LeftOut] = []
    over = 0
    for segment in FLOW:
        given = grants[segment] + over
        inside, outside = _fill([m for m in measured if m.item.segment is segment], given)
        over = given - sum(each.tokens for _, each in inside)
        placed += inside
        left_out += outside
    placed.sort(key=lambda pair: (_position(pair[1].item), pair[0]))
    return Assembled(window, tokens, tuple(each for _, each in placed), tuple(left_out))


class _Measured:
    """An item with its size."""

    def __init__(self, number: int, item: Item, count: Callable[[str], int], room: int) -> None:
        self.number = number
        self.item = item
        self._count = count
        self.whole = item.render()
        self.counted = len(self.whole) <= (room + 1) * CHARS_PER_TOKEN
        self.tokens = self.cost(self.whole) if self.counted else room + 1

    def cost(self, text: str) -> int:
        """Tokens that a text takes in the prompt."""
        return self._count(text) + ITEM_TOKENS

    def cut(self, room: int) -> Placed | None:
        """As many whole lines as fit into `room` tokens with the mark; None if that is next to nothing."""
        lines = self.item.text.removesuffix("\n").split("\n")
        head = self.item.keep == "head"
        most = _within(lines if head else lines[::-1], room * CHARS_PER_TOKEN)

        def drawn(kept: int) -> str:
            part = lines[:kept] if head else lines[len(lines) - kept :]
            return self.item.render(part, f"[… {len(lines) - kept:,} more lines left out …]")

        sizes = range(FEWEST_LINES, min(most, len(lines) - 1) + 1)
        fitting = bisect_right(sizes, room, key=lambda kept: self.cost(drawn(kept)))
        for kept in reversed(sizes[:fitting]):  # counts hardly ever shrink as lines are added, but they may
            text = drawn(kept)
            if (tokens := self.cost(text)) <= room:
                return Placed(self.item, text, tokens, len(lines) - kept)
        return None


def _within(lines: Sequence[str], chars: int) -> int:
    """How many of these lines have at most so many characters together."""
    for number, line in enumerate(lines):
        chars -= len(line) + 1
        if chars < 0:
            return number
    return len(lines)


def _check_required(measured: Sequence[_Measured], room: int, window: int, model: str) -> None:
    needed = [m for m in measured if m.item.required]
    if sum(m.tokens for m in needed) <= room:
        return
    largest = max(needed, key=lambda m: m.tokens)
    size = f"{largest.tokens:,}" if largest.counted else f"more than {room:,}"
    others = sum(m.tokens for m in needed) - largest.tokens
    rest = f", what must go with it {others:,}" if others else ""
    raise ContextTooLarge(
        f"The request is too large for {model}: {largest.item.title} takes {size} tokens{rest}, and there is room "
        f"for {room:,} of {window:,}.",
        hint="Make it shorter, name a part of the file (`@file.py:10-80`), or choose a model with a larger window.",
    )


def _grants(
    wanted: Mapping[Segment, int], required: Mapping[Segment, int], shares: Mapping[Segment, int], room: int
) -> dict[Segment, int]:
    """Tokens for each segment, together at most `room`."""
    grants = dict(required)
    left = room - sum(required.values())
    for limits in (shares, wanted):  # each its own share, then what the others leave
        for segment in FLOW:
            more = min(left, max(0, min(wanted[segment], limits[segment]) - grants[segment]))
            grants[segment] += more
            left -= more
    return grants


def _fill(measured: Sequence[_Measured], room: int) -> tuple[list[tuple[int, Placed]], list[LeftOut]]:
    """The items of one segment that go in, with their numbers, and those that do not."""
    inside: list[tuple[int, Placed]] = []
    outside: list[LeftOut] = []
    broken = False
    for m in sorted(measured, key=lambda m: (not m.item.required, -m.item.priority, m.number)):
        placed = None
        if not (broken and m.item.role):
            if m.counted and m.tokens <= room:
                placed = Placed(m.item, m.whole, m.tokens)
            elif not m.item.atomic:
                placed = m.cut(room)
        if placed is None:
            broken = broken or bool(m.item.role)  # a turn is missing: those before it would answer nothing
            outside.append(LeftOut(m.item, m.tokens if m.counted else None))
        else:
            inside.append((m.number, placed))
            room -= placed.tokens
    return inside, outside


def _position(item: Item) -> float:
    """Where in the prompt; what is fresh stands just before the task."""
    return LAYOUT.index(Segment.TASK) - 0.5 if item.fresh else LAYOUT.index(item.segment)
