"""The child process of the `grep` tool: a pattern from outside may take for ever, and only a process can be ended.

Reads one JSON request from its input, walks the project as the index does, and writes one JSON object a match.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

from zicoder.index.ignore import Rules, byte_text
from zicoder.index.skip import HEAD_BYTES, Skip, content_reason
from zicoder.index.walk import FileFilter, Walk

__all__ = ["Match", "Request", "main"]

LINE_CHARS = 2000
"""Of a line that are looked at."""
SHOWN_CHARS = 300


class Request(TypedDict):
    """What to look for. `below`: a folder or a file, "" for the project; `glob`: as in a `.gitignore`, "" for all."""

    root: str
    pattern: str
    ignore_case: bool
    below: str
    glob: str
    most: int


class Match(TypedDict):
    """One line that matches; `line` counts from 1."""

    path: str
    line: int
    text: str


def main() -> None:
    """Answer the request on the input."""
    request: Request = json.loads(sys.stdin.buffer.read())
    try:
        pattern = re.compile(request["pattern"], re.IGNORECASE if request["ignore_case"] else 0)
    except (re.error, RecursionError, OverflowError) as error:
        _tell({"error": f"The pattern is no regular expression: {error}."})
        return
    for count, match in enumerate(_matches(request, pattern), 1):
        _tell(dict(match))
        if count >= request["most"]:
            _tell({"more": True})
            return
    _tell({"done": True})


def _matches(request: Request, pattern: re.Pattern[str]) -> Iterator[Match]:
    files = FileFilter(Path(request["root"]))
    wanted = Rules(request["glob"].encode("utf-8", "surrogateescape")) if request["glob"] else None
    for path in _paths(files, request["below"]):
        if wanted is None or wanted.verdict(byte_text(path), folder=False):
            yield from _in_file(files, path, pattern)


def _paths(files: FileFilter, below: str) -> Iterator[str]:
    if below and files.reason(below) is None:
        yield below
        return
    for found in Walk(files):
        if not below or found.path.startswith(f"{below}/"):
            yield found.path


def _in_file(files: FileFilter, path: str, pattern: re.Pattern[str]) -> Iterator[Match]:
    try:
        data = Path(files.absolute(path)).read_bytes()[: files.max_bytes]
    except OSError:
        return
    if content_reason(path, data[:HEAD_BYTES]) is Skip.BINARY:
        return
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if found := pattern.search(line[:LINE_CHARS]):
            start = max(0, found.start() - SHOWN_CHARS // 3)
            yield Match(path=path, line=number, text=line[start : start + SHOWN_CHARS].rstrip())


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
