"""What the mentions of a prompt stand for: files, folders, symbols, the diff, problems, the selection.

Asks only what it is given. What cannot be found or may not be shown becomes a note for the user, never an error; the
prompt stays as it is written.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from zicoder.context.gathered import Excerpt, items_of, merged
from zicoder.context.mentions import KINDS, WORDS, Kind, Mention, parse
from zicoder.context.outline import member_heads
from zicoder.context.path_table import PathTable
from zicoder.context.segments import Item, Segment
from zicoder.errors import InputError, ZiError

if TYPE_CHECKING:  # the index brings numpy and LanceDB with it
    from zicoder.index.search import Hit
    from zicoder.index.symbols import Symbol

__all__ = ["Files", "Gathered", "NamedIndex", "Sources", "resolve"]

SELECTION, DIFF, PROBLEMS, RANGE, FILE, SYMBOL, MEMBERS, LISTING, INSIDE = 90, 85, 85, 80, 75, 75, 70, 60, 40
"""Priorities within the task: what was pointed at most closely comes first."""
FOLDER_FILES = 20
LISTED = 200
DEFINITIONS = 8
TYPES = ("class", "interface")
MOST_MEMBERS = 200

Give = Callable[[], Awaitable[str]]


class Files(Protocol):
    """The files of the project; blocking. `ProjectFiles` is one."""

    def table(self) -> PathTable:
        """All paths that may be shown."""
        ...

    def relative(self, written: str) -> str | None:
        """What a person wrote as a path of the project, None where it lies outside."""
        ...

    def refused(self, path: str) -> str:
        """Why a file is not shown, as the end of a sentence; "" if it is."""
        ...

    def read(self, path: str) -> str:
        """The text of a file. Raises InputError with the reason."""
        ...


class NamedIndex(Protocol):
    """The part of the code index that knows names. It answers [] when it has nothing or is not open."""

    async def definitions(self, names: Sequence[str], limit: int = 20) -> list[Hit]:
        """Where these names are defined."""
        ...

    async def symbols(self, query: str, limit: int = 100) -> list[Symbol]:
        """Defined names that match."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What mentions can be about; None for what there is not."""

    files: Files | None = None
    index: NamedIndex | None = None
    diff: Give | None = None
    """Gives the git diff, "" when nothing has changed."""
    problems: Give | None = None
    """Gives a line for each problem: `path:line: severity: message`."""
    selection: Excerpt | None = None


@dataclass(slots=True)
class Gathered:
    """What was found."""

    excerpts: list[Excerpt] = field(default_factory=list[Excerpt])
    others: list[Item] = field(default_factory=list[Item])
    """What is no part of a file: a diff, problems, the list of a folder's files."""
    notes: list[str] = field(default_factory=list[str])
    """Sentences for the user."""

    def items(self, more: Sequence[Excerpt] = (), *, segment: Segment = Segment.TASK) -> list[Item]:
        """Items of what was pointed at, and fresh ones for the project's segment of what was found besides.

        `more` has priorities below those of mentions, as `retrieve` gives them. No line of a file comes twice.
        """
        every = merged([*self.excerpts, *more])
        pointed = [e for e in every if e.priority >= INSIDE]
        found = [e for e in every if e.priority < INSIDE]
        return [
            *items_of(found, segment=Segment.PROJECT, fresh=True),
            *self.others,
            *items_of(pointed, segment=segment),
        ]


async def resolve(prompt: str, sources: Sources) -> Gathered:
    """Everything that the mentions in `prompt` stand for. Raises nothing that a source raised as a ZiError."""
    gathered = Gathered()
    for mention in _distinct(parse(prompt)):
        try:
            await _one(mention, prompt[mention.start : mention.end], sources, gathered)
        except ZiError as error:
            gathered.notes.append(error.sentence)
    gathered.notes = list(dict.fromkeys(gathered.notes))
    return gathered


