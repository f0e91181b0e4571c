"""How hits are ordered: what each look-up said, weighed together, then what code is like. Pure functions.

Every weight here is justified by an ablation in `zi bench search`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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

FILE_HITS = 6
"""Hits of one file before those of others come first."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The weights. Zero switches a part off; that is how the bench takes them out one by one."""

    lexical: float = 0.4
    name_lexical: float = 1.5
    """The same where the query is nothing but names: who looks for a name wants where it stands, whatever it means."""
    meaning: float = 1.0
    better: float = 0.5
    """The better embedder's part of the meaning, for chunks that have its vector. Neither is best alone."""
    exact: float = 1.5
    """The query is a name, and it is the symbol that is defined here. In a question, names promise nothing."""
    coverage: float = 0.1
    """The share of the symbol's words that the question has."""
    name_coverage: float = 0.5
    """The same where the query is nothing but names."""
    definition: float = 0.25
    """A definition, against a use, prose or data."""
    tests: float = 0.5
    vendored: float = 0.5
    aside: float = 0.3
    fold: bool = True
    """Show one hit for the parts of one definition, and no more than a few for one file."""


@dataclass(slots=True)
class Candidate:
    """One chunk that some look-up found, and what each of them said of it."""

    found: Found
    lexical: float = 0.0
    """0 .. 1: how much of the query's weight in rare words it explains, by BM25."""
    static: float | None = None
    better: float | None = None
    text: str | None = None
    """Known already for unsaved text, else fetched for those that are shown."""
    score: float = 0.0
    folded: int = 0
    """Hits that are not shown, or further down, because of this one."""


def rank(query: Query, candidates: Sequence[Candidate], ranking: Ranking) -> list[Candidate]:
    """Set the scores and sort, best first; fold what belongs together."""
    static = _scale([c.static for c in candidates])
    better = _scale([c.better for c in candidates])
    wanted = _Wanted.of(query, ranking)
    lexical = ranking.name_lexical if query.is_name and ranking.lexical else ranking.lexical
    for candidate in candidates:
        meaning = static(candidate.static)
        if candidate.better is not None and ranking.better:
            meaning += ranking.better * (better(candidate.better) - meaning)
        candidate.score = lexical * candidate.lexical + ranking.meaning * meaning
        candidate.score += _code_sense(candidate, wanted, ranking)
    ordered = sorted(candidates, key=lambda c: (-c.score, c.found.path, c.found.start))
    return _fold(ordered) if ranking.fold else ordered


def is_aside(path: str) -> bool:
    """Whether a path is not the code itself: tests, vendored packages, documentation, examples."""
    return any(_kind_of_path(path))


def _scale(values: Sequence[float | None]):  # noqa: ANN202 - a closure over two numbers
    """From one look-up's similarities to 0 .. 1 over this query's candidates; None is 0."""
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    width = high - low or 1.0

    def scaled(value: float | None) -> float:
        return 0.0 if value is None else (value - low) / width

    return scaled


@dataclass(frozen=True, slots=True)
class _Wanted:
    words: frozenset[str]
    names: frozenset[str]
    tests: bool
    exact: float
    coverage: float

    @classmethod
    def of(cls, query: Query, ranking: Ranking) -> _Wanted:
        coverage = ranking.name_coverage if query.is_name and ranking.coverage else ranking.coverage
        names = frozenset(name.lower() for name in query.names if query.is_name)
        return cls(frozenset(query.words), names, query.about_tests, ranking.exact, coverage)


def _code_sense(candidate: Candidate, wanted: _Wanted, ranking: Ranking) -> float:
    """What is known of code in general, and of this symbol and path."""
    found, bonus = candidate.found, 0.0
    if found.symbol and not wanted.names.isdisjoint((found.symbol.lower(), found.qualified.lower())):
        bonus += wanted.exact
    if found.symbol and found.kind in _DEFINITIONS:
        own = _words_of_symbol(found.symbol)
        if own:
            bonus += wanted.coverage * len(own & wanted.words) / len(own)
        bonus += ranking.definition
    tests, vendored, aside = _kind_of_path(found.path)
    if tests and not wanted.tests:
        bonus -= ranking.tests
    return bonus - vendored * ranking.vendored - aside * ranking.aside


@lru_cache(maxsize=1 << 14)
def _kind_of_path(path: str) -> tuple[bool, bool, bool]:
    """Whether a path belongs to tests, to a vendored package, to documentation and the like."""
    return _TESTS.search(path) is not None, _VENDORED.search(path) is not None, _ASIDE.search(path) is not None


@lru_cache(maxsize=1 << 14)
def _words_of_symbol(symbol: str) -> frozenset[str]:
    return frozenset(words_of(symbol))


def _fold(ordered: Sequence[Candidate]) -> list[Candidate]:
    """The best part of each definition stands for all of it; of one file the best few come first."""
    shown: list[Candidate] = []
    later: list[Candidate] = []
    parts: dict[tuple[str, str], Candidate] = {}
    files: dict[str, list[Candidate]] = {}
    for candidate in ordered:
        found = candidate.found
        same = parts.setdefault((found.path, found.qualified), candidate) if found.qualified else candidate
        if same is not candidate:
            same.folded += 1
            continue
        of_file = files.setdefault(found.path, [])
        of_file.append(candidate)
        if len(of_file) > FILE_HITS:
            of_file[0].folded += 1
            later.append(candidate)
        else:
            shown.append(candidate)
    return shown + later
