"""Measures search over packages that training never saw: `evaluate.py QUESTIONS.jsonl [NAME=TABLE ...]`.

Every question is asked among the definitions of its own package. A TABLE is a `.zitable` or FEATURES:FLOATS.npy.
With `--teacher MODEL`, MiniLM is measured too (its vectors are kept beside the questions).
"""
# sentence-transformers is not in the environment that types are checked in.
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zicoder.index.document import path_words
from zicoder.index.static_embedder import NAME_WEIGHT, PATH_WEIGHT, SCOPE_WEIGHT, Part, StaticEmbedder
from zicoder.index.words import words_of

Row = dict[str, str]
System = Callable[[list[Row], list[Row], str], np.ndarray]
"""(questions, candidates, name of the text field) -> scores (questions, candidates)."""


@dataclass(frozen=True)
class Result:
    """Means over packages, in percent."""

    ndcg: float
    mrr: float
    scripts: float
    """NDCG@10 over the JavaScript packages alone."""


def parts_of(row: Row, field: str) -> tuple[Part, ...]:
    """The parts of a candidate, as document_parts makes them for a chunk."""
    name, scope = ("", "") if field == "nameless" else (row["name"], row["scope"])
    return (
        (words_of(name), NAME_WEIGHT),
        (words_of(scope), SCOPE_WEIGHT),
        (path_words(row["path"]), PATH_WEIGHT),
        (words_of(row[field]), 1.0),
    )


def bm25(questions: list[Row], candidates: list[Row], field: str, *, k: float = 1.2, b: float = 0.75) -> np.ndarray:
    """Okapi BM25 over split words of the text, the scope and the path."""
    bags = [Counter(word for words, _ in parts_of(row, field) for word in words) for row in candidates]
    lengths = np.array([bag.total() for bag in bags], float)
    frequency = Counter(word for bag in bags for word in bag)
    norm = k * (1 - b + b * lengths / lengths.mean())
    scores = np.zeros((len(questions), len(candidates)))
    for at, question in enumerate(questions):
        for word in set(words_of(question["query"])):
            inverse = np.log(1 + (len(bags) - frequency[word] + 0.5) / (frequency[word] + 0.5))
            tf = np.array([bag[word] for bag in bags], float)
            scores[at] += inverse * tf * (k + 1) / (tf + norm)
    return scores


def by_table(embedder: StaticEmbedder) -> System:
    """Cosine of the table's vectors."""

    def score(questions: list[Row], candidates: list[Row], field: str) -> np.ndarray:
        asked = embedder.embed_words([words_of(row["query"]) for row in questions])
        return asked @ embedder.embed_parts([parts_of(row, field) for row in candidates]).T

    return score


def by_teacher(model: Path, kept: Path) -> System:
    """Cosine of MiniLM's vectors of the text under its path and name."""
    cache: dict[str, np.ndarray] = {}
    if kept.exists():
        with np.load(kept, allow_pickle=False) as file:
            cache = dict(zip(file["texts"].tolist(), file["vectors"], strict=True))
    loaded: list[object] = []

    def embed(texts: Sequence[str]) -> np.ndarray:
        from sentence_transformers import SentenceTransformer

        missing = sorted({text for text in texts if text not in cache})
        if missing:
            if not loaded:
                loaded.append(SentenceTransformer(str(model), device="cpu"))
            teacher: SentenceTransformer = loaded[0]
            cache.update(zip(missing, teacher.encode(missing, batch_size=32, normalize_embeddings=True), strict=True))
            np.savez(kept, texts=np.array(list(cache)), vectors=np.array(list(cache.values())))
        return np.array([cache[text] for text in texts])

    def score(questions: list[Row], candidates: list[Row], field: str) -> np.ndarray:
        texts = [f"{row['path']}\n{row[field]}"[:1500] for row in candidates]
        return embed([row["query"] for row in questions]) @ embed(texts).T

    return score


