"""One HTTP request to one server, its answer read line by line; closing it closes the connection.

What needs no SDK speaks through this: lists of models, pulls, health, and infill by a server. It talks to the address
it is given and to no other: no redirect is followed, and no proxy is used but the one that is named. A key goes into
the headers and into nothing else: no message of an error holds headers, a query, or what the server said.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import zicoder
from zicoder.errors import (
    InputError,
    KeyRefused,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderRefused,
    ProviderUnavailable,
)

__all__ = ["Exchange", "Limits", "fetch_json", "is_local", "refusal", "retry_after_s", "shown", "split_url", "why"]

LONGEST_LINE = 1 << 20
LONGEST_ANSWER = 64 << 20
_LOCAL = {"localhost", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a server may take, in seconds: to be reached, until its first word, and between two."""

    connect_s: float = 10.0
    first_s: float = 120.0
    between_s: float = 60.0


def split_url(url: str) -> SplitResult:
    """The parts of an http(s) address. Raises InputError, whose text holds no user, password or query."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError:
        raise InputError("That is no address of a server.", hint="Write it like http://localhost:8080/v1.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise InputError(f"`{shown(parts)}` is no address of a server.", hint="Write it like http://localhost:8080/v1.")
    if parts.username or parts.password or parts.query:
        raise InputError(
            f"The address {shown(parts)} holds a user, a password or a query, which is no place for a key.",
            hint="Leave them out, and keep the key where Zi Coder keeps keys.",
        )
    return parts


def shown(url: str | SplitResult) -> str:
    """An address for a sentence, without user, password and query, which may hold secrets."""
    parts = urlsplit(url) if isinstance(url, str) else url
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def is_local(url: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(url).hostname or ""
    return host in _LOCAL or host.startswith("127.")


def why(error: BaseException) -> str:
    """Why a connection failed, as the end of a sentence."""
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, ssl.SSLError):
        return "its certificate or encryption is not accepted"
    return f"the connection failed ({type(error).__name__})"


def refusal(status: int, *, where: str, model: str = "", wait_s: float | None = None) -> ProviderError:
    """What an HTTP status that is no success means, as an error with a sentence."""
    said = f"{status} {http.client.responses.get(status, '')}".strip()
    if status in {401, 403}:
        return KeyRefused(f"{where} refuses the key ({said}).", hint="Check the key, and what it may be used for.")
    if status == 404:
        what = f"the model {model!r}" if model else "what was asked for"
        return ProviderRefused(
            f"{where} does not know {what} ({said}).", hint="Check the model's name and the address."
        )
    if status in {429, 503, 529}:
        what = "has had enough requests for now" if status == 429 else "is overloaded"
        return ProviderBusy(f"{where} {what} ({said}).", hint="Try again later.", retry_after_s=wait_s)
    if 300 <= status < 400:
        return ProviderRefused(
            f"{where} points to another address ({said}), which is not followed.", hint="Name that address itself."
        )
    if status >= 500 or status == 408:
        return ProviderUnavailable(f"{where} failed ({said}).", hint="Its own log or status page says why.")
    return ProviderRefused(f"{where} refuses the request ({said}).", hint="Check the model's name and the settings.")


def retry_after_s(value: str | None) -> float | None:
    """Seconds that a `Retry-After` header asks for, as a number or an HTTP date (RFC 9110, 10.2.3); None if none."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        from datetime import UTC, datetime
        from email.utils import parsedate_to_datetime

        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return seconds if 0 <= seconds < 1e9 else None


class Exchange:
    """One request. Iterate `lines` for the answer; `close` ends it at any point, also while it is under way.

    The socket is read by a thread of its own, so that a server that says nothing keeps no thread of the pool.
    """

    def __init__(
        self,
        method: str,
        url: str,
        *,
        name: str,
        model: str = "",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        limits: Limits = Limits(),
        proxy: str = "",
    ) -> None:
        """`name` is what sentences call the server. `body` is sent as JSON. Raises InputError."""
        address, _, self._query = url.partition("?")
        self._parts = split_url(address)
        self._method = method
        self._name = name
        self._model = model
        self._body = None if body is None else json.dumps(body).encode()
        self._headers = {"accept": "*/*", "user-agent": zicoder.__name__, "connection": "close", **(headers or {})}
        if body is not None:
            self._headers["content-type"] = "application/json"
        self._limits = limits
        self._proxy = None if is_local(url) or not proxy else split_url(proxy)
        self._socket: socket.socket | None = None
        self._closed = False
        self._arrived: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def lines(self) -> AsyncIterator[bytes]:
        """Lines of the answer, without their ends. Raises ProviderError; cancelled, it closes the connection."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="zi-exchange", daemon=True).start()
        try:
            while (item := await self._arrived.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection, which wakes the thread that reads from it. Safe at any time."""
        self._closed = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        connection = self._connection()
        try:
            connection.connect()
            self._socket = opened = cast("socket.socket", connection.sock)
            if self._closed:
                return
            opened.settimeout(self._limits.first_s)
            connection.request(self._method, self._target(), self._body, self._headers)
            self._read(connection.getresponse())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._tell(ProviderUnavailable(f"{self._name} cannot be reached: {why(error)}.", hint="Is it running?"))
        finally:
            self._tell(None)
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        if self._proxy is None:
            return kind(host, port, timeout=self._limits.connect_s)
        connection = kind(self._proxy.hostname or "", self._proxy.port or 80, timeout=self._limits.connect_s)
        connection.set_tunnel(host, port)
        return connection

    def _target(self) -> str:
        return f"{self._parts.path or '/'}{'?' if self._query else ''}{self._query}"

    def _read(self, response: http.client.HTTPResponse) -> None:
        if response.status >= 300:
            wait_s = retry_after_s(response.headers.get("retry-after"))
            self._tell(refusal(response.status, where=self._name, model=self._model, wait_s=wait_s))
            return
        if response.headers.get_content_type() == "text/html":
            self._tell(ProviderGarbled(f"{self._name} answered with a web page.", hint="Check the address."))
            return
        total = 0
        while line := response.readline(LONGEST_LINE + 1):
            total += len(line)
            if len(line) > LONGEST_LINE or total > LONGEST_ANSWER:
                self._tell(ProviderGarbled(f"The answer of {self._name} has no end; it was given up."))
                return
            self._tell(line.rstrip(b"\r\n"))
            if self._socket is not None:
                self._socket.settimeout(self._limits.between_s)

    def _tell(self, item: bytes | Exception | None) -> None:
        if self._loop is not None and not (self._closed and item is not None):
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._arrived.put_nowait, item)


async def fetch_json(exchange: Exchange, *, name: str) -> Any:
    """The whole answer as JSON. Raises ProviderError."""
    data = bytearray()
    async for line in exchange.lines():
        data += line + b"\n"
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ProviderGarbled(f"What {name} answered is no JSON.", hint="Check the address.") from None
