"""Fixes of one rule in the whole workspace: what is changed, what is left alone, and where it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from zicoder.assist.actions import everywhere as room
from zicoder.assist.actions.action import Asked, Change
from zicoder.assist.actions.everywhere import everywhere
from zicoder.assist.checks.ruff import Ruff, find_ruff
from zicoder.events import Progress
from zicoder.text import Snapshot, apply_edits

RUFF = find_ruff("auto", "", None, lambda _, __: None)
pytestmark = pytest.mark.skipif(RUFF is None, reason="ruff is not installed beside this Python")
UNUSED = "import os\nimport sys\n\nprint(sys)\n"


def snapshot(path: Path, text: str = UNUSED) -> Snapshot:
    return Snapshot(path.as_uri(), text, 1, "python", path)


async def changed(root: Path, opened: list[Snapshot]) -> tuple[Change | None, list[Progress]]:
    """What "fix all of F401" makes, asked for in the first open document."""
    ruff = Ruff(RUFF or "", root)
    asked = Asked(snapshot=opened[0], start=7, end=7, root=root)
    (offer,) = everywhere(ruff, asked, await ruff.problems(opened[0]), lambda: opened)
    assert offer.make
    assert not offer.preferred
    told: list[Progress] = []
    return await offer.make(told.append), told


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ruff.toml").write_text('[lint]\nselect = ["F"]\n')
    for name in ("a.py", "b.py", "c.py", "sub/d.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(UNUSED)
    return tmp_path


async def test_every_file_is_fixed_in_one_change(root: Path) -> None:
    change, told = await changed(root, [snapshot(root / "a.py")])
    assert change
    assert change.preview
    assert change.title == "Fix all 4 of F401 in 4 files"
    assert apply_edits(UNUSED, change.edits) == "import sys\n\nprint(sys)\n"
    assert sorted(file.path.name for file in change.files) == ["b.py", "c.py", "d.py"]
    assert all(file.before == UNUSED and file.after == "import sys\n\nprint(sys)\n" for file in change.files)
    assert [each.total for each in told][-1] == 4


async def test_open_documents_count_as_they_are_in_the_editor(root: Path) -> None:
    mended = snapshot(root / "b.py", "import os\n\nprint(os)\n")
    worse = snapshot(root / "new.py")
    change, _ = await changed(root, [snapshot(root / "a.py"), mended, worse])
    assert change
    assert sorted(file.path.name for file in change.files) == ["c.py", "d.py", "new.py"]


async def test_what_is_written_by_a_program_or_cannot_be_is_left_alone(root: Path) -> None:
    (root / "b.py").write_text("# DO NOT EDIT\n" + UNUSED)
    (root / "c.py").write_bytes(b"# \xff\n" + UNUSED.encode())
    change, _ = await changed(root, [snapshot(root / "a.py")])
    assert change
    assert [file.path.name for file in change.files] == ["d.py"]


async def test_there_is_an_end_to_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_FILES", 2)
    change, _ = await changed(root, [snapshot(root / "a.py")])
    assert change
    assert len(change.files) <= 2
    assert change.title.startswith("Fix the first 3 of F401")


async def test_it_can_be_stopped(root: Path) -> None:
    ruff = Ruff(RUFF or "", root)
    asked = Asked(snapshot=snapshot(root / "a.py"), start=7, end=7, root=root)
    (offer,) = everywhere(ruff, asked, await ruff.problems(asked.snapshot), list)
    assert offer.make

    def stop(_: Progress) -> None:
        task.cancel()

    task = asyncio.ensure_future(offer.make(stop))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (root / "b.py").read_text() == UNUSED
