"""The one way to a tool: judge, ask if need be, write it down, run.

Every call of every tool goes through `Gate.call`, whichever model or front end makes it. Only the front's answer counts
as a yes: nothing that a model or a tool's result says does. Owns no rules (`policy`) and no tool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from zicoder.agents.audit import AuditLog
from zicoder.agents.front import Front, Question
from zicoder.agents.places import Places
from zicoder.agents.policy import Policy, Verdict, lasting_rule
from zicoder.agents.sandbox import Sandbox
from zicoder.agents.tools.protocol import Grant, Tool, ToolText, Touch, checked
from zicoder.errors import ToolDenied, ToolError
from zicoder.settings import AgentSettings

__all__ = ["Gate"]


class Gate:
    """The tools of one agent in one project, behind the policy. `project` names it in the record."""

    def __init__(
        self, tools: Iterable[Tool[Any]], *, root: Path, settings: AgentSettings, front: Front, audit: AuditLog,
        sandbox: Sandbox, policy: Policy | None = None, project: str = "",
    ) -> None:  # fmt: skip
        """`policy`: one that other gates of the session share, so that a yes for the session holds for all of them."""
        self.tools: Mapping[str, Tool[Any]] = {tool.name: tool for tool in tools}
        self._root = Places(root).root
        self.policy = policy or Policy(settings, Places(root))
        self._front = front
        self._audit = audit
        self._sandbox = sandbox
        self._project = project or str(self._root)
        self._asking = asyncio.Lock()

    async def call(self, name: str, arguments: Mapping[str, Any] | str) -> ToolText:
        """Run a tool with arguments as a model gave them (a mapping, or JSON).

        Raises ToolDenied (a rule or the user said no), ToolError (wrong arguments, or it failed): both are sentences
        that the model may read.
        """
        tool = self.tools.get(name)
        if tool is None:
            raise ToolError(f"There is no tool {name[:50]!r}.", hint=f"There are {', '.join(self.tools)}.")
        typed = checked(tool.arguments, arguments)
        touch = tool.touches(typed)
        verdict, approved = await self._decided(name, touch)
        hidden = partial(self.policy.hides, name)
        return await tool.run(typed, Grant(self._root, verdict.places, hidden, approved))

    async def summary(self, name: str, arguments: Mapping[str, Any] | str) -> str:
        """One line for a person about a call that is to come; the tool's name if it is no good."""
        try:
            tool = self.tools[name]
            return tool.touches(checked(tool.arguments, arguments)).summary
        except (KeyError, ToolError):
            return name

    async def _decided(self, name: str, touch: Touch) -> tuple[Verdict, bool]:
        """The verdict of a call that may go on, and whether a person gave it just now. Raises ToolDenied."""
        judge = partial(self.policy.judge, name, touch, sandbox=self._sandbox.name)
        verdict = await asyncio.to_thread(judge)
        if verdict.decision == "ask":
            async with self._asking:  # one question at a time; the answer to one may settle the next
                verdict = await asyncio.to_thread(judge)
                if verdict.decision == "ask":
                    return await self._asked(name, touch, verdict), True
        await self._record(name, touch, verdict, verdict.decision, verdict.source)
        if verdict.decision == "deny":
            raise ToolDenied(f"This is not allowed. {verdict.reason}", hint="Find another way, or tell the user.")
        return verdict, False

    async def _asked(self, name: str, touch: Touch, verdict: Verdict) -> Verdict:
        question = Question(
            tool=name, summary=touch.summary, detail=_detail(touch, verdict),
            reason=verdict.reason if touch.command is None else f"{verdict.reason} {self._sandbox.why_none}".strip(),
            rule=lasting_rule(verdict),
        )  # fmt: skip
        try:
            answer = await self._front.may(question)
        except asyncio.CancelledError:
            await asyncio.shield(self._record(name, touch, verdict, "deny", "cancelled"))
            raise
        allowed = answer in {"once", "session"}
        await self._record(name, touch, verdict, "allow" if allowed else "deny", f"user ({answer})")
        if answer == "session":
            self.policy.remember(verdict)
        if not allowed:
            raise ToolDenied("The user said no.", hint="Do not try it again in another way; ask what is wanted.")
        return verdict

    async def _record(self, name: str, touch: Touch, verdict: Verdict, decision: str, decided_by: str) -> None:
        summary = touch.command if touch.command is not None else touch.summary
        await asyncio.to_thread(
            self._audit.write, project=self._project, tool=name, summary=summary, decision=decision,
            decided_by=decided_by, reason=verdict.reason,
        )  # fmt: skip


def _detail(touch: Touch, verdict: Verdict) -> str:
    """Everything that the word is given for: where paths really lead, and the whole command."""
    lines = [str(place.real) for place in verdict.places.values()]
    return "\n".join(filter(None, (*lines, touch.command, touch.host, touch.detail)))
