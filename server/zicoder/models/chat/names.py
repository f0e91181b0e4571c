"""Names of chat models in settings: `PROVIDER:MODEL`, or `PROVIDER:URL#MODEL` for an address of one's own.

local:qwen2.5-coder-1.5b
ollama:qwen2.5-coder:7b
openai-compatible:http://gpu-box:8080/v1#model
"""

from __future__ import annotations

from dataclasses import dataclass

from zicoder.errors import InputError
from zicoder.models.exchange import shown, split_url

__all__ = ["LOCAL", "ModelName", "parse_name"]

LOCAL = "local"


@dataclass(frozen=True, slots=True)
class ModelName:
    """`url` is "" for the provider's own address."""

    provider: str
    model: str
    url: str = ""

    def __str__(self) -> str:
        return f"{self.provider}:{self.url}#{self.model}" if self.url else f"{self.provider}:{self.model}"

    @property
    def key_name(self) -> str:
        """What the key for it is kept under: the provider, at a host when the address is the user's own."""
        return f"{self.provider}@{split_url(self.url).netloc.lower()}" if self.url else self.provider


def parse_name(text: str) -> ModelName:
    """Take a name apart; one without a provider is a local model. Raises InputError."""
    provider, colon, rest = text.strip().partition(":")
    if not colon:
        return ModelName(LOCAL, _model(provider, text))
    if "://" not in rest:
        return ModelName(provider, _model(rest, text))
    url, _, model = rest.partition("#")
    return ModelName(provider, _model(model, text), shown(split_url(url)))


def _model(model: str, text: str) -> str:
    if not model or not model.isprintable() or len(model) > 300:
        raise InputError(
            f"`{text[:80]}` names no model." if text.isprintable() and "@" not in text else "That names no model.",
            hint="Write PROVIDER:MODEL or PROVIDER:URL#MODEL, for example `ollama:qwen2.5-coder:7b`.",
        )
    return model
