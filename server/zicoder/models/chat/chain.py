"""A model whose place others take, in order, when it does not answer. Importing this imports pydantic-ai."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.exceptions import FallbackExceptionGroup
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.settings import ModelSettings

from zicoder.errors import EngineError, ModelError, ProviderError, ZiError
from zicoder.events import Notice

__all__ = ["ChainModel"]


class ChainModel(FallbackModel):
    """Fall-back that says what it does, and fails with the first model's error. Once text came, nobody takes over."""

    def __init__(self, models: Sequence[Model], *, notice: Callable[[Notice], None]) -> None:
        def falls_back(error: Exception) -> bool:
            if not isinstance(error, (ProviderError, ModelError, EngineError)):
                return False
            notice(Notice(error.sentence, "warning"))
            return True

        super().__init__(models[0], *models[1:], fallback_on=falls_back)

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The first answer. Raises ZiError."""
        try:
            return await super().request(messages, model_settings, model_request_parameters)
        except FallbackExceptionGroup as group:
            failure = _first(group)
        raise failure

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """The first answer that begins, as it comes. Raises ZiError."""
        failure: ZiError | None = None
        try:
            async with super().request_stream(
                messages, model_settings, model_request_parameters, run_context
            ) as response:
                yield response
        except FallbackExceptionGroup as group:
            failure = _first(group)
        if failure is not None:
            raise failure


def _first(group: FallbackExceptionGroup) -> ZiError:
    """The error of the model that was wanted in the first place."""
    found = next((error for error in group.exceptions if isinstance(error, ZiError)), None)
    return found or ProviderError("No model answered.")
