"""Unit vectors kept in one byte per number: how they are made, and compared with a question's.

A row is scaled so that its largest number is 127, and its length is divided out again when it is compared: the order
of the nearest hundred is that of the full numbers but for one in two hundred, in half the room of float16.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ByteVectors", "products", "quantised", "scales_of"]

LARGEST = 127
BLOCK_ROWS = 1024
"""Rows turned into float32 at a time: a megabyte stays in the processor's cache."""
ROUGH_ROWS = 20_000
"""From so many rows on, only those are compared exactly whose signs are most like the question's."""
ROUGH_SHARE = 8
"""One row in so many is compared exactly then; of the ten nearest four in a thousand are missed."""


def quantised(vectors: NDArray[np.floating]) -> NDArray[np.int8]:
    """Rows of any length, zeros included, in whole numbers from -127 to 127; same shape."""
    largest = np.max(np.abs(vectors), axis=1, keepdims=True, initial=0.0)
    factors = np.divide(LARGEST, largest, out=np.zeros_like(largest), where=largest > 0)
    return np.rint(vectors * factors).astype(np.int8)


def scales_of(matrix: NDArray[np.int8]) -> NDArray[np.float32]:
    """What each row (rows, dimension) is to be multiplied by to have length 1; 0 for a row of zeros."""
    squares = np.empty(len(matrix), np.float32)
    for at in range(0, len(matrix), BLOCK_ROWS):
        block = matrix[at : at + BLOCK_ROWS].astype(np.float32)
        squares[at : at + BLOCK_ROWS] = np.einsum("ij,ij->i", block, block)
    lengths = np.sqrt(squares)
    return np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)


def products(matrix: NDArray[np.int8], scales: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inner products of every row, at length 1, with `vector` of shape (dimension,)."""
    out = np.empty(len(matrix), np.float32)
    buffer = np.empty((min(BLOCK_ROWS, len(matrix)), matrix.shape[1]), np.float32)
    for at in range(0, len(matrix), BLOCK_ROWS):
        rows = matrix[at : at + BLOCK_ROWS]
        block = buffer[: len(rows)]
        np.copyto(block, rows, casting="unsafe")
        np.dot(block, vector, out=out[at : at + len(rows)])
    return out * scales


class ByteVectors:
    """Many vectors, `matrix` of shape (rows, dimension), and the scale of each row. Frozen."""

    def __init__(self, matrix: NDArray[np.int8], scales: NDArray[np.float32] | None = None) -> None:
        self.matrix = matrix
        self.scales = scales_of(matrix) if scales is None else scales
        self._signs = _signs(matrix) if len(matrix) >= ROUGH_ROWS else None

    def __len__(self) -> int:
        return len(self.matrix)

    def joined(self, left: NDArray[np.intp], new: ByteVectors, order: NDArray[np.intp]) -> ByteVectors:
        """The rows at the places `left` and all of `new`, the whole put in order."""
        matrix = np.empty((len(left) + len(new), self.matrix.shape[1]), np.int8)
        np.take(self.matrix, left, axis=0, out=matrix[: len(left)], mode="clip")  # "raise" would copy once more
        matrix[len(left) :] = new.matrix
        scales = np.concatenate([self.scales[left], new.scales])
        if (np.diff(order) == 1).all():  # new rows have the highest ids: nothing to move
            return ByteVectors(matrix, scales)
        return ByteVectors(matrix[order], scales[order])

    def products(self, places: NDArray[np.intp], vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inner products of the rows at these places."""
        return products(self.matrix[places], self.scales[places], vector)

    def nearest(
        self,
        vector: NDArray[np.float32],
        limit: int,
        *,
        among: NDArray[np.intp] | None = None,
        exact: bool = False,
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Places and inner products of the `limit` rows with the largest, best first; those at `among` only.

        `exact`: compares with every row however many there are.
        """
        if among is None and self._signs is not None and not exact:
            among = self._alike(self._signs, vector, max(limit, len(self) // ROUGH_SHARE))
        values = products(self.matrix, self.scales, vector) if among is None else self.products(among, vector)
        best = _largest(values, limit)
        return (best if among is None else among[best]), values[best]

    def _alike(self, signs: NDArray[np.uint64], vector: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
        """The rows with the most signs in common with `vector`."""
        wanted = _signs(np.asarray(vector, np.float32)[None, :])
        apart = np.zeros(len(self), np.uint16)
        for column, word in zip(signs, wanted[:, 0], strict=True):
            apart += np.bitwise_count(column ^ word)
        return np.sort(np.argpartition(apart, min(limit, len(self)) - 1)[:limit])


def _signs(matrix: NDArray[np.int8] | NDArray[np.float32]) -> NDArray[np.uint64]:
    """Which numbers are positive: bits in 64-bit words, of shape (words, rows)."""
    bits = np.packbits(matrix > 0, axis=1)
    padding = -bits.shape[1] % 8
    padded = np.pad(bits, ((0, 0), (0, padding)))
    return np.ascontiguousarray(padded.view(np.uint64).T)


def _largest(values: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
    """Where the largest values are, best first; equal ones in order of place."""
    if limit < len(values):
        places = np.argpartition(-values, limit)[:limit]
        places.sort()
    else:
        places = np.arange(len(values))
    return places[np.argsort(-values[places], kind="stable")]
