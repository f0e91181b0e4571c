"""Starting the engine's process: its command line, its environment, its log."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import BinaryIO

__all__ = ["launch"]

log = logging.getLogger("zicoder.engine")


async def launch(python: str, log_file: Path | None) -> asyncio.subprocess.Process:
    """A process of the engine's worker, its wire on its standard input and output. Raises OSError."""
    errors = _opened(log_file)
    try:
        # Threads that wait for each other must sleep, not spin: beside a busy process, spinning on its core was
        # measured to make generation seven times slower.
        # -P: a project's own `zicoder` or `numpy` folder must not get onto the path of a process we start in it
        return await asyncio.create_subprocess_exec(
            python, "-P", "-X", "utf8", "-m", "zicoder.engine.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL if errors is None else errors,
            env={"OMP_WAIT_POLICY": "passive", **os.environ},
        )  # fmt: skip
    finally:
        if errors is not None:
            errors.close()


def _opened(log_file: Path | None) -> BinaryIO | None:
    if log_file is None:
        return None
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        return log_file.open("ab")
    except OSError as error:
        log.warning("no engine log: %s", error)
        return None
