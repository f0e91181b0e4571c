"""Edits are tried in a copy of a project, which itself stays as it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from zicoder.agents import trials
from zicoder.agents.processes import Limits
from zicoder.agents.sandbox import Sandbox
from zicoder.agents.trials import Trial, trial
from zicoder.errors import ToolError

SHOW = f'"{sys.executable}" -S -c "import pathlib; print(pathlib.Path(\'a.txt\').read_text())"'


def sandbox(root: Path) -> Sandbox:
    return Sandbox(None, root, Limits(seconds=20))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "node_modules" / "x").mkdir(parents=True)
    (folder / "sub").mkdir()
    (folder / "sub" / "b.txt").write_text("b")
    (folder / "a.txt").write_text("on disk")
    return folder


async def shown(at: Trial, edits: Mapping[str, str | None]) -> str:
    return (await at.run(SHOW, edits)).output.strip()


async def test_edits_are_there_for_one_run_and_never_in_the_project(root: Path) -> None:
    async with trial(root, sandbox(root)) as at:
        assert await shown(at, {"a.txt": "edited"}) == "edited"
        assert await shown(at, {}) == "on disk"
        folder = at.root
    assert (root / "a.txt").read_text() == "on disk"
    assert not folder.exists()


async def test_unsaved_text_counts_and_comes_back_after_an_edit(root: Path) -> None:
    async with trial(root, sandbox(root), {"a.txt": "unsaved"}) as at:
        assert await shown(at, {"a.txt": "edited", "new.txt": "n"}) == "edited"
        assert (at.root / "new.txt").exists()
        assert await shown(at, {}) == "unsaved"
        assert not (at.root / "new.txt").exists()


async def test_two_edits_within_a_second_have_different_times(root: Path) -> None:
    async with trial(root, sandbox(root)) as at:
        times: list[int] = []
        for text in ("1", "2"):
            await shown(at, {"a.txt": text})
            times.append(int((at.root / "a.txt").stat().st_mtime))
        assert times[0] != times[1]


async def test_what_can_be_made_again_is_left_out_and_packages_are_linked(root: Path) -> None:
    async with trial(root, sandbox(root)) as at:
        assert (at.root / "sub" / "b.txt").read_text() == "b"
        assert not (at.root / ".git").exists()
        if os.name == "posix":
            assert (at.root / "node_modules").is_symlink()


@pytest.mark.parametrize("path", ["../out.txt", "link/out.txt", "/etc/out.txt"])
async def test_an_edit_never_leaves_the_copy(root: Path, tmp_path: Path, path: str) -> None:
    async with trial(root, sandbox(root)) as at:
        (at.root / "link").symlink_to(tmp_path)
        with pytest.raises(ToolError, match="out of the project"):
            await at.run(SHOW, {path: "x"})
    assert not (tmp_path / "out.txt").exists()


async def test_a_project_that_is_too_large_is_not_copied(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MOST_BYTES", 5)
    with pytest.raises(ToolError, match="too large"):
        async with trial(root, sandbox(root)):
            pass
