# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# (lancedb and pyarrow are typed only in part)
"""LanceDB, as much of it as the stores need. The only module that imports lancedb.

Its asynchronous tables are run on one thread of our own: its blocking ones hop between threads several times in each
look-up, which takes as long as the look-up itself. Every exception of the library leaves as IndexDamaged or IndexFull.
Whatever changes something asks first whether it may.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import FTS, BTree, IvfRq
from lancedb.query import MatchQuery
from numpy.typing import NDArray

from zicoder.index.store_failures import sendable, translated

__all__ = ["REMOTE", "ROW_ID", "SCORE", "Database", "Table"]

T = TypeVar("T")

REMOTE = "://"
"""In the location of an object store."""
ROW_ID, SCORE, DISTANCE = "_rowid", "_score", "_distance"
"""Columns that the library adds."""

_EXACT = FTS(
    base_tokenizer="whitespace", lower_case=False, stem=False, remove_stop_words=False, ascii_folding=False,
    with_position=False, max_token_length=None,
)  # fmt: skip


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Where all of the library's coroutines run."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="zicoder-lance", daemon=True).start()
    return loop


def _begin(work: Coroutine[Any, Any, T]) -> Callable[[], T]:
    """Start it; what is returned waits for the end."""
    future = asyncio.run_coroutine_threadsafe(work, _loop())

    def result() -> T:
        with translated():
            try:
                return future.result()
            except BaseException:
                future.cancel()
                raise

    return result


def _run(work: Coroutine[Any, Any, T]) -> T:
    return _begin(work)()


class Database:
    """The tables at one folder or object-store URI. Blocking, thread-safe."""

    def __init__(self, location: str, *, seen_s: float, guard: Callable[[], None] = lambda: None) -> None:
        """`seen_s`: what others commit is seen after at most so many seconds.

        `guard` is called before anything is changed, and raises when this process must not. Raises IndexDamaged,
        IndexFull.
        """
        self.shared = REMOTE in location
        """Whether other machines may work on it, too."""
        self._guard = guard
        self._database = _run(lancedb.connect_async(location, read_consistency_interval=timedelta(seconds=seen_s)))

    def names(self) -> list[str]:
        """Of all tables."""
        return _run(self._database.list_tables()).tables

    def open(self, name: str) -> Table:
        """A table that is there."""
        return Table(_run(self._database.open_table(name)), self._guard)

    def make(self, name: str, schema: Any, *, stable_row_ids: bool = False) -> Table:
        """A new table. With `stable_row_ids` a row can be fetched by its id also after a compaction."""
        self._guard()
        options = {"new_table_enable_stable_row_ids": "true"} if stable_row_ids else None
        table = Table(_run(self._database.create_table(name, schema=schema, storage_options=options)), self._guard)
        _run(table.table.set_unenforced_primary_key("id"))
        return table

    def make_row(self, name: str, values: Mapping[str, Any]) -> None:
        """A new table of this one row. Two that make it at once may both succeed: then the later one's stays."""
        self._guard()
        _run(self._database.create_table(name, [dict(values)]))

    def drop(self, name: str) -> None:
        """Remove a table."""
        self._guard()
        _run(self._database.drop_table(name))


