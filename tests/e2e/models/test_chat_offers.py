"""Lists of models, health and pulls, against a real server on this machine."""

import asyncio
import json

import pytest
from chat_wire import HEADERS, Reply, Stream, serving
from pydantic import SecretStr

from zicoder.errors import InputError, ProviderError, ProviderGarbled, ProviderRefused, ProviderUnavailable
from zicoder.models.chat.endpoint import Endpoint
from zicoder.models.chat.health import health
from zicoder.models.chat.offers import install, list_models, search_models
from zicoder.models.chat.providers import CHAT_PROVIDERS

KEY = SecretStr("sk-planted-7f3a91c2d4e5b6a8")
ANSWERS = {
    "openai": {"object": "list", "data": [{"id": "gpt-b", "object": "model"}, {"id": "gpt-a", "object": "model"}]},
    "anthropic": {"data": [{"type": "model", "id": "gpt-a"}, {"type": "model", "id": "gpt-b"}], "has_more": False},
    "google": {
        "models": [
            {"name": "models/gpt-a", "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/gpt-b", "supportedGenerationMethods": ["generateContent", "countTokens"]},
            {"name": "models/vectors", "supportedGenerationMethods": ["embedContent"]},
        ]
    },
    "mistral": {"object": "list", "data": [{"id": "gpt-a"}, {"id": "gpt-b"}]},
    "together": [{"id": "gpt-a", "type": "chat"}, {"id": "gpt-b", "type": "chat"}],
    "cohere": {"models": [{"name": "gpt-a"}, {"name": "gpt-b"}]},
    "ollama": {"models": [{"name": "gpt-a", "size": 7}, {"name": "gpt-b"}]},
}
PATHS = {
    "openai": "/v1/models", "anthropic": "/v1/models?limit=1000", "google": "/v1beta/models?pageSize=1000",
    "mistral": "/v1/models", "together": "/v1/models", "cohere": "/v1/models?endpoint=chat", "ollama": "/api/tags",
}  # fmt: skip


@pytest.fixture
def wire():
    with serving() as wire:
        yield wire


def place(wire, name: str) -> Endpoint:
    path = "" if name in {"anthropic", "google", "mistral"} else "/v1"
    return Endpoint(wire.url + path, KEY, CHAT_PROVIDERS.get(name).auth)


@pytest.mark.parametrize("name", ANSWERS)
async def test_the_models_of_a_provider(wire, name):
    wire.script = [Reply(200, json.dumps(ANSWERS[name]).encode(), HEADERS)]
    provider = CHAT_PROVIDERS.get(name)
    offers = await list_models(provider, place(wire, name))
    assert [offer.name for offer in offers] == ["gpt-a", "gpt-b"]
    assert [offer.name for offer in await search_models(provider, place(wire, name), "GPT b")] == ["gpt-b"]
    assert wire.requests[0]["path"] == PATHS[name]
    assert sum(KEY.get_secret_value() in value for value in wire.requests[0]["headers"].values()) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401, b"KEY", echo=True), ProviderRefused),
        (Reply(302, b"", {"location": "http://127.0.0.1:9/"}), ProviderRefused),
        (Reply(500, b"<html>KEY", echo=True), ProviderUnavailable),
        (Reply(200, b"<html>KEY", {"content-type": "text/html"}, echo=True), ProviderGarbled),
        (Reply(200, b"KEY", HEADERS, echo=True), ProviderGarbled),
        (Reply(200, b"3", HEADERS), ProviderGarbled),
        (Reply(200, b"[" * 100_000, HEADERS), ProviderGarbled),
        (Stream([b'{"data": ['], cut=True), ProviderError),
    ],
)
async def test_health_is_a_sentence_and_holds_no_key(wire, reply, kind):
    wire.script = [reply]
    provider = CHAT_PROVIDERS.get("openai")
    found = await health(provider, place(wire, "openai"))
    assert not found.ok
    assert found.sentence
    assert KEY.get_secret_value() not in found.sentence + found.hint
    assert "<" not in found.sentence
    with pytest.raises(kind):
        await list_models(provider, place(wire, "openai"))


async def test_health_that_is_good(wire):
    wire.script = [Reply(200, b'{"data": []}', HEADERS)]
    found = await health(CHAT_PROVIDERS.get("openai"), place(wire, "openai"), "a-model-that-is-not-listed")
    assert found.ok, "such a list need not be complete"


async def test_health_without_a_key_asks_nobody(wire):
    assert not (await health(CHAT_PROVIDERS.get("openai"), Endpoint(wire.url))).ok
    assert wire.requests == []


def pull(*steps: dict) -> list[bytes]:
    return [json.dumps(step).encode() + b"\n" for step in steps]


PULL = pull(
    {"status": "pulling manifest"},
    {"status": "pulling 1", "digest": "sha256:1", "total": 100, "completed": 10},
    {"status": "pulling 1", "digest": "sha256:1", "total": 100, "completed": 100},
    {"status": "success"},
)


async def test_a_pull_tells_how_far_it_is(wire):
    wire.script = [Stream(PULL, content_type="application/x-ndjson")]
    told = []
    await install(CHAT_PROVIDERS.get("ollama"), place(wire, "ollama"), "qwen:7b", told.append)
    assert [(step.done, step.total) for step in told] == [(0, None), (10, 100), (100, 100), (0, None)]
    assert wire.requests[0]["body"] == {"model": "qwen:7b", "stream": True}
    assert wire.requests[0]["path"] == "/api/pull"


@pytest.mark.parametrize(
    "pieces", [PULL[:2], [], pull({"status": "pulling manifest"}, {"error": "file does not exist"}), [b"oops\n"]]
)
async def test_a_pull_that_fails_is_said(wire, pieces):
    wire.script = [Stream(pieces, content_type="application/x-ndjson")]
    with pytest.raises(ProviderError):
        await install(CHAT_PROVIDERS.get("ollama"), place(wire, "ollama"), "qwen:7b")


async def test_cancelling_a_pull_closes_the_connection(wire):
    wire.script = [Stream(PULL, hold=2, content_type="application/x-ndjson")]
    begun = asyncio.Event()
    provider = CHAT_PROVIDERS.get("ollama")
    task = asyncio.create_task(install(provider, place(wire, "ollama"), "qwen:7b", lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(wire.gone.wait, 10)


async def test_what_cannot_be_installed_is_said(wire):
    with pytest.raises(InputError, match="cannot be installed"):
        await install(CHAT_PROVIDERS.get("openai"), place(wire, "openai"), "gpt-a")
