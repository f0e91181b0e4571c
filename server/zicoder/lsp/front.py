"""The editor as the front end of commands: it asks the person, and applies edits, with versions and a preview.

An edit is sent only if the files still are what it was made for; the editor checks the versions once more. Editors that
can have edits confirmed show them first, each hunk for itself.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

from lsprotocol import types

from zicoder.agents.edits.disk import disk_reader
from zicoder.agents.front import Answer, Applied, Question
from zicoder.errors import InputError, SettingsError
from zicoder.lsp.convert import plain, range_at, uri_of
from zicoder.proposal import FileEdit, Proposal
from zicoder.text import Snapshot, common_ends, split_lines

__all__ = ["APPROVE", "EditorFront", "EditorHost"]

log = logging.getLogger("zicoder.lsp")

APPROVE = "zi/approve"
"""The request to clients that say `experimental.zi.approve`: they show all of a question, and offer a yes for good."""
ONCE, SESSION, NO = "Allow once", "Allow for this session", "Deny"
_ANSWERS: dict[str, Answer] = {ONCE: "once", SESSION: "session"}
LONGEST_DETAIL = 2000
LONGEST_COMPARED = 4000
"""Lines. What differs more is one hunk."""


class EditorHost(Protocol):
    """The part of a server that this needs."""

    @property
    def client_capabilities(self) -> types.ClientCapabilities: ...  # noqa: D102
    @property
    def encoding(self) -> str: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102
    def window_show_message(self, params: types.ShowMessageParams) -> None: ...  # noqa: D102
    async def window_show_message_request_async(  # noqa: D102
        self, params: types.ShowMessageRequestParams
    ) -> types.MessageActionItem | None: ...
    async def workspace_apply_edit_async(  # noqa: D102
        self, params: types.ApplyWorkspaceEditParams
    ) -> types.ApplyWorkspaceEditResult: ...
    async def ask_client(self, method: str, params: dict[str, Any]) -> Any: ...  # noqa: D102


class EditorFront:
    """One client and the person behind it."""

    def __init__(self, server: EditorHost, root: Path) -> None:
        self._server = server
        self._root = root

    async def may(self, question: Question) -> Answer:
        """Ask in the editor. Whatever is no clear yes is a no: also when the question is dismissed."""
        try:
            if self._knows_approve():
                return await self._approved(question)
            return await self._messaged(question)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - some clients answer a dismissed question with an error
            log.info("the question was not answered: %s", error)
            return "never"

    def _knows_approve(self) -> bool:
        try:
            return plain(self._server.client_capabilities.experimental)["zi"]["approve"] is True
        except (KeyError, TypeError):
            return False

    async def _approved(self, question: Question) -> Answer:
        params = {
            "tool": question.tool, "summary": question.summary, "detail": question.detail[:LONGEST_DETAIL],
            "reason": question.reason, "rule": question.rule, "project": str(self._root),
        }  # fmt: skip
        answer = plain(await self._server.ask_client(APPROVE, params)).get("answer")
        if answer == "always" and question.rule:
            await self._allow_always(question.rule)
            return "session"
        return "session" if answer == "session" else "once" if answer == "once" else "never"

    async def _allow_always(self, rule: str) -> None:
        """Keep the rule; where it cannot be kept, the yes holds for the session all the same."""
        from zicoder.models.chat.matrix_file import add_rule

        try:
            await asyncio.to_thread(add_rule, rule)
        except SettingsError as error:
            params = types.ShowMessageParams(type=types.MessageType.Warning, message=error.sentence)
            self._server.window_show_message(params)

    async def _messaged(self, question: Question) -> Answer:
        text = "\n".join(filter(None, (question.summary, question.detail[:LONGEST_DETAIL], question.reason)))
        actions = [types.MessageActionItem(title) for title in (ONCE, SESSION, NO)]
        params = types.ShowMessageRequestParams(type=types.MessageType.Warning, message=text, actions=actions)
        chosen = await self._server.window_show_message_request_async(params)
        return _ANSWERS.get(getattr(chosen, "title", ""), "never")

    async def apply(self, proposal: Proposal) -> Applied:
        """Have the editor apply edits, as one step to undo."""
        if changed := await asyncio.to_thread(self._changed, proposal):
            return Applied(ok=False, reason=f"{changed} has changed meanwhile; nothing was applied.")
        edit = self._workspace_edit(proposal)
        if edit is None:
            return Applied(ok=False, reason="This editor cannot create or delete files for Zi.")
        params = types.ApplyWorkspaceEditParams(edit=edit, label=proposal.title or "Zi")
        try:
            result = await self._server.workspace_apply_edit_async(params)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a client does wrong, nothing was applied
            log.info("the edits were not applied: %s", error)
            return Applied(ok=False, reason="The editor could not apply the edits.")
        if result.applied:
            return Applied(ok=True)
        why = f" ({result.failure_reason})" if result.failure_reason else ""
        return Applied(ok=False, reason=f"The editor did not apply the edits{why}.")

    def _changed(self, proposal: Proposal) -> str:
        """The first file that is not what its edit was made for; "" if all are. Blocking."""
        read = disk_reader(self._root)
        for file in proposal.files:
            opened = self._server.snapshot(uri_of(self._root / file.path))
            try:
                now = opened.text if opened else read(file.path)
            except InputError:
                return file.path
            if (now is None) != (file.before is None) or _bare(now) != _bare(file.before):
                return file.path
        return ""

    def _workspace_edit(self, proposal: Proposal) -> types.WorkspaceEdit | None:
        workspace = self._server.client_capabilities.workspace
        can = workspace.workspace_edit if workspace else None
        operations = can.resource_operations if can is not None and can.document_changes else None
        possible = {"change", *(each.value for each in operations or ())}
        if any(file.kind not in possible for file in proposal.files):
            return None
        if can is None or not can.document_changes:
            return types.WorkspaceEdit(changes={uri: edits for uri, _, edits in map(self._text_edits, proposal.files)})
        note = types.ChangeAnnotation(label=proposal.title or "Zi", needs_confirmation=not proposal.approved)
        annotated = can.change_annotation_support is not None
        changes: list[Any] = []
        for file in proposal.files:
            uri, version, hunks = self._text_edits(file)
            edits: list[Any] = list(hunks)
            if file.kind == "delete":
                changes.append(types.DeleteFile(uri=uri))
                continue
            if file.kind == "create":
                changes.append(types.CreateFile(uri=uri))
            if annotated:
                edits = [
                    types.AnnotatedTextEdit(range=edit.range, new_text=edit.new_text, annotation_id="zi")
                    for edit in hunks
                ]
            document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
            changes.append(types.TextDocumentEdit(text_document=document, edits=edits))
        return types.WorkspaceEdit(document_changes=changes, change_annotations={"zi": note} if annotated else None)

    def _text_edits(self, file: FileEdit) -> tuple[str, int | None, list[types.TextEdit]]:
        """Where the file is, the version of the open document, and an edit of whole lines for each hunk."""
        uri = uri_of(self._root / file.path)
        opened = self._server.snapshot(uri)
        before, after = opened.text if opened else (file.before or ""), file.after or ""
        if opened is not None and after.startswith("\ufeff") and not before.startswith("\ufeff"):
            after = after[1:]  # an editor keeps the mark out of the text
        snapshot = Snapshot(uri=uri, text=before)
        encoding = self._server.encoding
        edits = [
            types.TextEdit(range=range_at(snapshot, start, end, encoding), new_text=text)
            for start, end, text in _hunks(before, after)
        ]
        return uri, opened.version if opened else None, edits


def _bare(text: str | None) -> str:
    """Without the byte order mark, which an editor keeps out of the text."""
    return (text or "").removeprefix("\ufeff")


def _hunks(before: str, after: str) -> list[tuple[int, int, str]]:
    """The ranges of `before` that differ, in whole lines, and what stands there in `after`."""
    old, new = split_lines(before), split_lines(after)
    head, tail = common_ends(old, new)
    offsets = list(accumulate(map(len, old), initial=0))
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(left) + len(right) > LONGEST_COMPARED:  # comparing takes the square of it
        return [(offsets[head], offsets[head + len(left)], "".join(right))]
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    return [
        (offsets[head + i], offsets[head + j], "".join(right[k:m]))
        for tag, i, j, k, m in matcher.get_opcodes()
        if tag != "equal"
    ]
