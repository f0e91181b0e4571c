"""Edits of one text that come from several places: taken together, or found by comparing two texts."""

from __future__ import annotations

from zicoder.text import Edit, common_ends

__all__ = ["difference", "together"]


def together(several: list[tuple[Edit, ...]]) -> tuple[Edit, ...]:
    """All edits that can be made at once; of two that overlap, those of the first."""
    taken: list[Edit] = []
    for edits in several:
        new = [edit for edit in edits if edit not in taken]
        if all(_apart(edit, other) for edit in new for other in taken):
            taken += new
    return tuple(taken)


def _apart(one: Edit, other: Edit) -> bool:
    if one.start == one.end == other.start == other.end:
        return False
    return one.end <= other.start or other.end <= one.start


def difference(before: str, after: str) -> Edit:
    """The one edit that makes a text another."""
    start, end = common_ends(before, after)
    return Edit(start, len(before) - end, after[start : len(after) - end])
