"""The table of roles says how the models are: asked together, within a deadline, and not again at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chat_wire import HEADERS, Reply, Stream, Wire, serving

from zicoder.models.chat.health import Healths
from zicoder.models.chat.pool import ChatModels
from zicoder.models.chat.roles import Row
from zicoder.models.credentials import Credentials

LISTED = Reply(200, json.dumps({"models": [{"name": "qwen:7b"}, {"name": "small:latest"}]}).encode(), HEADERS)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as wire:
        yield wire


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChatModels:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return ChatModels(Credentials(where="file", folder=tmp_path))


def ollama(wire: Wire, model: str) -> str:
    return f"ollama:{wire.url}/v1#{model}"


ROW = Row(role="chat", model="", answers="", source="default", fallbacks=(), temperature=0.2, prompt="", installed=None)


async def test_each_state_is_told_apart(wire: Wire, models: ChatModels) -> None:
    wire.script = [LISTED]
    here, latest, away = ollama(wire, "qwen:7b"), ollama(wire, "small"), "ollama:http://127.0.0.1:9/v1#x"
    missing, keyless, odd = ollama(wire, "gone:7b"), "openai:gpt-x", "nobody:x"
    found = await models.healths.of([here, latest, away, missing, keyless, odd])
    states = {name: each.state for name, each in found.items()}
    assert states == {
        here: "ok", latest: "ok", away: "not reachable", missing: "model not installed", keyless: "key wrong",
        odd: "not reachable",
    }  # fmt: skip
    assert "/model install ollama:gone:7b" in found[missing].hint
    assert all(each.sentence for each in found.values() if not each.ok)


async def test_a_wrong_key_is_told_from_a_server_that_is_away(
    wire: Wire, models: ChatModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZI_KEY_OPENAI_COMPATIBLE", "sk-planted-7f3a91c2d4e5b6a8")
    name = f"openai-compatible:{wire.url}/v1#x"
    for reply, state in ((Reply(401, b"KEY", echo=True), "key wrong"), (Reply(500, b"oops"), "not reachable")):
        wire.script = [reply]
        found = (await Healths(models).of([name]))[name]
        assert found.state == state
        assert "planted" not in found.sentence + found.hint


async def test_silent_servers_are_asked_together_and_given_up(wire: Wire, models: ChatModels) -> None:
    """One second each would be two; that they wait at the same time shows in the server's requests."""
    wire.script = [Stream([], hold=0)]
    names = [ollama(wire, "a"), ollama(wire, "b")]
    healths = Healths(models, deadline_s=1.0)
    found = await asyncio.wait_for(healths.of(names), 30)
    assert [found[name].state for name in names] == ["not reachable"] * 2
    assert all("within 1 s" in found[name].sentence for name in names)
    assert len(wire.requests) == 2


async def test_what_is_known_is_not_asked_again_at_once(wire: Wire, models: ChatModels) -> None:
    wire.script = [LISTED]
    healths = Healths(models)
    name = ollama(wire, "qwen:7b")
    await asyncio.gather(*(healths.of([name]) for _ in range(3)))
    assert len(wire.requests) == 1
    stale = Healths(models, fresh_s=0)
    await stale.of([name])
    await stale.of([name])
    assert len(wire.requests) == 3


async def test_the_table_shows_it_and_asks_for_a_model_once(wire: Wire, models: ChatModels) -> None:
    wire.script = [LISTED]
    name = ollama(wire, "gone:7b")
    rows = (
        replace(ROW, answers=name),
        replace(ROW, role="coder", answers=name),
        replace(ROW, role="tester", answers="local:x", installed=True),
        replace(ROW, role="planner", answers="local:y", installed=False, problem="The model y is not installed."),
        replace(ROW, role="reviewer", problem="No model for chat is installed."),
    )
    shown = await models.healths.rows(rows)
    assert [row.health for row in shown] == ["model not installed"] * 2 + ["ok", "model not installed", ""]
    assert "does not have the model gone:7b" in shown[0].problem
    assert shown[3].problem == "The model y is not installed."
    assert len(wire.requests) == 1
