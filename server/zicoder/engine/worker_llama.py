# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false
# llama_cpp is a ctypes binding whose functions carry no usable types; this module is the wall between it and the rest.
"""llama.cpp as the worker needs it: models, vocabularies, contexts with several sequences.

Owns every call into the native library but those for grammars (`worker_grammar.py`). Not thread-safe: only the decode
loop calls it, but `AbortFlag.set` may be called from anywhere.
"""

from __future__ import annotations

import codecs
import ctypes
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias

import llama_cpp.llama_cpp as ll
import numpy as np
from numpy.typing import NDArray

from zicoder.engine.protocol import FimTokens
from zicoder.engine.worker_draft import Costs
from zicoder.errors import EngineError, ModelError, ModelMisconfigured

__all__ = [
    "AbortFlag",
    "Aborted",
    "Cells",
    "Context",
    "Model",
    "PieceDecoder",
    "quiet_native_log",
    "version",
]

BATCH = 512
"""Most tokens in one native call; callers slice finer to stay interruptible."""

MEASURABLE = 32
"""Batches of at least so many tokens say something about the speed of prompt evaluation."""
SMALL_PASS = 8
"""A native call with so few tokens ends by itself sooner than it could be done again."""
MOVE_PASS = 2
"""Tokens of the call that moves cells, which cannot be interrupted: mostly all that a key changes."""
GUESS_PER_S = 300.0
"""What a 0.5B model does on two to four laptop cores; replaced by measurements at once."""

_recent_log: deque[str] = deque(maxlen=40)
_LOG_WARN, _LOG_ERROR = 3, 4


class Aborted(Exception):
    """A native evaluation was interrupted; the cells it was to write are gone."""


@ll.llama_log_callback
def _on_log(level: int, text: bytes, _: Any) -> None:
    if level in (_LOG_WARN, _LOG_ERROR):
        line = text.decode("utf-8", "replace").strip()
        _recent_log.append(line)
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the worker's stderr is the engine's log file


def quiet_native_log() -> None:
    """Send warnings and errors of the native library to stderr, and drop the rest."""
    ll.llama_log_set(_on_log, ctypes.c_void_p(0))
    ll.llama_backend_init()


def version() -> str:
    """Version of the binding."""
    import importlib.metadata

    return importlib.metadata.version("llama-cpp-python")


_NEVER = ll.ggml_abort_callback()

_MARK = re.compile("\ue000(\\d+)\ue001")
"""Stands for a message's text while the chat template is filled; from the area that Unicode leaves to private use."""

Cells: TypeAlias = "ctypes.Array[ctypes.c_uint8]"
"""A sequence's part of a KV cache, outside of the context: 12 kB a token for the default model."""


class AbortFlag:
    """Interrupts a native evaluation from another thread, without Python code on the native side.

    llama.cpp asks a C callback at every node of the graph. A Python callback would take the interpreter lock some
    thousand times a token. C's `strlen` has the right shape: called with the address of a buffer it answers
    0 ("go on") while the buffer holds an empty string, and 1 ("abort") when its first byte is set.
    """

    def __init__(self) -> None:
        self.worthwhile = False
        """Whether the evaluation under way is long enough to be interrupted for something more important."""
        self._buffer = ctypes.create_string_buffer(2)
        libc = ctypes.CDLL("msvcrt") if os.name == "nt" else ctypes.CDLL(None)
        self.callback = ctypes.cast(libc.strlen, ll.ggml_abort_callback)
        self.data = ctypes.cast(self._buffer, ctypes.c_void_p)

    def set(self, abort: bool) -> None:
        """Abort the evaluation under way (and any later one), or allow evaluations again."""
        self._buffer[0] = b"x" if abort else b"\0"


