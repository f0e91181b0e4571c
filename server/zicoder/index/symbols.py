"""The names that a project defines, for look-up while typing: exact, prefix, camel hump, then anywhere inside.

Names are found by binary search and by one search through one string; only for humps single names are looked at.
"""

from __future__ import annotations

import re
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from itertools import accumulate

import numpy as np

from zicoder.index.store import Store
from zicoder.index.words import split_identifier

__all__ = ["StoreSymbols", "Symbol", "SymbolTable", "placed"]

MAX_HUMPS = 16
"""Letters of a query that are matched against words; more could make the expression slow."""
MAX_SKIPPED = 2
MAX_WORDS = 12
"""Words of a name that are matched so."""
QUICK_S = 0.5
SHARE = 5
"""Making the table of names anew takes up to a second or two in a large project; in the five-fold of that time after
it, names are looked up as they were, or typing and saving would keep one core busy with it."""

_MEMBER = {"class": "method", "interface": "method", "section": "section"}
"""The kind of a name that is defined inside a chunk of another name."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One defined name. `line`: zero-based, of the chunk that defines it, or of the name itself once `placed`."""

    name: str
    qualified: str
    kind: str
    path: str
    line: int
    row: int | None = None
    """The store's row, for a name that its chunk is not named after: where in the chunk it stands is still open."""


def placed(symbols: Sequence[Symbol], texts: Callable[[Sequence[int]], Sequence[str]]) -> list[Symbol]:
    """The same with the line of each name; `texts` gives the texts of rows."""
    rows = list({symbol.row for symbol in symbols if symbol.row is not None})
    known = dict(zip(rows, texts(rows), strict=True))
    return [symbol if symbol.row is None else _placed(symbol, known[symbol.row]) for symbol in symbols]


def _placed(symbol: Symbol, text: str) -> Symbol:
    found = re.search(rf"(?<!\w){re.escape(symbol.name)}(?!\w)", text)
    return replace(symbol, line=symbol.line + text.count("\n", 0, found.start()) if found else symbol.line, row=None)


class SymbolTable:
    """Frozen; made anew when the index has changed."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self._symbols = sorted(symbols, key=lambda s: (len(s.name), s.name, s.path, s.line))
        self._names = _Names([s.name.lower() for s in self._symbols])
        self._humps = _Humps([_humps(s.name) for s in self._symbols])

    def __len__(self) -> int:
        return len(self._symbols)

    def find(self, query: str, limit: int = 100) -> list[Symbol]:
        """The best matches, best kind of match first, short names before long ones. Nothing for an empty query."""
        scope, _, name = query.strip().replace("::", ".").rpartition(".")
        lower = _line(name.lower())
        if not lower:
            return []
        most = limit * (4 if scope else 1)
        found: dict[int, None] = dict.fromkeys(self._names.exact(lower, most))
        found |= dict.fromkeys(self._names.beginning(lower, most))
        if len(name) > 1:
            found |= dict.fromkeys(self._humps.matching(name, most))
            found |= dict.fromkeys(self._names.containing(lower, most))
        symbols = (self._symbols[index] for index in found)
        inside = scope.lower()
        return [s for s in symbols if not scope or inside in s.qualified.lower().rpartition(".")[0]][:limit]


class StoreSymbols:
    """The names in a store, for threads: a table that is made when it is first asked for, and kept in step."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: tuple[int, SymbolTable] = (-1, SymbolTable(()))
        self._turn = threading.Lock()
        self._due = float("-inf")

    def find(self, query: str, limit: int) -> list[Symbol]:
        """The best matches (see `SymbolTable.find`), placed. Raises IndexDamaged."""
        return placed(self._table().find(query, limit), self._store.texts)

    def _table(self) -> SymbolTable:
        version, table = self._made
        current = self._store.version()
        begun = time.monotonic()
        if version == current or begun < self._due:
            return table
        with self._turn:  # whoever types on asks again meanwhile: one table is made for all
            if self._made[0] != current:
                self._made = (current, _symbols_of(self._store))
                now = time.monotonic()
                if now - begun > QUICK_S:
                    self._due = now + SHARE * (now - begun)
            return self._made[1]


def _symbols_of(store: Store) -> SymbolTable:
    columns = ("symbol", "qualified", "kind", "path", "start", "defines")
    return SymbolTable(
        Symbol(name, qualified, kind, path, start)
        if name == symbol
        else Symbol(name, f"{qualified}.{name}".strip("."), _MEMBER.get(kind, "module"), path, start, row)
        for row, symbol, qualified, kind, path, start, defines in store.column(*columns)
        for name in (defines.split(" ") if defines else ())
    )


class _Names:
    """Every symbol's name in lower case. All answers are the first `limit` of the symbols' numbers, in order."""

    def __init__(self, names: Sequence[str]) -> None:
        lines = [_line(name) for name in names]
        self._order = sorted(range(len(lines)), key=lines.__getitem__)
        self._sorted = [lines[index] for index in self._order]
        self._text, self._starts = _joined(lines)

    def exact(self, name: str, limit: int) -> list[int]:
        """Those that are the name."""
        return self._order[bisect_left(self._sorted, name) : bisect_right(self._sorted, name)][:limit]

    def beginning(self, prefix: str, limit: int) -> list[int]:
        """Those that begin so."""
        first = bisect_left(self._sorted, prefix)
        end = bisect_right(self._sorted, prefix, lo=first, key=lambda name: name[: len(prefix)])
        return nsmallest(limit, self._order[first:end])

    def containing(self, part: str, limit: int) -> Iterable[int]:
        """Those with this anywhere inside."""
        at = -1
        for _ in range(limit):
            at = self._text.find(part, at + 1)
            if at < 0:
                return
            yield bisect_right(self._starts, at) - 1
            at = self._text.index("\n", at)


class _Humps:
    """The words of every symbol's name. What cannot match is told by letters: most of a large table at once."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = [_line(each) for each in words]
        text, starts = _joined(self._words)
        letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        self._first = letters[starts] if starts else letters
        bits = np.left_shift(np.uint64(1), (letters % 64).astype(np.uint64))
        self._letters = np.bitwise_or.reduceat(bits, starts) if starts else bits

    def matching(self, name: str, limit: int) -> Iterable[int]:
        """The first `limit` symbols that a name stands for, in order."""
        letters = [letter for letter in name.lower() if letter.isalnum()][:MAX_HUMPS]
        if not letters:
            return
        wanted = np.bitwise_or.reduce([np.uint64(1 << ord(letter) % 64) for letter in letters])
        possible = (self._first == ord(letters[0])) & ((self._letters & wanted) == wanted)
        matches = re.compile(_hump_pattern(letters)).match
        for index in np.flatnonzero(possible).tolist():
            if matches(self._words[index]):
                yield index
                limit -= 1
                if not limit:
                    return


def _line(text: str) -> str:
    return text.replace("\n", " ")


def _joined(lines: Sequence[str]) -> tuple[str, list[int]]:
    """The lines as one text, each ended, and where each begins."""
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    return "".join(f"{line}\n" for line in lines), starts[:-1]


def _hump_pattern(letters: Sequence[str]) -> str:
    """Each letter goes on in the word it is in, or begins a later one: `gUN`, `getUN` and `gun` find getUserName.

    A later word is reached over at most MAX_SKIPPED others, which bounds how often the expression can go back.
    """
    return rf"(?:[^ ]* (?:[^ ]* ){{0,{MAX_SKIPPED}}})?".join(map(re.escape, letters))


def _humps(name: str) -> str:
    """`getUserName` -> "get user name"."""
    return " ".join(split_identifier(name)[:MAX_WORDS])
