"""Cuts a text into chunks: the pieces that the index finds, shows and embeds.

A chunker is a function of a text and an LSP language id, found by that id in `CHUNKERS`, which plug-ins extend through
the entry points "zicoder.chunkers". Nothing here reads a file or knows the store.
"""

from __future__ import annotations

import logging
from functools import lru_cache

from zicoder.errors import InputError
from zicoder.index.chunking.budget import BUDGET, Budget
from zicoder.index.chunking.grammars import GRAMMARS
from zicoder.index.chunking.syntax import chunk_code
from zicoder.index.chunking.windows import windows
from zicoder.index.types import Chunk, Chunker
from zicoder.registry import Registry

__all__ = ["BUDGET", "CHUNKERS", "Budget", "chunks_of"]

CHUNKERS: Registry[Chunker] = Registry("chunker", group="zicoder.chunkers")
"""Chunkers by LSP language id."""

for _language in GRAMMARS:
    CHUNKERS.register(_language)(chunk_code)

_log = logging.getLogger(__name__)


def chunks_of(text: str, language: str) -> list[Chunk]:
    """The chunks of a text, in order of their first line; every line that is not blank is in at least one.

    A language without a chunker, a chunker that raises and a text that its grammar cannot take in reasonable time
    give overlapping windows of lines. Of a single line longer than `BUDGET.hard_characters` only the beginning is kept.
    """
    chunker = _chunker(language)
    if chunker is not None:
        try:
            return list(chunker(text, language))
        except Exception as error:  # noqa: BLE001  a plug-in may raise anything, and a file must not stop the index
            _log.info("%s is read in windows of lines: %s", language, error or type(error).__name__)
    return list(windows(text, language))


@lru_cache(maxsize=256)
def _chunker(language: str) -> Chunker | None:
    """Remembered, because looking through all entry points for each file of an unknown language takes milliseconds."""
    try:
        return CHUNKERS.get(language)
    except InputError:
        return None
