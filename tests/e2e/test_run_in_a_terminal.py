"""`zi run` for somebody who has a real terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from editor import WriteScript


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_in_a_terminal_the_answer_stands_alone(talk: WriteScript, root: Path) -> None:
    """Libraries that greet whoever has a terminal must not."""
    import pty

    talk({"when": "", "text": "Just this."})
    environment = {key: value for key, value in os.environ.items() if key not in ("CI", "PYTEST_VERSION")}
    shown, terminal = pty.openpty()
    command = [sys.executable, "-m", "zicoder", "run", "/ask what is this?"]
    with subprocess.Popen(command, cwd=root, env=environment, stdout=terminal, stderr=terminal, stdin=terminal) as done:
        os.close(terminal)
        text = b""
        with contextlib.suppress(OSError):  # Linux says so at the end
            while piece := os.read(shown, 4096):
                text += piece
    os.close(shown)
    assert done.returncode == 0
    assert b"Just this." in text
    assert b"pydantic" not in text.lower()
