"""The messages between the parent and the engine process, and how they are framed.

A frame is a 4-byte little-endian length and a msgpack body; other processes of ours are spoken to in such frames, too
(`framed`, `read_frame`). Requests go down the child's stdin, replies come up its
stdout. Every request with an `id` is answered by any number of `Piece` or `Loading` and exactly one of
`Loaded`, `Counted`, `Done` or `Failed`, also when it was cancelled.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Literal

import msgspec

__all__ = [
    "MAX_FRAME",
    "Begun",
    "Cancel",
    "Chat",
    "ContextPart",
    "Count",
    "Counted",
    "Done",
    "Failed",
    "FimTokens",
    "Guide",
    "Infill",
    "Load",
    "Loaded",
    "Loading",
    "Message",
    "Piece",
    "Ping",
    "Pong",
    "Ready",
    "Reply",
    "Request",
    "Stats",
    "Tool",
    "Unload",
    "decode_reply",
    "decode_request",
    "encode",
    "framed",
    "read_frame",
]

MAX_FRAME = 64 * 1024 * 1024
"""A longer frame means that the two sides lost step; nothing we send comes near it."""

HEADER = struct.Struct("<I")


class _Frame(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


class FimTokens(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a model's fill-in-the-middle tokens."""

    prefix: str
    suffix: str
    middle: str


class Load(_Frame, frozen=True, kw_only=True):
    """Load a model. `fim` None means: whatever the file's own vocabulary says, left-to-right if it says nothing."""

    id: int
    model: str
    path: str
    context_tokens: int
    threads: int
    fim: FimTokens | None = None
    chat: bool = False
    """Wanted for conversations: what fills holes is not made before it is asked for."""


class Unload(_Frame, frozen=True, kw_only=True):
    """Free a model and its caches."""

    id: int
    model: str


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """Which names may stand where in the answer; see `zicoder.models.protocols.Guide`."""

    here: tuple[str, ...] = ()
    typed: str = ""
    listed: bool = False
    members: dict[str, tuple[str, ...]] = {}
    arguments: dict[str, tuple[str, ...]] = {}


class ContextPart(msgspec.Struct, frozen=True):
    """A piece of another file of the project."""

    path: str
    text: str


class Infill(_Frame, frozen=True, kw_only=True):
    """Fill the hole between `prefix` and `suffix`; with `prefill` only get ready to.

    When getting the whole prompt into the cache would take longer than `prompt_ms`, only the last `near_prefix` and
    the first `near_suffix` characters are used. 0 milliseconds means: always the whole prompt.
    """

    id: int
    model: str
    document: str
    prefix: str
    suffix: str
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    prefill: bool = False
    thorough: bool = False
    """With `prefill`: evaluate afresh what edits have left stale."""
    near_only: bool = False
    """With `prefill`: where the whole prompt takes too long, only what stands next to the hole."""
    near_prefix: int = 0
    near_suffix: int = 0
    prompt_ms: int = 0
    guide: Guide | None = None
    title: str = ""
    """What the document is, in one line: its path, or its language. It stands above the text, as a comment."""
    context: tuple[ContextPart, ...] = ()
    comment: tuple[str, str] = ("# ", "")
    """What makes a line of the document's language a comment: before it and behind it."""
    indented: bool = False
    """The cursor stands where its line of code belongs: the answer does not begin with spaces or tabs."""
    draft: bool = True
    rank: int = 0
    """So many of the likeliest first tokens are passed over: another answer."""
    search: int = 0
    """So many tokens may be evaluated to find a first line that is likelier than the greedy one, and the next likely
    ones; not together with `rank`."""
    further: bool = False
    """With `search`: only go on with it, for lines that are less likely than the answer; there is no text."""
    speculative: bool = False
    """Whether nobody waits for the answer: anything else ends it."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """Something a model may call. `schema` is a JSON schema of its arguments without references."""

    name: str
    schema: str


class Chat(_Frame, frozen=True, kw_only=True):
    """Answer a conversation. `temperature` 0 is greedy.

    A prompt that leaves no room for `max_tokens` in the window is refused, not cut.
    """

    id: int
    model: str
    messages: tuple[Message, ...]
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    window: int = 0
    """Size of the conversation's cache in tokens, at most what the model was taught; 0 means that of `Load`."""
    schema: str = ""
    """JSON schema without references that the answer is held to; "" for free text."""
    tools: tuple[Tool, ...] = ()
    """A call is `<tool_call>` and a JSON object with `name` and `arguments`, to which the model is held."""
    must_call: bool = False
    """The answer is a call and nothing else."""
    begin: str = ""
    """The model goes on from this, as if it had said it; it is no part of what is sent back."""
    speculative: bool = False
    """Whether nobody waits for the answer: anything else ends it."""


