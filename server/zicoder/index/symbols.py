"""The names that a project defines, for look-up while typing: exact, prefix, camel hump, then anywhere inside.

A table of a large project's names is matched by one regular expression over one string: a few milliseconds.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from zicoder.index.words import split_identifier

__all__ = ["Symbol", "SymbolTable", "placed"]

MAX_HUMPS = 16
"""Letters of a query that are matched against words; more could make the expression slow."""
MAX_SKIPPED = 2
MAX_WORDS = 12
"""Words of a name that are matched so."""


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
        self._names = _Column(s.name.lower() for s in self._symbols)
        self._humps = _Column(_humps(s.name) for s in self._symbols)

    def __len__(self) -> int:
        return len(self._symbols)

    def find(self, query: str, limit: int = 100) -> list[Symbol]:
        """The best matches, best kind of match first, short names before long ones. Nothing for an empty query."""
        query = query.strip()
        scope, _, name = query.replace("::", ".").rpartition(".")
        lower = re.escape(name.lower())
        if not lower:
            return []
        found: dict[int, None] = {}
        patterns = [(self._names, rf"^{lower}$"), (self._names, rf"^{lower}")]
        if len(name) > 1:
            patterns += [(self._humps, _hump_pattern(name)), (self._names, rf"^.*{lower}")]
        for column, pattern in patterns:
            for index in column.matching(pattern, limit * (4 if scope else 1)):
                found.setdefault(index)
        symbols = (self._symbols[index] for index in found)
        inside = scope.lower()
        return [s for s in symbols if not scope or inside in s.qualified.lower().rpartition(".")[0]][:limit]


class _Column:
    """One value for each symbol, joined by line ends."""

    def __init__(self, values: Iterable[str]) -> None:
        lines = [value.replace("\n", " ") for value in values]
        self._text = "\n".join(lines)
        self._starts: list[int] = []
        at = 0
        for line in lines:
            self._starts.append(at)
            at += len(line) + 1

    def matching(self, pattern: str, limit: int) -> Iterable[int]:
        """Indexes of the first `limit` values in which the pattern is found."""
        for count, match in enumerate(re.finditer(pattern, self._text, re.MULTILINE)):
            if count >= limit or not self._starts:
                return
            yield bisect_right(self._starts, match.start()) - 1


def _hump_pattern(name: str) -> str:
    """Each letter goes on in the word it is in, or begins a later one: `gUN`, `getUN` and `gun` find getUserName.

    A later word is reached over at most MAX_SKIPPED others, which bounds how often the expression can go back.
    """
    letters = [re.escape(letter) for letter in name.lower() if letter.isalnum()][:MAX_HUMPS]
    return "^" + rf"(?:[^\n ]* (?:[^\n ]* ){{0,{MAX_SKIPPED}}})?".join(letters) if letters else r"(?!)"


def _humps(name: str) -> str:
    """`getUserName` -> "get user name"."""
    return " ".join(split_identifier(name)[:MAX_WORDS])
