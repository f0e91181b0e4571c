# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# (lancedb and pyarrow are typed only in part)
"""The index on disk: one LanceDB database for one project. The only module that imports lancedb.

Blocking: call it from a thread. One writer at a time, which is the indexer's business (see `lock.py`); any number of
readers, in this process or others, see its commits. What a file's rows say is the whole state of the index: a file is
indexed if it has rows, and they carry the hash of its content. So there is nothing that could disagree after a crash.

Every exception of the libraries leaves as IndexDamaged (the caller rebuilds) or IndexFull.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import shutil
import sys
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import FTS, BTree, IvfRq
from lancedb.query import MatchQuery
from numpy.typing import NDArray

from zicoder.errors import IndexDamaged, IndexFull, IndexOutdated
from zicoder.index.frames import FileRows
from zicoder.index.rows import Rows

__all__ = ["Found", "Store", "quoted", "translated", "vector_index"]

log = logging.getLogger("zicoder.index")

SCHEMA = "1"
"""Raise it with every change of columns or of what is written into them: older indexes are then rebuilt."""

CHUNKS = "chunks"
REMOTE = "://"
"""In the location of an object store."""
VECTOR_INDEX_ROWS = 10_000
"""Below this, comparing with every vector is as quick as a vector index, and exact (`zi bench index` shows where)."""
UNINDEXED_ROWS = 400
"""Rows that full-text search may have to read one by one before they are worked into its index: 15 us each."""
LEFT_OVER_ROWS = 1000
"""Rows written by a build whose left-over files are worth waiting for."""
PARTITION_ROWS = 10_000
PROBES = 64
"""Few partitions, and nearly always all of them searched: words' vectors form no clusters. With a sixth of many small
ones a fifth of the ten nearest was missed, in the same time; the compressed vectors are quick to go through."""
REFINE = 4
"""How many times the wanted number of vectors is compared exactly."""
KEEP_VERSIONS = timedelta(minutes=1)
KEEP_AFTER_BUILD = timedelta(seconds=2)
"""Another process sees a new version within a second, so after two an older one is in nobody's use."""
TEND_S = 120.0
"""Between two clean-ups of old versions."""
DELETE_AT_ONCE = 500
"""Paths in one delete: the predicate is parsed by recursive descent."""

_PACKED = {"lance-encoding:compression": "zstd", "lance-encoding:structural-encoding": "miniblock"}
"""Several values are compressed together: half the size of Lance's own choice for texts this long."""

_NO_ROOM = re.compile(
    r"no space left|quota exceeded|not enough space|file too large"
    + (r"|os error (39|112)\b" if sys.platform == "win32" else r"|os error (27|28)\b"),
    re.IGNORECASE,
)
_WHERE_IN_LANCE = re.compile(r", [^,\s]*(\.cargo|rustc)/.*")

