"""What the status bar is told: one message for many changes, the right state, and the progress of loading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from lsprotocol import types

from zicoder.engine.status import EngineState, EngineStatus
from zicoder.errors import (
    EngineCrashed,
    EngineStopped,
    EngineUnavailable,
    IndexUnavailable,
    ModelError,
    ModelNotInstalled,
    ZiError,
)
from zicoder.index.code_index import IndexState, IndexStatus
from zicoder.lsp.status import STATUS, StatusReporter


class Client:
    """An editor that keeps what it is told; its progress bar is granted when the test says so."""

    def __init__(self, *, progress: bool = True) -> None:
        self.messages: list[dict[str, Any]] = []
        self.bar: list[tuple[str, Any]] = []
        self.granted = asyncio.Event()
        self.granted.set()
        self.reporter = StatusReporter(self.notify, lambda: self if progress else None)

    def notify(self, method: str, message: Mapping[str, Any]) -> None:
        assert method == STATUS
        self.messages.append(dict(message))

    async def create_async(self, token: str) -> None:
        await self.granted.wait()
        self.bar.append(("create", token))

    def begin(self, token: str, value: types.WorkDoneProgressBegin) -> None:
        self.bar.append(("begin", value.title))

    def report(self, token: str, value: types.WorkDoneProgressReport) -> None:
        self.bar.append(("report", value.percentage))

    def end(self, token: str, value: types.WorkDoneProgressEnd) -> None:
        self.bar.append(("end", None))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.bar]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():
                await asyncio.sleep(0.001)

    async def told(self, count: int = 1) -> dict[str, Any]:
        await self.until(lambda: len(self.messages) >= count)
        return self.messages[-1]


@pytest.fixture
def client() -> Client:
    return Client()


async def test_changes_in_quick_succession_are_one_message_with_the_last_state(client: Client) -> None:
    for percent in range(100):
        client.reporter.engine(EngineStatus(EngineState.LOADING, percent=percent))
    client.reporter.engine(EngineStatus(EngineState.READY))
    message = await client.told()
    assert message["state"] == "ready"
    assert message["percent"] is None


async def test_nothing_is_said_twice(client: Client) -> None:
    client.reporter.ready()
    await client.told()
    client.reporter.ready()
    client.reporter.latency(12.4)
    message = await client.told(2)
    assert message["lastLatencyMs"] == 12
    assert len(client.messages) == 2


@pytest.mark.parametrize(
    ("engine", "error", "enabled", "state"),
    [
        (EngineStatus(EngineState.DOWN), None, True, "starting"),
        (EngineStatus(EngineState.STARTING), None, True, "starting"),
        (EngineStatus(EngineState.LOADING, percent=3), None, True, "loading"),
        (EngineStatus(EngineState.BUSY), None, True, "busy"),
        (EngineStatus(EngineState.READY), None, False, "off"),
        (EngineStatus(EngineState.DOWN), ModelNotInstalled("None."), True, "noModel"),
        (EngineStatus(EngineState.READY, error=ModelError("Half a file.")), None, True, "unavailable"),
        (EngineStatus(EngineState.DOWN), ModelError("Half a file."), True, "unavailable"),
        (EngineStatus(EngineState.UNAVAILABLE, error=EngineUnavailable("No library.")), None, True, "unavailable"),
        (EngineStatus(EngineState.CRASHED, error=EngineCrashed("Killed.")), None, True, "crashed"),
        (EngineStatus(EngineState.STOPPED, error=EngineStopped("Three times.")), None, True, "stopped"),
    ],
)
async def test_the_state_is_what_a_person_should_know_first(
    client: Client, engine: EngineStatus, error: ZiError | None, enabled: bool, state: str
) -> None:
    client.reporter.engine(engine)
    client.reporter.model("qwen", error, enabled=enabled)
    assert (await client.told())["state"] == state


async def test_an_error_is_told_with_what_to_do(client: Client) -> None:
    error = ModelNotInstalled("No model is installed.", hint="Run `zi model pull`.")
    client.reporter.model(None, error, enabled=True)
    message = await client.told()
    assert (message["message"], message["hint"]) == ("No model is installed.", "Run `zi model pull`.")


async def test_loading_shows_a_progress_bar_from_begin_to_end(client: Client) -> None:
    client.reporter.model("qwen", None, enabled=True)
    client.reporter.engine(EngineStatus(EngineState.LOADING, percent=0))
    await client.until(lambda: "begin" in client.kinds)
    await asyncio.sleep(0)
    for percent in (30, 60):
        client.reporter.engine(EngineStatus(EngineState.LOADING, percent=percent))
    client.reporter.engine(EngineStatus(EngineState.READY))
    assert client.kinds == ["create", "begin", "report", "report", "end"]
    assert client.bar[1] == ("begin", "Zi Coder: loading qwen")


async def test_a_progress_bar_granted_after_the_loading_is_ended_at_once(client: Client) -> None:
    client.granted.clear()
    client.reporter.engine(EngineStatus(EngineState.LOADING, percent=0))
    client.reporter.engine(EngineStatus(EngineState.READY))
    client.granted.set()
    await client.until(lambda: "end" in client.kinds)
    assert client.kinds == ["create", "begin", "end"]


async def test_an_editor_without_progress_bars_gets_the_status_only() -> None:
    client = Client(progress=False)
    client.reporter.engine(EngineStatus(EngineState.LOADING, percent=0))
    assert (await client.told())["state"] == "loading"
    assert client.bar == []


async def test_after_closing_nothing_is_said(client: Client) -> None:
    client.reporter.ready()
    client.reporter.close()
    client.reporter.latency(1)
    await asyncio.sleep(0.2)
    assert client.messages == []


async def test_the_index_is_told_beside_the_engine(client: Client) -> None:
    client.reporter.index(IndexStatus(IndexState.READY, files=7))
    message = await client.told()
    assert message["index"] == {"state": "ready", "files": 7, "message": "", "hint": ""}
    client.reporter.index(IndexStatus(IndexState.FOLLOWING))
    assert (await client.told(2))["index"]["files"] is None
    client.reporter.no_index(IndexUnavailable("There is none.", hint="Install it."))
    message = await client.told(3)
    assert message["index"] == {"state": "off", "files": None, "message": "There is none.", "hint": "Install it."}


async def test_a_crash_is_told_even_when_the_restart_follows_at_once(client: Client) -> None:
    error = EngineCrashed("The engine crashed.", hint="It is being restarted.")
    client.reporter.engine(EngineStatus(EngineState.CRASHED, error=error))
    client.reporter.engine(EngineStatus(EngineState.STARTING))
    await client.told(2)
    assert [message["state"] for message in client.messages] == ["crashed", "starting"]
