"""Infill by a server: llama-server's `/infill`, Ollama, Mistral, and completions with a suffix as OpenAI defined them.

The text around the cursor, and the pieces of the project that the completion chose, go to the one address that the
user's own settings name. Closing a stream closes the connection, which is how such servers are told to stop.
A server that failed is left alone for a while, so that typing does not knock at it with every key.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from pydantic import SecretStr

from zicoder.errors import InputError, KeyRefused, ProviderBusy, ProviderError, ProviderGarbled, ProviderUnavailable
from zicoder.models.chat.names import ModelName, parse_name
from zicoder.models.chat.patience import Breaker, Patience
from zicoder.models.chat.providers import CHAT_PROVIDERS
from zicoder.models.credentials.keys import Credentials
from zicoder.models.exchange import Exchange, Limits, shown, split_url
from zicoder.models.protocols import InfillRequest, InfillStats
from zicoder.text import commented

__all__ = ["STYLES", "RemoteInfill", "Style"]

LIMITS = Limits(connect_s=3.0, first_s=20.0, between_s=10.0)
PATIENCE = Patience(alone_s=5.0, longest_alone_s=60.0)
MOST_STOPS = 4
"""OpenAI takes no more; the rest are looked for here."""

_Body: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str = ""
    finish: str = ""
    """"end", "stop" or "length" with the last piece."""
    prompt_tokens: int = 0
    evaluated_tokens: int = 0
    generated_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one kind of server is asked, and how its pieces are read."""

    path: str
    body: Callable[[str, InfillRequest], _Body]
    piece: Callable[[Mapping[str, Any]], _Piece]
    url: str = ""
    """Where it is unless the setting says so."""
    reads_context: bool = False
    """Whether the pieces of the project have a place of their own in the body."""


def _llama_server(model: str, request: InfillRequest) -> _Body:
    return {
        "input_prefix": request.prefix,
        "input_suffix": request.suffix,
        "input_extra": [{"filename": part.path, "text": part.text} for part in request.context],
        "n_predict": request.max_tokens,
        "stop": list(request.stop),
        "temperature": 0.0,
        "cache_prompt": True,
        "stream": True,
        **({"model": model} if model else {}),
    }


def _completions(model: str, request: InfillRequest) -> _Body:
    return {
        "model": model,
        "prompt": request.prefix,
        "suffix": request.suffix,
        "max_tokens": request.max_tokens,
        "temperature": 0,
        "stream": True,
        **({"stop": list(request.stop[:MOST_STOPS])} if request.stop else {}),
    }


def _ollama(model: str, request: InfillRequest) -> _Body:
    options = {"num_predict": request.max_tokens, "temperature": 0, "stop": list(request.stop)}
    return {"model": model, "prompt": request.prefix, "suffix": request.suffix, "stream": True, "options": options}


_REASONS: Mapping[str, str] = {
    "stop": "end", "eos": "end", "end_turn": "end", "word": "stop", "limit": "length", "length": "length",
}  # fmt: skip


def _llama_server_piece(event: Mapping[str, Any]) -> _Piece:
    text = _text(event.get("content"))
    if not event.get("stop"):
        return _Piece(text)
    timings: Any = event.get("timings")
    evaluated = cast("dict[str, Any]", timings).get("prompt_n") if isinstance(timings, dict) else 0
    return _Piece(
        text,
        _REASONS.get(str(event.get("stop_type")), "end"),
        _count(event.get("tokens_evaluated")),
        _count(evaluated),
        _count(event.get("tokens_predicted")),
    )


def _choices_piece(event: Mapping[str, Any]) -> _Piece:
    """OpenAI's `text`, and Mistral's `delta.content`."""
    usage = _table(event.get("usage"))
    choices: Any = event.get("choices")
    choice = _table(cast("list[Any]", choices)[0] if isinstance(choices, list) and choices else None)
    text = _text(choice.get("text")) or _text(_table(choice.get("delta")).get("content"))
    reason = choice.get("finish_reason")
    return _Piece(
        text,
        _REASONS.get(str(reason), "end") if reason else "",
        _count(usage.get("prompt_tokens")),
        generated_tokens=_count(usage.get("completion_tokens")),
    )


