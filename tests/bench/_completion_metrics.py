"""How good one suggestion is, and how sure a mean over many is. Pure functions.

Must not use the product's own readers of code: the yardstick may not share its mistakes with what it measures.
"""

from __future__ import annotations

import importlib
import keyword
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import tree_sitter
from numpy.typing import NDArray
from rapidfuzz.distance import Indel
from tree_sitter import Node

__all__ = [
    "Score",
    "difference",
    "errors",
    "first_line",
    "identifier_f1",
    "interval",
    "parse",
    "score",
    "similarity",
    "words_of_code",
]

RESAMPLES = 2000
SEED = 4
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_ECMASCRIPT = (
    "abstract any as async await bigint boolean break case catch class const continue debugger declare default delete "
    "do else enum export extends false finally for from function get if implements import in infer instanceof "
    "interface is keyof let namespace never new null number of private protected public readonly return set static "
    "string super switch symbol this throw true try type typeof undefined unique unknown var void while with yield"
)
_KEYWORDS = {"python": frozenset(keyword.kwlist), "typescript": frozenset(_ECMASCRIPT.split())}


@dataclass(frozen=True, slots=True)
class Score:
    """One answer against what the developer wrote. Similarities and F1 go from 0 to 1."""

    exact: bool
    """The first line is the same but for spaces at its ends."""
    edit: float
    """Indel similarity of the first lines: twice the longest common subsequence / sum of lengths."""
    whole: float
    """The same of all lines, without their indentation."""
    identifiers: float | None
    """F1 of the identifiers of all lines, as multisets; None if the developer wrote none."""
    shown: bool
    valid: bool
    """The file has no more syntax errors with the answer than it had with the hole."""
    clean: bool
    """The file has no more syntax errors with the answer than it had as the developer wrote it."""


def score(answer: str, target: str, *, prefix: str, suffix: str, language: str) -> Score:
    """Judge an answer for the hole between `prefix` and `suffix`."""
    shown = bool(answer.strip())
    after = errors(prefix + answer + suffix, language) if shown else 0
    return Score(
        exact=first_line(answer) == first_line(target),
        edit=similarity(first_line(answer), first_line(target)),
        whole=similarity(_bare(answer), _bare(target)),
        identifiers=identifier_f1(answer, target, language),
        shown=shown,
        valid=not shown or after <= errors(prefix + suffix, language),
        clean=not shown or after <= errors(prefix + target + suffix, language),
    )


def first_line(text: str) -> str:
    """The first line that is not blank, without spaces at its ends."""
    return next((line.strip() for line in text.split("\n") if line.strip()), "")


def similarity(answer: str, target: str) -> float:
    """Normalized Indel similarity; 0 when only one of the two is empty."""
    return Indel.normalized_similarity(answer, target)


def _bare(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n") if line.strip())


def identifier_f1(answer: str, target: str, language: str) -> float | None:
    """Harmonic mean of precision and recall over the identifiers, keywords left out; each counts as often as it stands.

    None when the target has no identifier.
    """
    wanted, got = (_identifiers(text, language) for text in (target, answer))
    if not wanted:
        return None
    return 2 * (wanted & got).total() / (wanted.total() + got.total())


def words_of_code(text: str, language: str) -> frozenset[str]:
    """Every identifier in a text, whatever it stands in; keywords are none."""
    return frozenset(_identifiers(text, language))


def _identifiers(text: str, language: str) -> Counter[str]:
    return Counter(word for word in _WORD.findall(text) if word not in _KEYWORDS[language])


def parse(text: str, language: str) -> Node:
    """The root of the syntax tree."""
    return tree_sitter.Parser(_grammar(language)).parse(text.encode("utf-8", "replace")).root_node


@cache
def _grammar(language: str) -> tree_sitter.Language:
    module = importlib.import_module(f"tree_sitter_{language}")
    return tree_sitter.Language(getattr(module, "language_typescript" if language == "typescript" else "language")())


@cache
def errors(text: str, language: str) -> int:
    """Places where the text is not in the grammar: what the parser had to skip, and what it had to make up."""
    stack, found = [parse(text, language)], 0
    while stack:
        node = stack.pop()
        found += node.is_error or node.is_missing
        if node.has_error:
            stack += node.children
    return found


def interval(values: Sequence[float], groups: Sequence[str] = ()) -> tuple[float, float]:
    """95 % bootstrap interval of the mean (percentile method, Efron 1979), with a fixed seed.

    Values that have something in common, as those of one file have, are named by `groups` and drawn together: a cluster
    bootstrap, since each of them alone says less than one from elsewhere.
    """
    low, high = np.percentile(_means(np.asarray(values, dtype=float), groups), [2.5, 97.5])
    return float(low), float(high)


def difference(
    values: Sequence[float], others: Sequence[float], groups: Sequence[str] = ()
) -> tuple[float, float, float]:
    """Mean of the paired differences values - others, and its 95 % bootstrap interval."""
    pairs = np.asarray(values, dtype=float) - np.asarray(others, dtype=float)
    return (float(pairs.mean()), *interval(pairs.tolist(), groups))


def _means(values: NDArray[np.float64], groups: Sequence[str]) -> NDArray[np.float64]:
    _, group = np.unique(groups, return_inverse=True) if groups else (None, np.arange(len(values)))
    sums, sizes = np.bincount(group, values), np.bincount(group)
    draws = np.random.default_rng(SEED).integers(0, len(sizes), size=(RESAMPLES, len(sizes)))
    return sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
