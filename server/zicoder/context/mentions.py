"""`@file`, `@symbol`, `@diff` and their like in a prompt: how they are written, and completing them. Pure.

    @path/to/file.py   @file.py:10-20   @file:name   @"a name with spaces.md":7   @src/   @folder:src
    @symbol:Session.get   @diff   @problems   @selection

One begins the text or follows white space or an opening bracket, so an e-mail address holds none; nor does code. What
names nothing stays text: `resolve.py` says so where it was evidently meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from zicoder.context.path_table import PathTable
from zicoder.context.prose import code_ranges, inside

if TYPE_CHECKING:  # the index brings numpy and LanceDB with it
    from zicoder.index.symbols import Symbol

__all__ = ["KINDS", "WORDS", "Candidate", "Kind", "Mention", "begun", "candidates", "parse", "symbol_candidates"]


class Kind(StrEnum):
    """What a mention is about."""

    PATH = "path"  # a file or a folder; which, was not said
    FILE = "file"
    FOLDER = "folder"
    SYMBOL = "symbol"
    DIFF = "diff"
    PROBLEMS = "problems"
    SELECTION = "selection"


WORDS = {
    "diff": "what git says has changed",
    "problems": "what the editor marks as wrong",
    "selection": "what is selected",
}
"""Mentions by themselves, and what they are."""
KINDS = {"file": "a file", "folder": "a folder", "symbol": "a class, a function or another name"}
"""Mentions with a value."""
MOST = 50
"""Mentions of one prompt; a text with more of them was not written by hand."""
LONGEST = 400

_BEFORE = r"(?<![^\s(\[{<\"'«,;=])"
_MENTION = re.compile(
    _BEFORE + rf"@(?:(?P<kind>file|folder|symbol):)?"
    rf"(?:\"(?P<quoted>[^\"\n]{{1,{LONGEST}}})\"(?P<after>:\d+(?:-\d+)?)?|(?P<plain>[^\s\"'`<>|*?,;@]{{1,{LONGEST}}}))"
)
_LINES = re.compile(r"(?::|#L)(\d{1,7})(?:-L?(\d{1,7})|:\d+)?$")
_BEGUN = re.compile(
    _BEFORE + rf"@((?:(?:file|folder|symbol):)?(?:\"[^\"\n]{{0,{LONGEST}}}|[^\s\"'`<>|*?,;@]{{0,{LONGEST}}}))$"
)
_BRACKETS = {")": "(", "]": "[", "}": "{", "»": "«"}


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention as written."""

    kind: Kind
    value: str
    """A path or a name, "" for those that are a word by themselves."""
    start: int
    """Offsets of the whole mention in the prompt, [start, end)."""
    end: int
    lines: tuple[int, int] | None = None
    """First and last line as written, counted from 1."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to go on."""

    text: str
    """What replaces everything from the `@` on."""
    label: str
    detail: str = ""
    open: bool = False
    """Whether more is to follow: a folder, a kind that wants a value."""


def parse(prompt: str) -> list[Mention]:
    """The mentions in a prompt, in order, outside of code; at most `MOST`."""
    ranges = code_ranges(prompt)
    found: list[Mention] = []
    for match in _MENTION.finditer(prompt):
        if not inside(ranges, match.start()) and (mention := _mention(match)):
            found.append(mention)
            if len(found) == MOST:
                break
    return found


def _mention(match: re.Match[str]) -> Mention | None:
    kind = Kind(match["kind"] or Kind.PATH)
    if match["quoted"] is not None:
        lines = _lines_of(_LINES.search(match["after"] or ""))
        return Mention(kind, match["quoted"].strip(), match.start(), match.end(), lines)
    plain = _without_punctuation(match["plain"])
    if not plain:
        return None
    end = match.start("plain") + len(plain)
    if kind is Kind.PATH and plain in WORDS:
        return Mention(Kind(plain), "", match.start(), end)
    found = _LINES.search(plain) if kind is not Kind.SYMBOL else None
    value = plain[: found.start()] if found else plain
    return Mention(kind, value, match.start(), end, _lines_of(found)) if value else None


def _lines_of(found: re.Match[str] | None) -> tuple[int, int] | None:
    if found is None:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return min(first, last), max(first, last)


def _without_punctuation(text: str) -> str:
    """What stands before the punctuation that ends a sentence, and before brackets that were opened before."""
    while text:
        last = text[-1]
        unopened = last in _BRACKETS and text.count(last) > text.count(_BRACKETS[last])
        if last not in ".:!…" and not unopened:
            return text
        text = text[:-1]
    return text


# --- completion


def begun(text: str, cursor: int) -> tuple[int, str] | None:
    """The mention that is being written at `cursor`: where its `@` is, and what follows it so far; None without one."""
    line = text.rfind("\n", 0, cursor) + 1
    found = _BEGUN.search(text, max(line, cursor - LONGEST), cursor)
    if found is None or inside(code_ranges(text[:cursor]), found.start()):
        return None
    return found.start(), found[1]


def candidates(typed: str, table: PathTable, *, limit: int = 20) -> list[Candidate]:
    """How to go on with a mention of which `typed` stands behind the `@`, best first.

    For `symbol:` there are none here: ask the index with what follows, and give its answer to `symbol_candidates`.
    """
    kind, colon, rest = typed.partition(":")
    kind = kind if colon and kind in KINDS else ""
    if kind == "symbol":
        return []
    wanted = (rest if kind else typed).removeprefix('"')
    words = [] if kind or typed.startswith('"') else list(_word_candidates(typed))
    prefix = f"{kind}:" if kind else ""
    paths = (path for path in table.completions(wanted, limit) if kind != "folder" or path.endswith("/"))
    return [*words, *(_path_candidate(prefix, path) for path in paths)][:limit]


def symbol_candidates(symbols: Sequence[Symbol], *, limit: int = 20) -> list[Candidate]:
    """The names that the index found, as mentions; each once."""
    named = {symbol.qualified or symbol.name: symbol for symbol in reversed(symbols)}
    order = dict.fromkeys(symbol.qualified or symbol.name for symbol in symbols)
    places = [(name, f"{named[name].kind}, {named[name].path}:{named[name].line + 1}") for name in order]
    return [Candidate(f"@symbol:{name}", name, place) for name, place in places if not re.search(r"\s", name)][:limit]


def _word_candidates(typed: str) -> Iterator[Candidate]:
    for word, told in WORDS.items():
        if word.startswith(typed):
            yield Candidate(f"@{word}", word, told)
    for kind, told in KINDS.items():
        if typed and kind.startswith(typed):
            yield Candidate(f"@{kind}:", f"{kind}:", told, open=True)


def _path_candidate(prefix: str, path: str) -> Candidate:
    folder = path.endswith("/")
    plain = _without_punctuation(path) == path and _MENTION.fullmatch(f"@{path}") is not None
    if plain:
        return Candidate(f"@{prefix}{path}", path, open=folder)
    return Candidate(f'@{prefix}"{path}' + ("" if folder else '"'), path, open=folder)
