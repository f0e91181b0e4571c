"""The watcher, on a real folder. Every test waits for what it expects, never for a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from zicoder.index.walk import FileFilter
from zicoder.index.watch import MANY, Changes, watch

PATIENCE_S = 20.0


class Seen:
    """Collects what a watcher of `root` tells."""

    def __init__(self, root: Path) -> None:
        self.files = FileFilter(root)
        self.stop = asyncio.Event()
        self.all = Changes()
        self.over = False
        self._ready = asyncio.Event()
        self._news = asyncio.Condition()

    async def run(self) -> None:
        async for changes in watch(self.files, stop=self.stop, on_ready=self._ready.set):
            async with self._news:
                self.all = self.all.then(changes)
                self._news.notify_all()
        self.over = True

    async def ready(self) -> None:
        await asyncio.wait_for(self._ready.wait(), PATIENCE_S)

    async def until(self, met: Callable[[Changes], bool]) -> Changes:
        """Everything since the last call, once it meets what is asked."""
        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: met(self.all)), PATIENCE_S)
            except TimeoutError:
                pytest.fail(f"only {self.all} was told")
            changes, self.all = self.all, Changes()
            return changes


@contextlib.asynccontextmanager
async def watching(root: Path) -> AsyncIterator[Seen]:
    seen = Seen(root)
    task = asyncio.create_task(seen.run())
    await seen.ready()
    try:
        yield seen
    finally:
        seen.stop.set()
        await asyncio.wait_for(task, PATIENCE_S)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path in ("a.py", "pkg/b.py", "pkg/sub/c.py", "node_modules/x/i.js"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x\n")
    return tmp_path


async def test_files_that_come_change_and_go(root: Path) -> None:
    async with watching(root) as seen:
        (root / "new.py").write_text("x\n")
        assert (await seen.until(lambda c: "new.py" in c.changed)).deleted == frozenset()
        (root / "pkg" / "sub" / "c.py").write_text("y\n")
        assert await seen.until(lambda c: bool(c)) == Changes(frozenset({"pkg/sub/c.py"}))
        (root / "pkg" / "b.py").unlink()
        assert await seen.until(lambda c: bool(c)) == Changes(deleted=frozenset({"pkg/b.py"}))
        (root / "a.py").rename(root / "pkg" / "a b.py")
        wanted = Changes(frozenset({"pkg/a b.py"}), frozenset({"a.py"}))
        assert await seen.until(lambda c: "pkg/a b.py" in c.changed and "a.py" in c.deleted) == wanted


async def test_an_atomic_save_is_a_change(root: Path) -> None:
    async with watching(root) as seen:
        (root / "pkg" / ".b.py.tmp").write_text("y\n")
        (root / "pkg" / ".b.py.tmp").replace(root / "pkg" / "b.py")
        changes = await seen.until(lambda c: "pkg/b.py" in c.changed)
        assert changes.changed == {"pkg/b.py"}
        assert "pkg/b.py" not in changes.deleted


async def test_a_file_the_index_no_longer_takes_is_deleted(root: Path) -> None:
    async with watching(root) as seen:
        (root / "a.py").write_bytes(b"x" * (seen.files.max_bytes + 1))
        assert "a.py" in (await seen.until(lambda c: "a.py" in c.deleted)).deleted


async def test_what_is_ignored_is_not_told(root: Path) -> None:
    (root / ".gitignore").write_text("*.tmp\n")
    async with watching(root) as seen:
        (root / "x.tmp").write_text("x\n")
        (root / "logo.png").write_text("x\n")
        (root / "node_modules" / "x" / "i.js").write_text("y\n")
        (root / "node_modules" / "y").mkdir()
        (root / "__pycache__").mkdir()
        (root / "a.py").write_text("last\n")
        assert await seen.until(lambda c: bool(c)) == Changes(frozenset({"a.py"}))


@pytest.mark.parametrize("name", [".gitignore", "pkg/.gitignore", "pkg/.zicoderignore"])
async def test_a_changed_ignore_file_is_a_rescan(root: Path, name: str) -> None:
    async with watching(root) as seen:
        (root / name).write_text("sub/\n")
        assert await seen.until(lambda c: c.rescan) == Changes(rescan=True)
        assert (seen.files.reason("pkg/sub/c.py") is None) == (name == "")
        (root / "pkg" / "sub" / "c.py").write_text("ignored now\n")
        (root / "a.py").write_text("last\n")
        assert await seen.until(lambda c: bool(c.changed)) == Changes(frozenset({"a.py"}))


async def test_folders_that_come_move_and_go_are_rescans_and_then_watched(root: Path) -> None:
    async with watching(root) as seen:
        (root / "new" / "deep").mkdir(parents=True)
        await seen.until(lambda c: c.rescan)
        await wait_for_change(seen, root / "new" / "deep" / "x.py")
        (root / "pkg").rename(root / "moved")
        await seen.until(lambda c: c.rescan)
        await wait_for_change(seen, root / "moved" / "sub" / "c.py")
        shutil.rmtree(root / "moved")
        await seen.until(lambda c: c.rescan)
        shutil.rmtree(root / "new" / "deep")
        (root / "new" / "deep").mkdir()
        await seen.until(lambda c: c.rescan)
        await wait_for_change(seen, root / "new" / "deep" / "y.py")


async def wait_for_change(seen: Seen, file: Path) -> None:
    """Writes until it is told: a rescan may still be under way, and what falls into it is not told singly."""
    path = file.relative_to(seen.files.root).as_posix()
    for number in range(100):
        file.write_text(f"{number}\n")
        told = await seen.until(lambda c: bool(c))
        if path in told.changed:
            return
    pytest.fail(f"{path} is not watched")


async def test_a_burst_is_one_rescan_or_is_told_in_full(root: Path) -> None:
    names = {f"pkg/n{number}.py" for number in range(MANY + 100)}
    async with watching(root) as seen:
        for name in names:
            (root / name).write_text("x\n")
        changes = await seen.until(lambda c: c.rescan or names <= c.changed)
        assert changes.rescan, "together they are more than a list should hold"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such name")
async def test_a_name_that_is_no_text_does_not_end_it(root: Path) -> None:
    async with watching(root) as seen:
        Path(os.fsdecode(os.fsencode(root) + b"/pkg/bad\xff.py")).touch()
        await seen.until(lambda c: c.rescan)
        await wait_for_change(seen, root / "a.py")


async def test_changes_add_up() -> None:
    first, then = Changes(frozenset({"a", "b"})), Changes(frozenset({"c"}), frozenset({"a"}))
    assert first.then(then) == Changes(frozenset({"b", "c"}), frozenset({"a"}))
    assert then.then(first) == Changes(frozenset({"a", "b", "c"}))
    assert first.then(Changes(rescan=True)) == Changes(rescan=True).then(then) == Changes(rescan=True)
    assert Changes(frozenset(map(str, range(MANY)))).then(then).rescan


async def test_it_ends_quietly_when_the_root_goes(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    seen = Seen(root)
    task = asyncio.create_task(seen.run())
    await seen.ready()
    shutil.rmtree(root)
    await asyncio.wait_for(task, PATIENCE_S)
    assert seen.over
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_it_ends_when_told_and_when_nobody_listens(root: Path) -> None:
    seen = Seen(root)
    task = asyncio.create_task(seen.run())
    await seen.ready()
    seen.stop.set()
    await asyncio.wait_for(task, PATIENCE_S)
    assert seen.over
    task = asyncio.create_task(Seen(root).run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
