# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# (pyarrow is typed only in part)
"""The index on disk: one LanceDB database for one project.

Blocking: call it from a thread. One writer at a time (see `lock.py` and `lease.py`); any number of readers, in this
process or others, see its commits. What a file's rows say is the whole state of the index: a file is indexed if it has
rows, and they carry the hash of its content. So there is nothing that could disagree after a crash.

Every exception of the libraries leaves as IndexDamaged (the caller rebuilds) or IndexFull.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from zicoder.errors import IndexDamaged, IndexOutdated
from zicoder.index.frames import FileRows
from zicoder.index.lance import ROW_ID, SCORE, Database, Table
from zicoder.index.rows import Block, Rows, Source, State
from zicoder.index.store_failures import nothing_of_use, quoted, translated
from zicoder.index.store_schema import CHUNKS, make, name_of, same, schema_of, table_of

__all__ = ["Found", "Store"]

log = logging.getLogger("zicoder.index")

UNINDEXED_ROWS = 400
"""Rows that full-text search may have to read one by one before they are worked into its index: 15 us each."""
LEFT_OVER_ROWS = 1000
"""Rows written by a build whose left-over files are worth waiting for."""
KEEP_VERSIONS = timedelta(minutes=1)
KEEP_AFTER_BUILD = timedelta(seconds=1.2)
"""Another process sees a new version within a second; after that an older one is in nobody's use."""
TEND_S = 120.0
"""Between two clean-ups of old versions."""
FOLLOWED_PATHS = 20
"""Of more files in one commit, what has changed is asked when somebody searches."""
DELETE_AT_ONCE = 500
"""Paths in one delete: the predicate is parsed by recursive descent."""

_SHOWN = ("id", "path", "language", "kind", "symbol", "qualified", "signature", "start", "end", "text_hash")
"""As `Found` has them."""
_compute: Any = pyarrow.compute
_SEEN_S = 1.0
"""So long may pass before another process's writes are seen."""


@dataclass(frozen=True, slots=True)
class Found:
    """One row that a look-up found. `score`: the look-up's own measure, higher is better."""

    row: int
    """Lance's row id, good for `texts` as long as the row is there."""
    id: str
    path: str
    language: str
    kind: str
    symbol: str
    qualified: str
    signature: str
    start: int
    end: int
    text_hash: str
    score: float