class PieceDecoder:
    """Turns token pieces into text, holding back bytes of an unfinished character."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, piece: bytes) -> str:
        """The characters that are complete after `piece`."""
        return self._decoder.decode(piece)


class Model:
    """Weights and vocabulary of one GGUF file."""

    def __init__(self, path: str, *, on_progress: Callable[[int], None]) -> None:
        params = ll.llama_model_default_params()
        seen = -1

        def progress(fraction: float, _: Any) -> bool:
            nonlocal seen
            percent = int(fraction * 100)
            if percent // 5 > seen // 5:
                seen = percent
                on_progress(percent)
            return True

        params.progress_callback = keep = ll.llama_progress_callback(progress)
        _recent_log.clear()
        self._model = ll.llama_model_load_from_file(path.encode("utf-8"), params)
        del keep
        if not self._model:
            cause = next((line for line in _recent_log if "error" in line.lower()), "the file is not a usable GGUF")
            raise ModelError(f"The model file {path} cannot be loaded: {cause}.", hint="Run `zi model verify`.")
        self._vocab = ll.llama_model_get_vocab(self._model)
        self.n_vocab: int = ll.llama_vocab_n_tokens(self._vocab)
        self.context_limit: int = ll.llama_model_n_ctx_train(self._model)
        self.bos: list[int] = [ll.llama_vocab_bos(self._vocab)] if ll.llama_vocab_get_add_bos(self._vocab) else []
        self._pieces: dict[int, bytes] = {}

    @property
    def handle(self) -> Any:
        """The native pointer."""
        return self._model

    @property
    def vocab(self) -> Any:
        """The native pointer to the vocabulary."""
        return self._vocab

    @property
    def description(self) -> str:
        """Family and size, as the file describes itself."""
        buffer = ctypes.create_string_buffer(128)
        ll.llama_model_desc(self._model, buffer, 128)
        return buffer.value.decode("utf-8", "replace")

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of `text`. Only with `special` are texts such as "<|fim_prefix|>" read as control tokens."""
        raw = text.encode("utf-8", "surrogatepass")
        room = len(raw) + 8
        tokens = (ll.llama_token * room)()
        n = ll.llama_tokenize(self._vocab, raw, len(raw), tokens, room, False, special)
        if n < 0:
            raise EngineError("The text cannot be tokenized.")
        return tokens[:n]

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; control tokens stand for none."""
        found = self._pieces.get(token)
        if found is None:
            buffer = ctypes.create_string_buffer(64)
            n = ll.llama_token_to_piece(self._vocab, token, buffer, 64, 0, False)
            if n < 0:
                buffer = ctypes.create_string_buffer(-n)
                n = ll.llama_token_to_piece(self._vocab, token, buffer, -n, 0, False)
            found = self._pieces[token] = buffer.raw[:n]
        return found

    def ends(self, token: int) -> bool:
        """Whether generation ends at this token: end of text, end of turn, or any other control token."""
        return ll.llama_vocab_is_eog(self._vocab, token) or ll.llama_vocab_is_control(self._vocab, token)

    def fim_ids(self, wanted: FimTokens | None) -> tuple[int, int, int] | None:
        """Ids of the prefix, suffix and middle tokens.

        With `wanted` these very tokens must exist: raises ModelMisconfigured otherwise. Without, the vocabulary's
        own marking decides, and None means a left-to-right model.
        """
        if wanted is None:
            marks = (ll.llama_vocab_fim_pre, ll.llama_vocab_fim_suf, ll.llama_vocab_fim_mid)
            found = tuple(mark(self._vocab) for mark in marks)
            return found if min(found) >= 0 else None  # type: ignore[return-value]
        ids: list[int] = []
        for text in (wanted.prefix, wanted.suffix, wanted.middle):
            tokens = self.tokenize(text, special=True)
            if len(tokens) != 1 or not ll.llama_vocab_is_control(self._vocab, tokens[0]):
                raise ModelMisconfigured(
                    f"This model has no token {text!r}, so it cannot fill in the middle with that template.",
                    hint="Choose another model with `zi.model.infill`, or correct its catalog entry.",
                )
            ids.append(tokens[0])
        return ids[0], ids[1], ids[2]

    def chat_tokens(self, messages: Sequence[tuple[str, str]]) -> list[int]:
        """The conversation in the model's own chat template, ready for the assistant's turn.

        Control tokens come from the template alone: a message that spells one is text.
        """
        template = ll.llama_model_chat_template(self._model, None)
        marks = [f"\ue000{number}\ue001" for number in range(len(messages))]
        turns = (ll.llama_chat_message * len(messages))(
            *(
                ll.llama_chat_message(role=role.encode(), content=mark.encode())
                for (role, _), mark in zip(messages, marks, strict=True)
            )
        )
        size = 256 + 128 * len(messages)
        buffer = ctypes.create_string_buffer(size)
        n = ll.llama_chat_apply_template(template, turns, len(messages), True, buffer, size)
        if n < 0 or n > size:
            raise ModelMisconfigured("This model has no chat template that can be used.")
        rendered = buffer.raw[:n].decode("utf-8", "replace")
        tokens, at = list(self.bos), 0
        for mark in _MARK.finditer(rendered):
            tokens += self.tokenize(rendered[at : mark.start()], special=True)
            tokens += self.tokenize(messages[int(mark[1])][1])
            at = mark.end()
        tokens += self.tokenize(rendered[at:], special=True)
        return tokens

    def close(self) -> None:
        """Free the weights. Contexts must be closed before."""
        ll.llama_model_free(self._model)


class Context:
    """A KV cache over one model, shared by `n_seq` sequences, and the evaluation of tokens into it."""

    def __init__(self, model: Model, *, n_ctx: int, n_seq: int, threads: int, abort: AbortFlag) -> None:
        self.model = model
        self.abort = abort
        params = ll.llama_context_default_params()
        params.n_ctx = n_ctx
        params.n_batch = params.n_ubatch = min(BATCH, n_ctx)
        params.n_seq_max = n_seq
        params.kv_unified = True
        params.n_threads = params.n_threads_batch = threads
        params.n_outputs_max = 8  # the default reserves logits for a whole batch: 300 MB with a vocabulary of 152k
        params.no_perf = True
        params.abort_callback = abort.callback
        params.abort_callback_data = abort.data
        _recent_log.clear()
        self._ctx = ll.llama_init_from_model(model.handle, params)
        if not self._ctx:
            cause = _recent_log[-1] if _recent_log else "no reason given"
            raise EngineError(
                f"The model's context cannot be created: {cause}.", hint="Lower `zi.engine.context_tokens`."
            )
        self._memory = ll.llama_get_memory(self._ctx)
        self.can_shift = bool(ll.llama_memory_can_shift(self._memory))
        """Whether cells can be moved; not in every kind of model."""
        self.n_ctx = n_ctx
        self._batch = ll.llama_batch_init(BATCH, 0, 1)
        self._moved = False
        self.evaluated = 0
        self.tokens_per_s = GUESS_PER_S
        """Speed of prompt evaluation, a moving average."""
        self.costs = Costs()

    def decode(self, tokens: Sequence[int], *, at: int, seq: int, logits: int = 0) -> list[NDArray[np.float32]]:
        """Evaluate `tokens` at positions `at`... of `seq`, at whose end they must stand; logits of the last `logits`.

        The arrays are the library's own memory, good until the next call. Raises Aborted
        when the abort flag was set meanwhile, EngineError when the cache is full or the library fails.
        Either way the sequence is as it was before the call.
        """
        batch = self._batch
        n = batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = at + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = seq
            batch.logits[i] = i >= n - logits
        start = time.perf_counter()
        code = self._decode_moved() if self._moved else self._decode_abortable(n)
        if code != 0:
            self.remove(seq, at, -1)
            if code == 2:
                raise Aborted
            raise EngineError("The model's context is full." if code == 1 else f"llama.cpp failed with code {code}.")
        self.evaluated += n
        if n >= MEASURABLE:
            self.tokens_per_s += (n / (time.perf_counter() - start) - self.tokens_per_s) / 3
        vocab = (self.model.n_vocab,)
        found = [np.ctypeslib.as_array(ll.llama_get_logits_ith(self._ctx, i), vocab) for i in range(n - logits, n)]
        if logits == n:  # a step of an answer: reading the logits has waited for the end of the call
            self.costs.record(n, time.perf_counter() - start)
        return found

    def _decode_abortable(self, n: int) -> int:
        self.abort.worthwhile = n > SMALL_PASS
        return ll.llama_decode(self._ctx, self._batch)

    def _decode_moved(self) -> int:
        """Decode after `shift`: the library moves the cells within this call; interrupted, it would move them twice."""
        self.abort.worthwhile = False
        ll.llama_set_abort_callback(self._ctx, _NEVER, None)
        try:
            return ll.llama_decode(self._ctx, self._batch)
        finally:
            self._moved = False
            ll.llama_set_abort_callback(self._ctx, self.abort.callback, self.abort.data)

    def evaluate(
        self, tokens: Sequence[int], *, at: int, seq: int, logits: int = 0
    ) -> Generator[None, None, list[NDArray[np.float32]]]:
        """`decode` that, when interrupted, yields to whoever interrupted and then tries again.

        When it is closed there, some of the tokens may be in the cache: the caller removes them before it goes on.
        """
        if self._moved and len(tokens) - max(logits, 1) >= MOVE_PASS:
            self.decode(tokens[:MOVE_PASS], at=at, seq=seq)
            tokens, at = tokens[MOVE_PASS:], at + MOVE_PASS
        while True:
            try:
                return self.decode(tokens, at=at, seq=seq, logits=logits)
            except Aborted:
                yield

    def use_threads(self, count: int) -> None:
        """Evaluate with so many threads from now on."""
        ll.llama_set_n_threads(self._ctx, count, count)

    def remove(self, seq: int, start: int, end: int) -> None:
        """Forget cells [start, end) of `seq`; end -1 means all that follow."""
        ll.llama_memory_seq_rm(self._memory, seq, start, end)

    def shift(self, seq: int, start: int, end: int, delta: int) -> None:
        """Move cells [start, end) of `seq` by `delta` positions."""
        if delta:
            self._moved = True
            ll.llama_memory_seq_add(self._memory, seq, start, end, delta)

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        """Let `target` share cells [start, end) of `source`."""
        ll.llama_memory_seq_cp(self._memory, source, target, start, end)

    def saved(self, seq: int) -> Cells | None:
        """The cells of a sequence, for `restore`; None while a move waits to be applied."""
        size = ll.llama_state_seq_get_size(self._ctx, seq)
        cells = (ctypes.c_uint8 * size)()
        whole = not self._moved and ll.llama_state_seq_get_data(self._ctx, cells, size, seq) == size
        return cells if whole else None

    def restore(self, seq: int, cells: Cells) -> bool:
        """Fill an empty sequence with what `saved` gave; False if there is no room, and it stays empty."""
        if ll.llama_state_seq_set_data(self._ctx, cells, len(cells), seq) == len(cells):
            return True
        self.remove(seq, -1, -1)
        return False

    def clear(self) -> None:
        """Forget everything."""
        ll.llama_memory_clear(self._memory, False)

    def close(self) -> None:
        """Free the cache."""
        ll.llama_batch_free(self._batch)
        ll.llama_free(self._ctx)
