"""`textDocument/hover`: what is certain about the name under the mouse, by jedi in Python and by the code index.

The index has 40 ms, and goes beside jedi: a hover is never later for its sake.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from lsprotocol import types
from pygls.capabilities import get_capability

from zicoder.lsp.convert import offset_of, range_at
from zicoder.lsp.host import FeatureHost, documentation, is_current
from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.assist.hover.facts import Facts
    from zicoder.assist.types import HoverInfo
    from zicoder.workspace import Workspace

__all__ = ["HoverHost", "register"]


class HoverHost(FeatureHost, Protocol):
    """A server with Python analysis and a project."""

    @property
    def project(self) -> Workspace | None: ...  # noqa: D102


def register(host: HoverHost) -> None:
    """Offer hovers."""

    @host.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        snapshot = host.snapshot(params.text_document.uri)
        if snapshot is None:
            return None
        offset = offset_of(snapshot, params.position, host.encoding)
        found, (facts, start, end) = await asyncio.gather(
            _by_jedi(host, snapshot, offset), _facts(host, snapshot, offset)
        )
        if not is_current(host, snapshot):
            return None
        markdown = [found.markdown] if found else []
        plain = [found.plain] if found else []
        if facts is not None:
            markdown += [each for each in ("" if found else facts.declaration, facts.uses) if each]
            plain += [each for each in ("" if found else facts.plain_declaration, facts.plain_uses) if each]
        if not markdown:
            return None
        if found is not None:
            start, end = found.start, found.end
        formats = get_capability(host.client_capabilities, "text_document.hover.content_format")
        return types.Hover(
            contents=documentation("\n\n".join(markdown), "\n\n".join(plain), formats),
            range=range_at(snapshot, start, end, host.encoding),
        )


async def _by_jedi(host: HoverHost, snapshot: Snapshot, offset: int) -> HoverInfo | None:
    return await host.jedi.hover(snapshot, offset) if snapshot.language == "python" else None


async def _facts(host: HoverHost, snapshot: Snapshot, offset: int) -> tuple[Facts | None, int, int]:
    """What the index knows of the word, and where the word is."""
    from zicoder.assist.hover.facts import facts_of, word_at

    start, end = word_at(snapshot, offset)
    index = host.project.index if host.project is not None else None
    if index is None or start == end:
        return None, start, end
    own = (index.relative(snapshot.path) if snapshot.path is not None else None) or ""
    return await facts_of(snapshot.text[start:end], index=index, language=snapshot.language, own=own), start, end
