"""Whether a cache whose cells were moved by edits answers as well as one that was evaluated afresh.

Owns the part `shifted` of `zi bench completion`: at each hole the model first sees the file as it was a few edits
before, then as it is now, so that cells are moved; then the same prompt in an empty cache. No filter and no context.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from tests.bench._completion_holes import SEED, Hole
from tests.bench._completion_metrics import difference, first_line, similarity

from zicoder.context.window import window_at
from zicoder.engine.handle import Engine
from zicoder.models.llama import LlamaInfill
from zicoder.models.protocols import InfillRequest
from zicoder.models.store import ModelStore, choose_infill
from zicoder.settings import EngineSettings
from zicoder.text import Snapshot

__all__ = ["measure", "worse"]

PREFIX_TOKENS, SUFFIX_TOKENS = 320, 96
MOST_TOKENS = 40
EDITS = 3
NEAREST = 3
"""Lines above the cursor that the edits leave alone: what stands next to it is never stale for long."""


def earlier(prefix: str, suffix: str, random: Random) -> tuple[str, str]:
    """The text around a cursor as it may have been a few edits before: lines missing, lines too many, less typed."""
    above, below = prefix.split("\n"), suffix.split("\n")
    for _ in range(EDITS):
        lines = above if random.random() < 0.7 and len(above) > 2 * NEAREST else below
        room = range(1, max(2, len(lines) - (NEAREST if lines is above else 1)))
        at = random.choice(room)
        if random.random() < 0.5 and len(lines) > 2 * NEAREST:
            del lines[at]
        else:
            lines.insert(at, random.choice(lines))
    typed = above[-1]
    above[-1] = typed[: len(typed) - random.randrange(min(8, len(typed.strip())) + 1)]
    return "\n".join(above), "\n".join(below)


async def measure(holes: Sequence[Hole]) -> dict[str, Any]:
    """Exact match and edit similarity in percent, and tokens evaluated, of either way, and how the ways differ."""
    random = Random(SEED)
    chosen = choose_infill("auto", ModelStore())
    settings = EngineSettings()
    rows: list[dict[str, tuple[str, int]]] = []
    with tempfile.TemporaryDirectory(prefix="zi-bench-shifted-") as folder:
        async with Engine(log_file=Path(folder) / "engine.log") as engine:
            moved = LlamaInfill(engine, chosen, settings)
            for hole in holes:
                file = Snapshot(uri="hole", text=hole.punched, language=hole.language)
                window = window_at(file, hole.start, prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS)
                now = window.prefix, window.suffix
                await _ask(moved, *earlier(*now, random), tokens=1)
                fresh = LlamaInfill(engine, replace(chosen, name="fresh"), settings)
                rows.append({"moved": await _ask(moved, *now), "fresh": await _ask(fresh, *now)})
                engine.unload("fresh")
    return _figures(holes, rows)


async def _ask(model: LlamaInfill, prefix: str, suffix: str, tokens: int = MOST_TOKENS) -> tuple[str, int]:
    """The first line that the model writes, and how many tokens of the prompt it had to evaluate."""
    request = InfillRequest(document="hole", prefix=prefix, suffix=suffix, max_tokens=tokens, draft=False)
    stream, text = model.infill(request), ""
    async for piece in stream:
        text += piece
        if "\n" in text.lstrip():
            break
    await stream.aclose()
    return text, stream.stats.evaluated_tokens


def _figures(holes: Sequence[Hole], rows: Sequence[dict[str, tuple[str, int]]]) -> dict[str, Any]:
    scores: dict[str, tuple[list[float], list[float]]] = {}
    result: dict[str, Any] = {"positions": len(holes)}
    for way in ("moved", "fresh"):
        said = [first_line(row[way][0]) for row in rows]
        wanted = [first_line(hole.target) for hole in holes]
        exact = [float(a == b) for a, b in zip(said, wanted, strict=True)]
        edit = [similarity(a, b) for a, b in zip(said, wanted, strict=True)]
        scores[way] = exact, edit
        result[way] = {
            "exact": round(100 * sum(exact) / len(exact), 1),
            "edit": round(100 * sum(edit) / len(edit), 1),
            "evaluated": round(sum(row[way][1] for row in rows) / len(rows)),
        }
    result["same_answer"] = round(
        100 * sum(first_line(row["moved"][0]) == first_line(row["fresh"][0]) for row in rows) / len(rows), 1
    )
    for n, name in enumerate(("exact", "edit")):
        result[f"moved_minus_fresh_{name}"] = [
            round(100 * value, 1) for value in difference(scores["moved"][n], scores["fresh"][n])
        ]
    return result


def worse(found: Mapping[str, Any]) -> list[str]:
    """In what answers from moved cells are worse than those from fresh ones, beyond noise: a 95 % interval below 0."""
    return [name for name in ("exact", "edit") if found[f"moved_minus_fresh_{name}"][2] < 0]
