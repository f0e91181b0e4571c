"""`textDocument/definition`: where a name comes from."""

from __future__ import annotations

from lsprotocol import types

from zicoder.lsp.convert import location, offset_of
from zicoder.lsp.host import FeatureHost, is_current, python_snapshot

__all__ = ["register"]


def register(host: FeatureHost) -> None:
    """Offer go-to-definition for Python documents."""

    @host.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: types.DefinitionParams) -> list[types.Location] | None:
        snapshot = python_snapshot(host, params.text_document.uri)
        if snapshot is None:
            return None
        encoding = host.encoding
        found = await host.jedi.definitions(snapshot, offset_of(snapshot, params.position, encoding))
        places = [location(snapshot, place, encoding) for place in found]
        if not is_current(host, snapshot):
            # What stands in other files is still right.
            places = [place for place in places if place.uri != snapshot.uri]
        return places or None
