"""A small project and its index, made of real parts: files, reader processes, LanceDB."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from zicoder.index.indexer import Indexer
from zicoder.index.readers import Readers
from zicoder.index.static_embedder import StaticEmbedder
from zicoder.index.store import Store
from zicoder.index.walk import FileFilter

COLUMNS = ("id", "path", "file_hash", "start", "end", "text", "words", "names", "defines", "vector")
MAX_BYTES = 4096
"""A small limit, so that a small file can be too large."""

EMBEDDER = StaticEmbedder.load()


def write(root: Path, **files: str | bytes) -> None:
    """Write files of one folder; `__` in a name stands for its dot."""
    for name, content in files.items():
        put(root, name.replace("__", "."), content)


def put(root: Path, path: str, content: str | bytes) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.encode() if isinstance(content, str) else content)


def function(name: str, body: str = "return alpha + beta") -> str:
    return f"def {name}(alpha, beta):\n    {body}\n"


def open_store(folder: Path, *, write: bool = True, anew: bool = False) -> Store:
    return Store.open(str(folder), dimension=EMBEDDER.dimension, vectors=EMBEDDER.name, write=write, anew=anew)


def rows(store: Store) -> list[tuple[Any, ...]]:
    """Everything that look-ups go by, in an order of its own."""
    return sorted((tuple(map(_frozen, row[1:])) for row in store.column(*COLUMNS)), key=lambda row: (row[1], row[3]))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def paths(store: Store) -> list[str]:
    return sorted(store.files())


@contextlib.asynccontextmanager
async def indexing(store: Store, readers: Readers, root: Path) -> AsyncIterator[Indexer]:
    indexer = Indexer(root, store, readers, FileFilter(root, max_bytes=MAX_BYTES))
    try:
        yield indexer
    finally:
        await indexer.close()


async def from_scratch(readers: Readers, root: Path, folder: Path) -> list[tuple[Any, ...]]:
    """The rows of an index that is built in one go."""
    shutil.rmtree(folder, ignore_errors=True)
    store = open_store(folder)
    async with indexing(store, readers, root) as indexer:
        await indexer.update()
    return rows(store)


def duplicates(found: Iterable[tuple[Any, ...]]) -> list[str]:
    """Ids that occur twice, and paths that have rows of two contents."""
    every = list(found)
    ids = [row[0] for row in every]
    contents = {(row[1], row[2]) for row in every}
    by_path = [path for path, _ in contents]
    return [i for i in set(ids) if ids.count(i) > 1] + [p for p in set(by_path) if by_path.count(p) > 1]
