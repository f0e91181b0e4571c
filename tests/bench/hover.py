"""`zi bench hover`: how long a hover takes through the language server, and which of its layers are there by then.

On released packages that nothing was tuned on, committed into a fresh repository: names that are called, in Python (by
jedi) and in TypeScript (by the code index). Each place is hovered over three times: when nothing is known of it
(`cold`), again at once (`again`), and after a pause in which late layers arrive (`later`). `idle_ms` is a request that
does nothing, asked in between: what the machine and the protocol take at that time.

Options: `--json`; `--count N` places for each language; `--only python,typescript`. Steps are told on stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from lsprotocol import types
from tests.bench._harness import Editor, median, report, timed
from tests.bench.corpora import source

PACKAGES = {"python": ("rich", ".py"), "typescript": ("zod", ".ts")}
FILES = 12
"""Files of each package that places are taken from: an editor does not have hundreds open."""
PAUSE_S = 2.0
BUDGET_MS = 50.0
_CALLED = re.compile(r"(?<![\w.])(?:[\w.]+\.)?([A-Za-z_]\w{2,})\(")
_LAYERS = {
    "index_only": re.compile(r"^Defined in .+:\d+$", re.MULTILINE),
    "uses": re.compile(r"^Used in ", re.MULTILINE),
    "change": re.compile(r"^(?:Last changed|Not committed)", re.MULTILINE),
}


@dataclass(frozen=True)
class Place:
    """A name that is called."""

    path: Path
    line: int
    character: int


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def project(name: str, folder: Path) -> Path:
    """A copy of a package, committed."""
    root = folder / name
    shutil.copytree(source(name), root)
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false")
    for arguments in (["init", "--quiet"], ["add", "--force", "."], ["commit", "--quiet", "-m", "Release"]):
        subprocess.run(("git", *who, *arguments), cwd=root, check=True)
    return root


def places(root: Path, ending: str, count: int) -> list[Place]:
    """The same ones each time."""
    chance = random.Random(7)
    files = [each for each in sorted(root.rglob(f"*{ending}")) if 4_000 < each.stat().st_size < 120_000]
    found: list[Place] = []
    for path in chance.sample(files, min(FILES, len(files))):
        lines = path.read_text(encoding="utf-8").split("\n")
        named = [
            Place(path, number, match.start(1) + 1)
            for number, line in enumerate(lines)
            if line.isascii() and not line.lstrip().startswith(("#", "//", "*", "def ", "class ", '"'))
            for match in _CALLED.finditer(line)
        ]
        found += chance.sample(named, min(len(named), -(-count // FILES)))
    return found[:count]


async def hovered(editor: Editor, place: Place) -> tuple[str, float]:
    """The text, and the milliseconds it took."""
    params = types.HoverParams(
        types.TextDocumentIdentifier(place.path.as_uri()), types.Position(place.line, place.character)
    )
    found, ms = await timed(editor.client.text_document_hover_async(params))
    return (found.contents.value if found is not None else ""), ms


def figures(rows: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Latencies in milliseconds, and shares of hovers in per cent."""
    times = sorted(ms for _, ms in rows)
    share = 100 / len(rows)
    result: dict[str, Any] = {
        "median_ms": median(times),
        "p95_ms": round(times[int(0.95 * (len(times) - 1))], 1),
        "max_ms": round(times[-1], 1),
        "within_budget_percent": round(share * sum(ms <= BUDGET_MS for ms in times), 1),
        "nothing_percent": round(share * sum(not text for text, _ in rows), 1),
    }
    for name, pattern in _LAYERS.items():
        result[f"{name}_percent"] = round(share * sum(bool(pattern.search(text)) for text, _ in rows), 1)
    return result


async def measure(language: str, folder: Path, count: int) -> dict[str, Any]:
    name, ending = PACKAGES[language]
    root = project(name, folder)
    chosen = places(root, ending, count)
    editor = Editor({"model": {"infill": "none"}, "diagnostics": {"level": "off"}})
    await editor.start(root)
    editor.client.initialized(types.InitializedParams())
    say(f"{name}: {await editor.index_ready()} files are indexed (load {psutil.getloadavg()[0]:.1f})")
    for path in sorted({place.path for place in chosen}):
        editor.open(path.as_uri(), path.read_text(encoding="utf-8"), language)
    while not (await editor.command("zi.prepared"))["prepared"]:
        await asyncio.sleep(0.2)
    _, first = await hovered(editor, chosen[0])
    rows: dict[str, list[tuple[str, float]]] = {"cold": [], "again": [], "later": []}
    idle: list[float] = []
    for number, place in enumerate(chosen[1:]):
        rows["cold"].append(await hovered(editor, place))
        rows["again"].append(await hovered(editor, place))
        await asyncio.sleep(PAUSE_S)
        rows["later"].append(await hovered(editor, place))
        idle.append((await timed(editor.command("zi.resume")))[1])
        if number % 20 == 19:
            say(f"{name}: {number + 1} of {len(chosen) - 1} places (load {psutil.getloadavg()[0]:.1f})")
    await editor.stop()
    result: dict[str, Any] = {"package": name, "places": len(chosen) - 1, "first_of_session_ms": round(first, 1)}
    return result | {"idle_ms": median(idle)} | {each: figures(found) for each, found in rows.items()}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="zi bench hover", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--only", default=",".join(PACKAGES))
    options = parser.parse_args(argv)
    result: dict[str, Any] = {"budget_ms": BUDGET_MS}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["ZI_CACHE_DIR"] = str(Path(folder) / "cache")
        for language in options.only.split(","):
            result[language] = asyncio.run(measure(language, Path(folder), options.count))
    return report("hover", result, argv)