_FOUND_COLUMNS = ["path", "language", "kind", "symbol", "qualified", "signature", "start", "end", "text_hash", "id"]


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

    def __init__(self, database: Any, table: Any, dimension: int, *, location: str) -> None:
        self.location = location
        self.dimension = dimension
        self._database = database
        self._table = table
        self._tended = time.monotonic()
        self._untended = 0
        """Rows that are in no index yet, those of another process's last writes only once `open` has counted them."""
        self._rows: Rows | None = None
        self._rough = False
        """Whether there is a vector index, so that distances are only roughly right."""

    @classmethod
    def open(cls, location: str, *, dimension: int, vectors: str, write: bool, anew: bool = False) -> Store:
        """Open the index at a folder or an object-store URI; a writer makes it if there is none.

        `vectors` names the embedder whose vectors of `dimension` numbers it holds. An index of another schema or
        embedder, or one that cannot be read, is made anew by a writer; with `anew`, any. Raises IndexDamaged (a reader
        cannot use it, or there is none), IndexFull.
        """
        with translated():
            database = lancedb.connect(
                location,
                read_consistency_interval=timedelta(seconds=0 if write else 1),
            )
        schema = _schema(dimension, vectors)
        try:
            if anew:
                raise IndexDamaged("The index is made anew.")
            with translated():
                table = database.open_table(CHUNKS)
                if table.schema.metadata != schema.metadata or table.schema.names != schema.names:
                    raise IndexOutdated("The index was made by another version of Zi Coder.")
                table.search().select(["id", "path"]).limit(1).to_arrow()
                indexes = {index.columns[0]: index.name for index in table.list_indices()}
                if not indexes.keys() >= {"words", "names", "path"}:
                    raise IndexOutdated("The index was never finished.")
                statistics = table.index_stats(indexes["words"]) if write else None
                unindexed = statistics.num_unindexed_rows if statistics else 0
        except IndexDamaged as damage:
            if not write or (REMOTE in location and not anew and not _absent_or_old(damage)):
                raise  # what cannot be reached just now is not gone, and others may share it
            log.info("making the index anew at %s: %s", location, damage)
            table, unindexed = _make(database, location, schema), 0
        store = cls(database, table, dimension, location=location)
        store._untended = int(unindexed)
        if write:
            store._rows = Rows(store._fetch, store.count, dimension)
        with translated():
            store._rough = store._has_index("vector")
        return store

    @property
    def database(self) -> Any:
        """LanceDB's handle, for the tables beside this one."""
        return self._database

    # --- state

    def files(self) -> dict[str, str]:
        """Hash of the content of every indexed file, by path."""
        with translated():
            table = self._table.search().select(["path", "file_hash"]).limit(None).to_arrow()
            return dict(zip(table["path"].to_pylist(), table["file_hash"].to_pylist(), strict=True))

    def sound(self) -> bool:
        """Whether a plain look-up works, after another one failed."""
        try:
            self.refresh()
            self.lexical(["sound"], 1)
            self.named(["sound"], 1)
            self.nearest(np.ones(self.dimension, np.float32), 1)
            self.texts(self._some_rows())
        except IndexDamaged:
            return False
        return True

    def _some_rows(self) -> list[int]:
        with translated():
            found = self._table.search().select(["id"]).with_row_id(True).limit(5).to_arrow()
            return found["_rowid"].to_pylist()

    def hash_of(self, path: str) -> str | None:
        """Hash of the content that is indexed of one file."""
        with translated():
            rows = self._table.search().where(f"path = {quoted([path])}").select(["file_hash"]).limit(1).to_arrow()
            return rows["file_hash"][0].as_py() if rows.num_rows else None

    def count(self) -> int:
        """Number of chunks."""
        with translated():
            return int(self._table.count_rows())

    def version(self) -> int:
        """Number of the commit that look-ups see; it only grows."""
        with translated():
            return int(self._table.version)

    def column(self, *names: str) -> list[tuple[Any, ...]]:
        """Row ids and whole columns, row by row."""
        with translated():
            table = self._table.search().select(list(names)).with_row_id(True).limit(None).to_arrow()
            return list(zip(*(table[name].to_pylist() for name in ("_rowid", *names)), strict=True))

    def sample(self, name: str, rows: int) -> list[str]:
        """One text column of about this many rows, spread over the table."""
        with translated():
            total = int(self._table.count_rows())
            offsets = range(0, total, max(1, total // rows))
            return self._table.take_offsets(list(offsets)).select([name]).to_arrow()[name].to_pylist() if total else []

    # --- writing

    def replace(self, files: Sequence[FileRows], *, known: Iterable[str] = ()) -> None:
        """Put these files' rows in the place of whatever was there for them.

        `known`: those of the paths that may have rows now; pass none for new files, which saves a commit.
        """
        self.remove(known)
        rows = self._record_batch(files)
        if rows.num_rows:
            with translated():
                self._table.add(rows)
            self._untended += rows.num_rows

    def remove(self, paths: Iterable[str]) -> None:
        """Take these files out."""
        wanted = sorted(set(paths))
        for at in range(0, len(wanted), DELETE_AT_ONCE):
            with translated():
                self._table.delete(f"path IN ({quoted(wanted[at : at + DELETE_AT_ONCE])})")

    @property
    def untended(self) -> bool:
        """Whether look-ups are slowed down by rows that were left out of the indexes, as by a kill."""
        return self._untended >= UNINDEXED_ROWS

    def tend(self, *, thoroughly: bool = False) -> None:
        """Work new rows into the indexes when there are enough, and remove old versions when it is time."""
        due = time.monotonic() - self._tended > TEND_S
        if not thoroughly and not due and not self.untended:
            return
        with translated():
            if thoroughly:
                written = time.monotonic()
                self._table.optimize()
                if self._table.count_rows() >= VECTOR_INDEX_ROWS and not self._has_index("vector"):
                    self.index_vectors()
                if self._untended >= LEFT_OVER_ROWS:
                    # What was compacted is still there: as much again as the index.
                    time.sleep(max(0.0, KEEP_AFTER_BUILD.total_seconds() - (time.monotonic() - written)))
            self._table.optimize(cleanup_older_than=KEEP_AFTER_BUILD if thoroughly else KEEP_VERSIONS)
        self._tended = time.monotonic()
        self._untended = 0

    def index_vectors(self) -> None:
        """Make the vector index (anew), however few vectors there are."""
        with translated():
            self._table.create_index("vector", config=vector_index(int(self._table.count_rows())))
        self._rough = True

    # --- look-ups

    def lexical(self, words: Sequence[str], limit: int, *, where: str | None = None) -> list[Found]:
        """Chunks by BM25 over their words, path and symbol."""
        if not words:
            return []
        return self._match(" ".join(words), "words", limit, where)

    def named(self, tokens: Sequence[str], limit: int, *, where: str | None = None) -> list[Found]:
        """Chunks that have any of these tokens among their names: `name` is used there, `=name` is defined there."""
        if not tokens:
            return []
        return self._match(" ".join(tokens), "names", limit, where)

    def nearest(
        self, vector: NDArray[np.float32], limit: int, *, where: str | None = None, exact: bool = False
    ) -> list[Found]:
        """Chunks by the inner product of their vectors with this one, of shape (dimension,).

        `exact` compares with every vector, even where there is a vector index.
        """
        rough = self._rough and not exact
        with translated():
            query = self._table.search(vector, vector_column_name="vector").distance_type("dot")
            query = query.nprobes(PROBES) if rough else query.bypass_vector_index()
            if rough and self._rows is None:
                query = query.refine_factor(REFINE)
            elif rough:
                query = query.limit(limit * REFINE)
            query = query.select([*self._shown, "_distance"]).with_row_id(True)
            query = query if rough and self._rows else query.limit(limit)
            if where:
                query = query.where(_sendable(where), prefilter=True)
            answer = query.to_arrow()
            if rough and self._rows:
                return self._refined(answer["_rowid"].to_pylist(), vector, limit)
            return self._found(answer, "_distance")

    def within(self, where: str, limit: int) -> list[Found]:
        """Chunks by a predicate."""
        with translated():
            query = self._table.search().where(_sendable(where)).select(_FOUND_COLUMNS).with_row_id(True).limit(limit)
            return _found(query.to_arrow().to_pylist(), "")

    def texts(self, rows: Sequence[int]) -> list[str]:
        """The texts of rows just found, in the order asked for; "" for one that has gone meanwhile."""
        if not rows:
            return []
        with translated():
            table = self._table.take_row_ids(list(rows)).select(["text"]).with_row_id().to_arrow()
            texts = dict(zip(table["_rowid"].to_pylist(), table["text"].to_pylist(), strict=True))
            return [texts.get(row, "") for row in rows]

    def embeddable(self, rows: Sequence[int]) -> dict[str, tuple[str, str]]:
        """Qualified name and text, by text hash, of those of the rows that are still there."""
        with translated():
            columns = ["text_hash", "qualified", "text"]
            table = self._table.take_row_ids(list(rows)).select(columns).to_arrow()
            return {row["text_hash"]: (row["qualified"], row["text"]) for row in table.to_pylist()}

    def vectors(self, rows: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """The vectors of rows just found."""
        if not rows:
            return {}
        with translated():
            if self._rows is not None:
                return self._rows.vectors(rows)
            table = self._table.take_row_ids(list(rows)).select(["vector"]).with_row_id().to_arrow()
            return dict(zip(table["_rowid"].to_pylist(), _matrix(table["vector"], self.dimension), strict=True))

    def refresh(self) -> None:
        """See what other processes wrote, now rather than within a second."""
        with translated():
            self._table.checkout_latest()

    # --- details

    def _match(self, text: str, column: str, limit: int, where: str | None) -> list[Found]:
        query = MatchQuery(_sendable(text), column)  # pyright: ignore[reportCallIssue] - its defaults are hidden from pyright
        with translated():
            search = self._table.search(query, query_type="fts").select([*self._shown, "_score"])
            search = search.with_row_id(True).limit(limit)
            if where:
                search = search.where(_sendable(where), prefilter=True)
            return self._found(search.to_arrow(), "_score")

    @property
    def _shown(self) -> list[str]:
        """The columns that a look-up has to fetch; with none, Lance's full-text search finds deleted rows, too."""
        return _FOUND_COLUMNS if self._rows is None else ["id"]

    def _fetch(self, rows: Sequence[int] | None) -> Any:
        columns = [*_FOUND_COLUMNS, "vector"]
        with translated():
            if rows is None:
                return self._table.search().select(columns).with_row_id(True).limit(None).to_arrow()
            return self._table.take_row_ids(list(rows)).select(columns).with_row_id().to_arrow()

    def _found(self, answer: Any, score: str) -> list[Found]:
        rows: list[dict[str, Any]] = answer.to_pylist()
        if self._rows is not None:
            records = self._rows.records([row["_rowid"] for row in rows])
            rows = [row | records[row["_rowid"]] for row in rows if row["_rowid"] in records]
        return _found(rows, score)

    def _refined(self, rows: Sequence[int], vector: NDArray[np.float32], limit: int) -> list[Found]:
        """The nearest of the rows that a vector index named, by their true inner products."""
        assert self._rows is not None
        near = [(float(own @ vector), row) for row, own in self._rows.vectors(rows).items()]
        near.sort(key=lambda one: (-one[0], one[1]))
        records = self._rows.records([row for _, row in near[:limit]])
        return _found(
            [{**records[row], "_rowid": row, "_score": score} for score, row in near[:limit] if row in records],
            "_score",
        )

    def _has_index(self, column: str) -> bool:
        return any(column in index.columns for index in self._table.list_indices())

    def _record_batch(self, files: Sequence[FileRows]) -> Any:
        rows = [(file, row) for file in files for row in file.rows]
        flat = np.frombuffer(b"".join(file.vectors for file in files), dtype=np.float16)
        columns: dict[str, Any] = {
            "path": [file.path for file, _ in rows],
            "file_hash": [file.file_hash for file, _ in rows],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(flat), self.dimension),
        }
        schema = self._table.schema
        for name in schema.names:
            if name not in columns:
                columns[name] = [getattr(row, name) for _, row in rows]
        return pa.table([pa.array(columns[name], field.type) for name, field in zip(schema.names, schema, strict=True)],
                        schema=schema)  # fmt: skip


@contextlib.contextmanager
def translated() -> Generator[None]:
    """The libraries raise nearly anything; what they say is logged, and a person reads a sentence."""
    try:
        yield
    except (IndexDamaged, IndexFull):
        raise
    except (TypeError, AttributeError, NameError):
        raise  # ours
    except Exception as error:
        if _NO_ROOM.search(str(error)) or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
            raise IndexFull(
                "The disk is full: the code index cannot grow.", hint="Free some space; it goes on by itself."
            ) from error
        log.debug("the store failed", exc_info=True)
        raise IndexDamaged(f"The code index cannot be read or written ({_first_line(error)}).") from error


def _absent_or_old(damage: IndexDamaged) -> bool:
    """Whether there is surely nothing of use at the location."""
    return isinstance(damage, IndexOutdated) or "was not found" in str(damage)


def _first_line(error: Exception) -> str:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return _WHERE_IN_LANCE.sub("", first)[:200]


def _schema(dimension: int, vectors: str) -> Any:
    def packed(name: str) -> Any:
        return pa.field(name, pa.string(), nullable=False, metadata=_PACKED)

    def plain(name: str) -> Any:
        return pa.field(name, pa.string(), nullable=False)

    return pa.schema(
        [
            *map(plain, ("id", "path", "file_hash", "text_hash", "language", "kind", "symbol", "qualified")),
            packed("signature"),
            pa.field("start", pa.int32(), nullable=False),
            pa.field("end", pa.int32(), nullable=False),
            *map(packed, ("text", "words", "names", "defines")),
            pa.field("vector", pa.list_(pa.float16(), dimension), nullable=False),
        ],
        metadata={"zicoder.schema": SCHEMA, "zicoder.vectors": vectors},
    )


def _make(database: Any, location: str, schema: Any) -> Any:
    """An empty table with its indexes, in the place of whatever table is there."""
    with translated():
        if REMOTE not in location:
            shutil.rmtree(Path(location) / f"{CHUNKS}.lance", ignore_errors=True)  # what is beside it stays
        elif CHUNKS in database.list_tables().tables:
            database.drop_table(CHUNKS)
        # Stable row ids: what a look-up found can be fetched a moment later, also when a compaction came between.
        table = database.create_table(
            CHUNKS, schema=schema, storage_options={"new_table_enable_stable_row_ids": "true"}
        )
        table.set_unenforced_primary_key("id")
        exact = FTS(
            base_tokenizer="whitespace", lower_case=False, stem=False, remove_stop_words=False, ascii_folding=False,
            with_position=False, max_token_length=None,
        )  # fmt: skip
        table.create_index("words", config=exact)
        table.create_index("names", config=exact)
        table.create_index("path", config=BTree())
        return table


def _found(rows: Iterable[dict[str, Any]], score: str) -> list[Found]:
    """Rows of an answer; `score` names the column that says how good they are: a distance is turned round."""
    found: list[Found] = []
    for row in rows:
        value = float(row[score]) if score else 0.0
        found.append(
            Found(
                row["_rowid"], row["id"], row["path"], row["language"], row["kind"], row["symbol"], row["qualified"],
                row["signature"], row["start"], row["end"], row["text_hash"],
                1.0 - value if score == "_distance" else value,
            )
        )  # fmt: skip
    return found


def _matrix(column: Any, dimension: int) -> NDArray[np.float32]:
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float32).reshape(-1, dimension)


def vector_index(rows: int) -> IvfRq:
    """How the vectors of so many rows are indexed."""
    partitions = max(1, rows // PARTITION_ROWS)
    return IvfRq(distance_type="dot", num_partitions=partitions, max_iterations=10, sample_rate=32)


def quoted(values: Iterable[str]) -> str:
    """Texts as a list of SQL's, for a predicate."""
    return _sendable(", ".join("'" + value.replace("'", "''") + "'" for value in values))


def _sendable(text: str) -> str:
    """Half a character, as editors can send it, is in no row; the libraries would fail as if the index were damaged."""
    return text.encode(errors="replace").decode()
