"""The chat models in use: made when first asked for, shared between conversations, and closed together.

Owned by a workspace. Knows the keys and the circuits; which model a role wants, roles.py says. A model of a provider
that runs inside our processes (`local`) is made by a function that the owner brings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from zicoder.errors import InputError, KeyRefused, ModelError, ZiError
from zicoder.events import Notice
from zicoder.models.chat.endpoint import Endpoint, make_client
from zicoder.models.chat.failures import explain
from zicoder.models.chat.health import Healths
from zicoder.models.chat.names import ModelName, parse_name
from zicoder.models.chat.patience import Breaker, Patience
from zicoder.models.chat.providers import CHAT_PROVIDERS, ChatProvider, ChatProviders
from zicoder.models.credentials.keys import Credentials
from zicoder.models.exchange import split_url

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model

__all__ = ["ChatModels"]


@dataclass(frozen=True, slots=True)
class _Made:
    model: Model
    http: httpx2.AsyncClient | None
    key: SecretStr | None


class ChatModels:
    """Chat models by name."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        own: Mapping[str, Callable[[str], Model]] | None = None,
        providers: ChatProviders = CHAT_PROVIDERS,
        patience: Patience | None = None,
        proxy: str = "",
    ) -> None:
        """`own` makes the models of providers inside our processes, by the provider's name."""
        self._credentials = credentials
        self._own = own or {}
        self._providers = providers
        self._patience = patience or Patience()
        self._proxy = proxy
        self._made: dict[ModelName, _Made] = {}
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self._replaced: list[httpx2.AsyncClient] = []
        self._making = asyncio.Lock()
        self.healths = Healths(self)
        """Whether the models answer, asked when somebody looks."""

    async def model(self, name: str, *, notice: Callable[[Notice], None], stands_in_for: str = "") -> Model:
        """One model with patience. `notice` is told at once about waiting.

        Raises InputError, KeyRefused (there is none), ModelError (a package is missing, a local model is not there).
        """
        parsed = parse_name(name)
        provider = self._providers.get(parsed.provider)
        made = await self._make(parsed, provider)
        from zicoder.models.chat.steady import SteadyModel

        breaker = self._breakers.setdefault((parsed.provider, parsed.url), Breaker(self._patience))
        return SteadyModel(
            made.model,
            title=provider.title,
            breaker=breaker,
            patience=self._patience,
            notice=notice,
            stands_in_for=stands_in_for,
            ends_with_reason=provider.make is not None,
        )

    async def chain(self, names: Sequence[str], *, notice: Callable[[Notice], None]) -> Model:
        """The first model, with the others to answer in its place, in this order, when it does not.

        One that cannot be made is passed over, with a notice, while another is left. Raises what `model` raises.
        """
        models: list[Model] = []
        errors: list[ZiError] = []
        for name in dict.fromkeys(names):
            stands_in_for = names[0] if models or errors else ""
            try:
                models.append(await self.model(name, notice=notice, stands_in_for=stands_in_for))
            except ZiError as error:
                errors.append(error)
        if not models:
            raise errors[0] if errors else InputError("No chat model is named.", hint="Set `chat.model`.")
        for error in errors:
            notice(Notice(error.sentence, "warning"))
        if len(models) == 1:
            return models[0]
        from zicoder.models.chat.chain import ChainModel

        return ChainModel(models, notice=notice)

    @property
    def providers(self) -> ChatProviders:
        """Those whose models can be had here."""
        return self._providers

    async def endpoint(self, name: ModelName) -> Endpoint:
        """Where a model is, with the key for it. Raises InputError, CredentialError."""
        provider = self._providers.get(name.provider)
        url = provider.address(name)
        key = await asyncio.to_thread(self._credentials.get, *provider.key_names(name)) if provider.make else None
        if self._proxy:
            split_url(self._proxy)
        return Endpoint(url, key, provider.auth, self._proxy)

    async def close(self) -> None:
        """Close every connection."""
        clients = [*self._replaced, *(made.http for made in self._made.values() if made.http is not None)]
        self._made.clear()
        self._replaced.clear()
        for client in clients:
            await client.aclose()

    async def _make(self, name: ModelName, provider: ChatProvider) -> _Made:
        if provider.make is None:
            return await self._make_own(name, provider)
        endpoint = await self.endpoint(name)
        if endpoint.key is None and provider.needs_key:
            raise KeyRefused(
                f"There is no key for {provider.title}.",
                hint=f"Give it with `zi key set {name.key_name}`, or set the environment variable "
                f"ZI_KEY_{provider.name.upper().replace('-', '_')}.",
            )
        async with self._making:
            known = self._made.get(name)
            if known is not None and known.key == endpoint.key:
                return known
            if known is not None and known.http is not None:
                self._replaced.append(known.http)  # an answer may still be coming through it
            self._made[name] = made = await asyncio.to_thread(self._build, name, provider, endpoint)
        return made

    def _build(self, name: ModelName, provider: ChatProvider, endpoint: Endpoint) -> _Made:
        """In a thread: importing an SDK takes a second or two."""
        assert provider.make is not None
        try:
            import zicoder.models.chat.steady  # noqa: F401  # pyright: ignore[reportUnusedImport] - pydantic-ai

            http = make_client(endpoint, self._patience.limits)
            return _Made(provider.make(name.model, endpoint, http), http, endpoint.key)
        except ImportError as error:
            raise _missing(provider, error) from None
        except Exception as error:  # noqa: BLE001 - a name or an address that an SDK or a plug-in does not like
            failure = explain(error, where=provider.title, model=name.model).error
        raise failure

    async def _make_own(self, name: ModelName, provider: ChatProvider) -> _Made:
        make = self._own.get(provider.name)
        if make is None:
            raise InputError(f"Models of {provider.title} are not available here.")
        try:
            await asyncio.to_thread(__import__, "zicoder.models.chat.steady")
            return _Made(make(name.model), None, None)
        except ImportError as error:
            raise _missing(provider, error) from None


def _missing(provider: ChatProvider, error: ImportError) -> ModelError:
    return ModelError(
        f"A package for {provider.title} is missing or broken ({error.name or 'unknown'}).",
        hint=f"Run `pip install 'zicoder[{provider.extra}]'`.",
    )
