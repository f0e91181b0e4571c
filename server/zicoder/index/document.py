"""What the index writes down of a chunk so that it can be found: its words, its names, and its identity.

Used for what is stored and for what is asked, so that both sides agree.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from pathlib import PurePosixPath

from zicoder.index.frames import Row
from zicoder.index.types import Chunk
from zicoder.index.words import words_of

__all__ = ["DEFINES", "path_words", "row_of"]

DEFINES = "="
"""Before a name, in the column of names: this chunk defines it. Without: it uses it."""

SYMBOL_WEIGHT = 2
"""How often the words of the symbol count, beside where they stand in the text."""


def row_of(path: str, number: int, chunk: Chunk) -> Row:
    """The stored form of a file's `number`-th chunk."""
    symbol = words_of(chunk.symbol)
    words = [*path_words(path), *words_of(chunk.qualified), *symbol * SYMBOL_WEIGHT, *words_of(chunk.text)]
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
        words=" ".join(words),
        names=" ".join([*(DEFINES + name for name in chunk.defines), *chunk.uses]),
        defines=" ".join(chunk.defines),
    )


@lru_cache(maxsize=4096)
def path_words(path: str) -> tuple[str, ...]:
    """The words of a file's path without its extension."""
    pure = PurePosixPath(path)
    return tuple(words_of(str(pure.with_suffix("")) if pure.suffix else path))


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="replace"), digest_size=12).hexdigest()
