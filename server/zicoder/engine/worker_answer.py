"""What every answer needs, whatever it answers: its text as it grows, its end, its cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import Literal, TypeAlias

from zicoder.engine.protocol import Stats
from zicoder.engine.worker_llama import Model, PieceDecoder

__all__ = ["Answer", "Begin", "Clock", "Emit", "Finish", "Steps"]

TAIL = 64

Emit: TypeAlias = Callable[[str, float], None]
"""A piece of text, and the mean logprob of the answer's tokens so far (0 where it is not known)."""
Begin: TypeAlias = Callable[[Stats], None]
Finish: TypeAlias = Literal["end", "stop", "length", "cancelled"]
Steps: TypeAlias = Generator[None, None, Stats]


class Clock:
    """Milliseconds since the request was taken up."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._first = 0.0

    def first(self) -> None:
        """The prompt is evaluated."""
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
        searched: int = 0,
        lines: tuple[tuple[str, float, int], ...] = (),
    ) -> Stats:
        """What it cost until now."""
        return Stats(
            near=near,
            drafted_tokens=drafted,
            accepted_tokens=accepted,
            guided_tokens=guided,
            logprob=logprob,
            searched_tokens=searched,
            lines=lines,
            prompt_tokens=prompt,
            evaluated_tokens=evaluated,
            generated_tokens=generated,
            first_token_ms=self._first,
            total_ms=(time.perf_counter() - self._start) * 1000,
            finish=finish,
        )


class Answer:
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
        self._tail = ""

    def ends_with(self, text: str) -> bool:
        """Whether the text so far ends so; for at most TAIL characters."""
        return self._tail.endswith(text)

    def take(self, token: int) -> bool:
        """Add a token; False when the answer is complete."""
        if self._model.ends(token):
            return self._close("end")
        self.count += 1
        self.last = token
        new = self._decoder.feed(self._model.piece(token))
        self._tail = (self._tail + new)[-TAIL:]
        self._held += new
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
