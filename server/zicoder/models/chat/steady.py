"""A model that stands what networks and providers do: errors, limits, silence, and answers that break off.

Wraps any pydantic-ai model. Retries with backoff what may pass, tells at once that it waits, leaves a provider alone
that failed for good, limits the time to the first token and between two, and turns every failure into a sentence.
A stream that fails before its first event is begun again; later that would repeat text that was shown, so it is
reported as cut. Importing this imports pydantic-ai: do so inside functions only.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from pydantic_ai import RunContext
from pydantic_ai.messages import ModelMessage, ModelResponse, ModelResponseStreamEvent, TextPart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from zicoder.errors import AnswerCut, ProviderBusy, ProviderGarbled, ProviderUnavailable
from zicoder.events import Notice
from zicoder.models.chat.endpoint import opened_answers
from zicoder.models.chat.failures import Failure, explain
from zicoder.models.chat.patience import Breaker, Patience, pause_s

__all__ = ["SteadyModel"]

T = TypeVar("T")
_Opened = tuple[
    AsyncExitStack, StreamedResponse, AsyncIterator[ModelResponseStreamEvent], ModelResponseStreamEvent | None
]


class SteadyModel(WrapperModel):
    """One model with patience. Cheap to make: the circuit and the wrapped model are shared between conversations."""

    def __init__(
        self,
        wrapped: Model,
        *,
        title: str,
        breaker: Breaker,
        patience: Patience,
        notice: Callable[[Notice], None],
        stands_in_for: str = "",
        ends_with_reason: bool = True,
    ) -> None:
        """`title` is what sentences call the provider. `stands_in_for` names the model that did not answer.

        `ends_with_reason`: its complete answers say why they end, as those of every remote API do.
        """
        super().__init__(wrapped)
        self._title = title
        self._breaker = breaker
        self._patience = patience
        self._notice = notice
        self._stands_in_for = stands_in_for
        self._ends_with_reason = ends_with_reason

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The whole answer. Raises ZiError."""

        async def ask() -> ModelResponse:
            async with opened_answers(), asyncio.timeout(self._patience.answer_s):
                return await self.wrapped.request(messages, model_settings, model_request_parameters)

        return await self._persist(ask)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """The answer as it comes. Leaving it early closes the connection. Raises ZiError."""

        async def begin() -> _Opened:
            async with opened_answers() as close, AsyncExitStack() as stack:
                stack.push_async_callback(close)
                async with asyncio.timeout(self._patience.limits.first_s):
                    response = await stack.enter_async_context(
                        self.wrapped.request_stream(messages, model_settings, model_request_parameters, run_context)
                    )
                    events = aiter(response)
                    first = await anext(events, None)
                if first is None and self._ends_with_reason and response.finish_reason is None:
                    raise ProviderGarbled(f"{self._title} answered with nothing.", hint="Try again.")
                return stack.pop_all(), response, events, first

        stack, response, events, first = await self._persist(begin)
        async with stack:
            # As FallbackModel does: whoever iterates the response gets this iterator, and so the event looked at.
            response._event_iterator = self._steadily(response, events, first)  # pyright: ignore[reportPrivateUsage]
            yield response

    async def _persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of the first attempt that works. Raises ZiError without a cause."""
        if left := self._breaker.enter():
            raise ProviderUnavailable(
                f"{self._title} failed again and again and is left alone for another {_seconds(left)}.",
                hint="Choose another model, or wait.",
            )
        if self._stands_in_for:
            self._notice(Notice(f"{self._title} ({self.model_name}) answers instead of {self._stands_in_for}."))
        try:
            number = 0
            while True:
                number += 1
                failure: Failure
                try:
                    result = await attempt()
                except Exception as error:  # noqa: BLE001 - SDKs raise what they like, and all of it is explained
                    failure = self._explained(error)
                else:
                    self._breaker.worked()
                    return result
                wait = self._pause(failure, number)
                if wait is None:
                    raise failure.error
                await asyncio.sleep(wait)
        finally:
            self._breaker.left()

    def _explained(self, error: Exception) -> Failure:
        if isinstance(error, ProviderGarbled):
            return Failure(error, again=True)
        return explain(error, where=self._title, model=self.model_name)

    def _pause(self, failure: Failure, number: int) -> float | None:
        """How long to wait before the next attempt, told to the user; None when that was the last one."""
        if not failure.again:
            if isinstance(failure.error, ProviderUnavailable):
                self._breaker.failed()
            else:
                self._breaker.worked()
            return None
        asked = failure.error.retry_after_s if isinstance(failure.error, ProviderBusy) else None
        wait = None if self._breaker.probing else pause_s(self._patience, number, asked, random.random())  # noqa: S311
        if wait is None:
            self._breaker.failed(asked)
            return None
        what = "Rate limit reached" if isinstance(failure.error, ProviderBusy) else str(failure.error).rstrip(".")
        self._notice(Notice(f"{what}, waiting {_seconds(wait)}.", "warning"))
        return wait

    async def _steadily(
        self,
        response: StreamedResponse,
        events: AsyncIterator[ModelResponseStreamEvent],
        first: ModelResponseStreamEvent | None,
    ) -> AsyncIterator[ModelResponseStreamEvent]:
        """The events of a stream that has begun. Raises AnswerCut."""
        event = first
        while event is not None:
            yield event
            failure: Failure | None = None
            try:
                async with asyncio.timeout(self._patience.limits.between_s):
                    event = await anext(events, None)
            except Exception as error:  # noqa: BLE001
                failure = self._explained(error)
            if failure is not None:
                raise self._cut(response, str(failure.error))
        if self._ends_with_reason and response.finish_reason is None and not response.cancelled:
            raise self._cut(response, "The connection ended before the answer did.")

    def _cut(self, response: StreamedResponse, reason: str) -> AnswerCut:
        text = "".join(part.content for part in response.get().parts if isinstance(part, TextPart))
        return AnswerCut(
            f"The answer of {self._title} was cut off after {len(text)} characters. {reason}",
            hint="What came is kept; ask again for the whole.",
            text=text,
        )


def _seconds(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