class Table:
    """One table. Blocking, thread-safe. Predicates are SQL's, answers are Arrow tables."""

    def __init__(self, table: Any, guard: Callable[[], None]) -> None:
        self.table = table
        """The library's."""
        self._guard = guard

    # --- look-ups

    def rows(
        self, columns: Sequence[str], *, where: str | None = None, limit: int | None = None, row_ids: bool = False
    ) -> Any:
        """Columns of all rows, or of those of a predicate, at most `limit`."""
        query = self.table.query().select(list(columns))
        if where is not None:
            query = query.where(sendable(where))
        if limit is not None:
            query = query.limit(limit)
        return _run(_answer(query.with_row_id() if row_ids else query))

    def take(self, ids: Sequence[int], columns: Sequence[str]) -> Any:
        """Columns and row ids of those of these rows that are there, in any order."""
        return _run(_answer(self.table.take_row_ids(list(ids)).select(list(columns)).with_row_id()))

    def take_offsets(self, offsets: Sequence[int], columns: Sequence[str]) -> Any:
        """Columns of the rows at these places of the table."""
        return _run(_answer(self.table.take_offsets(list(offsets)).select(list(columns))))

    def match(
        self, text: str, column: str, limit: int, *, where: str | None = None, columns: Sequence[str] = ()
    ) -> Callable[[], Any]:
        """Begin a full-text look-up: row ids, scores and further columns of the best rows. The result waits for it."""
        # its defaults are hidden from pyright
        words = MatchQuery(sendable(text), column)  # pyright: ignore[reportCallIssue]
        query = self.table.query().nearest_to_text(words).select([*columns, SCORE]).with_row_id().limit(limit)
        return _begin(_answer(query.where(sendable(where)) if where else query))

    def nearest(self, vector: NDArray[np.float32], limit: int, *, probes: int, refine: int) -> tuple[list[str], Any]:
        """Ids and inner products of the rows whose vectors have the largest with this one."""
        query = self.table.query().nearest_to(vector).column("vector").distance_type("dot").nprobes(probes)
        found = _run(_answer(query.refine_factor(refine).select(["id", DISTANCE]).limit(limit)))
        return found["id"].to_pylist(), 1.0 - found[DISTANCE].to_numpy()

    # --- state

    def schema(self) -> Any:
        """Its Arrow schema."""
        return _run(self.table.schema())

    def count(self) -> int:
        """Number of rows."""
        return int(_run(self.table.count_rows()))

    def version(self) -> int:
        """Number of the commit that look-ups see."""
        return int(_run(self.table.version()))

    def refresh(self) -> None:
        """See what other processes committed."""
        _run(self.table.checkout_latest())

    def indexes(self) -> dict[str, str]:
        """Name of the index of each column that has one."""
        return {index.columns[0]: index.name for index in _run(self.table.list_indices())}

    def unindexed(self, index: str) -> int:
        """Rows that an index does not know yet."""
        found = _run(self.table.index_stats(index))
        return int(found.num_unindexed_rows) if found else 0

    # --- writing

    def add(self, rows: Any) -> None:
        """Append an Arrow table."""
        self._guard()
        _run(self.table.add(rows))

    def delete(self, where: str) -> None:
        """Remove the rows of a predicate."""
        self._guard()
        _run(self.table.delete(sendable(where)))

    def update(self, values: Mapping[str, Any], where: str) -> int:
        """Set columns in the rows of a predicate; how many there were.

        Of several who do this at once each sees what the one before has left: where the predicate asks for the old
        value and the update replaces it, this is a compare-and-swap, and exactly one of them gets 1.
        """
        self._guard()
        return int(_run(self.table.update(dict(values), where=sendable(where))).rows_updated)

    def index_words(self, column: str) -> None:
        """Full-text search over words between white space, as they are."""
        self._guard()
        _run(self.table.create_index(column, config=_EXACT))

    def index_values(self, column: str) -> None:
        """Find rows by the value of a column."""
        self._guard()
        _run(self.table.create_index(column, config=BTree()))

    def index_vectors(self, partitions: int) -> None:
        """Compare only with vectors that are near by compressed copies of them."""
        self._guard()
        config = IvfRq(distance_type="dot", num_partitions=partitions, max_iterations=10, sample_rate=32)
        _run(self.table.create_index("vector", config=config))

    def optimize(self, keep: timedelta | None = None) -> None:
        """Compact, bring the indexes up to date and, with `keep`, remove versions that are older."""
        self._guard()
        _run(self.table.optimize(cleanup_older_than=keep))


async def _answer(query: Any) -> Any:
    reader = await query.to_batches()
    return pa.Table.from_batches([batch async for batch in reader], schema=reader.schema)
