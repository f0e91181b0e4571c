"""What a provider offers: its models, and how one is installed with it.

Nothing here sends code: only names of models and the key leave, to the one address that is asked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from zicoder.errors import InputError, ProviderGarbled, ProviderRefused
from zicoder.events import Progress, ProgressSink, ignore_progress
from zicoder.models.chat.endpoint import Endpoint
from zicoder.models.chat.providers import ChatProvider
from zicoder.models.exchange import Exchange, Limits, fetch_json
from zicoder.models.store import ModelStore

__all__ = ["Offer", "install", "list_models", "search_models"]

LIMITS = Limits(connect_s=5.0, first_s=15.0, between_s=15.0)
PULL_LIMITS = Limits(connect_s=5.0, first_s=120.0, between_s=300.0)
"""Ollama says nothing while it verifies what it fetched."""
MOST_OFFERS = 5000


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that a provider has. `installed` is False for one that it could fetch."""

    name: str
    size: int | None = None
    """In bytes, where the provider says."""
    installed: bool = True
    summary: str = ""


async def list_models(provider: ChatProvider, endpoint: Endpoint) -> tuple[Offer, ...]:
    """The models of a provider, by name. Raises ProviderError."""
    if provider.make is None:
        return await asyncio.to_thread(_catalog)
    headers = dict(endpoint.headers)
    if provider.auth == "x-api-key":
        headers["anthropic-version"] = "2023-06-01"
    exchange = Exchange(
        "GET", endpoint.below(provider.models_path), name=provider.title, headers=headers, limits=LIMITS,
        proxy=endpoint.proxy,
    )  # fmt: skip
    answer = await fetch_json(exchange, name=provider.title)
    return _offers(answer, provider.title)


async def search_models(provider: ChatProvider, endpoint: Endpoint, words: str) -> tuple[Offer, ...]:
    """Its models whose names or summaries hold every one of the words. Raises ProviderError."""
    wanted = words.lower().split()
    found = await list_models(provider, endpoint)
    return tuple(offer for offer in found if all(w in f"{offer.name} {offer.summary}".lower() for w in wanted))


async def install(
    provider: ChatProvider, endpoint: Endpoint, model: str, progress: ProgressSink = ignore_progress
) -> None:
    """Have a provider fetch a model; cancelled, it stops, and goes on from there the next time.

    Raises InputError where the provider cannot, ProviderError, ModelError.
    """
    if provider.installs == "catalog":
        store = ModelStore()
        loop = asyncio.get_running_loop()
        entry = store.catalog.find(model)

        def tell(step: Progress) -> None:
            loop.call_soon_threadsafe(progress, step)

        await asyncio.to_thread(store.pull, entry, (), tell)
    elif provider.installs == "ollama":
        await _pull(provider, endpoint, model, progress)
    else:
        raise InputError(f"Models of {provider.title} cannot be installed from here.")


async def _pull(provider: ChatProvider, endpoint: Endpoint, model: str, progress: ProgressSink) -> None:
    exchange = Exchange(
        "POST", endpoint.below("/api/pull"), name=provider.title, model=model, headers=endpoint.headers,
        body={"model": model, "stream": True}, limits=PULL_LIMITS, proxy=endpoint.proxy,
    )  # fmt: skip
    title, status = f"Pulling {model}", ""
    async for line in exchange.lines():
        if not line:
            continue
        step = _object(line, provider.title)
        if "error" in step:
            raise ProviderRefused(f"{provider.title} cannot pull {model}.", hint="Check the model's name.")
        status = str(step.get("status", ""))[:80]
        total = step.get("total")
        done = step.get("completed")
        progress(
            Progress(title, done if isinstance(done, int) else 0, total if isinstance(total, int) else None, status)
        )
    if status != "success":
        raise ProviderGarbled(f"{provider.title} stopped pulling {model} before it was done.", hint="Pull it again.")


def _object(line: bytes, title: str) -> dict[str, Any]:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProviderGarbled(f"What {title} answered is no JSON object.", hint="Check the address.")
    return cast("dict[str, Any]", value)


def _catalog() -> tuple[Offer, ...]:
    store = ModelStore()
    return tuple(
        Offer(entry.name, entry.size, store.state(entry) == "installed", entry.summary)
        for entry in store.catalog.values()
        if entry.good_for != ("embedding",)
    )


def _offers(answer: object, title: str) -> tuple[Offer, ...]:
    """From the shapes in use: `{"data": [{"id"}]}` (OpenAI, Anthropic, Mistral), `{"models": [{"name"}]}` (Google,
    Ollama, Cohere), and a bare list of the former (Together).
    """
    rows: object = answer
    if isinstance(answer, dict):
        table = cast("Mapping[str, object]", answer)
        rows = table.get("data", table.get("models"))
    if not isinstance(rows, list):
        raise ProviderGarbled(f"What {title} answered is no list of models.", hint="Check the address.")
    found: dict[str, Offer] = {}
    for row in cast("list[object]", rows)[:MOST_OFFERS]:
        if isinstance(row, dict) and (offer := _offer(cast("Mapping[str, object]", row))):
            found[offer.name] = offer
    return tuple(found[name] for name in sorted(found))


def _offer(row: Mapping[str, object]) -> Offer | None:
    methods = row.get("supportedGenerationMethods")
    if isinstance(methods, list) and "generateContent" not in methods:
        return None
    name = row.get("id", row.get("name"))
    if not isinstance(name, str) or not name.isprintable():
        return None
    size = row.get("size")
    return Offer(name.removeprefix("models/"), size if isinstance(size, int) else None)
