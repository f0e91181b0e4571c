"""One address with its key, and an HTTP client that goes there and nowhere else.

SDKs are given this client and a placeholder for the key. The client itself adds the key, on requests to the one
address only, and removes every header that is not needed: keys of other services that lie in the environment, and what
SDKs tell about the machine. It follows no redirects (an SDK would take the key along), reads no proxy, certificate
store or password file from the environment, and sets the time-outs.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import SecretStr

from zicoder.models.exchange import Limits, is_local, shown

if TYPE_CHECKING:
    import httpx2

__all__ = ["PLACEHOLDER", "Auth", "Endpoint", "Misdirected", "WebPage", "make_client", "opened_answers"]

Auth: TypeAlias = Literal["bearer", "x-api-key", "x-goog-api-key"]

PLACEHOLDER = "added-by-the-client"
_NEEDED = {
    "host", "connection", "content-type", "content-length", "transfer-encoding", "accept", "accept-encoding",
    "user-agent", "anthropic-version", "anthropic-beta",
}  # fmt: skip
_TALKATIVE = ("openai", "anthropic", "google_genai", "mistralai", "httpx2", "httpcore2")
"""Loggers that write headers or bodies when they are told to."""


_OPENED: ContextVar[list[httpx2.Response] | None] = ContextVar("opened", default=None)
"""Answers whose headers came while `opened_answers` watched."""


class Misdirected(Exception):
    """A request was about to go, or was sent on, to another address."""


class WebPage(Exception):
    """The answer is a web page: a proxy's, or the address is no API's."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is, and the key for it."""

    url: str
    key: SecretStr | None = None
    auth: Auth = "bearer"
    proxy: str = ""
    """Only what the user's settings say; for an address of this machine, none is used."""

    @property
    def where(self) -> str:
        """The address, for a sentence."""
        return shown(self.url)

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks."""
        if self.key is None:
            return {}
        value = self.key.get_secret_value()
        return {"authorization": f"Bearer {value}"} if self.auth == "bearer" else {self.auth: value}

    def below(self, path: str) -> str:
        """An address of the same server: below `url`, or from its root when `path` begins with a slash."""
        if not path.startswith("/"):
            return f"{self.url.rstrip('/')}/{path}"
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{path}"


def make_client(endpoint: Endpoint, limits: Limits) -> httpx2.AsyncClient:
    """A client for one address; whoever asked for it closes it. Raises ImportError without the extra."""
    import httpx2

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    only = httpx2.URL(endpoint.url)
    read_s = max(limits.first_s, limits.between_s)
    timeouts = {"connect": limits.connect_s, "read": read_s, "write": read_s, "pool": limits.connect_s}

    async def guard(request: httpx2.Request) -> None:
        if _origin(request.url) != _origin(only):
            raise Misdirected
        for name in set(request.headers) - _NEEDED:
            del request.headers[name]
        request.headers.update(endpoint.headers)
        request.extensions = {**request.extensions, "timeout": timeouts}

    async def check(response: httpx2.Response) -> None:
        if (opened := _OPENED.get()) is not None:
            opened.append(response)
        if 300 <= response.status_code < 400:
            raise Misdirected
        if response.status_code < 300 and response.headers.get("content-type", "").startswith("text/html"):
            raise WebPage
        if response.status_code >= 400:
            await response.aread()  # an SDK that looks at an empty body of a stream fails over it

    return httpx2.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        proxy=None if is_local(endpoint.url) else endpoint.proxy or None,
        timeout=httpx2.Timeout(read_s, connect=limits.connect_s),
        event_hooks={"request": [guard], "response": [check]},
    )


@asynccontextmanager
async def opened_answers() -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Watches which connections SDKs open inside; gives a function that closes them, and calls it on any error.

    Not every SDK closes the connection when it is cancelled between the headers of an answer and its first piece.
    """
    opened: list[httpx2.Response] = []

    async def close() -> None:
        for response in opened:
            await response.aclose()

    token = _OPENED.set(opened)
    try:
        yield close
    except BaseException:
        await close()
        raise
    finally:
        _OPENED.reset(token)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
