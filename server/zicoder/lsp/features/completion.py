"""`textDocument/completion` and `completionItem/resolve`: names that fit, from jedi."""

from __future__ import annotations

from lsprotocol import types
from pygls.capabilities import get_capability

from zicoder.assist.types import CompletionItem, CompletionList
from zicoder.lsp.convert import completion_kind, offset_of, range_at
from zicoder.lsp.host import FeatureHost, documentation, is_current, python_snapshot

__all__ = ["register"]


def register(host: FeatureHost) -> None:
    """Offer completion for Python documents."""
    options = types.CompletionOptions(trigger_characters=["."], resolve_provider=True)

    @host.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    async def complete(params: types.CompletionParams) -> types.CompletionList | None:
        snapshot = python_snapshot(host, params.text_document.uri)
        if snapshot is None:
            return None
        encoding = host.encoding
        found = await host.jedi.complete(snapshot, offset_of(snapshot, params.position, encoding))
        if not is_current(host, snapshot):
            # The editor's own list filters on; an incomplete answer makes it ask again where that is not enough.
            return types.CompletionList(is_incomplete=True, items=[])
        return _answer(found, range_at(snapshot, found.start, found.end, encoding), host.client_capabilities)

    @host.feature(types.COMPLETION_ITEM_RESOLVE)
    async def resolve(item: types.CompletionItem) -> types.CompletionItem:
        if isinstance(item.data, str):
            detail = await host.jedi.resolve(item.data)
            formats = get_capability(
                host.client_capabilities, "text_document.completion.completion_item.documentation_format"
            )
            item.detail = detail.signature or item.detail
            if detail.plain.strip():
                item.documentation = documentation(detail.markdown, detail.plain, formats)
        return item


def _answer(found: CompletionList, typed: types.Range, client: types.ClientCapabilities) -> types.CompletionList:
    """The list with the range an accepted item replaces: once for all items where the client allows that."""
    defaults = get_capability(client, "text_document.completion.completion_list.item_defaults") or ()
    if "editRange" in defaults:
        return types.CompletionList(
            is_incomplete=found.incomplete,
            items=[_item(item, None) for item in found.items],
            item_defaults=types.CompletionItemDefaults(edit_range=typed),
        )
    return types.CompletionList(found.incomplete, [_item(item, typed) for item in found.items])


def _item(item: CompletionItem, typed: types.Range | None) -> types.CompletionItem:
    return types.CompletionItem(
        label=item.label,
        kind=completion_kind(item.kind),
        sort_text=item.sort_key,
        text_edit=types.TextEdit(typed, item.insert_text) if typed else None,
        text_edit_text=item.insert_text if typed is None and item.insert_text != item.label else None,
        data=item.token,
    )
