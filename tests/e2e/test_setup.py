"""`zi setup`: the files of other programs, as a person would have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from editor import RunZi

ZED = '// mine\n{\n  "theme": "One Dark", // dark\n}\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "config"))
    return tmp_path


def test_jetbrains_is_told_once(zi: RunZi, home: Path) -> None:
    file = home / ".jetbrains" / "acp.json"
    shown = zi("setup", "jetbrains", "--print")
    assert not file.exists()
    assert str(file) in shown.stderr
    assert zi("setup", "jetbrains").returncode == 0
    written = file.read_bytes()
    assert json.loads(written) == json.loads(shown.stdout)
    (agent,) = json.loads(written)["agent_servers"].values()
    assert Path(agent["command"]).is_absolute()
    assert agent["args"][-1] == "acp"
    assert "already" in zi("setup", "jetbrains").stderr
    assert file.read_bytes() == written


def test_zed_keeps_what_was_there_and_a_broken_file_is_not_touched(zi: RunZi, home: Path) -> None:
    file = next(home.joinpath("config", name) for name in ("zed", "Zed")) / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_text(ZED)
    assert zi("setup", "zed").returncode == 0
    assert '"theme": "One Dark", // dark\n}\n' in file.read_text()
    assert '"Zi": {' in file.read_text()
    file.write_text("{ broken")
    done = zi("setup", "zed")
    assert done.returncode == 1
    assert "--print" in done.stderr
    assert file.read_text() == "{ broken"
