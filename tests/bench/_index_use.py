"""The parts of `zi bench index` that use an index inside one process, as the server does."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.bench._harness import timed
from tests.bench._index_build import Bench, say
from tests.bench.questions import FILES, entries

from zicoder.index.code_index import CodeIndex, IndexState
from zicoder.index.search import DEPTH
from zicoder.index.static_embedder import StaticEmbedder
from zicoder.index.store import Found, Store

__all__ = ["query", "save", "vectors"]

WARM_UP = 30
SAVES = 20
SNIPPET_LINES = 12


def percentiles(name: str, times: Sequence[float]) -> dict[str, float]:
    """p50 and p95 in milliseconds."""
    return {
        f"{name}_p50_ms": round(statistics.median(times), 1),
        f"{name}_p95_ms": round(float(np.percentile(times, 95)), 1),
    }


def all_questions() -> list[str]:
    """The texts of every question of every package: those about other packages are questions, too."""
    return [text for path in FILES for text, _, _ in entries(path)]


class _Running:
    """An index as the server runs it, until it is up to date: watcher, unsaved text and all."""

    def __init__(self, bench: Bench, size: str) -> None:
        self.ready = asyncio.Event()
        self.index = CodeIndex(bench.tree(size), bench.indexed(size), on_status=self._told)

    def _told(self, status: Any) -> None:
        if status.state is IndexState.READY:
            self.ready.set()

    async def __aenter__(self) -> CodeIndex:
        self._task = asyncio.create_task(self.index.run())
        await self.ready.wait()
        return self.index

    async def __aexit__(self, *_: object) -> None:
        await self.index.close()
        await asyncio.gather(self._task, return_exceptions=True)


def query(bench: Bench, size: str) -> dict[str, Any]:
    """Latencies of all kinds of questions, one after the other, and of an update that finds nothing to do."""
    return asyncio.run(_query(bench, size))


async def _query(bench: Bench, size: str) -> dict[str, Any]:
    material = _Material(bench.store(size)) if bench.index_folder(size).is_dir() else None
    async with _Running(bench, size) as index:
        material = material or _Material(bench.store(size))
        say(f"{size}: nothing changed, open index")
        unchanged = sorted([(await timed(index.update()))[1] for _ in range(5)])[2]
        questions = all_questions()
        result: dict[str, Any] = {"unchanged_open_s": round(unchanged / 1000, 2), "questions": len(questions)}
        kinds: dict[str, tuple[Sequence[str], Callable[[str], Awaitable[Any]]]] = {
            "search": (questions, lambda text: index.search(text, 10)),
            "symbols": (material.prefixes, lambda name: index.symbols(name)),
            "definitions": (material.names, lambda name: index.definitions([name])),
            "callers": (material.names, lambda name: index.callers(name)),
            "similar": (material.snippets, lambda text: index.similar(text, 5)),
        }
        for name, (asked, ask) in kinds.items():
            say(f"{size}: {len(asked)} times {name}")
            for text in asked[:WARM_UP]:
                await ask(text)
            result |= percentiles(name, [(await timed(ask(text)))[1] for text in asked])
        return result


class _Material:
    """Names and pieces of code of the index itself, spread over it."""

    def __init__(self, store: Store) -> None:
        symbols = sorted({symbol for _, symbol in store.column("symbol") if symbol.isidentifier()})
        self.names = symbols[:: max(1, len(symbols) // 200)]
        self.prefixes = [name[: max(3, len(name) // 2)] for name in self.names]
        self.snippets = ["\n".join(text.splitlines()[:SNIPPET_LINES]) for text in store.sample("text", 100)]


def save(bench: Bench, size: str) -> dict[str, Any]:
    """Milliseconds from telling that a file was saved to a search that finds what is new in it."""
    return asyncio.run(_save(bench, size))


async def _save(bench: Bench, size: str) -> dict[str, Any]:
    async with _Running(bench, size) as index:
        files = _some_files(index.root, bench.store(size))
        say(f"{size}: saving {len(files)} files")
        times: list[float] = []
        for number, file in enumerate(files):
            path, before = file.relative_to(index.root).as_posix(), file.read_bytes()
            name = f"zibenchprobe{chr(ord('a') + number)}"  # one word, so that nothing else is like it
            file.write_bytes(before + f"\n\n# {name}\nfunction {name}() {{ return 1 }}\n".encode())
            start = time.perf_counter()
            index.document_saved(path)
            async with asyncio.timeout(30):
                while not any(name in hit.text for hit in await index.search(name, 10)):
                    await asyncio.sleep(0.002)
            times.append((time.perf_counter() - start) * 1000)
            file.write_bytes(before)
            index.document_saved(path)
            await asyncio.sleep(0.6)  # the watcher tells what it saw, too
            await index.settled()
        return percentiles("saved_to_found", times)


def _some_files(root: Path, store: Store) -> list[Path]:
    """Indexed source files between 3 and 60 kB, spread over the tree."""
    files = [
        root / path
        for path in sorted(store.files())
        if path.endswith((".py", ".js")) and 3_000 < (root / path).stat().st_size < 60_000
    ]
    return files[:: max(1, len(files) // SAVES)][:SAVES]


def vectors(bench: Bench, size: str) -> dict[str, Any]:
    """The nearest vectors, at search's depth: time, and how many of the ten nearest a search finds.

    From `vectors.ROUGH_ROWS` on a search compares only those whose signs are alike.
    """
    bench.indexed(size)
    embedder = StaticEmbedder.load()
    store = Store.open(str(bench.index_folder(size)), dimension=embedder.dimension, vectors=embedder.name, write=True)
    asked = [vector for vector in map(embedder.embed_query, all_questions()) if vector.any()]
    say(f"{size}: {len(asked)} vectors, compared with all")
    flat, flat_times = _nearest(store, asked, exact=True)
    say(f"{size}: {len(asked)} vectors as a search compares them")
    near, near_times = _nearest(store, asked, exact=False)
    found = [len({hit.id for hit in a} & {hit.id for hit in b}) / len(a) for a, b in zip(flat, near, strict=True) if a]
    return {
        "vectors": store.count(),
        **percentiles("vectors_flat", flat_times),
        **percentiles("vectors_searched", near_times),
        "vector_recall_at_10": round(statistics.mean(found), 3),
    }


def _nearest(store: Store, asked: Sequence[Any], *, exact: bool) -> tuple[list[list[Found]], list[float]]:
    answers: list[list[Found]] = []
    times: list[float] = []
    for vector in [*asked[:WARM_UP], *asked]:
        start = time.perf_counter()
        answers.append(store.nearest(vector, DEPTH, exact=exact)[:10])
        times.append((time.perf_counter() - start) * 1000)
    return answers[WARM_UP:], times[WARM_UP:]
