"""What went wrong with a provider, as a sentence for a person.

Whatever an SDK raises becomes a `ProviderError` here. Its text holds what we wrote ourselves and, of what the provider
said, one short cleaned-up line at most: no key, no web page, no headers. The error that is raised has no cause and no
context, since those quote requests and answers, and some servers repeat the key in theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from zicoder.errors import ProviderError, ProviderGarbled, ProviderRefused, ProviderUnavailable, ZiError
from zicoder.models.chat.endpoint import Misdirected, WebPage
from zicoder.models.exchange import refusal, why

__all__ = ["Failure", "explain"]

LONGEST_SAID = 200
_SECRETIVE = re.compile(r"(?=[\w.+/=*-]*\d)[\w.+/=*-]{16,}|\b(?:sk|pk|key|bearer)\b[-_ ][\w*-]+", re.IGNORECASE)
"""Anything that may be a key or a part of one."""


_BROKEN = {"RemoteProtocolError", "ReadError", "WriteError", "ConnectionResetError"}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error for a person, and whether the same request may succeed a little later."""

    error: ZiError
    again: bool = False


def explain(error: Exception, *, where: str, model: str) -> Failure:
    """What an exception of an SDK or of pydantic-ai means. `where` begins the sentence: "OpenAI"."""
    from pydantic_ai import exceptions as said

    causes = tuple(_causes(error))
    if (own := _own(causes, where)) is not None:
        return Failure(own)
    if isinstance(error, said.ModelQuotaExceededError):
        return Failure(ProviderRefused(f"The quota at {where} is used up.", hint="Its own pages say how to get more."))
    if isinstance(error, said.ContentFilterError):
        text = f"{where} refuses to answer that: its filter of contents stopped it."
        return Failure(ProviderRefused(text, hint="Ask in other words, or another model."))
    if isinstance(error, said.ModelContextWindowExceededError):
        text = f"The request is longer than {model} can read."
        return Failure(ProviderRefused(text, hint="Show it less, or begin a new conversation."))
    if isinstance(error, said.ModelHTTPError):
        return _status(error, where=where, model=model)
    if isinstance(error, (said.ModelConnectionError, TimeoutError, OSError)):
        slow = isinstance(error, (said.ModelTimeoutError, TimeoutError))
        return _unreachable(TimeoutError() if slow else error, causes, where=where)
    if isinstance(error, said.ModelRateLimitError):
        return Failure(refusal(429, where=where, wait_s=error.retry_after), again=True)
    if isinstance(error, said.UserError):
        return Failure(ProviderRefused(f"{where} cannot be asked that way: {_clean(str(error))}"))
    if "without a `finish_reason`" in str(error):
        return Failure(ProviderGarbled(f"{where} ended the answer before it was done.", hint="Try again."), again=True)
    return Failure(ProviderGarbled(f"What {where} answered cannot be understood.", hint="Try again."), again=True)


def _own(causes: tuple[BaseException, ...], where: str) -> ZiError | None:
    """An error of ours that an SDK has wrapped in its own."""
    for cause in causes:
        if isinstance(cause, ZiError):
            return cause
        if isinstance(cause, Misdirected):
            return refusal(302, where=where)
        if isinstance(cause, WebPage):
            hint = "Check the address, and whether a proxy is in between."
            return ProviderGarbled(f"{where} answered with a web page.", hint=hint)
    return None


def _unreachable(error: Exception, causes: tuple[BaseException, ...], *, where: str) -> Failure:
    """Where nothing listens, nothing will in a second, either."""
    root = error if isinstance(error, TimeoutError) else next((c for c in causes if isinstance(c, OSError)), error)
    refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes)
    broken = not isinstance(error, TimeoutError) and any(type(cause).__name__ in _BROKEN for cause in causes)
    reason = "the connection broke off" if broken else why(ConnectionRefusedError() if refused else root)
    text = f"{where} cannot be reached: {reason}."
    return Failure(ProviderUnavailable(text, hint="Is it running, and the network up?"), again=not refused)


def _status(error: Any, *, where: str, model: str) -> Failure:
    status = int(error.status_code)
    found: ProviderError = refusal(status, where=where, model=model, wait_s=error.retry_after)
    again = status in {408, 409, 425, 429} or status >= 500
    if isinstance(found, ProviderRefused) and status not in {401, 403, 404} and (words := _words(error.body)):
        found = ProviderRefused(f"{where} refuses the request ({status}): {words}", hint=found.hint)
    return Failure(found, again)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what led to it, nearest first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _words(body: object) -> str:
    """The message in the body of an error, cleaned; "" where there is none that a person should see."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return ""
    for key in ("error", "message", "detail"):
        if isinstance(body, dict):
            body = cast("dict[str, object]", body).get(key, cast("object", body))
    return _clean(body) if isinstance(body, str) else ""


def _clean(text: str) -> str:
    if "<" in text or not text.strip():
        return ""
    line = _SECRETIVE.sub("…", " ".join(text.split()))
    return line if len(line) <= LONGEST_SAID else line[: LONGEST_SAID - 1] + "…"
