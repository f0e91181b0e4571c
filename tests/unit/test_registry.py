"""A named set of things that plug-ins can add to, but not replace."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zicoder.errors import InputError
from zicoder.registry import Registry

GROUP = "zicoder.test_things"


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package, as far as Python can tell, that brings two things."""
    info = tmp_path / "zi_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zi-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nown = zi_plugin:broken\nextra = zi_plugin:extra\n")
    (tmp_path / "zi_plugin.py").write_text("extra = 'from the plug-in'\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def things() -> Registry[str]:
    registry: Registry[str] = Registry("thing", group=GROUP)
    registry.register("own")("from the code")
    registry.register("another")("also")
    return registry


def test_what_was_registered_is_found(things: Registry[str]) -> None:
    assert things.get("own") == "from the code"


def test_an_unknown_name_is_told_together_with_the_known_ones(things: Registry[str], plugin: None) -> None:
    with pytest.raises(InputError, match="no thing called 'owm'") as caught:
        things.get("owm")
    assert caught.value.hint == "Known: another, extra, own."


def test_a_name_cannot_be_taken_twice(things: Registry[str]) -> None:
    with pytest.raises(ValueError, match="'own' is registered twice"):
        things.register("own")("again")


def test_a_plug_in_adds_a_thing_that_is_loaded_when_asked_for(things: Registry[str], plugin: None) -> None:
    assert list(things) == ["another", "extra", "own"]
    assert "zi_plugin" not in sys.modules
    assert things.get("extra") == "from the plug-in"


def test_a_plug_in_cannot_replace_a_thing(things: Registry[str], plugin: None) -> None:
    assert things.get("own") == "from the code"
