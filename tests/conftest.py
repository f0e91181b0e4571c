"""Fixtures for every test: no test touches the user's own settings, logs or caches, and none reaches the network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zicoder.models.store import ModelStore

QWEN = "qwen2.5-coder-0.5b"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("ZI_") and n not in {"ZI_DATA_DIR", "ZI_RIG", "ZI_ARTIFACTS"}]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ZI_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("ZI_LOG_DIR", str(tmp_path_factory.mktemp("log")))
    monkeypatch.setenv("ZI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def qwen() -> Path:
    """The real default model. It is not skipped over when missing: `make test` pulls it first."""
    store = ModelStore()
    return store.path(store.catalog.find(QWEN))
