"""What stands around the cursor: the lines, the names in scope, and what is imported. The question to every source.

Text only: it must work in any language and on code that does not parse. Everything it looks at is bounded, so that a
file of one endless line, or of ten thousand names, costs no more than another.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from zicoder.index.words import IDENTIFIER
from zicoder.text import Snapshot

__all__ = ["LONGEST_LINE", "Place", "distinct_lines", "identifiers"]

BEFORE, AFTER = 15, 6
"""Lines around the cursor that say what is being written."""
AROUND = 60
"""Lines on both sides of the cursor that context should not repeat."""
LONGEST_LINE = 400
"""Characters of a line that count: a minified file must not flood anything."""
MOST_NAMES = 40
SCOPE_LINES = 1000
"""How far up the function and the class around the cursor are looked for."""
SCOPE_WEIGHT = 0.35
"""Of the names in their heads: like those of a line seven lines away."""
HEAD_CHARS = 20_000
"""Imports further down are rare, and the names they bring stand around the cursor, too."""

_COMMON = frozenset(
    (  # noqa: SIM905 - a list of a hundred quoted words is no better to read
        "and as assert async await bool break case catch class const continue def default del delete do dict elif else "
        "enum except export extends extern False final finally float fn for from func function global go if impl "
        "implements import in instanceof int interface is lambda let list match mod module mut namespace new nil None "
        "nonlocal not null object of or override package pass print private protected pub public raise readonly "
        "require return self set static str string struct super switch this throw throws trait True true false try "
        "tuple type typeof typing undefined union unsafe use using val var virtual void volatile when where while with "
        "yield cls len range isinstance any Any Optional Union List Dict exports module annotations __future__"
    ).split()
)
"""Words of the languages, and names of their libraries, that no project needs to explain."""
_PYTHON_FROM = re.compile(r"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^()]{0,4000}\)|[^\n(]*)", re.MULTILINE)
_BRACED = re.compile(
    r"^[ \t]*(?:import|export|const|let|var)\b([^;'\"\n]{0,200}?\{[^{}'\"]{0,4000}\}|[^;'\"\n{]{1,200}?)"
    r"\s*(?:from\s*|=\s*require\s*\(\s*)['\"]([^'\"\n]{1,200})['\"]",
    re.MULTILINE,
)
_DOTTED = re.compile(
    r"^[ \t]*(?:import|use|using)[ \t]+(?:static[ \t]+)?([\w.:*]+(?:\{[^{}]{0,2000}\})?)", re.MULTILINE
)


_COMMENT = re.compile(r"(?:^|(?<=\s))(?://|#(?![\w\[])|/?\*).*$")
_CODE = frozenset("=()[]{}<>;@")
_FEW_WORDS = 4


@dataclass(frozen=True)
class Place:
    """A cursor in a document, and what the sources of context look at."""

    path: str
    """Project-relative with slashes."""
    snapshot: Snapshot
    line: int
    """Zero-based, of the cursor."""
    snippet: str
    """The lines around the cursor."""
    names: tuple[str, ...]
    """Names whose definitions would help, the most telling first: near the cursor, and rare there."""
    imported: dict[str, str]
    """Imported names, and the module each is from, as written."""
    around: frozenset[str]
    """The distinct lines that the prompt shows anyway."""
    documents: tuple[tuple[str, Snapshot], ...] = ()
    """The other open documents that may be shown, with their paths in the project, the most recent first."""

    @classmethod
    def at(cls, snapshot: Snapshot, offset: int, path: str, documents: tuple[tuple[str, Snapshot], ...] = ()) -> Place:
        """Look at a place. Takes a few milliseconds for a large file."""
        lines = snapshot.lines
        cursor = lines.position(offset).line
        first, last = max(0, cursor - AROUND), min(len(lines), cursor + AROUND + 1)
        near = {number: _line(snapshot, number, offset) for number in range(first, last)}
        before = range(max(first, cursor - BEFORE), min(last, cursor + AFTER + 1))
        imported = _imports(snapshot.text[:HEAD_CHARS])
        return cls(
            path=path,
            snapshot=snapshot,
            line=cursor,
            snippet="\n".join(near[number] for number in before),
            names=_names({number: near[number] for number in before}, _scopes(snapshot, cursor), cursor, imported),
            imported=imported,
            around=distinct_lines("\n".join(near.values())),
            documents=documents,
        )

    def is_own(self, path: str) -> bool:
        """Whether a path is that of this document, also on a disk that takes `A` and `a` for one name."""
        return _folded(path) == _folded(self.path)


def distinct_lines(text: str) -> frozenset[str]:
    """The lines of a text that say something, without their indentation: not blank, and more than a bracket."""
    return frozenset(line for raw in text.split("\n") if len(line := raw.strip()) > 3)


def identifiers(text: str) -> set[str]:
    """The names in a text that are not words of a language."""
    return {name for name in IDENTIFIER.findall(text) if len(name) > 1 and name not in _COMMON}


def _line(snapshot: Snapshot, number: int, offset: int) -> str:
    """A line, or what is next to the cursor of one that is too long."""
    start, end = snapshot.lines.start(number), snapshot.lines.content_end(number)
    if end - start > LONGEST_LINE:
        start = max(start, min(offset - LONGEST_LINE // 2, end - LONGEST_LINE))
    return snapshot.text[start : min(end, start + LONGEST_LINE)]


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _is_prose(line: str) -> bool:
    """Whether a line is from a docstring: several words, and nothing that code is made of."""
    return len(line.split()) > _FEW_WORDS and _CODE.isdisjoint(line)


def _scopes(snapshot: Snapshot, cursor: int) -> list[str]:
    """The lines above that open what the cursor is in, by indentation: functions, classes, loops."""
    lines = snapshot.lines
    opened: list[str] = []
    level = -1
    for number in range(cursor, max(-1, cursor - SCOPE_LINES), -1):
        start = lines.start(number)
        line = snapshot.text[start : min(lines.content_end(number), start + LONGEST_LINE)]
        if not (bare := line.lstrip()) or bare[0] in ")]}":
            continue
        indent = len(line) - len(bare)
        if level < 0 or indent < level:
            if level >= 0:
                opened.append(line)
            level = indent
        if level == 0:
            break
    return opened


def _names(near: dict[int, str], scopes: list[str], cursor: int, imported: dict[str, str]) -> tuple[str, ...]:
    """Names near the cursor by nearness, twice that if they are imported, less if they are all over these lines."""
    weights: dict[str, float] = {}
    often: Counter[str] = Counter()
    for number, line in near.items():
        names = set[str]() if _is_prose(line) else identifiers(_COMMENT.sub("", line))
        often.update(names)
        for name in names:
            weights[name] = max(weights.get(name, 0.0), 1 / (1 + abs(number - cursor)) ** 0.5)
    for line in scopes:
        for name in identifiers(line):
            weights[name] = max(weights.get(name, 0.0), SCOPE_WEIGHT)
    for name in imported:
        weights[name] = 2 * weights[name] if name in weights else 0.1
    best = sorted(weights, key=lambda name: (-weights[name] / (1 + often[name]) ** 0.25, name))
    return tuple(best[:MOST_NAMES])


def _imports(head: str) -> dict[str, str]:
    """Imported names and their modules. Aliases count under both names; `*` brings none."""
    found: dict[str, str] = {}
    for module, names in _PYTHON_FROM.findall(head):
        for name in identifiers(names):
            found[name] = module
    for names, module in _BRACED.findall(head):
        for name in identifiers(names):
            found[name] = module
    for path in _DOTTED.findall(head):
        parts = IDENTIFIER.findall(path)
        for name in parts[-1:] if "{" not in path else parts:
            if name not in _COMMON:
                found.setdefault(name, path)
    return dict(list(found.items())[: 4 * MOST_NAMES])
