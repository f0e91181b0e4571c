"""Hole punching: places in real source files where a developer could have stopped typing, and what stood there.

Owns which holes there are: the same for everybody, from a fixed seed. Must never look at what a model answers, and
must not use the product's own readers of code: the yardstick may not share its mistakes with what it measures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from tests.bench._completion_metrics import parse
from tests.bench.corpora import SOURCES, source, sources
from tree_sitter import Node

__all__ = [
    "KINDS",
    "SEED",
    "Hole",
    "candidates",
    "choose",
    "packages",
    "pick",
    "share",
    "source_files",
    "spread",
    "walk",
]

Kind = Literal["member", "call", "assign", "return", "line", "block", "middle"]
KINDS: tuple[Kind, ...] = ("member", "call", "assign", "return", "line", "block", "middle")
"""After `obj.`, after `call(`, after `=`, after `return`, on a new line of a block whose other lines stay, below the
head of a block that has no body yet, and in a line that goes on behind the hole."""

SEED = 20261121
PER_KIND = {"python": {"tune": 4, "report": 7}, "typescript": {"tune": 6, "report": 4}}
"""Holes of each kind in each package."""
STRETCH = 4_000
"""Characters within which the holes of a file lie, one of each kind: what the model has read for one of them serves the
next, as it does an editor, or a few hundred holes would take a day."""
SHORTEST, LONGEST = 3, 100
"""Characters of a target; a block's are counted in lines."""
BLOCK_LINES = 8
FILE_CHARS = range(2_500, 60_000)
SUFFIXES = {"python": ".py", "typescript": ".ts"}
_ASIDE = re.compile(r"test|spec|docs?$|example|bench|migration|locale|vendor|fixture|conf\.py$|\.d\.ts$|\.cts$", re.I)
"""Parts of a path that hold what is not the package's own code."""

_SIMPLE = frozenset(
    {
        "expression_statement",
        "return_statement",
        "raise_statement",
        "throw_statement",
        "assert_statement",
        "lexical_declaration",
        "variable_declaration",
    }
)
_BODIES = {"python": "block", "typescript": "statement_block"}
_MEMBERS = frozenset({"attribute", "member_expression"})
_CALLS = frozenset({"argument_list", "arguments"})
_ASSIGNMENTS = frozenset({"assignment", "variable_declarator", "assignment_expression"})


@dataclass(frozen=True, slots=True)
class Hole:
    """The characters [start, end) of a file are taken away, and the cursor stands there."""

    package: str
    path: str
    """Relative to the package, with slashes."""
    language: str
    kind: Kind
    text: str
    """The whole file as it was."""
    start: int
    end: int

    @property
    def name(self) -> str:
        """One that no other hole has."""
        return f"{self.package}:{self.path}:{self.kind}:{self.start}"

    @property
    def prefix(self) -> str:
        return self.text[: self.start]

    @property
    def suffix(self) -> str:
        return self.text[self.end :]

    @property
    def target(self) -> str:
        """What was taken away."""
        return self.text[self.start : self.end]

    @property
    def punched(self) -> str:
        """The file with the hole."""
        return self.prefix + self.suffix

    @property
    def position(self) -> tuple[int, int]:
        """The cursor's line and column, from 0. Files are ASCII, so every encoding counts alike."""
        return self.prefix.count("\n"), self.start - (self.prefix.rfind("\n") + 1)


def packages(role: str, language: str) -> tuple[str, ...]:
    """The packages whose code is measured."""
    found = [*sources("tune" if role == "tune" else "report")]
    found += sources("completion-tune" if role == "tune" else "completion-report")
    skipped = {"tokenizers", "pythonnet"}  # their Python is a thin layer over another language
    return tuple(entry.name for entry in found if entry.language == language and entry.name not in skipped)


def choose(role: str, languages: Sequence[str], limit: int | None = None) -> list[Hole]:
    """The holes of a role, by package and file; with `limit`, that many of them, spread evenly. Fetches packages."""
    holes: list[Hole] = []
    for language in languages:
        for package in packages(role, language):
            quota = PER_KIND[language]["tune" if role == "tune" else "report"]
            holes += pick(package, source(package), language, quota)
    return spread(holes, limit)


