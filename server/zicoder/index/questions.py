"""Asking an index within a deadline: every question has an answer, an empty one if need be, and none raises.

What goes wrong is told to whom can mend it, also when nobody waits for the answer any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from zicoder.errors import IndexDamaged
from zicoder.index.access import Access
from zicoder.index.background import Background
from zicoder.index.search import Searcher

__all__ = ["Questions"]

log = logging.getLogger("zicoder.index")

T = TypeVar("T")


class Questions:
    """Questions for what `access` has open."""

    def __init__(
        self,
        access: Access,
        background: Background,
        on_damage: Callable[[Searcher, IndexDamaged], Coroutine[Any, Any, None]],
    ) -> None:
        self._access = access
        self._background = background
        self._on_damage = on_damage

    async def ask(self, question: Callable[[Searcher], T], empty: T, deadline: float) -> T:
        """The answer, computed in a thread; `empty` after `deadline` seconds, and while nothing is open."""
        searcher = self._access.searcher
        if searcher is None:
            return empty
        asked = asyncio.ensure_future(asyncio.to_thread(question, searcher))
        try:
            return await asyncio.wait_for(asyncio.shield(asked), deadline)
        except TimeoutError:
            log.info("a search took longer than %.1f s", deadline)
        except IndexDamaged as damage:
            await self._on_damage(searcher, damage)
        except RuntimeError:
            if searcher is self._access.searcher:
                raise
            log.debug("the index was closed or replaced during a search")
        finally:
            if not asked.done():  # its thread goes on, and may still find damage
                asked.add_done_callback(partial(self._answered_late, searcher))
        return empty

    def _answered_late(self, searcher: Searcher, asked: asyncio.Future[Any]) -> None:
        error = None if asked.cancelled() else asked.exception()
        if isinstance(error, IndexDamaged) and not self._background.ending.is_set():
            self._background.begin(self._on_damage(searcher, error))
        elif error is not None:
            log.debug("a search that nobody waited for any more failed", exc_info=error)
