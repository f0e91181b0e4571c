"""One answer of the model for a hole, stopped where the statement or block is complete.

Where its first line cannot be right here, the likeliest other line that can takes its place. Without one, an answer
that uses a name which nothing defines is taken up once more at that name, limited to names that are known.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from zicoder.complete.choosing import Found, Judge
from zicoder.complete.hole import Hole
from zicoder.complete.names import unknown_names
from zicoder.complete.scope import EndOfScope
from zicoder.complete.trace import Trace
from zicoder.models.protocols import Guide, InfillModel, InfillRequest, InfillStats
from zicoder.settings import CompletionSettings
from zicoder.text import LINE_END

__all__ = ["NO_TIME", "infill"]

OTHER_LINE = "the likeliest line cannot be right here, so another one was taken"
DEFINES = "the code below waits for `{}`, so a line that defines it was asked for"
KNOWN_NAMES = "nothing defines a name, so it was written again with known ones"
NO_TIME = "There was no time to write more lines."
KNOWN = 2000
"""Names that a second try may choose from."""

FURTHER = 8
"""Tokens that may be spent to find another line than one that cannot be right: on the packages for tuning 16 found no
more, 4 fewer."""

_NAME = re.compile(r"[^\W\d]\w*")


async def infill(
    model: InfillModel,
    request: InfillRequest,
    hole: Hole,
    settings: CompletionSettings,
    trace: Trace,
    *,
    heard: Callable[[str], None],
    expected: Callable[[str], None],
    patience_s: float,
) -> str:
    """Ask the model; `heard` is told the whole answer so far, each time it grows or becomes another, and before that
    `expected` what it will probably begin with.

    Returns what was special, "" for nothing. Raises TimeoutError, ZiError. What it cost and said goes into the trace.
    """
    place = _Place(model, hole, settings, trace)
    first: tuple[str, InfillStats | None] | None = None
    so_far = ""

    def hear(text: str) -> None:
        nonlocal so_far
        so_far = text
        heard(text)

    try:
        async with asyncio.timeout(patience_s):
            said = await place.ask(request, hear, expected=expected)
            first = trace.raw, trace.stats
            text, note = await place.second_look(request, said) if settings.on("check") else (said, "")
    except TimeoutError:
        if first is not None and so_far.strip():
            trace.raw, trace.stats = first  # there was no time for better
            return ""
        lines = _whole_lines(so_far) if hole.multiline and first is None else ""
        if not lines.strip():
            raise
        heard(lines)
        return NO_TIME
    if note:
        heard(text)
    return note


def _whole_lines(text: str) -> str:
    """The text without its last line, which was still being written."""
    ends = [match.start() for match in LINE_END.finditer(text)]
    return text[: ends[-1]] if ends else ""


def _deaf(text: str) -> None:
    """Nobody may hear what may yet be dropped."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What does not change from one request for a hole to the next."""

    model: InfillModel
    hole: Hole
    settings: CompletionSettings
    trace: Trace

    async def ask(
        self,
        request: InfillRequest,
        heard: Callable[[str], None],
        kept: str = "",
        *,
        expected: Callable[[str], None] = _deaf,
    ) -> str:
        """The answer as far as its scope goes, behind the beginning `kept`; `heard` is told as it grows."""
        scope = self._scope(kept)
        self.trace.raw = kept
        stream, before = self.model.infill(request), self.trace.stats
        done = False
        try:
            async for piece in stream:
                if not piece and stream.stats.lines:
                    expected(stream.stats.lines[0][0])
                    continue
                self.trace.raw += piece
                done = scope.feed(piece)
                heard(scope.text)
                if done:
                    break
        finally:
            await stream.aclose()
            stats = replace(stream.stats, finish="stop") if done else stream.stats
            self.trace.stats = _both(before, stats)
        return scope.text

    async def second_look(self, request: InfillRequest, said: str) -> tuple[str, str]:
        """What to take in the place of what was said, and why; "" for why where that stands."""
        judge = Judge(self.hole)
        if request.search and said.strip() and await asyncio.to_thread(judge.flaw, said):
            stats = await self._further(request)
            line, wanted = await asyncio.to_thread(_judged, judge, said, stats.lines)
            raw = self.trace.raw
            if wanted:
                text = await self._go_on(request, f"{wanted} = ")
                if not await asyncio.to_thread(judge.flaw, text):
                    return text, DEFINES.format(wanted)
                self.trace.raw, self.trace.stats = raw, stats
            if line is not None:
                text, logprob, tokens = line
                if self.hole.multiline:
                    return await self._go_on(request, text), OTHER_LINE
                self.trace.raw, self.trace.stats = text, replace(stats, logprob=logprob / max(1, tokens))
                return self._scope(text).text, OTHER_LINE
        if self.hole.language == "python" and (again := _known_names(request, self.hole, said)) is not None:
            kept, limited = again
            return await self.ask(limited, _deaf, kept), KNOWN_NAMES
        return said, ""

    def _scope(self, begun: str) -> EndOfScope:
        """The scope of an answer that begins so."""
        scope = EndOfScope(self.hole, max_lines=self.settings.max_lines)
        scope.feed(begun)
        return scope

    async def _further(self, request: InfillRequest) -> InfillStats:
        """What the answer has cost, with what else the model finds likely behind its line."""
        said = self.trace.stats or InfillStats()
        if not said.lines:
            return said  # a model that cannot tell
        stream = self.model.infill(replace(request, search=FURTHER, further=True))
        try:
            async for _ in stream:
                pass
        finally:
            await stream.aclose()
        more, first = stream.stats, said.lines[0]
        self.trace.stats = replace(
            said,
            evaluated_tokens=said.evaluated_tokens + more.evaluated_tokens,
            searched_tokens=said.searched_tokens + more.searched_tokens,
            total_ms=said.total_ms + more.total_ms,
            lines=(first, *(line for line in more.lines if line[0] != first[0])),
        )
        return self.trace.stats

    async def _go_on(self, request: InfillRequest, kept: str) -> str:
        return await self.ask(_behind(request, kept), _deaf, kept)