def _distinct(mentions: Sequence[Mention]) -> list[Mention]:
    return list({(m.kind, m.value, m.lines): m for m in reversed(mentions)}.values())[::-1]


async def _one(mention: Mention, written: str, sources: Sources, gathered: Gathered) -> None:
    if mention.kind is Kind.SELECTION:
        if sources.selection is None:
            raise InputError("Nothing is selected, so @selection is left as text.")
        gathered.excerpts.append(replace(sources.selection, priority=SELECTION))
    elif mention.kind is Kind.DIFF:
        await _given(sources.diff, "git diff", "diff", DIFF, "There is no diff to show.", gathered)
    elif mention.kind is Kind.PROBLEMS:
        await _given(sources.problems, "problems", "", PROBLEMS, "There are no problems to show.", gathered)
    elif mention.kind is Kind.SYMBOL:
        await _symbol(mention, sources.index, sources.files, gathered)
    elif sources.files is None:
        raise InputError(f"{written} is left as text: no project is open.")
    else:
        await asyncio.to_thread(_path, mention, written, sources.files, gathered)


async def _given(give: Give | None, name: str, language: str, priority: int, empty: str, gathered: Gathered) -> None:
    text = await give() if give is not None else ""
    if not text.strip():
        raise InputError(empty)
    item = Item(segment=Segment.TASK, text=text, name=name, language=language, priority=priority)
    gathered.others.append(item)


