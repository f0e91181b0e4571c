"""A job that tells what happens while it works, as a generator of that: here alone a queue stands between the two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

__all__ = ["told"]

E = TypeVar("E")


async def told(work: Callable[[Callable[[E], None]], Awaitable[object]]) -> AsyncGenerator[E]:
    """What `work` tells, in order, while it works. It is given the function to tell with, which any thread may call.

    Raises what `work` raises, after everything that it has told. Closing the generator cancels the work and waits for
    its end.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[E] | None] = asyncio.Queue()

    def tell(event: E) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, (event,))

    async def all_of_it() -> None:
        try:
            await work(tell)
        finally:
            loop.call_soon_threadsafe(queue.put_nowait, None)

    job = asyncio.create_task(all_of_it())
    try:
        while (event := await queue.get()) is not None:
            yield event[0]
        await job
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
