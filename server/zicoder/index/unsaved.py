"""What an editor has changed and not saved: it hides the file's rows in the store and is searched in their place.

Kept in memory only: unsaved text is one editor's business, and nothing of it goes to a store that others read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zicoder.index.frames import FileRows, Row
from zicoder.index.vectors import scales_of

__all__ = ["Corpus", "Unsaved", "UnsavedRow"]

K1 = 1.2
B = 0.75
"""Lance's own parameters of BM25, so that its scores and ours can be compared."""


@dataclass(frozen=True, slots=True)
class UnsavedRow:
    """One chunk of an unsaved document."""

    path: str
    row: Row
    vector: NDArray[np.float32]
    counts: Counter[str]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Corpus:
    """How common words are in the store, judged by a sample of its rows."""

    rows: int
    mean_length: float
    frequency: Counter[str]

    @classmethod
    def of(cls, sample: Iterable[str]) -> Corpus:
        """From the words of some rows."""
        frequency: Counter[str] = Counter()
        rows = length = 0
        for words in sample:
            split = words.split(" ")
            rows += 1
            length += len(split)
            frequency.update(set(split))
        return cls(rows, length / rows if rows else 1.0, frequency)

    def bm25(self, query: Sequence[str], counts: Counter[str]) -> float:
        """Okapi BM25 of one document."""
        length = counts.total()
        score = 0.0
        for word in query:
            if often := counts[word]:
                score += self._rarity(word) * often * (K1 + 1) / (often + K1 * (1 - B + B * length / self.mean_length))
        return score

    def ideal(self, query: Sequence[str]) -> float:
        """What no document can reach: every word of the query, and nothing else, again and again. Never zero."""
        return sum(self._rarity(word) for word in query) * (K1 + 1) or 1.0

    def _rarity(self, word: str) -> float:
        n = self.frequency[word]
        return math.log(1 + (self.rows - n + 0.5) / (n + 0.5))


class Unsaved:
    """The unsaved documents of one session. One thread changes it; readers may see either state, never a mixture."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._files: dict[str, tuple[str, tuple[UnsavedRow, ...]]] = {}
        """Hash of the text, and its rows."""

    @property
    def paths(self) -> frozenset[str]:
        """The documents with unsaved changes."""
        return frozenset(self._files)

    def put(self, file: FileRows) -> None:
        """Take over the rows of a document."""
        stored = np.frombuffer(file.vectors, np.int8).reshape(-1, self._dimension)
        matrix = stored * scales_of(stored)[:, None]
        rows = tuple(
            UnsavedRow(file.path, row, vector, Counter(row.words.split(" ")), frozenset(row.names.split(" ")))
            for row, vector in zip(file.rows, matrix, strict=True)
        )
        self._files = {**self._files, file.path: (file.file_hash, rows)}

    def drop(self, path: str) -> None:
        """The document was saved or closed: the file counts again."""
        self._files = {known: file for known, file in self._files.items() if known != path}

    def hash_of(self, path: str) -> str | None:
        """Hash of a document's unsaved text, None if there is none."""
        return self._files[path][0] if path in self._files else None

    def rows(self) -> list[UnsavedRow]:
        """Every chunk of every unsaved document."""
        return [row for _, rows in self._files.values() for row in rows]
