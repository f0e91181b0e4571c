"""Syntax errors of a text: by its grammar, and for Python by Python's own parser. For the checks' process."""

from __future__ import annotations

from zicoder.assist.checks.python_syntax import compile_error, is_sure

__all__ = ["syntax"]

VAGUE = "Invalid syntax."
"""Python's word for what it has no better word for."""

Found = list[tuple[int, int, str]]
"""(start, end, message), offsets in code points."""


def syntax(text: str, language: str) -> Found | None:
    """What is wrong, in order; None when nothing here can read the language."""
    try:
        from zicoder.index.chunking.error_places import error_places  # the grammars are an extra of the package

        places = error_places(text, language)
    except ImportError:
        places = None
    if language == "python":
        return _python(text, None if places is None else [(each.start, each.end, each.message) for each in places])
    return None if places is None else [(each.start, each.end, each.message) for each in places]


def _python(text: str, places: Found | None) -> Found:
    """Python names one error, and names it well; but it may be older than the code. Then the grammar must agree."""
    error = compile_error(text)
    if error is None or not (places or is_sure(error[2])):
        return []
    return places[:1] if places and error[2] == VAGUE else [error]
