"""What an action is: a title and edits, made at once or when it is chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from zicoder.assist.problem import Problem
from zicoder.events import ProgressSink
from zicoder.text import Edit, Snapshot

if TYPE_CHECKING:  # LanceDB takes a second to import
    from zicoder.index.search import Hit
    from zicoder.index.symbols import Symbol

__all__ = ["Action", "Asked", "Change", "FileChange", "Index", "Make"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """Another file's new text. `before` None makes the file."""

    path: Path
    before: str | None
    after: str
    edits: tuple[Edit, ...] = ()
    """The same as edits of `before`, where they are known one by one."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an action does: edits of the document it was asked for, and of other files."""

    edits: tuple[Edit, ...] = ()
    files: tuple[FileChange, ...] = ()
    preview: bool = False
    """Whether a person should look at it before it is applied, where the editor can show it."""
    title: str = ""
    """A better title, known now that the change is: how it was checked."""


Make = Callable[[ProgressSink], Awaitable[Change | None]]
"""Makes the change when the action was chosen, and tells how far it is; None when nothing comes of it after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One offer. Exactly one of `change` and `make` is there."""

    title: str
    kind: str
    """In the protocol's words: "quickfix", "refactor.extract", "source.fixAll.zi"."""
    change: Change | None = None
    make: Make | None = None
    problem: Problem | None = None
    """What it solves."""
    preferred: bool = False
    rank: int = 50
    """Lower comes first."""


class Index(Protocol):
    """What the actions ask the code index; `CodeIndex` is one."""

    async def symbols(self, query: str, limit: int = 100, *, deadline: float = 2.0) -> list[Symbol]: ...  # noqa: D102
    async def callers(self, symbol: str, limit: int = 50, *, deadline: float = 0.5) -> list[Hit]: ...  # noqa: D102
    async def definitions(  # noqa: D102
        self, names: list[str], limit: int = 20, *, deadline: float = 0.5
    ) -> list[Hit]: ...
    async def similar(  # noqa: D102
        self, snippet: str, k: int = 5, *, outside: str = "", deadline: float = 0.5
    ) -> list[Hit]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The question: what can be done at [start, end) of a document, about these problems."""

    snapshot: Snapshot
    start: int
    end: int
    problems: tuple[Problem, ...] = ()
    only: tuple[str, ...] = ()
    """Kinds that are wanted, and what is below them; () means all but "source"."""
    root: Path | None = None

    def wants(self, kind: str) -> bool:
        """Whether actions of this kind are asked for."""
        if not self.only:
            return not kind.startswith("source")
        return any(not wanted or kind == wanted or kind.startswith(f"{wanted}.") for wanted in self.only)

    def text_of(self, problem: Problem) -> str:
        """What a problem is about."""
        return self.snapshot.text[problem.start : problem.end]
