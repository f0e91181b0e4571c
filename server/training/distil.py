"""The plain distilled table: training starts from it and is measured against it. `distil FEATURES MODEL [EARLIER]`

Every vocabulary row goes through MiniLM alone (as model2vec does); principal components, then smooth-inverse-frequency
weights. Writes `teacher_rows.npy` (rows, 384); train.py and quantise.py take the components and weights from here.
"""
# torch and sentence-transformers are not in the environment that types are checked in.
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

_SIF = 1e-3


def embed_rows(words: list[str], model: Path) -> np.ndarray:
    """MiniLM's vectors (rows, 384) of single words."""
    from sentence_transformers import SentenceTransformer

    teacher = SentenceTransformer(str(model), device="cpu")
    return teacher.encode([word.removeprefix("##") for word in words], batch_size=512, convert_to_numpy=True)


def principal(vectors: np.ndarray, dimension: int, *, whitening: float = 0.0) -> np.ndarray:
    """Rows of length 1 in the basis of their first `dimension` principal components.

    `whitening` 0 keeps the spread of the components, 1 makes them equally wide. Plain (0) rows keep their length.
    """
    centred = vectors - vectors.mean(axis=0)
    spread, basis = np.linalg.eigh(centred.T @ centred / len(vectors))
    components = centred @ basis[:, ::-1][:, :dimension]
    if not whitening:
        return components
    components /= spread[::-1][:dimension] ** (whitening / 2)
    return components / np.linalg.norm(components, axis=1, keepdims=True)


def sif(counts: np.ndarray) -> np.ndarray:
    """Smooth inverse frequency of rows: a / (a + p(row))."""
    return _SIF / (_SIF + counts / counts.sum())


def main(features: Path, model: Path, earlier: list[Path]) -> None:
    """Distils the vocabulary of `features`; words that an earlier vocabulary had are not embedded again."""
    words = _vocabulary(features)
    known: dict[str, np.ndarray] = {}
    for folder in earlier:
        known.update(zip(_vocabulary(folder), np.load(folder / "teacher_rows.npy", allow_pickle=False), strict=True))
    missing = [word for word in words if word not in known]
    if missing:
        known.update(zip(missing, embed_rows(missing, model), strict=True))
    np.save(features / "teacher_rows.npy", np.array([known[word] for word in words], np.float32))


def _vocabulary(features: Path) -> list[str]:
    return (features / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[:-1]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(folder) for folder in sys.argv[3:]])
