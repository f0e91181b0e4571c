"""What a client is shown of a session: events as ACP's updates, and which tool calls are open.

An answer cannot be taken back here: what is corrected in the end is said below it.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acp.helpers import (
    ToolCallContentVariant,
    start_tool_call,
    text_block,
    tool_content,
    tool_diff_content,
    update_agent_message_text,
    update_agent_thought_text,
    update_tool_call,
)
from acp.schema import Cost, ToolCallLocation, ToolCallUpdate, ToolKind, UsageUpdate

from zicoder.acp.prompt import fenced
from zicoder.agents.front import Question
from zicoder.events import (
    Delta,
    Event,
    Failed,
    Finished,
    Notice,
    Progress,
    Proposed,
    Sent,
    ToolEnded,
    ToolStarted,
    Used,
)
from zicoder.proposal import FileEdit, Proposal

__all__ = ["Updates"]

KINDS: dict[str, ToolKind] = {
    "shell": "execute", "tests": "execute", "edit": "edit", "create": "edit", "delete": "delete", "read": "read",
    "list": "read", "git_status": "read", "git_diff": "read", "git_log": "read", "search": "search", "grep": "search",
    "definitions": "search", "symbols": "search",
}  # fmt: skip
WRITING = ("edit", "create", "delete")
LONGEST_SHOWN = 1 << 20
"""Characters of a file whose two versions are sent whole; of a larger one, the diff."""
LONGEST_DIFF = 200_000


@dataclass(slots=True)
class _Call:
    """A tool call that the client shows and that has not ended."""

    id: str
    tool: str
    summary: str
    own: bool = False
    """It was made here, for a question or a proposal, and `ToolEnded` will not come."""


class Updates:
    """One session's updates."""

    def __init__(self, send: Callable[[Any], Awaitable[None]], root: Path) -> None:
        self._send = send
        self._root = root
        self._calls: dict[str, _Call] = {}
        self._number = 0
        self._prompt = 0
        self._said = ""
        self._doing = ""
        """The title of the progress that was told last."""
        self._noticed = ""
        self._shown: list[tuple[Proposal, ToolCallUpdate]] = []
        self._cost = 0.0
        """US dollars in this session, as far as prices are known."""
        self._window = (0, 0)
        """Tokens of the last question to a model, and of its window."""

    async def show(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Delta(text=text):
                await self.say(text)
            case Notice(text=text):
                self._noticed = text
                await self.think(text)
            case Progress(title=title) if title != self._doing:
                self._doing = title
                await self.think(f"{title} …")
            case ToolStarted(id=identity, tool=tool, summary=summary):
                await self._start(_Call(f"{self._prompt}-{identity}", tool, summary), "in_progress")
            case ToolEnded(id=identity, ok=ok, summary=summary):
                await self.ended(f"{self._prompt}-{identity}", ok=ok, text=summary)
            case Sent() | Used():
                await self._count(event)
            case Proposed(proposal=proposal):
                await self.proposed(proposal)
            case Finished(text=text, data=data):
                await self._finish(text, corrected=bool(data.get("corrected")))
            case Failed(message=message, hint=hint):
                sentences = "\n\n".join(filter(None, (f"**{message}**", hint)))
                await self.say(f"\n\n{sentences}" if self._said else sentences)
            case _:
                pass

    async def say(self, text: str) -> None:
        """The next piece of the answer."""
        if text:
            self._said += text
            await self._send(update_agent_message_text(text))

    async def think(self, text: str) -> None:
        """A sentence that is no part of the answer."""
        await self._send(update_agent_thought_text(f"{text}\n"))

    async def proposed(self, proposal: Proposal) -> ToolCallUpdate:
        """Show edits, once; the tool call that shows them, for a permission request."""
        for shown, request in self._shown:
            if shown is proposal:
                return request
        call = self._open(WRITING) or await self._made("edit", proposal.title or "Edit")
        places = [ToolCallLocation(path=str(self._root / file.path)) for file in proposal.files]
        content = [each for file in proposal.files for each in self._content(file)]
        request = await self._pending(call, content, places)
        self._shown.append((proposal, request))
        return request

    async def asked(self, question: Question) -> ToolCallUpdate:
        """Show what a question is about; the tool call that it belongs to, for a permission request."""
        call = self._open((question.tool,), question.summary) or await self._made(question.tool, question.summary)
        text = "\n\n".join(filter(None, (question.detail and fenced(question.detail), question.reason)))
        return await self._pending(call, [tool_content(text_block(text))] if text else [], [])

    async def answered(self, identity: str, *, ok: bool) -> None:
        """A person has answered: what was shown for the question alone has ended with that, a tool goes on."""
        call = self._calls.get(identity)
        if call is not None and call.own:
            await self.ended(identity, ok=ok)
        elif call is not None and ok:
            await self._send(update_tool_call(identity, status="in_progress"))

    async def ended(self, identity: str, *, ok: bool, text: str = "") -> None:
        """A tool call has ended."""
        if (call := self._calls.pop(identity, None)) is None:
            return
        title = f"{call.summary}: {text}" if text and text != call.summary else None
        await self._send(update_tool_call(identity, status="completed" if ok else "failed", title=title))

    async def close(self) -> None:
        """A prompt has ended: nothing of it stays open."""
        for identity in list(self._calls):
            await self.ended(identity, ok=False)
        self._said, self._doing, self._noticed, self._shown = "", "", "", []
        self._prompt += 1

    async def _count(self, event: Sent | Used) -> None:
        if isinstance(event, Sent):
            self._window = (event.tokens, event.window)
        else:
            self._cost += event.cost or 0.0
        used, size = self._window
        paid = Cost(amount=self._cost, currency="USD") if self._cost else None
        await self._send(UsageUpdate(session_update="usage_update", used=used, size=size, cost=paid))

    def _open(self, tools: Sequence[str], summary: str = "") -> _Call | None:
        """The call of one of these tools that began last; of several, the one with this summary, if that is given."""
        calls = [call for call in self._calls.values() if call.tool in tools and not call.own]
        if summary and len(calls) > 1:
            calls = [call for call in calls if call.summary == summary]
        return calls[-1] if calls else None

    async def _made(self, tool: str, summary: str) -> _Call:
        self._number += 1
        call = _Call(f"zi-{self._number}", tool, summary, own=True)
        await self._start(call, "pending")
        return call

    async def _start(self, call: _Call, status: Any) -> None:
        self._calls[call.id] = call
        await self._send(start_tool_call(call.id, call.summary, kind=KINDS.get(call.tool, "other"), status=status))

    async def _pending(
        self, call: _Call, content: list[ToolCallContentVariant], places: list[ToolCallLocation]
    ) -> ToolCallUpdate:
        await self._send(update_tool_call(call.id, status="pending", content=content, locations=places))
        kind = KINDS.get(call.tool, "other")
        return ToolCallUpdate(
            tool_call_id=call.id, title=call.summary, kind=kind, status="pending", content=content, locations=places
        )

    def _content(self, file: FileEdit) -> list[ToolCallContentVariant]:
        if len(file.before or "") + len(file.after or "") > LONGEST_SHOWN:
            return [tool_content(text_block(fenced(file.diff()[:LONGEST_DIFF])))]
        return [tool_diff_content(str(self._root / file.path), file.after or "", file.before)]

    async def _finish(self, text: str, *, corrected: bool) -> None:
        said, text = self._said.strip(), text.strip()
        if not said and not text:
            text = self._noticed  # why there is no answer; thoughts are folded away
        if corrected and said:
            changed = list(difflib.unified_diff(said.split("\n"), text.split("\n"), n=0, lineterm=""))
            lines = "\n".join(line for line in changed[2:] if not line.startswith("@@"))
            await self.say(f"\n\nCorrected:\n\n{fenced(lines)}")
        elif not said.endswith(text):
            await self.say(f"\n\n{text}" if said else text)
