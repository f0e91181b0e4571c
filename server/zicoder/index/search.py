"""Hybrid search over one index: words, names and vectors, asked side by side, then ranked as code.

Blocking; the facade calls it in threads. Every look-up sees the store without the files that have unsaved text, and
the unsaved text in their place.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zicoder.index.document import DEFINES
from zicoder.index.query import Query
from zicoder.index.ranking import Candidate, Ranking, is_aside, rank
from zicoder.index.store import Found, Store
from zicoder.index.store_failures import quoted
from zicoder.index.unsaved import Corpus, Unsaved, UnsavedRow

__all__ = ["Better", "Hit", "QueryEmbedder", "Scope", "Searcher"]

log = logging.getLogger("zicoder.index")

DEPTH = 100
"""Candidates taken from each look-up; more cost time and change the first ten hits of hardly any query."""
SAMPLE_ROWS = 2000
CORPUS_S = 1800.0
"""How common words are changes slowly."""


class QueryEmbedder(Protocol):
    """The part of the static embedder that search needs."""

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question, of unit length, or zeros."""
        ...


class Better(Protocol):
    """Vectors of a better model, for as many chunks as have them yet."""

    def similar(self, query: str, hashes: Sequence[str], limit: int) -> Mapping[str, float]:
        """Similarity by text hash: of the nearest chunks, and of those of `hashes` that have a vector.

        Empty when the model is busy or absent.
        """
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to search: everything, or some languages (LSP identifiers), and some paths (glob or folder)."""

    languages: tuple[str, ...] = ()
    path: str = ""

    def predicate(self) -> str | None:
        """As the store understands it, None for everything."""
        parts: list[str] = []
        if self.languages:
            parts.append(f"language IN ({quoted(self.languages)})")
        if self.path:
            parts.append(f"regexp_like(path, {quoted(['^(' + _pattern(self.path) + ')$'])})")
        return " AND ".join(parts) or None

    def holds(self, path: str, language: str) -> bool:
        """The same for one chunk."""
        if self.languages and language not in self.languages:
            return False
        return not self.path or re.fullmatch(_pattern(self.path), path) is not None


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. Lines are zero-based, `end` is the line after the last."""

    path: str
    start: int
    end: int
    language: str
    kind: str
    symbol: str
    qualified: str
    signature: str
    text: str
    score: float
    folded: int = 0
    """Further hits in the same file that were left out."""
    unsaved: bool = False


