"""`zi bench startup`: from spawn to the answer to `initialize`, beside a bare pygls server, and memory then."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench._harness import Editor, median, report

RUNS = 7
FLOOR = "import pygls.lsp.server"
"""What no server on this stack can do without; our time over this one is the ratio that we can do something about."""


async def once(root: Path) -> tuple[float, float]:
    editor = Editor({"model": {"infill": "none"}})
    ms = await editor.start(root)
    rss = editor.process.memory_info().rss / 1e6
    await editor.stop()
    return ms, rss


def floor() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", FLOOR], check=True)
    return (time.perf_counter() - start) * 1000


def main(argv: Sequence[str]) -> int:
    times: list[float] = []
    memory: list[float] = []
    floors: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(once(Path(folder)))  # fills the file cache and writes .pyc files
        for _ in range(RUNS):
            floors.append(floor())
            ms, rss = asyncio.run(once(Path(folder)))
            times.append(ms)
            memory.append(rss)
    result: dict[str, Any] = {
        "initialize_ms": median(times),
        "initialize_ms_best": round(min(times), 1),
        "import_pygls_ms": median(floors),
        "initialize_over_import_pygls": median([t / f for t, f in zip(times, floors, strict=True)], 2),
        "server_rss_mb": median(memory),
        "runs": RUNS,
    }
    return report("startup", result, argv)
