"""The providers of chat models, open to plug-ins through the entry-point group `zicoder.chat_providers`.

A provider is a description and a function that makes a model; an entry point names a `ChatProvider`. Nothing here
imports pydantic-ai or an SDK, or sends anything: that happens inside the functions, when they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from zicoder.errors import InputError
from zicoder.models.chat import makers
from zicoder.models.chat.endpoint import Auth, Endpoint
from zicoder.models.chat.names import LOCAL, ModelName
from zicoder.registry import Registry

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model

__all__ = ["CHAT_PROVIDERS", "ChatProvider", "ChatProviders", "MakeModel"]

MakeModel: TypeAlias = "Callable[[str, Endpoint, httpx2.AsyncClient], Model]"
"""From a model's name, an address with its key, and a client that goes to that address only, to a model.

The client adds the key, and time-outs; an SDK gets a placeholder, and must make no retries of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatProvider:
    """What is known about one provider.

    `url` is where its API is; "" when it has none of its own, so that a name must hold one.
    `make` is None for a provider inside our processes, whose models the workspace makes.
    `models_path` is where it lists its models, below `url`; from the host's root when it begins with a slash.
    """

    name: str
    title: str
    make: MakeModel | None
    url: str = ""
    auth: Auth = "bearer"
    needs_key: bool = False
    free: bool = False
    """Whether its answers cost nothing, since they are made on the user's own machines."""
    extra: str = "chat"
    """The extra of the package `zicoder` that brings what it needs."""
    models_path: str = "models"
    installs: Literal["", "catalog", "ollama"] = ""
    """How a model is installed with it, "" where that cannot be done from here."""

    def address(self, name: ModelName) -> str:
        """Where a model is. Raises InputError when neither the name nor the provider says."""
        if name.url or self.url or self.make is None:
            return name.url or self.url
        raise InputError(
            f"`{name}` does not say where the server is.",
            hint=f"Write {self.name}:URL#MODEL, for example {self.name}:http://localhost:8080/v1#{name.model}.",
        )

    def key_names(self, name: ModelName) -> tuple[str, ...]:
        """What its key may be kept under. The provider's own key goes to the provider's own address only."""
        if name.url and (not self.url or _same_server(name.url, self.url)):
            return (name.key_name, self.name)
        return (name.key_name,)


def _same_server(url: str, other: str) -> bool:
    return urlsplit(url.lower())[:2] == urlsplit(other)[:2]


class ChatProviders(Registry[ChatProvider]):
    """Providers by name. One can be taken out again, also one that a plug-in brought."""

    def __init__(self) -> None:
        super().__init__("chat provider", group="zicoder.chat_providers")
        self._gone: set[str] = set()

    def add(self, provider: ChatProvider) -> None:
        """Register a provider under its own name. Raises ValueError when the name is taken."""
        self.register(provider.name)(provider)
        self._gone.discard(provider.name)

    def unregister(self, name: str) -> None:
        """Take a provider out. Raises InputError when there is none of that name."""
        self.get(name)
        del self._known[name]
        self._gone.add(name)

    def get(self, name: str) -> ChatProvider:
        """The provider called `name`. Raises InputError that lists the known ones."""
        if name in self._gone:
            raise InputError(f"The chat provider {name!r} was taken out.", hint=f"Known: {', '.join(self)}.")
        return super().get(name)

    def __iter__(self) -> Iterator[str]:
        """Sorted names, those of plug-ins included."""
        return (name for name in super().__iter__() if name not in self._gone)


CHAT_PROVIDERS = ChatProviders()

for _provider in (
    ChatProvider(name=LOCAL, title="Zi Coder's own engine", make=None, free=True, extra="local", installs="catalog"),
    ChatProvider(name="scripted", title="A script", make=None, free=True),
    ChatProvider(
        name="openai", title="OpenAI", make=makers.openai, url="https://api.openai.com/v1", needs_key=True,
    ),
    ChatProvider(
        name="anthropic", title="Anthropic", make=makers.anthropic, url="https://api.anthropic.com", auth="x-api-key",
        needs_key=True, extra="anthropic", models_path="/v1/models?limit=1000",
    ),
    ChatProvider(
        name="google", title="Google Gemini", make=makers.google, url="https://generativelanguage.googleapis.com",
        auth="x-goog-api-key", needs_key=True, extra="google", models_path="/v1beta/models?pageSize=1000",
    ),
    ChatProvider(
        name="mistral", title="Mistral", make=makers.mistral, url="https://api.mistral.ai", needs_key=True,
        extra="mistral", models_path="/v1/models",
    ),
    ChatProvider(name="xai", title="xAI", make=makers.compatible("xai"), url="https://api.x.ai/v1", needs_key=True),
    ChatProvider(
        name="cohere", title="Cohere", make=makers.compatible("cohere"),
        url="https://api.cohere.ai/compatibility/v1", needs_key=True, models_path="/v1/models?endpoint=chat",
    ),
    ChatProvider(
        name="together", title="Together AI", make=makers.compatible("together"), url="https://api.together.xyz/v1",
        needs_key=True,
    ),
    # Its public service has ended: a customer's endpoints have addresses of their own.
    ChatProvider(name="anyscale", title="Anyscale", make=makers.compatible("anyscale"), needs_key=True),
    ChatProvider(
        name="ollama", title="Ollama", make=makers.ollama, url="http://localhost:11434/v1", free=True,
        models_path="/api/tags", installs="ollama",
    ),
    ChatProvider(
        name="lmstudio", title="LM Studio", make=makers.compatible("lmstudio"), url="http://localhost:1234/v1",
        free=True,
    ),
    ChatProvider(
        name="llama-server", title="llama-server", make=makers.compatible("llama-server"),
        url="http://localhost:8080/v1", free=True,
    ),
    ChatProvider(name="openai-compatible", title="The server", make=makers.compatible("openai-compatible")),
):  # fmt: skip
    CHAT_PROVIDERS.add(_provider)
del _provider
