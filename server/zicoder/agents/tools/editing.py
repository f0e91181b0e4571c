"""Tools that change files: each makes a proposal, and somebody else applies it or does not. They write nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from pydantic import Field

from zicoder.agents.front import Applied
from zicoder.agents.places import Place
from zicoder.agents.tools.protocol import Arguments, Grant, ToolText, Touch
from zicoder.agents.tools.reading import file_text
from zicoder.errors import ToolError
from zicoder.proposal import FileEdit, Proposal

__all__ = ["Apply", "CreateTool", "DeleteTool", "EditTool", "OpenText", "Rewrite"]

Apply = Callable[[Proposal], Awaitable[Applied]]
"""`Front.apply`, or what stands before it."""
Rewrite = Callable[[str, str, str, str], str]
"""(path, text of the file, old, new) -> the text after. Called in a thread. Raises ToolError if `old` is not found."""
OpenText = Callable[[str], "tuple[str, int | None] | None"]
"""The text and version of an open document by its project-relative path, None for one that is not open."""


class EditArguments(Arguments):
    """What to change."""

    path: str = Field(description="The file, relative to the project.")
    old: str = Field(description="The lines to replace, exactly as they stand in the file.", min_length=1)
    new: str = Field(description="What to put there.")


class EditTool:
    """Change a part of a file."""

    name = "edit"
    description = (
        "Replace one piece of a file. Give enough lines in `old` for it to be found once. The user sees the change and "
        "may refuse it."
    )
    arguments = EditArguments

    def __init__(self, apply: Apply, rewrite: Rewrite, open_text: OpenText = lambda _: None) -> None:
        self._apply = apply
        self._rewrite = rewrite
        self._open_text = open_text

    def touches(self, arguments: EditArguments) -> Touch:
        """The file."""
        detail = f"{arguments.old}\n→\n{arguments.new}"
        return Touch(summary=f"edit {arguments.path}", detail=detail, edits=(arguments.path,))

    async def run(self, arguments: EditArguments, grant: Grant) -> ToolText:
        """What became of the proposal."""
        place = grant.place(arguments.path)
        path = _project_path(place)
        before, version = self._open_text(path) or (await asyncio.to_thread(file_text, place), None)
        after = await asyncio.to_thread(self._rewrite, path, before, arguments.old, arguments.new)
        if after == before:
            return ToolText(f"{path} already reads like that.", f"{path}: no change")
        edit = FileEdit(path=path, before=before, after=after, version=version)
        return await _offered(self._apply, f"Edit {path}", edit, grant)


class CreateArguments(Arguments):
    """What to create."""

    path: str = Field(description="The new file, relative to the project.")
    text: str = Field(description="Everything that is to be in it.")


class CreateTool:
    """Create a file."""

    name = "create"
    description = "Create a file that is not there yet. The user sees it and may refuse it."
    arguments = CreateArguments

    def __init__(self, apply: Apply, open_text: OpenText = lambda _: None) -> None:
        self._apply = apply
        self._open_text = open_text

    def touches(self, arguments: CreateArguments) -> Touch:
        """The file."""
        return Touch(summary=f"create {arguments.path}", detail=arguments.text, edits=(arguments.path,))

    async def run(self, arguments: CreateArguments, grant: Grant) -> ToolText:
        """What became of the proposal."""
        place = grant.place(arguments.path)
        path = _project_path(place)
        if self._open_text(path) is not None or await asyncio.to_thread(place.real.exists):
            raise ToolError(f"{path} is there already.", hint="Use `edit` to change it.")
        above = await asyncio.to_thread(_file_above, grant.root, place.real)
        if above:
            raise ToolError(f"{above} is a file, so {path} cannot be in it.")
        edit = FileEdit(path=path, before=None, after=arguments.text)
        return await _offered(self._apply, f"Create {path}", edit, grant)


class DeleteArguments(Arguments):
    """What to delete."""

    path: str = Field(description="The file, relative to the project.")


class DeleteTool:
    """Delete a file."""

    name = "delete"
    description = "Delete one text file. The user is asked."
    arguments = DeleteArguments

    def __init__(self, apply: Apply, open_text: OpenText = lambda _: None) -> None:
        self._apply = apply
        self._open_text = open_text

    def touches(self, arguments: DeleteArguments) -> Touch:
        """The file."""
        return Touch(summary=f"delete {arguments.path}", deletes=(arguments.path,))

    async def run(self, arguments: DeleteArguments, grant: Grant) -> ToolText:
        """What became of the proposal."""
        place = grant.place(arguments.path)
        path = _project_path(place)
        before, version = self._open_text(path) or (await asyncio.to_thread(file_text, place), None)
        edit = FileEdit(path=path, before=before, after=None, version=version)
        return await _offered(self._apply, f"Delete {path}", edit, grant)


async def _offered(apply: Apply, title: str, edit: FileEdit, grant: Grant) -> ToolText:
    outcome = await apply(Proposal(title, (edit,), approved=grant.approved))
    added, removed = edit.lines_changed
    if outcome.ok:
        return ToolText(
            f"Done: {edit.path}, {added} lines added, {removed} taken away.", f"{edit.path} +{added} -{removed}"
        )
    return ToolText(
        f"It was not applied: {outcome.reason or 'the user said no'}", f"{edit.path}: not applied", ok=False
    )


def _project_path(place: Place) -> str:
    if not place.relative:
        raise ToolError("Only files of the project can be changed.")
    return place.relative


def _file_above(root: Path, path: Path) -> str:
    found = next((p for p in path.parents if p != root and p.is_relative_to(root) and p.is_file()), None)
    return str(found.relative_to(root)) if found else ""
