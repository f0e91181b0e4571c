"""Turns mined pairs into a vocabulary and arrays of its rows: `features.py MINED OUT [ROWS]`.

Writes `vocabulary.txt` (a row a line, most frequent first, pieces last), `counts.npy` and one .npz per kind of text in
compressed-sparse-row form: rows, counts and offsets.
"""
# numpy's savez takes arrays by any name, which its types mistake for its own options.
# pyright: reportArgumentType=false

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from zicoder.index.static_embedder import pieces_of
from zicoder.index.words import words_of

__all__ = ["EXTRAS", "FIELDS", "encode", "vocabulary_of"]

FIELDS = ("code", "name", "scope", "path", "first", "doc")
EXTRAS = ("comments_query", "comments_code", "calls_query", "calls_code")
_PROSE = 4  # words of questions are worth more in the vocabulary than as many words of code
_PIECES = 6000


def vocabulary_of(counts: Counter[str], rows: int) -> list[str]:
    """The most frequent words, then the pieces that cover the most occurrences of the words that were left out."""
    characters = sorted({c for word in counts for c in word if c.isascii()})
    singles = characters + [f"##{c}" for c in characters]
    ranked = [word for word, _ in counts.most_common() if len(word) > 1 and word.isascii() and len(word) <= 24]
    kept = ranked[: rows - _PIECES - len(singles)]
    pieces: Counter[str] = Counter()
    for word in ranked[len(kept) : 400_000]:
        for size in range(3, min(9, len(word))):
            pieces[word[:size]] += counts[word] * size
            pieces["##" + word[-size:]] += counts[word] * size
    known = set(kept) | set(singles)
    extra = [piece for piece, _ in pieces.most_common(_PIECES * 2) if piece not in known]
    return kept + extra[: rows - len(kept) - len(singles)] + singles


def encode(texts: Iterable[str], rows: dict[str, int], cache: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Rows and counts of every text (its words joined by blanks), back to back, with the offsets of the texts."""
    flat: list[int] = []
    counts: list[int] = []
    offsets = [0]
    for text in texts:
        bag: Counter[int] = Counter()
        for word in text.split():
            pieces = cache.get(word)
            if pieces is None:
                pieces = cache[word] = pieces_of(word, rows)
            bag.update(pieces)
        flat.extend(bag.keys())
        counts.extend(bag.values())
        offsets.append(len(flat))
    return {
        "rows": np.asarray(flat, np.int32),
        "counts": np.asarray(counts, np.float32),
        "offsets": np.asarray(offsets, np.int64),
    }


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def _count(mined: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    for record in _records(mined / "functions.jsonl"):
        if record["split"] == "train":
            counts.update(set(record["code"].split()))
            for word in record["doc"].split():
                counts[word] += _PROSE
    return counts


def main(mined: Path, out: Path, rows: int) -> None:
    """Encodes everything that was mined for training."""
    out.mkdir(parents=True, exist_ok=True)
    counts = _count(mined)
    words = vocabulary_of(counts, rows)
    (out / "vocabulary.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    np.save(out / "counts.npy", np.asarray([max(1, counts[word.removeprefix("##")]) for word in words], np.float32))
    row_of = {word: row for row, word in enumerate(words)}
    cache: dict[str, tuple[int, ...]] = {}
    train = [record for record in _records(mined / "functions.jsonl") if record["split"] == "train"]
    packages = {name: at for at, name in enumerate(sorted({record["package"] for record in train}))}
    np.save(out / "packages.npy", np.asarray([packages[record["package"]] for record in train], np.int32))
    for field in FIELDS:
        np.savez(
            out / f"{field}.npz",
            **encode(
                (" ".join(words_of(record[field])) if field == "path" else record[field] for record in train),
                row_of,
                cache,
            ),
        )
    for extra in EXTRAS:
        kind, field = extra.split("_")
        texts = (record[field] for record in _records(mined / f"{kind}.jsonl"))
        np.savez(out / f"{extra}.npz", **encode(texts, row_of, cache))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 48_000)
