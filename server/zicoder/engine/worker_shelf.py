"""The KV caches of the documents that were worked on lately, kept outside of the model's context.

One context with room for all of them would do as well, but applying a move costs time in proportion to the context's
size, occupied or not, and that with every keystroke; saving and restoring costs a copy when the document changes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from zicoder.engine.worker_cache import Prompt, PromptCache, missing_from
from zicoder.engine.worker_llama import Cells, Context

__all__ = ["Shelf"]

WORTH = 96
"""Tokens below which evaluating again is as quick."""
COPY = 16
"""Tokens that could be evaluated in the time of restoring a cache."""
MOST_BYTES = 128 * 2**20
"""Memory for caches that are kept aside: three to five documents of the default model."""


@dataclass(frozen=True, slots=True)
class _Kept:
    tokens: list[int]
    cells: Cells


class Shelf:
    """Caches by document, the least recently used first to go. `cache` holds the present document's."""

    def __init__(self, context: Context, cache: PromptCache) -> None:
        self._context = context
        self._cache = cache
        self._document = ""
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def turn_to(self, document: str, prompt: Prompt) -> None:
        """Make `cache` ready for another document: save what it holds, and restore what is known of the new one, if
        that is nearer to `prompt` than what it holds now.
        """
        if document == self._document:
            return
        self._save()
        self._document = document
        kept = self._kept.pop(document, None)
        if kept is None or self._cache.missing(prompt) <= missing_from(kept.tokens, prompt) + COPY:
            return
        self._cache.forget_all()
        if self._context.restore(self._cache.seq, kept.cells):
            self._cache.take(kept.tokens)

    def clear(self) -> None:
        """Forget every document."""
        self._kept.clear()
        self._document = ""

    def _save(self) -> None:
        tokens = self._cache.content()
        if not self._document or len(tokens) < WORTH:
            return
        cells = self._context.saved(self._cache.seq)
        if cells is None:
            return
        self._kept[self._document] = _Kept(tokens, cells)
        while sum(len(kept.cells) for kept in self._kept.values()) > MOST_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
