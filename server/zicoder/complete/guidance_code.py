"""Names for languages that have no analysis of their own here: read off the surface of the code and the index.

Knows TypeScript, JavaScript and Java, and of them the two places at which the surface is enough: behind `this.` in a
class whose bases are all found, and between the braces of an import from a file of the project. It must never guess:
where something else might add names, there is no answer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from zicoder.complete.guidance import Names
from zicoder.complete.hole import indent_width
from zicoder.models.protocols import Guide
from zicoder.text import Snapshot, split_lines

__all__ = ["CodeNames", "Defined", "Definitions", "names_by_language"]

LANGUAGES = ("typescript", "typescriptreact", "javascript", "javascriptreact", "java")
MAX_BASES = 4
MAX_FILE_CHARS = 300_000
MAX_LINE_CHARS = 500
"""What is longer was not written by hand, and could make an expression slow."""
MAX_NAMES = 1000

_CLASS = re.compile(
    r"\s*(?:(?:export|default|public|private|protected|static|final|abstract|declare)\s+)*class\s+([\w$]+)"
    r"(?:\s*<[^{}()]*>)?(?:\s+extends\s+([\w$.]+)(?:\s*<[^{}()]*>)?)?(?:\s+implements\s[^{}()]*)?\s*(?:\{.*)?$"
)
_OTHER_THIS = re.compile(r"\bfunction\b|\bnew\s+\w+[^;]*\{\s*$|^\s*(?:const|let|var|return)\b.*[{(]\s*$")
_DECORATOR = re.compile(r"@[\w.]+(?:\([^()]*\))?\s*")
_HEAD_END = re.compile(r"[(=;{]|(?<=[\w$?!])\s*:")
_NAME = re.compile(r"#?[A-Za-z_$][\w$]*")
_PROPERTY = re.compile(r"(?:public|private|protected|readonly)\s+(?:readonly\s+)?([A-Za-z_$][\w$]*)")
_WRITTEN = re.compile(r"\bthis\.(#?[A-Za-z_$][\w$]*)")
_AT_THIS = re.compile(r"(?<![\w$.])this\.(#?[\w$]*)$")
_EVERY_OBJECT = {
    "java": ("equals", "getClass", "hashCode", "notify", "notifyAll", "toString", "wait"),
    "": ("constructor", "hasOwnProperty", "isPrototypeOf", "toLocaleString", "toString", "valueOf"),
}
_IMPORT_BEFORE = re.compile(
    r"^[ \t]*import\s+(?:type\s+)?(?:[\w$]+\s*,\s*)?\{(?:[^{}'\"`;]*[\s,])?([\w$]*)\Z", re.MULTILINE
)
_IMPORT_AFTER = re.compile(r"[^{}'\"`;]*\}\s*from\s*(['\"])(\.\.?/[^'\"\n]+)\1")
_EXPORTED = re.compile(
    r"^[ \t]*export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?"
    r"(?:const\s+enum|const|let|var|function\*?|class|interface|type|enum|namespace)\s+([A-Za-z_$][\w$]*)",
    re.MULTILINE,
)
_EXPORT_LIST = re.compile(r"^[ \t]*export\s+(?:type\s+)?\{([^{}]*)\}", re.MULTILINE)
_EXPORT_UNKNOWN = re.compile(r"^[ \t]*export\s+(?:\*|(?:const|let|var)\s*[\[{]|=)|\bmodule\.exports\b", re.MULTILINE)
_ENDINGS = ("", ".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", "/index.ts", "/index.tsx", "/index.js")


class Defined(Protocol):
    """The part of a hit that is used here."""

    @property
    def path(self) -> str:
        """Project-relative."""
        ...

    @property
    def symbol(self) -> str:
        """What the chunk defines."""
        ...

    @property
    def kind(self) -> str:
        """One of the index's kinds."""
        ...


class Definitions(Protocol):
    """The part of the code index that is used here."""

    @property
    def root(self) -> Path:
        """The project."""
        ...

    async def definitions(self, names: Sequence[str], limit: int = 20, *, deadline: float = 0.5) -> Sequence[Defined]:
        """Chunks that define these names."""
        ...


@dataclass(frozen=True, slots=True)
class _Class:
    name: str
    base: str
    body: tuple[str, ...]
    first: int
    """The line of the head."""


def names_by_language(python: Names, index: Callable[[], Definitions | None]) -> dict[str, Names]:
    """Who knows names, by LSP language identifier: `python` for Python, the code's surface and `index` for others."""
    return {"python": python, **dict.fromkeys(LANGUAGES, CodeNames(index))}


