"""`textDocument/documentSymbol`: the outline."""

from __future__ import annotations

from lsprotocol import types
from pygls.capabilities import get_capability

from zicoder.lsp.convert import document_symbol, flat_symbols
from zicoder.lsp.host import FeatureHost, is_current, python_snapshot

__all__ = ["register"]

_ATTEMPTS = 2
"""An outline of an older version would put every symbol below an edit in the wrong place, so it is made again; once,
because while someone types without pause there is no end to it, and the editor asks again by itself."""


def register(host: FeatureHost) -> None:
    """Offer outlines for Python documents."""

    @host.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outline(
        params: types.DocumentSymbolParams,
    ) -> list[types.DocumentSymbol] | list[types.SymbolInformation] | None:
        encoding = host.encoding
        for _ in range(_ATTEMPTS):
            snapshot = python_snapshot(host, params.text_document.uri)
            if snapshot is None:
                return None
            symbols = await host.jedi.symbols(snapshot)
            if not is_current(host, snapshot):
                continue
            if get_capability(
                host.client_capabilities, "text_document.document_symbol.hierarchical_document_symbol_support"
            ):
                return [document_symbol(snapshot, symbol, encoding) for symbol in symbols]
            return [entry for symbol in symbols for entry in flat_symbols(snapshot, symbol, encoding)]
        return []
