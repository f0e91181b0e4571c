"""One task of a model with tools, from its first word to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from zicoder.agents.audit import AuditLog
from zicoder.agents.front import Answer, Applied, Question
from zicoder.agents.gate import Gate
from zicoder.agents.loop import Task, run
from zicoder.agents.processes import Limits
from zicoder.agents.sandbox import Sandbox
from zicoder.agents.tools.reading import ReadTool
from zicoder.errors import ProviderBusy, ProviderGarbled
from zicoder.events import Delta, Event, Finished, Notice, ToolEnded, ToolStarted, Used
from zicoder.models.chat.meter import Meter
from zicoder.proposal import Proposal
from zicoder.settings import AgentSettings

Said = str | DeltaToolCalls


class Nobody:
    async def may(self, question: Question) -> Answer:
        return "never"

    async def apply(self, proposal: Proposal) -> Applied:
        return Applied(ok=False)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    (tmp_path / "a.py").write_text("x = 1\n")
    sandbox = Sandbox(None, tmp_path, Limits(seconds=5), "none here")
    return Gate(
        [ReadTool()], root=tmp_path, settings=AgentSettings(), front=Nobody(), audit=AuditLog(tmp_path / "audit.jsonl"),
        sandbox=sandbox,
    )  # fmt: skip


def speaking(*answers: Sequence[Said], again: bool = False) -> Any:
    """Makes a model that gives these answers, one after the other; with `again` the last one for ever."""
    left = list(answers)

    async def speak(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Said]:
        for piece in left[0] if again and len(left) == 1 else left.pop(0):
            yield piece

    async def make(notice: Any) -> Model:
        return FunctionModel(stream_function=speak)

    return make


def read(path: str) -> DeltaToolCalls:
    return {0: DeltaToolCall("read", f'{{"path": "{path}"}}')}


async def events_of(make: Any, gate: Gate | None = None, **more: Any) -> list[Event]:
    task = Task(instructions="Be brief.", prompt="Go.", gate=gate, tools=("read",) if gate else (), **more)
    return [event async for event in run(make, task, Meter())]


async def test_text_comes_in_pieces_and_whole_at_the_end() -> None:
    events = await events_of(speaking(["Hel", "lo."]))
    assert [e.text for e in events if isinstance(e, Delta)] == ["Hel", "lo."]
    assert isinstance(events[-2], Used)
    assert events[-1] == Finished("Hello.")


async def test_a_tool_is_told_before_and_after(gate: Gate) -> None:
    events = await events_of(speaking([read("a.py")], ["x is 1."]), gate)
    started = next(e for e in events if isinstance(e, ToolStarted))
    ended = next(e for e in events if isinstance(e, ToolEnded))
    assert (started.tool, started.summary, started.id) == ("read", "read a.py", ended.id)
    assert ended.ok
    assert events[-1] == Finished("x is 1.")


async def test_what_a_tool_refuses_is_told_to_the_model_and_the_user(gate: Gate) -> None:
    events = await events_of(speaking([read("../../etc/passwd")], ["I may not."]), gate)
    assert [e.ok for e in events if isinstance(e, ToolEnded)] == [False]
    assert events[-1] == Finished("I may not.")


async def test_a_model_that_goes_in_circles_is_stopped(gate: Gate) -> None:
    events = await events_of(speaking([read("a.py")], again=True), gate)
    assert len([e for e in events if isinstance(e, ToolStarted)]) == 4
    assert any(isinstance(e, Notice) and "again and again" in e.text for e in events)
    assert isinstance(events[-1], Finished)


async def test_a_model_that_never_ends_is_stopped(gate: Gate) -> None:
    answers = [[read(f"{number}.py")] for number in range(9)]
    events = await events_of(speaking(*answers), gate, steps=5)
    assert any(isinstance(e, Notice) and "5 steps" in e.text for e in events)


async def test_an_unknown_tool_or_bad_arguments_end_in_a_sentence(gate: Gate) -> None:
    with pytest.raises(ProviderGarbled, match="no usable answer"):
        await events_of(speaking([{0: DeltaToolCall("rm", "{}")}], again=True), gate)


async def test_what_the_model_waits_for_is_told_at_once() -> None:
    async def make(notice: Any) -> Model:
        notice(Notice("Rate limit reached, waiting 8 s.", "warning"))
        raise ProviderBusy("Too busy.")

    told: list[Event] = []

    async def listen() -> None:
        async for event in run(make, Task(instructions="", prompt="Go."), Meter()):
            told.append(event)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(ProviderBusy):
        await listen()
    assert told == [Notice("Rate limit reached, waiting 8 s.", "warning")]


async def test_whoever_stops_listening_stops_the_model() -> None:
    stopped = asyncio.Event()

    async def speak(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Said]:
        try:
            yield "a"
            await asyncio.sleep(60)
        finally:
            stopped.set()

    async def make(notice: Any) -> Model:
        return FunctionModel(stream_function=speak)

    running = run(make, Task(instructions="", prompt="Go."), Meter())
    async for _ in running:
        break
    await running.aclose()
    assert stopped.is_set()