class CodeNames:
    """Answers from the document, the index, if there is one by then, and the files it points to."""

    def __init__(self, index: Callable[[], Definitions | None]) -> None:
        self._index = index

    async def guide(self, snapshot: Snapshot, offset: int, *, around: bool = True) -> Guide:
        """What can stand at `offset`, and, with `around`, behind `this.` near it."""
        if len(snapshot.text) > MAX_FILE_CHARS:
            return Guide()
        line = snapshot.lines.position(offset).line
        before = snapshot.text[snapshot.lines.start(line) : offset]
        at_this = _AT_THIS.search(before)
        if around or at_this:
            names = await self._members(snapshot, line)
            # JavaScript's fields come into being by assignment; elsewhere they were declared.
            defined = at_this is None or (
                snapshot.language.startswith("javascript") and not before[: at_this.start()].strip()
            )
            if names:
                here = () if defined else names
                return Guide(here=here, typed="" if defined or not at_this else at_this[1], members={"this": names})
        return await self._imported(snapshot, offset)

    async def _members(self, snapshot: Snapshot, line: int) -> tuple[str, ...]:
        lines = [*_lines(snapshot.text), ""]
        found = _class_around(lines, line)
        if found is None:
            return ()
        names = set(_EVERY_OBJECT.get(snapshot.language, _EVERY_OBJECT[""]))
        own = line - found.first - 1
        names |= set(_declared([text for n, text in enumerate(found.body) if n != own]))
        bases = [found.base]
        while base := bases[-1]:
            parent = _class_named(lines, base) or await self._class_elsewhere(base)
            if parent is None or len(bases) > MAX_BASES:
                return ()
            names |= set(_declared(parent.body))
            bases.append(parent.base)
        return tuple(sorted(names)) if len(names) <= MAX_NAMES else ()

    async def _class_elsewhere(self, name: str) -> _Class | None:
        """The one class of this name that the index knows."""
        index = self._index()
        if index is None:
            return None
        hits = await index.definitions([name])
        paths = {hit.path for hit in hits if hit.symbol == name and hit.kind == "class"}
        if len(paths) != 1:
            return None
        text = await asyncio.to_thread(_read, index.root, index.root / paths.pop())
        return _class_named(_lines(text), name)

    async def _imported(self, snapshot: Snapshot, offset: int) -> Guide:
        index = self._index()
        before = _IMPORT_BEFORE.search(snapshot.text, max(0, offset - 2000), offset)
        after = _IMPORT_AFTER.match(snapshot.text, offset, offset + 2000)
        if before is None or after is None or snapshot.path is None or index is None or snapshot.language == "java":
            return Guide()
        names = await asyncio.to_thread(_exports, index.root, snapshot.path.parent, after[2])
        if not names:
            return Guide()
        extra = ("type",) if snapshot.language.startswith("typescript") else ()
        return Guide(here=(*names, *extra), typed=before[1], listed=True)


def _lines(text: str) -> list[str]:
    return [line[:MAX_LINE_CHARS].rstrip("\r\n") for line in split_lines(text)]


def _class_around(lines: Sequence[str], at: int) -> _Class | None:
    """The class whose `this` is meant at a line, None when it may be another's."""
    width = indent_width(lines[at]) or 1
    for first in range(at - 1, -1, -1):
        line = lines[first]
        if not line.strip() or indent_width(line) >= width:
            continue
        if match := _head(line):
            return _class_at(lines, first, match)
        if len(line) >= MAX_LINE_CHARS or _OTHER_THIS.search(line):
            return None
        width = indent_width(line) + (1 if line.lstrip().startswith((")", "}")) else 0)
        if width == 0:
            return None
    return None


def _head(line: str) -> re.Match[str] | None:
    return _CLASS.match(line) if len(line) < MAX_LINE_CHARS else None


def _class_named(lines: Sequence[str], name: str) -> _Class | None:
    heads = [(n, match) for n, line in enumerate(lines) if (match := _head(line)) and match[1] == name]
    return _class_at(lines, *heads[0]) if len(heads) == 1 else None


def _class_at(lines: Sequence[str], first: int, head: re.Match[str]) -> _Class | None:
    """The class that begins at a line, by indentation; None when its end is not to be seen."""
    width = indent_width(lines[first])
    for end in range(first + 1, len(lines)):
        if lines[end].strip() and indent_width(lines[end]) <= width:
            closes = lines[end].lstrip().startswith("}")
            return _Class(head[1], head[2] or "", tuple(lines[first + 1 : end]), first) if closes else None
    return None


def _declared(body: Sequence[str]) -> Iterator[str]:
    """Everything that may be a member's name: of each line as deep as the first, what stands before its value or
    parameters. That some are types or modifiers does no harm.
    """
    depth = min((indent_width(line) for line in body if line.strip()), default=0)
    for line in body:
        yield from _WRITTEN.findall(line)
        yield from _PROPERTY.findall(line)
        if indent_width(line) == depth and not line.lstrip().startswith(("}", "*", "/")):
            yield from _NAME.findall(_HEAD_END.split(_DECORATOR.sub("", line), maxsplit=1)[0])


def _exports(root: Path, folder: Path, module: str) -> tuple[str, ...]:
    """What a file of the project exports by name; nothing unless all of it is to be seen."""
    stems = (module, module.removesuffix(".js"))
    paths = dict.fromkeys(folder / (stem + ending) for stem in stems for ending in _ENDINGS)
    path = next((each for each in paths if each.is_file()), None)
    text = _read(root, path) if path else ""
    if _EXPORT_UNKNOWN.search(text):
        return ()
    names = set(_EXPORTED.findall(text))
    for listed in _EXPORT_LIST.findall(text):
        names |= {part.split()[-1] for part in listed.split(",") if part.split()}
    return tuple(sorted(names - {"default"}))


def _read(root: Path, path: Path) -> str:
    """The text of a file of the project, "" for one that is none, cannot be read, or is very large."""
    try:
        if not path.resolve().is_relative_to(root.resolve()) or path.stat().st_size > MAX_FILE_CHARS:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
