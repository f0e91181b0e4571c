"""`zi complete`: one inline completion for a place in a file, through the pipeline the editors use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zicoder.assist.jedi_bridge import JediBridge
from zicoder.commands.index import current_index, marked_root
from zicoder.complete.completer import Completer
from zicoder.complete.gate import INVOKED
from zicoder.complete.guidance_code import names_by_language
from zicoder.complete.trace import Trace
from zicoder.errors import CodeIndexError, InputError
from zicoder.events import ProgressSink, ignore_progress
from zicoder.settings import Problem
from zicoder.text import Position, Snapshot, language_of
from zicoder.workspace import Workspace

__all__ = ["LARGEST_FILE", "CompletionReport", "complete_at", "read_document"]

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes. Larger files are data, and no editor opens them as code."""


@dataclass(frozen=True, slots=True)
class CompletionReport:
    """A suggestion, or the reason why there is none."""

    text: str
    trace: Trace
    note: str = ""
    """What there is to know about the project's index."""

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        stats = self.trace.stats
        return {
            "text": self.text,
            "reason": self.trace.reason,
            "note": self.note,
            "outcome": self.trace.outcome,
            "model": self.trace.model,
            "totalMs": round(self.trace.total_ms, 1),
            "promptTokens": stats.prompt_tokens if stats else 0,
            "generatedTokens": stats.generated_tokens if stats else 0,
            "stages": [{"name": s.name, "ms": round(s.ms, 1), "note": s.note} for s in self.trace.stages],
        }


def read_document(path: Path) -> Snapshot:
    """A file as a snapshot. Raises InputError for one that is missing, not a file, too large, or binary."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise InputError(f"{path} has {size:,} bytes; the limit is {LARGEST_FILE:,}.")
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", hint="Check the path; it is relative to this folder.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    if b"\0" in raw[:8192]:
        raise InputError(f"{path} is a binary file.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    full = path.resolve()
    return Snapshot(uri=full.as_uri(), text=text, language=language_of(path), path=full)


async def complete_at(
    path: Path,
    line: int,
    column: int,
    *,
    file_alone: bool = False,
    progress: ProgressSink = ignore_progress,
    on_problem: Callable[[Problem], None] = lambda _: None,
) -> CompletionReport:
    """Complete at a 1-based line and column; a column past the end of the line means its end.

    What the file's project knows is made ready before, its index brought up to date; not with `file_alone`, nor for a
    file in no project. `on_problem` gets what is wrong with the settings.
    Raises InputError for a place that is not in the file, ModelError or EngineError when no model can answer.
    """
    snapshot = read_document(path)
    if not 1 <= line <= len(snapshot.lines):
        raise InputError(f"{path} has {len(snapshot.lines)} lines; there is no line {line}.")
    if column < 1:
        raise InputError("Columns are counted from 1.")
    offset = snapshot.lines.offset(Position(line - 1, column - 1))
    root = marked_root(snapshot.path.parent) if snapshot.path else None
    async with Workspace(root) as workspace:
        for problem in workspace.problems:
            on_problem(problem)
        await workspace.warm_up()
        if file_alone or root is None:
            return await _answered(Completer(workspace), snapshot, offset)
        with contextlib.closing(JediBridge()) as jedi:
            names = names_by_language(jedi, lambda: workspace.index)
            completer = Completer(workspace, names=names, documents=lambda: (snapshot,))
            try:
                note = await _index_note(workspace, progress)
                await completer.prepared(snapshot, offset)
                return replace(await _answered(completer, snapshot, offset), note=note)
            finally:
                await completer.close()


async def _index_note(workspace: Workspace, progress: ProgressSink) -> str:
    """Bring the index up to date; what there is to know about that."""
    try:
        _, note = await current_index(workspace, progress)
    except CodeIndexError as error:
        return f"{error.sentence} The rest of the project is not known."
    return note


async def _answered(completer: Completer, snapshot: Snapshot, offset: int) -> CompletionReport:
    found = await completer.complete(snapshot, offset, INVOKED)
    return CompletionReport(found.text if found else "", completer.traces[-1])
