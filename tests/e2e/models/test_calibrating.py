"""Models measured by the real engine: from the command line, and by a server that nobody types in."""

import json
import math
import os
import shutil
import subprocess
import sys

import psutil
import pytest

from zicoder.complete.completer import Completer
from zicoder.lsp import calibrating
from zicoder.models import calibration
from zicoder.models.calibration import Measured, Measurement
from zicoder.models.store import ModelStore
from zicoder.text import Edit, Snapshot
from zicoder.workspace import Workspace, cache_dir

SMALL, LARGE, LEFT_TO_RIGHT = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m"
URI = "file:///typed.py"


@pytest.fixture
def store(tmp_path, monkeypatch, qwen):
    """The real small models, and a larger one that does not load: its file holds nothing."""
    real = ModelStore()
    left = real.path(real.catalog[LEFT_TO_RIGHT])
    monkeypatch.setenv("ZI_DATA_DIR", str(tmp_path / "data"))
    store = ModelStore()
    blobs = store.blob(store.catalog[LARGE]).parent
    blobs.mkdir(parents=True)
    for path in (qwen, left):
        try:
            os.link(path, blobs / path.name)
        except OSError:
            shutil.copyfile(path, blobs / path.name)
    with store.blob(store.catalog[LARGE]).open("wb") as file:
        file.write(b"GGUF")
        file.truncate(store.catalog[LARGE].size)
    return store


def test_calibrate_measures_what_is_installed_and_auto_goes_by_it(store):
    def zi(*arguments):
        command = [sys.executable, "-P", "-m", "zicoder", *arguments, "--json"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=150, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return json.loads(done.stdout)

    told = zi("bench", "completion", "--calibrate")
    small, large = told["models"]
    assert (small["name"], small["error"]) == (SMALL, "")
    assert min(small["promptTokensPerS"], small["firstTokenMs"], small["tokensPerS"]) > 0
    assert large["name"] == LARGE
    assert large["error"]
    assert not large["meetsBudget"]
    assert (told["chosen"], told["setting"]) == (SMALL, "auto")

    checks = {check["name"]: check for check in zi("doctor")["checks"]}
    assert "ms to the first token" in checks[f"measured {SMALL}"]["version"]
    assert checks[f"measured {LARGE}"]["version"] == large["error"]
    assert checks["inline suggestions"]["version"] == SMALL


class Host:
    """The part of a server that measuring needs. Somebody types as soon as it has looked `quiet_looks` times."""

    def __init__(self, project, quiet_looks=10**9):
        self.project = project
        self.completer = Completer(project)
        self.messages = []
        self._looks_left = quiet_looks

    @property
    def open_uris(self):
        self._looks_left -= 1
        if self._looks_left < 0:
            before, after = (Snapshot(uri=URI, version=n, language="python", text="x" * n) for n in (1, 2))
            self.completer.changed(before, after, [Edit(1, 1, "x")])
        return [URI] if self._looks_left < 0 else []

    def window_show_message(self, params):
        self.messages.append(params.message)

    async def choose_model_again(self):
        self.project.choose_again()
        await self.project.warm_up()


@pytest.fixture
def at_once(monkeypatch):
    """An idle moment comes soon, and on a busy machine too."""
    for name, value in {"QUIET_S": 1.0, "LOOK_S": 0.01, "IDLE_PERCENT": 100.0, "TRIES": 1}.items():
        monkeypatch.setattr(calibrating, name, value)


async def test_an_idle_server_changes_to_a_larger_model_that_is_quick_enough(store, qwen, at_once, monkeypatch):
    monkeypatch.setattr(calibration, "FIRST_TOKEN_MS", math.inf)
    monkeypatch.setattr(calibration, "TOKENS_PER_S", 0.0)
    larger = store.blob(store.catalog[LARGE])
    shutil.copyfile(qwen, larger)
    os.truncate(larger, store.catalog[LARGE].size)  # the engine does not mind what follows the last tensor
    async with Workspace() as project:
        host = Host(project)
        await project.warm_up()
        measured = Measured(cache_dir(), project.settings.engine)
        measured.keep(Measurement(name=SMALL, sha256=store.catalog[SMALL].sha256, first_token_ms=1, tokens_per_s=1))
        await calibrating.calibrate_when_idle(host)
        assert {row.name for row in measured.rows().values()} == {SMALL, LARGE}
        assert (await project.infill_model()).name == LARGE
        assert [message.partition(":")[0] for message in host.messages] == [f"Zi chose {LARGE}"]
        kept = measured.path.read_bytes()
        await calibrating.calibrate_when_idle(host)  # as at the next start: there is nothing left to measure
        assert measured.path.read_bytes() == kept
        assert len(host.messages) == 1
        await host.completer.close()


async def test_somebody_who_types_has_the_machine_back(store, at_once):
    async with Workspace() as project:
        host = Host(project, quiet_looks=1)
        await project.warm_up()
        await calibrating.calibrate_when_idle(host)
        assert not Measured(cache_dir(), project.settings.engine).rows()
        assert [child.pid for child in psutil.Process().children()] == [project.engine.pid]
        assert (await project.infill_model()).name == SMALL
        await host.completer.close()