class Store:
    """The chunks of one project. Made by `open`; thread-safe for reading."""

    def __init__(self, database: Database, table: Table, dimension: int, *, write: bool) -> None:
        self.dimension = dimension
        self._database = database
        self._table = table
        self._tended = time.monotonic()
        self._untended = 0
        """Rows that are in no index yet, those of another process's last writes only once `open` has counted them."""
        self._commits = 0
        """Ours so far."""
        self._write = write
        self._state = (State("", 0), float("-inf"))
        self._rows = Rows(
            Source(self._current_state, self._row_ids, self._read, pa.concat_tables, _outside, _SHOWN),
            dimension,
        )

    @classmethod
    def open(
        cls, location: str, *, dimension: int, vectors: str, write: bool, anew: bool = False,
        guard: Callable[[], None] = lambda: None,
    ) -> Store:  # fmt: skip
        """Open the index at a folder or an object-store URI; a writer makes it if there is none.

        `vectors` names the embedder whose vectors of `dimension` numbers it holds. An index of another schema or
        embedder, or one that cannot be read, is made anew by a writer; with `anew`, any. Raises IndexDamaged (a reader
        cannot use it, or there is none), IndexFull.

        `guard` is called before each change, and raises when the right to write has gone: so a writer can end at any
        commit, as by a kill.
        """
        database = Database(location, seen_s=0 if write else _SEEN_S, guard=guard)
        schema = schema_of(dimension, vectors)
        try:
            if anew:
                raise IndexDamaged("The index is made anew.")
            table = database.open(CHUNKS)
            if not same(table.schema(), schema):
                raise IndexOutdated("The index was made by another version of Zi Coder.")
            table.rows(["id", "path"], limit=1)
            indexes = table.indexes()
            if not indexes.keys() >= {"words", "names", "path"}:
                raise IndexOutdated("The index was never finished.")
            unindexed = table.unindexed(indexes["words"]) if write else 0
        except IndexDamaged as damage:
            if not write or (database.shared and not anew and not nothing_of_use(damage)):
                raise  # what cannot be reached just now is not gone, and others may share it
            log.info("making a new index at %s: %s", location, damage)
            table, unindexed = make(database, location, schema), 0
        store = cls(database, table, dimension, write=write)
        store._untended = unindexed
        return store

    @property
    def database(self) -> Database:
        """For the tables beside this one."""
        return self._database

    # --- state

    def files(self) -> dict[str, str]:
        """Hash of the content of every indexed file, by path."""
        table = self._table.rows(["path", "file_hash"])
        return dict(zip(table["path"].to_pylist(), table["file_hash"].to_pylist(), strict=True))

    def sound(self) -> bool:
        """Whether a plain look-up works, after another one failed."""
        try:
            self.refresh()
            self.lexical(["sound"], 1)()
            self.named(["sound"], 1)()
            self.nearest(np.ones(self.dimension, np.float32), 1)
            self.texts(self._some_rows())
        except IndexDamaged:
            return False
        return True

    def _some_rows(self) -> list[int]:
        return self._table.rows(["id"], limit=5, row_ids=True)[ROW_ID].to_pylist()

    def hash_of(self, path: str) -> str | None:
        """Hash of the content that is indexed of one file."""
        rows = self._table.rows(["file_hash"], where=f"path = {quoted([path])}", limit=1)
        return rows["file_hash"][0].as_py() if rows.num_rows else None

    def count(self) -> int:
        """Number of chunks."""
        return self._table.count()

    def version(self) -> int:
        """Number of the commit that look-ups see; it only grows."""
        return self._table.version()

    def column(self, *names: str) -> list[tuple[Any, ...]]:
        """Row ids and whole columns, row by row."""
        return _tuples(self._table.rows(names, row_ids=True), (ROW_ID, *names))

    def come_since(self, before: NDArray[np.uint64], *names: str) -> tuple[NDArray[np.uint64], list[tuple[Any, ...]]]:
        """The ids of all rows; and of those that are not among `before`, row id and these columns."""
        ids = self._rows.block().ids
        new = np.setdiff1d(ids, before, assume_unique=True)
        if len(new) > len(ids) // 2:
            return ids, self.column(*names)
        return ids, _tuples(self._table.take(new.tolist(), names), (ROW_ID, *names)) if len(new) else []

    def sample(self, name: str, rows: int) -> list[str]:
        """One text column of about this many rows, spread over the table."""
        total = self._table.count()
        offsets = range(0, total, max(1, total // rows))
        return self._table.take_offsets(offsets, [name])[name].to_pylist() if total else []

    # --- writing

    def replace(self, files: Sequence[FileRows], *, known: Iterable[str] = ()) -> None:
        """Put these files' rows in the place of whatever was there for them.

        `known`: those of the paths that may have rows now; pass none for new files, which saves a commit.
        """
        rows = table_of(files, self._table.schema())
        with self._commits_on(gone=sorted(set(known)), come=sorted({file.path for file in files if file.rows})) as gone:
            self._delete(gone)
            if rows.num_rows:
                self._table.add(rows)
        self._untended += rows.num_rows

    def remove(self, paths: Iterable[str]) -> None:
        """Take these files out."""
        with self._commits_on(gone=sorted(set(paths)), come=()) as gone:
            self._delete(gone)

    def _delete(self, paths: Sequence[str]) -> None:
        for at in range(0, len(paths), DELETE_AT_ONCE):
            self._table.delete(f"path IN ({quoted(paths[at : at + DELETE_AT_ONCE])})")

    @property
    def untended(self) -> bool:
        """Whether look-ups are slowed down by rows that were left out of the indexes, as by a kill."""
        return self._untended >= UNINDEXED_ROWS

    def tend(self, *, thoroughly: bool = False) -> None:
        """Work new rows into the indexes when there are enough, and remove old versions when it is time."""
        due = time.monotonic() - self._tended > TEND_S
        if not thoroughly and not due and not self.untended:
            return
        if thoroughly:
            self._table.optimize()
            if self._untended >= LEFT_OVER_ROWS:
                # What was compacted is still there: as much again as the index.
                time.sleep(KEEP_AFTER_BUILD.total_seconds())
        self._table.optimize(KEEP_AFTER_BUILD if thoroughly else KEEP_VERSIONS)
        self._tended = time.monotonic()
        self._untended = 0

    # --- look-ups

    def lexical(self, words: Sequence[str], limit: int, *, where: str | None = None) -> Callable[[], list[Found]]:
        """Begin to look for chunks by BM25 over their words, path and symbol; the result waits for them."""
        return self._match(" ".join(words), "words", limit, where)

    def named(self, tokens: Sequence[str], limit: int, *, where: str | None = None) -> Callable[[], list[Found]]:
        """The same for chunks with any of these tokens among their names.

        `name` is used in a chunk, `=name` is defined there.
        """
        return self._match(" ".join(tokens), "names", limit, where)

    def nearest(
        self, vector: NDArray[np.float32], limit: int, *, where: str | None = None, exact: bool = False
    ) -> list[Found]:
        """Chunks by the inner product of their vectors with this one, of shape (dimension,).

        `exact` compares with every vector, even where signs would tell which ones are worth it.
        """
        allowed = self._row_ids(where) if where else None
        block = self._rows.block()
        among = block.places(allowed) if allowed is not None else None
        among = among[among >= 0] if among is not None else None
        places, products = block.vectors.nearest(vector, limit, among=among, exact=exact)
        return self._found(block, places, products)

    def similarities(self, vector: NDArray[np.float32], rows: Sequence[int]) -> dict[int, float]:
        """The inner products of rows just found; those that have gone are left out."""
        block = self._rows.block()
        places = block.places(np.asarray(rows, np.uint64))
        here = places >= 0
        values = block.vectors.products(places[here], vector).tolist()
        return dict(zip((row for row, known in zip(rows, here.tolist(), strict=True) if known), values, strict=True))

    def within(self, where: str, limit: int) -> list[Found]:
        """Chunks by a predicate."""
        answer = self._table.rows(_SHOWN, where=where, limit=limit, row_ids=True)
        return [Found(*values, score=0.0) for values in _tuples(answer, (ROW_ID, *_SHOWN))]

    def texts(self, rows: Sequence[int]) -> list[str]:
        """The texts of rows just found, in the order asked for; "" for one that has gone meanwhile."""
        if not rows:
            return []
        table = self._table.take(rows, ["text"])
        texts = dict(zip(table[ROW_ID].to_pylist(), table["text"].to_pylist(), strict=True))
        return [texts.get(row, "") for row in rows]

    def embeddable(self, rows: Sequence[int]) -> dict[str, tuple[str, str]]:
        """Qualified name and text, by text hash, of those of the rows that are still there."""
        table = self._table.take(rows, ["text_hash", "qualified", "text"])
        return {row["text_hash"]: (row["qualified"], row["text"]) for row in table.to_pylist()}

    def refresh(self) -> None:
        """See what other processes wrote, now rather than within a second."""
        self._table.refresh()
        self._state = (self._state[0], float("-inf"))

    # --- details

    def _match(self, text: str, column: str, limit: int, where: str | None) -> Callable[[], list[Found]]:
        if not text:
            return list
        begun = self._table.match(text, column, limit, where=where)

        def found() -> list[Found]:
            rows, scores = _scored(begun())
            block = self._rows.block()
            if (block.places(rows) < 0).any():
                # Without a column Lance answers rows that are gone, too, but it saves a fifth of the time.
                rows, scores = _scored(self._table.match(text, column, limit, where=where, columns=("start",))())
                block = self._rows.block(having=rows)
            places = block.places(rows)
            here = places >= 0
            return self._found(block, places[here], scores[here])

        return found

    def _found(self, block: Block, places: NDArray[np.intp], scores: NDArray[np.float32]) -> list[Found]:
        with translated():
            records = block.records(places)
        rows = block.ids[places].tolist()
        return [
            Found(*(row, *record), score=score)
            for row, record, score in zip(rows, records, scores.tolist(), strict=True)
            if record
        ]

    # --- how rows come into memory

    @contextlib.contextmanager
    def _commits_on(self, *, gone: Sequence[str], come: Sequence[str]) -> Generator[Sequence[str]]:
        """Commits that take these files' rows out and then add those; of a few, the rows in memory follow at once."""
        try:
            yield gone
            if len(gone) + len(come) <= FOLLOWED_PATHS:
                before, after = State("", self._commits), State("", self._commits + 1)
                self._rows.follow(before, after, gone, partial(self._read_files, come) if come else None)
        finally:
            self._commits += 1  # nobody knows how far one came that failed

    def _read_files(self, paths: Sequence[str]) -> Any:
        return self._table.rows([*_SHOWN, "vector"], where=f"path IN ({quoted(paths)})", row_ids=True)

    def _current_state(self) -> State:
        """Of the writer's table nothing is asked: its commits are ours."""
        if self._write:
            return State("", self._commits)
        state, looked = self._state
        now = time.monotonic()
        if now - looked >= _SEEN_S:
            state = State(name_of(self._table.schema()), self._table.version())
            self._state = state, now
        return state

    def _row_ids(self, where: str | None = None) -> NDArray[np.uint64]:
        found = self._table.rows(["start"], where=where, row_ids=True)
        return np.asarray(found[ROW_ID].to_numpy(), np.uint64)

    def _read(self, rows: Sequence[int] | None, columns: Sequence[str]) -> Any:
        return self._table.rows(columns, row_ids=True) if rows is None else self._table.take(rows, columns)


def _tuples(table: Any, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def _outside(table: Any, paths: Sequence[str]) -> NDArray[np.intp]:
    """The rows of a table that belong to none of these files."""
    inside: Any = _compute.is_in(table["path"], value_set=pa.array(paths, pa.string()))
    return np.flatnonzero(~inside.combine_chunks().to_numpy(zero_copy_only=False))


def _scored(answer: Any) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Row ids and scores of a full-text look-up."""
    return np.asarray(answer[ROW_ID].to_numpy(), np.uint64), answer[SCORE].to_numpy()
