"""The store: what one handle writes another sees, and no path or name is read as a predicate or an operator."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from indexed import EMBEDDER, ask_everything, functions_of, make_store, open_store, paths, rows

from zicoder.index.frames import FileRows


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("made") / "index")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "index"))


def test_what_one_handle_writes_another_sees(tmp_path: Path) -> None:
    writer = open_store(tmp_path)
    writer.replace([functions_of("a.py")])
    reader = open_store(tmp_path, write=False)
    assert paths(reader) == ["a.py"]
    writer.replace([functions_of("b.py")])
    writer.replace([functions_of("a.py", "changed")], known=["a.py"])
    reader.refresh()
    assert rows(reader) == rows(writer)
    assert paths(reader) == ["a.py", "b.py"]
    assert {row.symbol for row in reader.named(["=changed_1"], 5)()} <= {"changed_1", ""}


def test_a_file_is_replaced_and_removed_whole(folder: Path) -> None:
    store = open_store(folder)
    store.replace([functions_of("pkg/m1.py", functions=1)], known=["pkg/m1.py"])
    assert len([path for _, path in store.column("path") if path == "pkg/m1.py"]) == 1
    store.replace([FileRows("pkg/m1.py", "0", [], b"")], known=["pkg/m1.py"])
    assert store.hash_of("pkg/m1.py") is None
    store.remove(["pkg/m0.py", "pkg/m2.py", "never/was.py"])
    assert (paths(store), store.count()) == ([], 0)


@pytest.mark.parametrize(
    "path", ["it's.py", "x' OR '1'='1", "back\\slash'\\.py", "100%_.py", "😀\n.py", '"a".py', "--"]
)
def test_a_path_is_never_read_as_sql(folder: Path, path: str) -> None:
    store = open_store(folder)
    before = paths(store)
    store.replace([functions_of(path)])
    assert store.hash_of(path) == functions_of(path).file_hash
    store.remove([path])
    assert paths(store) == before


def test_thousands_of_paths_are_removed_at_once(folder: Path) -> None:
    store = open_store(folder)
    store.remove([f"some/long/folder/file_{n}.py" for n in range(6000)] + ["pkg/m0.py"])
    assert paths(store) == ["pkg/m1.py", "pkg/m2.py"]


def test_an_empty_index_answers_everything(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    ask_everything(store)
    assert store.nearest(np.ones(EMBEDDER.dimension, np.float32), 5) == []
    assert store.lexical(["alpha"], 5)() == []


def test_rows_that_a_kill_left_out_of_the_indexes_are_noticed(folder: Path) -> None:
    store = open_store(folder)
    assert not store.untended
    store.replace([functions_of(f"new{n}.py", f"many{n}") for n in range(500)])
    again = open_store(folder)
    assert again.untended
    assert again.lexical(["many"], 3)() != []
    again.tend(thoroughly=True)
    assert not open_store(folder).untended


@pytest.mark.parametrize(
    "token", ["", "*", "+a", "-a", "x:y", '"', "a AND b", "(", "\\", "NUL\0", "~1", "^2", "😀", "a" * 100_000, "\ud83d"]
)
def test_a_name_is_never_read_as_an_operator(folder: Path, token: str) -> None:
    store = open_store(folder)
    assert store.named([f"={token}"], 5)() == []
