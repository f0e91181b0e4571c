"""Tools that find places in the project: by meaning, by name, by pattern. They change nothing.

What is asked of the code index is a protocol here, so that its packages are not imported for it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from zicoder.agents.excerpt import shortened
from zicoder.agents.processes import Limits, run_process, scrubbed
from zicoder.agents.tools.grep_process import Request
from zicoder.agents.tools.protocol import Arguments, Grant, ToolText, Touch
from zicoder.errors import ToolError

if TYPE_CHECKING:  # LanceDB takes a second to import
    from zicoder.index.search import Hit, Scope
    from zicoder.index.symbols import Symbol

__all__ = ["CodeSearch", "DefinitionsTool", "GrepTool", "OpenSearch", "SearchTool", "SymbolsTool"]

MAX_CHARS = 16_000
HIT_CHARS = 2_400
GREP_LIMITS = Limits(seconds=15, memory_bytes=1 << 30, output_bytes=8 << 20)
GREP_BYTES = 1 << 20
"""Of what its process writes that are kept: more than `MAX_MATCHES` lines take."""
MAX_MATCHES = 200


class CodeSearch(Protocol):
    """What is needed of `CodeIndex`."""

    async def search(self, text: str, k: int = 10, scope: Scope | None = None, *, deadline: float = 5.0) -> list[Hit]:
        """Pieces of code, the best first."""
        ...

    async def symbols(self, query: str, limit: int = 100, *, deadline: float = 2.0) -> list[Symbol]:
        """Names that match."""
        ...

    async def definitions(self, names: Sequence[str], limit: int = 20, *, deadline: float = 0.5) -> list[Hit]:
        """What defines one of the names."""
        ...


OpenSearch = Callable[[], Awaitable[CodeSearch]]
"""The index of the project, opened. Raises CodeIndexError, whose sentence the model reads."""


class SearchArguments(Arguments):
    """What to search for."""

    query: str = Field(description="What the code does, in words, or names.", min_length=1, max_length=2000)
    count: int = Field(default=8, ge=1, le=20, description="How many pieces of code.")


class SearchTool:
    """Search by meaning and by name."""

    name = "search"
    description = "Search the project's code by meaning and by name. Answers with pieces of code, the best ones first."
    arguments = SearchArguments

    def __init__(self, index: OpenSearch) -> None:
        self._index = index

    def touches(self, arguments: SearchArguments) -> Touch:
        """The whole project."""
        return Touch(summary=f"search {arguments.query[:80]!r}", reads=(".",))

    async def run(self, arguments: SearchArguments, grant: Grant) -> ToolText:
        """The pieces with their places."""
        index = await self._index()
        return _pieces(await index.search(arguments.query, arguments.count), grant)


class DefinitionsArguments(Arguments):
    """Whose definition."""

    name: str = Field(description="A function, class or constant: `Session` or `Session.request`.", min_length=1)


class DefinitionsTool:
    """Show where a name is defined."""

    name = "definitions"
    description = "Show the code that defines a name."
    arguments = DefinitionsArguments

    def __init__(self, index: OpenSearch) -> None:
        self._index = index

    def touches(self, arguments: DefinitionsArguments) -> Touch:
        """The whole project."""
        return Touch(summary=f"definition of {arguments.name[:80]}", reads=(".",))

    async def run(self, arguments: DefinitionsArguments, grant: Grant) -> ToolText:
        """The definitions with their places; those of the scope that was named first."""
        index = await self._index()
        wanted = arguments.name.strip().replace("::", ".").removesuffix("()")
        hits = await index.definitions([wanted.rpartition(".")[2]], 10, deadline=5.0)
        exact = [hit for hit in hits if hit.qualified == wanted or hit.qualified.endswith(f".{wanted}")]
        return _pieces(exact or hits, grant)


class SymbolsArguments(Arguments):
    """Which names."""

    query: str = Field(description="A name, its beginning, a part of it, or the letters of its humps.", min_length=1)
    count: int = Field(default=30, ge=1, le=100, description="How many.")


class SymbolsTool:
    """List names."""

    name = "symbols"
    description = "List functions, classes and other names that are defined in the project and match a query."
    arguments = SymbolsArguments

    def __init__(self, index: OpenSearch) -> None:
        self._index = index

    def touches(self, arguments: SymbolsArguments) -> Touch:
        """The whole project."""
        return Touch(summary=f"symbols {arguments.query[:80]!r}", reads=(".",))

    async def run(self, arguments: SymbolsArguments, grant: Grant) -> ToolText:
        """One name a line."""
        index = await self._index()
        found = await index.symbols(arguments.query, arguments.count, deadline=5.0)
        shown = [f"{s.path}:{s.line + 1}  {s.kind} {s.qualified or s.name}" for s in found if not grant.hidden(s.path)]
        return ToolText("\n".join(shown) or "No name matches.", f"{len(shown)} names")


def _pieces(hits: Sequence[Hit], grant: Grant) -> ToolText:
    seen = [hit for hit in hits if not grant.hidden(hit.path)]
    texts = [f"{hit.path}:{hit.start + 1}-{hit.end}\n{shortened(hit.text, HIT_CHARS)}" for hit in seen]
    return ToolText(shortened("\n\n".join(texts), MAX_CHARS) or "Nothing was found.", f"{len(seen)} places")


class GrepArguments(Arguments):
    """What to look for."""

    pattern: str = Field(description="A regular expression as in Python, for one line.", min_length=1, max_length=1000)
    path: str = Field(default=".", description="Folder or file to look in.")
    glob: str = Field(default="", description="Only files of this pattern: `*.py`, `src/**`.", max_length=200)
    ignore_case: bool = Field(default=False, description="Whether capitals do not matter.")


class GrepTool:
    """Look for a pattern."""

    name = "grep"
    description = (
        "Find the lines of the project's files that match a regular expression. Files that the project ignores are "
        f"left out. At most {MAX_MATCHES} lines."
    )
    arguments = GrepArguments

    def touches(self, arguments: GrepArguments) -> Touch:
        """The folder."""
        return Touch(summary=f"grep {arguments.pattern[:80]!r} in {arguments.path}", reads=(arguments.path,))

    async def run(self, arguments: GrepArguments, grant: Grant) -> ToolText:
        """The lines with their places, those found so far if it takes too long."""
        place = grant.place(arguments.path)
        if place.relative is None:
            raise ToolError("This looks in the project only.")
        request = Request(
            root=str(grant.root), pattern=arguments.pattern, ignore_case=arguments.ignore_case, below=place.relative,
            glob=arguments.glob, most=MAX_MATCHES,
        )  # fmt: skip
        ended = await run_process(
            [sys.executable, "-P", "-X", "utf8", "-m", "zicoder.agents.tools.grep_process"], cwd=grant.root,
            environment=scrubbed(os.environ), limits=GREP_LIMITS, head=GREP_BYTES, tail=0,
            stdin=json.dumps(request).encode(),
        )  # fmt: skip
        messages = [message for line in ended.output.splitlines() if (message := _message(line))]
        if error := next((m["error"] for m in messages if "error" in m), ""):
            raise ToolError(str(error))
        complete = any("done" in m or "more" in m for m in messages)
        if not complete and not ended.stopped:
            raise ToolError("The search ended before its time.")
        lines = [
            f"{m['path']}:{m['line']}: {m['text']}" for m in messages if "path" in m and not grant.hidden(m["path"])
        ]
        note = ended.stopped and f"\n[… {ended.stopped} Use a simpler pattern, or a folder. …]"
        note = note or ("\n[… there are more …]" if any("more" in m for m in messages) else "")
        return ToolText((shortened("\n".join(lines), MAX_CHARS) or "No line matches.") + note, f"{len(lines)} lines")


def _message(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:  # cut off
        return {}
