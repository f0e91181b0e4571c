# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow is typed only in part)
"""What look-ups show of each row, kept in memory by the row's id: fetching it from the table costs 0.1 ms a row.

A row never changes and its id is never given to another, so nothing here can be out of date; a row that is not known
yet is fetched. Only for the process that writes the table: others would not notice that it was made anew. Must not
know LanceDB: the store hands in how rows are fetched.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows"]

log = logging.getLogger("zicoder.index")

FEW = 500
"""As many single rows are held without reading them all."""
SHARE = 8
"""All are read again when the single ones are more than this part of them."""
MOST = 200_000
"""Rows that are kept: 150 MB. Of a larger table, those that were asked for lately."""

Fetch = Callable[[Sequence[int] | None], Any]
"""Row ids, or None for every row -> an Arrow table with `_rowid`, `vector` and what else is kept."""


class Rows:
    """Rows of one table, read in the background as soon as they are asked for. Thread-safe."""

    def __init__(self, fetch: Fetch, count: Callable[[], int], dimension: int) -> None:
        self._fetch = fetch
        self._count = count
        self._dimension = dimension
        self._lock = threading.Lock()
        self._reading = False
        self._all = _Block(None, dimension)
        self._single: dict[int, tuple[dict[str, Any], NDArray[np.float16]]] = {}

    def records(self, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
        """What is kept of these rows beside their vectors; rows that have gone are left out."""
        block, places, others = self._placed(rows)
        found = dict(zip((rows[n] for n in np.flatnonzero(places >= 0).tolist()), block.records(places), strict=True))
        found |= {row: record for row, (record, _) in others.items()}
        return found

    def vectors(self, rows: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """The vectors of these rows; rows that have gone are left out."""
        block, places, others = self._placed(rows)
        known = places[places >= 0]
        matrix = block.vectors[known].astype(np.float32)
        found = dict(zip((rows[n] for n in np.flatnonzero(places >= 0).tolist()), matrix, strict=True))
        found |= {row: vector.astype(np.float32) for row, (_, vector) in others.items()}
        return found

    def _placed(
        self, rows: Sequence[int]
    ) -> tuple[_Block, NDArray[np.intp], dict[int, tuple[dict[str, Any], NDArray[np.float16]]]]:
        """The block of all rows, where in it each of these is (-1: it is not), and those that are not."""
        with self._lock:
            block, single = self._all, self._single
        places = block.places(rows)
        missing = [rows[n] for n in np.flatnonzero(places < 0).tolist()]
        unknown = [row for row in missing if row not in single]
        if unknown:
            fetched = _Block(self._fetch(unknown), self._dimension)
            new = dict(zip(fetched.ids.tolist(), zip(fetched.all_records(), fetched.vectors, strict=True), strict=True))
            with self._lock:
                single = self._single = {**self._single, **new} if len(self._single) < MOST else new
            self._read_all_if_worth_it()
        return block, places, {row: single[row] for row in missing if row in single}

    def _read_all_if_worth_it(self) -> None:
        with self._lock:
            count = len(self._all.ids)
            if self._reading or len(self._single) < max(FEW, count // SHARE) or count + len(self._single) > MOST:
                return
            self._reading = True
        threading.Thread(target=self._read_all, name="zicoder-rows", daemon=True).start()

    def _read_all(self) -> None:
        try:
            if self._count() > MOST:
                return
            block = _Block(self._fetch(None), self._dimension)
            with self._lock:
                self._all, self._single = block, {}
        except Exception as error:  # noqa: BLE001 - the look-ups meet the same failure and tell of it
            log.info("rows were not read ahead: %s", error)
        finally:
            with self._lock:
                self._reading = False


class _Block:
    """Rows as they were read, found by binary search."""

    def __init__(self, table: Any | None, dimension: int) -> None:
        self.ids: NDArray[np.uint64] = np.empty(0, np.uint64)
        self.vectors: NDArray[np.float16] = np.empty((0, dimension), np.float16)
        self._table: Any = None
        if table is None or not table.num_rows:
            return
        ids = table["_rowid"].to_numpy()
        order = np.argsort(ids)
        self.ids = ids[order]
        self.vectors = table["vector"].combine_chunks().flatten().to_numpy().reshape(-1, dimension)[order]
        self._table = table.drop_columns(["_rowid", "vector"]).take(order).combine_chunks()

    def places(self, rows: Sequence[int]) -> NDArray[np.intp]:
        """Where each row is, -1 for one that is not here."""
        if not len(self.ids):
            return np.full(len(rows), -1, np.intp)
        wanted = np.asarray(rows, np.uint64)
        at = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return np.where(self.ids[at] == wanted, at, -1)

    def records(self, places: NDArray[np.intp]) -> list[dict[str, Any]]:
        """The rows at those of the places that are not -1."""
        known = places[places >= 0]
        return self._table.take(known).to_pylist() if len(known) else []

    def all_records(self) -> list[dict[str, Any]]:
        """Every row."""
        return self._table.to_pylist() if self._table is not None else []
