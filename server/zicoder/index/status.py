"""What an index is doing, as a status line shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from zicoder.errors import ZiError

__all__ = ["IndexState", "IndexStatus"]


class IndexState(StrEnum):
    """What the index is doing, for a status line."""

    CLOSED = "closed"
    INDEXING = "indexing"
    READY = "ready"
    FOLLOWING = "following"  # another process keeps it up to date
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """State, size, and why not, if not."""

    state: IndexState
    files: int = 0
    chunks: int = 0
    better: int = 0
    """Chunks that have the better model's vector."""
    error: ZiError | None = None
