"""Finds the definitions in a text with tree-sitter: their kinds, names, docs, and which encloses which.

A query in `queries/` says what to look for. Its captures:

- `@function`, `@class`, `@interface`, `@section`: a definition. A function inside a class is a method.
- `@namespace`, `@extension`: lends its name to the definitions inside and has no chunk of its own; a function inside an
  extension is a method.
- `@wrapper`: the first definition inside takes its range.
- `@name`, `@alias`, `@owner`, `@body`, `@doc`: of the innermost definition around. An alias names what has no name, an
  owner is the type that a method is defined for from outside it.
- `@define`: another name that is defined, unless a function encloses it.
- `@comment`, `@above`: belongs to the definition that starts on the next line; comments are its doc, too.
- `@id`: an identifier. `@whole`: lines that should not be cut.

The tree is read through the query alone, in C, so its depth does not matter. Knows nothing about chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import cleandoc
from operator import itemgetter
from time import thread_time

from tree_sitter import Node, Parser, QueryCursor

from zicoder.index.chunking.grammars import Grammar, load
from zicoder.index.chunking.source import Source
from zicoder.index.types import Kind

__all__ = ["Definition", "Outline", "TooHardError", "outline_of", "signature_of"]


class TooHardError(Exception):
    """The grammar takes too many steps over this text."""


@dataclass(slots=True, eq=False)
class Definition:
    """A definition, or the whole file. Lines are zero-based, `end` is the line after the last."""

    role: str
    """The capture that found it, or "method", or "" for the whole file."""
    first: int
    last: int
    """Its bytes, [first, last)."""
    start: int
    """Its first line, the comments and decorators above included."""
    head: int
    """The line it starts on without those."""
    end: int
    name: str = ""
    alias: str = ""
    owner: str = ""
    body: int = -1
    """The byte its body starts at, -1 if it has none."""
    doc: str = ""
    qualified: str = ""
    depth: int = 0
    parent: Definition | None = None
    children: list[Definition] = field(default_factory=list["Definition"])

    @property
    def transparent(self) -> bool:
        """Whether the definitions inside stand for it."""
        return self.role in _TRANSPARENT

    @property
    def kind(self) -> Kind:
        """The kind of chunk it makes. Raises ValueError for the whole file and for transparent ones."""
        return Kind(self.role)


@dataclass(frozen=True, slots=True)
class Outline:
    """What a chunker needs to know of a text."""

    root: Definition
    names: list[tuple[int, str]]
    """(line, name) of every definition and of every `@define`, in order."""
    identifiers: list[tuple[int, int]]
    """Byte ranges of all identifiers, in order."""
    asides: Mapping[int, int]
    """Last line -> first line of each comment that has its lines to itself."""
    whole: frozenset[int]
    """Lines that should stay with the one before them."""


Captures = Mapping[str, Sequence[Node]]

_DEFINITIONS = ("function", "class", "interface", "section", "namespace", "extension", "wrapper")
_PARTS = ("name", "alias", "owner", "body", "doc", "define")
_TRANSPARENT = frozenset({"namespace", "extension"})
_METHOD_HOLDERS = frozenset({"class", "interface", "extension"})
_DEEPEST = 24  # what is inside more definitions than this is code like any other
_LONGEST_NAME, _LONGEST_SIGNATURE, _LONGEST_DOC, _LONGEST_PART = 120, 300, 2_000, 8_000  # characters
_MOST_COMMENTS = 60  # of one doc

# Sound code takes 0.01 calls of the progress callback for a byte, broken code ten times that.
_MATCHES = 4_096  # under way at a time
# What the calls do not show: a comment that never ends, tried at every place it could begin. Sound code takes 0.25 µs.
_SECONDS, _SECONDS_PER_BYTE = 0.5, 4e-6
_LONGEST_RUN = 2_000  # of tokens side by side; a query over them takes some 10 ms
_BIG_NODES = 2_000  # with more nodes inside than that; code that is not nested to excess has few
_CALLS, _CALLS_PER_BYTE = 1_000, 0.06

_NOT_OWNERS = frozenset({"module", "exports", "prototype", "this", "self", "window", "globalThis", "crate"})
_DOTS = re.compile(r"\s*(?:::|\?\.|\.)\s*")
_ARGUMENTS = re.compile(r"<[^<>=]*(?:<[^<>=]*>[^<>=]*)*>|\[[^\[\]]+\]|[*&](?=\w)")
_LEADS_IN = " {:=;"  # what stands between a head and its body
_MODIFIERS = re.compile(r"[\w\s]*")
_MARK = re.compile(r"[ \t]*(?:/\*+!?|\*+/|\*|//+!?|#+!?|--+|<!--+|;+)?[ \t]?")
_END_MARK = re.compile(r"(?:\*+/|--+>)$")


def outline_of(source: Source, grammar: Grammar) -> Outline:
    """The definitions of a text.

    Raises ImportError when the grammar is not installed, TooHardError when it takes too long over this text.
    """
    captures = _captures(source, grammar)
    comments = _standing_alone(captures.get("comment", ()), source)
    above = _standing_alone(captures.get("above", ()), source)
    root = Definition("", 0, len(source.data), 0, 0, len(source.lines))
    names = _nest(root, captures, source)
    pending = [root]
    while pending:
        definition = pending.pop()
        _finish(definition, names)
        _look_above(definition, source, comments, above)
        pending += definition.children
    return Outline(
        root=root,
        names=sorted(names, key=itemgetter(0)),
        identifiers=sorted({node.byte_range for node in captures.get("id", ())}),
        asides=comments,
        whole=frozenset(row for node in captures.get("whole", ()) for row in _rows_after_first(node)),
    )


def signature_of(definition: Definition, source: Source) -> str:
    """The head of a definition on one line, from its modifiers to where its body starts (else to the line's end)."""
    line = source.offset(definition.head)
    start = line if _MODIFIERS.fullmatch(source.slice(line, definition.first)) else definition.first
    end = definition.body if definition.body >= 0 else source.offset(definition.head + 1)
    text = source.slice(start, min(end, definition.last, start + 4 * _LONGEST_SIGNATURE))
    return _fold(text).rstrip(_LEADS_IN).removesuffix("=>").rstrip(_LEADS_IN)[:_LONGEST_SIGNATURE]


def _captures(source: Source, grammar: Grammar) -> Captures:
    if grammar.too_deep and grammar.too_deep(source.text):
        raise TooHardError("it is nested too deep")
    language, query = load(grammar)
    deadline = thread_time() + _SECONDS + _SECONDS_PER_BYTE * len(source.data)
    left = int(_CALLS + _CALLS_PER_BYTE * len(source.data))

    def too_long(*_: object) -> bool:
        nonlocal left
        left -= 1
        return left < 0 or thread_time() > deadline

    data = source.data
    try:
        tree = Parser(language).parse(lambda offset, _: data[offset:], progress_callback=too_long)
    except ValueError:
        raise TooHardError("the parser finds no end") from None
    if tree.root_node.has_error and _tangled(tree.root_node):
        raise TooHardError("there is more nonsense than sense")
    return QueryCursor(query, match_limit=_MATCHES).captures(tree.root_node)


def _tangled(root: Node) -> bool:
    """Whether a query would take quadratic time: over a long run of brackets that nothing closes.

    At each token it looks for the next sibling that is more than a token.
    """
    pending = [root]
    for _ in range(_BIG_NODES):
        if not pending:
            return False
        node = pending.pop()
        run = 0
        for child in node.children:
            run = 0 if child.is_named else run + 1
            if run > _LONGEST_RUN:
                return True
            if child.descendant_count > _LONGEST_RUN:
                pending.append(child)
    return True


def _nest(root: Definition, captures: Captures, source: Source) -> list[tuple[int, str]]:
    """Hang every definition below `root`, give each its parts, and return (line, name) of the other names."""
    defined: list[tuple[int, str]] = []
    marks = [
        (*node.byte_range, rank, role, node)
        for rank, roles in enumerate((_DEFINITIONS, _PARTS))
        for role in roles
        for node in captures.get(role, ())
    ]
    marks.sort(key=lambda mark: (mark[0], mark[2], -mark[1]))
    top = root
    wrapper: Node | None = None
    for first, last, rank, role, node in marks:
        while first >= top.last and top.parent is not None:
            top = top.parent
        if rank == 1:
            _take(top, role, node, source, defined)
        elif role == "wrapper":
            wrapper = node
        elif top.depth < _DEEPEST and (first, last) != (top.first, top.last):
            if wrapper is not None and wrapper.end_byte >= last:
                node, (first, last) = wrapper, wrapper.byte_range
            wrapper = None
            if role == "function" and top.role in _METHOD_HOLDERS:
                role = "method"
            head, (row, column) = node.start_point.row, node.end_point
            end = row + 1 if column or row == head else row
            child = Definition(role, first, last, head, head, end, depth=top.depth + 1, parent=top)
            top.children.append(child)
            top = child
    return defined


def _take(top: Definition, role: str, node: Node, source: Source, defined: list[tuple[int, str]]) -> None:
    """Hand a part to the definition around, or note a name that it is not the name of."""
    first, last = node.byte_range
    text = source.slice(first, min(last, first + _LONGEST_PART))
    if role != "define":
        if role == "doc" or top.parent is not None:
            _give(top, role, text, first)
    elif top.role not in ("function", "method"):
        defined.append((node.start_point.row, _bare(text).lstrip(":$")))


def _give(to: Definition, role: str, text: str, start: int) -> None:
    """Give a definition a part. The first of each kind counts."""
    if role == "body":
        to.body = start if to.body < 0 else to.body
    elif role == "doc":
        to.doc = to.doc or cleandoc(text)[:_LONGEST_DOC]
    elif role == "name":
        if not to.name:
            _name(to, text)
    elif role == "owner":
        to.owner = to.owner or _bare(_ARGUMENTS.sub("", text))
    else:
        to.alias = to.alias or _bare(text)


def _name(to: Definition, text: str) -> None:
    if to.role == "section":
        to.name = _bare(text)
        return
    # What is all arguments is computed: `[Symbol.iterator]`.
    plain = _bare(_ARGUMENTS.sub("", text)) or _bare(text).strip("[]")
    parts = [p for p in _DOTS.split(plain) if p and p not in _NOT_OWNERS]
    if parts:
        to.name = parts.pop()
        to.owner = to.owner or ".".join(parts)


def _finish(definition: Definition, names: list[tuple[int, str]]) -> None:
    """Settle the name, now that all parts are known. Parents come before their children."""
    if definition.parent is None:
        return
    definition.name = definition.name or definition.alias
    scopes = (definition.parent.qualified, definition.owner, definition.name)
    definition.qualified = ".".join(scope for scope in scopes if scope)
    if definition.name and definition.role != "extension":
        names.append((definition.head, definition.name))
    if definition.role == "function" and definition.owner:
        definition.role = "method"


def _look_above(definition: Definition, source: Source, comments: Mapping[int, int], above: Mapping[int, int]) -> None:
    """Take in the comments and decorators right above."""
    doc: list[int] = []
    row = definition.head - 1
    if comments.get(row - 1) and source.lines[row - 1].rstrip().endswith("*/") and not source.lines[row].strip():
        row -= 1  # some leave a blank line below a doc comment; what begins the file is its licence
    while row in comments or row in above:
        first = comments.get(row, above.get(row, row))
        if row in comments and len(doc) < _MOST_COMMENTS:
            doc += range(row, max(first - 1, row - _MOST_COMMENTS), -1)
        definition.start = first
        row = first - 1
    if doc and not definition.doc:
        lines = (_END_MARK.sub("", source.lines[row].rstrip()) for row in reversed(doc))
        definition.doc = cleandoc("\n".join(_MARK.sub("", line, count=1) for line in lines)).strip()[:_LONGEST_DOC]


def _standing_alone(nodes: Iterable[Node], source: Source) -> dict[int, int]:
    """Last line -> first line of the nodes that share their lines with nothing else."""
    found: dict[int, int] = {}
    for node in nodes:
        (first, column), (last, end) = node.start_point, node.end_point
        if end == 0 and last > first:
            last -= 1
            end = len(source.lines[last])
        if not source.lines[first][:column].strip() and end >= len(source.lines[last].rstrip()):
            found[last] = first
    return found


def _rows_after_first(node: Node) -> range:
    return range(node.start_point.row + 1, node.end_point.row + 1)


def _fold(text: str) -> str:
    return " ".join(text.split())


def _bare(text: str) -> str:
    return _fold(text).strip("\"'`")[:_LONGEST_NAME]