def _judged(judge: Judge, said: str, lines: Sequence[Found]) -> tuple[Found | None, str]:
    """The better line, and the name that the code below waits for in vain, "" for none."""
    line = judge.better(said, lines)
    text = line[0] if line else said
    return line, judge.missing[0] if text.strip() and judge.misses(text) else ""


def _both(first: InfillStats | None, second: InfillStats) -> InfillStats:
    """The cost of two answers that made one suggestion."""
    if first is None:
        return second
    return replace(
        first,
        evaluated_tokens=first.evaluated_tokens + second.evaluated_tokens,
        generated_tokens=first.generated_tokens + second.generated_tokens,
        total_ms=first.total_ms + second.total_ms,
        searched_tokens=first.searched_tokens + second.searched_tokens,
        logprob=second.logprob,
        finish=second.finish,
    )


def _known_names(request: InfillRequest, hole: Hole, said: str) -> tuple[str, InfillRequest] | None:
    """What to keep of an answer whose name nothing defines, and the request that goes on from there; None if none.

    Only for the first line: what comes after it is cut if it is wrong.
    """
    unknown = unknown_names(hole, said)
    if not unknown or unknown[0][0] <= 0 or "\n" in said[: unknown[0][0]]:
        return None
    at, name = unknown[0]
    names = {match[0] for match in _NAME.finditer(f"{request.prefix}\n{request.suffix}")} - {name}
    kept = said[:at]
    behind = _behind(request, kept)
    guide = replace(behind.guide or Guide(), here=tuple(sorted(names)[:KNOWN]))
    return kept, replace(behind, guide=guide, search=0)


def _behind(request: InfillRequest, kept: str) -> InfillRequest:
    """The request that goes on behind the beginning of an answer."""
    guide = request.guide
    return replace(
        request,
        prefix=request.prefix + kept,
        near_prefix=request.near_prefix and request.near_prefix + len(kept),
        guide=Guide(members=guide.members, arguments=guide.arguments) if guide else None,
        indented=False,
        rank=0,
    )
