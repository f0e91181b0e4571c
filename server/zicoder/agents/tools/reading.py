"""Tools that look at files and folders. They change nothing."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator
from typing import BinaryIO

from pydantic import Field

from zicoder.agents.places import Place, open_judged
from zicoder.agents.tools.protocol import Arguments, Grant, ToolText, Touch
from zicoder.errors import ToolError
from zicoder.index.skip import HEAD_BYTES, Skip, content_reason
from zicoder.index.walk import FileFilter

__all__ = ["ListTool", "ReadTool", "file_text"]

MAX_LINES = 400
MAX_CHARS = 24_000
"""Of one answer: some 6,000 tokens."""
MAX_LINE = 500
MAX_FILE = 4 << 20
"""Bytes of a file that is read whole, for an edit."""
MAX_SCAN = 64 << 20
"""Bytes that are gone through to reach a line far down."""
MAX_ENTRIES = 300


class ReadArguments(Arguments):
    """What to read."""

    path: str = Field(description="The file, relative to the project.")
    start: int = Field(default=1, ge=1, description="First line.")
    end: int | None = Field(default=None, ge=1, description="Last line; without it, as many as fit.")


class ReadTool:
    """Read a file."""

    name = "read"
    description = (
        f"Read a text file. Answers with numbered lines, at most {MAX_LINES}; for the rest of a long file call it "
        "again with `start`."
    )
    arguments = ReadArguments

    def touches(self, arguments: ReadArguments) -> Touch:
        """The file."""
        return Touch(summary=f"read {arguments.path}", reads=(arguments.path,))

    async def run(self, arguments: ReadArguments, grant: Grant) -> ToolText:
        """The lines, numbered."""
        return await asyncio.to_thread(_read, grant.place(arguments.path), arguments)


def _read(place: Place, arguments: ReadArguments) -> ToolText:
    with open_judged(place) as file:
        _refuse_binary(place, file)
        shown: list[str] = []
        used, number, more = 0, 0, False
        last = min(arguments.end or arguments.start + MAX_LINES - 1, arguments.start + MAX_LINES - 1)
        for number, line in enumerate(_lines(file), 1):
            if number < arguments.start:
                continue
            if number > last or used > MAX_CHARS:
                more = number - 1 != arguments.end
                break
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            text = text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]} [… {len(text) - MAX_LINE} more characters]"
            shown.append(f"{number:>5}  {text}")
            used += len(text)
    if not shown:
        return ToolText(f"{place.shown} has {number} lines.", f"{place.shown}: nothing there")
    first = arguments.start
    end = first + len(shown) - 1
    tail = f"\n[… there is more; continue with start={end + 1} …]" if more else ""
    return ToolText(
        f"{place.shown}, lines {first} to {end}:\n" + "\n".join(shown) + tail, f"{place.shown}:{first}-{end}"
    )


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines, those that are far too long in pieces put together up to a bound, without holding the rest."""
    seen = 0
    while line := file.readline(MAX_LINE * 4 + 4):
        seen += len(line)
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(1 << 16)):
            seen += len(rest)
        if seen > MAX_SCAN:
            raise ToolError(f"The file is too large to be read further than {MAX_SCAN >> 20} MB.")
        yield line


def _refuse_binary(place: Place, file: BinaryIO) -> None:
    head = file.read(HEAD_BYTES)
    if content_reason(place.shown, head) is Skip.BINARY:
        raise ToolError(f"{place.shown} is no text file.")
    file.seek(0)


def file_text(place: Place) -> str:
    """The exact text of a file, line ends and byte order mark included. Blocks. Raises ToolError."""
    with open_judged(place) as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise ToolError(f"{place.shown} is larger than {MAX_FILE >> 20} MB.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ToolError(f"{place.shown} is not UTF-8 text.") from error


class ListArguments(Arguments):
    """What to list."""

    path: str = Field(default=".", description="The folder, relative to the project.")
    depth: int = Field(default=1, ge=1, le=5, description="How many levels of folders.")


class ListTool:
    """List a folder."""

    name = "list"
    description = (
        "List the files and folders of a folder, without what the project ignores. Folders end in a slash. "
        f"At most {MAX_ENTRIES} entries."
    )
    arguments = ListArguments

    def touches(self, arguments: ListArguments) -> Touch:
        """The folder."""
        return Touch(summary=f"list {arguments.path}", reads=(arguments.path,))

    async def run(self, arguments: ListArguments, grant: Grant) -> ToolText:
        """The entries, one a line."""
        return await asyncio.to_thread(_list, grant, grant.place(arguments.path), arguments.depth)


def _list(grant: Grant, place: Place, depth: int) -> ToolText:
    if not place.real.is_dir():
        raise ToolError(f"There is no folder {place.shown}.")
    entries = (
        itertools.islice(_inside(grant, place, depth), MAX_ENTRIES + 1) if place.relative is not None else _any(place)
    )
    found = list(entries)
    more = f"\n[… more than {MAX_ENTRIES} entries; list a folder of these …]" if len(found) > MAX_ENTRIES else ""
    text = "\n".join(found[:MAX_ENTRIES]) or "(nothing that the project does not ignore)"
    return ToolText(f"{place.shown}:\n{text}{more}", f"{len(found[:MAX_ENTRIES])} entries")


def _inside(grant: Grant, place: Place, depth: int) -> Iterator[str]:
    """Entries of a folder of the project, in order, each folder once."""
    base = f"{place.relative}/" if place.relative else ""
    files = FileFilter(grant.root)
    if place.relative and (reason := files.folder_reason(place.relative)):
        raise ToolError(f"{place.shown} is left out ({reason}): it is ignored, or output of a program.")
    for path, is_folder in _entries(files, base, depth):
        if not grant.hidden(path):
            yield path[len(base) :] + ("/" if is_folder else "")


def _entries(files: FileFilter, folder: str, depth: int) -> Iterator[tuple[str, bool]]:
    """Path and kind of everything that is not ignored; what is no text is shown all the same."""
    try:
        with os.scandir(files.absolute(folder.rstrip("/")) if folder else files.root) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        raise ToolError(f"{folder or '.'} cannot be listed ({error.strerror}).") from error
    for entry in entries:
        path = f"{folder}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if files.folder_reason(path) is None:
                yield path, True
                if depth > 1:
                    yield from _entries(files, f"{path}/", depth - 1)
        elif files.reason(path) not in {Skip.IGNORED, Skip.SECRET, Skip.NAME, Skip.VANISHED}:
            yield path, False


def _any(place: Place) -> Iterator[str]:
    """Entries of a folder outside the project, which no ignore file speaks of. One level."""
    try:
        with os.scandir(place.real) as listing:
            entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing]
    except OSError as error:
        raise ToolError(f"{place.shown} cannot be listed ({error.strerror}).") from error
    yield from sorted(f"{name}/" if is_folder else name for name, is_folder in entries)[: MAX_ENTRIES + 1]
