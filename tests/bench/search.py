"""`zi bench search`: how good the answers are, over packages that nothing was trained or tuned on.

Two kinds of questions: the first sentence of a docstring, asked of a copy of the package without its docstrings, and
questions written by hand. Every system sees the same candidates of the same index; what differs is the weights.
Options: `--package NAME` (repeatable), `--role tune|report`, `--limit N` docstrings a package, `--better` (with the
better embedder, which has to embed every chunk first: minutes).
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.bench import corpora
from tests.bench._harness import report
from tests.bench.docstrings import docstring_queries
from tests.bench.questions import WORDINGS, questions
from tests.bench.questions import Query as Asked

from zicoder.index.code_index import CodeIndex
from zicoder.index.query import Query
from zicoder.index.ranking import Candidate, Ranking, rank
from zicoder.index.search import Scope, Searcher
from zicoder.models.embedding.registry import make_embedder

KINDS = ("docstring", "question")

PLAIN = Ranking(exact=0, coverage=0, definition=0, tests=0, vendored=0, aside=0, fold=False)
"""What the look-ups say, and nothing that knows code."""


def systems(better: bool) -> dict[str, Ranking]:
    """The table's rows."""
    best = Ranking() if better else replace(Ranking(), better=0)
    first = replace(Ranking(), better=0)
    rows = {
        "bm25": replace(PLAIN, lexical=1, meaning=0),
        "static": replace(PLAIN, lexical=0, better=0),
        "hybrid": replace(PLAIN, better=0),
        "hybrid + ranking": first,
    }
    if better:
        rows |= {
            "better": replace(PLAIN, lexical=0, better=1),
            "static + better": replace(PLAIN, lexical=0),
            "hybrid with better": PLAIN,
            "hybrid with better + ranking": best,
        }
    off: dict[str, Any] = {
        "exact": 0,
        "coverage": 0,
        "definition": 0,
        "tests": 0,
        "vendored": 0,
        "aside": 0,
        "fold": False,
    }
    rows |= {f"without {name}": replace(best, **{name: value}) for name, value in off.items()}
    rows["without words"] = replace(best, lexical=0)
    rows["without meaning"] = replace(best, meaning=0)
    return rows


@dataclass
class Case:
    """One question with everything that was found for it."""

    asked: Asked
    query: Query
    candidates: list[Candidate]
    milliseconds: float


def relevant(candidate: Candidate, asked: Asked) -> int | None:
    """Which of the targets this is, None if none."""
    found = candidate.found
    for number, target in enumerate(asked.targets):
        if found.path == target.path and found.start < target.end and target.start < found.end:
            return number
    return None


def judge(case: Case, ranking: Ranking) -> tuple[float, float]:
    """NDCG@10 and reciprocal rank. Several chunks of one target count once."""
    candidates = [copy.copy(c) for c in case.candidates if use(c, ranking)]
    seen: set[int] = set()
    gain = reciprocal = 0.0
    for place, candidate in enumerate(rank(case.query, candidates, ranking)[:10]):
        target = relevant(candidate, case.asked)
        if target is not None and target not in seen:
            seen.add(target)
            gain += 1 / math.log2(place + 2)
            reciprocal = reciprocal or 1 / (place + 1)
    places = {(t.path, t.start) for t in case.asked.targets}
    ideal = 1.0 if alternatives(case.asked) else sum(1 / math.log2(n + 2) for n in range(min(10, len(places))))
    return min(1.0, gain / ideal), reciprocal


def alternatives(asked: Asked) -> bool:
    """Whether one of the targets is answer enough: those of a question are alternatives."""
    return asked.kind == "question"


def use(candidate: Candidate, ranking: Ranking) -> bool:
    """A system sees what its own look-ups found."""
    meant = ranking.meaning and (candidate.better if ranking.better == 1 else candidate.static) is not None
    return bool(meant or (ranking.lexical and candidate.lexical))


