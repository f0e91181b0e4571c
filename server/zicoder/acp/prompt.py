"""What a person wrote in another chat, as text of ours: attached files of the project become mentions.

What a chat attaches from elsewhere is data and stands in code fences at the end.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from acp.schema import EmbeddedResourceContentBlock, ResourceContentBlock, TextContentBlock, TextResourceContents

from zicoder.commands.registry import DEFAULT, split
from zicoder.errors import InputError
from zicoder.models.chat.roles import RoleName

__all__ = ["COMMAND_OF", "Attached", "Written", "fenced", "in_role", "path_of", "written"]

LONGEST_ATTACHED = 200_000
"""Characters of one attached text."""
COMMAND_OF: dict[RoleName, str] = {
    "chat": DEFAULT, "planner": "plan", "coder": "code", "reviewer": "review", "tester": "test", "documenter": "doc",
    "operator": "run",
}  # fmt: skip
"""The command that text without a slash is for, while a role is the mode of a session."""
_LINES = re.compile(r"L(\d{1,7})(?:[:-]L?(\d{1,7}))?")
_PLAIN = re.compile(r"[\w./+-]+")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of the project that was attached."""

    path: Path
    lines: tuple[int, int] | None = None
    """First and last line, counted from 1."""


@dataclass(frozen=True, slots=True)
class Written:
    """A prompt."""

    text: str
    files: tuple[Attached, ...] = ()


def written(blocks: Sequence[Any], root: Path) -> Written:
    """The prompt of these content blocks. Raises InputError for one without words, and for images and sound."""
    text, attached, files = "", list[str](), list[Attached]()
    for block in blocks:
        match block:
            case TextContentBlock():
                text += block.text
            case ResourceContentBlock():
                text = _joined(text, _reference(block.uri, block.name, root, files))
            case EmbeddedResourceContentBlock(resource=TextResourceContents() as resource):
                mention = _mention(resource.uri, root, files)
                text = _joined(text, mention or f"`{resource.uri}`")
                if not mention:
                    attached.append(f"`{resource.uri}`\n{fenced(resource.text[:LONGEST_ATTACHED])}")
            case _:
                raise InputError("Zi reads text and files, not images or sound.")
    if not text.strip():
        raise InputError("There is nothing in this message.")
    return Written("\n\n".join((text.strip(), *attached)), tuple(files))


def in_role(text: str, role: RoleName) -> str:
    """The text as it is run while a role is the mode: with the role's command before it, if it has none."""
    name, rest = split(text)
    return f"/{COMMAND_OF[role]} {rest}" if name == DEFAULT and rest == text and role != "chat" else text


def path_of(uri: str, *, windows: bool = os.name == "nt") -> Path | None:
    """The absolute path that a `file:` URI or a plain path names; None for anything else."""
    if Path(uri).is_absolute():
        return Path(os.path.normpath(uri))
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    text = unquote(parts.path)
    if parts.scheme != "file" or not text.startswith("/") or "\0" in text:
        return None
    if windows and re.match(r"/[A-Za-z]:", text):
        text = text[1:]
    return Path(os.path.normpath(text))


def fenced(text: str) -> str:
    """A text in a code fence that nothing in it can close."""
    ticks = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}\n{text}\n{fence}"


def _reference(uri: str, name: str, root: Path, files: list[Attached]) -> str:
    """A link as a mention; one that leads out of the project stays a link."""
    return _mention(uri, root, files) or f"[{' '.join(name.split())}]({uri})"


def _mention(uri: str, root: Path, files: list[Attached]) -> str:
    """`@path`, and the file noted; "" for what is no file of the project."""
    path = path_of(uri)
    if path is None or not path.is_relative_to(root):
        return ""
    inside = path.relative_to(root).as_posix()
    if inside == "." or '"' in inside or "\n" in inside:
        return ""
    lines = _lines(uri)
    files.append(Attached(path, lines))
    place = f":{lines[0]}-{lines[1]}" if lines else ""
    return f"@{inside}{place}" if _PLAIN.fullmatch(inside) else f'@"{inside}"{place}'


def _lines(uri: str) -> tuple[int, int] | None:
    _, _, fragment = uri.partition("#")
    found = _LINES.fullmatch(fragment)
    if found is None or not int(found[1]):
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return min(first, last) or 1, max(first, last)


def _joined(text: str, word: str) -> str:
    """A word behind a text, with white space on both sides."""
    return f"{text}{'' if not text or text[-1:].isspace() else ' '}{word} "
