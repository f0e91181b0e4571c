"""`zi bench context`: whether the pieces of the project that go into a prompt hold the names that are needed next.

No model is asked. Of all places in the code of real packages where a line could be completed, those are taken whose
first line has a name that stands elsewhere in the project and not in the window around the cursor: there a model cannot
know it without context. Reported is how often the chosen pieces hold all such names, by budget and with each source
left out. Options: `--json`; `--role report|tune` picks the packages: nothing may be tuned on those of `report`;
`--per-file N` takes that many places of each file, from a fixed seed; `--limit N` that many of all.
"""

from __future__ import annotations

import argparse
import asyncio
import builtins
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.bench._completion_holes import SEED, Hole, candidates, packages, source_files
from tests.bench._completion_metrics import words_of_code
from tests.bench._harness import report
from tests.bench.corpora import source

from zicoder.context.arrange import WEIGHTS, choose, cost
from zicoder.context.place import Place
from zicoder.context.sources import Definitions, OwnFile, Piece, Similar
from zicoder.context.window import CHARS_PER_TOKEN, window_at
from zicoder.index.code_index import CodeIndex
from zicoder.text import Snapshot

BUDGETS = (256, 512, 1024, 2048)
ABLATED_AT = 512
LANGUAGES = ("python", "typescript")
MOST_FILES = 150
"""Of a package, so that a large one does not outweigh the others."""
PREFIX_TOKENS, SUFFIX_TOKENS = 768, 192
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")


@dataclass(frozen=True, slots=True)
class Case:
    """A place, the names that only the project knows, and everything that the sources offered for it."""

    hole: Hole
    needed: frozenset[str]
    place: Place
    pieces: tuple[Piece, ...]

    def found(self, chosen: Sequence[Piece]) -> bool:
        """Whether these pieces hold every name that is needed."""
        return self.needed <= words_of_code("\n".join(piece.text for piece in chosen), self.hole.language)


class Package:
    """The code of one package and the names in it."""

    def __init__(self, name: str, language: str) -> None:
        self.root, self.language, self.name = source(name), language, name
        self._texts = {
            path: (self.root / path).read_bytes().decode("utf-8", "replace")
            for path in source_files(self.root, language)
        }
        self._names = {path: words_of_code(text, language) for path, text in self._texts.items()}
        self._files_with = Counter(name for names in self._names.values() for name in names)

    def holes(self, per_file: int) -> list[Hole]:
        """Places that need a name from elsewhere, spread over the files."""
        random = Random(f"{SEED} {self.name}")
        found: list[Hole] = []
        paths = sorted(self._texts)
        for path in random.sample(paths, min(len(paths), MOST_FILES)):
            text = self._texts[path]
            here = list(candidates(self.name, path, self.language, text, random))
            random.shuffle(here)
            found += [hole for hole in here[:per_file] if self.needed(hole)]
        return found

    def needed(self, hole: Hole) -> frozenset[str]:
        """The names of the first line that stand in the project and not in the window around the cursor."""
        window = window_at(
            snapshot(hole, self.root), hole.start, prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS
        )
        shown = words_of_code(f"{window.prefix}\n{window.suffix}", hole.language)
        line = _STRING.sub("", hole.target.strip().split("\n")[0])
        names = {name for name in words_of_code(line, hole.language) if len(name) > 2 and not hasattr(builtins, name)}
        here = words_of_code(hole.punched, hole.language)
        own = self._names[hole.path]
        elsewhere = {name for name in names if name in here or self._files_with[name] > (name in own)}
        return frozenset(elsewhere - shown)


def snapshot(hole: Hole, root: Path) -> Snapshot:
    """The file with the hole as an editor has it open."""
    path = root / hole.path
    return Snapshot(uri=path.as_uri(), text=hole.punched, language=hole.language, path=path)


def places(role: str, languages: Sequence[str], per_file: int = 20) -> list[Hole]:
    """Holes in the packages of a role that need a name which only the project knows."""
    return [
        hole
        for language in languages
        for name in packages(role, language)
        for hole in Package(name, language).holes(per_file)
    ]


async def collect(role: str, per_file: int, folder: Path) -> list[Case]:
    """The cases of all packages of a role."""
    cases: list[Case] = []
    for language in LANGUAGES:
        for name in packages(role, language):
            package = Package(name, language)
            holes = package.holes(per_file)
            print(f"context: {name}, {len(holes)} places", file=sys.stderr, flush=True)
            if holes:
                async with CodeIndex(package.root, folder / name.replace("/", "-")) as index:
                    await index.open()
                    await index.update()
                    cases += [await _case(hole, package, index) for hole in holes]
    return cases


async def _case(hole: Hole, package: Package, index: CodeIndex) -> Case:
    def read(path: str) -> str:
        return (package.root / path).read_bytes().decode("utf-8", "replace")

    place = Place.at(snapshot(hole, package.root), hole.start, hole.path)
    own = OwnFile(before=int(PREFIX_TOKENS * CHARS_PER_TOKEN), after=int(SUFFIX_TOKENS * CHARS_PER_TOKEN))
    sources = Definitions(lambda: index, read), Similar(lambda: index), own
    pieces = [piece for each in sources for piece in await each.pieces(place)]
    return Case(hole, package.needed(hole), place, tuple(pieces))


def figures(cases: Sequence[Case], budget: int, weights: Mapping[str, float] = WEIGHTS) -> dict[str, float]:
    """Percent of the cases whose chosen pieces hold all names that are needed, by language; tokens on average."""
    chosen = [choose(case.place, case.pieces, budget, weights=weights) for case in cases]
    found = [case.found(pieces) for case, pieces in zip(cases, chosen, strict=True)]
    result: dict[str, float] = {"found": round(100 * sum(found) / len(cases), 1)}
    for language in LANGUAGES:
        own = [hit for case, hit in zip(cases, found, strict=True) if case.hole.language == language]
        if own:
            result[language] = round(100 * sum(own) / len(own), 1)
    return {**result, "tokens": round(sum(cost(piece) for pieces in chosen for piece in pieces) / len(cases))}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="zi bench context", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--role", choices=("tune", "report"), default="report")
    parser.add_argument("--per-file", type=int, default=20)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="zi-bench-context-", ignore_cleanup_errors=True) as folder:
        cases = asyncio.run(collect(options.role, options.per_file, Path(folder)))
    if options.limit is not None and options.limit < len(cases):
        cases = [cases[n * len(cases) // options.limit] for n in range(options.limit)]
    everything = sum(case.found(case.pieces) for case in cases)
    result: dict[str, Any] = {
        "role": options.role,
        "places": len(cases),
        "budget": {str(budget): figures(cases, budget) for budget in BUDGETS},
        "all_pieces": round(100 * everything / len(cases), 1),
        f"without_at_{ABLATED_AT}": {
            name: figures(cases, ABLATED_AT, {**WEIGHTS, name: 0.0})
            for name in ("outline", "definitions", "similar", "own")
        },
    }
    return report("context", result, argv)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
