"""The tokens of a text as its grammar sees them, also of one that is not sound. For a process of its own.

Keeps no tree. What is inside of strings and comments is part of their token.
"""

# The grammar wheels carry no types: what they give looks like the integer of old versions.
# pyright: reportDeprecated=false

from __future__ import annotations

from dataclasses import dataclass

from zicoder.index.chunking.errors_in import parsed

__all__ = ["Token", "tokens_of"]

MOST_BYTES = 600_000
MOST_NODES = 300_000
_WHOLE = frozenset(("string", "comment", "regex", "line_comment", "block_comment", "char_literal", "string_literal"))


@dataclass(frozen=True, slots=True)
class Token:
    """[start, end) in code points. `kind` is the grammar's word: of a bracket or a keyword, itself."""

    start: int
    end: int
    kind: str
    text: str


def tokens_of(text: str, language: str) -> list[Token] | None:
    """All tokens in order; None as `errors_in` says."""
    tree = parsed(text, language, most_bytes=MOST_BYTES)
    if tree is None:
        return None
    spans: list[tuple[int, int, str]] = []
    pending = [tree.root_node]
    seen = 0
    while pending:
        node = pending.pop()
        seen += 1
        if seen > MOST_NODES:
            return None
        if node.child_count and node.type not in _WHOLE:
            pending += reversed(node.children)
        elif node.end_byte > node.start_byte:
            spans.append((node.start_byte, node.end_byte, node.type))
    return _in_text(spans, text)


def _in_text(spans: list[tuple[int, int, str]], text: str) -> list[Token]:
    if text.isascii():
        return [Token(start, end, kind, text[start:end]) for start, end, kind in spans]
    data = text.encode("utf-8", "replace")
    found: list[Token] = []
    at = seen = 0
    for start, end, kind in spans:
        start = max(start, at)
        first = seen + len(data[at:start].decode("utf-8", "ignore"))
        last = first + len(data[start:end].decode("utf-8", "ignore"))
        found.append(Token(first, last, kind, text[first:last]))
        at, seen = max(end, start), last
    return found
