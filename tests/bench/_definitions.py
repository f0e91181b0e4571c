"""Finds the definitions of a source file and the doc comment of each, by tree-sitter.

Owns what the quality benchmark calls a definition. It must not use the product's chunkers: the yardstick may not
share its mistakes with what it measures.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

import tree_sitter
from tree_sitter import Node

__all__ = ["Definition", "definitions", "language_of"]

_SUFFIXES = {
    ".py": "python",
    ".pyi": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".mts": "typescript",
    ".tsx": "tsx",
    ".java": "java",
    ".kt": "kotlin",
    ".swift": "swift",
    ".go": "go",
    ".rs": "rust",
    ".c": "c",
    ".h": "cpp",
    ".hpp": "cpp",
    ".cpp": "cpp",
    ".cc": "cpp",
    ".cs": "c_sharp",
    ".rb": "ruby",
    ".php": "php",
}
_ENTRY = {"typescript": "language_typescript", "tsx": "language_tsx", "php": "language_php"}

_FUNCTIONS = frozenset(
    {
        "function_definition",
        "function_declaration",
        "generator_function_declaration",
        "method_definition",
        "method_declaration",
        "constructor_declaration",
        "init_declaration",
        "protocol_function_declaration",
        "function_item",
        "function_signature_item",
        "macro_definition",
        "function_expression",
        "method",
        "singleton_method",
    }
)
_TYPES = frozenset(
    {
        "class_definition",
        "class_declaration",
        "abstract_class_declaration",
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
        "record_declaration",
        "annotation_type_declaration",
        "object_declaration",
        "protocol_declaration",
        "type_spec",
        "struct_item",
        "enum_item",
        "trait_item",
        "impl_item",
        "struct_declaration",
        "class_specifier",
        "struct_specifier",
        "class",
        "module",
        "trait_declaration",
        "property_declaration",
    }
)
_WRAPPERS = frozenset(
    {
        "decorated_definition",
        "export_statement",
        "lexical_declaration",
        "variable_declaration",
        "expression_statement",
        "template_declaration",
        "type_declaration",
        "ambient_declaration",
    }
)
_FUNCTION_VALUES = frozenset(["arrow_function", "function_expression", "generator_function"])
_COMMENTS = frozenset(["comment", "line_comment", "block_comment", "multiline_comment"])
_PLAIN_COMMENT_LANGUAGES = frozenset(["go", "c", "cpp", "ruby", "php"])
"""Where plain comments serve as docs. Elsewhere docs have marks of their own, and these are notes about the code."""
_BETWEEN = frozenset(["attribute_item", "decorator", "attribute_list"])


@dataclass(frozen=True)
class Definition:
    symbol: str
    """Enclosing types and functions and its name, joined by dots."""
    function: bool
    start: int
    """Zero-based first line, decorators included, doc comment not."""
    end: int
    """Zero-based line after the last one."""
    doc: str
    """Its docstring or doc comment as it stands in the file, with its marks; "" without."""
    doc_start: int
    """Byte offsets of the doc; both 0 without."""
    doc_end: int
    alone: bool
    """The docstring is all there is in the body."""


def language_of(path: str) -> str | None:
    """The grammar for a path, by its suffix."""
    return _SUFFIXES.get(PurePosixPath(path).suffix.lower())


def definitions(source: bytes, language: str) -> list[Definition]:
    """All definitions of a file, outer ones before what they hold."""
    tree = tree_sitter.Parser(_grammar(language)).parse(source)
    found: list[Definition] = []
    stack: list[tuple[Node, tuple[str, ...]]] = [(tree.root_node, ())]
    while stack:
        node, scope = stack.pop()
        name, function = _named(node, not scope)
        if name and " " not in name:  # what is left of a macro may not look like a name
            scope = (*scope, name)
            if node.type != "impl_item":
                found.append(_definition(node, ".".join(scope), function, language))
        stack += [(child, scope) for child in reversed(node.named_children)]
    return found


@cache
def _grammar(language: str) -> tree_sitter.Language:
    module = importlib.import_module(f"tree_sitter_{'typescript' if language == 'tsx' else language}")
    return tree_sitter.Language(getattr(module, _ENTRY.get(language, "language"))())


def _definition(node: Node, symbol: str, function: bool, language: str) -> Definition:
    outer = node
    while outer.parent is not None and outer.parent.type in _WRAPPERS and outer.parent.start_byte <= outer.start_byte:
        outer = outer.parent
    while outer.parent is not None and outer.parent.type in _WRAPPERS and outer.parent.type != "decorated_definition":
        outer = outer.parent
    doc, alone = _docstring(node) if language == "python" else (_comments(outer, language), False)
    end = outer.end_point.row + (1 if outer.end_point.column else 0)
    return Definition(
        symbol=symbol,
        function=function,
        start=outer.start_point.row,
        end=max(end, outer.start_point.row + 1),
        doc="\n".join(_text(part) for part in doc),
        doc_start=doc[0].start_byte if doc else 0,
        doc_end=doc[-1].end_byte if doc else 0,
        alone=alone,
    )


def _named(node: Node, top: bool) -> tuple[str, bool]:
    """The name that a node defines, "" if it defines none, and whether it is code that can be called."""
    kind = node.type
    if kind == "function_expression" and node.parent is not None and node.parent.type != "arguments":
        return "", True  # it goes by the name of what it is assigned to
    if kind in _FUNCTIONS:
        return _function_name(node), True
    if kind in _TYPES:
        if kind.endswith("_specifier") and node.child_by_field_name("body") is None:
            return "", False
        inner = node.child_by_field_name("name") or node.child_by_field_name("type")
        return (_text(inner).split("<")[0] if inner else ""), False
    if kind in ("variable_declarator", "pair", "public_field_definition", "field_definition"):
        value = node.child_by_field_name("value")
        key = next(filter(None, map(node.child_by_field_name, ("name", "key", "property"))), None)
        function = value is not None and value.type in _FUNCTION_VALUES
        plain = key is not None and key.type in ("identifier", "property_identifier", "string")
        wanted = function or (top and kind == "variable_declarator") or (kind.endswith("_definition") and value)
        return (_text(key).strip("'\"") if key and plain and wanted else ""), function
    if kind in ("assignment_expression", "assignment"):
        return _assigned(node, top)
    return "", False


def _assigned(node: Node, top: bool) -> tuple[str, bool]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None:
        return "", False
    if left.type == "identifier" and node.type == "assignment":
        block = node.parent.parent if node.parent is not None else None
        owner = block.parent if block is not None else None
        return (_text(left) if top or (owner is not None and owner.type == "class_definition") else ""), False
    function = right is not None and right.type in _FUNCTION_VALUES
    if left.type == "member_expression" and function:
        return _text(left).replace(".prototype.", ".").removeprefix("module.exports.").removeprefix("exports."), True
    return "", False


def _function_name(node: Node) -> str:
    inner = node.child_by_field_name("name")
    if inner is not None:
        receiver = node.child_by_field_name("receiver")
        owner = _last_type(receiver) if receiver is not None else ""
        return f"{owner}.{_text(inner)}" if owner else _text(inner)
    if node.type == "init_declaration":
        return "init"
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type != "function_declarator":
        declarator = declarator.child_by_field_name("declarator")
    if declarator is None:
        return ""
    inner = declarator.child_by_field_name("declarator")
    name = _text(inner) if inner else ""
    parameters = declarator.child_by_field_name("parameters")
    if name.isupper() and parameters is not None and parameters.named_child_count == 1:
        name = _text(parameters).strip("() ")  # a macro that makes a method: NODE_METHOD(Database::prepare)
    return name.replace("::", ".")


def _last_type(receiver: Node) -> str:
    names = [_text(node) for node in _walk(receiver) if node.type == "type_identifier"]
    return names[0] if names else ""


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.named_children:
        yield from _walk(child)


def _docstring(node: Node) -> tuple[list[Node], bool]:
    body = node.child_by_field_name("body")
    if body is None or not body.named_children:
        return [], False
    statements = [child for child in body.named_children if child.type != "comment"]
    first = statements[0] if statements else None
    if first is None or first.type != "expression_statement" or len(first.named_children) != 1:
        return [], False
    string = first.named_children[0]
    return ([string], len(statements) == 1) if string.type == "string" else ([], False)


def _comments(node: Node, language: str) -> list[Node]:
    """The doc comment that ends on the line above a node: one block, or a run of line comments."""
    found: list[Node] = []
    row, before = node.start_point.row, node.prev_sibling
    while before is not None:
        last = before.end_point.row - (1 if before.end_point.column == 0 else 0)
        if before.type in _BETWEEN and not found:
            row = before.start_point.row
        elif before.type in _COMMENTS and last == row - 1 and _first_on_line(before):
            block = _text(before).startswith("/*")
            if block and found:
                break
            found.insert(0, before)
            row = before.start_point.row
            if block:
                break
        else:
            break
        before = before.prev_sibling
    marked = bool(found) and _text(found[0]).startswith(("/**", "///", "/*!"))
    return found if marked or language in _PLAIN_COMMENT_LANGUAGES else []


def _first_on_line(node: Node) -> bool:
    before = node.prev_sibling
    return before is None or before.end_point.row < node.start_point.row or before.end_point.column == 0


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