def _ollama_piece(event: Mapping[str, Any]) -> _Piece:
    return _Piece(
        _text(event.get("response")),
        _REASONS.get(str(event.get("done_reason")), "end") if event.get("done") else "",
        _count(event.get("prompt_eval_count")),
        _count(event.get("prompt_eval_count")),
        _count(event.get("eval_count")),
    )


STYLES: Mapping[str, Style] = {
    "openai": Style(path="/completions", body=_completions, piece=_choices_piece),
    "llama-server": Style(
        path="/infill", body=_llama_server, piece=_llama_server_piece, url="http://localhost:8080", reads_context=True
    ),
    "ollama": Style(path="/api/generate", body=_ollama, piece=_ollama_piece, url="http://localhost:11434"),
    "mistral": Style(path="/v1/fim/completions", body=_completions, piece=_choices_piece, url="https://api.mistral.ai"),
}
"""Kinds of servers by the name that begins `zi.model.infill`."""


class RemoteInfill:
    """One model of one server."""

    fills_suffix = True

    def __init__(
        self, style: str, argument: str, *, credentials: Credentials, proxy: str = "", limits: Limits = LIMITS
    ) -> None:
        """Raises InputError when the address, the model's name or the proxy is no good."""
        self._style = STYLES[style]
        if style == "llama-server" and "#" not in argument:
            argument = f"{argument}#loaded"  # it has one model, whatever it is called
        parsed = parse_name(f"{style}:{argument}")
        url = parsed.url or self._style.url
        if not url:
            raise InputError(
                f"`{style}:{argument}` does not say where the server is.",
                hint=f"Write {style}:URL#MODEL, for example {style}:http://localhost:8000/v1#qwen2.5-coder.",
            )
        self._parsed: ModelName = parsed
        self._url = url.rstrip("/") + self._style.path
        self._where = shown(url)
        self._credentials = credentials
        self._proxy = proxy
        if proxy:
            split_url(proxy)
        self._limits = limits
        self._breaker = Breaker(PATIENCE)
        self._key: SecretStr | None = None
        self._looked_for_key = False

    @property
    def name(self) -> str:
        """As in the settings."""
        return str(self._parsed)

    def infill(self, request: InfillRequest) -> RemoteStream:
        """Start an answer. Iterating it raises ProviderError, CredentialError."""
        return RemoteStream(self, request)

    async def prefill(self, request: InfillRequest, *, thorough: bool = False, near_only: bool = False) -> bool:
        """Nothing: what a server reads ahead may cost its owner money."""
        return True

    async def exchange(self, request: InfillRequest) -> Exchange:
        """The request to the server, not sent yet. Raises ProviderUnavailable while the server is left alone."""
        if left := self._breaker.enter():
            raise ProviderUnavailable(f"The infill server {self._where} is left alone for another {left:.0f} s.")
        if not self._looked_for_key:
            self._key = await asyncio.to_thread(self._credentials.get, *_key_names(self._parsed))
            self._looked_for_key = True
        headers = {"authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
        asked = _laid_out(request, context=not self._style.reads_context)
        model = "" if self._parsed.model == "loaded" else self._parsed.model
        return Exchange(
            "POST", self._url, name=f"The infill server {self._where}", model=model, headers=headers,
            body=self._style.body(model, asked), limits=self._limits, proxy=self._proxy,
        )  # fmt: skip

    def piece(self, line: bytes) -> _Piece | None:
        """What a line of the answer says, None for one that says nothing. Raises ProviderGarbled."""
        data = line.removeprefix(b"data:").strip()
        if not data or data == b"[DONE]" or line.startswith((b":", b"event:", b"id:", b"retry:")):
            return None
        try:
            event: object = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict) or "error" in event:
            raise ProviderGarbled(f"What the infill server {self._where} answered cannot be understood.")
        return self._style.piece(cast("dict[str, Any]", event))

    def worked(self) -> None:
        """The server answered."""
        self._breaker.worked()

    def failed(self, error: Exception) -> None:
        """It did not."""
        if isinstance(error, KeyRefused):
            self._looked_for_key = False  # another may be given while the server is left alone
        self._breaker.failed(error.retry_after_s if isinstance(error, ProviderBusy) else None)

    def left(self) -> None:
        """The answer was not waited for."""
        self._breaker.left()


