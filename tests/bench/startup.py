"""`zi bench startup`: from spawn to the answer to `initialize`, beside a pygls server that can do nothing else."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench._harness import Editor, median, report

RUNS = 9
BARE = ("-c", "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()")
"""What no server on this stack can do without; our time over this one is the part that is ours."""


async def zi(root: Path) -> tuple[float, float]:
    editor = Editor({"model": {"infill": "none"}})
    ms = await editor.start(root)
    rss = editor.process.memory_info().rss / 1e6
    await editor.stop()
    return ms, rss


async def bare(root: Path) -> float:
    editor = Editor()
    ms = await editor.start(root, arguments=BARE)
    await editor.stop()
    return ms


def main(argv: Sequence[str]) -> int:
    times: list[float] = []
    memory: list[float] = []
    floors: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(zi(Path(folder)))  # fills the file cache and writes .pyc files
        for _ in range(RUNS):
            floors.append(asyncio.run(bare(Path(folder))))
            ms, rss = asyncio.run(zi(Path(folder)))
            times.append(ms)
            memory.append(rss)
    result: dict[str, Any] = {
        "initialize_ms": median(times),
        "initialize_ms_best": round(min(times), 1),
        "bare_pygls_initialize_ms": median(floors),
        "initialize_over_bare_pygls": median([t / f for t, f in zip(times, floors, strict=True)], 2),
        "server_rss_mb": median(memory),
        "runs": RUNS,
    }
    return report("startup", result, argv)
