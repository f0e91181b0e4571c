"""Blocking work that must not be left half done: a cancelled caller waits for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

__all__ = ["uninterrupted"]

T = TypeVar("T")


async def uninterrupted(work: Callable[[], T]) -> T:
    """Do `work` in a thread. A cancel takes effect when it is through: nothing goes on behind a closed index."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