class RemoteStream:
    """One running answer."""

    def __init__(self, model: RemoteInfill, request: InfillRequest) -> None:
        self._model = model
        self._request = request
        self._exchange: Exchange | None = None
        self._closed = False
        self._stats = InfillStats(finish="cancelled")

    @property
    def stats(self) -> InfillStats:
        """What it cost so far, as far as the server says."""
        return self._stats

    async def __aiter__(self) -> AsyncIterator[str]:
        """Pieces of text, up to a stop string. Raises ProviderError, CredentialError."""
        if self._request.rank or self._request.further:
            return  # no server can be told to pass over what is likeliest
        started = time.perf_counter()
        exchange = self._exchange = await self._model.exchange(self._request)
        held = ""
        try:
            async for line in exchange.lines():
                if self._closed:
                    return
                piece = self._model.piece(line)
                if piece is None:
                    continue
                self._count(piece, started)
                held += piece.text
                ready, held, stopped = split_at_stop(held, self._request.stop)
                if ready:
                    yield ready
                if stopped:
                    self._stats = replace(self._stats, finish="stop")
                if stopped or piece.finish:
                    break
            if held and not self._closed:
                yield held
            self._end()
        except ProviderError as error:
            self._model.failed(error)
            raise
        finally:
            exchange.close()
            self._model.left()

    async def aclose(self) -> None:
        """Stop generating."""
        self._closed = True
        if self._exchange:
            self._exchange.close()

    def _count(self, piece: _Piece, started: float) -> None:
        elapsed = (time.perf_counter() - started) * 1000
        said = self._stats
        self._stats = replace(
            said,
            prompt_tokens=piece.prompt_tokens or said.prompt_tokens,
            evaluated_tokens=piece.evaluated_tokens or said.evaluated_tokens,
            generated_tokens=piece.generated_tokens or said.generated_tokens + bool(piece.text),
            first_token_ms=said.first_token_ms or elapsed,
            total_ms=elapsed,
            finish=piece.finish or said.finish,
        )

    def _end(self) -> None:
        if self._stats.finish != "cancelled":
            self._model.worked()
        elif not self._closed:
            raise ProviderGarbled("The answer of the infill server broke off.")


def _key_names(name: ModelName) -> tuple[str, ...]:
    """What the key may be kept under: by the rules for chat, and what chat with the same server has, which is called
    `openai-compatible` there.
    """
    names = CHAT_PROVIDERS.get(name.provider).key_names(name)
    if name.provider != "openai":
        return names
    return (*names, *CHAT_PROVIDERS.get("openai-compatible").key_names(replace(name, provider="openai-compatible")))


def split_at_stop(text: str, stops: tuple[str, ...]) -> tuple[str, str, bool]:
    """What can be passed on, what must be held back since a stop string may begin there, and whether one was found."""
    found = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    if found:
        return text[: min(found)], "", True
    longest = max(map(len, stops), default=0)
    for at in range(max(0, len(text) - longest + 1), len(text)):
        if any(stop.startswith(text[at:]) for stop in stops):
            return text[:at], text[at:], False
    return text, "", False


def _laid_out(request: InfillRequest, *, context: bool) -> InfillRequest:
    """The title and, if wanted, pieces of the project as comments before the text, as the local engine has them."""
    above = [f"{part.path}:\n{part.text}" for part in request.context] if context else []
    if request.title and request.comment[0]:
        above.append(request.title)
    prefix = "".join(commented(request.comment, text) for text in above) + request.prefix
    return replace(request, prefix=prefix, context=() if context else request.context)


def _table(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
