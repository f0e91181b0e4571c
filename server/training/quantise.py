"""Writes a float table as the int8 file that ships: `quantise.py FEATURES FLOATS.npy OUT.zitable NAME`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from zicoder.index.static_embedder import write_table


def quantise(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(int8 rows, their scales): each row uses the whole range of int8."""
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-9) / 127
    return np.rint(vectors / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def main(features: Path, floats: Path, out: Path, name: str) -> None:
    """Quantises one table."""
    words = (features / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[:-1]
    vectors, scales = quantise(np.load(floats, allow_pickle=False))
    write_table(out, name=name, words=words, scales=scales, vectors=vectors)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
