"""The parts of `zi bench index` that run the real command: `zi index` in a process of its own, watched from outside.

Owns the trees and index folders that the measurements share. Must never write into the cache of the corpora.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from tests.bench.corpora import SIZES, assemble

from zicoder.index.code_index import CodeIndex
from zicoder.index.static_embedder import StaticEmbedder
from zicoder.index.store import Store
from zicoder.workspace import index_dir

__all__ = ["Bench", "build", "say"]

_OTHERS = frozenset({"ZI_BENCH_DIR", "ZI_DATA_DIR"})
SAMPLE_S = 0.05
USS_EVERY = 5
"""USS is read from a list of all mappings, which costs the watched process time."""


def say(what: str) -> None:
    """One line of what happens, for whoever waits."""
    print(f"index: {what}", file=sys.stderr, flush=True)


class Bench:
    """A folder with a copy of each size's sources and their indexes. Our process and its children use its folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in [name for name in os.environ if name.startswith("ZI_") and name not in _OTHERS]:
            del os.environ[name]
        os.environ.update({f"ZI_{name}_DIR": str(folder / name.lower()) for name in ("CACHE", "CONFIG", "LOG")})

    def tree(self, size: str) -> Path:
        """The sources of a size, for us to change."""
        root = self.folder / "trees" / size
        if not root.is_dir():
            say(f"{size}: copying {', '.join(SIZES[size])}")
            assemble(size, root.parent)
        return root

    def index_folder(self, size: str) -> Path:
        """Where the index of a size lies."""
        return index_dir(self.tree(size))

    def indexed(self, size: str) -> Path:
        """The same once it holds an up-to-date index."""
        say(f"{size}: bringing the index up to date")
        run_index(self.tree(size))
        return self.index_folder(size)

    def store(self, size: str) -> Store:
        """The index of a size for reading; it must be there."""
        embedder = StaticEmbedder.load()
        return Store.open(
            str(self.index_folder(size)), dimension=embedder.dimension, vectors=embedder.name, write=False
        )


class Watch:
    """Memory and processor time of a process and its children, sampled in a thread until it ends."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._pid = pid
        self._cpu: dict[int, float] = {}
        self._done = threading.Event()
        self.peak_rss = 0
        """Sum over the processes; what they share (libraries) is counted in each."""
        self.peak_uss = 0
        """Sum of what belongs to one process alone; sampled less often."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def cpu(self) -> float:
        """Processor seconds of all processes, those that ended included."""
        return sum(self._cpu.values())

    @property
    def cpu_of_root(self) -> float:
        return self._cpu.get(self._pid, 0.0)

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        turn = 0
        while not self._done.is_set():
            self._look(uss=turn % USS_EVERY == 0)
            turn += 1
            self._done.wait(SAMPLE_S)

    def _look(self, *, uss: bool) -> None:
        rss = own = 0
        with suppress(psutil.Error):
            for process in (self._root, *self._root.children(recursive=True)):
                with suppress(psutil.Error):
                    times = process.cpu_times()
                    self._cpu[process.pid] = times.user + times.system
                    rss += process.memory_info().rss
                    own += process.memory_full_info().uss if uss else 0
        self.peak_rss, self.peak_uss = max(self.peak_rss, rss), max(self.peak_uss, own)


def run_index(root: Path) -> dict[str, Any]:
    """Run `zi index --json` on a folder; its report and what it took."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "zicoder", "index", str(root), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    watch = Watch(process.pid)
    out, _ = process.communicate()
    wall = time.perf_counter() - start
    watch.stop()
    if process.returncode:
        raise RuntimeError(f"zi index ended with {process.returncode} in {root}")
    return {
        **json.loads(out),
        "wall": wall,
        "cpu": watch.cpu,
        "own_cpu": watch.cpu_of_root,
        "rss": watch.peak_rss,
        "uss": watch.peak_uss,
    }


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


async def first_answer(bench: Bench, size: str) -> float:
    """Seconds from opening an empty index in a running process to the first search that finds something."""
    folder = bench.folder / "first"
    shutil.rmtree(folder, ignore_errors=True)
    start = time.perf_counter()
    async with CodeIndex(bench.tree(size), folder) as index:
        await index.open()
        update = asyncio.create_task(index.update())
        while not await index.search("read the settings", 1):
            await asyncio.sleep(0.02)
        took = time.perf_counter() - start
        update.cancel()
    await asyncio.gather(update, return_exceptions=True)
    shutil.rmtree(folder, ignore_errors=True)
    return took


def build(bench: Bench, size: str) -> dict[str, Any]:
    """A full build from nothing by `zi index`, then the same with nothing changed, each in a fresh process."""
    root, folder = bench.tree(size), bench.index_folder(size)
    shutil.rmtree(folder, ignore_errors=True)
    load = psutil.getloadavg()[0]
    say(f"{size}: full build")
    done = run_index(root)
    disk = size_of(folder)
    say(f"{size}: nothing changed, three fresh processes")
    again = sorted((run_index(root) for _ in range(3)), key=lambda run: run["wall"])[1]
    say(f"{size}: the first answer of a new index")
    first = asyncio.run(first_answer(bench, size))
    contents = [(root / path).read_bytes() for path in bench.store(size).files()]
    lines, source_bytes = sum(content.count(b"\n") for content in contents), sum(map(len, contents))
    return {
        "files": done["files"],
        "chunks": done["chunks"],
        "lines": lines,
        "source_mb": round(source_bytes / 1e6, 2),
        "tree_mb": round(size_of(root) / 1e6, 2),
        "wall_s": round(done["wall"], 2),
        "update_s": done["seconds"],
        "cpu_s": round(done["cpu"], 2),
        "cpu_s_of_the_writer": round(done["own_cpu"], 2),
        "cpu_us_per_line": round(done["cpu"] * 1e6 / lines, 1),
        "peak_rss_mb": round(done["rss"] / 1e6),
        "peak_uss_mb": round(done["uss"] / 1e6),
        "disk_mb": round(disk / 1e6, 2),
        "disk_over_source": round(disk / source_bytes, 2),
        "first_answer_s": round(first, 2),
        "unchanged_fresh_s": round(again["wall"], 2),
        "unchanged_fresh_update_s": again["seconds"],
        "load_before": round(load, 2),
    }
