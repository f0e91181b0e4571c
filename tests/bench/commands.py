"""`zi bench commands`: what a person waits for at a /command, through the real server with a local chat model.

Options: `--json`; `--only acknowledged,second-turn,beside` picks parts: how long until a command is acknowledged
(`acknowledged`); until the first text of an answer whose prompt of 1,500 tokens begins like the one before, and how far
apart the messages of a stream are (`second-turn`); and what an answer that streams does to suggestions, measured before
and beside it in one run (`beside`); `--rounds N` (3) is how often each is done, `--model NAME` the local chat model
(that of the settings). What is measured is kept after each part, so a run that is broken off has not been for nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

from lsprotocol import types
from tests.bench._harness import Editor, keep, median, report
from tests.bench.completion import places, source

TOKEN = "bench"
LONG_LINES = 130
"""Of textwrap's source: 1,500 tokens of a prompt."""
QUESTION = "In one short sentence: what does this do?"
AGAIN = (
    "What is `width`?",
    "What is `placeholder`?",
    "Who calls `_munge_whitespace`?",
    "What is `x`?",
    "And `unicode`?",
)
LONG_ANSWER = "Explain every method of this class, one after the other, in detail."
FREE = ("/help", "/history", "/agents", "/model", "/plan")
"""Commands that ask no model."""
PLACES = 4


