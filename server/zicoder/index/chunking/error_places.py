"""Where a grammar cannot read a text, in words for a person. For a process of its own: the whole text is read.

Keeps no tree. What is reported is chosen to be believed: a bracket without its partner, a token that is missing, a
place that does not fit; few of each, on short ranges. Grammars do not know every dialect of their language, so for some
only brackets count.
"""

# The grammar wheels carry no types: what they give looks like the integer of old versions.
# pyright: reportDeprecated=false

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from zicoder.index.chunking.errors_in import parsed

__all__ = ["MOST", "ErrorPlace", "error_places"]

MOST = 5
"""Places that are reported of one text: behind the first few, errors follow from errors."""
MOST_BYTES = 2_000_000
MOST_NODES = 400_000
LONGEST = 80
"""Characters of a range; a grammar gives up over whole functions, and a screen full of red helps nobody."""

_PARTNERS = {")": "(", "]": "[", "}": "{"}
_OPENS = {"(": "(", "[": "[", "{": "{", "${": "{", "#{": "{", "\\(": "("}
"""Tokens that open a bracket, those within strings too."""
_ONLY_BRACKETS = frozenset(("c", "cpp", "css", "jsonc", "php", "scala", "scss", "swift", "yaml"))
"""Languages whose grammars do not know all that is in use: macros, hacks for old browsers, commas before a bracket."""
_NOTHING = frozenset(("html", "kotlin", "markdown", "shellscript", "sql"))
"""These have no errors, or a dialect in each house; or their grammars lose count of brackets in sound code."""
_ECMASCRIPT = frozenset(("javascript", "javascriptreact", "typescript", "typescriptreact"))
_FLOW = re.compile(r"@flow\b")
"""A dialect with types of its own."""


@dataclass(frozen=True, slots=True)
class ErrorPlace:
    """[start, end) in code points."""

    start: int
    end: int
    message: str


def error_places(text: str, language: str) -> tuple[ErrorPlace, ...] | None:
    """The first places that are wrong, in order. None when the grammar cannot say: see `errors_in`."""
    if language in _NOTHING or (language in _ECMASCRIPT and _FLOW.search(text, 0, 2_000)):
        return None
    tree = parsed(text, language, most_bytes=MOST_BYTES)
    if tree is None:
        return None
    if not tree.root_node.has_error:
        return ()
    leaves = _Leaves(tree.root_node)
    places = list(_brackets(leaves))
    if not places and language not in _ONLY_BRACKETS:
        places = list(_unexpected(leaves))
        if language not in _ECMASCRIPT:
            places += _missing(leaves)
    data = text.encode("utf-8", "replace")
    return tuple(_in_text(place, data, text) for place in _chosen(places, data))


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    end: int
    message: str


class _Leaves:
    """The tokens of a tree, and the nodes that are errors."""

    def __init__(self, root: Node) -> None:
        self.brackets: list[Node] = []
        self.missing: list[tuple[Node, int]] = []
        """With the end of the token before."""
        self.errors: list[Node] = []
        before = seen = 0
        pending = [root]
        while pending and seen < MOST_NODES:
            node = pending.pop()
            seen += 1
            if node.is_missing:
                self.missing.append((node, before))
            elif node.is_error:
                self.errors.append(node)
            if node.child_count:
                pending += reversed(node.children)
            elif node.end_byte > node.start_byte:
                before = node.end_byte
                if node.type in _PARTNERS or node.type in _OPENS:
                    self.brackets.append(node)


def _brackets(leaves: _Leaves) -> Iterator[_Place]:
    """Brackets without a partner. The innermost one that is open is the one to blame for a wrong end."""
    opened: list[Node] = []
    for node in leaves.brackets:
        if node.is_missing:
            continue
        if node.type in _OPENS:
            opened.append(node)
        elif opened and _OPENS[opened[-1].type] == _PARTNERS[node.type]:
            opened.pop()
        elif any(_OPENS[each.type] == _PARTNERS[node.type] for each in opened):
            while _OPENS[(last := opened.pop()).type] != _PARTNERS[node.type]:
                yield _Place(last.start_byte, last.end_byte, f"`{last.type}` is never closed.")
        else:
            yield _Place(node.start_byte, node.end_byte, f"`{node.type}` closes nothing.")
    for last in opened:
        yield _Place(last.start_byte, last.end_byte, f"`{last.type}` is never closed.")


def _missing(leaves: _Leaves) -> Iterator[_Place]:
    """What is missing. Not asked of JavaScript, where it is mostly a semicolon that need not be there."""
    for node, before in leaves.missing:
        what = f"`{node.type}`" if not node.is_named else f"{_article(node.type)} {_words(node.type)}"
        yield _Place(max(0, before - 1), max(before, 1), f"Expected {what} here.")


def _unexpected(leaves: _Leaves) -> Iterator[_Place]:
    for node in leaves.errors:
        tokens = node.children
        if len(tokens) == 1 and not tokens[0].child_count:
            yield _Place(node.start_byte, node.end_byte, "")
        elif node.end_byte > node.start_byte:
            yield _Place(node.start_byte, node.end_byte, "This does not fit here.")


def _words(kind: str) -> str:
    return re.sub(r"^_+|_+$", "", kind).replace("_", " ")


def _article(kind: str) -> str:
    return "an" if _words(kind)[:1] in "aeiou" else "a"


def _chosen(places: list[_Place], data: bytes) -> list[_Place]:
    """The first few, one a line."""
    chosen: list[_Place] = []
    line_ends: set[int] = set()
    for place in sorted(places, key=lambda place: (place.start, place.end)):
        line = data.count(b"\n", 0, place.start)
        if line not in line_ends and len(chosen) < MOST:
            chosen.append(place)
            line_ends.add(line)
    return chosen


def _in_text(place: _Place, data: bytes, text: str) -> ErrorPlace:
    """In code points, on one line."""
    start = len(data[: place.start].decode("utf-8", "ignore"))
    shown = data[place.start : place.end].decode("utf-8", "ignore")
    shown = re.split(r"[\r\n]", shown, maxsplit=1)[0][:LONGEST].rstrip() or shown[:1]
    message = place.message or f"Unexpected `{shown}`."
    return ErrorPlace(start, min(len(text), start + len(shown)), message)
