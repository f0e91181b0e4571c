"""Whether providers answer, take the key and have the model.

Asked when somebody looks, all at the same time, with a deadline, and remembered for some seconds; never at start.
Only the key and names of models leave, to the one address that is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from zicoder.errors import CredentialError, KeyRefused, ProviderError, ZiError
from zicoder.models.chat.endpoint import Endpoint
from zicoder.models.chat.names import ModelName, parse_name
from zicoder.models.chat.offers import Offer, list_models
from zicoder.models.chat.providers import ChatProvider, ChatProviders
from zicoder.models.chat.roles import Row

__all__ = ["Health", "Healths", "State", "health"]

State: TypeAlias = Literal["ok", "not reachable", "key wrong", "model not installed"]

DEADLINE_S = 3.0
FRESH_S = 15.0
"""A table that is drawn again and again asks no more often."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a provider answers, and in a sentence why not."""

    state: State
    sentence: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether it can be asked."""
        return self.state == "ok"


async def health(provider: ChatProvider, endpoint: Endpoint, model: str = "") -> Health:
    """Ask a provider for its models, which shows that it is there, takes the key, and has `model`, if one is named.

    Whether it has the model counts only where one can be installed: other lists of models are not complete.
    """
    if provider.make is not None and provider.needs_key and endpoint.key is None:
        return Health("key wrong", f"There is no key for {provider.title}.", f"Run `zi key set {provider.name}`.")
    try:
        offers = await list_models(provider, endpoint)
    except KeyRefused as error:
        return Health("key wrong", str(error), error.hint)
    except ProviderError as error:
        return Health("not reachable", str(error), error.hint)
    installed = [offer for offer in offers if offer.installed]
    if provider.make is None and not installed:
        hint = "Run `zi model pull qwen2.5-coder-1.5b`."
        return Health("model not installed", "No local model is installed.", hint)
    if model and provider.installs and not _has(installed, model):
        hint = f"`/model install {provider.name}:{model}` fetches it."
        return Health("model not installed", f"{provider.title} does not have the model {model}.", hint)
    return Health("ok")


class Places(Protocol):
    """What knows where a model is, with the key for it."""

    @property
    def providers(self) -> ChatProviders:
        """Those that there are."""
        ...

    async def endpoint(self, name: ModelName) -> Endpoint:
        """Where a model is. Raises InputError, CredentialError."""
        ...


class Healths:
    """What was found out of late about the models that somebody looked at."""

    def __init__(self, places: Places, *, deadline_s: float = DEADLINE_S, fresh_s: float = FRESH_S) -> None:
        self._places = places
        self._deadline_s = deadline_s
        self._fresh_s = fresh_s
        self._known: dict[str, tuple[float, Health]] = {}
        self._asking = asyncio.Lock()

    def forget(self) -> None:
        """Ask anew at the next look."""
        self._known.clear()

    async def rows(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """The rows of the table with the health of the models that answer."""
        remote = {row.answers for row in rows if row.answers and row.installed is None}
        found = await self.of(remote)
        return tuple(_with(row, found.get(row.answers)) for row in rows)

    async def of(self, names: Iterable[str]) -> dict[str, Health]:
        """The health of each model by its full name, within the deadline."""
        async with self._asking:  # who comes second finds it done
            now = time.monotonic()
            wanted = set(names)
            old = [name for name in wanted if name not in self._known or now - self._known[name][0] > self._fresh_s]
            asked = await asyncio.gather(*map(self._ask, old))
            self._known |= {name: (time.monotonic(), found) for name, found in zip(old, asked, strict=True)}
            return {name: self._known[name][1] for name in wanted}

    async def _ask(self, name: str) -> Health:
        title = name.partition(":")[0]
        try:
            async with asyncio.timeout(self._deadline_s):
                parsed = parse_name(name)
                provider = self._places.providers.get(parsed.provider)
                title = provider.title
                if provider.make is None:
                    return Health("ok")  # it is inside our processes; whether its file is here, the table says
                return await health(provider, await self._places.endpoint(parsed), parsed.model)
        except TimeoutError:
            return Health("not reachable", f"{title} did not answer within {self._deadline_s:g} s.", "Is it running?")
        except CredentialError as error:
            return Health("key wrong", str(error), error.hint)
        except ZiError as error:
            return Health("not reachable", str(error), error.hint)


def _with(row: Row, found: Health | None) -> Row:
    if found is not None:
        return replace(row, health=found.state, problem=row.problem or f"{found.sentence} {found.hint}".strip())
    if row.installed is None:
        return row
    return replace(row, health="ok" if row.installed else "model not installed")


def _has(offers: Sequence[Offer], model: str) -> bool:
    """Whether a model is among them; Ollama adds `:latest` to a name without a tag."""
    return any(offer.name in {model, f"{model}:latest"} for offer in offers)
