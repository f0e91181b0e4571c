"""What the rest of the product asks of a model. Consumers depend on these, never on a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["ContextPart", "Guide", "InfillModel", "InfillRequest", "InfillStats", "InfillStream"]


@dataclass(frozen=True, slots=True)
class ContextPart:
    """A piece of the project that a model reads before the file with the hole."""

    path: str
    """Project-relative, with slashes."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """Which identifiers may stand where, as far as an analysis is sure; what is not named here is free.

    Only for a hole in code: in a string or a comment there must be none. A model may leave it aside.
    """

    here: tuple[str, ...] = ()
    """Whole names of which one must stand at the hole; the part of it before the cursor is `typed`. () is no limit."""
    typed: str = ""
    listed: bool = False
    """Whether another of `here` follows each comma, as in an import."""
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Names after a dot, by the expression before it as written (`self`, `np.linalg`), in text that the model makes."""
    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Keyword arguments of a callable as written (`client.get`): what may stand before `=` between its brackets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfillRequest:
    """Text around a hole, for a model to fill.

    `document` says which document the hole is in; a model that has several caches may keep one for each.
    `stop` ends the answer before any of these strings.
    `near_prefix` and `near_suffix` are the numbers of characters next to the hole to which a model may limit itself
    when the whole text would take it too long; 0 means that it may not.
    """

    document: str
    prefix: str
    suffix: str
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    near_prefix: int = 0
    near_suffix: int = 0
    title: str = ""
    """What the document is, in one line: its path, or its language."""
    context: tuple[ContextPart, ...] = ()
    """In an order that stays: what changes most often comes last."""
    comment: tuple[str, str] = ("# ", "")
    """What makes a line of the document's language a comment: before it and behind it."""
    guide: Guide | None = None
    indented: bool = False
    """The cursor stands where its line of code belongs: an answer that begins with spaces or tabs is wrong. Not every
    model can be held to that."""
    draft: bool = True
    """Whether guessed tokens may be verified several at a time: quicker, and the same answer."""
    rank: int = 0
    """So many of the likeliest beginnings are passed over: another answer. A model that cannot do that says nothing."""
    search: int = 0
    """So many tokens may be spent to find a first line that is likelier than the one of the likeliest tokens. A model
    that cannot do that answers as ever."""
    further: bool = False
    """With `search`: only look for other likely lines at the place of the last answer; there is no text."""
    speculative: bool = False
    """Whether nobody waits for the answer yet: anything else comes first, and may end it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfillStats:
    """What one answer cost. Times in milliseconds, counted from when the model took the request up."""

    prompt_tokens: int = 0
    evaluated_tokens: int = 0
    """Prompt tokens that really went through the model; the rest came from the KV cache."""
    generated_tokens: int = 0
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    near: bool = False
    """Whether the model limited itself to the text next to the hole."""
    drafted_tokens: int = 0
    """Guessed tokens that were verified."""
    accepted_tokens: int = 0
    """Those of them that were right."""
    guided_tokens: int = 0
    """Choices that the guide changed."""
    logprob: float = 0.0
    """Mean natural logarithm of the probability of the answer's tokens; 0 for a model that does not say."""
    searched_tokens: int = 0
    """Spent to find other lines."""
    lines: tuple[tuple[str, float, int], ...] = ()
    """First lines that were found, the answer's first: text, natural logarithm of the probability, tokens."""
    finish: str = ""
    """"end" (the model ended), "stop" (a stop string), "length" (max_tokens), "cancelled"."""


class InfillStream(Protocol):
    """A running answer: iterate for pieces of text; closing it cancels the work for real.

    An empty piece tells that the first of `stats.lines` has grown: with it the answer will probably begin.
    """

    @property
    def stats(self) -> InfillStats:
        """What it cost so far."""
        ...

    def __aiter__(self) -> AsyncIterator[str]: ...

    async def aclose(self) -> None:
        """Stop generating. Safe to call at any time, also after the end."""
        ...


class InfillModel(Protocol):
    """A model that fills holes in text."""

    @property
    def name(self) -> str:
        """What a person calls this model."""
        ...

    @property
    def fills_suffix(self) -> bool:
        """False for a left-to-right model, which never sees the text after the cursor."""
        ...

    def infill(self, request: InfillRequest) -> InfillStream:
        """Start an answer. Errors (EngineError, ModelError) are raised while iterating."""
        ...

    async def prefill(self, request: InfillRequest, *, thorough: bool = False, near_only: bool = False) -> bool:
        """Evaluate the prompt while idle, so that a later `infill` near it is quick; False when something more
        important ended that. May do nothing, which is True. `thorough`: there is time to mend what has become stale.
        `near_only`: the whole prompt follows in a moment, so where it is long only what is next to the hole is read.
        """
        ...
