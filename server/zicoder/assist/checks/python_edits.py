"""Edits of Python code that its syntax tree makes exact: taking out what is not used, the shape of a call.

For the checks' process. Edits are (start, end, text), offsets in code points.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from zicoder.assist.checks.python_places import Places

__all__ = ["call_of", "unused_import_edit", "unused_variable_edit"]

Made = list[tuple[int, int, str]]


def unused_import_edit(text: str, offset: int, name: str) -> Made:
    """Take the import of `name` (what it binds) on the line of `offset` out; nothing where there is none."""
    tree = _parsed(text)
    if tree is None:
        return []
    places = Places(text)
    for block in _blocks(tree):
        for node in block:
            if isinstance(node, (ast.Import, ast.ImportFrom)) and _touches(places, node, offset):
                for alias in node.names:
                    if name in (alias.asname, alias.name, alias.name.partition(".")[0], alias.name.rpartition(".")[2]):
                        return _without_alias(text, places, block, node, alias)
    return []


def _without_alias(
    text: str, places: Places, block: list[ast.stmt], node: ast.Import | ast.ImportFrom, alias: ast.alias
) -> Made:
    if len(node.names) > 1:
        at = node.names.index(alias)
        if at + 1 < len(node.names):
            return [(places.of(alias)[0], places.of(node.names[at + 1])[0], "")]
        return [(places.of(node.names[at - 1])[1], places.of(alias)[1], "")]
    return _without_statement(text, places, block, node)


def _without_statement(text: str, places: Places, block: list[ast.stmt], node: ast.stmt) -> Made:
    start, end = places.of(node)
    if len(block) == 1 and not isinstance(node, ast.Expr):
        is_module = places.line_start(start) == start and node.col_offset == 0
        if not is_module:
            return [(start, end, "pass")]
    first, last = places.line_start(start), places.line_end(max(start, end - 1))
    alone = not text[first:start].strip() and (not text[end:last].strip() or text[end:last].lstrip().startswith("#"))
    if alone:
        return [(first, last, "")]
    rest = text[end:last]
    if rest.lstrip().startswith(";"):
        return [
            (start, end + rest.index(";") + 1 + len(rest.partition(";")[2]) - len(rest.partition(";")[2].lstrip()), "")
        ]
    before = text[first:start].rstrip()
    return [(first + len(before.rstrip(";").rstrip()), end, "")] if before.endswith(";") else [(start, end, "pass")]


def unused_variable_edit(text: str, offset: int, name: str) -> Made:
    """Take the assignment to `name` at `offset` out, keeping a value that does something: a call, an `await`."""
    tree = _parsed(text)
    if tree is None:
        return []
    places = Places(text)
    for block in _blocks(tree):
        for node in block:
            if not _touches(places, node, offset):
                continue
            target, value = _assigned(node)
            if target is not None and target.id == name and value is not None:
                if any(isinstance(each, (ast.Call, ast.Await, ast.Yield, ast.YieldFrom)) for each in ast.walk(value)):
                    return [(places.of(target)[0], places.of(value)[0], "")]
                return _without_statement(text, places, block, node)
            if isinstance(node, (ast.With, ast.AsyncWith)):
                for item in node.items:
                    held = item.optional_vars
                    if isinstance(held, ast.Name) and held.id == name and _within(places, held, offset):
                        return [(places.of(item.context_expr)[1], places.of(held)[1], "")]
    return []


def _assigned(node: ast.stmt) -> tuple[ast.Name | None, ast.expr | None]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0], node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target, node.value
    return None, None


def call_of(text: str) -> list[str] | None:
    """Parameter names that fit the arguments of a call, `self.x(a, 1, key=2)`: ["a", "value", "key"].

    `*` and `**` in front of a name as in the call. None for what is no call.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(call, ast.Call):
        return None
    names: list[str] = []
    for argument in call.args:
        star = "*" if isinstance(argument, ast.Starred) else ""
        inner = argument.value if isinstance(argument, ast.Starred) else argument
        names.append(star + _fresh(_suggested(inner), names))
    after_star = any(name.startswith("*") for name in names)
    keywords = [keyword.arg for keyword in call.keywords if keyword.arg]
    if keywords and not after_star:
        keywords = [_fresh(keyword, names) for keyword in keywords]
    names += keywords
    return names + (["**options"] if any(keyword.arg is None for keyword in call.keywords) else [])


def _suggested(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr.lstrip("_") or "value"
    if isinstance(node, ast.Constant):
        kinds: dict[type, str] = {str: "text", int: "number", float: "number", bool: "flag", bytes: "data"}
        return kinds.get(type(node.value), "value")
    if isinstance(node, (ast.List, ast.ListComp, ast.Tuple, ast.Set, ast.SetComp, ast.GeneratorExp)):
        return "items"
    if isinstance(node, (ast.Dict, ast.DictComp)):
        return "mapping"
    if isinstance(node, (ast.Lambda, ast.FunctionType)):
        return "function"
    if isinstance(node, ast.Call):
        return _suggested(node.func).lower()
    return "text" if isinstance(node, ast.JoinedStr) else "value"


def _fresh(name: str, taken: list[str]) -> str:
    name = name if name.isidentifier() and name not in ("self", "cls") else "value"
    bare = {each.lstrip("*") for each in taken}
    return next(each for each in (name, *(f"{name}{number}" for number in range(2, 1000))) if each not in bare)


def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """Every list of statements, the inner ones too."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _touches(places: Places, node: ast.stmt, offset: int) -> bool:
    start, end = places.of(node)
    return places.line_start(start) <= offset <= end and start <= places.line_end(offset)


def _within(places: Places, node: ast.AST, offset: int) -> bool:
    start, end = places.of(node)
    return start <= offset <= end
