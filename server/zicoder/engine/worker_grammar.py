# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false
# llama_cpp is a ctypes binding whose functions carry no usable types.
"""Grammars that an answer is held to: llama.cpp's own sampler, asked which tokens may come next.

Owns nothing but that sampler. Not thread-safe: only the decode loop calls it.
"""

from __future__ import annotations

import ctypes

import llama_cpp.llama_cpp as ll
import numpy as np
from numpy.typing import NDArray

from zicoder.engine.worker_llama import Model
from zicoder.errors import ModelMisconfigured

__all__ = ["Grammar"]

_CANDIDATES = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""The library's `llama_token_data`."""


class Grammar:
    """Which tokens may come next, by a grammar in llama.cpp's GBNF. Accepting any other token is not allowed."""

    def __init__(self, model: Model, gbnf: str) -> None:
        """Raises ModelMisconfigured for a grammar that cannot be read."""
        self._sampler = ll.llama_sampler_init_grammar(model.vocab, gbnf.encode(), b"root")
        if not self._sampler:
            raise ModelMisconfigured("The format that the answer is held to cannot be expressed for this model.")

    def allowed(self, tokens: NDArray[np.int32]) -> NDArray[np.bool_]:
        """For each token, whether it may come next."""
        rows = np.zeros(len(tokens), _CANDIDATES)
        rows["id"] = tokens
        data = rows.ctypes.data_as(ctypes.POINTER(ll.llama_token_data))
        array = ll.llama_token_data_array(data, len(rows), -1, False)
        ll.llama_sampler_apply(self._sampler, ctypes.byref(array))
        return np.isfinite(rows["logit"])

    def accept(self, token: int) -> None:
        """The token that comes next."""
        ll.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        """Free it."""
        ll.llama_sampler_free(self._sampler)
