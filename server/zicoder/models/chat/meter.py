"""What a conversation has cost: tokens, and dollars where a price is known.

Prices come from the table that the package genai-prices carries; it is never brought up to date over the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zicoder.events import Used
from zicoder.models.chat.providers import CHAT_PROVIDERS

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.usage import RequestUsage

__all__ = ["Meter", "price"]

_PRICE_NAMES: Mapping[str, str] = {
    "openai": "openai", "anthropic": "anthropic", "google": "google", "mistral": "mistral", "xai": "x-ai",
    "cohere": "cohere", "together": "together",
}  # fmt: skip
"""What the table of prices calls a provider. For others it would guess by the model's name, and guess wrong."""
_OWN = {"local", "scripted", "function", "test"}
"""What models inside our processes call their provider."""


def price(provider: str, model: str, usage: RequestUsage) -> float | None:
    """US dollars for one answer; 0 where it was made on the user's own machines, None where no price is known."""
    if provider in _OWN or (provider in CHAT_PROVIDERS and CHAT_PROVIDERS.get(provider).free):
        return 0.0
    if provider not in _PRICE_NAMES:
        return None
    from genai_prices import calc_price

    try:
        found = calc_price(usage, model, provider_id=_PRICE_NAMES[provider])
    except (LookupError, ValueError):
        return None
    return float(found.total_price)


@dataclass(slots=True)
class Meter:
    """Counts one conversation. A total with an unknown price in it is unknown."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    by_model: dict[str, Used] = field(default_factory=dict[str, Used])

    def add(self, response: ModelResponse) -> Used:
        """Count an answer, also one that was cut; says what it alone cost."""
        provider, model = response.provider_name or "local", response.model_name or "unknown"
        usage = response.usage
        used = Used(f"{provider}:{model}", usage.input_tokens, usage.output_tokens, price(provider, model, usage))
        self.input_tokens += used.input_tokens
        self.output_tokens += used.output_tokens
        self.cost = _sum(self.cost, used.cost)
        before = self.by_model.get(used.model, Used(used.model, 0, 0))
        self.by_model[used.model] = Used(
            used.model,
            before.input_tokens + used.input_tokens,
            before.output_tokens + used.output_tokens,
            _sum(before.cost, used.cost),
        )
        return used


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