async def cases_of(tree: Path, asked: Sequence[Asked], folder: Path, better: bool) -> list[Case]:
    """Index a tree and gather the candidates of every question."""
    async with CodeIndex(tree, folder, embedder=make_embedder("minilm") if better else None) as index:
        await index.update()
        await index.embed_everything()
        searcher = index.searcher
        assert searcher is not None
        return [await asyncio.to_thread(_gather, searcher, one) for one in asked]


def _gather(searcher: Searcher, asked: Asked) -> Case:
    query = Query.parse(asked.text)
    started = time.perf_counter()
    candidates = searcher.candidates(query, Scope(), Ranking())
    return Case(asked, query, candidates, (time.perf_counter() - started) * 1000)


async def gather(packages: Iterable[str], limit: int, better: bool) -> dict[str, list[Case]]:
    """Cases by package."""
    found: dict[str, list[Case]] = {}
    home = corpora.cache() / "indexes"
    for package in packages:
        say(f"{package} …")
        written = questions(package)
        mined, stripped = docstring_queries(package, limit)
        cases = await cases_of(corpora.source(package), written, home / f"{package}-plain", better) if written else []
        if mined:
            cases += await cases_of(stripped, mined, home / f"{package}-stripped", better)
        found[package] = cases
    return found


def table(found: dict[str, list[Case]], rows: dict[str, Ranking]) -> dict[str, dict[str, float]]:
    """The mean over packages of each package's mean, for docstrings and questions apart."""
    result: dict[str, dict[str, float]] = {}
    for name, ranking in rows.items():
        by: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        for package, cases in found.items():
            for case in cases:
                by[case.asked.kind, package].append(judge(case, ranking))
        line: dict[str, float] = {}
        for kind in KINDS:
            means = [
                (sum(n for n, _ in scores) / len(scores), sum(r for _, r in scores) / len(scores))
                for (k, _), scores in by.items()
                if k == kind
            ]
            if means:
                line[f"{kind} ndcg@10"] = round(sum(n for n, _ in means) / len(means), 4)
                line[f"{kind} mrr"] = round(sum(r for _, r in means) / len(means), 4)
        result[name] = line
    return result


def by_wording(found: dict[str, list[Case]], better: bool) -> dict[str, dict[str, float]]:
    """NDCG@10 of questions by how many words they share with the code, over all packages together."""
    rows = {name: ranking for name, ranking in systems(better).items() if not name.startswith("without")}
    every = [case for cases in found.values() for case in cases if case.asked.wording]
    result: dict[str, dict[str, float]] = {}
    for name, ranking in rows.items():
        scores: dict[str, list[float]] = defaultdict(list)
        for case in every:
            scores[case.asked.wording].append(judge(case, ranking)[0])
        result[name] = {wording: round(sum(s) / len(s), 4) for wording in WORDINGS if (s := scores[wording])}
    return result


def say(line: str) -> None:
    """What goes on, for who waits."""
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str]) -> int:
    """Run; the table is kept as JSON."""
    parser = argparse.ArgumentParser(prog="zi bench search")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--package", action="append")
    parser.add_argument("--role", default="report", choices=["tune", "report"])
    parser.add_argument("--limit", type=int, default=40)
    parser.add_argument("--better", action="store_true")
    options = parser.parse_args(argv)
    packages = options.package or [source.name for source in corpora.sources(options.role)]
    found = asyncio.run(gather(packages, options.limit, options.better))
    every = [case for cases in found.values() for case in cases]
    counts = {kind: sum(case.asked.kind == kind for case in every) for kind in KINDS}
    wordings = {word: sum(case.asked.wording == word for case in every) for word in WORDINGS}
    rows = table(found, systems(options.better))
    if not options.json:
        for name, line in rows.items():
            say(f"{name:<28}" + "  ".join(f"{value:.3f}" for value in line.values()))
    result = {"role": options.role, "packages": sorted(found), "queries": counts, "wordings": wordings}
    return report("search", {**result, "systems": rows, "by wording": by_wording(found, options.better)}, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
