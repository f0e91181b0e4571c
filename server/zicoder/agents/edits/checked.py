"""Whether a change leaves a file as sound as it was, by Python's own parser and the grammars of the index.

Owns the comparison of the whole file before and after. Nothing is run and nothing is raised; what no parser can judge
is said to be unchecked.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import Literal

from zicoder.agents.edits.document import BOM
from zicoder.text import language_of, split_lines

__all__ = ["Verdict", "judged"]

MOST_PYTHON = 400_000
"""Characters of Python that are parsed: a second or so."""

_UNJUDGED = frozenset({"plaintext", "markdown"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a parser says of a change."""

    kind: Literal["sound", "worse", "unchecked"]
    reason: str = ""
    """What is added ("a syntax error in line 3: …"), or why nobody can say ("there is no syntax to check in it")."""


def judged(path: str, before: str | None, after: str) -> Verdict:
    """Compare a file's syntax errors after a change with those before it. Worse is only what adds some."""
    language = language_of(PurePosixPath(path))
    before, after = (before or "").removeprefix(BOM), after.removeprefix(BOM)
    if language in _UNJUDGED:
        return Verdict("unchecked", "there is no syntax to check in it")
    if language == "python" and len(after) <= MOST_PYTHON:
        error = _python_error(after)
        if error is None:
            return Verdict("sound")
        if _python_error(before) is None:
            return Verdict("worse", error)
    try:  # brings the grammars, an extra of the package: 20 ms, at the first change
        from zicoder.index.chunking.errors_in import errors_in
    except ImportError:
        return Verdict("unchecked", "no grammar can read it here")

    errors = errors_in(after, language)
    if not errors:
        return Verdict("unchecked", "no grammar can read it here") if errors is None else Verdict("sound")
    known = errors_in(before, language)
    if known is None:
        return Verdict("unchecked", "no grammar can read it here")
    if errors <= known:
        return Verdict("sound")
    count = "a syntax error" if errors - known == 1 else f"{errors - known} syntax errors"
    return Verdict("worse", f"{count}{_where(before, after)}")


def _python_error(text: str) -> str | None:
    """What Python says of a text, None when it parses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return f"a syntax error in line {error.lineno or 1}: {error.msg}"
    except (ValueError, MemoryError, RecursionError):
        return "something that Python's parser cannot read"
    return None


def _where(before: str, after: str) -> str:
    """Which lines were written."""
    old, new = split_lines(before), split_lines(after)
    if not old or len(old) + len(new) > 20_000:
        return ""
    head = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    if len(old) + len(new) - 2 * head > 2_000:
        return f" from line {head + 1} on"
    blocks = SequenceMatcher(None, old[head:], new[head:], autojunk=False).get_opcodes()
    changed = [(head + b1 + 1, max(head + b1 + 1, head + b2)) for tag, _, _, b1, b2 in blocks if tag != "equal"]
    lines = [f"{a}" if a == b else f"{a}-{b}" for a, b in changed[:5]]
    return f" in the changed lines {', '.join(lines)}" if lines else ""
