"""The record of what agents were let do and what not: one JSON object a line, only ever added to.

A record holds no file contents and no secrets that can be told by their looks. Two processes may write at once: each
line is one write in append mode. The file is moved aside when it grows beyond its bound; one old one is kept.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["AuditLog", "redacted"]

log = logging.getLogger("zicoder.agents")

MAX_BYTES = 4 << 20
"""Of one file: some twenty thousand decisions."""
MAX_READ = 2000
"""Characters that are looked at: a key that is cut off there does not get into what is kept."""
MAX_TEXT = 500
"""Characters of a text in a record. A line stays below 4 KiB, which systems append in one piece."""

_SECRETS = (
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(
        r"\b(?:sk|pk|rk)-[\w-]{8,}|\bgh[opsur]_\w{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{12,}|\bxox[a-z]-[\w-]{8,}"
    ),
    re.compile(r"\bAKIA[0-9A-Z]{12,}|\bAIza[\w-]{20,}|\bhf_\w{16,}|\bnpm_\w{16,}|\bpypi-[\w-]{16,}"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(r"(?i)(?<=bearer )\S+|(?<=basic )[A-Za-z0-9+/=]{8,}"),
    re.compile(
        r"(?i)(?<![a-z])((?:[\w-]*[_-])?(?:api[_-]?key|token|secret|passw(?:or)?d|passphrase|credentials?)[\w-]*"
        r"(?:\s*[=:]\s*|\s+))(\"[^\"]*\"|'[^']*'|[^\s&;|]+)"
    ),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL),
    re.compile(r"\b[A-Za-z0-9_-]{40,}\b"),
)


def redacted(text: str) -> str:
    """The beginning of a text, with everything that looks like a key or a password taken out."""
    text = text[:MAX_READ]
    for pattern in _SECRETS:
        text = pattern.sub(lambda found: f"{found[1]}[…]" if found.re.groups else "[…]", text)
    return text


class AuditLog:
    """The record of one user on one machine."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes

    @property
    def old(self) -> Path:
        """Where the record goes when it is full."""
        return self.path.with_suffix(".old.jsonl")

    def write(self, *, project: str, tool: str, summary: str, decision: str, decided_by: str, reason: str = "") -> None:
        """Add one decision. Blocks: call it in a thread. What the disk refuses is logged, and nothing raised."""
        record: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "project": project[:200],
            "tool": tool[:100],
            "summary": _line(summary),
            "decision": decision,
            "by": decided_by,
            "reason": _line(reason),
        }
        data = json.dumps(record, ensure_ascii=True).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._make_room()
            descriptor = os.open(
                self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600
            )
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("a decision about %s could not be recorded: %s", tool, error.strerror or error)

    def _make_room(self) -> None:
        """Move a full file aside. Of two processes at it at once, one may find it moved already."""
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size >= self._max_bytes:
                os.replace(self.path, self.old)  # noqa: PTH105 - atomic, and says so


def _line(text: str) -> str:
    text = redacted(text)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
