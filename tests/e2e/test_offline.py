"""Works with the network unplugged: nothing the server or its engine does leaves the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from editor import MARK, SERVER, StartEditor

GUARD = Path(__file__).parent / "no_network"
AREA = f"""def area(width, height):
    return width * height


def volume(width, height, depth):
    return {MARK}


print(volume(2, 3, 4))
"""


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Guard every Python process started from here on; the file says which were, and what they were refused."""
    path = tmp_path / "network.txt"
    monkeypatch.setenv("PYTHONPATH", str(GUARD))
    monkeypatch.setenv("NO_NETWORK_RECORD", str(path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return path


def lines(record: Path, kind: str) -> list[str]:
    return [line for line in record.read_text().splitlines() if line.startswith(kind)]


async def work_a_while(start_editor: StartEditor, command: Sequence[str] = SERVER) -> None:
    """Start, load the model, complete, offer names, hover, restart, shut down."""
    editor = await start_editor(command=command)
    await editor.status("ready")
    document = editor.open("area.py", AREA)
    assert "depth" in await editor.ghost(document)
    assert "def area(width, height)" in await editor.hover(document, document.at("def ar"))
    assert await editor.answers()
    await editor.command("zi.restartEngine")
    await editor.status("ready")
    await editor.close()


@pytest.mark.model
@pytest.mark.timeout(300)
async def test_no_process_of_ours_even_tries_to_reach_the_network(
    start_editor: StartEditor, qwen: Path, record: Path
) -> None:
    await work_a_while(start_editor)
    guarded = lines(record, "guarded")
    assert any("zicoder lsp" in line for line in guarded)
    assert any("zicoder.engine.worker" in line for line in guarded)
    assert lines(record, "refused") == []


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 80), timeout=5)",
        "socket.getaddrinfo('example.org', 443)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "__import__('urllib.request').request.urlopen('http://example.org', timeout=5)",
    ],
)
def test_the_guard_would_have_noticed(record: Path, attempt: str) -> None:
    done = subprocess.run([sys.executable, "-P", "-c", f"import socket; {attempt}"], capture_output=True, check=False)
    assert done.returncode == 1
    assert lines(record, "refused")


def test_the_guard_lets_loopback_pass(record: Path) -> None:
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
    assert lines(record, "refused") == []


UNSHARE = ("unshare", "--net", "--")


def can_unshare() -> bool:
    if os.name != "posix" or shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.model
@pytest.mark.timeout(300)
@pytest.mark.skipif(not can_unshare(), reason="this user may not make a network namespace (`unshare --net` needs root)")
async def test_it_works_in_a_network_namespace_without_any_network(start_editor: StartEditor, qwen: Path) -> None:
    """Native code is not audited by Python, but here there is no interface, not even loopback, to send through."""
    await work_a_while(start_editor, [*UNSHARE, *SERVER])
