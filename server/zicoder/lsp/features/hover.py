"""`textDocument/hover`: what is certain about the name under the mouse, when it was last changed, what it does.

What is asked and how long it may take is `assist.hover.hovers`' business. Clients that say `experimental.zi.links` run
our commands from links of a hover, and get them; a link that does nothing is worse than none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from lsprotocol import types
from pygls.capabilities import get_capability

from zicoder.errors import ZiError
from zicoder.lsp.convert import offset_of, plain, position_at, range_at, uri_of
from zicoder.lsp.features.code_lens import EXPLAIN, LensHost, lines_range
from zicoder.lsp.host import documentation, is_current

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.assist.hover.hovers import Shown

__all__ = ["BRIEFLY", "HoverHost", "register"]

BRIEFLY = "zi.explainBriefly"


class HoverHost(LensHost, Protocol):
    """A server with hovers."""


def register(host: HoverHost) -> None:
    """Offer hovers, and the command that has a short explanation written."""

    @host.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        snapshot = host.snapshot(params.text_document.uri)
        if snapshot is None:
            return None
        shown = await (await host.hovering.hovers()).at(snapshot, offset_of(snapshot, params.position, host.encoding))
        if shown is None or not is_current(host, snapshot):
            return None
        formats = get_capability(host.client_capabilities, "text_document.hover.content_format")
        place = position_at(snapshot, shown.start, host.encoding)
        links = _links(host, shown, snapshot.uri, place)
        return types.Hover(
            contents=documentation("\n\n".join(filter(None, (shown.markdown, links))), shown.plain, formats),
            range=range_at(snapshot, shown.start, shown.end, host.encoding),
        )

    @host.command(BRIEFLY)
    async def briefly(*arguments: Any) -> str:
        """Explain the name at a place in two or three sentences, which hovers then show, too.

        One argument, an object: `uri` of an open document, `position`.
        """
        values = plain(arguments[0]) if arguments else {}
        snapshot, point = host.snapshot(str(values.get("uri"))), plain(values.get("position"))
        if snapshot is None:
            return ""
        place = types.Position(_number(point.get("line")), _number(point.get("character")))
        try:
            made = await host.hovering.explain(snapshot, offset_of(snapshot, place, host.encoding))
        except ZiError as error:
            host.window_show_message(types.ShowMessageParams(types.MessageType.Warning, error.sentence))
            return ""
        text = made.text if made is not None else ""
        told = text or "There is nothing to explain here that the project defines."
        host.window_show_message(types.ShowMessageParams(types.MessageType.Info, told))
        return text


def _links(host: HoverHost, shown: Shown, uri: str, place: types.Position) -> str:
    """What can be done about it, as Markdown; "" where the client runs no commands from a hover."""
    project = host.project
    told = plain(plain(host.client_capabilities.experimental).get("zi"))
    if told.get("links") is not True or project is None or project.root is None or not shown.path:
        return ""
    where = {"uri": uri_of(project.root / shown.path), "range": lines_range(*shown.lines)}
    links = [_link("Explain", EXPLAIN, where)]
    if project.settings.hover.explanations != "off" and "explanation" not in shown.layers:
        position = {"line": place.line, "character": place.character}
        links.append(_link("In a few words", BRIEFLY, {"uri": uri, "position": position}))
    return " · ".join(links)


def _link(title: str, command: str, argument: dict[str, Any]) -> str:
    return f"[{title}](command:{command}?{quote(json.dumps([argument]), safe='')})"


def _number(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0
