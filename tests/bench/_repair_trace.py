"""A pytest plugin that writes down which functions each test calls. It runs beside the tests of a fetched package.

Stands alone: it is copied to where they run. What it writes is JSON: test -> [passed, seconds, [[file, line], ...]].
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

ROOT = str(Path.cwd()) + os.sep
OUT = Path(os.environ["ZI_REPAIR_TRACE"])

rows: dict[str, tuple[bool, float, list[tuple[str, int]]]] = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    start = time.perf_counter()
    sys.setprofile(note)
    outcome = yield
    sys.setprofile(None)
    seconds = time.perf_counter() - start
    places = {(code.co_filename.removeprefix(ROOT), code.co_firstlineno) for code in called}
    inside = sorted((file, line) for file, line in places if not Path(file).is_absolute())
    rows[item.nodeid] = (outcome.excinfo is None, round(seconds, 3), inside)


def pytest_sessionfinish() -> None:
    OUT.write_text(json.dumps(rows), encoding="utf-8")
