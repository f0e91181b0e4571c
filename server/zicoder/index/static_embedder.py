"""The embedder that is always there: a table of word vectors, trained for code, that ships with the package.

Owns the file format of the table, the split of unknown words into pieces, and the weights of a chunk's fields. A text's
vector is the normalised sum of its words' rows. It must never import more than numpy, unpickle, or touch the network.
How the table is made: `server/training/`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from zicoder.errors import ModelCorrupt
from zicoder.index.document import ChunkWords
from zicoder.index.words import words_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "NAME_WEIGHT",
    "PATH_WEIGHT",
    "SCOPE_WEIGHT",
    "TABLE",
    "Part",
    "StaticEmbedder",
    "document_parts",
    "pieces_of",
    "write_table",
]

TABLE = Path(__file__).parent / "data" / "static.zitable"

Part = tuple[Sequence[str], float]
"""Words, and how much one occurrence of each counts."""

NAME_WEIGHT = 3.0
"""How much an occurrence in the name counts, when one in the text counts 1. Measured on the development packages."""
SCOPE_WEIGHT = 1.0
PATH_WEIGHT = 0.75

_FORMAT = 1
_LONGEST_HEADER = 4096
_LONGEST_WORD = 24
_LONGEST_TEXT = 512
"""Words of one part that are looked at: the mean of more says nothing new, and a hostile file costs no more."""
_CACHED_WORDS = 1 << 16
_TEXTS_AT_ONCE = 128
_HINT = "Install zicoder again."


def document_parts(words: ChunkWords) -> tuple[Part, ...]:
    """What is embedded for a chunk."""
    return (
        (words.symbol, NAME_WEIGHT),
        (words.scope, SCOPE_WEIGHT),
        (words.path, PATH_WEIGHT),
        (words.text, 1.0),
    )


def pieces_of(word: str, rows: Mapping[str, int]) -> tuple[int, ...]:
    """The rows of a lower-case word: its own, or those of the longest pieces that cover it, or none.

    Greedy longest match as WordPiece does it: the first piece stands as it is, later ones as `##piece`.
    """
    if (row := rows.get(word)) is not None:
        return (row,)
    word = word[:_LONGEST_WORD]
    found: list[int] = []
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            row = rows.get(("##" if start else "") + word[start:end])
            if row is not None:
                found.append(row)
                start = end
                break
        else:
            return ()
    return tuple(found)


def write_table(
    path: Path, *, name: str, words: Sequence[str], scales: NDArray[np.float32], vectors: NDArray[np.int8]
) -> None:
    """Writes a table; `vectors` (rows, dimension) times `scales` (rows) are the words' rows."""
    payload = "\n".join(words).encode() + b"\n"
    payload += scales.astype("<f4").tobytes() + vectors.astype("i1").tobytes()
    header = {
        "format": _FORMAT,
        "name": name,
        "rows": len(words),
        "dimension": int(vectors.shape[1]),
        "sha256": hashlib.sha256(payload).hexdigest(),
    }
    path.write_bytes(json.dumps(header).encode() + b"\n" + payload)


