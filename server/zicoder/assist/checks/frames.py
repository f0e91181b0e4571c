"""The messages between the checks and the process that reads texts for them. Framed as the index's are."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Answer", "Request"]


class Request(msgspec.Struct, frozen=True):
    """One question and its arguments, plain values."""

    question: str
    arguments: list[Any]


class Answer(msgspec.Struct, frozen=True):
    """What the question's function gave, or what went wrong inside."""

    value: Any
    error: str = ""
