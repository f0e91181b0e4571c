"""A person behind an ACP client: asked by permission requests; edits are shown as diffs and written after a yes.

Files are written on the disk, byte by byte as they are, all of a proposal or nothing; clients reload them. One that has
unsaved changes in the editor is left alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from acp import Client
from acp.schema import AllowedOutcome, PermissionOption, ToolCallUpdate

from zicoder.acp.updates import Updates
from zicoder.agents.edits.disk import applied_on_disk
from zicoder.agents.front import Answer, Applied, Question
from zicoder.errors import SettingsError
from zicoder.proposal import Proposal

__all__ = ["AcpFront"]

log = logging.getLogger("zicoder.acp")

Choice = Literal["once", "session", "always", "no"]
ONCE = PermissionOption(option_id="once", name="Allow once", kind="allow_once")
SESSION = PermissionOption(option_id="session", name="Allow for this session", kind="allow_always")
NO = PermissionOption(option_id="no", name="Deny", kind="reject_once")
APPLY = (
    PermissionOption(option_id="once", name="Apply", kind="allow_once"),
    PermissionOption(option_id="no", name="Reject", kind="reject_once"),
)


class AcpFront:
    """The person of one session."""

    def __init__(self, client: Client, session: str, updates: Updates, root: Path, *, reads: bool) -> None:
        """`reads`: the client tells the text of files as its editor has it."""
        self._client = client
        self._session = session
        self._updates = updates
        self._root = root
        self._reads = reads

    async def may(self, question: Question) -> Answer:
        """Ask. Whatever is no clear yes is a no: also when the question is dismissed."""
        call = await self._updates.asked(question)
        options = [ONCE, SESSION, NO]
        if question.rule:
            always = PermissionOption(option_id="always", name=f"Always allow `{question.rule}`", kind="allow_always")
            options.insert(2, always)
        chosen = await self._asked(call, options)
        await self._updates.answered(call.tool_call_id, ok=chosen != "no")
        if chosen == "always":
            await self._allow_always(question.rule)
            return "session"
        return "never" if chosen == "no" else chosen

    async def apply(self, proposal: Proposal) -> Applied:
        """Show the edits, and write them if they are wanted and the files still are what they were."""
        call = await self._updates.proposed(proposal)
        if not proposal.approved and await self._asked(call, APPLY) == "no":
            applied = Applied(ok=False, reason="Nothing was changed.")
        elif unsaved := await self._unsaved(proposal):
            reason = f"`{unsaved}` has changes in the editor that are not saved; nothing was changed. Save it first."
            applied = Applied(ok=False, reason=reason)
        else:
            applied = await applied_on_disk(proposal, self._root)
        await self._updates.answered(call.tool_call_id, ok=applied.ok)
        return applied

    async def _asked(self, call: ToolCallUpdate, options: Sequence[PermissionOption]) -> Choice:
        ask = self._client.request_permission
        try:
            answer = await ask(session_id=self._session, tool_call=call, options=list(options))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a client that does not answer has not said yes
            log.info("the question was not answered: %s", error)
            return "no"
        chosen = answer.outcome.option_id if isinstance(answer.outcome, AllowedOutcome) else "no"
        offered: dict[str, Choice] = {"once": "once", "session": "session", "always": "always"}
        return offered.get(chosen, "no") if any(option.option_id == chosen for option in options) else "no"

    async def _allow_always(self, rule: str) -> None:
        """Keep the rule; where it cannot be kept, the yes holds for the session all the same."""
        from zicoder.models.chat.matrix_file import add_rule

        try:
            await asyncio.to_thread(add_rule, rule)
        except SettingsError as error:
            await self._updates.think(error.sentence)

    async def _unsaved(self, proposal: Proposal) -> str:
        """The first file that the editor has another text of than the edit was made for; "" if there is none."""
        for file in proposal.files if self._reads else ():
            if file.before is None:
                continue
            try:
                found = await self._client.read_text_file(session_id=self._session, path=str(self._root / file.path))
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - it may know open files only
                log.info("the editor does not tell %s: %s", file.path, error)
                continue
            if _bare(found.content) != _bare(file.before):
                return file.path
        return ""


def _bare(text: str) -> str:
    """Without what an editor keeps out of its text: the byte order mark, the kind of line ends, the last of them."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").rstrip("\n")
