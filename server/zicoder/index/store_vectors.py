# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# (lancedb and pyarrow are typed only in part)
"""The vectors of a better embedder, beside the chunks and by the hash of what was embedded.

Being keyed by content they survive renames, branch switches and rebuilds of the chunks; a chunk that has none yet is
found by its static vector. One table for each embedder; those of others are dropped when a new one begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
from lancedb.index import BTree, IvfRq
from numpy.typing import NDArray

from zicoder.index.store import DELETE_AT_ONCE, KEEP_VERSIONS
from zicoder.index.store_failures import quoted, translated

__all__ = ["VectorTable"]

PREFIX = "vectors_"
VECTOR_INDEX_ROWS = 10_000
"""Below this, comparing with every vector is as quick as a vector index, and exact."""
PARTITION_ROWS = 10_000
PROBES = 64
"""Few partitions, and nearly always all of them searched: vectors of code form no clusters. With a sixth of many small
ones a fifth of the ten nearest was missed, in the same time; the compressed vectors are quick to go through."""
REFINE = 4
"""How many times the wanted number of vectors is compared exactly."""
TEND_ROWS = 5000
"""New rows after which the table is compacted and its vector index brought up to date."""


class VectorTable:
    """Vectors of `dimension` numbers made by the embedder called `name`. Blocking; one writer, any readers."""

    def __init__(self, table: Any, dimension: int) -> None:
        self.dimension = dimension
        self._table = table
        self._untended = 0

    @classmethod
    def open(cls, database: Any, name: str, dimension: int, *, write: bool, anew: bool = False) -> VectorTable | None:
        """The table of an embedder; a writer makes it (anew) and drops those of others, a reader may find none."""
        own = PREFIX + blake2b(name.encode(), digest_size=6).hexdigest()
        with translated():
            names = [each for each in database.list_tables().tables if each.startswith(PREFIX)]
            if write:
                for other in names:
                    if other != own or anew:
                        database.drop_table(other)
            if own in names and not anew:
                table = database.open_table(own)
                if table.schema.field("vector").type.list_size == dimension:
                    return cls(table, dimension)
                if write:
                    database.drop_table(own)
            if not write:
                return None
            schema = pa.schema(
                [
                    pa.field("id", pa.string(), nullable=False),
                    pa.field("vector", pa.list_(pa.float16(), dimension), nullable=False),
                ]
            )
            table = database.create_table(own, schema=schema)
            table.set_unenforced_primary_key("id")
            table.create_index("id", config=BTree())
            return cls(table, dimension)

    def known(self) -> set[str]:
        """The hashes that have a vector."""
        with translated():
            return set(self._table.search().select(["id"]).limit(None).to_arrow()["id"].to_pylist())

    def count(self) -> int:
        """Number of vectors."""
        with translated():
            return int(self._table.count_rows())

    def add(self, hashes: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep these vectors, of shape (hashes, dimension) and unit length; none of the hashes has one yet."""
        flat = pa.array(np.ascontiguousarray(vectors, np.float16).reshape(-1))
        rows = pa.table(
            [pa.array(hashes, pa.string()), pa.FixedSizeListArray.from_arrays(flat, self.dimension)],
            schema=self._table.schema,
        )
        with translated():
            self._table.add(rows)
        self._untended += len(hashes)
        if self._untended >= TEND_ROWS:
            self.tend()

    def tend(self) -> None:
        """Compact, make or update the vector index, remove old versions."""
        with translated():
            indexed = any("vector" in index.columns for index in self._table.list_indices())
            rows = int(self._table.count_rows())
            if rows >= VECTOR_INDEX_ROWS and not indexed:
                self._table.create_index("vector", config=_vector_index(rows))
            self._table.optimize(cleanup_older_than=KEEP_VERSIONS)
        self._untended = 0

    def keep_only(self, hashes: Iterable[str]) -> None:
        """Remove the vectors of chunks that are long gone."""
        gone = sorted(self.known() - set(hashes))
        for at in range(0, len(gone), DELETE_AT_ONCE):
            with translated():
                self._table.delete(f"id IN ({quoted(gone[at : at + DELETE_AT_ONCE])})")

    def nearest(self, vector: NDArray[np.float32], limit: int) -> dict[str, float]:
        """The nearest hashes and their inner products with `vector`, of shape (dimension,)."""
        with translated():
            query = self._table.search(vector, vector_column_name="vector").distance_type("dot")
            found = query.nprobes(PROBES).refine_factor(REFINE).select(["id", "_distance"]).limit(limit).to_arrow()
            return {
                one: 1.0 - distance
                for one, distance in zip(found["id"].to_pylist(), found["_distance"].to_pylist(), strict=True)
            }

    def similarities(self, vector: NDArray[np.float32], hashes: Sequence[str]) -> dict[str, float]:
        """The inner products of those of the hashes that have a vector."""
        if not hashes:
            return {}
        with translated():
            where = f"id IN ({quoted(hashes)})"
            found = self._table.search().where(where).select(["id", "vector"]).limit(len(hashes)).to_arrow()
            if not found.num_rows:
                return {}
            flat = found["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            scores = np.asarray(flat, np.float32).reshape(-1, self.dimension) @ vector
            return dict(zip(found["id"].to_pylist(), scores.tolist(), strict=True))


def _vector_index(rows: int) -> IvfRq:
    """How the vectors of so many rows are indexed."""
    partitions = max(1, rows // PARTITION_ROWS)
    return IvfRq(distance_type="dot", num_partitions=partitions, max_iterations=10, sample_rate=32)
