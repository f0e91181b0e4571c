"""What a repair of syntax is: one small edit, and how far-fetched it is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Repair"]


@dataclass(frozen=True, slots=True)
class Repair:
    """Characters [start, end) become `text`."""

    start: int
    end: int
    text: str
    title: str
    cost: int
    """0 for what somebody surely meant; two repairs whose costs differ by one are about as likely."""
