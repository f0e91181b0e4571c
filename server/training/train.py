"""Trains the word table: `train.py FEATURES OUT.npy [--dimension 256] [--steps 1500] ...`.

Pairs of question and code are pulled together, all other code of the batch is pushed away (symmetric in-batch
negatives over sentence-transformers' StaticEmbedding), starting from the table distilled from MiniLM. One fixed seed.
"""
# torch and sentence-transformers are not in the environment that types are checked in.
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false, reportUntypedBaseClass=false

from __future__ import annotations

import argparse
import logging
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.distil import principal, sif
from training.features import EXTRAS, FIELDS
from zicoder.index.static_embedder import NAME_WEIGHT, PATH_WEIGHT, SCOPE_WEIGHT
from zicoder.index.words import words_of

_LOG = logging.getLogger("train")
SEED = 20261121
_WHITENING = 1.0
# With the usual 0.999 a word that is seen once in a thousand steps would be thrown across the room by that one.
_BETAS = (0.9, 0.99)
_DROPPED_SHARED = 0.3
_DROPPED_WORDS = 0.1
_PACKAGES_AT_ONCE = 8
_ASKED = 0.3
# What people add when they ask; it says nothing about the code.
_QUESTION_WORDS = words_of(
    "where what which how when who is are does do the a in of to for it we this that code function method class file"
    " handled implemented defined done made used find show me can i"
)


