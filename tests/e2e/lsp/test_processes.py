"""What stays behind when the server goes, in whatever way it goes: nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from editor import MARK, Editor, StartEditor, WriteScript

GONE_S = 2
"""The engine must be gone this many seconds after its parent."""
GHOST = f"def area(width, height):\n    return {MARK}\n"


async def all_gone(processes: list[psutil.Process], within: float) -> None:
    """Not by `psutil.wait_procs`: it would keep the event loop from reaping the server."""
    deadline = time.monotonic() + within
    while alive := [process for process in processes if runs(process)]:
        assert time.monotonic() < deadline, alive
        await asyncio.sleep(0.02)


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
async def busy_editor(start_editor: StartEditor, tmp_path: Path) -> Editor:
    """An editor whose server has every child process it ever has: an engine, and jedi's."""
    model = tmp_path / "half.gguf"
    model.write_bytes(b"GGUF" + bytes(1000))
    editor = await start_editor(env={"ZI_MODEL__INFILL": str(model)})
    await editor.status("unavailable")
    assert await editor.answers()
    assert editor.engine()
    return editor


async def test_shutdown_and_exit_leave_no_process_behind(busy_editor: Editor) -> None:
    children = busy_editor.children()
    await busy_editor.close()
    assert busy_editor.exit_status == 0
    await all_gone(children, within=10)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
async def test_a_killed_server_takes_its_engine_along(busy_editor: Editor) -> None:
    engine, children = busy_editor.engine(), busy_editor.children()
    assert engine
    await busy_editor.kill()
    await all_gone([engine], within=GONE_S)
    await all_gone(children, within=10)


async def test_a_vanished_editor_ends_the_server_and_its_engine(busy_editor: Editor) -> None:
    """The editor crashed: the server's standard input ends without a good-bye."""
    server, children = busy_editor.process, busy_editor.children()
    assert busy_editor.client._server
    assert busy_editor.client._server.stdin
    busy_editor.client._server.stdin.close()
    await all_gone([server, *children], within=30)


@pytest.mark.skipif(os.name != "posix", reason="SIGTERM is POSIX")
async def test_a_terminated_server_leaves_no_process_behind(busy_editor: Editor) -> None:
    server, children = busy_editor.process, busy_editor.children()
    server.send_signal(signal.SIGTERM)
    await all_gone([server, *children], within=10)


async def test_two_editors_on_one_workspace_do_not_disturb_each_other(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "return ", "text": "width * height"})
    first, second = await start_editor(), await start_editor()
    assert first.process.pid != second.process.pid
    for editor in (first, second):
        await editor.status("ready")
    one, other = first.open("area.py", GHOST), second.open("area.py", GHOST)
    first.replace(one, 0, 0, "# only in the first editor\n")
    one.cursor = one.at("return ")
    assert await first.ghost(one) == await second.ghost(other) == "width * height"
    await first.close()
    assert await second.answers()
    second.type(other, "w")
    assert await second.ghost(other) == "idth * height"
