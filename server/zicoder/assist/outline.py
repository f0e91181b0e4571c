"""A document's outline from parso's error-tolerant tree: what is defined where, also in code that does not compile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from zicoder.assist.jedi_text import JediText
from zicoder.assist.types import Symbol, SymbolKind

__all__ = ["outline"]

_PROPERTY_DECORATORS = ("property", "cached_property", "setter", "getter", "deleter", "abstractproperty")


@dataclass
class _Scope:
    """The definitions directly inside a module, class or function."""

    kind: str
    symbols: list[Symbol] = field(default_factory=list[Symbol])
    variables: set[str] = field(default_factory=set[str])


def outline(tree: Any, text: JediText) -> tuple[Symbol, ...]:
    """Classes, functions and, outside functions, the first assignment of each variable; nested as the code is."""
    scope = _Scope("module")
    for node in tree.children:
        _collect(node, text, scope)
    return tuple(scope.symbols)


def _collect(node: Any, text: JediText, scope: _Scope, whole: Any = None, decorators: tuple[str, ...] = ()) -> None:
    """Add what `node` defines to `scope`; `whole` is the node with its decorators and `async`."""
    kind: str = node.type
    if kind in ("funcdef", "classdef"):
        scope.symbols.append(_definition(node, whole or node, text, _kind_of(node, scope, decorators)))
    elif kind == "decorated":
        _collect(node.children[-1], text, scope, node, tuple(_decorator_names(node.children[0])))
    elif kind in ("async_stmt", "async_funcdef"):
        _collect(node.children[-1], text, scope, whole or node, decorators)
    elif kind == "expr_stmt":
        if scope.kind != "function":
            _add_variables(node, text, scope)
    elif hasattr(node, "children") and kind not in ("error_leaf", "lambdef", "atom", "trailer", "atom_expr"):
        for child in node.children:
            _collect(child, text, scope)


def _kind_of(node: Any, scope: _Scope, decorators: tuple[str, ...]) -> SymbolKind:
    if node.type == "classdef":
        return "class"
    if scope.kind != "class":
        return "function"
    if node.name.value == "__init__":
        return "constructor"
    return "property" if any(name in _PROPERTY_DECORATORS for name in decorators) else "method"


def _decorator_names(node: Any) -> Iterator[str]:
    """The last name of each decorator: "setter" of `@x.setter`, "lru_cache" of `@functools.lru_cache(1)`."""
    for decorator in node.children if node.type == "decorators" else [node]:
        source: str = decorator.children[1].get_code(include_prefix=False)
        yield source.partition("(")[0].rpartition(".")[2].strip()


def _definition(node: Any, whole: Any, text: JediText, kind: SymbolKind) -> Symbol:
    scope = _Scope("class" if kind == "class" else "function")
    _collect(node.children[-1], text, scope)
    start, end = _span(whole, text)
    name_start, name_end = _span(node.name, text)
    return Symbol(node.name.value, kind, start, end, name_start, name_end, tuple(scope.symbols))


def _add_variables(node: Any, text: JediText, scope: _Scope) -> None:
    for name in node.get_defined_names():
        # In `a.b = 1` the defined name is the attribute `b`; that belongs to `a`, not to this scope.
        if name.parent.type == "trailer" or name.value in scope.variables:
            continue
        scope.variables.add(name.value)
        start, end = _span(node, text)
        name_start, name_end = _span(name, text)
        kind: SymbolKind = "constant" if name.value.isupper() else "variable"
        scope.symbols.append(Symbol(name.value, kind, start, end, name_start, name_end))


def _span(node: Any, text: JediText) -> tuple[int, int]:
    """Offsets of a node, without the line break that ends its last statement."""
    last = node.get_last_leaf()
    end = last.start_pos if last.type == "newline" else last.end_pos
    return text.offset(*node.start_pos), text.offset(*end)
