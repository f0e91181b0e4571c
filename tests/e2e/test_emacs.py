"""A real Emacs as a client, with the file that docs/editors.md offers. The test runs `emacs_session.el`.

Without Emacs, or an Emacs without Eglot, this is skipped, and says so; `.ci/run` installs both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from editor import WriteScript

SESSION = Path(__file__).with_name("emacs_session.el")
ZI_EL = Path(__file__).resolve().parents[2] / "docs" / "editors" / "zi.el"
PACKAGES = "(progn (require 'package) (package-initialize))"
FIXED = "```python\ndef area(width, height):\n    return width + height\n```"


@pytest.fixture(scope="module")
def emacs() -> str:
    """Skips where there is none."""
    found = shutil.which("emacs")
    reason = "" if found else "there is no Emacs (apt install emacs-nox elpa-eglot)"
    if found:
        command = [found, "--batch", "-q", "--eval", PACKAGES, "--eval", "(require 'eglot)"]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            reason = "this Emacs has no Eglot (apt install elpa-eglot)"
    if reason:
        pytest.skip(reason)
    assert found
    return found


def test_a_session_in_emacs(emacs: str, script: WriteScript, talk: WriteScript, root: Path) -> None:
    script({"after": "return ", "text": "width * height"})
    talk({"when": "why", "text": "Because of the area.", "piece": 4}, {"when": "the sum", "text": FIXED})
    (root / ".zicoder").mkdir()
    (root / "area.py").write_text("def area(width, height):\n    return \n\n\n")
    done = subprocess.run(
        [emacs, "--batch", "-q", "-l", str(SESSION)],
        cwd=root,
        env=os.environ | {"HOME": str(root), "SERVER_PYTHON": sys.executable, "ZI_EL": str(ZI_EL)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=170,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "FAIL" not in said, said
    assert done.returncode == 0, said
    assert "unknown notification" not in said
    assert done.stdout.count("ok ") == 17, said


def test_the_file_is_compiled_without_a_warning(emacs: str, tmp_path: Path) -> None:
    copy = tmp_path / "zi.el"
    shutil.copy(ZI_EL, copy)
    command = [emacs, "--batch", "-q", "--eval", PACKAGES, "--eval", "(setq byte-compile-error-on-warn t)"]
    command += ["-f", "batch-byte-compile", str(copy)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
