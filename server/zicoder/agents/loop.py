"""One task for one model: it speaks, uses tools, and ends. What happens is told as events while it happens.

Owns the run: its steps, its end, what it costs. Every tool goes through the gate; this module decides nothing about
what is allowed. Importing it imports pydantic-ai.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import pydantic_ai
from pydantic_ai import Agent, RunContext, Tool
from pydantic_ai.exceptions import UnexpectedModelBehavior, UsageLimitExceeded
from pydantic_ai.messages import (
    AgentStreamEvent,
    FunctionToolCallEvent,
    FunctionToolResultEvent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    UserPromptPart,
)
from pydantic_ai.models import Model
from pydantic_ai.run import AgentRunResultEvent
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import UsageLimits

from zicoder.agents.gate import Gate
from zicoder.agents.telling import told
from zicoder.agents.tools.protocol import ToolText, marked, schema
from zicoder.errors import ProviderGarbled, ToolError
from zicoder.events import Delta, Event, Finished, Notice, ToolEnded, ToolStarted
from zicoder.models.chat.local import BEGIN, UNTIL
from zicoder.models.chat.meter import Meter

__all__ = ["MakeModel", "Task", "run"]

pydantic_ai.BANNER_ENABLED = False  # it would be written into a terminal, above the answer

MakeModel = Callable[[Callable[[Notice], None]], Awaitable[Model]]
"""Makes the model; what it is given is told at once what the model waits for."""

STEPS = 24
"""Most answers of the model in one task."""
SAME = 3
"""A call that was made so often already, with the same arguments and the same result, ends the task."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to do."""

    instructions: str
    prompt: str
    history: Sequence[tuple[Literal["user", "assistant"], str]] = ()
    temperature: float = 0.2
    seed: int = 0
    max_tokens: int = 1024
    begin: str = ""
    until: str = ""
    """What a local model's answer begins with, and where it ends; others are not told."""
    gate: Gate | None = None
    tools: tuple[str, ...] = ()
    """Names of the gate's tools that this task may use."""
    steps: int = STEPS


class _Circles(Exception):
    """The model does the same again and again."""


@dataclass
class _Calls:
    """The calls of one run, behind the gate."""

    gate: Gate
    ended: dict[str, tuple[bool, str]] = field(default_factory=dict[str, tuple[bool, str]])
    seen: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])

    async def call(self, identity: str, name: str, arguments: dict[str, Any]) -> str:
        try:
            result = await self.gate.call(name, arguments)
        except ToolError as error:
            result = ToolText(error.sentence, str(error), ok=False)
        self.ended[identity] = result.ok, result.summary or result.text.split("\n", 1)[0][:120]
        same = name, json.dumps(arguments, sort_keys=True, default=str), result.text
        self.seen[same] = self.seen.get(same, 0) + 1
        if self.seen[same] > SAME:
            raise _Circles
        if self.seen[same] > 1:
            return f"You did exactly this before, and the result is the same. Do something else.\n{result.text[:400]}"
        return marked(name, result)


async def run(make: MakeModel, task: Task, meter: Meter) -> AsyncGenerator[Event]:
    """Do a task. The last event is `Finished` with all that was said.

    Raises ZiError. Closing the generator stops the model and the tools.
    """

    async def work(tell: Callable[[Event], None]) -> None:
        await _work(await make(tell), task, meter, tell)

    async with contextlib.aclosing(told(work)) as events:
        async for event in events:
            yield event


async def _work(model: Model, task: Task, meter: Meter, tell: Callable[[Event], None]) -> None:
    calls = _Calls(task.gate) if task.gate else None
    tools = _tools(task, calls) if calls else []
    agent: Agent[object, str] = Agent(model, instructions=task.instructions, tools=tools)
    teller = _Teller(calls, meter, tell)
    try:
        async with agent.run_stream_events(
            task.prompt,
            message_history=_history(task.history),
            model_settings=_settings(task),
            usage_limits=UsageLimits(request_limit=task.steps),
        ) as events:
            async for event in events:
                await teller.take(event)
    except _Circles:
        tell(Notice("The model did the same thing again and again and was stopped.", "warning"))
    except UsageLimitExceeded:
        tell(Notice(f"The model took {task.steps} steps without coming to an end and was stopped.", "warning"))
    except UnexpectedModelBehavior as error:
        raise ProviderGarbled(
            f"The model {model.model_name} gave no usable answer ({str(error)[:120]}).",
            hint="Try again, or choose a larger model with `/model`.",
        ) from None
    tell(Finished("".join(teller.said)))


@dataclass
class _Teller:
    """Puts pydantic-ai's events into ours."""

    calls: _Calls | None
    meter: Meter
    tell: Callable[[Event], None]
    said: list[str] = field(default_factory=list[str])

    async def take(self, event: AgentStreamEvent | AgentRunResultEvent[str]) -> None:
        match event:
            case PartStartEvent(part=TextPart(content=text)):
                self._say(f"\n\n{text}" if self.said and text else text)
            case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                self._say(text)
            case FunctionToolCallEvent() | FunctionToolResultEvent() if self.calls:
                await self._tool(event, self.calls)
            case AgentRunResultEvent():
                for message in event.result.new_messages():
                    if isinstance(message, ModelResponse):
                        self.tell(self.meter.add(message))
            case _:
                pass

    def _say(self, text: str) -> None:
        if text:
            self.said.append(text)
            self.tell(Delta(text))

    async def _tool(self, event: FunctionToolCallEvent | FunctionToolResultEvent, calls: _Calls) -> None:
        if isinstance(event, FunctionToolCallEvent):
            part = event.part
            summary = await calls.gate.summary(part.tool_name, part.args_as_dict())
            self.tell(ToolStarted(part.tool_call_id, part.tool_name, summary))
        else:
            identity = event.part.tool_call_id
            self.tell(ToolEnded(identity, *calls.ended.get(identity, (False, "it could not be called"))))


def _tools(task: Task, calls: _Calls) -> list[Tool[object]]:
    assert task.gate is not None
    return [_tool(name, task.gate, calls) for name in task.tools if name in task.gate.tools]


def _tool(name: str, gate: Gate, calls: _Calls) -> Tool[object]:
    async def call(context: RunContext[object], **arguments: Any) -> str:
        return await calls.call(context.tool_call_id or "", name, arguments)

    tool = gate.tools[name]
    return Tool.from_schema(call, name, tool.description, schema(tool), takes_ctx=True, sequential=True)


def _settings(task: Task) -> ModelSettings:
    settings = ModelSettings(temperature=task.temperature, max_tokens=task.max_tokens)
    if task.seed:  # not every provider knows seeds
        settings["seed"] = task.seed
    return cast("ModelSettings", {**settings, BEGIN: task.begin, UNTIL: task.until}) if task.begin else settings


def _history(turns: Sequence[tuple[Literal["user", "assistant"], str]]) -> list[ModelMessage]:
    return [
        ModelRequest(parts=[UserPromptPart(text)]) if role == "user" else ModelResponse(parts=[TextPart(text)])
        for role, text in turns
    ]
