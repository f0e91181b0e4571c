# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# (pyarrow is typed only in part)
"""The vectors of a better embedder, beside the chunks and by the hash of what was embedded.

Being keyed by content they survive renames, branch switches and rebuilds of the chunks; a chunk that has none yet is
found by its static vector. One table for each embedder; those of others are dropped when a new one begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zicoder.index.lance import Database, Table
from zicoder.index.store import DELETE_AT_ONCE, KEEP_VERSIONS
from zicoder.index.store_failures import quoted

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

    def __init__(self, table: Table, dimension: int) -> None:
        self.dimension = dimension
        self._table = table
        self._untended = 0

    @classmethod
    def open(
        cls, database: Database, name: str, dimension: int, *, write: bool, anew: bool = False
    ) -> VectorTable | None:
        """The table of an embedder; a writer makes it (anew), a reader may find none.

        A writer drops those of others, but not where several machines share the store.
        """
        own = PREFIX + blake2b(name.encode(), digest_size=6).hexdigest()
        names = [each for each in database.names() if each.startswith(PREFIX)]
        if write:
            for other in names:
                if anew if other == own else not database.shared:  # another machine may have chosen another embedder
                    database.drop(other)
        if own in names and not anew:
            table = database.open(own)
            if table.schema().field("vector").type.list_size == dimension:
                return cls(table, dimension)
            if write:
                database.drop(own)
        if not write:
            return None
        schema = pa.schema(
            [
                pa.field("id", pa.string(), nullable=False),
                pa.field("vector", pa.list_(pa.float16(), dimension), nullable=False),
            ]
        )
        table = database.make(own, schema)
        table.index_values("id")
        return cls(table, dimension)

    def known(self) -> set[str]:
        """The hashes that have a vector."""
        return set(self._table.rows(["id"])["id"].to_pylist())

    def count(self) -> int:
        """Number of vectors."""
        return self._table.count()

    def add(self, hashes: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep these vectors, of shape (hashes, dimension) and unit length; none of the hashes has one yet."""
        flat = pa.array(np.ascontiguousarray(vectors, np.float16).reshape(-1))
        rows = pa.table(
            [pa.array(hashes, pa.string()), pa.FixedSizeListArray.from_arrays(flat, self.dimension)],
            schema=self._table.schema(),
        )
        self._table.add(rows)
        self._untended += len(hashes)
        if self._untended >= TEND_ROWS:
            self.tend()

    def tend(self) -> None:
        """Compact, make or update the vector index, remove old versions."""
        rows = self._table.count()
        if rows >= VECTOR_INDEX_ROWS and "vector" not in self._table.indexes():
            self._table.index_vectors(partitions=max(1, rows // PARTITION_ROWS))
        self._table.optimize(KEEP_VERSIONS)
        self._untended = 0

    def keep_only(self, hashes: Iterable[str]) -> None:
        """Remove the vectors of chunks that are long gone."""
        gone = sorted(self.known() - set(hashes))
        for at in range(0, len(gone), DELETE_AT_ONCE):
            self._table.delete(f"id IN ({quoted(gone[at : at + DELETE_AT_ONCE])})")

    def nearest(self, vector: NDArray[np.float32], limit: int) -> dict[str, float]:
        """The nearest hashes and their inner products with `vector`, of shape (dimension,)."""
        ids, products = self._table.nearest(vector, limit, probes=PROBES, refine=REFINE)
        return dict(zip(ids, products.tolist(), strict=True))

    def similarities(self, vector: NDArray[np.float32], hashes: Sequence[str]) -> dict[str, float]:
        """The inner products of those of the hashes that have a vector."""
        if not hashes:
            return {}
        found = self._table.rows(["id", "vector"], where=f"id IN ({quoted(hashes)})", limit=len(hashes))
        if not found.num_rows:
            return {}
        flat = found["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        scores = np.asarray(flat, np.float32).reshape(-1, self.dimension) @ vector
        return dict(zip(found["id"].to_pylist(), scores.tolist(), strict=True))
