import os

import pytest

from zicoder.errors import ModelCorrupt, ModelError, ModelMisconfigured, ModelNotInstalled, UnknownModel
from zicoder.models.catalog import load_catalog
from zicoder.models.store import INFILL_PREFERENCE, ModelStore, choose_infill, data_dir


def put(store, entry, data=b"GGUF"):
    """A file of the right size in an entry's place; sparse, so it costs nothing."""
    path = store.blob(entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.truncate(entry.size)
    return path


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "models")


def test_the_data_folder_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("ZI_DATA_DIR", str(tmp_path))
    assert ModelStore().root == tmp_path / "models"
    monkeypatch.delenv("ZI_DATA_DIR")
    assert data_dir().name == "zicoder"


def test_a_missing_model_says_how_to_get_it(store):
    with pytest.raises(ModelNotInstalled) as caught:
        store.resolve("smollm2-135m")
    assert caught.value.hint == "Run `zi model pull smollm2-135m`."
    assert store.installed() == ()


def test_an_installed_model_is_found_by_name(store):
    entry = store.catalog["smollm2-135m"]
    path = put(store, entry)
    found = store.resolve("smollm2-135m")
    assert (found.name, found.path, found.entry, found.fim) == ("smollm2-135m", path, entry, None)
    assert store.installed() == (entry,)


def test_a_truncated_model_is_named_without_reading_it(store):
    entry = store.catalog["smollm2-135m"]
    with put(store, entry).open("r+b") as file:
        file.truncate(1000)
    assert store.state(entry) == "damaged"
    with pytest.raises(ModelCorrupt, match=r"smollm2-135m is truncated \(1,000 bytes instead of 98,362,432\)"):
        store.resolve("smollm2-135m")


def test_any_gguf_file_works_as_a_model(store, tmp_path):
    path = tmp_path / "My Model.gguf"
    path.write_bytes(b"GGUF\x03\x00\x00\x00rest")
    found = store.resolve(str(path))
    assert (found.name, found.path, found.entry) == ("My Model", path, None)


def test_a_file_of_the_catalog_is_known_wherever_it_lies(store, tmp_path):
    entry = store.catalog["qwen2.5-coder-0.5b"]
    path = tmp_path / entry.file
    with path.open("wb") as file:
        file.write(b"GGUF")
        file.truncate(entry.size)
    found = store.resolve(str(path))
    assert found.entry == entry
    assert found.fim is not None
    os.truncate(path, entry.size - 1)
    with pytest.raises(ModelCorrupt, match=r"qwen2\.5-coder-0\.5b is truncated"):
        store.resolve(str(path))


def test_a_file_that_is_no_model_is_refused(store, tmp_path):
    path = tmp_path / "notes.gguf"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelError, match="not a GGUF"):
        store.resolve(str(path))
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        store.resolve(str(tmp_path / "gone.gguf"))
    with pytest.raises(ModelError, match="cannot be read"):
        store.resolve(str(tmp_path))


def test_a_name_that_is_neither_model_nor_file_gets_a_suggestion(store):
    with pytest.raises(UnknownModel) as caught:
        store.resolve("qwen")
    assert "qwen2.5-coder-0.5b" in caught.value.hint


def test_auto_takes_the_best_model_that_is_installed(store):
    writers = {entry.name for entry in load_catalog().values() if entry.good_for != ("embedding",)}
    assert set(INFILL_PREFERENCE) == writers
    with pytest.raises(ModelNotInstalled) as caught:
        choose_infill("auto", store)
    assert caught.value.hint == "Run `zi model pull qwen2.5-coder-0.5b`."
    for name in reversed(INFILL_PREFERENCE):
        put(store, store.catalog[name])
        assert choose_infill("auto", store).name == name
    assert choose_infill("smollm2-135m", store).name == "smollm2-135m"


def test_a_model_that_only_embeds_is_not_taken_for_suggestions(store):
    put(store, store.catalog["minilm"])
    with pytest.raises(ModelMisconfigured, match="cannot write"):
        choose_infill("minilm", store)
    with pytest.raises(ModelNotInstalled):
        choose_infill("auto", store)


def test_auto_does_not_hide_a_damaged_model_behind_a_lesser_one(store):
    put(store, store.catalog["smollm2-135m"])
    with put(store, store.catalog["qwen2.5-coder-0.5b"]).open("r+b") as file:
        file.truncate(10)
    with pytest.raises(ModelCorrupt, match=r"qwen2\.5-coder-0\.5b"):
        choose_infill("auto", store)


def test_verify_deletes_a_damaged_file_and_names_it(world):
    path = world.pull()
    assert world.store.verify(world.entry) == path
    with path.open("r+b") as file:
        file.seek(5_000_000)
        byte = file.read(1)
        file.seek(5_000_000)
        file.write(bytes([byte[0] ^ 1]))
    assert world.store.state(world.entry) == "installed"  # its size is right
    with pytest.raises(ModelCorrupt, match=r"tiny was damaged \(its SHA-256 is .* deleted: ") as caught:
        world.store.verify(world.entry, world.log)
    assert str(path) in str(caught.value)
    assert not path.exists()
    with pytest.raises(ModelNotInstalled):
        world.store.verify(world.entry)


def test_remove_frees_the_model_and_what_is_half_fetched(world):
    path = world.pull()
    world.partial.write_bytes(b"half")
    assert world.store.remove(world.entry) == world.entry.size + 4
    assert not path.exists()
    assert not world.partial.exists()
    with pytest.raises(ModelNotInstalled):
        world.store.remove(world.entry)
