# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# (pyarrow is typed only in part)
"""The table of chunks: its columns, how rows become one, and how an empty one is made."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zicoder.index.frames import FileRows
from zicoder.index.lance import Database, Table
from zicoder.index.store_failures import translated

__all__ = ["CHUNKS", "make", "name_of", "same", "schema_of", "table_of"]

SCHEMA = "2"
"""Raise it with every change of columns or of what is written into them: older indexes are then rebuilt."""

CHUNKS = "chunks"
_PACKED = {"lance-encoding:compression": "zstd", "lance-encoding:structural-encoding": "miniblock"}
"""Several values are compressed together: half the size of Lance's own choice for texts this long."""
_NAME = "zicoder.table"
"""In the schema: a name for this very table, so that another process notices when it was made anew."""


def schema_of(dimension: int, vectors: str) -> Any:
    """The Arrow schema of an index whose vectors of `dimension` numbers the embedder called `vectors` made."""

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
            pa.field("vector", pa.list_(pa.int8(), dimension), nullable=False),
        ],
        metadata={"zicoder.schema": SCHEMA, "zicoder.vectors": vectors},
    )


def name_of(schema: Any) -> str:
    """A table's own name, "" if it has none."""
    return (schema.metadata or {}).get(_NAME.encode(), b"").decode(errors="replace")


def same(found: Any, wanted: Any) -> bool:
    """Whether a table's schema is the one that we would make, but for the table's own name."""
    metadata = {key: value for key, value in (found.metadata or {}).items() if key != _NAME.encode()}
    return metadata == wanted.metadata and found.names == wanted.names


def table_of(files: Sequence[FileRows], schema: Any) -> Any:
    """The rows of these files as an Arrow table of the schema."""
    rows = [(file, row) for file in files for row in file.rows]
    flat = np.frombuffer(b"".join(file.vectors for file in files), dtype=np.int8)
    columns: dict[str, Any] = {
        "path": [file.path for file, _ in rows],
        "file_hash": [file.file_hash for file, _ in rows],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(flat), schema.field("vector").type.list_size),
    }
    for name in schema.names:
        if name not in columns:
            columns[name] = [getattr(row, name) for _, row in rows]
    return pa.table([pa.array(columns[name], field.type) for name, field in zip(schema.names, schema, strict=True)],
                    schema=schema)  # fmt: skip


def make(database: Database, location: str, schema: Any) -> Table:
    """An empty table with its indexes, in the place of whatever table is there."""
    if not database.shared:
        with translated():
            shutil.rmtree(Path(location) / f"{CHUNKS}.lance", ignore_errors=True)  # what is beside it stays
    elif CHUNKS in database.names():
        database.drop(CHUNKS)
    # Stable row ids: what a look-up found can be fetched a moment later, also when a compaction came between.
    named = schema.with_metadata({**schema.metadata, _NAME: secrets.token_hex(8)})
    table = database.make(CHUNKS, named, stable_row_ids=True)
    table.index_words("words")
    table.index_words("names")
    table.index_values("path")
    return table
