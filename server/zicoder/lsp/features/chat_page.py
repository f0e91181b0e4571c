"""The requests `zi/chatPage` and `zi/modelsPage`: a page, whole, for whoever can show one.

The pages are built from client-vscode/page and lie in the package, so that every front end shows the same ones, of the
server's own version. Each may run its own script only: the policy in it names the nonce, and nothing else.
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

__all__ = ["CHAT_PAGE", "MODELS_PAGE", "PageHost", "register"]

CHAT_PAGE = "zi/chatPage"
MODELS_PAGE = "zi/modelsPage"
NONCE = "__ZI_NONCE__"
"""Stands in the built page where the nonce goes."""
_NONCE = re.compile(r"[A-Za-z0-9+/_-]{16,128}={0,2}")

F = TypeVar("F", bound=Callable[..., Any])


class PageHost(Protocol):
    """A server that answers requests."""

    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[F], F]: ...  # noqa: D102


def register(server: PageHost) -> None:
    """Add the requests."""

    @server.feature(CHAT_PAGE)
    async def chat_page(params: Any = None) -> dict[str, str]:
        """Answers `html`, with the `nonce` that was given, or a new one, in its content security policy."""
        return await _answer(CHAT_PAGE, "chat.html", params)

    @server.feature(MODELS_PAGE)
    async def models_page(params: Any = None) -> dict[str, str]:
        """As `zi/chatPage`, for the page of models and keys."""
        return await _answer(MODELS_PAGE, "models.html", params)


async def _answer(method: str, file: str, params: Any) -> dict[str, str]:
    given = plain(params).get("nonce")
    nonce = secrets.token_urlsafe(24) if given is None else given
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        raise InputError(f"The `nonce` of {method} must be 16 to 128 characters of base 64.")
    return {"html": (await asyncio.to_thread(_page, file)).replace(NONCE, nonce), "nonce": nonce}


def _page(file: str) -> str:
    return (files("zicoder") / "web" / file).read_text(encoding="utf-8")
