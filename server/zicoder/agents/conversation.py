"""A conversation as data: turns, summary, title; its records, and Markdown for people. Touches no disk.

A record is one JSON object of a line of a file. What a later version writes into one is kept as it is: fields that are
not known here stay with their turn, and kinds of records that are not known are passed over.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

from zicoder.context.history import Said, Summary

__all__ = [
    "Conversation",
    "Role",
    "Turn",
    "Used",
    "decode",
    "encode",
    "from_records",
    "title_of",
    "to_markdown",
    "turn_record",
]

Role = Literal["user", "assistant"]

LONGEST_TITLE = 60
UNTITLED = "(no title)"


@dataclass(frozen=True, slots=True)
class Used:
    """A part of a file that the model saw: where, not what."""

    path: str
    start: int
    """Zero-based lines, [start, end)."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What was said, and what it took."""

    role: Role
    text: str
    at: float = 0.0
    """Seconds since 1970."""
    command: str = ""
    """The name of the /command, without its slash."""
    context: tuple[Used, ...] = ()
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    """US dollars; None where no price is known."""
    seconds: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields of a later version, written back as they are."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said so far, oldest first."""

    id: str
    title: str = UNTITLED
    turns: tuple[Turn, ...] = ()
    summary: Summary = field(default_factory=Summary)
    """Of the first turns, for when there is no room for them."""

    def said(self, sent: Mapping[float, str]) -> list[Said]:
        """The turns as the history of a prompt; `sent` has whole messages by the times of their turns."""
        return [Said(turn.role, turn.text, sent.get(turn.at, "") if turn.role == "user" else "") for turn in self.turns]

    @property
    def model(self) -> str:
        """The model that answered last, "" if none did."""
        return next((turn.model for turn in reversed(self.turns) if turn.model), "")

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens read and tokens written by models."""
        return sum(turn.input_tokens for turn in self.turns), sum(turn.output_tokens for turn in self.turns)

    @property
    def cost(self) -> float | None:
        """US dollars of all turns; None if the price of one is not known."""
        costs = [turn.cost for turn in self.turns]
        return None if None in costs else sum(cost for cost in costs if cost)


def title_of(prompt: str) -> str:
    """A title for a conversation that begins so: the first line of prose, cut at a word."""
    prose = re.sub(r"^(```|~~~).*?(^\1|\Z)", "", prompt, flags=re.MULTILINE | re.DOTALL)
    lines = (re.sub(r"\s+", " ", line).strip(" #>*-\t") for line in (*prose.splitlines(), *prompt.splitlines()))
    line = "".join(c for c in next((line for line in lines if line), "") if c.isprintable())
    if len(line) <= LONGEST_TITLE:
        return line or UNTITLED
    cut = line[:LONGEST_TITLE].rsplit(" ", 1)[0] if " " in line[:LONGEST_TITLE] else line[:LONGEST_TITLE]
    return f"{cut.rstrip(' ,;:.')} …"


# --- records


def encode(record: Mapping[str, Any]) -> bytes:
    """A record as one line of ASCII, its line end included: no text in it can break the line."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def decode(data: bytes) -> list[dict[str, Any]]:
    """The records in a file; a line that is torn or makes no sense is passed over."""
    records: list[dict[str, Any]] = []
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            found: Any = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            records.append(cast("dict[str, Any]", found))
    return records


def turn_record(turn: Turn) -> dict[str, Any]:
    """A turn as a record; what says nothing is left out."""
    values: dict[str, Any] = {
        "kind": "turn", "role": turn.role, "text": turn.text, "at": turn.at, "command": turn.command,
        "context": [[used.path, used.start, used.end] for used in turn.context], "model": turn.model,
        "input_tokens": turn.input_tokens, "output_tokens": turn.output_tokens, "cost": turn.cost,
        "seconds": turn.seconds,
    }  # fmt: skip
    telling = {name: value for name, value in values.items() if name in _NEEDED or value or value is None}
    return {**turn.extra, **telling}


_NEEDED = frozenset({"kind", "role", "text", "at"})
_KNOWN = _NEEDED | {"command", "context", "model", "input_tokens", "output_tokens", "cost", "seconds"}


def from_records(identity: str, records: Iterable[Mapping[str, Any]]) -> Conversation:
    """The conversation that these records tell, in their order."""
    turns: list[Turn] = []
    title, summary = "", Summary()
    for record in records:
        kind = record.get("kind")
        if kind == "turn" and (turn := _turn(record)):
            turns.append(turn)
        elif kind == "title":
            title = _text(record.get("title"))
        elif kind == "summary":
            summary = Summary(int(_number(record.get("covers"))), _text(record.get("text")))
    if not title:
        title = title_of(next((turn.text for turn in turns if turn.role == "user"), ""))
    if not 0 <= summary.covers <= len(turns):
        summary = Summary()
    return Conversation(identity, title, tuple(turns), summary)


def _turn(record: Mapping[str, Any]) -> Turn | None:
    role, text = record.get("role"), record.get("text")
    if role not in ("user", "assistant") or not isinstance(text, str):
        return None
    cost = record.get("cost", 0.0)
    return Turn(
        role=role, text=text, at=_number(record.get("at")), command=_text(record.get("command")),
        context=_context(record.get("context")), model=_text(record.get("model")),
        input_tokens=int(_number(record.get("input_tokens"))), output_tokens=int(_number(record.get("output_tokens"))),
        cost=None if cost is None else _number(cost), seconds=_number(record.get("seconds")),
        extra={name: value for name, value in record.items() if name not in _KNOWN},
    )  # fmt: skip


def _context(value: object) -> tuple[Used, ...]:
    found: list[Used] = []
    for each in cast("list[Any]", value) if isinstance(value, list) else []:
        match each:
            case [str(path), int(start), int(end), *_]:
                found.append(Used(path, start, end))
            case _:
                pass
    return tuple(found)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    """A number, or 0 for anything that is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    try:
        return value if math.isfinite(value) else 0
    except OverflowError:
        return 0


# --- for people


def to_markdown(conversation: Conversation) -> str:
    """The conversation as a document."""
    parts = [f"# {conversation.title}\n"]
    for turn in conversation.turns:
        who = "You" if turn.role == "user" else turn.model or "Answer"
        when = f" · {_moment(turn.at)}" if turn.at > 0 else ""
        command = f"`/{turn.command}` " if turn.command and turn.role == "user" else ""
        parts.append(f"## {who}{when}\n\n{command}{_closed(turn.text.strip())}\n")
        if turn.context:
            parts.append("Context: " + ", ".join(f"`{u.path}:{u.start + 1}-{u.end}`" for u in turn.context) + "\n")
    read, written = conversation.tokens
    if read or written:
        cost = f", {conversation.cost:.4f} US dollars" if conversation.cost else ""
        parts.append(f"---\n\n{read:,} tokens read, {written:,} written{cost}\n")
    return "\n".join(parts)


def _moment(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return ""


def _closed(text: str) -> str:
    """A text with the code block closed that it left open, so that it does not swallow the next turn."""
    fence = ""
    for line in text.splitlines():
        found = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if found and not fence:
            fence = found[1]
        elif found and found[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
    return f"{text}\n{fence}" if fence else text
