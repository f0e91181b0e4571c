"""Repairs of an error of syntax that need no model: each is tried, and only those that make the text sound are told.

A repair is one token or one indentation. What many repairs would mend is not known to be mended by any one of them:
the first is called sure only where nothing else makes as much sense. For the checks' process.
"""

from __future__ import annotations

import ast
import time
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from zicoder.assist.checks.bracket_repairs import bracket_repairs
from zicoder.assist.checks.indent_repairs import indent_repairs
from zicoder.assist.checks.python_syntax import compile_error
from zicoder.assist.checks.repair import Repair
from zicoder.assist.checks.syntax import syntax
from zicoder.assist.checks.token_repairs import token_repairs

if TYPE_CHECKING:
    from zicoder.index.chunking.tokens import Token

__all__ = ["mend"]

SECONDS = 1.0
"""Most time for trying; the process answers nobody else meanwhile."""
MOST_CHARS = 400_000
MOST = 3
MOST_SOUND = 12
"""Sound ones that are compared; more of them only say that nothing is sure."""
MARGIN = 2
"""By so much the best must be likelier than the next to be sure; see `Repair.cost`."""
_READ = frozenset((
    "python", "javascript", "javascriptreact", "typescript", "typescriptreact", "java", "go", "rust", "csharp", "json",
))  # fmt: skip
"""Languages whose grammar is believed when it calls a text sound."""

Told = list[tuple[int, int, str, str, bool]]
"""(start, end, text, title, whether it is sure), best first."""


def mend(text: str, language: str) -> Told:
    """What would make a text sound, a few at most; [] for a sound one, or where nothing here can tell."""
    if language not in _READ or len(text) > MOST_CHARS:
        return []
    errors = syntax(text, language)
    if not errors:
        return []
    try:
        from zicoder.index.chunking.tokens import tokens_of  # the grammars are an extra of the package
    except ImportError:
        return []
    tokens = tokens_of(text, language) or []
    tries = [*bracket_repairs(text, tokens), *token_repairs(text, tokens, language, errors)]
    if language == "python":
        tries += indent_repairs(text, tokens, errors[0])
    return _told(*_sound(text, language, tries))


def _sound(text: str, language: str, tries: Iterable[Repair]) -> tuple[list[Repair], bool]:
    """Those that make the text sound, each meaning once, and whether all were tried."""
    deadline = time.monotonic() + SECONDS
    found: dict[object, Repair] = {}
    for each in sorted(dict.fromkeys(tries), key=lambda repair: repair.cost):
        if time.monotonic() > deadline:
            return list(found.values()), False
        after = text[: each.start] + each.text + text[each.end :]
        if compile_error(after) is None if language == "python" else syntax(after, language) == []:
            found.setdefault(_meaning(after, language), each)
            if len(found) >= MOST_SOUND:
                break
    return list(found.values()), True


def _meaning(text: str, language: str) -> object:
    """The same for texts that differ in their layout only."""
    from zicoder.index.chunking.tokens import tokens_of

    if language == "python":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(text.removeprefix("\ufeff")))
    tokens: list[Token] | None = tokens_of(text, language)
    return text if tokens is None else tuple(each.text for each in tokens)


def _told(sound: list[Repair], everything: bool) -> Told:
    if not sound:
        return []
    best = sound[0]
    alone = all(each.cost >= best.cost + MARGIN for each in sound[1:])
    sure = everything and alone
    return [(r.start, r.end, r.text, r.title, sure and r is best) for r in sound[:MOST]]
