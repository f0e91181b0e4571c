"""The store: what another version, a crash or a bad disk left behind is noticed, and never more than a sentence."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import lancedb
import pytest
from indexed import EMBEDDER, ask_everything, functions_of, make_store, open_store, paths

from zicoder.errors import IndexDamaged
from zicoder.index.store import Store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("made") / "index")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "index"))


def _of_another_schema(folder: Path) -> None:
    database = lancedb.connect(str(folder))
    table = database.open_table("chunks")
    data = table.to_arrow().replace_schema_metadata({"zicoder.schema": "0", "zicoder.vectors": EMBEDDER.name})
    database.drop_table("chunks")
    database.create_table("chunks", data=data)


def _of_another_embedder(folder: Path) -> None:
    shutil.rmtree(folder / "chunks.lance")
    Store.open(str(folder), dimension=EMBEDDER.dimension, vectors="another", write=True).replace([functions_of("a.py")])


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
    store.replace([functions_of("a.py")])
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
        store.replace([functions_of("a.py")])
        ask_everything(store)
    assert noticed >= 3