class _Stream:
    """The messages of one command, and when they came."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.times: list[tuple[float, Any]] = []
        self.speaks = asyncio.Event()
        self._id = ""

        @editor.client.feature(types.PROGRESS)
        def told(params: types.ProgressParams) -> None:
            if params.token == TOKEN:
                self.times.append((time.perf_counter(), params.value))
                if "delta" in _kinds(params.value):
                    self.speaks.set()

    async def run(self, text: str, conversation: str | None = None) -> tuple[dict[str, float], Any]:
        """Milliseconds until the first message and the first text, and between messages; the answer."""
        self.times.clear()
        self.speaks.clear()
        self._id = str(uuid.uuid4())
        start = time.perf_counter()
        command = types.ExecuteCommandParams("zi.run", [{"text": text, "token": TOKEN, "conversation": conversation}])
        answer = await self.editor.client.protocol.send_request_async(
            types.WORKSPACE_EXECUTE_COMMAND, command, msg_id=self._id
        )
        first = next((at for at, value in self.times if "delta" in _kinds(value)), time.perf_counter())
        gaps = [(b[0] - a[0]) * 1000 for a, b in zip(self.times, self.times[1:], strict=False)]
        return {
            "acknowledged_ms": (self.times[0][0] - start) * 1000,
            "first_text_ms": (first - start) * 1000,
            "shortest_gap_ms": min(gaps, default=0.0),
            "messages": len(self.times),
            "prompt_tokens": max((_tokens(value) for _, value in self.times), default=0),
        }, answer

    def cancel(self) -> None:
        """End what runs."""
        self.editor.client.cancel_request(types.CancelParams(id=self._id))


def _of(value: Any, name: str) -> Any:
    """A field of what pygls makes of JSON."""
    return cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else getattr(value, name, None)


def _kinds(value: Any) -> list[str]:
    return [str(_of(each, "kind")) for each in _of(value, "events")]


def _tokens(value: Any) -> int:
    """Tokens of the prompt, from the message that tells what an answer has used."""
    return max((_of(each, "input_tokens") or 0 for each in _of(value, "events")), default=0)


async def _acknowledged(stream: _Stream, rounds: int) -> dict[str, Any]:
    """The very first command brings up what commands need; then those that ask no model."""
    first, _ = await stream.run("/help")
    later = [(await stream.run(text))[0]["acknowledged_ms"] for _ in range(rounds) for text in FREE]
    return {
        "first_command_acknowledged_ms": round(first["acknowledged_ms"], 1),
        "acknowledged_ms": median(later),
        "acknowledged_worst_ms": round(max(later), 1),
    }


async def _second_turn(stream: _Stream, rounds: int) -> dict[str, Any]:
    """Each turn of one conversation begins like the one before."""
    pasted = "".join(source(textwrap)[:LONG_LINES])
    first, answer = await stream.run(f"{QUESTION}\n```python\n{pasted}```")
    later: list[dict[str, float]] = []
    for text in AGAIN[:rounds]:
        found, answer = await stream.run(
            f"{text} Answer in one short sentence.", _of(_of(answer, "data"), "conversation")
        )
        later.append(found)
    return {
        "first_turn_first_text_ms": round(first["first_text_ms"], 1),
        "first_turn_prompt_tokens": first["prompt_tokens"],
        "next_turn_first_text_ms": median([each["first_text_ms"] for each in later]),
        "next_turn_worst_first_text_ms": round(max(each["first_text_ms"] for each in later), 1),
        "next_turn_prompt_tokens": median([each["prompt_tokens"] for each in later], 0),
        "next_turn_acknowledged_ms": median([each["acknowledged_ms"] for each in later]),
        "shortest_gap_ms": round(min(each["shortest_gap_ms"] for each in (first, *later)), 1),
        "messages": sum(int(each["messages"]) for each in (first, *later)),
    }


async def _beside(stream: _Stream, rounds: int, root: Path) -> dict[str, Any]:
    """Suggestions at fresh places of one file: alone, then while an answer streams."""
    lines = source(textwrap)
    uri = (root / "typed.py").as_uri()
    stream.editor.open(uri, "".join(lines))
    spots = [line + offset for offset in range(2) for line in places(lines)]
    alone = await _suggestions(stream.editor, uri, spots[: rounds + 1])
    pasted = "".join(lines[38:110])
    talking = asyncio.create_task(stream.run(f"{LONG_ANSWER}\n```python\n{pasted}```"))
    await stream.speaks.wait()
    said = len(stream.times)
    beside = await _suggestions(stream.editor, uri, spots[rounds + 1 : 2 * rounds + 2])
    result = {
        "suggestion_alone_ms": median(alone) if alone else None,
        "suggestion_beside_answer_ms": median(beside) if beside else None,
        "suggestion_beside_answer_worst_ms": round(max(beside), 1) if beside else None,
        "suggestions": [len(alone), len(beside)],
        "answer_ended_before_the_typing": talking.done(),
        "answer_went_on": len(stream.times) > said,
    }
    stream.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    return result


async def _suggestions(editor: Editor, uri: str, lines: Sequence[int]) -> list[float]:
    """Milliseconds to a suggestion of the model, two keys after the cursor came to rest at each of these lines."""
    times: list[float] = []
    for line in lines:
        position = editor.type(uri, types.Position(line, 0), "        x")
        editor.cursor(uri, position)
        await asyncio.sleep(1.5)
        position = editor.type(uri, position, "_0 = ")
        start = time.perf_counter()
        await editor.ghost(uri, position)
        took = (time.perf_counter() - start) * 1000
        why = await editor.why()
        if why["model"] and why["firstTokenMs"] is not None:
            times.append(took)
        editor.type(uri, position, "\n")
    return times


async def _measure(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    editor = Editor()
    stream = _Stream(editor)
    await editor.start(root)
    await editor.ready()
    parts: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
        "acknowledged": lambda: _acknowledged(stream, options.rounds),
        "second-turn": lambda: _second_turn(stream, options.rounds),
        "beside": lambda: _beside(stream, options.rounds, root),
    }
    result: dict[str, Any] = {"model": options.model or "auto", "rounds": options.rounds}
    try:
        for name, part in parts.items():
            if name in options.only:
                print(f"{name} ...", file=sys.stderr)
                result |= await part()
                keep("commands", result)
    finally:
        await editor.stop()
    return result


def main(argv: Sequence[str]) -> int:
    names = ("acknowledged", "second-turn", "beside")
    parser = argparse.ArgumentParser(prog="zi bench commands", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(names))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="")
    options = parser.parse_args(argv)
    if unknown := set(options.only) - set(names):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}; known: {', '.join(names)}")
    if options.model:
        os.environ["ZI_CHAT__MODEL"] = f"local:{options.model}"
    with tempfile.TemporaryDirectory(prefix="zi-bench-commands-", ignore_cleanup_errors=True) as folder:
        return report("commands", asyncio.run(_measure(Path(folder).resolve(), options)), argv)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
