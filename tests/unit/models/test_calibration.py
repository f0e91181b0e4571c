"""What a measurement decides, what outlives a restart, and who has the last word. The figures here are made up."""

import msgspec
import pytest

from zicoder.models import calibration
from zicoder.models.calibration import Measured, Measurement, candidates, pick
from zicoder.models.store import ModelStore
from zicoder.settings import EngineSettings, load_settings
from zicoder.workspace import cache_dir, chosen_infill

SMALL, LARGE, LEFT_TO_RIGHT = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m"
SETTINGS = EngineSettings()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put sparse files into the places of models; returns the store."""
    monkeypatch.setenv("ZI_DATA_DIR", str(tmp_path / "data"))

    def put(*names):
        store = ModelStore()
        for name in names:
            path = store.blob(store.catalog[name])
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.write(b"GGUF")
                file.truncate(store.catalog[name].size)
        return store

    return put


@pytest.fixture
def measured():
    return Measured(cache_dir(), SETTINGS)


def row(store, name, first_token_ms, tokens_per_s, **more):
    sha256 = store.catalog[name].sha256
    return Measurement(name=name, sha256=sha256, first_token_ms=first_token_ms, tokens_per_s=tokens_per_s, **more)


def picked(store, *rows):
    found = pick(candidates(store), {one.sha256: one for one in rows})
    return found and found.name


def test_the_largest_model_that_is_quick_enough_is_picked(install):
    store = install(SMALL, LARGE, LEFT_TO_RIGHT)
    assert picked(store) is None
    quick = row(store, SMALL, 45, 60)
    assert picked(store, quick, row(store, LARGE, 140, 25)) == LARGE
    assert picked(store, quick, row(store, LARGE, 160, 25)) == SMALL
    assert picked(store, quick, row(store, LARGE, 140, 19)) == SMALL
    assert picked(store, quick, row(store, LARGE, 0, 0, error="It wrote nothing.")) == SMALL


def test_on_a_slow_machine_the_smallest_that_fills_holes_is_picked(install):
    store = install(SMALL, LARGE, LEFT_TO_RIGHT)
    assert picked(store, row(store, SMALL, 900, 5), row(store, LARGE, 3000, 2)) == SMALL
    assert picked(store, row(store, LARGE, 3000, 2)) == SMALL
    assert picked(store, row(store, LEFT_TO_RIGHT, 1, 500)) is None


def test_a_model_at_both_limits_answers_a_line_in_half_a_second(install):
    limit = row(install(), SMALL, calibration.FIRST_TOKEN_MS, calibration.TOKENS_PER_S)
    assert limit.in_time
    assert limit.line_ms == calibration.LINE_MS == 500


def test_auto_takes_what_was_measured_and_the_user_has_the_last_word(install, measured, monkeypatch):
    store = install(SMALL, LARGE, LEFT_TO_RIGHT)
    assert chosen_infill(load_settings()[0], store).name == SMALL
    measured.keep(row(store, SMALL, 45, 60))
    measured.keep(row(store, LARGE, 80, 40))
    assert chosen_infill(load_settings()[0], store).name == LARGE
    for name in (SMALL, LEFT_TO_RIGHT):
        monkeypatch.setenv("ZI_MODEL__INFILL", name)
        assert chosen_infill(load_settings()[0], store).name == name


def test_a_model_that_was_measured_and_removed_is_not_missed(install, measured):
    store = install(SMALL, LARGE)
    measured.keep(row(store, LARGE, 80, 40))
    store.remove(store.catalog[LARGE])
    assert chosen_infill(load_settings()[0], store).name == SMALL


def test_a_newer_measurement_replaces_the_older(install, measured):
    store = install(SMALL)
    measured.keep(row(store, SMALL, 45, 60))
    measured.keep(row(store, LARGE, 80, 40))
    measured.keep(row(store, SMALL, 50, 55))
    rows = Measured(cache_dir(), SETTINGS).rows()
    assert {one.name: one.first_token_ms for one in rows.values()} == {SMALL: 50, LARGE: 80}
    assert [path.suffix for path in measured.path.parent.iterdir()] == [".json"]


def test_another_number_of_threads_is_another_machine(install, measured):
    measured.keep(row(install(SMALL), SMALL, 45, 60))
    assert not Measured(cache_dir(), EngineSettings(threads=300)).rows()


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"[]", b'{"machine": {}, "models": [{"name": 1}]}', b"[" * 100_000])
def test_a_damaged_file_is_no_measurement(install, measured, body):
    store = install(SMALL, LARGE)
    measured.path.parent.mkdir(parents=True)
    measured.path.write_bytes(body)
    assert chosen_infill(load_settings()[0], store).name == SMALL
    measured.keep(row(store, LARGE, 80, 40))
    assert chosen_infill(load_settings()[0], store).name == LARGE


def test_figures_that_are_no_numbers_are_refused(install, measured):
    measured.keep(row(install(SMALL), SMALL, 45, 60))
    kept = msgspec.json.decode(measured.path.read_bytes())
    kept["models"][0]["tokensPerS"] = "many"
    measured.path.write_bytes(msgspec.json.encode(kept))
    assert not measured.rows()
