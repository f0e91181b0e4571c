"""Explanations that nobody has asked for: written only while nobody works."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from zicoder.assist.checks.inspector import Inspector
from zicoder.assist.definitions import Definitions
from zicoder.assist.hover.ahead import Ahead
from zicoder.assist.hover.explaining import Explaining
from zicoder.assist.hover.explanations import Explanations
from zicoder.assist.hover.targets import Targets
from zicoder.text import Snapshot

CODE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n\n\ndef far():\n    return 3\n"


class Desk:
    """A person, a machine and a model."""

    def __init__(self, root: Path, inspector: Inspector) -> None:
        self.asked: list[str] = []
        self.calm = self.idle = True
        self.answers = asyncio.Event()
        self.given_up = False
        self.targets = Targets(root, Definitions(inspector), tuple)
        self.explaining = Explaining(Explanations(root / "cache"), lambda: None)
        self.snapshot = Snapshot((root / "a.py").as_uri(), CODE, 1, "python")
        self.ahead = Ahead(self.ask, calm=lambda: self.calm, idle=lambda: self.idle, rest=0, most=2)

    async def ask(self, prompt: str) -> tuple[str, str]:
        self.asked.append(prompt.split("`")[-2])
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.given_up = True
            raise
        return "It returns a number.", "local:m"

    def rest(self, line: int) -> None:
        self.ahead.cursor(self.snapshot, "a.py", line, targets=self.targets, explaining=self.explaining)

    async def over(self) -> None:
        task = self.ahead._task
        assert task is not None
        async with asyncio.timeout(60):
            await asyncio.wait([task])


@pytest.fixture
def desk(tmp_path: Path, inspector: Inspector) -> Desk:
    return Desk(tmp_path, inspector)


async def test_what_is_around_the_cursor_is_written_once(desk: Desk) -> None:
    desk.answers.set()
    desk.rest(5)
    await desk.over()
    assert desk.asked[0] == "two"
    assert len(desk.asked) == 2
    desk.rest(5)
    await desk.over()
    assert len(desk.asked) == 2


async def test_nothing_is_written_while_the_machine_works(desk: Desk) -> None:
    desk.calm = False
    desk.rest(1)
    await desk.over()
    desk.calm, desk.idle = True, False
    desk.rest(1)
    await desk.over()
    assert desk.asked == []


async def test_somebody_who_begins_to_work_has_the_machine_back(desk: Desk) -> None:
    desk.rest(1)
    async with asyncio.timeout(60):
        while not desk.asked:
            await asyncio.sleep(0.01)
    desk.idle = False
    await desk.over()
    assert desk.given_up
    assert len(desk.asked) == 1


async def test_a_cursor_that_moves_on_ends_it(desk: Desk) -> None:
    desk.rest(1)
    async with asyncio.timeout(60):
        while not desk.asked:
            await asyncio.sleep(0.01)
    first = desk.ahead._task
    desk.rest(5)
    assert first is not None
    await asyncio.wait([first])
    assert desk.given_up
    desk.ahead.stop()