class Searcher:
    """Search over a store and a session's unsaved documents."""

    def __init__(self, store: Store, embedder: QueryEmbedder, unsaved: Unsaved) -> None:
        self.store = store
        self.ranking = Ranking()
        self.better: Better | None = None
        self._embedder = embedder
        self._unsaved = unsaved
        self._corpus: tuple[Corpus | None, float] = None, 0.0

    def search(self, text: str, k: int = 10, scope: Scope = Scope(), *, ranking: Ranking | None = None) -> list[Hit]:
        """The best `k` chunks for a question, a name or a piece of code. Raises IndexDamaged."""
        query = Query.parse(text)
        if not query or k <= 0:
            return []
        ranking = ranking or self.ranking
        candidates = self.candidates(query, scope, ranking)
        return self._hits(rank(query, candidates, ranking)[:k])

    def candidates(self, query: Query, scope: Scope, ranking: Ranking) -> list[Candidate]:
        """What the look-ups found, each chunk once."""
        where = scope.predicate()
        vector = self._embedder.embed_query(query.text) if ranking.meaning else None
        begun: list[tuple[str, Callable[[], list[Found]]]] = []
        if ranking.lexical:
            begun.append(("lexical", self.store.lexical(query.words, DEPTH, where=where)))
        if query.is_name and ranking.exact:
            defined = [DEFINES + name for name in query.names]
            begun.append(("named", self.store.named(defined, DEPTH, where=where)))
        gathered = _Gathered(self._unsaved.paths)
        if vector is not None and vector.any():
            gathered.add("static", self.store.nearest(vector, DEPTH, where=where))
        for name, found in begun:
            gathered.add(name, found())
        if vector is not None and vector.any():
            gathered.complete(self.store, vector)
        if self.better is not None and ranking.better:
            hashes = [candidate.found.text_hash for candidate in gathered.by_id.values()]
            self._add_better(gathered, self.better.similar(query.text, hashes, DEPTH), where)
        corpus = self._words()
        self._add_unsaved(gathered, query, vector, scope, corpus)
        ideal = corpus.ideal(query.words)
        for candidate in gathered.by_id.values():
            candidate.lexical = min(1.0, candidate.lexical / ideal)
        return list(gathered.by_id.values())

    def similar(self, snippet: str, k: int, *, outside: str = "") -> list[Hit]:
        """Chunks like a piece of code, by names and meaning, none of the file `outside`."""
        return [hit for hit in self.search(snippet, k + 8) if hit.path != outside][:k]

    def definitions(self, names: Sequence[str], limit: int = 20) -> list[Hit]:
        """Where these names are defined, those first that define nothing else."""
        wanted = [DEFINES + name for name in names]
        hits = self._hits(self._lookup(wanted, limit * 3))
        own = set(names)
        return sorted(hits, key=lambda hit: (hit.symbol not in own, is_aside(hit.path), hit.path, hit.start))[:limit]

    def callers(self, symbol: str, limit: int = 50) -> list[Hit]:
        """Chunks that use a name, its own definitions left out."""
        hits = self._hits(self._lookup([symbol], limit * 2))
        using = [hit for hit in hits if hit.symbol != symbol]
        return sorted(using, key=lambda hit: (is_aside(hit.path), hit.path, hit.start))[:limit]

    # --- details

    def _lookup(self, tokens: Sequence[str], limit: int) -> list[Candidate]:
        gathered = _Gathered(self._unsaved.paths)
        gathered.add("named", self.store.named(tokens, limit)())
        wanted = set(tokens)
        for row in self._unsaved.rows():
            if wanted & row.names:
                gathered.put(_candidate(row))
        return list(gathered.by_id.values())

    def _add_better(self, gathered: _Gathered, similar: Mapping[str, float], where: str | None) -> None:
        known = {candidate.found.text_hash for candidate in gathered.by_id.values()}
        missing = [text_hash for text_hash in similar if text_hash not in known]
        if missing:
            predicate = f"text_hash IN ({quoted(missing)})"
            gathered.add("better", self.store.within(f"{predicate} AND {where}" if where else predicate, DEPTH))
        for candidate in gathered.by_id.values():
            candidate.better = similar.get(candidate.found.text_hash)

    def _add_unsaved(
        self, gathered: _Gathered, query: Query, vector: NDArray[np.float32] | None, scope: Scope, corpus: Corpus
    ) -> None:
        rows = [row for row in self._unsaved.rows() if scope.holds(row.path, row.row.language)]
        if not rows:
            return
        for row in rows:
            candidate = _candidate(row)
            candidate.lexical = corpus.bm25(query.words, row.counts)
            candidate.static = float(row.vector @ vector) if vector is not None else None
            gathered.put(candidate)

    def _words(self) -> Corpus:
        """How common words are; looked at again while the index is still small, and once in a while."""
        now = time.monotonic()
        corpus, made = self._corpus
        if corpus is None or now - made > (CORPUS_S if corpus.rows >= SAMPLE_ROWS // 4 else 1.0):
            corpus = Corpus.of(self.store.sample("words", SAMPLE_ROWS))
            self._corpus = corpus, now
        return corpus

    def _hits(self, candidates: Sequence[Candidate]) -> list[Hit]:
        stored = [candidate.found.row for candidate in candidates if candidate.text is None]
        texts = dict(zip(stored, self.store.texts(stored), strict=True))
        return [
            Hit(
                path=c.found.path, start=c.found.start, end=c.found.end, language=c.found.language, kind=c.found.kind,
                symbol=c.found.symbol, qualified=c.found.qualified, signature=c.found.signature,
                text=texts.get(c.found.row, "") if c.text is None else c.text, score=round(c.score, 4),
                folded=c.folded, unsaved=c.text is not None,
            )
            for c in candidates
        ]  # fmt: skip


class _Gathered:
    """The union of look-ups."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self.by_id: dict[str, Candidate] = {}
        self._hidden = hidden

    def add(self, name: str, rows: Iterable[Found]) -> None:
        for found in rows:
            if found.path in self._hidden:
                continue
            candidate = self.by_id.setdefault(found.id, Candidate(found))
            if name == "lexical":
                candidate.lexical = found.score
            elif name == "static":
                candidate.static = found.score

    def put(self, candidate: Candidate) -> None:
        self.by_id[candidate.found.id] = candidate

    def complete(self, store: Store, vector: NDArray[np.float32]) -> None:
        """Similarities of those that only the words or names found."""
        missing = [c for c in self.by_id.values() if c.static is None]
        known = store.similarities(vector, [c.found.row for c in missing])
        for candidate in missing:
            candidate.static = known.get(candidate.found.row)


def _candidate(row: UnsavedRow) -> Candidate:
    r = row.row
    found = Found(
        -1, r.id, row.path, r.language, r.kind, r.symbol, r.qualified, r.signature, r.start, r.end, r.text_hash, 0.0
    )
    return Candidate(found, text=r.text)


def _pattern(path: str) -> str:
    """A folder, a file or a glob as a regular expression that Python's and the store's engine read alike.

    `*` and `?` also match slashes, so that `*.py` finds files in every folder.
    """
    path = path.encode(
        errors="replace"
    ).decode()  # half a surrogate pair is in no stored path, and no engine's business
    path = path.replace("\\", "/").removeprefix("./").strip("/")
    marks = {"*": ".*", "?": "."}
    pattern = "".join(
        marks.get(c) or (c if c.isalnum() or c in "_/" or not c.isascii() else f"\\x{ord(c):02x}") for c in path
    )
    return pattern if marks.keys() & set(path) else f"{pattern}(/.*)?"