class StaticEmbedder:
    """Embeds words by looking them up. Safe to share between threads: a lost race costs a look-up."""

    def __init__(
        self, *, name: str, words: Iterable[str], scales: NDArray[np.float32], vectors: NDArray[np.int8]
    ) -> None:
        self.name = name
        """Names the table by its content too: vectors of different names cannot be compared."""
        self.dimension = int(vectors.shape[1])
        self._rows = {word: row for row, word in enumerate(words)}
        self._scales = scales
        self._vectors = vectors
        self._pieces: dict[str, tuple[int, ...]] = {}

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Reads a table, the package's own by default.

        Raises `ModelCorrupt` if the file is missing, cut short or damaged.
        """
        import numpy as np  # not at the top: whoever only needs the type does not pay for numpy

        path = path or TABLE
        try:
            content = path.read_bytes()  # not mapped: Windows could not replace the file while a server runs
        except OSError as error:
            raise ModelCorrupt(f"The word table {path.name} cannot be read: {error.strerror}.", hint=_HINT) from error
        try:
            end = content.index(b"\n", 0, _LONGEST_HEADER)
            header = json.loads(content[:end])
            rows, dimension = int(header["rows"]), int(header["dimension"])
            name, digest, known = str(header["name"]), str(header["sha256"]), header["format"] == _FORMAT
        except (ValueError, KeyError, TypeError) as error:
            raise ModelCorrupt(f"{path.name} is not a word table.", hint=_HINT) from error
        payload = memoryview(content)[end + 1 :]
        split = len(payload) - rows * (dimension + 4)
        if not known or min(rows, dimension) < 1 or split < 1 or hashlib.sha256(payload).hexdigest() != digest:
            raise ModelCorrupt(f"The word table {path.name} is damaged.", hint=_HINT)
        words = bytes(payload[: split - 1]).decode("utf-8", errors="replace").split("\n")
        if len(words) != rows:
            raise ModelCorrupt(f"The word table {path.name} is damaged.", hint=_HINT)
        scales = np.frombuffer(payload, "<f4", rows, split).astype(np.float32)
        vectors = np.frombuffer(payload, np.int8, rows * dimension, split + 4 * rows).reshape(rows, dimension)
        return cls(name=f"static-{name}-{digest[:8]}", words=words, scales=scales, vectors=vectors)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector (dimension) of a question, a name or a piece of code."""
        return self.embed_words([words_of(text)])[0]

    def embed_words(self, batch: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Vectors (texts, dimension) of length 1; zeros for a text without a known word."""
        return self.embed_parts([((words, 1.0),) for words in batch])

    def embed_documents(self, chunks: Sequence[ChunkWords]) -> NDArray[np.float32]:
        """Vectors (chunks, dimension) of chunks."""
        return self.embed_parts([document_parts(words) for words in chunks])

    def embed_parts(self, batch: Sequence[Sequence[Part]]) -> NDArray[np.float32]:
        """Vectors (texts, dimension) of texts made of weighted parts."""
        import numpy as np

        vectors = np.zeros((len(batch), self.dimension), np.float32)
        for start in range(0, len(batch), _TEXTS_AT_ONCE):
            self._embed_into(vectors[start : start + _TEXTS_AT_ONCE], batch[start : start + _TEXTS_AT_ONCE])
        return vectors

    def _embed_into(self, out: NDArray[np.float32], batch: Sequence[Sequence[Part]]) -> None:
        import numpy as np

        rows: list[int] = []
        weights: list[float] = []
        starts: list[int] = []
        filled: list[int] = []
        for text, parts in enumerate(batch):
            bag = self._bag(parts)
            if bag:
                filled.append(text)
                starts.append(len(rows))
                rows.extend(bag.keys())
                weights.extend(bag.values())
        if not rows:
            return
        taken = np.asarray(rows, np.intp)
        factors = np.sqrt(np.asarray(weights, np.float32)) * self._scales[taken]
        summed = np.add.reduceat(self._vectors[taken] * factors[:, None], starts, axis=0)
        lengths = np.linalg.norm(summed, axis=1, keepdims=True)
        out[filled] = summed / np.maximum(lengths, np.finfo(np.float32).tiny)

    def _bag(self, parts: Sequence[Part]) -> dict[int, float]:
        """How much each row counts in a text."""
        bag: dict[int, float] = {}
        for words, weight in parts:
            for word, count in Counter(words[:_LONGEST_TEXT]).items():
                pieces = self._pieces.get(word)
                for row in self._look_up(word) if pieces is None else pieces:
                    bag[row] = bag.get(row, 0.0) + count * weight
        return bag

    def _look_up(self, word: str) -> tuple[int, ...]:
        if len(self._pieces) >= _CACHED_WORDS:
            self._pieces.clear()
        pieces = self._pieces[word] = pieces_of(word, self._rows)
        return pieces
