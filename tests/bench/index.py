"""`zi bench index`: what the code index costs and how fast it answers, on real sources of four sizes.

Options: `--json`; `--only build,query,save,vectors,editor`; `--sizes 10k,100k,470k,1M`; `--folder DIR` works there and
leaves the copies and indexes for the next run. Steps are told on stderr.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
from tests.bench._harness import report
from tests.bench._index_build import Bench, build, say
from tests.bench._index_editor import editor
from tests.bench._index_use import query, save, vectors
from tests.bench.corpora import SIZES

PARTS: dict[str, Callable[[Bench, str], dict[str, Any]]] = {
    "build": build,
    "query": query,
    "save": save,
    "vectors": vectors,
    "editor": editor,
}
EDITOR_SIZE = "470k"
"""Typing beside an index takes minutes; this is the size that the issue names."""
_RATIOS = ("cpu_us_per_line", "disk_over_source", "unchanged_open_s", "search_p50_ms", "saved_to_found_p50_ms")


def measure(folder: Path, parts: Sequence[str], sizes: Sequence[str]) -> dict[str, Any]:
    """Each part for each size."""
    bench = Bench(folder)
    result: dict[str, Any] = {}
    for size in sizes:
        for part in parts:
            if part == "editor" and size != EDITOR_SIZE:
                continue
            say(f"{size}: {part} (load {psutil.getloadavg()[0]:.1f})")
            values = PARTS[part](bench, size)
            say(f"{size}: {values}")
            result.setdefault(size, {}).update(values)
    for key in _RATIOS:
        grown = {size: values[key] for size, values in result.items() if key in values}
        if len(grown) > 1:
            result.setdefault("growth", {})[key] = grown
    return result


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="zi bench index", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(argv)
    parts = [part for part in PARTS if part in options.only.split(",")]
    sizes = [size for size in SIZES if size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="zi-bench-index-", ignore_cleanup_errors=True) as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        return report("index", measure(folder, parts, sizes), argv)


if __name__ == "__main__":
    import sys

    raise SystemExit(main(sys.argv[1:]))
