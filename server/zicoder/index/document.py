"""What the index writes down of a chunk so that it can be found: its words, its names, and its identity.

Used for what is stored and for what is asked, so that both sides agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from zicoder.index.frames import Row
from zicoder.index.types import Chunk
from zicoder.index.words import words_of

__all__ = ["DEFINES", "ChunkWords", "path_words", "row_of"]

DEFINES = "="
"""Before a name, in the column of names: this chunk defines it. Without: it uses it."""

SYMBOL_WEIGHT = 2
"""How often the words of the symbol count, beside where they stand in the text."""

_SUFFIX = re.compile(r"\.[^./\\]*$")


@dataclass(frozen=True, slots=True)
class ChunkWords:
    """The words of one chunk by where they stand, split once for all that is made of them."""

    symbol: list[str]
    scope: Sequence[str]
    path: Sequence[str]
    text: Sequence[str]

    @classmethod
    def of(cls, chunk: Chunk, path: str) -> ChunkWords:
        """Split a chunk of the file at `path` (relative, any separator)."""
        return cls(
            symbol=words_of(chunk.symbol),
            scope=words_of(chunk.qualified.removesuffix(chunk.symbol)),
            path=path_words(path),
            text=words_of(chunk.text),
        )


def row_of(path: str, number: int, chunk: Chunk, words: ChunkWords) -> Row:
    """The stored form of a file's `number`-th chunk."""
    every = [*words.path, *words.scope, *words.symbol * (1 + SYMBOL_WEIGHT), *words.text]
    return Row(
        id=_digest(f"{path}\0{number}\0{chunk.text}"),
        text_hash=_digest(f"{chunk.qualified}\0{chunk.text}"),
        language=chunk.language,
        kind=chunk.kind,
        symbol=chunk.symbol,
        qualified=chunk.qualified,
        signature=chunk.signature,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        words=" ".join(every),
        names=" ".join([*(DEFINES + name for name in chunk.defines), *chunk.uses]),
        defines=" ".join(chunk.defines),
    )


@lru_cache(maxsize=4096)
def path_words(path: str) -> tuple[str, ...]:
    """The words of a path with any separator, less those of the file's suffix."""
    return tuple(words_of(_SUFFIX.sub("", path)))


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="replace"), digest_size=12).hexdigest()