def fused(first: System, second: System, weight: float) -> System:
    """Standardised scores, the second `weight` times as heavy as the first."""

    def standard(scores: np.ndarray) -> np.ndarray:
        return (scores - scores.mean(axis=1, keepdims=True)) / (scores.std(axis=1, keepdims=True) + 1e-9)

    def score(questions: list[Row], candidates: list[Row], field: str) -> np.ndarray:
        return standard(first(questions, candidates, field)) + weight * standard(second(questions, candidates, field))

    return score


def measure(rows: list[Row], system: System, field: str) -> Result:
    """NDCG@10 and MRR, each package weighing the same."""
    ndcg: dict[str, float] = {}
    mrr: dict[str, float] = {}
    scripts: list[str] = []
    for package in dict.fromkeys(row["package"] for row in rows):
        candidates = [row for row in rows if row["package"] == package]
        wanted = [at for at, row in enumerate(candidates) if row["query"]]
        scores = system([candidates[at] for at in wanted], candidates, field)
        own = scores[np.arange(len(wanted)), wanted]
        # ties count against us
        ranks = (scores >= own[:, None]).sum(axis=1)
        ndcg[package] = float(np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0).mean())
        mrr[package] = float((1 / ranks).mean())
        if candidates[0]["language"] != "python":
            scripts.append(package)
    mean = [100 * float(np.mean(list(values))) for values in (ndcg.values(), mrr.values())]
    return Result(mean[0], mean[1], 100 * float(np.mean([ndcg[package] for package in scripts])))


def asked(rows: list[Row], path: Path) -> list[Row]:
    """The candidates with the questions of a tab-separated file of package, path, scope, name and question."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    questions = {tuple(line[:4]): line[4] for line in lines}
    packages = {line[0] for line in lines}
    keys = ("package", "path", "scope", "name")
    return [
        {**row, "query": questions.get(tuple(row[key] for key in keys), "")}
        for row in rows
        if row["package"] in packages
    ]


def table_of(argument: str) -> StaticEmbedder:
    """Loads `x.zitable`, or FEATURES:FLOATS.npy as an unquantised table."""
    if argument.endswith(".zitable"):
        return StaticEmbedder.load(Path(argument))
    features, floats = argument.split(":")
    words = (Path(features) / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[:-1]
    vectors = np.load(floats, allow_pickle=False)
    # the class multiplies whatever number type it is given
    return StaticEmbedder(name=floats, words=words, scales=np.ones(len(words), np.float32), vectors=vectors)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("questions", type=Path)
    parser.add_argument("tables", nargs="*", help="NAME=TABLE")
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--fuse", type=float, nargs="*", default=[])
    parser.add_argument("--packages", nargs="*", help="only these: MiniLM is slow")
    parser.add_argument("--asked", type=Path, help="questions by hand (asked.tsv) instead of the documentation's")
    parser.add_argument("--fields", nargs="*", default=["text", "nameless"])
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.questions.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["package"] in (options.packages or row["package"])]
    if options.asked:
        rows = asked(rows, options.asked)
    systems: dict[str, System] = {"BM25": bm25}
    for argument in options.tables:
        name, table = argument.split("=", 1)
        systems[name] = by_table(table_of(table))
        systems.update({f"BM25 + {weight:g} x {name}": fused(bm25, systems[name], weight) for weight in options.fuse})
    if options.teacher:
        systems["MiniLM"] = by_teacher(options.teacher, options.questions.with_suffix(".npz"))
        systems.update({f"BM25 + {w:g} x MiniLM": fused(bm25, systems["MiniLM"], w) for w in options.fuse})
    heads = [f"{figure} {field}" for field in options.fields for figure in ("NDCG@10", "MRR", "NDCG@10 JS")]
    sys.stdout.write(f"| system | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}\n")
    for name, system in systems.items():
        results = [measure(rows, system, field) for field in options.fields]
        figures = [f"{figure:.1f}" for result in results for figure in (result.ndcg, result.mrr, result.scripts)]
        sys.stdout.write(f"| {name} | {' | '.join(figures)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
