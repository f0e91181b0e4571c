"""The queries of the quality benchmark, and the hand-written ones: one TOML file a package, beside this.

Owns the form of a question file and how an answer (`path#symbol`) becomes lines. The questions were written before any
index had answered them; one that the index fails is corrected if its answer is wrong, and for no other reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tests.bench._definitions import Definition, definitions, language_of
from tests.bench.corpora import source

__all__ = ["FILES", "WORDINGS", "Query", "Target", "entries", "faults", "packages", "questions"]

FILES = tuple(sorted(Path(__file__).parent.glob("*.toml")))

WORDINGS = ("far", "half", "near", "name")
"""How much of its vocabulary a question shares with the code: hardly any, some, most; or it is (part of) a name."""


@dataclass(frozen=True)
class Target:
    """A right answer."""

    path: str
    """Relative to the package's folder, with forward slashes."""
    start: int
    """Zero-based first line."""
    end: int
    """Zero-based line after the last one."""
    symbol: str
    """Enclosing scopes and name, joined by dots."""


@dataclass(frozen=True)
class Query:
    text: str
    package: str
    targets: tuple[Target, ...]
    """Any one of them answers the query."""
    kind: Literal["docstring", "question"]
    wording: str = ""
    """Of a question, one of WORDINGS."""


def packages() -> tuple[str, ...]:
    """The packages that have questions."""
    return tuple(str(_load(path)["package"]) for path in FILES)


def entries(path: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(text, wording, answers) of one file as they stand there. Needs no sources."""
    for row in _load(path)["question"]:
        yield row["text"], row["wording"], tuple(row["answers"])


def questions(package: str) -> list[Query]:
    """The questions of a package, in the order of its file; [] if it has none.

    Fetches the package if need be. Raises LookupError if an answer is not in the sources.
    """
    found: list[Query] = []
    for path in FILES:
        if _load(path)["package"] != package:
            continue
        for text, wording, answers in entries(path):
            targets = tuple(target for answer in answers for target in _targets(package, answer))
            found.append(Query(text, package, targets, "question", wording))
    return found


def faults() -> list[str]:
    """A line for each answer that does not exist in the sources."""
    wrong: list[str] = []
    for path in FILES:
        package = _load(path)["package"]
        for _, _, answers in entries(path):
            for answer in answers:
                try:
                    _targets(package, answer)
                except LookupError as error:
                    wrong.append(f"{path.name}: {error}")
    return wrong


def _targets(package: str, answer: str) -> list[Target]:
    """The lines of one answer: `path#symbol`, or `path#symbol text` for the one among several that has the text.

    Several targets where a name is defined more than once, as overloads and setters are.
    """
    path, _, name = answer.partition("#")
    symbol, _, text = name.partition(" ")
    lines = _lines(package, path)
    found = [
        entry
        for entry in _defined(package, path)
        if entry.symbol == symbol and text in "\n".join(lines[entry.start : entry.end])
    ]
    if len(found) > 1:  # of overloads, what they declare is no answer
        found = [entry for entry in found if not lines[entry.end - 1].endswith("...")] or found
    if not found:
        raise LookupError(f"{package} defines no {symbol} in {path}")
    return [Target(path, entry.start, entry.end, symbol) for entry in found]


@cache
def _defined(package: str, path: str) -> list[Definition]:
    language = language_of(path)
    if language is None:
        raise LookupError(f"{path} is in no language that is known here")
    return definitions("\n".join(_lines(package, path)).encode(), language)


@cache
def _lines(package: str, path: str) -> list[str]:
    file = source(package) / path
    if not file.is_file():
        raise LookupError(f"{package} has no source file {path}")
    return file.read_text(encoding="utf-8", errors="replace").split("\n")


@cache
def _load(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
