"""The work the decode loop does, as generators that yield between native calls.

A job may be left alone between two yields for as long as something more important runs, or closed there for good.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TypeAlias

from zicoder.engine.protocol import Chat, Infill, Stats
from zicoder.engine.worker_answer import Answer, Begin, Clock, Emit, Steps
from zicoder.engine.worker_cache import Prompt, PromptCache
from zicoder.engine.worker_draft import Drafter, Luck
from zicoder.engine.worker_guide import Guided
from zicoder.engine.worker_layout import Laid, Layout, answer_limit
from zicoder.engine.worker_lines import LONGEST, SLACK, Line, Lines
from zicoder.engine.worker_llama import MEASURABLE, AbortFlag, Context, Model
from zicoder.engine.worker_shelf import Shelf
from zicoder.engine.worker_talk import Talk
from zicoder.engine.worker_threads import ThreadGauge
from zicoder.engine.worker_writing import Logits, Writing, unindented

__all__ = ["LoadedModel"]

NEAR_TOKENS = 1024
"""Room in the infill context for the near cache, its answer included."""
Tell: TypeAlias = Callable[..., Stats]
"""Makes the stats of an answer from how it ended, and what it cost beside the prompt."""

SCRATCH = 2
"""The sequence of an infill context in which what is in the making lies."""
SMALL = 64
"""So many tokens are never too slow: the answer itself takes as long."""


class LoadedModel:
    """A model, and what is made of it when it is first asked for: one side fills holes, the other converses."""

    def __init__(
        self, model: Model, *, fim: tuple[int, int, int] | None, n_ctx: int, threads: int, abort: AbortFlag
    ) -> None:
        self.model = model
        self._fim = fim
        self._n_ctx = n_ctx
        self._threads = threads
        self._gauge = ThreadGauge(threads)
        self._abort = abort
        self._filling: Filling | None = None
        self._talk: Talk | None = None

    @property
    def filling(self) -> Filling:
        """The side that fills holes. Making it takes a moment: it warms up."""
        if self._filling is None:
            self._filling = Filling(
                self.model, fim=self._fim, n_ctx=self._n_ctx, threads=self._threads, gauge=self._gauge,
                abort=self._abort,
            )  # fmt: skip
        return self._filling

    def infill(self, request: Infill, begin: Begin, emit: Emit) -> Steps:
        """Fill a hole, greedily."""
        return self.filling.infill(request, begin, emit)

    def chat(self, request: Chat, begin: Begin, emit: Emit) -> Steps:
        """Answer a conversation."""
        if self._talk is None:
            self._talk = Talk(self.model, threads=self._threads, gauge=self._gauge, abort=self._abort)
        return self._talk.answer(request, request.window or self._n_ctx, begin, emit)

    def count(self, texts: Sequence[str]) -> tuple[int, ...]:
        """How many tokens each text is."""
        return tuple(len(self.model.tokenize(text)) for text in texts)

    def forget(self) -> None:
        """Empty every cache, after a native error left the cells in doubt."""
        for side in (self._filling, self._talk):
            if side:
                side.forget()

    def close(self) -> None:
        """Free everything native."""
        for side in (self._filling, self._talk):
            if side:
                side.close()
        self.model.close()


class Filling:
    """The side of a model that fills holes.

    It has two caches: the *far* one holds the whole prompt, the *near* one a short piece of it that even a slow
    machine evaluates in a moment. A request uses the near one while the far one is not ready for it.
    """

    def __init__(
        self,
        model: Model,
        *,
        fim: tuple[int, int, int] | None,
        n_ctx: int,
        threads: int,
        gauge: ThreadGauge,
        abort: AbortFlag,
    ) -> None:
        self.model = model
        self.n_ctx = n_ctx
        self._gauge = gauge
        self._layout = Layout(model, fim)
        self._context = Context(model, n_ctx=n_ctx + NEAR_TOKENS + LONGEST, n_seq=3, threads=threads, abort=abort)
        self._far = PromptCache(self._context, seq=0, scratch=SCRATCH, size=n_ctx)
        self._near = PromptCache(self._context, seq=1, scratch=SCRATCH, size=NEAR_TOKENS)
        self._shelf = Shelf(self._context, self._far)
        self._luck = Luck()
        self._searched: tuple[tuple[int, Laid], Lines, Writing] | None = None
        """The last search: its sequence and prompt, and how its greedy line was written."""
        self._warm_up()

    def _warm_up(self) -> None:
        """Touch every weight once, so that the first request does not wait for the disk, and measure the speed."""
        context = self._context
        tokens = self.model.tokenize("x = 1\n" * MEASURABLE)[:MEASURABLE]
        for _ in range(2):
            context.decode(tokens, at=0, seq=0)
            context.clear()

    def forget(self) -> None:
        """Empty every cache."""
        self._context.clear()
        self._far.forget_all(cleared=True)
        self._near.forget_all(cleared=True)
        self._shelf.clear()
        self._searched = None

    def close(self) -> None:
        """Free the context."""
        self._context.close()

    def infill(self, request: Infill, begin: Begin, emit: Emit) -> Steps:
        """Fill a hole: greedily, or with `search` by the likeliest first line, and greedily from there. With `further`
        only look for other lines.
        """
        clock, context = Clock(), self._context
        before = context.evaluated
        context.use_threads(self._gauge.read())
        parts, near = self._layout.far(request, self.n_ctx), False
        cache = self._far
        self._shelf.turn_to(request.document, parts.prompt)
        if self._too_slow(parts.prompt, request):
            close = self._layout.near(request, NEAR_TOKENS)
            if request.prefill:
                yield from self._near.hold(close.prompt, idle=request.thorough)
                if request.near_only:
                    return clock.stats("end", prompt=len(close), evaluated=context.evaluated - before)
                context.use_threads(max(1, self._gauge.read() - 1))  # the long rest leaves a core to the user
            elif self._near.missing(close.prompt) < self._far.missing(parts.prompt):
                parts, cache, near = close, self._near, True
        end = yield from cache.hold(parts.prompt, idle=request.thorough)
        if request.prefill:
            return clock.stats("end", prompt=len(parts), evaluated=context.evaluated - before)
        try:
            rows = yield from context.evaluate(parts.middle, at=end, seq=cache.seq, logits=1)
            clock.first()
            logits = unindented(rows[-1], self.model.piece) if request.indented else rows[-1]
            cost = {"prompt": len(parts), "evaluated": context.evaluated - before, "near": near}
            tell = partial(clock.stats, **cost)
            return (
                yield from self._answer(request, parts, cache.seq, end + len(parts.middle), logits, tell, begin, emit)
            )
        finally:
            context.remove(SCRATCH, -1, -1)
            cache.forget_answer()

    def _answer(
        self, request: Infill, parts: Laid, seq: int, at: int, logits: Logits, tell: Tell, begin: Begin, emit: Emit
    ) -> Steps:
        """Say what comes at position `at` of the sequence, of which these are the logits; `tell` makes the stats."""

        def said(text: str) -> None:
            emit(text, writing.mean_logprob)

        limit = answer_limit(request, NEAR_TOKENS if seq == self._near.seq else self.n_ctx)
        answer = Answer(self.model, said, stop=request.stop, max_tokens=limit)
        writing = Writing(self._context, seq, answer.take, self._guided(request), self._drafter(request, parts))
        goes_on = True
        if request.search and not request.rank:
            lines, first = yield from self._lines(
                request, parts, seq, at, logits, limit, partial(_foretell, tell, begin)
            )
            spent = lines.spent
            best = yield from lines.best(request.search, SLACK if request.further else 0.0)
            tell = partial(tell, lines=tuple(line.told() for line in best), searched=lines.spent - spent)
            if request.further:
                return tell("end")
            begin(tell("end"))
            writing.begin(best[0].whole, best[0].logprob, after=first)
            goes_on = all(map(answer.take, best[0].whole))
            if goes_on:
                logits = yield from lines.resume(best[0])
                at += len(best[0].whole)
        else:
            begin(tell("end"))
        if goes_on:
            yield from writing.go_on(logits, at=at, rank=request.rank)
        return tell(
            answer.finish, generated=answer.count, drafted=writing.drafted, accepted=writing.accepted,
            guided=writing.guided, logprob=writing.mean_logprob,
        )  # fmt: skip

    def _lines(
        self,
        request: Infill,
        parts: Laid,
        seq: int,
        at: int,
        logits: Logits,
        limit: int,
        foretell: Callable[[Line], None],
    ) -> Generator[None, None, tuple[Lines, Writing]]:
        """The search for lines with the greedy one known, and how that was written: the last search, or a new one.

        `foretell` is told the greedy line as it grows.
        """
        if request.further and self._searched and self._searched[0] == (seq, parts):
            _, lines, first = self._searched
            lines.forget_cells()
        else:
            lines = Lines(self._context, partial(self._guided, request), seq=seq, beside=SCRATCH, at=at, longest=limit)

            def take(token: int) -> bool:
                goes_on = lines.take(token)
                foretell(lines.greedy)
                return goes_on

            first = Writing(self._context, seq, take, lines.guide, self._drafter(request, parts), lines.watch)
            yield from first.go_on(logits, at=at)
            self._searched = (seq, parts), lines, first
        return lines, first

    def _guided(self, request: Infill) -> Guided | None:
        """The guide of an answer that begins."""
        return Guided(request.guide, request.prefix, request.suffix, self.model.piece) if request.guide else None

    def _drafter(self, request: Infill, parts: Laid) -> Drafter | None:
        return Drafter(parts.reading, self._context.costs, self._luck) if request.draft else None

    def _too_slow(self, prompt: Prompt, request: Infill) -> bool:
        """Whether the whole prompt would take longer than the request allows."""
        if not request.prompt_ms or not request.near_prefix:
            return False
        # What is held may be this text behind pieces of the project: without them it must not be moved for nothing.
        missing = len(prompt) if request.near_only else self._far.missing(prompt)
        return missing > max(self._context.tokens_per_s * request.prompt_ms / 1000, SMALL)


def _foretell(tell: Tell, begin: Begin, line: Line) -> None:
    """The answer will probably begin with this."""
    begin(tell("end", lines=(line.told(),)))
