"""`zi complete` in a project: what other files say reaches the real model."""

from __future__ import annotations

import json
from pathlib import Path

from editor import RunZi

SHAPES = """def zylinder_volumen(radius, hoehe):
    return 3.14159 * radius**2 * hoehe
"""
MAIN = """import shapes


def volume_of(radius, height):
    return shapes.
"""


def test_another_file_of_the_project_is_known(zi: RunZi, qwen: Path, root: Path) -> None:
    (root / "pyproject.toml").write_text("[project]\nname = 'solids'\n")
    (root / "shapes.py").write_text(SHAPES)
    (root / "main.py").write_text(MAIN)
    alone = zi("complete", "main.py:5:19", "--file-alone")
    assert "zylinder_volumen" not in alone.stdout
    found = json.loads(zi("complete", "main.py:5:19", "--json").stdout)
    assert found["text"].startswith("zylinder_volumen(radius, height)"), found
