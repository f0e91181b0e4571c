"""The thread that jedi lives in: order, cancellation, closing."""

from __future__ import annotations

import asyncio
import threading

import pytest

from zicoder.assist.worker import Worker


class Gate:
    """A job that says when it has started and ends when it is told to."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> str:
        self.started.set()
        assert self.open.wait(30)
        return "gate"


@pytest.fixture
def worker() -> Worker:
    return Worker("test")


async def busy(worker: Worker) -> tuple[Gate, asyncio.Task[str]]:
    gate = Gate()
    task = asyncio.create_task(worker.run(gate))
    await asyncio.to_thread(gate.started.wait, 30)
    return gate, task


async def test_results_and_exceptions_come_back(worker: Worker) -> None:
    assert await worker.run(lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 / 0)
    assert await worker.run(threading.current_thread) is await worker.run(threading.current_thread)


async def test_urgent_jobs_go_first_and_the_newest_of_them_before_all(worker: Worker) -> None:
    gate, first = await busy(worker)
    order: list[str] = []
    tasks = [
        asyncio.create_task(worker.run(lambda name=name: order.append(name), urgent=name.startswith("urgent")))
        for name in ("patient 1", "urgent 1", "patient 2", "urgent 2")
    ]
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(first, *tasks)
    assert order == ["urgent 2", "urgent 1", "patient 1", "patient 2"]


async def test_a_cancelled_job_that_waits_never_starts(worker: Worker) -> None:
    gate, first = await busy(worker)
    ran: list[int] = []
    waiting = asyncio.create_task(worker.run(lambda: ran.append(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.open.set()
    await first
    await worker.run(lambda: ran.append(2))
    assert ran == [2]


async def test_a_cancelled_job_that_runs_does_not_harm_the_next(worker: Worker) -> None:
    gate, first = await busy(worker)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.open.set()
    assert await worker.run(lambda: "next") == "next"


async def test_closing_cancels_what_waits_and_what_comes_later(worker: Worker) -> None:
    gate, first = await busy(worker)
    waiting = asyncio.create_task(worker.run(lambda: "never"))
    await asyncio.sleep(0)
    done = threading.Event()
    worker.close(done.set)
    worker.close(lambda: pytest.fail("closed twice"))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not done.is_set()
    gate.open.set()
    assert await first == "gate"
    assert await asyncio.to_thread(done.wait, 30)
    with pytest.raises(asyncio.CancelledError):
        await worker.run(lambda: "never")
