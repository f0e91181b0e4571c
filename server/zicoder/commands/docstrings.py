"""Docstrings taken from answers and put into Python, whose code stays as it was.

Knows what small models do: they write the docstring and change the code as well, or document errors that are not there.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Mapping

from zicoder.agents.edits.python_code import parsed
from zicoder.commands.region import Region
from zicoder.context.outline import indent_of

__all__ = ["bare", "with_docstrings", "with_each"]

_WORD = re.compile(r"[^\W\d]\w*")
_RAISES = re.compile(r"\s*(?:Raises|Throws|Exceptions):\s*$")
_RAISED = re.compile(r"\s*([A-Z][\w.]*)(?=\s*[:\u2013-])")
_FIELD = re.compile(r"\s*:raises?\s+([\w.]+)\s*:")
_Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def with_docstrings(region: Region, answer: str) -> tuple[str, str, str]:
    """The region's text with an answer's docstrings, why there is none, and what of the answer is not taken."""
    old, new = parsed(region.text), parsed(answer)
    if old is None or new is None:
        return "", "It is no Python that parses." if old else "The selected code does not parse.", ""
    docs = _docs(new)
    if not docs and len(old.body) == 1 and (doc := ast.get_docstring(new)):
        docs = {getattr(old.body[0], "name", ""): [doc]}  # the bare docstring
    lines = textwrap.dedent(region.text).split("\n")
    changed = False
    for node in sorted(_nodes(old), key=lambda each: -each.lineno):
        found = docs.get(node.name, [])
        if len(found) == 1 and found[0] != ast.get_docstring(node) and node.body[0].lineno > node.lineno:
            _put(lines, node, _without_made_up_errors(found[0], region.text))
            changed = True
    if not changed:
        return "", "It has no documentation for this code.", ""
    bodies = {body for node in _nodes(old) for body in _bodies(node)}
    strange = any(body not in bodies for node in _nodes(new) for body in _bodies(node))
    note = "The model changed code as well: only its documentation is taken." if strange else ""
    return "\n".join(lines), "", note


def bare(region: Region) -> list[Region]:
    """The functions and classes of a region of Python that have no documentation, as regions, outer ones first."""
    module = parsed(region.text)
    lines = region.text.split("\n")
    found: list[Region] = []
    for node in sorted(_nodes(module) if module else [], key=lambda each: each.lineno):
        if ast.get_docstring(node) is None and node.body[0].lineno > node.lineno:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
            last = (node.end_lineno or node.lineno) - 1
            text = "\n".join(lines[first : last + 1])
            found.append(Region(region.path, region.first + first, region.first + last, text, region.language))
    return found


def with_each(region: Region, answers: Mapping[int, str]) -> str:
    """The text of a region with docstrings from answers about its parts, by the first lines of those."""
    module = parsed(region.text)
    lines = textwrap.dedent(region.text).split("\n")
    for node in sorted(_nodes(module) if module else [], key=lambda each: -each.lineno):
        first = region.first + min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
        said = parsed(answers.get(first, ""))
        found = _docs(said).get(node.name, []) if said else []
        if found:
            _put(lines, node, _without_made_up_errors(found[0], region.text))
    return "\n".join(lines)


def _bodies(node: _Documented) -> list[str]:
    """The statements of a function, without documentation and `...`; none of a class."""
    if isinstance(node, ast.ClassDef):
        return []
    rest = [each for each in node.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    return [ast.dump(ast.Module(rest, []))] if rest else []


def _without_made_up_errors(doc: str, code: str) -> str:
    """Documentation without the exceptions that the code does not name: small models invent them."""
    words = set(_WORD.findall(code))
    kept: list[str] = []
    head = entry = -1  # the indentation of "Raises:", and of what is left out
    for line in doc.split("\n"):
        depth = indent_of(line) if line.strip() else sys.maxsize
        if entry >= 0 and depth > entry:
            continue
        entry = -1
        if head >= 0 and depth <= head:
            head = -1
        if found := _RAISES.match(line):
            head = depth
        raised = _RAISED.match(line) if head >= 0 and not found else _FIELD.match(line)
        if raised and not words & set(raised[1].split(".")):
            entry = depth
            continue
        kept.append(line)
    rows = [
        line for row, line in enumerate(kept)
        if not _RAISES.match(line) or (row + 1 < len(kept) and indent_of(kept[row + 1]) > indent_of(line))
    ]  # fmt: skip
    return "\n".join(rows).strip()


def _nodes(module: ast.Module) -> list[_Documented]:
    return [
        node for node in ast.walk(module) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    ]


def _docs(module: ast.Module) -> dict[str, list[str]]:
    """The docstrings by the names that they are for."""
    found: dict[str, list[str]] = {}
    for node in _nodes(module):
        if doc := (ast.get_docstring(node) or "").strip():
            found.setdefault(node.name, []).append(doc)
    return found


def _put(lines: list[str], node: _Documented, doc: str) -> None:
    """Write a docstring into the lines, in the place of the one that is there."""
    first = node.body[0]
    start = min([first.lineno, *(each.lineno for each in getattr(first, "decorator_list", ()))]) - 1
    end = start
    if ast.get_docstring(node, clean=False) is not None:
        start, end = first.lineno - 1, first.end_lineno or first.lineno
    lines[start:end] = _literal(doc, lines[first.lineno - 1][: first.col_offset])


def _literal(doc: str, indent: str) -> list[str]:
    text = doc.replace("\\", "\\\\").replace('"""', "'''")
    rows = text.split("\n")
    closing = '"""' if len(rows) == 1 and not text.endswith('"') else ""
    body = [f'{indent}"""{rows[0]}{closing}', *(f"{indent}{row}".rstrip() for row in rows[1:])]
    return body if closing else [*body, f'{indent}"""']
