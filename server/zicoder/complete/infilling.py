"""One answer of the model for a hole, stopped where the statement or block is complete.

An answer that uses a name which nothing defines is taken up once more at that name, limited to names that are known.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace

from zicoder.complete.hole import Hole
from zicoder.complete.names import unknown_names
from zicoder.complete.scope import EndOfScope
from zicoder.complete.trace import Trace
from zicoder.models.protocols import Guide, InfillModel, InfillRequest, InfillStats
from zicoder.settings import CompletionSettings

__all__ = ["infill"]

KNOWN = 2000
"""Names that a second try may choose from."""

_NAME = re.compile(r"[^\W\d]\w*")


async def infill(
    model: InfillModel,
    request: InfillRequest,
    hole: Hole,
    settings: CompletionSettings,
    trace: Trace,
    *,
    heard: Callable[[str], None],
    patience_s: float,
) -> None:
    """Ask the model; `heard` is told the whole answer so far, each time it grows.

    Raises TimeoutError, ZiError. What it cost and said goes into the trace.
    """
    async with asyncio.timeout(patience_s):
        said = await _answer(model, request, EndOfScope(hole, max_lines=settings.max_lines), trace, heard)
        if hole.language != "python" or not settings.on("check"):
            return
        again = _second_try(request, hole, said)
        if again is None:
            return
        kept, limited = again
        scope = EndOfScope(hole, max_lines=settings.max_lines)
        scope.feed(kept)
        trace.raw = kept
        await _answer(model, limited, scope, trace, heard)


async def _answer(
    model: InfillModel, request: InfillRequest, scope: EndOfScope, trace: Trace, heard: Callable[[str], None]
) -> str:
    stream, before = model.infill(request), trace.stats
    done = False
    try:
        async for piece in stream:
            trace.raw += piece
            done = scope.feed(piece)
            heard(scope.text)
            if done:
                break
    finally:
        await stream.aclose()
        stats = replace(stream.stats, finish="stop") if done else stream.stats
        trace.stats = _both(before, stats)
    return scope.text


def _both(first: InfillStats | None, second: InfillStats) -> InfillStats:
    """The cost of two answers that made one suggestion."""
    if first is None:
        return second
    return replace(
        first,
        evaluated_tokens=first.evaluated_tokens + second.evaluated_tokens,
        generated_tokens=first.generated_tokens + second.generated_tokens,
        total_ms=first.total_ms + second.total_ms,
        logprob=second.logprob,
        finish=second.finish,
    )


def _second_try(request: InfillRequest, hole: Hole, said: str) -> tuple[str, InfillRequest] | None:
    """What to keep of an answer whose name nothing defines, and the request that goes on from there; None if none.

    Only for the first line: what comes after it is cut if it is wrong.
    """
    unknown = unknown_names(hole, said)
    if not unknown or unknown[0][0] <= 0 or "\n" in said[: unknown[0][0]]:
        return None
    at, name = unknown[0]
    names = {match[0] for match in _NAME.finditer(f"{request.prefix}\n{request.suffix}")} - {name}
    guide = Guide(
        here=tuple(sorted(names)[:KNOWN]),
        members=request.guide.members if request.guide else {},
        arguments=request.guide.arguments if request.guide else {},
    )
    kept = said[:at]
    return kept, replace(
        request,
        prefix=request.prefix + kept,
        near_prefix=request.near_prefix and request.near_prefix + at,
        guide=guide,
        rank=0,
    )
