"""Finds functions and classes with their documentation and the comments inside them, in every language of the corpus.

Python goes through `ast` (docstrings are inside the body), everything else through tree-sitter (comments stand before).
"""
# tree-sitter's capture dictionaries are typed loosely by its stubs.
# The grammars hand their language over as a number, which tree-sitter calls deprecated.
# pyright: reportDeprecated=false
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import ast
import importlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tree_sitter import Language, Node, Parser, Query, QueryCursor

__all__ = ["Function", "functions_in"]

_GRAMMARS = {
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "java": ("tree_sitter_java", "language"),
    "kotlin": ("tree_sitter_kotlin", "language"),
    "swift": ("tree_sitter_swift", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
}
_SCRIPT = (
    "function_declaration",
    "generator_function_declaration",
    "method_definition",
    "lexical_declaration",
    "expression_statement",
    "class_declaration",
)
_NODES = {
    "javascript": _SCRIPT,
    "typescript": (*_SCRIPT, "interface_declaration"),
    "tsx": (*_SCRIPT, "interface_declaration"),
    "java": ("method_declaration", "class_declaration", "interface_declaration"),
    "kotlin": ("function_declaration", "class_declaration"),
    "swift": ("function_declaration", "class_declaration"),
    "c": ("function_definition",),
    "cpp": ("function_definition", "class_specifier"),
}
_WRAPPERS = frozenset({"export_statement", "template_declaration"})
_ASSIGNED_FUNCTION = re.compile(
    r"^(?:(?:const|let|var)\s+)?([\w$.]+)\s*=\s*(?:async\s+)?(?:function\b|\([^()]*\)[^=;{]*=>|\w+\s*=>|class\b)"
)
_COMMENT_MARKS = re.compile(r"^\s*(?:/\*\*?|\*/|\*(?!/)|//[/!]?|#+)?[ \t]?|\*/\s*$", re.MULTILINE)
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Function:
    """A definition: `code` is its text without documentation, `doc` the documentation without comment marks."""

    name: str
    scope: str
    doc: str
    code: str


def functions_in(text: str, language: str) -> Iterator[Function]:
    """Every definition of one file; nothing from a file that cannot be parsed."""
    if language == "python":
        yield from _python_functions(text)
    else:
        yield from _other_functions(text.encode(), language)


def _python_functions(text: str) -> Iterator[Function]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    lines = text.splitlines()
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, scope = stack.pop()
        inner = scope
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield _python_function(node, scope, lines)
            inner = node.name
        stack.extend((child, inner) for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


def _python_function(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: str, lines: list[str]
) -> Function:
    doc = ast.get_docstring(node) or ""
    last = node.end_lineno or node.lineno
    if isinstance(node, ast.ClassDef):
        # a class is embedded as its head; its methods are chunks of their own
        methods = [c.lineno for c in node.body if isinstance(c, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
        last = min([last, *(line - 1 for line in methods)])
    kept = lines[node.lineno - 1 : last]
    if doc:
        first = node.body[0]
        start, end = first.lineno - node.lineno, (first.end_lineno or first.lineno) - node.lineno + 1
        kept = kept[:start] + kept[end:]
    return Function(node.name, scope, doc, "\n".join(kept)[:_LONGEST])


@lru_cache
def _grammar(language: str) -> tuple[Parser, Query]:
    module, factory = _GRAMMARS[language]
    loaded: Any = importlib.import_module(module)
    grammar = Language(getattr(loaded, factory)())
    pattern = "[" + " ".join(f"({kind})" for kind in _NODES[language]) + "] @definition"
    return Parser(grammar), Query(grammar, pattern)


def _other_functions(content: bytes, language: str) -> Iterator[Function]:
    parser, query = _grammar(language)
    root = parser.parse(content).root_node
    for node in QueryCursor(query).captures(root).get("definition", []):
        text = content[node.start_byte : min(node.end_byte, node.start_byte + _LONGEST)].decode("utf-8", "replace")
        name = _name_of(node, text)
        if name:
            yield Function(name.rsplit(".", 1)[-1], _scope_of(node, name), _doc_before(node), text)


def _name_of(node: Node, text: str) -> str:
    if node.type in ("lexical_declaration", "expression_statement"):
        assigned = _ASSIGNED_FUNCTION.match(text[:400])
        return assigned[1] if assigned else ""
    named = node.child_by_field_name("name")
    declarator = node.child_by_field_name("declarator")
    while named is None and declarator is not None:
        inner = declarator.child_by_field_name("declarator")
        if inner is None:
            named = declarator
        declarator = inner
    return (named.text or b"").decode("utf-8", "replace").replace("::", ".") if named is not None else ""


def _scope_of(node: Node, name: str) -> str:
    if "." in name:
        return name.rsplit(".", 1)[0].replace(".prototype", "")
    parent = node.parent
    while parent is not None:
        if "class" in parent.type or "interface" in parent.type:
            named = parent.child_by_field_name("name")
            if named is not None:
                return (named.text or b"").decode("utf-8", "replace")
        parent = parent.parent
    return ""


def _doc_before(node: Node) -> str:
    if node.parent is not None and node.parent.type in _WRAPPERS:
        node = node.parent
    parts: list[str] = []
    line = node.start_point[0]
    previous = node.prev_sibling
    while previous is not None and "comment" in previous.type and previous.end_point[0] >= line - 1:
        parts.append((previous.text or b"").decode("utf-8", "replace"))
        line = previous.start_point[0]
        previous = previous.prev_sibling
    return _COMMENT_MARKS.sub("", "\n".join(reversed(parts))).strip()
