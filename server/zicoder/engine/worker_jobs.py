"""The work the decode loop does, as generators that yield between native calls.

A job may be left alone between two yields for as long as something more important runs, or closed there for good.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zicoder.engine.protocol import Chat, Infill, Stats
from zicoder.engine.worker_cache import SLICE, FimCache
from zicoder.engine.worker_llama import AbortFlag, Context, Model, PieceDecoder, ThreadGauge

__all__ = ["LoadedModel"]

Emit: TypeAlias = Callable[[str], None]
Begin: TypeAlias = Callable[[Stats], None]
Finish: TypeAlias = Literal["end", "stop", "length", "cancelled"]
Steps: TypeAlias = Generator[None, None, Stats]


class LoadedModel:
    """A model with its infill cache and, from the first conversation on, its chat context."""

    def __init__(
        self, model: Model, *, fim: tuple[int, int, int] | None, n_ctx: int, threads: int, abort: AbortFlag
    ) -> None:
        self.model = model
        self.fim = fim
        self.n_ctx = n_ctx
        self._threads = threads
        self._gauge = ThreadGauge(threads)
        self._abort = abort
        self._infill_context = self._context(FimCache.SEQUENCES)
        self.cache = FimCache(self._infill_context)
        self._chat_context: Context | None = None
        self._chat_tokens: list[int] = []

    def _context(self, sequences: int) -> Context:
        return Context(self.model, n_ctx=self.n_ctx, n_seq=sequences, threads=self._threads, abort=self._abort)

    def close(self) -> None:
        """Free everything native."""
        self._infill_context.close()
        if self._chat_context:
            self._chat_context.close()
        self.model.close()

    def infill(self, request: Infill, begin: Begin, emit: Emit) -> Steps:
        """Fill a hole, greedily."""
        clock, context, cache = _Clock(), self._infill_context, self.cache
        before = context.evaluated
        context.use_threads(self._gauge.read())
        head, marker, tail, middle = self._prompt(request)
        end = yield from cache.hold(head, marker, tail, idle=request.prefill)
        prompt = len(head) + len(marker) + len(tail) + len(middle)
        if request.prefill:
            return clock.stats("end", prompt=prompt, evaluated=context.evaluated - before)
        answer = _Answer(self.model, emit, stop=request.stop, max_tokens=request.max_tokens)
        evaluated = 0
        try:
            logits = yield from context.evaluate(middle, at=end, seq=1, want_logits=True)
            evaluated = context.evaluated - before
            clock.first()
            begin(clock.stats("end", prompt=prompt, evaluated=evaluated))
            at = end + len(middle)
            while logits is not None and answer.take(int(logits.argmax())):
                yield
                logits = yield from context.evaluate([answer.last], at=at, seq=1, want_logits=True)
                at += 1
        finally:
            cache.forget_answer()
        return clock.stats(answer.finish, prompt=prompt, evaluated=evaluated, generated=answer.count)

    def _prompt(self, request: Infill) -> tuple[list[int], list[int], list[int], list[int]]:
        """Head, marker, tail and middle; a left-to-right model's middle is the last token of its head."""
        model = self.model
        prefix = model.tokenize(request.prefix)
        room = self.n_ctx - request.max_tokens - 8
        if self.fim is None:
            tokens = [*model.bos, *prefix[-room:]] or model.tokenize("\n")
            return tokens[:-1], [], [], tokens[-1:]
        pre, suf, mid = self.fim
        tail = model.tokenize(request.suffix)[: room // 3]
        prefix = prefix[-(room - len(tail)) :]
        return [*model.bos, pre, *prefix], [suf], tail, [mid]

    def chat(self, request: Chat, begin: Begin, emit: Emit) -> Steps:
        """Answer a conversation; the part of it that the last answer left in the cache is not evaluated again."""
        clock = _Clock()
        if self._chat_context is None:
            self._chat_context = self._context(1)
        context, held = self._chat_context, self._chat_tokens
        before = context.evaluated
        context.use_threads(self._gauge.read())
        text = self.model.chat_prompt([(m.role, m.content) for m in request.messages])
        prompt = [*self.model.bos, *self.model.tokenize(text, special=True)]
        prompt = prompt[-(self.n_ctx - request.max_tokens) :] if request.max_tokens < self.n_ctx else prompt[-8:]
        keep = 0
        while keep < min(len(held), len(prompt) - 1) and held[keep] == prompt[keep]:
            keep += 1
        context.remove(0, keep, -1)
        del held[keep:]
        logits: NDArray[np.float32] | None = None
        while len(held) < len(prompt):
            part = prompt[len(held) : len(held) + SLICE]
            last = len(held) + len(part) == len(prompt)
            logits = yield from context.evaluate(part, at=len(held), seq=0, want_logits=last)
            held += part
            if logits is None:
                yield
        evaluated = context.evaluated - before
        clock.first()
        begin(clock.stats("end", prompt=len(prompt), evaluated=evaluated))
        answer = _Answer(self.model, emit, stop=request.stop, max_tokens=request.max_tokens)
        choose = _Sampler(request.temperature, request.seed)
        while logits is not None and answer.take(choose(logits)):
            yield
            logits = yield from context.evaluate([answer.last], at=len(held), seq=0, want_logits=True)
            held.append(answer.last)
        return clock.stats(answer.finish, prompt=len(prompt), evaluated=evaluated, generated=answer.count)


class _Clock:
    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._first = 0.0

    def first(self) -> None:
        self._first = (time.perf_counter() - self._start) * 1000

    def stats(self, finish: Finish, *, prompt: int = 0, evaluated: int = 0, generated: int = 0) -> Stats:
        return Stats(
            prompt_tokens=prompt,
            evaluated_tokens=evaluated,
            generated_tokens=generated,
            first_token_ms=self._first,
            total_ms=(time.perf_counter() - self._start) * 1000,
            finish=finish,
        )


class _Answer:
    """Collects tokens, emits text, knows when to end. Text that may be the start of a stop string is held back."""

    def __init__(self, model: Model, emit: Emit, *, stop: Sequence[str], max_tokens: int) -> None:
        self._model = model
        self._emit = emit
        self._stop = stop
        self._max = max_tokens
        self._decoder = PieceDecoder()
        self._held = ""
        self.count = 0
        self.last = -1
        self.finish: Finish = "end"

    def take(self, token: int) -> bool:
        """Add a token; False when the answer is complete."""
        if self._model.ends(token):
            return self._close("end")
        self.count += 1
        self.last = token
        self._held += self._decoder.feed(self._model.piece(token))
        cut = min((at for s in self._stop if (at := self._held.find(s)) >= 0), default=-1)
        if cut >= 0:
            self._held = self._held[:cut]
            return self._close("stop")
        if self.count >= self._max:
            return self._close("length")
        keep = max((n for s in self._stop for n in range(1, len(s)) if self._held.endswith(s[:n])), default=0)
        ready, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        if ready:
            self._emit(ready)
        return True

    def _close(self, finish: Finish) -> bool:
        if self._held:
            self._emit(self._held)
        self.finish = finish
        return False


class _Sampler:
    """Greedy at temperature 0; otherwise the 40 likeliest tokens, weighed by temperature."""

    def __init__(self, temperature: float, seed: int) -> None:
        self._temperature = temperature
        self._random = np.random.default_rng(seed)

    def __call__(self, logits: NDArray[np.float32]) -> int:
        if self._temperature <= 0:
            return int(logits.argmax())
        best = np.argpartition(logits, -40)[-40:]
        weights = np.exp((logits[best] - logits[best].max()) / self._temperature)
        return int(self._random.choice(best, p=weights / weights.sum()))