async def _symbol(mention: Mention, index: NamedIndex | None, files: Files | None, gathered: Gathered) -> None:
    if index is None:
        raise InputError(f"@symbol:{mention.value} is left as text: there is no code index.")
    wanted = mention.value.replace("::", ".").replace("#", ".").rstrip("()")
    scope, _, name = wanted.rpartition(".")
    hits = await index.definitions([name], DEFINITIONS * 3)
    inside = [hit for hit in hits if not scope or _in_scope(hit, scope, wanted)]
    own = [hit for hit in inside if hit.symbol == name]
    shown = (own or inside)[:DEFINITIONS]
    gathered.excerpts += [Excerpt(path=hit.path, start=hit.start, text=hit.text, priority=SYMBOL) for hit in shown]
    if files is not None:
        gathered.others += await asyncio.to_thread(_members, [hit for hit in own if hit.kind in TYPES], files)
    if not inside:
        alike = await index.symbols(name, 5) or await index.symbols(name[: max(3, len(name) // 2)], 20)
        close = difflib.get_close_matches(name, {symbol.name for symbol in alike}, n=3, cutoff=0.5)
        names = dict.fromkeys(symbol.qualified or symbol.name for symbol in alike if not close or symbol.name in close)
        raise InputError(f"There is no symbol {mention.value!r}.{_perhaps([*names][:3])}")


def _members(hits: Sequence[Hit], files: Files) -> list[Item]:
    """The members of types that the index has cut up, as far as its pieces of them do not show them. Blocking.

    An item for each type; a member is a line with its number, so that what there is no room for is cut at the end.
    """
    first: dict[tuple[str, str], Hit] = {}
    for hit in sorted(hits, key=lambda hit: hit.start):
        first.setdefault((hit.path, hit.qualified), hit)
    items: list[Item] = []
    for hit in first.values():
        try:
            lines = files.read(hit.path).split("\n")
        except InputError:
            continue  # it was there when it was indexed
        known = {line for piece in hits if piece.path == hit.path for line in range(piece.start, piece.end)}
        beyond = [f"{line + 1}: {head}" for line, head in member_heads(lines, hit.start) if line not in known]
        name = f"{hit.path}: the members of {hit.qualified or hit.symbol}, with their lines"
        text = "\n".join(beyond[:MOST_MEMBERS])
        if text:
            items.append(Item(segment=Segment.TASK, text=text, name=name, language=hit.language, priority=MEMBERS))
    return items


def _in_scope(hit: Hit, scope: str, wanted: str) -> bool:
    """Whether a chunk is `wanted`, or lies in its scope: a class, or the module of that name."""
    qualified = f".{hit.qualified}"
    return qualified.endswith((f".{wanted}", f".{scope}")) or PurePosixPath(hit.path).stem == scope.rpartition(".")[2]


def _path(mention: Mention, written: str, files: Files, gathered: Gathered) -> None:
    """A file or a folder; a word that is neither and looks like neither is text. Blocking."""
    path = files.relative(mention.value)
    if path is None:
        raise InputError(f"{mention.value} lies outside the project and is not shown.")
    table = files.table()
    if mention.kind is Kind.FOLDER or path.endswith("/"):
        return _folder(path, written, files, table, gathered)
    whole = path if path in table or not files.refused(path) else ""
    found = [whole] if whole else table.ending(path)
    if len(found) == 1:
        return _file(found[0], mention.lines, files, gathered)
    if found:
        raise InputError(f"{written} may be any of {', '.join(found[:4])}: write more of the path.")
    if mention.kind is Kind.PATH and table.folder(path) is not None:
        return _folder(path, written, files, table, gathered)
    return _unknown(mention, path, written, files.refused(path), table)


def _unknown(mention: Mention, path: str, written: str, why: str, table: PathTable) -> None:
    word, colon, _ = mention.value.partition(":")
    known = [*WORDS, *(f"{kind}:" for kind in KINDS)]
    close = difflib.get_close_matches(word + colon, known, n=1, cutoff=0.75) if mention.kind is Kind.PATH else []
    near = [*close, *table.nearest(path)]
    meant = mention.kind is not Kind.PATH or "/" in path or "." in path or mention.lines is not None
    if "there is no" not in why and (meant or near):
        raise InputError(f"{path} is not shown: {why}.")
    if meant or near:  # else it is a decorator, or somebody's name
        raise InputError(f"{written} names nothing here and is left as text.{_perhaps([f'@{name}' for name in near])}")


def _file(path: str, lines: tuple[int, int] | None, files: Files, gathered: Gathered) -> None:
    text = files.read(path)
    if not text.strip():
        raise InputError(f"{path} is empty.")
    if lines is None:
        gathered.excerpts.append(Excerpt(path=path, start=0, text=text, priority=FILE))
        return
    every = text.removesuffix("\n").split("\n")
    first = max(lines[0], 1) - 1
    if first >= len(every):
        raise InputError(f"{path} has {len(every):,} lines, so line {lines[0]:,} is not shown.")
    part = "\n".join(every[first : lines[1]])
    gathered.excerpts.append(Excerpt(path=path, start=first, text=part, priority=RANGE))


def _folder(path: str, written: str, files: Files, table: PathTable, gathered: Gathered) -> None:
    """The list of its files, and the text of the first ones, as far as there is room."""
    wanted = path.strip("/")
    folder = table.folder(wanted) if wanted not in ("", ".") else ""
    if folder is None:
        near = [name for name in table.nearest(wanted) if name]
        raise InputError(f"{written} is no folder here and is left as text.{_perhaps([f'@{name}' for name in near])}")
    below = table.below(folder)
    listed = "\n".join(below[:LISTED]) + (f"\n… and {len(below) - LISTED:,} more" if len(below) > LISTED else "")
    name = f"files in {folder or 'the project'}"
    gathered.others.append(Item(segment=Segment.TASK, text=listed, name=name, priority=LISTING))
    nearest = sorted(below, key=lambda p: (p.count("/"), p))
    for each in nearest[:FOLDER_FILES]:
        try:
            text = files.read(each)
        except InputError:
            continue  # its bytes say that it is no text, or it is gone: the list names it
        gathered.excerpts.append(Excerpt(path=each, start=0, text=text, priority=INSIDE))


def _perhaps(names: Sequence[str]) -> str:
    return f" Perhaps {' or '.join(names)}?" if names else ""
