"""`zi doctor` on machines in various states of disrepair."""

import json
import os
import subprocess
import sys

import pytest

from zicoder.commands.doctor import Check, examine
from zicoder.models.catalog import load_catalog
from zicoder.workspace import index_dir

SMALL = load_catalog()["smollm2-135m"]


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine with no models and no settings."""
    monkeypatch.setenv("ZI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ZI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("ZI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ZI_LOG_DIR", str(tmp_path / "log"))
    return tmp_path


def checks() -> dict[str, Check]:
    return {check.name: check for check in examine()}


def test_every_component_is_looked_at_and_nothing_is_created(machine):
    found = checks()
    assert {"python", "zicoder", "pygls", "jedi", "llama-cpp-python", "inline suggestions"} <= found.keys()
    assert {
        "data folder",
        "cache folder",
        "log folder",
        "disk space",
        "processor",
        "memory",
        "sandbox",
        "settings",
    } <= found.keys()
    assert found["python"].version == ".".join(map(str, sys.version_info[:3]))
    assert found["pygls"].ok is True
    assert found["pygls"].version
    assert list(machine.iterdir()) == []


def test_it_says_why_commands_are_not_confined(monkeypatch):
    monkeypatch.setenv("ZI_AGENT__SANDBOX", "docker")
    found = checks()["sandbox"]
    assert (found.ok, found.version) == (None, "")
    assert "`zi.agent.docker_image` is empty" in found.advice


def test_whatever_is_not_ok_comes_with_advice():
    for check in examine():
        assert check.ok or check.advice, check


def test_without_a_model_it_says_which_to_pull():
    found = checks()
    assert found["inline suggestions"].ok is False
    assert "zi model pull qwen2.5-coder-0.5b" in found["inline suggestions"].advice
    assert found["model smollm2-135m"].ok is None


def put(machine, size):
    path = machine / "data" / "models" / "blobs" / f"{SMALL.sha256}.gguf"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_an_installed_model_is_found(machine):
    path = put(machine, SMALL.size)
    found = checks()
    assert found["model smollm2-135m"].ok is True
    assert (found["inline suggestions"].version, found["inline suggestions"].where) == ("smollm2-135m", str(path))


def test_a_truncated_model_is_named(machine):
    put(machine, 17)
    found = checks()
    assert found["model smollm2-135m"].ok is False
    assert "truncated" in found["inline suggestions"].advice


def test_a_typo_in_the_settings_is_named_with_its_line(machine):
    (machine / "config").mkdir()
    (machine / "config" / "settings.toml").write_text("[completion]\nenabeld = true\n")
    settings = checks()["settings"]
    assert settings.ok is False
    assert "settings.toml:2: there is no setting 'completion.enabeld'" in settings.advice
    assert "'completion.enabled'" in settings.advice


def test_a_data_folder_that_is_a_file_is_told(machine):
    (machine / "data").write_text("")
    assert "is not a folder" in checks()["data folder"].advice


def test_a_native_library_that_does_not_load_is_told_and_harms_nobody(machine, monkeypatch):
    broken = machine / "broken" / "llama_cpp"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    native = checks()["llama-cpp-python"]
    assert native.ok is False
    assert native.advice


def test_the_index_of_this_project_is_found_with_its_size(machine, monkeypatch):
    project = machine / "project"
    (project / ".git").mkdir(parents=True)
    (project / "deep").mkdir()
    monkeypatch.chdir(project / "deep")
    before = checks()["code index"]
    assert before.ok is None
    assert "zi index" in before.advice
    folder = index_dir(project)
    assert not folder.exists()
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(bytes(3_000_000))
    after = checks()["code index"]
    assert (after.ok, after.where) == (True, str(folder))
    assert after.version == f"3.0 MB for {project}"


def test_an_index_that_is_switched_off_is_said_to_be(monkeypatch):
    monkeypatch.setenv("ZI_INDEX__ENABLED", "false")
    index = checks()["code index"]
    assert index.ok is None
    assert "zi.index.enabled" in index.advice


def test_the_packages_of_the_index_are_looked_at():
    found = checks()
    assert found["lancedb"].version
    assert found["watchfiles"].version
    done, _, wanted = found["grammars"].version.partition(" of ")
    assert int(done) == int(wanted) > 15


def test_no_python_package_at_all_is_needed_twice():
    names = [check.name for check in examine()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_the_command_ends_with_1_when_something_is_wrong(flags):
    done = subprocess.run(
        [sys.executable, "-m", "zicoder", "doctor", *flags],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"NO_COLOR": "1"},
        check=False,
    )
    assert done.returncode == 1
    if flags:
        document = json.loads(done.stdout)
        assert document["ok"] is False
        assert {"name", "ok", "version", "where", "advice"} == document["checks"][0].keys()
    else:
        assert "✗ inline suggestions" in done.stdout
