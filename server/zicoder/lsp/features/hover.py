"""`textDocument/hover`: declaration and documentation of the name under the mouse."""

from __future__ import annotations

from lsprotocol import types
from pygls.capabilities import get_capability

from zicoder.lsp.convert import offset_of, range_at
from zicoder.lsp.host import FeatureHost, documentation, is_current, python_snapshot

__all__ = ["register"]


def register(host: FeatureHost) -> None:
    """Offer hovers for Python documents."""

    @host.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        snapshot = python_snapshot(host, params.text_document.uri)
        if snapshot is None:
            return None
        encoding = host.encoding
        found = await host.jedi.hover(snapshot, offset_of(snapshot, params.position, encoding))
        if found is None or not is_current(host, snapshot):
            return None
        formats = get_capability(host.client_capabilities, "text_document.hover.content_format")
        return types.Hover(
            contents=documentation(found.markdown, found.plain, formats),
            range=range_at(snapshot, found.start, found.end, encoding),
        )