@dataclass(frozen=True)
class Texts:
    """Bags of rows in compressed-sparse-row form."""

    rows: np.ndarray
    counts: np.ndarray
    offsets: np.ndarray

    @classmethod
    def load(cls, path: Path) -> Texts:
        """Reads what features.py wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(file["rows"], file["counts"], file["offsets"])

    @property
    def lengths(self) -> np.ndarray:
        """Distinct rows of each text."""
        return np.diff(self.offsets)

    def take(self, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(text within the batch, row, count) of every entry of the chosen texts; a negative choice is empty."""
        lengths = np.where(texts >= 0, self.lengths[texts], 0)
        owners = np.repeat(np.arange(len(texts)), lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        at = self.offsets[texts][owners] + within
        return owners, self.rows[at], self.counts[at]


class Bags:
    """A batch of weighted bags under construction; equal rows of one text are added up, then damped by a root."""

    def __init__(self, size: int, rows: int) -> None:
        self._size, self._width = size, rows
        self._keys: list[np.ndarray] = []
        self._weights: list[np.ndarray] = []

    def add(self, texts: Texts, chosen: np.ndarray, weight: float = 1.0) -> None:
        """Adds a field of the chosen texts; -1 adds nothing."""
        owners, rows, counts = texts.take(chosen)
        self._keys.append(owners * self._width + rows)
        self._weights.append(counts * weight)

    def add_rows(self, owners: np.ndarray, rows: np.ndarray) -> None:
        """Adds single rows."""
        self._keys.append(owners * self._width + rows)
        self._weights.append(np.ones(len(rows)))

    def merged(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct keys (text * rows + row), sorted, and their summed weights."""
        keys, inverse = np.unique(np.concatenate(self._keys), return_inverse=True)
        return keys, np.bincount(inverse, np.concatenate(self._weights), len(keys))


def without_some(
    keys: np.ndarray, weights: np.ndarray, shared: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A question less some of its words, above all some that stand in the code too: it must be found by meaning."""
    chance = np.where(
        np.isin(keys, shared, assume_unique=True), _DROPPED_SHARED * random.random(len(keys)) * 2, _DROPPED_WORDS
    )
    kept = random.random(len(keys)) >= chance
    return keys[kept], weights[kept]


class Table(torch.nn.Module):
    """sentence-transformers' StaticEmbedding, fed with weighted rows."""

    def __init__(self, initial: np.ndarray, prior: np.ndarray) -> None:
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel

        super().__init__()
        tokenizer = Tokenizer(WordLevel({str(row): row for row in range(len(initial))}))
        self.static = StaticEmbedding(tokenizer, embedding_weights=initial.astype(np.float32))
        self.static.embedding.mode = "sum"
        # Rows stay near length 1 and the words' weights outside them: Adam's steps suit frequent and rare words alike.
        self._prior = prior.astype(np.float32)

    def forward(self, keys: np.ndarray, weights: np.ndarray, size: int) -> torch.Tensor:
        """Normalised vectors (size, dimension) of bags given as merged keys."""
        width = self.static.embedding.num_embeddings
        offsets = np.searchsorted(keys, np.arange(size) * width)
        rows = keys % width
        factors = np.sqrt(weights).astype(np.float32) * self._prior[rows]
        summed = self.static.embedding(
            torch.from_numpy(rows), torch.from_numpy(offsets), per_sample_weights=torch.from_numpy(factors)
        )
        return torch.nn.functional.normalize(summed, dim=1)

    def rows(self) -> np.ndarray:
        """The table as it is used: rows times weights."""
        return self.static.embedding.weight.detach().numpy() * self._prior[:, None]


class Pairs:
    """Draws batches of (question, code) of the four kinds."""

    def __init__(self, features: Path, rows: int) -> None:
        self._texts = {name: Texts.load(features / f"{name}.npz") for name in (*FIELDS, *EXTRAS)}
        self._rows = rows
        self._packages = np.load(features / "packages.npy", allow_pickle=False)
        self._described = np.flatnonzero(self._texts["first"].lengths >= 3)
        self._named = np.flatnonzero((self._texts["name"].lengths >= 2) & (self._texts["code"].lengths >= 8))
        words = (features / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
        self._question_words = np.asarray([words.index(word) for word in _QUESTION_WORDS])
        _LOG.info("%d documented, %d named", len(self._described), len(self._named))

    def batch(self, size: int, random: np.random.Generator) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Merged bags of `size` questions and of their code; most of a batch is documentation and code."""
        question, code = Bags(size, self._rows), Bags(size, self._rows)
        share = random.permutation(size)
        documented, named, comments, calls = np.split(share, (np.cumsum([0.62, 0.14, 0.14]) * size).astype(int))
        self._documented(question, code, documented, size, random)
        self._by_name(question, code, named, size, random)
        for kind, places in (("comments", comments), ("calls", calls)):
            chosen = self._spread(
                random.integers(0, len(self._texts[f"{kind}_code"].lengths), len(places)), places, size
            )
            question.add(self._texts[f"{kind}_query"], chosen)
            code.add(self._texts[f"{kind}_code"], chosen)
        asked = np.flatnonzero(random.random(size) < _ASKED)
        question.add_rows(np.repeat(asked, 2), random.choice(self._question_words, 2 * len(asked)))
        keys, weights = question.merged()
        code_keys, code_weights = code.merged()
        return without_some(keys, weights, code_keys, random), (code_keys, code_weights)

    def _by_package(self, texts: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
        """Half of the texts from anywhere, half from a few packages: in use, the wrong answers are of one project."""
        near: list[np.ndarray] = []
        for first in random.choice(texts, _PACKAGES_AT_ONCE):
            same = texts[self._packages[texts] == self._packages[first]]
            near.append(random.choice(same, count // 2 // _PACKAGES_AT_ONCE))
        apart = random.choice(texts, count - sum(map(len, near)))
        return random.permutation(np.concatenate([*near, apart]))

    def _spread(self, chosen: np.ndarray, places: np.ndarray, size: int) -> np.ndarray:
        spread = np.full(size, -1)
        spread[places] = chosen
        return spread

    def _documented(
        self, question: Bags, code: Bags, places: np.ndarray, size: int, random: np.random.Generator
    ) -> None:
        chosen = self._spread(self._by_package(self._described, len(places), random), places, size)
        whole = random.random(size) < 0.25
        question.add(self._texts["first"], np.where(whole, -1, chosen))
        question.add(self._texts["doc"], np.where(whole, chosen, -1))
        code.add(self._texts["code"], chosen)
        for field, weight, chance in (
            ("name", NAME_WEIGHT, 0.6),
            ("scope", SCOPE_WEIGHT, 0.7),
            ("path", PATH_WEIGHT, 0.7),
        ):
            code.add(self._texts[field], np.where(random.random(size) < chance, chosen, -1), weight)

    def _by_name(self, question: Bags, code: Bags, places: np.ndarray, size: int, random: np.random.Generator) -> None:
        chosen = self._spread(self._by_package(self._named, len(places), random), places, size)
        question.add(self._texts["name"], chosen)
        question.add(self._texts["scope"], np.where(random.random(size) < 0.3, chosen, -1))
        code.add(self._texts["code"], chosen)


def train(
    features: Path,
    *,
    dimension: int,
    steps: int,
    size: int,
    rate: float,
    scale: float,
    snapshot: Path | None = None,
) -> np.ndarray:
    """The trained table (rows, dimension) in floats."""
    random = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    counts = np.load(features / "counts.npy", allow_pickle=False)
    initial = principal(np.load(features / "teacher_rows.npy", allow_pickle=False), dimension, whitening=_WHITENING)
    table = Table(initial, sif(counts))
    pairs = Pairs(features, len(initial))
    optimiser = torch.optim.Adam(table.parameters(), lr=rate, betas=_BETAS)
    target = torch.arange(size)
    for step in range(steps):
        warm = min(1.0, (step + 1) / 50)
        optimiser.param_groups[0]["lr"] = rate * warm * (0.02 + 0.98 * (1 + math.cos(math.pi * step / steps)) / 2)
        question, code = pairs.batch(size, random)
        scores = scale * table(*question, size) @ table(*code, size).T
        loss = (
            torch.nn.functional.cross_entropy(scores, target) + torch.nn.functional.cross_entropy(scores.T, target)
        ) / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 50 == 0:
            _LOG.info("step %d loss %.4f", step, loss.item())
        if snapshot and step % 250 == 249:
            np.save(snapshot, table.rows())
    return table.rows()


def main() -> None:
    """The command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser()
    parser.add_argument("features", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--scale", type=float, default=20.0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    values = {name: value for name, value in vars(options).items() if name not in ("features", "out", "threads")}
    np.save(options.out, train(options.features, snapshot=options.out, **values))


if __name__ == "__main__":
    main()
