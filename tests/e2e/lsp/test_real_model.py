"""Ghost text from the real 0.5B model, through the whole server."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest
from editor import MARK, NEOVIM, VSCODE, StartEditor
from lsprotocol import types

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("qwen"), pytest.mark.timeout(300)]

AREA = f"""def area(width, height):
    return width * height


def volume(width, height, depth):
    return {MARK}


print(volume(2, 3, 4))
"""


@pytest.mark.parametrize("kind", [VSCODE, NEOVIM])
async def test_the_model_fills_the_hole_after_showing_that_it_loads(start_editor: StartEditor, kind: str) -> None:
    editor = await start_editor(kind)
    await editor.status("ready")
    states = [status.state for status in editor.statuses]
    assert states[-1] == "ready"
    assert [state for state in ("starting", "loading", "ready") if state in states] == list(dict.fromkeys(states))
    assert editor.statuses[-1].model == "qwen2.5-coder-0.5b"
    document = editor.open("area.py", AREA)
    assert "depth" in await editor.ghost(document)
    await editor.until(lambda: editor.statuses[-1].lastLatencyMs is not None, "latency told")
    [reports] = editor.client.progress_reports.values()
    assert isinstance(reports[0], types.WorkDoneProgressBegin)
    assert "qwen2.5-coder-0.5b" in reports[0].title
    assert isinstance(reports[-1], types.WorkDoneProgressEnd)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
async def test_after_the_engine_was_killed_the_next_request_is_answered(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("area.py", AREA)
    assert await editor.ghost(document)
    engine = editor.engine()
    assert engine
    engine.kill()
    editor.type(document, "depth * ")
    assert "width" in await editor.ghost(document)
    after = editor.engine()
    assert after
    assert after.pid != engine.pid
    await editor.status("ready")
    states = [status.state for status in editor.statuses]
    assert states.count("starting") == 2, "the restart was not shown"


def used_s(process: psutil.Process) -> float:
    """Processor time in seconds."""
    times = process.cpu_times()
    return times.user + times.system


async def test_a_cursor_that_rests_makes_the_request_cheap(start_editor: StartEditor) -> None:
    """`zi/cursorMoved` evaluates the prompt while nobody types; the request then finds it in the KV cache."""
    editor = await start_editor()
    await editor.status("ready")
    body = "".join(f"def price_{n}(count):\n    return count * {n}\n\n\n" for n in range(40))
    document = editor.open("area.py", body + AREA)
    engine = editor.engine()
    assert engine
    before = used_s(engine)
    editor.move_cursor(document)
    await editor.until(lambda: used_s(engine) > before + 0.2, "the engine began to prepare")
    await editor.prepared()
    assert "depth" in await editor.ghost(document)
    assert (await editor.why())["evaluatedTokens"] <= 16


async def test_a_cursor_that_rests_while_the_server_starts_is_not_forgotten(start_editor: StartEditor) -> None:
    editor = await start_editor()
    body = "".join(f"def price_{n}(count):\n    return count * {n}\n\n\n" for n in range(40))
    document = editor.open("area.py", body + AREA)
    editor.move_cursor(document)
    await editor.status("ready")
    await editor.prepared()
    assert "depth" in await editor.ghost(document)
    assert (await editor.why())["evaluatedTokens"] <= 16


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
async def test_a_killed_server_takes_a_working_engine_along(start_editor: StartEditor) -> None:
    """In the middle of native code the engine cannot read that its parent is gone; it goes all the same."""
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("long.py", "".join(f"name_{n} = {n}\n" for n in range(3000)) + f"x = {MARK}")
    editor.client.protocol.send_request(types.TEXT_DOCUMENT_INLINE_COMPLETION, editor.inline_params(document))
    await editor.status("busy")
    engine = editor.engine()
    assert engine
    await editor.kill()
    _, alive = psutil.wait_procs([engine], timeout=2)
    assert not alive


async def test_two_servers_on_one_workspace_both_complete(start_editor: StartEditor, root: Path) -> None:
    (root / "area.py").write_text(AREA.replace(MARK, ""))
    editors = [await start_editor(), await start_editor()]
    for editor in editors:
        await editor.status("ready")
        assert "depth" in await editor.ghost(editor.open("area.py", AREA))
