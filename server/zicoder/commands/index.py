"""`zi index` and `zi search`: the code index from a terminal, or from whatever else asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zicoder.errors import CodeIndexError, IndexBusy, InputError
from zicoder.events import ProgressSink, ignore_progress
from zicoder.settings import Problem
from zicoder.workspace import Workspace, index_dir

if TYPE_CHECKING:  # LanceDB takes a second to import
    from zicoder.index.code_index import CodeIndex
    from zicoder.index.indexer import Report
    from zicoder.index.search import Hit

__all__ = [
    "IndexReport",
    "SearchReport",
    "current_index",
    "index_project",
    "marked_root",
    "project_root",
    "search_project",
]

_ROOTS = (".git", ".zicoder", ".hg")
_PARTS = ("pyproject.toml", "package.json", "go.mod", "Cargo.toml", "pom.xml")
"""Marks of a project, and of what is a project of its own only where nothing above it is one."""


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What `zi index` did."""

    root: Path
    folder: Path
    files: int
    chunks: int
    report: Report

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        done = self.report
        return {
            "root": str(self.root),
            "folder": str(self.folder),
            "files": self.files,
            "chunks": self.chunks,
            "indexed": done.indexed,
            "unchanged": done.unchanged,
            "removed": done.removed,
            "skipped": {str(reason): count for reason, count in sorted(done.skipped.items())},
            "examples": {str(reason): paths for reason, paths in sorted(done.examples.items())},
            "bytesRead": done.bytes_read,
            "seconds": round(done.seconds, 2),
        }


@dataclass(frozen=True, slots=True)
class SearchReport:
    """What `zi search` found, and what to know about it."""

    root: Path
    hits: list[Hit]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The hits as plain data; lines count from 1, `endLine` is the last one."""
        return {"root": str(self.root), "note": self.note, "hits": [hit_json(hit) for hit in self.hits]}


def hit_json(hit: Hit) -> dict[str, Any]:
    """One hit as plain data, lines counted from 1."""
    values = asdict(hit)
    start, end = values.pop("start"), values.pop("end")
    return {"path": values.pop("path"), "line": start + 1, "endLine": end, **values}


def project_root(start: Path) -> Path:
    """The project that a folder is in: the nearest folder above with a mark of one, else the folder itself."""
    start = start.resolve()
    return marked_root(start) or start


def marked_root(start: Path) -> Path | None:
    """The nearest folder above, or this one, with a mark of a project; not a whole home folder or drive."""
    above = [p for p in (start, *start.parents) if p != Path.home() and p != p.parent]
    found = (p for marks in (_ROOTS, _PARTS) for p in above if any((p / mark).exists() for mark in marks))
    return next(found, None)


def _check(root: Path) -> None:
    if not root.is_dir():
        raise InputError(f"There is no folder {root}.")


async def index_project(
    root: Path, progress: ProgressSink = ignore_progress, on_problem: Callable[[Problem], None] = lambda _: None
) -> IndexReport:
    """Bring the index of the project at `root` up to date. Raises InputError, CodeIndexError."""
    _check(root)
    async with Workspace(root) as workspace:
        for problem in workspace.problems:
            on_problem(problem)
        index = await workspace.open_index()
        report = await index.update(progress)
        status = await index.size()
        return IndexReport(root, index_dir(root), status.files, status.chunks, report)


async def current_index(workspace: Workspace, progress: ProgressSink = ignore_progress) -> tuple[CodeIndex, str]:
    """The index of a workspace, open and up to date as far as this process can see to that; a note if it cannot.

    Raises CodeIndexError.
    """
    index = await workspace.open_index()
    try:
        await index.update(progress)
    except IndexBusy:
        await index.open()
        return index, "Another process keeps this index up to date."
    except CodeIndexError as error:
        await index.open()
        return index, f"{error.sentence} The answers are from before."
    return index, ""


async def search_project(
    root: Path, query: str, *, k: int, languages: Sequence[str] = (), path: str = "",
    progress: ProgressSink = ignore_progress, on_problem: Callable[[Problem], None] = lambda _: None,
) -> SearchReport:  # fmt: skip
    """Search the project at `root`, brought up to date before unless another process does that.

    Raises InputError, CodeIndexError.
    """
    _check(root)
    async with Workspace(root) as workspace:
        for problem in workspace.problems:
            on_problem(problem)
        from zicoder.index.search import Scope

        index, note = await current_index(workspace, progress)
        scope = Scope(tuple(languages), path)
        hits = await index.search(query, k, scope)
        if not hits:
            await index.settled()  # a look-up that meets with damage has the index made anew
            hits = await index.search(query, k, scope)
        return SearchReport(root, hits, note)
