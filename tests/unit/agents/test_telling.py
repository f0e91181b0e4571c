"""A job as a generator of what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from zicoder.agents.telling import told


async def test_what_is_told_from_a_thread_or_not_comes_in_order() -> None:
    async def work(tell: Callable[[int], None]) -> None:
        tell(1)
        await asyncio.to_thread(tell, 2)
        tell(3)

    assert [each async for each in told(work)] == [1, 2, 3]


async def test_an_error_comes_after_what_was_told() -> None:
    async def work(tell: Callable[[int], None]) -> None:
        tell(1)
        raise KeyError("x")

    events = told(work)
    assert await anext(events) == 1
    with pytest.raises(KeyError):
        await anext(events)


async def test_whoever_stops_listening_stops_the_work() -> None:
    ended = asyncio.Event()

    async def work(tell: Callable[[int], None]) -> None:
        try:
            tell(1)
            await asyncio.sleep(60)
        finally:
            ended.set()

    events = told(work)
    async for _ in events:
        break
    await events.aclose()
    assert ended.is_set()
