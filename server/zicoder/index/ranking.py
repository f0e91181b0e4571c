"""How hits are ordered: what each look-up said, weighed together, then what code is like. Pure functions.

Every weight here is justified by an ablation in `zi bench search`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from zicoder.index.query import Query
from zicoder.index.store import Found
from zicoder.index.words import words_of

__all__ = ["Candidate", "Ranking", "is_aside", "rank"]

_TESTS = re.compile(
    r"(^|/)(tests?|testing|specs?|__tests__|__mocks__|fixtures|testdata|e2e)(/|$)|(^|/)test_[^/]*$|(_test|\.test|\.spec|_spec|Tests?)\.\w+$"
)
_VENDORED = re.compile(
    r"(^|/)(vendor|vendored|_vendor|third_party|third-party|extern|external|node_modules|bower_components|contrib/bundled)(/|$)"
)
_ASIDE = re.compile(
    r"(^|/)(docs?|examples?|samples?|demos?|benchmarks?|benches|scripts|changelog|locale|migrations)(/|\.|$)",
    re.IGNORECASE,
)
_DEFINITIONS = frozenset({"function", "method", "class", "interface"})


@dataclass(frozen=True, slots=True)
class Ranking:
    """The weights. Zero switches a part off; that is how the bench takes them out one by one."""

    lexical: float = 1.0
    static: float = 0.8
    better: float = 1.2
    exact: float = 1.5
    """A name in the query is the symbol that is defined here."""
    coverage: float = 0.3
    """The share of the symbol's words that the query has."""
    definition: float = 0.15
    """A definition, against a use, prose or data."""
    tests: float = 0.35
    vendored: float = 0.3
    aside: float = 0.1
    fold: bool = True
    """Show one hit for each file, unless others are nearly as good."""
    fold_step: float = 0.85


@dataclass(slots=True)
class Candidate:
    """One chunk that some look-up found, and what each of them said of it."""

    found: Found
    lexical: float = 0.0
    static: float | None = None
    better: float | None = None
    text: str | None = None
    """Known already for unsaved text, else fetched for those that are shown."""
    score: float = 0.0
    folded: int = 0
    """Hits of the same file that are not shown because of this one."""
    reasons: list[str] = field(default_factory=list[str])


def rank(query: Query, candidates: Sequence[Candidate], ranking: Ranking) -> list[Candidate]:
    """Set the scores and sort, best first; fold what belongs together."""
    lexical = max((c.lexical for c in candidates), default=0.0) or 1.0
    static = _scale([c.static for c in candidates])
    better = _scale([c.better for c in candidates])
    query_words = set(query.words)
    names = {name.lower() for name in query.names}
    for candidate in candidates:
        meaning = ranking.static * static(candidate.static)
        if candidate.better is not None and ranking.better:
            meaning = ranking.better * better(candidate.better)
        candidate.score = ranking.lexical * candidate.lexical / lexical + meaning
        candidate.score += _code_sense(candidate, query, query_words, names, ranking)
    ordered = sorted(candidates, key=lambda c: (-c.score, c.found.path, c.found.start))
    return _fold(ordered, ranking) if ranking.fold else ordered


def is_aside(path: str) -> bool:
    """Whether a path is not the code itself: tests, vendored packages, documentation, examples."""
    return any(pattern.search(path) for pattern in (_TESTS, _VENDORED, _ASIDE))


def _scale(values: Sequence[float | None]):  # noqa: ANN202 - a closure over two numbers
    """From one look-up's similarities to 0 .. 1 over this query's candidates; None is 0."""
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    width = high - low or 1.0

    def scaled(value: float | None) -> float:
        return 0.0 if value is None else (value - low) / width

    return scaled


def _code_sense(candidate: Candidate, query: Query, words: set[str], names: set[str], ranking: Ranking) -> float:
    found, bonus = candidate.found, 0.0
    if found.symbol and names and (found.symbol.lower() in names or found.qualified.lower() in names):
        bonus += ranking.exact
        candidate.reasons.append("exact")
    if found.symbol and found.kind in _DEFINITIONS:
        own = set(words_of(found.symbol))
        if own:
            bonus += ranking.coverage * len(own & words) / len(own)
        bonus += ranking.definition
    if _TESTS.search(found.path) and not query.about_tests:
        bonus -= ranking.tests
    if _VENDORED.search(found.path):
        bonus -= ranking.vendored
    if _ASIDE.search(found.path):
        bonus -= ranking.aside
    return bonus


def _fold(ordered: Sequence[Candidate], ranking: Ranking) -> list[Candidate]:
    """Each further hit of a file counts less than the one before, so that ten hits are not one file ten times."""
    seen: dict[str, int] = {}
    first: dict[str, Candidate] = {}
    for candidate in ordered:
        path = candidate.found.path
        times = seen.get(path, 0)
        seen[path] = times + 1
        if times:
            candidate.score *= ranking.fold_step**times if candidate.score > 0 else 1.0
            first[path].folded += 1
        else:
            first[path] = candidate
    return sorted(ordered, key=lambda c: (-c.score, c.found.path, c.found.start))
