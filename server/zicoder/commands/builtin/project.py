"""Commands about the project itself: /search, /index."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from zicoder.agents.telling import told
from zicoder.commands.builtin.table import COMMANDS
from zicoder.commands.index import current_index, hit_json
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.events import Event, Finished, ProgressSink

__all__ = ["index", "search"]


@COMMANDS.command("search")
async def search(session: Session, invocation: Invocation, *, k: int = 10, prompt: str) -> AsyncIterator[Event]:
    """Search the project by meaning and by name."""
    found = await (await session.index()).search(prompt, max(1, min(k, 100)))
    lines = [f"- `{hit.path}:{hit.start + 1}` {hit.kind} **{hit.qualified or hit.symbol}**" for hit in found]
    yield Finished("\n".join(lines) or "Nothing was found.", {"hits": [hit_json(hit) for hit in found]})


@COMMANDS.command("index")
async def index(session: Session, invocation: Invocation) -> AsyncIterator[Event]:
    """Bring the code index up to date."""
    note = ""

    async def update(tell: ProgressSink) -> None:
        nonlocal note
        _, note = await current_index(session.workspace, tell)

    async with contextlib.aclosing(told(update)) as steps:
        async for step in steps:
            yield step
    status = await (await session.index()).size()
    text = f"{status.files:,} files and {status.chunks:,} pieces of them are in the index. {note}".strip()
    yield Finished(text, {"files": status.files, "chunks": status.chunks})
