"""The progress bar of background work, to clients that show it, refuse it, or answer late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from lsprotocol import types

from zicoder.events import Progress
from zicoder.lsp import progress as module
from zicoder.lsp.progress import BackgroundProgress


class Bars:
    """An editor's progress bars: what was said to each, and whether the editor grants one."""

    def __init__(self, *, granted: bool = True) -> None:
        self.said: list[tuple[str, Any]] = []
        self.granted = granted
        self.tokens: dict[str, Future[None]] = {}

    async def create_async(self, token: str) -> None:
        self.said.append(("create", token))
        if not self.granted:
            raise RuntimeError("Method Not Found")
        self.tokens[token] = Future()

    def begin(self, token: str, value: types.WorkDoneProgressBegin) -> None:
        self.said.append(("begin", value.title))
        self.cancellable = value.cancellable

    def report(self, token: str, value: types.WorkDoneProgressReport) -> None:
        self.said.append(("report", (value.percentage, value.message)))

    def end(self, token: str, value: types.WorkDoneProgressEnd) -> None:
        self.said.append(("end", None))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.said]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():
                await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOW_AFTER_S", 0.0)
    monkeypatch.setattr(module, "PAUSE_S", 0.001)


async def test_a_bar_begins_reports_and_ends_for_each_piece_of_work() -> None:
    bars = Bars()
    async with BackgroundProgress(bars, "Indexing") as tell:
        for _ in range(2):
            bars.said.clear()
            tell(Progress("Indexing", detail="listing files"))
            await bars.until(lambda: ("report", (None, "listing files")) in bars.said)
            tell(Progress("Indexing", 40, 100, "7 files"))
            await bars.until(lambda: ("report", (40, "7 files")) in bars.said)
            tell(Progress("Indexing", 100, 100))
            await bars.until(lambda: "end" in bars.kinds)
            assert bars.kinds[:2] == ["create", "begin"]
            assert bars.kinds.count("end") == 1


async def test_a_person_may_stop_work_that_can_be_stopped() -> None:
    stopped: list[bool] = []
    bars = Bars()
    async with BackgroundProgress(bars, "Fixing", stop=lambda: stopped.append(True)) as tell:
        tell(Progress("Fixing", 1, 3))
        await bars.until(lambda: "begin" in bars.kinds)
        assert bars.cancellable
        next(iter(bars.tokens.values())).cancel()
    assert stopped == [True]


async def test_work_that_is_given_up_ends_its_bar() -> None:
    bars = Bars()
    async with BackgroundProgress(bars, "Indexing") as tell:
        tell(Progress("Indexing", 40, 100))
        await bars.until(lambda: "report" in bars.kinds)
    assert bars.kinds[-1] == "end"


async def test_an_editor_that_refuses_a_bar_is_asked_once_and_told_nothing() -> None:
    bars = Bars(granted=False)
    async with BackgroundProgress(bars, "Indexing") as tell:
        for done in range(0, 100, 20):
            tell(Progress("Indexing", done, 100))
            await asyncio.sleep(0.005)
    assert bars.kinds == ["create"]


async def test_without_bars_nothing_happens() -> None:
    async with BackgroundProgress(None, "Indexing") as tell:
        tell(Progress("Indexing", 1, 2))
