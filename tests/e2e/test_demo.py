"""`zi demo`: the product on real input, with the real model."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor import RunZi

pytestmark = pytest.mark.model


def test_the_demo_shows_ghost_text_members_and_hover(zi: RunZi, qwen: Path) -> None:
    done = zi("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ghost text" in done.stdout
    suggested = done.stdout.partition("suggested: ")[2].splitlines()[0]
    assert "price" in suggested
    members = done.stdout.partition("Members after")[2].splitlines()[1]
    assert "total" in members
    assert "def total" in done.stdout.partition("Hover")[2]
    assert "zi lsp" in done.stdout, "how to go on"
