"""When, by whom and what for a definition was last changed, as git has it.

Owns what git said before, by file, commit and content. What it must never do: run git in a way that a repository can
choose (the caller's `Git` sees to that), or be waited for by a hover.

The definition is looked for in the file as the last commit has it, line by line: if it is not there, it has been
changed since; if it is, `git log -L` finds the commit that last touched its lines.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from zicoder.text import split_lines

__all__ = ["Change", "Git", "LastChanges", "sentence"]

Git = Callable[..., Awaitable[tuple[bool, str]]]
"""Runs git in the project's folder with these arguments, and at most `most` bytes of output: whether it went well, and
what it said (longer output is none). Raises nothing but what cancels it."""

SECONDS = 10.0
"""Most time for one question: a line that was last changed twenty years ago is far down a long history."""
MOST_BYTES = 2_000_000
KEPT = 500
LONGEST_NAME, LONGEST_SUBJECT = 60, 100
_BRANCH = re.compile(r"ref: (refs/(?!.*\.\.)[\w./+@-]{1,200})\s*")
_NOT_THERE = re.compile(r"not in '?HEAD|does not exist in 'HEAD'|invalid object name 'HEAD'")
_ALONE = re.compile(r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What does not come through the output of a program as it is."""
_LFS = "version https://git-lfs.github.com/spec/v1"
_UNITS = ((365 * 86400, "year"), (30 * 86400, "month"), (7 * 86400, "week"), (86400, "day"), (3600, "hour"))


@dataclass(frozen=True, slots=True)
class Change:
    """A commit, or, with `at` 0, that there is none yet with the definition as it is."""

    at: int
    """Seconds since 1970, of the author."""
    author: str = ""
    subject: str = ""


class LastChanges:
    """Asks git about the definitions of one project, one question at a time."""

    def __init__(self, root: Path, git: Git, *, seconds: float = SECONDS) -> None:
        """`seconds`: after which a question is given up."""
        self._root = root
        self._git = git
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._known: OrderedDict[tuple[str, str, int, bytes], Change | None] = OrderedDict()
        self._files: tuple[tuple[str, str], list[str] | None] | None = None
        """The lines of the file that was asked about last, as its last commit has them."""

    async def of(self, path: str, text: str, start: int, end: int) -> Change | None:
        """The last change of the lines [start, end) of a text; None where git cannot say.

        `path` is the file's, below the root, with slashes.
        """
        lines = [each.rstrip("\r\n") for each in split_lines(text)]
        block = lines[start:end]
        if not block or _ALONE.search(text):
            return None
        head = await asyncio.to_thread(_head, self._root)
        if not head:
            return None
        number = sum(1 for each in _places(lines, block) if each < start)
        key = path, head, number, blake2b("\n".join(block).encode("utf-8", "replace"), digest_size=16).digest()
        if key not in self._known:
            async with self._turn:
                try:
                    async with asyncio.timeout(self._seconds):
                        found = await self._asked(path, head, block, start)
                except TimeoutError:
                    found = None
            self._known[key] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return self._known[key]

    async def _asked(self, path: str, head: str, block: Sequence[str], line: int) -> Change | None:
        if self._files is None or self._files[0] != (path, head):
            well, text = await self._git("cat-file", "blob", f"HEAD:./{path}", most=MOST_BYTES)
            if not well and not _NOT_THERE.search(text):
                return None
            self._files = (path, head), [each.rstrip("\r\n") for each in split_lines(text)] if well else None
        lines = self._files[1]
        places = _places(lines, block) if lines is not None else []
        start = min(places, key=lambda place: abs(place - line), default=None)
        if start is None:  # a text that is not what git holds has filters, or another encoding
            other = lines is not None and (any("\ufffd" in each for each in lines) or lines[:1] == [_LFS])
            return None if other else Change(at=0)
        well, told = await self._git(
            "log", "--max-count=1", "--no-patch", "--no-color", "--no-show-signature", "--no-ext-diff", "--no-textconv",
            "--format=tformat:%at%n%an%n%s", f"-L{start + 1},{start + len(block)}:{path}", most=MOST_BYTES,
        )  # fmt: skip
        at, author, subject = [*told.split("\n", 3)[:3], "", "", ""][:3]
        return Change(int(at), author, subject) if well and at.isascii() and at.isdigit() else None


def _places(lines: Sequence[str], block: Sequence[str]) -> list[int]:
    """Where the block stands in these lines."""
    first, size = block[0], len(block)
    return [n for n, each in enumerate(lines) if each == first and list(lines[n : n + size]) == list(block)]


def _head(root: Path) -> str:
    """A text that is another one when another commit is checked out or made; "" without a repository. Blocking.

    Read from git's files, since asking git takes longer than a hover may. It only says when to ask again.
    """
    top = next((each for each in (root, *root.parents) if os.path.lexists(each / ".git")), None)
    if top is None:
        return ""
    folder = top / ".git"
    if not folder.is_dir():
        folder = top / _read(folder).removeprefix("gitdir:").strip()
    shared = folder / (_read(folder / "commondir").strip() or ".")
    head = _read(folder / "HEAD")
    branch = _BRANCH.fullmatch(head)
    packed = _stamp(shared / "packed-refs") + _stamp(shared / "reftable" / "tables.list")
    return f"{head}|{_read(shared / branch[1]) if branch else ''}|{packed}"


def _read(path: Path) -> str:
    """The beginning of a small file; "" where there is none."""
    try:
        if not path.is_file():  # a pipe would keep us waiting
            return ""
        with path.open("rb") as file:
            return file.read(4096).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns},{status.st_size};"


def sentence(change: Change, now: float | None = None) -> str:
    """A change in words. What people wrote is cut short and has no characters that cannot be seen; it is not escaped.

    `now`: seconds since 1970.
    """
    if not change.at:
        return "Not committed as it stands"
    author, subject = _shown(change.author, LONGEST_NAME), _shown(change.subject, LONGEST_SUBJECT)
    text = f"Last changed {_ago(change.at, time.time() if now is None else now)}"
    return text + (f" by {author}" if author else "") + (f": {subject}" if subject else "")


def _ago(at: float, now: float) -> str:
    seconds = now - at
    for size, unit in _UNITS:
        if (number := int(seconds // size)) > 0:
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "just now"


def _shown(text: str, longest: int) -> str:
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
