"""Commands about Zi itself: /help, /model, /agents, /history, /clear."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import asdict
from typing import Literal

from zicoder.agents.conversation import to_markdown
from zicoder.agents.telling import told
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.own import own_commands
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError
from zicoder.events import Event, Finished, ProgressSink
from zicoder.models.chat.endpoint import Endpoint
from zicoder.models.chat.health import health
from zicoder.models.chat.names import LOCAL, ModelName, parse_name
from zicoder.models.chat.offers import install, list_models, search_models
from zicoder.models.chat.providers import CHAT_PROVIDERS, ChatProvider

__all__ = ["agents", "clear", "help_", "history", "model"]

ANY = "any"
"""Stands for a model where only its provider is meant."""


@COMMANDS.command("help")
async def help_(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
    """List the commands, or say more about one."""
    own = await asyncio.to_thread(own_commands, session.workspace.own_root)
    if prompt:
        command = COMMANDS.get(prompt.lstrip("/").split()[0], own)
        yield Finished("\n\n".join(filter(None, (f"`{command.usage}`", f"{command.title}.", command.details))))
        return
    listed = COMMANDS.every(own)
    lines = [f"- `/{command.name}` {command.title}" for command in listed]
    data = {"commands": [{"name": c.name, "title": c.title, "usage": c.usage} for c in listed]}
    yield Finished("\n".join([*lines, "", "Text without a slash is a question: `/ask`."]), data)


@COMMANDS.command("model")
async def model(
    session: Session, invocation: Invocation, *, do: Literal["list", "search", "health", "install", ""] = "",
    prompt: str = "",
) -> AsyncIterator[Event]:  # fmt: skip
    """Say which model answers, or set it for this session; list, search and install those of a provider.

    `/model local:qwen2.5-coder-1.5b`, `/model ollama:qwen2.5-coder:7b`; `/model auto` goes back to the settings.
    `/model list ollama` lists what a provider has (`local` without one), `/model search ollama coder` those with these
    words, `/model health openai` says whether it answers, `/model install ollama:qwen2.5-coder:7b` fetches a model.
    """
    if do:
        async for event in _of_provider(session, do, prompt):
            yield event
        return
    if prompt == "auto":
        session.chosen_model = ""
    elif prompt:
        wanted = parse_name(prompt)
        CHAT_PROVIDERS.get(wanted.provider)
        if wanted.provider == LOCAL:
            await asyncio.to_thread(session.store.resolve, wanted.model)
        session.chosen_model = str(wanted)
    role = await asyncio.to_thread(session.role, "chat")
    source = "for this session" if session.chosen_model else "by the settings"
    name = role.models[0]
    found = (await session.models.healths.of([name]))[name]
    text = f"`{name}` answers, {source}. {found.sentence} {found.hint}".strip()
    yield Finished(text, {"model": name, "fallbacks": role.models[1:], "health": found.state})


async def _of_provider(session: Session, do: str, prompt: str) -> AsyncIterator[Event]:
    """What a provider has, whether it answers, and fetching a model with it."""
    asked, _, words = (prompt or LOCAL).partition(" ")
    name = _provider(asked)
    provider = CHAT_PROVIDERS.get(name.provider)
    endpoint = await session.models.endpoint(name)
    if do == "install":
        async for event in _installed(provider, endpoint, name.model):
            yield event
    elif do == "health":
        found = await health(provider, endpoint, "" if name.model == ANY else name.model)
        text = found.sentence or f"{provider.title} answers."
        yield Finished(f"{text} {found.hint}".strip(), {"ok": found.ok, "health": found.state})
    else:
        searched = search_models(provider, endpoint, words) if do == "search" else list_models(provider, endpoint)
        offers = await searched
        lines = [f"- `{name.provider}:{offer.name}`{'' if offer.installed else ' (not installed)'}" for offer in offers]
        yield Finished("\n".join(lines) or "There is none.", {"models": [asdict(offer) for offer in offers]})


async def _installed(provider: ChatProvider, endpoint: Endpoint, wanted: str) -> AsyncIterator[Event]:
    if wanted == ANY:
        raise InputError("Which model?", hint=f"`/model install {provider.name}:NAME`")

    def fetch(tell: ProgressSink) -> Awaitable[object]:
        return install(provider, endpoint, wanted, tell)

    async with contextlib.aclosing(told(fetch)) as steps:
        async for step in steps:
            yield step
    yield Finished(f"`{provider.name}:{wanted}` is installed.", {"model": f"{provider.name}:{wanted}"})


def _provider(text: str) -> ModelName:
    """`PROVIDER`, `PROVIDER:MODEL`, `PROVIDER:URL` or `PROVIDER:URL#MODEL`. Raises InputError."""
    provider, colon, rest = text.partition(":")
    if not colon:
        return ModelName(provider, ANY)
    return parse_name(f"{text}#{ANY}" if "://" in rest and "#" not in rest else text)


@COMMANDS.command("agents")
async def agents(session: Session, invocation: Invocation) -> AsyncIterator[Event]:
    """Show which model plays which role."""
    rows = await session.roles()
    lines = ["| role | model | health | set by | falls back to |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.role} | {row.answers or row.problem} | {row.health or '-'} | {row.source} "
        f"| {', '.join(row.fallbacks) or '-'} |"
        for row in rows
    ]
    yield Finished("\n".join(lines), {"roles": [asdict(row) for row in rows]})


@COMMANDS.command("history")
async def history(
    session: Session, invocation: Invocation, *, do: Literal["list", "show", "rename", "delete", ""] = "",
    prompt: str = "",
) -> AsyncIterator[Event]:  # fmt: skip
    """List the conversations about this project; show, rename or delete one.

    `/history show ID` gives it as Markdown, `/history rename ID TITLE`, `/history delete ID`. An ID may be shortened;
    `last` is the latest.
    """
    store = session.conversations
    identity, _, rest = prompt.partition(" ")
    if do in ("", "list"):
        listed = await asyncio.to_thread(store.list)
        lines = [f"- `{each.id}` {each.title} ({each.turns} turns, {_day(each.at)})" for each in listed]
        text = "\n".join(lines) or "There is no conversation about this project yet."
        yield Finished(text, {"conversations": [asdict(each) for each in listed]})
        return
    if not identity:
        raise InputError("Which conversation?", hint=f"`/history {do} last`; `/history` lists them.")
    if do == "show":
        found = await asyncio.to_thread(store.read, identity)
        yield Finished(to_markdown(found), {"conversation": found.id})
    elif do == "rename":
        await asyncio.to_thread(store.rename, identity, rest)
        yield Finished("Renamed.")
    else:
        await asyncio.to_thread(store.delete, identity)
        yield Finished("Deleted.")


@COMMANDS.command("clear")
async def clear(session: Session, invocation: Invocation) -> AsyncIterator[Event]:
    """Begin a new conversation. The old one stays in the history."""
    identity = session.conversations.begin() if session.workspace.root else ""
    yield Finished("A new conversation begins.", {"conversation": identity})


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
