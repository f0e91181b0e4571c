"""Several answers to one question, each checked, until one is good: for who can check better than a model can write.

Owns the order and the bounds: makers one after the other, each told what became of all before; checks from the cheap to
the dear; nothing twice. It knows neither models nor files nor whoever asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Candidate", "Check", "Choice", "Make", "Tried", "Verdict", "choose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One answer: the code, and who made it."""

    code: str
    maker: str
    said: str = ""
    """What was said with it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check says. `reason` is a sentence for a person and for the next attempt, `detail` is the rest of it."""

    ok: bool
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate, and the first verdict that was not good, else the last one."""

    candidate: Candidate
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Choice:
    """The first candidate that passed every check, None if none did, and all that were tried."""

    best: Candidate | None
    tried: tuple[Tried, ...]


Make: TypeAlias = Callable[[Sequence[Tried]], AsyncGenerator[Candidate]]
"""Makes candidates; the sequence grows while it works."""
Check: TypeAlias = Callable[[Candidate], Awaitable[Verdict]]


async def choose(
    makers: Iterable[Make],
    checks: Sequence[Check],
    *,
    most: int,
    key: Callable[[str], str] = str.strip,
    known: Iterable[str] = (),
    tell: Callable[[Tried], None] = lambda _: None,
) -> Choice:
    """Ask the makers in their order until a candidate passes all checks, or `most` came as far as the last, dear check.

    Codes with the same `key` are one candidate; those of `known` are none. `tell` hears of each that was checked.
    Raises what makers and checks raise.
    """
    seen, tried, dear = {key(code) for code in known}, list[Tried](), 0
    for make in makers:
        async with contextlib.aclosing(make(tried)) as made:
            async for candidate in made:
                if key(candidate.code) in seen:
                    continue
                seen.add(key(candidate.code))
                verdict, passed = await _checked(candidate, checks)
                dear += passed + 1 >= len(checks)
                tried.append(Tried(candidate, verdict))
                tell(tried[-1])
                if verdict.ok:
                    return Choice(candidate, tuple(tried))
                if dear >= most:
                    return Choice(None, tuple(tried))
    return Choice(None, tuple(tried))


async def _checked(candidate: Candidate, checks: Sequence[Check]) -> tuple[Verdict, int]:
    """The first verdict that is not good, else the last one, and how many checks were passed."""
    verdict = Verdict(ok=True)
    for passed, check in enumerate(checks):
        verdict = await check(candidate)
        if not verdict.ok:
            return verdict, passed
    return verdict, len(checks)