class Count(_Frame, frozen=True, kw_only=True):
    """How many tokens these texts are. Answered by `Counted`."""

    id: int
    model: str
    texts: tuple[str, ...]


class Cancel(_Frame, frozen=True, kw_only=True):
    """Stop request `id`, wherever it is; it is still answered, by `Done` with finish "cancelled"."""

    id: int


class Ping(_Frame, frozen=True, kw_only=True):
    """Are you there? Also tells the engine that its parent lives."""

    seq: int


Request = Load | Unload | Infill | Chat | Count | Cancel | Ping


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What a request cost. Times in milliseconds since the engine took it up. `near`: not the whole prompt was used."""

    prompt_tokens: int = 0
    evaluated_tokens: int = 0
    generated_tokens: int = 0
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    finish: Literal["end", "stop", "length", "cancelled"] = "end"
    near: bool = False
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    guided_tokens: int = 0
    logprob: float = 0.0
    """Mean natural logarithm of the probability of the answer's tokens."""
    searched_tokens: int = 0
    lines: tuple[tuple[str, float, int], ...] = ()
    """First lines that were found, the answer's first: text, natural logarithm of the probability, tokens."""


class Ready(_Frame, frozen=True, kw_only=True):
    """The process is up and the native library is loaded."""

    pid: int
    version: str


class Loading(_Frame, frozen=True, kw_only=True):
    """Progress of a `Load`, in per cent."""

    id: int
    percent: int


class Loaded(_Frame, frozen=True, kw_only=True):
    """A model is ready. `fim` is False for a left-to-right model."""

    id: int
    fim: bool
    context_tokens: int
    description: str


class Begun(_Frame, frozen=True, kw_only=True):
    """The prompt is evaluated and the first token, or line, is known; for callers that will not wait for `Done`.

    With `search` it comes for each token before that, too, with the line that is probably the first, as far as it is
    written.
    """

    id: int
    stats: Stats


class Piece(_Frame, frozen=True, kw_only=True):
    """A piece of generated text; whole characters only. `logprob`: the mean of all tokens so far, where it is known."""

    id: int
    text: str
    logprob: float = 0.0


class Counted(_Frame, frozen=True, kw_only=True):
    """The answer to `Count`, in the order of its texts."""

    id: int
    tokens: tuple[int, ...]


class Done(_Frame, frozen=True, kw_only=True):
    """The request is over."""

    id: int
    stats: Stats = Stats()


class Failed(_Frame, frozen=True, kw_only=True):
    """The request cannot be answered. `kind` is the name of the ZiError to raise."""

    id: int
    kind: Literal["ModelError", "ModelMisconfigured", "EngineError", "EngineUnavailable"]
    message: str
    hint: str = ""


class Pong(_Frame, frozen=True, kw_only=True):
    """I am here. `busy_s` is how long the current native call has been running."""

    seq: int
    busy_s: float


Reply = Ready | Loading | Loaded | Begun | Piece | Counted | Done | Failed | Pong

_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(Request)
_replies = msgspec.msgpack.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    """One frame, ready to write."""
    return framed(_encoder.encode(message))


def framed(body: bytes) -> bytes:
    """A body with its length before it."""
    return HEADER.pack(len(body)) + body


def read_frame(stream: BinaryIO, limit: int = MAX_FRAME) -> bytes | None:
    """The body of the next frame, None at the end of the stream, also in mid frame.

    Raises msgspec.DecodeError for one longer than `limit` bytes: the two sides lost step.
    """
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (size,) = HEADER.unpack(header)
    if size > limit:
        raise msgspec.DecodeError(f"frame of {size} bytes")
    body = stream.read(size)
    return body if len(body) == size else None


def decode_request(body: bytes) -> Request:
    """The body of one frame from the parent. Raises msgspec.DecodeError."""
    return _requests.decode(body)


def decode_reply(body: bytes) -> Reply:
    """The body of one frame from the engine. Raises msgspec.DecodeError."""
    return _replies.decode(body)
