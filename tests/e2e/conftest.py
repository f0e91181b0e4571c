"""Fixtures that start editors with real servers, and models that answer by a script."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from editor import Editor, RunZi, StartEditor, WriteScript


def pytest_configure(config: pytest.Config) -> None:
    """What pytest-lsp finds against the specification is a failure."""
    config.addinivalue_line("filterwarnings", "error::pytest_lsp.LspSpecificationWarning")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty project."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no model was ever pulled."""
    monkeypatch.setenv("ZI_DATA_DIR", str(tmp_path / "empty-data"))


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteScript:
    """Have suggestions made by these rules (see `models/scripted.py`) in every server started later."""

    def write(*rules: dict[str, Any]) -> str:
        tables = [[f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in rule.items()] for rule in rules]
        text = "\n".join("\n".join(["[[rule]]", *lines]) for lines in tables)
        path = tmp_path / "script.toml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("ZI_MODEL__INFILL", f"scripted:{path}")
        return f"scripted:{path}"

    return write


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteScript:
    """Have chat answered by these rules (see `models/chat/scripted.py`) in everything that is started later."""

    def write(*rules: dict[str, Any]) -> str:
        path = tmp_path / "talk.toml"
        path.write_text("rule = [" + ",".join(map(_inline, rules)) + "]", encoding="utf-8")
        monkeypatch.setenv("ZI_CHAT__MODEL", f"scripted:{path}")
        monkeypatch.setenv("ZI_DATA_DIR", str(tmp_path / "data"))
        return f"scripted:{path}"

    return write


def _inline(value: Any) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture
async def start_editor(root: Path) -> AsyncIterator[StartEditor]:
    """Start an editor on the project; at the end each is closed and must leave neither process nor stack trace."""
    editors: list[Editor] = []

    async def start(kind: str | None = None, *, prepare: Callable[[Editor], None] | None = None, **how: Any) -> Editor:
        editor = Editor(root, kind) if kind else Editor(root)
        if prepare:
            prepare(editor)
        await editor.start(**how)
        editors.append(editor)
        return editor

    yield start
    for editor in editors:
        await editor.close()


@pytest.fixture
def zi(root: Path) -> RunZi:
    """Run the command line in the project; whatever happens, nobody sees a stack trace."""

    def run(*arguments: str, cwd: Path = root) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "zicoder", *arguments],
            cwd=cwd,
            capture_output=True,
            encoding="utf-8",
            timeout=150,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    return run
