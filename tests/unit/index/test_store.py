"""The store: what another version, a crash or a bad disk left behind is noticed, and never more than a sentence."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import lancedb
import numpy as np
import pytest
from indexed import EMBEDDER, open_store, paths, rows

from zicoder.errors import IndexDamaged
from zicoder.index.frames import FileRows
from zicoder.index.reader import rows_of
from zicoder.index.store import Store


def file(path: str, name: str = "something", functions: int = 3) -> FileRows:
    text = "".join(f"def {name}_{n}(alpha):\n    return beta({n}, alpha)\n\n\n" for n in range(functions))
    return rows_of(path, text.encode(), EMBEDDER)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of a few files, to be copied."""
    folder = tmp_path_factory.mktemp("made") / "index"
    store = open_store(folder)
    store.replace([file(f"pkg/m{n}.py", f"fn{n}", functions=40) for n in range(3)])
    store.tend(thoroughly=True)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "index"))


def ask_everything(store: Store) -> None:
    store.files()
    store.hash_of("pkg/m1.py")
    vector = EMBEDDER.embed_query("beta of alpha")
    for found in (
        store.lexical(["beta", "fn1"], 10),
        store.named(["=fn1_3", "beta"], 10),
        store.nearest(vector, 10),
        store.within("path = 'pkg/m1.py'", 10),
    ):
        store.texts([row.row for row in found])
        store.vectors([row.row for row in found])
    store.column("symbol", "defines", "start")
    store.sample("words", 10)


# --- reading and writing


def test_what_one_handle_writes_another_sees(tmp_path: Path) -> None:
    writer = open_store(tmp_path)
    writer.replace([file("a.py")])
    reader = open_store(tmp_path, write=False)
    assert paths(reader) == ["a.py"]
    writer.replace([file("b.py")])
    writer.replace([file("a.py", "changed")], known=["a.py"])
    reader.refresh()
    assert rows(reader) == rows(writer)
    assert paths(reader) == ["a.py", "b.py"]
    assert {row.symbol for row in reader.named(["=changed_1"], 5)} <= {"changed_1", ""}


def test_a_file_is_replaced_and_removed_whole(folder: Path) -> None:
    store = open_store(folder)
    store.replace([file("pkg/m1.py", functions=1)], known=["pkg/m1.py"])
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
    store.replace([file(path)])
    assert store.hash_of(path) == file(path).file_hash
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
    assert store.lexical(["alpha"], 5) == []


def test_rows_that_a_kill_left_out_of_the_indexes_are_noticed(folder: Path) -> None:
    store = open_store(folder)
    assert not store.untended
    store.replace([file(f"new{n}.py", f"many{n}") for n in range(500)])
    again = open_store(folder)
    assert again.untended
    assert again.lexical(["many"], 3) != []
    again.tend(thoroughly=True)
    assert not open_store(folder).untended


@pytest.mark.parametrize(
    "token", ["", "*", "+a", "-a", "x:y", '"', "a AND b", "(", "\\", "NUL\0", "~1", "^2", "😀", "a" * 100_000, "\ud83d"]
)
def test_a_name_is_never_read_as_an_operator(folder: Path, token: str) -> None:
    store = open_store(folder)
    assert store.named([f"={token}"], 5) == []


# --- what others left behind


def _of_another_schema(folder: Path) -> None:
    database = lancedb.connect(str(folder))
    table = database.open_table("chunks")
    data = table.to_arrow().replace_schema_metadata({"zicoder.schema": "0", "zicoder.vectors": EMBEDDER.name})
    database.drop_table("chunks")
    database.create_table("chunks", data=data)


def _of_another_embedder(folder: Path) -> None:
    shutil.rmtree(folder / "chunks.lance")
    Store.open(str(folder), dimension=EMBEDDER.dimension, vectors="another", write=True).replace([file("a.py")])


def _without_indexes(folder: Path) -> None:
    for index in ("words_idx", "names_idx", "path_idx"):
        lancedb.connect(str(folder)).open_table("chunks").drop_index(index)


def _without_versions(folder: Path) -> None:
    shutil.rmtree(folder / "chunks.lance" / "_versions")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder / "chunks.lance")
    (folder / "chunks.lance").mkdir()


def _of_garbage(folder: Path) -> None:
    for manifest in (folder / "chunks.lance" / "_versions").iterdir():
        manifest.write_bytes(random.Random(1).randbytes(2000))


@pytest.mark.parametrize(
    "damage",
    [_of_another_schema, _of_another_embedder, _without_indexes, _without_versions, _empty, _of_garbage],
    ids=lambda damage: damage.__name__,
)
def test_an_index_that_cannot_be_used_is_made_anew_by_a_writer_only(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder)
    with pytest.raises(IndexDamaged, match=r"The (code )?index"):
        open_store(folder, write=False)
    store = open_store(folder)
    assert store.count() == 0
    store.replace([file("a.py")])
    ask_everything(store)
    assert paths(open_store(folder, write=False)) == ["a.py"]


def test_what_lies_beside_the_chunks_survives_their_rebuild(folder: Path) -> None:
    """The vectors of a better model take minutes to make, and are keyed by content."""
    lancedb.connect(str(folder)).create_table("vectors_x", data=[{"id": "1"}])
    _without_versions(folder)
    open_store(folder)
    assert lancedb.connect(str(folder)).open_table("vectors_x").count_rows() == 1


def _parts(made: Path) -> dict[str, Path]:
    """One file of each kind that the store consists of."""
    kinds = {}
    for place in sorted(made.rglob("*")):
        if place.is_file() and place.parent.name != "_transactions":
            kinds.setdefault(place.name if "_indices" in place.parts else place.suffix, place.relative_to(made))
    return kinds


def failure_of(folder: Path) -> IndexDamaged | None:
    """What a reader of this index meets with."""
    try:
        ask_everything(open_store(folder, write=False))
    except IndexDamaged as damage:
        return damage
    return None


@pytest.mark.parametrize("how", ["cut", "garbage", "gone"])
def test_damage_in_any_file_is_a_sentence_or_harmless(made: Path, tmp_path: Path, how: str) -> None:
    noticed = 0
    for number, part in enumerate(_parts(made).values()):
        folder = Path(shutil.copytree(made, tmp_path / str(number)))
        content = (folder / part).read_bytes()
        if how == "gone":
            (folder / part).unlink()
        elif how == "cut":
            (folder / part).write_bytes(content[: len(content) // 2])
        else:
            (folder / part).write_bytes(random.Random(number).randbytes(len(content)))
        damage = failure_of(folder)
        if damage is not None:
            noticed += 1
            assert str(damage).startswith("The code index cannot be read or written (")
            assert "cargo" not in str(damage)
        store = open_store(folder, anew=True)
        store.replace([file("a.py")])
        ask_everything(store)
    assert noticed >= 3
