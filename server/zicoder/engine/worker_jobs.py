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
from zicoder.engine.worker_cache import SLICE, Prompt, PromptCache
from zicoder.engine.worker_draft import Drafter, Luck
from zicoder.engine.worker_guide import Guided
from zicoder.engine.worker_layout import Layout, answer_limit
from zicoder.engine.worker_llama import MEASURABLE, AbortFlag, Context, Model, PieceDecoder, ThreadGauge
from zicoder.engine.worker_shelf import Shelf
from zicoder.engine.worker_writing import Writing
from zicoder.text import common_prefix

__all__ = ["LoadedModel"]

NEAR_TOKENS = 1024
"""Room in the infill context for the near cache, its answer included."""
SMALL = 64
"""So many tokens are never too slow: the answer itself takes as long."""

Emit: TypeAlias = Callable[[str, float], None]
"""A piece of text, and the mean logprob of the answer's tokens so far (0 where it is not known)."""
Begin: TypeAlias = Callable[[Stats], None]
Finish: TypeAlias = Literal["end", "stop", "length", "cancelled"]
Steps: TypeAlias = Generator[None, None, Stats]


class LoadedModel:
    """A model with its infill caches and, from the first conversation on, its chat context.

    Two caches fill holes: the *far* one holds the whole prompt, the *near* one a short piece of it that even a slow
    machine evaluates in a moment. A request uses the near one while the far one is not ready for it.
    """

    def __init__(
        self, model: Model, *, fim: tuple[int, int, int] | None, n_ctx: int, threads: int, abort: AbortFlag
    ) -> None:
        self.model = model
        self.n_ctx = n_ctx
        self._threads = threads
        self._gauge = ThreadGauge(threads)
        self._abort = abort
        self._layout = Layout(model, fim)
        self._infill_context = self._context(3, extra=NEAR_TOKENS)
        self._far = PromptCache(self._infill_context, seq=0, scratch=2, size=n_ctx)
        self._near = PromptCache(self._infill_context, seq=1, scratch=2, size=NEAR_TOKENS)
        self._shelf = Shelf(self._infill_context, self._far)
        self._luck = Luck()
        self._chat_context: Context | None = None
        self._chat_tokens: list[int] = []
        self._warm_up()

    def _context(self, sequences: int, extra: int = 0) -> Context:
        return Context(self.model, n_ctx=self.n_ctx + extra, n_seq=sequences, threads=self._threads, abort=self._abort)

    def _warm_up(self) -> None:
        """Touch every weight once, so that the first request does not wait for the disk, and measure the speed."""
        context = self._infill_context
        tokens = self.model.tokenize("x = 1\n" * MEASURABLE)[:MEASURABLE]
        for _ in range(2):
            context.decode(tokens, at=0, seq=0)
            context.clear()

    def forget(self) -> None:
        """Empty every cache, after a native error left the cells in doubt."""
        self._infill_context.clear()
        self._far.forget_all(cleared=True)
        self._near.forget_all(cleared=True)
        self._shelf.clear()
        if self._chat_context:
            self._chat_context.clear()
            self._chat_tokens.clear()

    def close(self) -> None:
        """Free everything native."""
        self._infill_context.close()
        if self._chat_context:
            self._chat_context.close()
        self.model.close()

    def infill(self, request: Infill, begin: Begin, emit: Emit) -> Steps:
        """Fill a hole, greedily."""
        clock, context = _Clock(), self._infill_context
        before = context.evaluated
        context.use_threads(self._gauge.read())
        parts, near = self._layout.far(request, self.n_ctx), False
        cache = self._far
        self._shelf.turn_to(request.document, parts.prompt)
        if self._too_slow(parts.prompt, request):
            close = self._layout.near(request, NEAR_TOKENS)
            if request.prefill:
                yield from self._near.hold(close.prompt, idle=request.thorough)
                context.use_threads(max(1, self._gauge.read() - 1))  # the long rest leaves a core to the user
            elif self._near.missing(close.prompt) < self._far.missing(parts.prompt):
                parts, cache, near = close, self._near, True
        end = yield from cache.hold(parts.prompt, idle=request.thorough)
        if request.prefill:
            return clock.stats("end", prompt=len(parts), evaluated=context.evaluated - before)

        def begun() -> None:
            clock.first()
            begin(clock.stats("end", prompt=len(parts), evaluated=context.evaluated - before, near=near))

        def said(text: str) -> None:
            emit(text, writing.mean_logprob)

        evaluated = before
        answer = _Answer(
            self.model,
            said,
            stop=request.stop,
            max_tokens=answer_limit(request, NEAR_TOKENS if near else self.n_ctx),
        )
        guided = Guided(request.guide, request.prefix, request.suffix, self.model.piece) if request.guide else None
        writing = Writing(
            context, cache.seq, answer.take, guided,
            Drafter(parts.reading, context.costs, self._luck) if request.draft else None,
        )  # fmt: skip
        try:
            logits = yield from context.evaluate(parts.middle, at=end, seq=cache.seq, logits=1)
            evaluated = context.evaluated
            begun()
            yield from writing.go_on(logits[-1], at=end + len(parts.middle))
        finally:
            cache.forget_answer()
        return clock.stats(
            answer.finish, prompt=len(parts), evaluated=evaluated - before, generated=answer.count, near=near,
            drafted=writing.drafted, accepted=writing.accepted, guided=guided.changed if guided else 0,
            logprob=writing.mean_logprob,
        )  # fmt: skip

    def _too_slow(self, prompt: Prompt, request: Infill) -> bool:
        """Whether the whole prompt would take longer than the request allows."""
        if not request.prompt_ms or not request.near_prefix:
            return False
        missing = self._far.missing(prompt)
        return missing > max(self._infill_context.tokens_per_s * request.prompt_ms / 1000, SMALL)

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
        keep = common_prefix(held, prompt[:-1])
        context.remove(0, keep, -1)
        del held[keep:]
        logits: list[NDArray[np.float32]] = []
        while len(held) < len(prompt):
            part = prompt[len(held) : len(held) + SLICE]
            last = len(held) + len(part) == len(prompt)
            logits = yield from context.evaluate(part, at=len(held), seq=0, logits=int(last))
            held += part
            if not last:
                yield
        evaluated = context.evaluated - before
        clock.first()
        begin(clock.stats("end", prompt=len(prompt), evaluated=evaluated))
        answer = _Answer(self.model, lambda text: emit(text, 0.0), stop=request.stop, max_tokens=request.max_tokens)
        choose = _Sampler(request.temperature, request.seed)
        while logits and answer.take(choose(logits[-1])):
            yield
            logits = yield from context.evaluate([answer.last], at=len(held), seq=0, logits=1)
            held.append(answer.last)
        return clock.stats(answer.finish, prompt=len(prompt), evaluated=evaluated, generated=answer.count)


class _Clock:
    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._first = 0.0

    def first(self) -> None:
        self._first = (time.perf_counter() - self._start) * 1000

    def stats(
        self,
        finish: Finish,
        *,
        prompt: int = 0,
        evaluated: int = 0,
        generated: int = 0,
        near: bool = False,
        drafted: int = 0,
        accepted: int = 0,
        guided: int = 0,
        logprob: float = 0.0,
    ) -> Stats:
        return Stats(
            near=near,
            drafted_tokens=drafted,
            accepted_tokens=accepted,
            guided_tokens=guided,
            logprob=logprob,
            prompt_tokens=prompt,
            evaluated_tokens=evaluated,
            generated_tokens=generated,
            first_token_ms=self._first,
            total_ms=(time.perf_counter() - self._start) * 1000,
            finish=finish,
        )


class _Answer:
    """Collects tokens, emits text, knows when to end. Text that may be the start of a stop string is held back."""

    def __init__(self, model: Model, emit: Callable[[str], None], *, stop: Sequence[str], max_tokens: int) -> None:
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
