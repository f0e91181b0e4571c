"""How many places of a text its grammar cannot read. Keeps no tree, and knows no chunk.

It is asked while somebody types, in the process that serves the editor, so it must never run long and never meet a text
that is known to crash a grammar: size, depth and steps are bounded, and beyond them it does not answer.
"""

# The grammar wheels carry no types: what they give looks like the integer of old versions.
# pyright: reportDeprecated=false

from __future__ import annotations

import re
from functools import cache
from importlib import import_module

from tree_sitter import Language, Node, Parser, Tree

from zicoder.index.chunking.grammars import GRAMMARS, Grammar

__all__ = ["errors_in", "parsed"]

MOST_BYTES = 64_000
DEEPEST = 100
"""Brackets within brackets. Sound code has a dozen; some grammars recurse, and a stack of a thread is small."""
STEPS = 400
STEPS_PER_BYTE = 0.06
"""Calls of the parser's progress callback; sound code takes 0.01 for a byte."""
MOST_NODES = 5_000
"""Nodes that are looked at in a tree with errors."""

_PIECE = 1 << 16
"""Bytes that the parser is given at once; all that is left, each time, would be quadratic."""

_BRACKET = re.compile(r"[()\[\]{}]")
_STRAY_TAG = "erroneous_end_tag"
"""What HTML's grammar makes of an end tag that ends nothing; it is no error to the parser."""


def errors_in(text: str, language: str) -> int | None:
    """The number of errors and missing tokens that the grammar of an LSP language id finds in a text.

    None when it cannot say: no grammar for the language, a text too large or too deep, or a parse that takes too long.
    """
    tree = parsed(text, language, most_bytes=MOST_BYTES)
    grammar = GRAMMARS.get(language)
    return _count(tree.root_node, everywhere=grammar is not None and grammar.query == "html") if tree else None


def parsed(text: str, language: str, *, most_bytes: int) -> Tree | None:
    """The tree of a text, in bytes of UTF-8; None as `errors_in` says."""
    grammar = GRAMMARS.get(language)
    if grammar and grammar.dialect and grammar.dialect[0].search(text):
        grammar = GRAMMARS[grammar.dialect[1]]
    data = text.encode("utf-8", "replace")
    if grammar is None or len(data) > most_bytes or _too_deep(text) or (grammar.too_deep and grammar.too_deep(text)):
        return None
    try:
        parser = Parser(_language(grammar))
    except ImportError:
        return None
    left = int(STEPS + STEPS_PER_BYTE * len(data))

    def too_long(*_: object) -> bool:
        nonlocal left
        left -= 1
        return left < 0

    try:
        return parser.parse(lambda offset, _: data[offset : offset + _PIECE], progress_callback=too_long)
    except ValueError:
        return None


@cache
def _language(grammar: Grammar) -> Language:
    """The grammar without its query, whose compilation takes most of the time of `grammars.load`."""
    return Language(getattr(import_module(grammar.wheel), grammar.entry)())


def _too_deep(text: str) -> bool:
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += 1 if match.group() in "([{" else -1
        if depth > DEEPEST:
            return True
        depth = max(depth, 0)
    return False


def _count(root: Node, *, everywhere: bool) -> int | None:
    errors = seen = 0
    pending = [root]
    while pending:
        node = pending.pop()
        seen += 1
        if seen > MOST_NODES:
            return None
        errors += node.is_error or node.is_missing or node.type == _STRAY_TAG
        if node.has_error or everywhere:
            pending += node.children
    return errors
