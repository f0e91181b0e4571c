"""The request `zi/chatPage`: the page of the chat, whole, for whoever can show one.

The page is built from client-vscode/page and lies in the package, so that every front end shows the same one, of the
server's own version. It may run its own script only: the policy in it names the nonce, and nothing else.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Protocol, TypeVar

from zicoder.errors import InputError
from zicoder.lsp.convert import plain

__all__ = ["CHAT_PAGE", "PageHost", "register"]

CHAT_PAGE = "zi/chatPage"
NONCE = "__ZI_NONCE__"
"""Stands in the built page where the nonce goes."""
_NONCE = re.compile(r"[A-Za-z0-9+/_-]{16,128}={0,2}")

F = TypeVar("F", bound=Callable[..., Any])


class PageHost(Protocol):
    """A server that answers requests."""

    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]: ...  # noqa: D102


def register(server: PageHost) -> None:
    """Add the request."""

    @server.feature(CHAT_PAGE)
    async def chat_page(params: Any = None) -> dict[str, str]:
        """Answers `html`, with the `nonce` that was given, or a new one, in its content security policy."""
        given = plain(params).get("nonce")
        nonce = secrets.token_urlsafe(24) if given is None else given
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            raise InputError(f"The `nonce` of {CHAT_PAGE} must be 16 to 128 characters of base 64.")
        return {"html": (await asyncio.to_thread(_page)).replace(NONCE, nonce), "nonce": nonce}


def _page() -> str:
    return (files("zicoder") / "web" / "chat.html").read_text(encoding="utf-8")
