"""The part of `zi bench completion` that waits as a user does: first suggestions, typing against all odds, a crash.

Compared in one run: a request prepared by idle prefill against one that was not; typing on against asking cold.
"""

from __future__ import annotations

import asyncio
import inspect
import json.decoder
import tempfile
import textwrap
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from lsprotocol import types
from tests.bench._harness import Editor, median

__all__ = ["measure", "places", "source"]

LINES = 300
OPEN_S = 2.0
IDLE_S = 30
CALM_S = 130
"""Longer than the server waits for a pause before it measures the models."""
SOURCES: tuple[ModuleType, ...] = (textwrap, json.decoder)
"""Modules of the standard library, repeated up to 300 lines: material that is on every machine."""


def source(module: ModuleType) -> list[str]:
    lines = inspect.getsource(module).splitlines(keepends=True)
    while len(lines) < LINES:
        lines += lines
    return lines[:LINES]


def places(lines: list[str]) -> list[int]:
    """Lines of code to ask at, spread over the file: indented, not blank, not comments, followed by more."""
    good = [
        n
        for n, line in enumerate(lines)
        if 60 < n < LINES - 20 and line.startswith("        ") and len(line.strip()) > 15 and line.strip()[0].isalpha()
    ]
    return good[:: max(1, len(good) // 5)][:5]


async def fresh(editor: Editor, folder: Path, prepared: bool) -> tuple[list[float], list[int]]:
    """First suggestion in a file that was opened two seconds ago, with or without idle prefill."""
    times: list[float] = []
    evaluated: list[int] = []
    for module in SOURCES:
        lines = source(module)
        for line in places(lines):
            text = "".join(
                [
                    *lines[:line],
                    lines[line][: len(lines[line]) - len(lines[line].lstrip()) + 6],
                    "\n",
                    *lines[line + 1 :],
                ]
            )
            uri = (folder / f"{module.__name__}_{line}_{prepared}.py").as_uri()
            editor.open(uri, text)
            indent = len(lines[line]) - len(lines[line].lstrip())
            position = types.Position(line, indent + 6)
            if prepared:
                editor.cursor(uri, position)
            await asyncio.sleep(OPEN_S)
            start = time.perf_counter()
            await editor.ghost(uri, position, invoked=True)
            times.append((time.perf_counter() - start) * 1000)
            why = await editor.why()
            evaluated.append(why["evaluatedTokens"] or 0)
    return times, evaluated


async def typing(editor: Editor, folder: Path) -> dict[str, Any]:
    """Type a line character by character that no suggestion foresees, asking at each."""
    first: list[float] = []
    evaluated: list[int] = []
    for module in SOURCES:
        lines = source(module)
        uri = (folder / f"{module.__name__}_typing.py").as_uri()
        editor.open(uri, "".join(lines))
        line = places(lines)[2]
        position = types.Position(line, 0)
        position = editor.type(uri, position, "        ")
        editor.cursor(uri, position)
        await asyncio.sleep(12)  # typing goes on in a file that has been open for a while
        for char in "zq_0 = vx7(wk":
            position = editor.type(uri, position, char)
            await editor.ghost(uri, position)
            why = await editor.why()
            if why["firstTokenMs"] is not None and why["model"]:
                first.append(why["firstTokenMs"])
                evaluated.append(why["evaluatedTokens"])
    return {
        "typing_first_token_ms": median(first),
        "typing_evaluated_tokens_median": median(evaluated, 0),
        "typing_evaluated_tokens_max": max(evaluated),
        "typing_requests": len(first),
    }


async def crash(editor: Editor, folder: Path) -> list[float]:
    """Seconds from killing the engine to the next answered completion."""
    times: list[float] = []
    for n in range(2):  # a third crash within a minute would stop the engine
        uri = (folder / f"crash_{n}.py").as_uri()
        editor.open(uri, "def double(x):\n    return x * 2\n\n\ndef triple(x):\n    return \n")
        start = time.perf_counter()
        editor.engine().kill()
        while not await editor.ghost(uri, types.Position(5, 11), invoked=True):
            await asyncio.sleep(0.05)
        times.append(time.perf_counter() - start)
    return times


async def measure() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        editor = Editor()
        await editor.start(folder)
        await editor.ready()
        cold, cold_tokens = await fresh(editor, folder, prepared=False)
        prepared, prepared_tokens = await fresh(editor, folder, prepared=True)
        typed = await typing(editor, folder)
        crashes = await crash(editor, folder)
        server, engine = editor.process.memory_info().rss, editor.engine().memory_info().rss
        settled = await editor.quiet(CALM_S)
        busy = editor.cpu_s()
        await asyncio.sleep(IDLE_S)
        idle = max(0.0, editor.cpu_s() - busy)
        await editor.stop()
    return {
        "first_suggestion_prepared_ms": median(prepared),
        "first_suggestion_cold_ms": median(cold),
        "prepared_over_cold": round(median(prepared) / median(cold), 2),
        "first_evaluated_tokens_prepared": median(prepared_tokens, 0),
        "first_evaluated_tokens_cold": median(cold_tokens, 0),
        **typed,
        "crash_to_completion_s": median(crashes, 2),
        "server_rss_mb": round(server / 1e6, 1),
        "engine_rss_mb": round(engine / 1e6, 1),
        "quiet_after_s": settled,
        "idle_cpu_percent": round(idle / IDLE_S * 100, 2),
    }
