"""What a piece of Python says of itself without its file: what it defines, its shape, the lines that are no code of it.

By Python's own parser; a piece that does not parse, or is no Python, is judged by its text.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

__all__ = ["definitions", "fixed_lines", "name_at", "parsed", "shape"]

_DEFINED = re.compile(r"\b(?:def|class|function|func|fn|fun|interface|struct)\s+\*?([^\W\d][\w$]*)")
_BOUND = re.compile(r"\b(?:const|let|var)\s+([^\W\d][\w$]*)\s*=")


def name_at(code: str) -> str:
    """The first name that the code defines, "" if it defines none."""
    found = _DEFINED.search(code) or _BOUND.search(code)
    return found[1] if found else ""


def definitions(code: str) -> frozenset[str]:
    """The functions and classes that the code defines at its top."""
    module = parsed(code)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in module.body if isinstance(node, kinds)) if module else frozenset()


def shape(code: str) -> str:
    """The same for two pieces of Python that differ in comments and layout alone."""
    module = parsed(code)
    return ast.dump(module) if module else "\n".join(line.strip() for line in code.strip().splitlines())


def fixed_lines(code: str) -> frozenset[int]:
    """The lines, counted from 0, of docstrings and of heads of definitions: there is no statement in them to mend."""
    module = parsed(code)
    found: set[int] = set()
    for node in ast.walk(module) if module else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.update(range(node.lineno - 1, node.body[0].lineno - 1))
            first = node.body[0]
            if ast.get_docstring(node, clean=False) is not None:
                found.update(range(first.lineno - 1, first.end_lineno or first.lineno))
    return frozenset(found)


def parsed(code: str) -> ast.Module | None:
    """The syntax tree of a piece of Python, as far as it is indented the same; None where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(textwrap.dedent(code))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
