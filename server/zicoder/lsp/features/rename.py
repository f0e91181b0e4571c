"""`textDocument/rename` and `textDocument/prepareRename`: another name for what a Python project defines, by jedi."""

from __future__ import annotations

import asyncio
from typing import Protocol

from lsprotocol import types

from zicoder.lsp.assist_edits import EditHost
from zicoder.lsp.convert import offset_of, range_at
from zicoder.lsp.host import FeatureHost, is_current, python_snapshot

__all__ = ["RenameHost", "register"]


class RenameHost(FeatureHost, EditHost, Protocol):
    """A server with Python analysis whose client applies edits."""


def register(host: RenameHost) -> None:
    """Offer renaming for Python documents."""

    @host.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare(params: types.PrepareRenameParams) -> types.Range | None:
        from zicoder.assist.actions.refactoring import renameable

        snapshot = python_snapshot(host, params.text_document.uri)
        if snapshot is None:
            return None
        start, end = renameable(snapshot, offset_of(snapshot, params.position, host.encoding))
        return range_at(snapshot, start, end, host.encoding) if start < end else None

    @host.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        from zicoder.assist.actions.refactoring import renamed
        from zicoder.lsp.assist_edits import workspace_edit

        snapshot = python_snapshot(host, params.text_document.uri)
        if snapshot is None:
            return None
        offset = offset_of(snapshot, params.position, host.encoding)
        change = await renamed(host.jedi, snapshot, offset, params.new_name)
        if change is None or not is_current(host, snapshot):
            return None
        # Renaming is asked for by hand, and shown by the editor itself where the person wants that.
        return await asyncio.to_thread(workspace_edit, host, snapshot, change, f"Rename to {params.new_name}")
