"""The messages between the parent and the embedding process, framed as the engine's are: 4-byte length, msgpack body.

`Open` is answered by `Opened` or `Failed`, every `Embed` by `Vectors`, `Stopped` or `Failed`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from zicoder.engine.protocol import framed

__all__ = [
    "Embed",
    "Failed",
    "Open",
    "Opened",
    "Reply",
    "Request",
    "Stop",
    "Stopped",
    "Vectors",
    "encode",
]


class _Frame(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


class Open(_Frame, frozen=True, kw_only=True):
    """Load a model, once in the life of the process. `path` is MiniLM's weights, or a sentence-transformers folder."""

    kind: Literal["minilm", "sentence-transformers"]
    path: str
    threads: int
    max_tokens: int


class Embed(_Frame, frozen=True, kw_only=True):
    """Embed texts. A `query` is worked on at once, beside whatever else is under way."""

    id: int
    texts: tuple[str, ...]
    query: bool = False


class Stop(_Frame, frozen=True, kw_only=True):
    """Give up request `id`, which is still answered."""

    id: int


Request = Open | Embed | Stop


class Opened(_Frame, frozen=True, kw_only=True):
    """The model is loaded. `runtime` says what computes."""

    dimension: int
    runtime: str


class Vectors(_Frame, frozen=True, kw_only=True):
    """Vectors of length 1 as little-endian 32-bit floats, one after the other."""

    id: int
    data: bytes


class Stopped(_Frame, frozen=True, kw_only=True):
    """The request was given up."""

    id: int


class Failed(_Frame, frozen=True, kw_only=True):
    """Loading (id 0) or a request failed."""

    id: int
    kind: Literal["ModelError", "ModelNotInstalled", "EngineError", "EngineUnavailable"]
    message: str
    hint: str = ""


Reply = Opened | Vectors | Stopped | Failed

_encoder = msgspec.msgpack.Encoder()


def encode(message: Request | Reply) -> bytes:
    """One frame, ready to write."""
    return framed(_encoder.encode(message))
