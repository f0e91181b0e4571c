"""Short explanations of definitions by a model: looked up, and written when somebody asks or nobody else works.

Owns what was written before (on disk) and what could not be (in memory). A hover looks up and never asks the model.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from zicoder.assist.actions.action import Index
from zicoder.assist.hover.explanation import Subject, called_by, shortened
from zicoder.assist.hover.explanations import Explanation, Explanations
from zicoder.assist.hover.targets import Target

__all__ = ["Ask", "Explaining"]

Ask = Callable[[str], Awaitable[tuple[str, str]]]
"""Asks a model: from the prompt to its answer and its name. Raises ZiError."""
KEPT = 500


class Explaining:
    """The explanations of one project."""

    def __init__(self, kept: Explanations, index: Callable[[], Index | None]) -> None:
        self._kept = kept
        self._index = index
        self._made: OrderedDict[str, Explanation | None] = OrderedDict()
        """Of this session, also where the disk holds nothing; None for what a model had nothing to say about."""

    async def known(self, target: Target) -> Explanation | None:
        """What was written before."""
        return await self._known((await self._subject(target)).key)

    async def written(self, target: Target, ask: Ask, *, again: bool = False) -> Explanation | None:
        """What was written before, else what a model writes now; None if nothing comes of it. Raises ZiError.

        `again`: also where nothing came of it before.
        """
        subject = await self._subject(target)
        known = await self._known(subject.key)
        if known is not None or (subject.key in self._made and not again):
            return known
        answer, model = await ask(subject.prompt)
        text = shortened(answer)
        made = self._made[subject.key] = Explanation(text, model) if text else None
        if len(self._made) > KEPT:
            self._made.popitem(last=False)
        if made is not None:
            await asyncio.to_thread(self._kept.put, subject.key, made)
        return made

    async def _known(self, key: str) -> Explanation | None:
        return self._made.get(key) or await asyncio.to_thread(self._kept.get, key)

    async def _subject(self, target: Target) -> Subject:
        name, code, index = target.definition.name, target.code, self._index()
        called = await called_by(name, code, target.language, index) if index is not None else ()
        return Subject(name=name, language=target.language, text=code, called=called)
