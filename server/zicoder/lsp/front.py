"""The editor as the front end of commands: it asks the person, and applies edits, with versions and a preview.

An edit is sent only if the files still are what it was made for; the editor checks the versions once more.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, Protocol

from lsprotocol import types

from zicoder.agents.edits.disk import disk_reader
from zicoder.agents.front import Answer, Applied, Question
from zicoder.errors import InputError
from zicoder.lsp.convert import range_at, uri_of
from zicoder.proposal import FileEdit, Proposal
from zicoder.text import Snapshot

__all__ = ["EditorFront", "EditorHost"]

log = logging.getLogger("zicoder.lsp")

ONCE, SESSION, NO = "Allow once", "Allow for this session", "Deny"
_ANSWERS: dict[str, Answer] = {ONCE: "once", SESSION: "session"}
LONGEST_DETAIL = 2000


class EditorHost(Protocol):
    """The part of a server that this needs."""

    @property
    def client_capabilities(self) -> types.ClientCapabilities: ...  # noqa: D102
    @property
    def encoding(self) -> str: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102
    async def window_show_message_request_async(  # noqa: D102
        self, params: types.ShowMessageRequestParams
    ) -> types.MessageActionItem | None: ...
    async def workspace_apply_edit_async(  # noqa: D102
        self, params: types.ApplyWorkspaceEditParams
    ) -> types.ApplyWorkspaceEditResult: ...


class EditorFront:
    """One client and the person behind it."""

    def __init__(self, server: EditorHost, root: Path) -> None:
        self._server = server
        self._root = root

    async def may(self, question: Question) -> Answer:
        """Ask in the editor. Whatever is no clear yes is a no: also when the question is dismissed."""
        text = "\n".join(filter(None, (question.summary, question.detail[:LONGEST_DETAIL], question.reason)))
        actions = [types.MessageActionItem(title) for title in (ONCE, SESSION, NO)]
        params = types.ShowMessageRequestParams(type=types.MessageType.Warning, message=text, actions=actions)
        try:
            chosen = await self._server.window_show_message_request_async(params)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - some clients answer a dismissed question with an error
            log.info("the question was not answered: %s", error)
            return "never"
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
        if can is None or not can.document_changes:
            if any(file.kind != "change" for file in proposal.files):
                return None
            return types.WorkspaceEdit(changes={uri: [edit] for uri, _, edit in map(self._text_edit, proposal.files)})
        note = types.ChangeAnnotation(label=proposal.title or "Zi", needs_confirmation=False)
        annotated = can.change_annotation_support is not None
        changes: list[Any] = []
        for file in proposal.files:
            uri, version, edit = self._text_edit(file)
            if file.kind == "delete":
                changes.append(types.DeleteFile(uri=uri))
                continue
            if file.kind == "create":
                changes.append(types.CreateFile(uri=uri))
            if annotated:
                edit = types.AnnotatedTextEdit(range=edit.range, new_text=edit.new_text, annotation_id="zi")
            document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
            changes.append(types.TextDocumentEdit(text_document=document, edits=[edit]))
        return types.WorkspaceEdit(document_changes=changes, change_annotations={"zi": note} if annotated else None)

    def _text_edit(self, file: FileEdit) -> tuple[str, int | None, types.TextEdit]:
        """Where the file is, the version of the open document, and the smallest edit of whole lines."""
        uri = uri_of(self._root / file.path)
        opened = self._server.snapshot(uri)
        before, after = opened.text if opened else (file.before or ""), file.after or ""
        if opened is not None and after.startswith("\ufeff") and not before.startswith("\ufeff"):
            after = after[1:]  # an editor keeps the mark out of the text
        snapshot = Snapshot(uri=uri, text=before)
        start, end, text = _between(before, after)
        place = range_at(snapshot, start, end, self._server.encoding)
        return uri, opened.version if opened else None, types.TextEdit(range=place, new_text=text)


def _bare(text: str | None) -> str:
    """Without the byte order mark, which an editor keeps out of the text."""
    return (text or "").removeprefix("\ufeff")


def _between(before: str, after: str) -> tuple[int, int, str]:
    """The range of `before` that differs, in whole lines, and what stands there in `after`."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    start = sum(map(len, old[:head]))
    end = len(before) - sum(map(len, old[len(old) - tail :]))
    return start, end, "".join(new[head : len(new) - tail])
