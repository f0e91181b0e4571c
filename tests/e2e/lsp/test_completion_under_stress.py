"""Suggestions under what a real day brings: storms of requests, several files, a model that changes or dies.

They may stay away; they must never block, throw or stand in the wrong place.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from editor import MARK, RunZi, StartEditor

from zicoder.workspace import index_dir

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("qwen"), pytest.mark.timeout(300)]

AREA = (
    f"def area(width, height):\n    return width * height\n\n\ndef volume(width, height, depth):\n    return {MARK}\n"
)


async def test_fifty_requests_a_second_and_the_last_is_answered(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("area.py", AREA)
    waiting: list[asyncio.Task[str]] = []
    for char in "width * height * dep":
        editor.type(document, char)
        waiting.append(asyncio.create_task(editor.ghost(document)))
        await asyncio.sleep(0.02)
    answers = await asyncio.gather(*waiting)  # every request gets its reply
    assert answers[-1].startswith("th")


async def test_two_documents_in_turn_keep_their_own_suggestions(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await editor.status("ready")
    first = editor.open("area.py", AREA)
    second = editor.open("greet.py", f"def greet(first_name, last_name):\n    return first_name + {MARK}\n")
    for _ in range(3):
        assert "depth" in await editor.ghost(first)
        assert "last_name" in await editor.ghost(second)


async def test_a_line_of_a_megabyte_is_left_alone(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("data.py", f"x = [{'1, ' * 350_000}{MARK}]\n")
    assert await editor.ghost(document) == ""
    assert "longer than" in (await editor.why())["reason"]
    other = editor.open("area.py", AREA)
    assert "depth" in await editor.ghost(other)


async def test_settings_that_change_while_typing(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("area.py", AREA)
    asked = asyncio.create_task(editor.ghost(document))
    editor.change_settings({"engine": {"prefix_tokens": 256}, "completion": {"off": ["context", "drafting"]}})
    editor.type(document, "w")
    await asyncio.gather(asked, editor.ghost(document))
    await editor.until(lambda: editor.statuses[-1].state == "ready", "ready again")
    assert "idth" in await editor.ghost(document)


async def test_without_an_index_there_is_still_context_from_open_files(start_editor: StartEditor) -> None:
    editor = await start_editor(settings={"index": {"enabled": False}})
    await editor.status("ready")
    editor.open("shapes.py", "def zylinder_volumen(radius, hoehe):\n    return 3.14 * radius**2 * hoehe\n")
    document = editor.open("main.py", f"import shapes\n\n\ndef f(radius, hoehe):\n    return shapes.zylinder_{MARK}\n")
    editor.move_cursor(document)
    await editor.prepared()
    assert (await editor.ghost(document)).startswith("volumen(")


def fill(root: Path, files: int) -> None:
    for n in range(files):
        lines = [f"def name{n}_{m}(value):\n    return value * {m}\n" for m in range(20)]
        (root / f"module_{n}.py").write_text("\n\n".join(lines), encoding="utf-8")


async def test_while_the_index_is_being_made(start_editor: StartEditor, root: Path) -> None:
    fill(root, 400)
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("area.py", AREA)
    assert (await editor.command("zi.indexStatus"))["state"] != "ready", "there was too little to index"
    assert "depth" in await editor.ghost(document)


async def test_where_the_index_is_damaged(start_editor: StartEditor, root: Path, zi: RunZi) -> None:
    fill(root, 20)
    assert zi("index").returncode == 0
    places = [each for each in index_dir(root).rglob("*.lance/*/*") if each.is_file()]
    assert places
    for place in places:
        place.write_bytes(random.Random(0).randbytes(300))
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("area.py", AREA)
    editor.move_cursor(document)
    assert "depth" in await editor.ghost(document)
    await editor.prepared()
    editor.type(document, "w")
    assert "depth" in await editor.ghost(document)


async def test_a_snooze_by_command(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("area.py", AREA)
    state = await editor.command("zi.snooze", 5)
    assert not state["active"]
    assert await editor.ghost(document, invoked=False) == ""
    state = await editor.command("zi.resume")
    assert state["active"]
    assert await editor.ghost(document, invoked=False)
