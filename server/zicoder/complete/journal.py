"""The log of what was suggested and what became of it: what the gate learns from.

Owns two files of JSON lines in the user's cache folder, at most about two megabytes together. Holds the features of a
place and never any text of a document, nor its name. Never sent anywhere; `forget` erases it. A log that cannot be
written or read is as good as none: nothing here raises for a disk's sake.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from zicoder.workspace import cache_dir

__all__ = ["Entry", "Journal", "Outcome", "journal_path"]

Outcome = Literal["accepted", "partly", "rejected", "ignored", "typed", "hidden_right", "hidden_wrong"]
"""`ignored`: something else was typed over it. `typed`: the very same was typed. `hidden_…`: the gate kept it back, and
what was typed then was the same, or not."""

LARGEST = 1_000_000
"""Bytes of the file that is written to; then it becomes the old one, and the old one goes."""
FEATURES = 64
"""Features of one entry that are read; a file that was tampered with may hold any number."""
_OUTCOMES: tuple[str, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One suggestion and its end."""

    at: int
    """Seconds since 1970."""
    outcome: Outcome
    kept: int = 0
    """Characters of it that are in the text now."""
    length: int = 0
    language: str = ""
    model: str = ""
    features: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def wanted(self) -> float:
        """How much of it was wanted, from 0 to 1."""
        if self.outcome == "partly":
            return min(1.0, 0.5 + self.kept / (2 * max(self.length, 1)))
        return float(self.outcome in ("accepted", "typed", "hidden_right"))

    @property
    def weight(self) -> float:
        """How sure that is: somebody who types on may not have read the suggestion."""
        return 1.0 if self.outcome in ("accepted", "partly", "rejected") else 0.5


def journal_path() -> Path:
    """Where the log is on this machine."""
    return cache_dir() / "completion" / "journal.jsonl"


class Journal:
    """An append-only log. Safe to use from several threads; several processes may write to the same one."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or journal_path()
        self._old = self._path.with_name(f"{self._path.stem}.old{self._path.suffix}")
        self._lock = threading.Lock()

    def append(self, entry: Entry) -> None:
        """Write one entry. Touches the disk: for a thread where that may be slow.

        An entry begins with a line break, so that a torn one before it cannot spoil it.
        """
        line = json.dumps(_as_json(entry), separators=(",", ":"), ensure_ascii=True)
        with self._lock, contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):  # there is none yet, or another process is just rotating it
                if self._path.stat().st_size > LARGEST:
                    self._path.replace(self._old)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, f"\n{line}\n".encode("ascii"))
            finally:
                os.close(descriptor)

    def entries(self) -> Iterator[Entry]:
        """Everything that can be read, oldest first; lines that make no sense are passed over."""
        for path in (self._old, self._path):
            try:
                with path.open("rb") as file:
                    text = file.read(2 * LARGEST).decode("ascii", "replace")
            except OSError:
                continue
            for line in text.split("\n"):
                if entry := _entry(line):
                    yield entry

    def forget(self) -> None:
        """Erase it. Raises OSError if a file cannot be removed: the user must know that it is still there."""
        with self._lock:
            for path in (self._old, self._path):
                path.unlink(missing_ok=True)


def _as_json(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "outcome": entry.outcome,
        "kept": entry.kept,
        "length": entry.length,
        "language": entry.language,
        "model": entry.model,
        "features": {name: round(value, 4) for name, value in entry.features.items() if value},
    }


def _entry(line: str) -> Entry | None:
    if not line.strip():
        return None
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    values = cast("dict[str, Any]", found)
    features: Any = values.get("features")
    if values.get("outcome") not in _OUTCOMES or not isinstance(features, dict):
        return None
    numbers = [_number(values.get(name)) for name in ("at", "kept", "length")]
    sane = {
        name: max(-2.0, min(2.0, _number(value)))
        for name, value in list(cast("dict[str, Any]", features).items())[:FEATURES]
    }
    return Entry(
        at=int(numbers[0]), outcome=values["outcome"], kept=int(numbers[1]), length=int(numbers[2]),
        language=str(values.get("language", "")), model=str(values.get("model", "")), features=sane,
    )  # fmt: skip


def _number(value: object) -> float:
    """A number, or 0 for anything that is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) else 0.0
