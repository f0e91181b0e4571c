# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow is typed only in part)
"""The vectors of all rows, and what look-ups show of them, in memory: comparing all is quicker than any index on disk.

A row never changes and its id is never given to another, so what is known of a row stays true; what has come and what
has gone is asked when the table is in another state than it was. Must not know LanceDB: the store hands in how rows
are fetched.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zicoder.index.vectors import ByteVectors

__all__ = ["Block", "Rows", "Source", "State"]

FEW = 1000
"""New rows that are fetched by their ids; of more, everything is read again."""
MOST = 300_000
"""Rows whose shown columns are kept: 70 MB. Of a larger table they are fetched for each look-up; the vectors are kept
in any case, 0.3 kB a row."""

Ids = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class State:
    """Which table this is, and which commit of it."""

    table: str
    commit: int


@dataclass(frozen=True, slots=True)
class Source:
    """How the store reads its table. `Any` is an Arrow table."""

    state: Callable[[], State]
    ids: Callable[[], Ids]
    """Of every row."""
    read: Callable[[Sequence[int] | None, Sequence[str]], Any]
    """Row ids (None: every row) and columns -> these columns and `_rowid`."""
    join: Callable[[Sequence[Any]], Any]
    outside: Callable[[Any, Sequence[str]], NDArray[np.intp]]
    """A table with a column `path`, and paths -> the numbers of the rows of other files."""
    shown: tuple[str, ...]
    """The columns that are kept beside `vector`."""


class Rows:
    """The rows of one table. Thread-safe; one thread reads for all."""

    def __init__(self, source: Source, dimension: int) -> None:
        self._source = source
        self._dimension = dimension
        self._lock = threading.Lock()
        self._state: State | None = None
        self._block = Block(source, dimension)

    def block(self, *, having: Ids | None = None) -> Block:
        """The rows there are now; read anew, too, when one of `having` is not among them."""
        with self._lock:
            state = self._source.state()
            unknown = having is not None and bool((self._block.places(having) < 0).any())
            if unknown or state != self._state:
                known = self._state is not None and self._state.table == state.table
                self._block = self._changed() if known else self._every()
                self._state = state
            return self._block

    def follow(self, before: State, after: State, gone: Sequence[str], come: Callable[[], Any] | None) -> None:
        """Commits turned one state into another: they took the rows of these paths out and added what `come` reads.

        Spares the next look-up asking what has changed. Nothing is done where more than this has to be read.
        """
        with self._lock:
            if self._state == before and self._block.kept:
                self._block = self._block.with_changes(self._block.outside(gone), come() if come else None)
                self._state = after

    def _every(self) -> Block:
        kept = len(self._source.ids()) <= MOST
        columns = (*self._source.shown, "vector") if kept else ("vector",)
        return Block(self._source, self._dimension, self._source.read(None, columns), kept=kept)

    def _changed(self) -> Block:
        old, now = self._block, self._source.ids()
        places = old.places(now)
        new = now[places < 0]
        if len(new) > FEW or (len(now) <= MOST) != old.kept:
            return self._every()
        if not len(new) and len(now) == len(old.ids):
            return old
        columns = (*self._source.shown, "vector") if old.kept else ("vector",)
        fetched = self._source.read(new.tolist(), columns) if len(new) else None
        return old.with_changes(np.sort(places[places >= 0]), fetched)


class Block:
    """Rows as they were at one moment, in the order of their ids. Frozen."""

    def __init__(self, source: Source, dimension: int, table: Any | None = None, *, kept: bool = True) -> None:
        self.ids: Ids = np.empty(0, np.uint64)
        self.vectors = ByteVectors(np.empty((0, dimension), np.int8))
        self.kept = kept
        self._source = source
        self._dimension = dimension
        self._table: Any = None
        self._at: NDArray[np.intp] = np.empty(0, np.intp)
        """Where each row is in the table, which holds rows that have gone, too."""
        if table is not None and table.num_rows:
            ids = table["_rowid"].to_numpy()
            self._at = np.argsort(ids, kind="stable")
            self.ids = ids[self._at]
            self.vectors = ByteVectors(_matrix(table, dimension)[self._at])
            self._table = table.select(list(source.shown)).combine_chunks() if kept else None

    def with_changes(self, left: NDArray[np.intp], new: Any | None) -> Block:
        """The rows at the places `left`, and those of an Arrow table."""
        block = Block(self._source, self._dimension, new, kept=self.kept)
        own, at = self._table, self._at[left]
        if own is not None and own.num_rows > FEW + 2 * len(left):
            own, at = own.take(at), np.arange(len(left))
        ids = np.concatenate([self.ids[left], block.ids])
        order = np.argsort(ids, kind="stable")
        tables = [part for part in (own, block._table) if part is not None]
        block.ids, block.vectors = ids[order], self.vectors.joined(left, block.vectors, order)
        block._at = np.concatenate([at, block._at + (own.num_rows if own is not None else 0)])[order]
        block._table = self._source.join(tables).combine_chunks() if tables else None
        return block

    def outside(self, paths: Sequence[str]) -> NDArray[np.intp]:
        """The places of the rows of all other files. Only while the columns are kept."""
        if not paths or self._table is None:
            return np.arange(len(self.ids))
        mask = np.zeros(self._table.num_rows, np.bool_)
        mask[self._source.outside(self._table, paths)] = True
        return np.flatnonzero(mask[self._at])

    def places(self, rows: Ids) -> NDArray[np.intp]:
        """Where each row is, -1 for one that is not here."""
        if not len(self.ids):
            return np.full(len(rows), -1, np.intp)
        at = np.minimum(np.searchsorted(self.ids, rows), len(self.ids) - 1)
        return np.where(self.ids[at] == rows, at, -1)

    def records(self, places: NDArray[np.intp]) -> list[tuple[Any, ...]]:
        """The shown columns of the rows at these places, in the source's order; a row that has gone gives ()."""
        if not len(places):
            return []
        if self.kept:
            return _tuples(self._table.take(self._at[places]), self._source.shown)
        ids = self.ids[places].tolist()
        table = self._source.read(ids, self._source.shown)
        found = dict(zip(table["_rowid"].to_pylist(), _tuples(table, self._source.shown), strict=True))
        return [found.get(row, ()) for row in ids]


def _matrix(table: Any, dimension: int) -> NDArray[np.int8]:
    return table["vector"].combine_chunks().flatten().to_numpy().reshape(-1, dimension)


def _tuples(table: Any, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))
