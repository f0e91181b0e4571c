"""Python text with a cursor mark in it, as tests write places of a document."""

from __future__ import annotations

from pathlib import Path

from zicoder.text import Snapshot

__all__ = ["MARK", "cut", "snap"]

MARK = "‸"


def snap(text: str, path: Path | None = None, version: int = 1) -> Snapshot:
    """A Python document of this text."""
    return Snapshot(uri="untitled:x", text=text, version=version, language="python", path=path)


def cut(marked: str, path: Path | None = None) -> tuple[Snapshot, int]:
    """A snapshot of the text without its cursor mark, and the cursor's offset."""
    return snap(marked.replace(MARK, "", 1), path), marked.index(MARK)