def spread(holes: list[Hole], limit: int | None) -> list[Hole]:
    """At most `limit` of the holes, evenly spread over them."""
    if limit is None or limit >= len(holes):
        return holes
    return [holes[n * len(holes) // limit] for n in range(limit)]


def share(holes: list[Hole], which: int, of: int) -> list[Hole]:
    """The holes of every `of`-th package, from number `which` on (from 1): several runs at once share the work."""
    names = list(dict.fromkeys(hole.package for hole in holes))[which - 1 :: of]
    return [hole for hole in holes if hole.package in names]


def source_files(root: Path, language: str) -> list[str]:
    """Files of the package's own code, project-relative, in the order of their names."""
    found: list[str] = []
    for path in root.rglob(f"*{SUFFIXES[language]}"):
        name = path.relative_to(root).as_posix()
        if not any(_ASIDE.search(part) for part in name.split("/")) and path.stat().st_size in FILE_CHARS:
            found.append(name)
    return sorted(found)


def pick(package: str, root: Path, language: str, quota: int) -> list[Hole]:
    """`quota` holes of each kind, at most one of each in a stretch of a file; fewer where there are no more."""
    random = Random(f"{SEED} {package} {SOURCES[package].version if package in SOURCES else ''}")
    missing = dict.fromkeys(KINDS, quota)
    names = source_files(root, language)
    random.shuffle(names)
    found: list[Hole] = []
    for name in names:
        if not any(missing.values()):
            break
        text = (root / name).read_bytes().decode("utf-8", "replace")
        here = [hole for hole in candidates(package, name, language, text, random) if missing[hole.kind]]
        chosen = _stretch(here, missing, random)
        for hole in chosen:
            missing[hole.kind] -= 1
        found += chosen
    return found


def _stretch(here: Sequence[Hole], missing: Mapping[Kind, int], random: Random) -> list[Hole]:
    """One hole of each kind of a file, in its order: a random one of the kind most wanted, and those that lie near."""
    chosen: list[Hole] = []
    for kind in sorted(KINDS, key=lambda kind: -missing[kind]):
        lines = {hole.position[0] for hole in chosen}
        of_kind = [hole for hole in here if hole.kind == kind and hole.position[0] not in lines]
        if near := [hole for hole in of_kind if not chosen or abs(hole.start - chosen[0].start) <= STRETCH // 2]:
            chosen.append(random.choice(near))
    return sorted(chosen, key=lambda hole: hole.start)


def candidates(package: str, path: str, language: str, text: str, random: Random) -> Iterator[Hole]:
    """Every place of the file that would do; none where it is not ASCII, has syntax errors or carriage returns."""
    if not text.isascii() or "\r" in text:
        return
    root = parse(text, language)
    if root.has_error:
        return
    nodes = list(walk(root))
    rows = text.split("\n")
    commented = {node.start_point.row for node in nodes if node.type == "comment"}
    for node in nodes:
        for kind, start, end in _spans(node, language, text, random):
            row = text.count("\n", 0, start)
            if row in commented or not _worth(kind, text[start:end], rows[row]):
                continue
            yield Hole(package, path, language, kind, text, start, end)


def _worth(kind: Kind, target: str, line: str) -> bool:
    if not any(char.isalpha() for char in target) or len(line) > 2 * LONGEST:
        return False
    if kind == "block":
        return target.count("\n") < BLOCK_LINES and len(target) <= BLOCK_LINES * LONGEST
    return SHORTEST <= len(target.strip()) <= LONGEST


def _spans(node: Node, language: str, text: str, random: Random) -> Iterator[tuple[Kind, int, int]]:
    """The holes that a node gives; offsets are characters, as the text is ASCII."""
    parent = node.parent
    if parent is None:
        return
    line_end = text.find("\n", node.end_byte)
    line_end = len(text) if line_end < 0 else line_end
    if node.type == "." and parent.type in _MEMBERS:
        yield "member", node.end_byte, line_end
    elif node.type == "(" and parent.type in _CALLS and text[node.end_byte] not in ")\n":
        yield "call", node.end_byte, line_end
    elif node.type == "=" and parent.type in _ASSIGNMENTS:
        yield "assign", node.end_byte + (random.random() < 0.5 and text[node.end_byte] == " "), line_end
    elif node.type == "return" and node.next_sibling is not None and node.next_sibling.type != ";":
        yield "return", node.end_byte + (random.random() < 0.5 and text[node.end_byte] == " "), line_end
    elif node.type == _BODIES[language]:
        yield from _body(node, language, text)
    elif node.type in _SIMPLE and _alone(node, text):
        if parent.type == _BODIES[language] and node.prev_named_sibling is not None:
            yield "line", node.start_byte, line_end
        yield from _middle(node, line_end, random)


def _alone(node: Node, text: str) -> bool:
    """Whether a statement has one line to itself, and is no docstring."""
    if node.start_point.row != node.end_point.row or not _first_on_line(text, node.start_byte):
        return False
    inner = node.named_children[0] if node.named_children else None
    return inner is not None and inner.type != "string"


def _first_on_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()


def _body(node: Node, language: str, text: str) -> Iterator[tuple[Kind, int, int]]:
    """A block's lines without what opens and closes it; the cursor stands where an editor would indent to."""
    inside = [child for child in node.named_children if child.type != "comment"]
    if not inside or inside[0].start_point.row == _head_row(node, language):
        return
    start, end = inside[0].start_byte, inside[-1].end_byte
    first = inside[0].named_children[0] if inside[0].named_children else None
    is_doc = first is not None and first.type == "string"
    closed = language == "python" or (text[end : node.end_byte].strip() == "}" and "\n" in text[end : node.end_byte])
    if _first_on_line(text, start) and closed and not is_doc and text[end : end + 1] in ("\n", ""):
        yield "block", start, end


def _head_row(node: Node, language: str) -> int:
    before = node.prev_sibling if language == "python" else None
    return before.end_point.row if before is not None else node.start_point.row


def _middle(node: Node, line_end: int, random: Random) -> Iterator[tuple[Kind, int, int]]:
    """A run of tokens out of a statement, with at least two characters of the line left behind it."""
    leaves = [leaf for leaf in walk(node) if not leaf.child_count and leaf.end_byte > leaf.start_byte]
    if len(leaves) < 6:
        return
    first = random.randrange(1, len(leaves) - 3)
    last = min(first + random.randrange(1, 6), len(leaves) - 2)
    start, end = leaves[first].start_byte, leaves[last].end_byte
    if line_end - end >= 2:
        yield "middle", start, end


def walk(root: Node) -> Iterator[Node]:
    """All nodes in the order of the text, without recursion."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(node.children)
