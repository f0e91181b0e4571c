"""What a feature needs from the server, so that the two do not import each other; and what features share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsprotocol import types

from zicoder.text import Snapshot

if TYPE_CHECKING:  # made at the first question, see `server.ZiServer.jedi`
    from zicoder.assist.jedi_bridge import JediBridge

__all__ = ["FeatureHost", "documentation", "is_current", "python_snapshot"]

F = TypeVar("F", bound=Callable[..., Any])


class FeatureHost(Protocol):
    """The server as its jedi-backed features see it. `client_capabilities` and `feature` are pygls' own."""

    @property
    def encoding(self) -> str:
        """The negotiated position encoding ("utf-8", "utf-16" or "utf-32")."""
        ...

    @property
    def jedi(self) -> JediBridge:
        """Python analysis under the settings of this moment; it may be another object after a change of settings."""
        ...

    @property
    def client_capabilities(self) -> types.ClientCapabilities:
        """What the client said in `initialize`; there is none before."""
        ...

    def snapshot(self, uri: str) -> Snapshot | None:
        """The open document under `uri`, frozen at this moment; None when the editor has no such document open."""
        ...

    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]:
        """Register the decorated function as the handler of an LSP method."""
        ...


def python_snapshot(host: FeatureHost, uri: str) -> Snapshot | None:
    """The open document if it is Python, else None. Call it before the first `await` of a handler."""
    snapshot = host.snapshot(uri)
    return snapshot if snapshot is not None and snapshot.language == "python" else None


def is_current(host: FeatureHost, snapshot: Snapshot) -> bool:
    """Whether the document is still open and still is what `snapshot` shows."""
    now = host.snapshot(snapshot.uri)
    return now is not None and now.version == snapshot.version and now.text == snapshot.text


def documentation(markdown: str, plain: str, formats: Sequence[types.MarkupKind] | None) -> types.MarkupContent:
    """Documentation in the format the client names first; clients that name none are only sure to show plain text."""
    kind = next((each for each in formats or () if each in tuple(types.MarkupKind)), types.MarkupKind.PlainText)
    return types.MarkupContent(kind=kind, value=markdown if kind == types.MarkupKind.Markdown else plain)
