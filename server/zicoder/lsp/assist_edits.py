"""What an action changes, as a workspace edit: with versions, and with a preview where it should be looked at.

An edit is made only for texts that still are what it was made from.
"""

from __future__ import annotations

from typing import Any, Protocol

from lsprotocol import types
from pygls.capabilities import get_capability

from zicoder.assist.actions.action import Change, FileChange
from zicoder.lsp.convert import range_at, uri_of
from zicoder.text import Edit, Snapshot

__all__ = ["EditHost", "can_create", "workspace_edit"]

ANNOTATION = "zi"


class EditHost(Protocol):
    """A server that knows its client's documents."""

    @property
    def encoding(self) -> str: ...  # noqa: D102
    @property
    def client_capabilities(self) -> types.ClientCapabilities: ...  # noqa: D102
    def snapshot(self, uri: str) -> Snapshot | None: ...  # noqa: D102


def can_create(host: EditHost) -> bool:
    """Whether the client can make files."""
    edits = get_capability(host.client_capabilities, "workspace.workspace_edit", None)
    operations = (edits.resource_operations or ()) if edits is not None else ()
    return edits is not None and bool(edits.document_changes) and types.ResourceOperationKind.Create in operations


def workspace_edit(host: EditHost, snapshot: Snapshot, change: Change, title: str) -> types.WorkspaceEdit | None:
    """The edit; None where a file is not what the change was made from, or the client cannot do it."""
    parts: list[tuple[Snapshot, tuple[Edit, ...], bool]] = [(snapshot, change.edits, False)] if change.edits else []
    for file in change.files:
        part = _part(host, file)
        if part is None:
            return None
        parts.append(part)
    edits = get_capability(host.client_capabilities, "workspace.workspace_edit", None)
    if edits is None or not edits.document_changes:
        if any(created for _, _, created in parts):
            return None
        return types.WorkspaceEdit(
            changes={each.uri: [_text_edit(host, each, edit) for edit in made] for each, made, _ in parts}
        )
    annotated = change.preview and edits.change_annotation_support is not None
    changes: list[Any] = []
    for each, made, created in parts:
        if created:
            changes.append(types.CreateFile(uri=each.uri, options=types.CreateFileOptions(ignore_if_exists=False)))
        opened = host.snapshot(each.uri)
        document = types.OptionalVersionedTextDocumentIdentifier(
            uri=each.uri, version=opened.version if opened else None
        )
        listed: list[Any] = [_text_edit(host, each, edit) for edit in made]
        if annotated:
            listed = [types.AnnotatedTextEdit(ANNOTATION, each.range, each.new_text) for each in listed]
        changes.append(types.TextDocumentEdit(text_document=document, edits=listed))
    note = {ANNOTATION: types.ChangeAnnotation(label=title, needs_confirmation=True)} if annotated else None
    return types.WorkspaceEdit(document_changes=changes, change_annotations=note)


def _part(host: EditHost, file: FileChange) -> tuple[Snapshot, tuple[Edit, ...], bool] | None:
    from zicoder.assist.actions.edits import difference

    uri = uri_of(file.path)
    opened = host.snapshot(uri)
    if file.before is None:
        if opened is not None or file.path.exists():
            return None
        return Snapshot(uri, ""), (Edit(0, 0, file.after),), True
    if opened is not None and opened.text != file.before:
        return None
    if opened is None and _on_disk(file) != file.before:
        return None
    base = opened or Snapshot(uri, file.before)
    return base, file.edits or (difference(file.before, file.after),), False


def _on_disk(file: FileChange) -> str | None:
    """The file as it is now, None where it cannot be read. Blocking."""
    try:
        return file.path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _text_edit(host: EditHost, snapshot: Snapshot, edit: Edit) -> types.TextEdit:
    return types.TextEdit(range_at(snapshot, edit.start, edit.end, host.encoding), edit.text)
