"""The part of `zi bench index` that types in an editor while the same server builds a full index."""

from __future__ import annotations

import asyncio
import json.decoder
import shutil
import textwrap
import time
from pathlib import Path
from typing import Any

from lsprotocol import types
from tests.bench._harness import Editor, median
from tests.bench._index_build import Bench, say
from tests.bench.completion import places, source

__all__ = ["editor"]

ROUNDS = 2
KEY_S = 0.18
PAUSE_S = 1.5
TYPED = "zq_0 = vx7(wk"
"""Nothing that a suggestion foresees, so that the model is asked at each key."""


class _Session:
    """One server over one tree, and the latencies of the completions asked of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.editor = Editor()
        self.times: list[float] = []
        self.first_token: list[float] = []
        self.index_s = 0.0

    async def start(self) -> None:
        await self.editor.start(self.root)
        self._started = time.perf_counter()
        await self.editor.ready()

    async def indexed(self) -> None:
        """Wait for the end of the first update."""
        while (await self._status())["state"] != "ready":
            await asyncio.sleep(0.25)
        self.index_s = time.perf_counter() - self._started

    async def _status(self) -> Any:
        return await self.editor.client.workspace_execute_command_async(
            types.ExecuteCommandParams(command="zi.indexStatus")
        )

    async def type(self) -> None:
        """Type a line in the middle of each of two files, asking at each key."""
        for module in (textwrap, json.decoder):
            lines = source(module)
            uri = (self.root / f"zi_bench_{module.__name__}.py").as_uri()
            self.editor.open(uri, "".join(lines))
            for line in places(lines)[1:4]:
                position = self.editor.type(uri, types.Position(line, 0), "        ")
                self.editor.cursor(uri, position)
                await asyncio.sleep(PAUSE_S)
                for char in TYPED:
                    position = self.editor.type(uri, position, char)
                    start = time.perf_counter()
                    await self.editor.ghost(uri, position)
                    took = time.perf_counter() - start
                    why = await self.editor.why()
                    if why["model"] and why["firstTokenMs"] is not None:
                        self.times.append(took * 1000)
                        self.first_token.append(why["firstTokenMs"])
                    await asyncio.sleep(max(0.0, KEY_S - took))
                self.editor.type(uri, position, "\n")
            self.editor.client.text_document_did_close(
                types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))
            )


async def _session(bench: Bench, size: str, *, fresh: bool, typing: bool) -> _Session:
    """One server's life: `fresh` has the whole index to build."""
    if fresh:
        shutil.rmtree(bench.index_folder(size), ignore_errors=True)
    session = _Session(bench.tree(size))
    await session.start()
    if not fresh:
        await session.indexed()
    waiting = asyncio.create_task(session.indexed())
    while typing and not (waiting.done() and session.times):
        await session.type()
        if not fresh:
            break
    await waiting
    await session.editor.stop()
    return session


def editor(bench: Bench, size: str) -> dict[str, Any]:
    """Completions while typing, alone and beside a full index, in turns; and how long the index takes in both cases."""
    return asyncio.run(_editor(bench, size))


async def _editor(bench: Bench, size: str) -> dict[str, Any]:
    alone: list[_Session] = []
    beside: list[_Session] = []
    quiet: list[_Session] = []
    for turn in range(ROUNDS):
        say(f"{size}: round {turn + 1} of {ROUNDS}: index alone")
        quiet.append(await _session(bench, size, fresh=True, typing=False))
        say(f"{size}: round {turn + 1} of {ROUNDS}: typing alone")
        alone.append(await _session(bench, size, fresh=False, typing=True))
        say(f"{size}: round {turn + 1} of {ROUNDS}: typing beside the index")
        beside.append(await _session(bench, size, fresh=True, typing=True))
    result: dict[str, Any] = {}
    for name, sessions in (("alone", alone), ("beside_index", beside)):
        times = [value for session in sessions for value in session.times]
        first = [value for session in sessions for value in session.first_token]
        result |= {
            f"completion_{name}_ms": median(times),
            f"first_token_{name}_ms": median(first),
            f"requests_{name}": len(times),
        }
    return {
        **result,
        "beside_over_alone": round(result["completion_beside_index_ms"] / result["completion_alone_ms"], 2),
        "index_alone_s": median([session.index_s for session in quiet]),
        "index_while_typing_s": median([session.index_s for session in beside]),
    }
