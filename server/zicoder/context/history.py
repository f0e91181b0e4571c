"""The turns before this one: which are shown, which are told in a summary, and that summary. Calls no model itself.

The oldest turns are summarised in steps, so that what stands before the newest turns stays the same for a while: a
prompt whose beginning changes finds nothing in the model's cache.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from zicoder.context.segments import Item, Segment
from zicoder.errors import ZiError

__all__ = ["Said", "Summary", "as_sent", "condense", "history_items", "to_summarise"]

log = logging.getLogger("zicoder.context")

Count = Callable[[str], int]
Ask = Callable[[str], Awaitable[str]]

TURN_TOKENS = 4
KEPT = 0.5
"""Share of the room that the turns take after a summary was made: room for some more before the next."""
SUMMARY = 0.25
"""Share of the room that a summary may take."""
FEWEST_TOKENS = 48
LONGEST_SENTENCE = 240
MOST_NAMES = 6
ASKED_CHARS = 12_000
"""Of the old turns that a model reads to summarise them."""

_FENCE = re.compile(r"^(```|~~~).*?(?:^\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)
_SENTENCE = re.compile(r".+?(?:[.!?](?=[\s\"')\]]|$)|$)", re.MULTILINE)
_TOLD = re.compile(
    r"`([^`\n]{1,80})`|(?<![\w/.-])((?:[\w.-]{1,80}/){0,12}[\w.-]{1,80}\.[a-z]{1,4}(?::\d{1,7})?)(?![\w/])"
)


@dataclass(frozen=True, slots=True)
class Said:
    """One turn, as the model sees it again."""

    role: Literal["user", "assistant"]
    text: str
    sent: str = ""
    """The whole message, with all that was shown beside the question; "" where only the text is known."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Stands for the first `covers` turns of a conversation."""

    covers: int = 0
    text: str = ""


def to_summarise(turns: Sequence[Said], summary: Summary, room: int, count: Count) -> int:
    """How many of the first turns a summary should cover for the history to fit into `room` tokens.

    That is what it covers already while everything fits; else so many that the rest takes half of the room, and never
    an answer without its question.
    """
    covered = min(summary.covers, len(turns))
    head = _cost(summary.text, count) if summary.text else 0
    costs = [_cost(turn.text, count) for turn in turns[covered:]]
    if head + sum(costs) <= room:
        return covered
    left = int(room * KEPT)
    first = len(turns)
    while first > covered and (cost := costs[first - 1 - covered]) <= left:
        left -= cost
        first -= 1
    while first < len(turns) and turns[first].role == "assistant":
        first += 1
    return first


def as_sent(turns: Sequence[Said], summary: Summary, room: int, count: Count) -> list[Said]:
    """The turns with the messages that were sent as their texts: all that are known, or the newest one, or none.

    A model that is sent the same again finds it in its cache, and can be asked about what it was shown before. What
    fits into `room` tokens is decided by the turns that the summary does not cover.
    """
    known = [number for number, turn in enumerate(turns) if turn.sent and number >= summary.covers]
    head = _cost(summary.text, count) if summary.text else 0
    for whole in (known, known[-1:]):
        told = [replace(turn, text=turn.sent) if n in whole else turn for n, turn in enumerate(turns)]
        if head + sum(_cost(turn.text, count) for turn in told[summary.covers :]) <= room:
            return told
    return [replace(turn, sent="") for turn in turns]


async def condense(
    turns: Sequence[Said], summary: Summary, *, room: int, count: Count, ask: Ask | None = None
) -> Summary:
    """The summary that the history needs to fit into `room` tokens: the same one if it does already.

    `ask` sends a prompt to a model and gives its answer. Without it, or when it fails, the first sentences of the
    turns and the names in them make the summary.
    """
    covers = to_summarise(turns, summary, room, count)
    if covers == min(summary.covers, len(turns)):
        return summary
    limit = max(FEWEST_TOKENS, int(room * SUMMARY))
    old = turns[min(summary.covers, len(turns)) : covers]
    text = await _asked(ask, summary.text, old, limit, count) if ask is not None else ""
    return Summary(covers, text or _brief(summary.text, old, limit, count))


def history_items(turns: Sequence[Said], summary: Summary = Summary()) -> list[Item]:
    """Items of the history segment, oldest first; the newest turns have the highest priority, after the summary."""
    items: list[Item] = []
    if summary.text:
        items.append(
            Item(
                segment=Segment.HISTORY, name="summary of older turns", fence=False, atomic=True,
                text=f"Earlier in this conversation:\n{summary.text}", priority=len(turns) + 1,
            )
        )  # fmt: skip
    for number, turn in enumerate(turns[summary.covers :], summary.covers):
        name = f"turn {number + 1} ({turn.role})"
        item = Item(segment=Segment.HISTORY, name=name, text=turn.text, fence=False, atomic=True, role=turn.role,
                    priority=number)  # fmt: skip
        items.append(item)
    return items


async def _asked(ask: Ask, before: str, turns: Sequence[Said], limit: int, count: Count) -> str:
    """What a model makes of the old turns, "" if nothing usable comes back."""
    told = "\n\n".join(f"{turn.role.upper()}: {turn.text}" for turn in turns)
    if len(told) > ASKED_CHARS:
        told = _brief("", turns, ASKED_CHARS // 4, count)
    known = f"Summary so far:\n{before}\n\n" if before else ""
    prompt = (
        f"Summarise this conversation about code in at most {limit * 2 // 3} words of plain sentences. Keep what was "
        f"asked, what was decided, and every name and path that still matters.\n\n{known}Conversation:\n{told}"
    )
    try:
        answer = await ask(prompt)
    except ZiError as error:
        log.info("no summary by a model: %s", error.sentence)
        return ""
    return _whole_sentences(answer.strip(), limit, count)


def _brief(before: str, turns: Sequence[Said], limit: int, count: Count) -> str:
    """The first sentence of each turn with the names in the rest; of too many lines, the newest ones."""
    lines = [*before.split("\n"), *(_line(turn) for turn in turns)] if before else [_line(turn) for turn in turns]
    kept: list[str] = []
    left = limit
    for line in reversed(lines):
        if (tokens := count(line) + 1) > left:
            break
        kept.append(line)
        left -= tokens
    return "\n".join(reversed(kept))


def _line(turn: Said) -> str:
    prose = _FENCE.sub(" ", turn.text[:ASKED_CHARS]).strip()
    sentences = _sentences(prose)
    first = sentences[0] if sentences else "(code)"
    names = [a or b for a, b in _TOLD.findall(turn.text[:ASKED_CHARS]) if (a or b) not in first]
    told = f" ({', '.join(list(dict.fromkeys(names))[:MOST_NAMES])})" if names else ""
    who = "User" if turn.role == "user" else "Answer"
    return f"- {who}: {first}{told}"


def _sentences(text: str) -> list[str]:
    found = (match.group().strip() for match in _SENTENCE.finditer(text[:ASKED_CHARS]))
    return [_at_word(sentence) for sentence in found if sentence]


def _at_word(sentence: str) -> str:
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    return sentence[:LONGEST_SENTENCE].rsplit(" ", 1)[0] + " …"


def _whole_sentences(text: str, limit: int, count: Count) -> str:
    """The text, or as many of its first sentences as fit into `limit` tokens."""
    if len(text) <= ASKED_CHARS and count(text) <= limit:
        return text
    kept: list[str] = []
    for sentence in _sentences(text):
        if count(" ".join([*kept, sentence])) > limit:
            break
        kept.append(sentence)
    return " ".join(kept)


def _cost(text: str, count: Count) -> int:
    return count(text) + TURN_TOKENS
