"""Fixtures for every test: no test touches the user's own settings, logs or caches, and none reaches the network."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from zicoder.models.store import ModelStore

QWEN = "qwen2.5-coder-0.5b"

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("zi", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("zi")


@pytest.fixture(scope="session")
def _places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place for each test. Only what needs a folder there makes it: thousands of empty ones take long to remove."""
    folder = tmp_path_factory.mktemp("own")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_folders(_places: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("ZI_") and n not in {"ZI_DATA_DIR", "ZI_RIG", "ZI_ARTIFACTS"}]:
        monkeypatch.delenv(name)
    place = next(_places)
    for name in ("config", "log", "cache"):
        monkeypatch.setenv(f"ZI_{name.upper()}_DIR", str(place / name))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def qwen() -> Path:
    """The real default model. It is not skipped over when missing: `make test` pulls it first."""
    store = ModelStore()
    return store.path(store.catalog.find(QWEN))
