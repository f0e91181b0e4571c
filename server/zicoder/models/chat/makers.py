"""How a chat model of each kind of API is made. Every SDK is imported here, and only when a model is made.

All of them get the client of endpoint.py and a placeholder for the key, and none retries by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zicoder.models.chat.endpoint import PLACEHOLDER, Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2
    from pydantic_ai.models import Model

__all__ = ["anthropic", "compatible", "google", "mistral", "ollama", "openai"]


def openai(model: str, endpoint: Endpoint, http: httpx2.AsyncClient) -> Model:
    """A model of OpenAI itself, by its chat completions."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=_openai_client(endpoint, http))
    return OpenAIChatModel(model, provider=provider, profile=_must_end())


def compatible(name: str) -> Callable[[str, Endpoint, httpx2.AsyncClient], Model]:
    """Models of a server with OpenAI's chat completions; `name` is the provider's in the history of a conversation."""

    def make(model: str, endpoint: Endpoint, http: httpx2.AsyncClient) -> Model:
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

        provider = OpenAICompatibleProvider(name, openai_client=_openai_client(endpoint, http))
        return OpenAIChatModel(model, provider=provider, profile=_must_end())

    return make


def ollama(model: str, endpoint: Endpoint, http: httpx2.AsyncClient) -> Model:
    """A model of Ollama, by its OpenAI-compatible API."""
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.providers.ollama import OllamaProvider

    provider = OllamaProvider(openai_client=_openai_client(endpoint, http))
    return OllamaModel(model, provider=provider, profile=_must_end())


def anthropic(model: str, endpoint: Endpoint, http: httpx2.AsyncClient) -> Model:
    """A model of Anthropic."""
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(api_key=PLACEHOLDER, base_url=endpoint.url, http_client=http, max_retries=0)
    return AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client))


def google(model: str, endpoint: Endpoint, http: httpx2.AsyncClient) -> Model:
    """A model of Google Gemini, by its developer API."""
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    provider = GoogleProvider(api_key=PLACEHOLDER, base_url=endpoint.url, http_client=http)
    return GoogleModel(model, provider=provider)


def mistral(model: str, endpoint: Endpoint, http: httpx2.AsyncClient) -> Model:
    """A model of Mistral."""
    from mistralai.client import Mistral
    from pydantic_ai.models.mistral import MistralModel
    from pydantic_ai.providers.mistral import MistralProvider

    client = Mistral(api_key=PLACEHOLDER, async_client=http, server_url=endpoint.url)
    # Its telemetry goes to another address; it is off by default, and here a variable cannot turn it on, either.
    settings: Any = client.sdk_configuration
    settings.telemetry = False
    return MistralModel(model, provider=MistralProvider(mistral_client=client))


def _must_end() -> Any:
    """A stream that ends without saying why is cut off; pydantic-ai would take it for complete."""
    from pydantic_ai.profiles.openai import OpenAIModelProfile

    return OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)


def _openai_client(endpoint: Endpoint, http: httpx2.AsyncClient) -> Any:
    from openai import AsyncOpenAI

    return AsyncOpenAI(api_key=PLACEHOLDER, base_url=endpoint.url, http_client=http, max_retries=0)
