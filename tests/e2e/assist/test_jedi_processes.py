"""The bridge and its child processes: whatever happens to one, questions are answered and nothing is left running."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.marked import cut, snap

from zicoder.assist.jedi_bridge import JediBridge
from zicoder.assist.types import CompletionDetail


@pytest.fixture
def fresh() -> Iterator[JediBridge]:
    bridge = JediBridge()
    yield bridge
    bridge.close()


async def test_text_that_breaks_parsers_is_survived(fresh: JediBridge) -> None:
    for text in ("(" * 3000 + "x.", "\x00\x01.", "lambda: " * 400 + "x.", "\ud800.", "x" * 100_000 + "."):
        await fresh.complete(snap(text), len(text))
        await fresh.symbols(snap(text))
    assert (await fresh.complete(*cut("impo‸"))).items


async def test_warming_up_starts_the_child_process_and_offers_nothing() -> None:
    before = set(psutil.Process().children())
    bridge = JediBridge()
    await bridge.warm()
    assert len(set(psutil.Process().children()) - before) == 1
    assert await bridge.resolve("1:0") == CompletionDetail()
    bridge.close()


async def test_the_child_process_ends_with_the_bridge() -> None:
    before = set(psutil.Process().children())
    bridge = JediBridge()
    await bridge.complete(*cut("impo‸"))
    (child,) = set(psutil.Process().children()) - before
    bridge.close()
    await asyncio.to_thread(child.wait, 30)


async def test_a_killed_child_process_is_replaced(fresh: JediBridge) -> None:
    before = set(psutil.Process().children())
    await fresh.complete(*cut("impo‸"))
    (child,) = set(psutil.Process().children()) - before
    child.kill()
    child.wait(30)
    await fresh.complete(*cut("import math\nmath.flo‸"))  # may be the question that notices
    found = await fresh.complete(*cut("import math\nmath.flo‸"))
    assert [item.label for item in found.items] == ["floor"]


async def test_a_missing_interpreter_is_named_and_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bridge = JediBridge(interpreter=str(tmp_path / "absent" / "python"))
    assert (await bridge.complete(*cut("impo‸"))).items
    bridge.close()
    assert "absent/python does not exist" in caplog.text.replace("\\", "/")


async def test_an_interpreter_that_is_none_is_named_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    bridge = JediBridge(interpreter=str(fake))
    assert (await bridge.complete(*cut("impo‸"))).items
    bridge.close()
    assert "cannot be used" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script as interpreter")
async def test_nothing_of_a_project_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "executed"
    write = f"open({str(marker)!r}, 'a').close()\n"
    package = tmp_path / "evil"
    package.mkdir()
    (package / "__init__.py").write_text(write)
    for name in ("sitecustomize.py", "usercustomize.py", "conftest.py", "setup.py", "gi.py"):
        (tmp_path / name).write_text(write)
    extension = pytest.importorskip("_bisect")
    if getattr(extension, "__file__", None):
        shutil.copy(extension.__file__, package)
    interpreter = tmp_path / ".venv" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(f"#!/bin/sh\ntouch {marker}\n")
    interpreter.chmod(0o755)
    (tmp_path / ".jedi").mkdir()
    (tmp_path / ".jedi" / "project.json").write_text(
        f'[1, {{"path": "{tmp_path}", "environment_path": "{interpreter}", "load_unsafe_extensions": true}}]'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f".:{tmp_path}")
    bridge = JediBridge(root=tmp_path)
    main = tmp_path / "main.py"
    for code in ("from evil import _bisect\n_bisect.‸", "import evil\nevil.‸", "import gi\ngi.‸", "import setup‸"):
        snapshot, offset = cut(code, main)
        await bridge.complete(snapshot, offset)
        await bridge.hover(snapshot, offset - 2)
        await bridge.definitions(snapshot, offset - 2)
    bridge.close()
    assert not marker.exists()
