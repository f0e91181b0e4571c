"""A model of the local engine as a pydantic-ai model: streaming, cancellation, answers held to a form by a grammar."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from pydantic_ai import RunContext
from pydantic_ai.messages import InstructionPart, ModelMessage, ModelResponse, ModelResponseStreamEvent
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from zicoder.engine.handle import Engine
from zicoder.engine.protocol import Chat
from zicoder.engine.reading import Reading
from zicoder.models.chat.speech import Loops, Speech
from zicoder.models.chat.turns import engine_tools, plain_schema, turns
from zicoder.models.llama import load_request
from zicoder.models.store import ResolvedModel
from zicoder.settings import EngineSettings

__all__ = ["LOOPED", "LocalChat"]

BEGIN, UNTIL = "zi_begin", "zi_until"
"""Settings of a request: the text that the answer begins with, and the one that it ends with if the model writes it."""
ANSWER_TOKENS = 1024
"""Longest answer where nobody says how long."""
LOOPED = "The model began to repeat itself and was stopped."

_PROFILE = ModelProfile(
    supports_tools=True,
    supports_json_schema_output=True,
    supports_json_object_output=False,
    supports_image_input=False,
    default_structured_output_mode="native",
)


class LocalChat(Model):
    """Conversations with one local model. It is loaded at first use, and again after a crash of the engine."""

    def __init__(
        self,
        engine: Engine,
        model: ResolvedModel,
        settings: EngineSettings,
        *,
        on_notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`on_notice` gets sentences about what is going on."""
        super().__init__(profile=_PROFILE)
        self._engine = engine
        self._model = model
        self._options = settings
        self._on_notice = on_notice

    @property
    def model_name(self) -> str:
        """Catalog name, or the file's."""
        return self._model.name

    @property
    def system(self) -> str:
        """Who runs it."""
        return "local"

    @property
    def window(self) -> int:
        """Tokens of prompt and answer together."""
        return self._options.chat_tokens

    async def load(self) -> None:
        """Load the model if it is not. Raises EngineError, ModelError."""
        await self._engine.load(load_request(self._engine.new_id(), self._model, self._options, chat=True))

    async def count(self, texts: Sequence[str]) -> tuple[int, ...]:
        """How many tokens each text is. Raises EngineError, ModelError."""
        await self.load()
        return await self._engine.count(self.model_name, texts)

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """A whole answer. Raises EngineError, ModelError."""
        async with self.request_stream(messages, model_settings, model_request_parameters) as stream:
            async for _ in stream:
                pass
            return stream.get()

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """An answer as it is made; leaving the context ends the work for real. Raises EngineError, ModelError."""
        settings, parameters = self.prepare_request(model_settings, model_request_parameters)
        await self.load()
        chat = self._chat(messages, settings or {}, parameters)
        until = str((settings or {}).get(UNTIL) or "")
        if until:
            chat = msgspec.structs.replace(chat, stop=(*chat.stop, until))
        reading = self._engine.read(chat)
        tools = [*parameters.function_tools, *parameters.output_tools]
        try:
            speech = Speech(tool.name for tool in tools)
            yield _Stream(parameters, self.model_name, reading, speech, self._on_notice, (chat.begin, until))
        finally:
            await reading.aclose()

    def _chat(self, messages: list[ModelMessage], settings: ModelSettings, parameters: ModelRequestParameters) -> Chat:
        tools = [*parameters.function_tools, *parameters.output_tools]
        form = parameters.output_object if parameters.output_mode == "native" and not tools else None
        instructions = InstructionPart.join(parameters.instruction_parts) if parameters.instruction_parts else None
        may_answer = bool(tools) and parameters.allow_text_output
        return Chat(
            id=self._engine.new_id(),
            model=self.model_name,
            messages=turns(messages, instructions or "", tools, may_answer=may_answer),
            max_tokens=settings.get("max_tokens") or ANSWER_TOKENS,
            temperature=settings.get("temperature") or 0.0,
            seed=settings.get("seed") or 0,
            stop=tuple(settings.get("stop_sequences") or ()),
            window=self.window,
            tools=engine_tools(tools, may_answer=may_answer),
            must_call=bool(tools),  # left to itself, a small model talks about calling a function and calls none
            schema=json.dumps(plain_schema(form.json_schema)) if form else "",
            begin="" if tools or form else str(settings.get(BEGIN) or ""),
        )


@dataclass
class _Stream(StreamedResponse):
    """One running answer."""

    _name: str
    _reading: Reading
    _speech: Speech
    _notice: Callable[[str], None]
    _frame: tuple[str, str] = ("", "")
    """What the answer begins and ends with."""
    _begun: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        loops = Loops()
        looped = False
        for event in self._text(self._speech.feed(self._frame[0])):
            yield event
        async for piece in self._reading:
            for event in self._text(self._speech.feed(piece)):
                yield event
            if loops.feed(piece):
                looped = True
                await self._reading.aclose()
                break
        stats = self._reading.stats
        self._usage = RequestUsage(input_tokens=stats.prompt_tokens, output_tokens=stats.generated_tokens)
        self.finish_reason = "length" if stats.finish == "length" else "stop"
        if stats.finish == "stop":
            for event in self._text(self._speech.feed(self._frame[1])):
                yield event
        rest, call = self._speech.end()
        for event in self._text(rest):
            yield event
        if call is not None:
            self.finish_reason = "tool_call"
            yield self._parts_manager.handle_tool_call_part(
                vendor_part_id="call", tool_name=call.name, args=call.arguments
            )
        if looped:
            self._notice(LOOPED)

    def _text(self, text: str) -> list[ModelResponseStreamEvent]:
        return list(self._parts_manager.handle_text_delta(vendor_part_id="text", content=text)) if text else []

    async def close_stream(self) -> None:
        """End the work."""
        await self._reading.aclose()

    @property
    def model_name(self) -> str:
        """Catalog name, or the file's."""
        return self._name

    @property
    def provider_name(self) -> str:
        """Who runs it."""
        return "local"

    @property
    def provider_url(self) -> None:
        """It has none."""

    @property
    def timestamp(self) -> datetime:
        """When the answer began."""
        return self._begun
