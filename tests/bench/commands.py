"""`zi bench commands`: what a person waits for at a /command, through the real server with the local chat model.

How long until a command is acknowledged, until the first text of an answer whose prompt begins like the one before,
how far apart messages of a stream are, and what an answer that streams does to suggestions. Options: `--json`,
`--rounds N` (3).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types
from tests.bench._harness import Editor, median, report
from tests.bench.completion import places, source

TOKEN = "bench"
QUESTION = "In one sentence: what does `wrap` do? @textwrap_copy.py:1-150"
AGAIN = ("And `fill`?", "And `dedent`?", "And `indent`?", "And `shorten`?")
LONG = "Explain every method of this class, one after the other, in detail. @textwrap_copy.py:40-120"


class _Stream:
    """The messages of one command, and when they came."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.times: list[tuple[float, Any]] = []

        @editor.client.feature(types.PROGRESS)
        def told(params: types.ProgressParams) -> None:
            if params.token == TOKEN:
                self.times.append((time.perf_counter(), params.value))

    async def run(self, text: str, conversation: str | None) -> tuple[dict[str, float], Any]:
        """Milliseconds until the first message and the first text; the answer."""
        self.times.clear()
        start = time.perf_counter()
        answer = await self.editor.client.workspace_execute_command_async(
            types.ExecuteCommandParams("zi.run", [{"text": text, "token": TOKEN, "conversation": conversation}])
        )
        first = next((at for at, value in self.times if _has_text(value)), time.perf_counter())
        gaps = [(b[0] - a[0]) * 1000 for a, b in zip(self.times, self.times[1:], strict=False)]
        return {
            "acknowledged_ms": (self.times[0][0] - start) * 1000,
            "first_text_ms": (first - start) * 1000,
            "shortest_gap_ms": min(gaps, default=0.0),
            "messages": len(self.times),
        }, answer


def _has_text(value: Any) -> bool:
    events = value["events"] if isinstance(value, dict) else value.events
    return any((each["kind"] if isinstance(each, dict) else each.kind) == "delta" for each in events)


def _of(answer: Any, name: str) -> Any:
    return answer[name] if isinstance(answer, dict) else getattr(answer, name)


async def _suggestions(editor: Editor, root: Path, times: list[float]) -> None:
    """Milliseconds to a suggestion at new lines of a file, once its prompt is in the cache."""
    lines = source(textwrap)
    uri = (root / "typed.py").as_uri()
    editor.open(uri, "".join(lines))
    for line in places(lines)[1:5]:
        position = editor.type(uri, types.Position(line, 0), "        x")
        editor.cursor(uri, position)
        await asyncio.sleep(1.5)
        position = editor.type(uri, position, "_0 = ")
        start = time.perf_counter()
        await editor.ghost(uri, position)
        why = await editor.why()
        if why["model"] and why["firstTokenMs"] is not None:
            times.append((time.perf_counter() - start) * 1000)
        editor.type(uri, position, "\n")


async def _measure(root: Path, rounds: int) -> dict[str, Any]:
    (root / "textwrap_copy.py").write_text("".join(source(textwrap)), encoding="utf-8")
    editor = Editor()
    stream = _Stream(editor)
    await editor.start(root)
    await editor.ready()
    first, answer = await stream.run(QUESTION, None)
    later: list[dict[str, float]] = []
    for text in AGAIN[:rounds]:
        found, answer = await stream.run(text, _of(_of(answer, "data"), "conversation"))
        later.append(found)
    alone: list[float] = []
    beside: list[float] = []
    await _suggestions(editor, root, alone)
    talking = asyncio.create_task(stream.run(LONG, None))
    await asyncio.sleep(5)
    await _suggestions(editor, root, beside)
    ended_early = talking.done()
    await talking
    await editor.stop()
    return {
        "first_command_acknowledged_ms": round(first["acknowledged_ms"], 1),
        "first_command_first_text_ms": round(first["first_text_ms"], 1),
        "acknowledged_ms": median([each["acknowledged_ms"] for each in later]),
        "first_text_ms": median([each["first_text_ms"] for each in later]),
        "shortest_gap_ms": round(min(each["shortest_gap_ms"] for each in (first, *later)), 1),
        "messages": sum(int(each["messages"]) for each in (first, *later)),
        "suggestion_alone_ms": median(alone) if alone else None,
        "suggestion_beside_answer_ms": median(beside) if beside else None,
        "answer_ended_before_the_typing": ended_early,
        "rounds": len(later),
    }


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="zi bench commands", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="zi-bench-commands-", ignore_cleanup_errors=True) as folder:
        return report("commands", asyncio.run(_measure(Path(folder).resolve(), options.rounds)), argv)


if __name__ == "__main__":
    import sys

    raise SystemExit(main(sys.argv[1:]))
