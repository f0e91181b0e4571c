"""Calls whose arguments do not fit what is called, as far as jedi is sure. Runs in the bridge's thread.

jedi's objects have no types worth the name, so they are `Any` in here. Judged is only what is plain: one definition in
Python, without `*args`, `**options` and decorators that could change it; everything else is passed over.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from zicoder.assist.jedi_text import JediText

__all__ = ["Misfit", "call_uses", "misfits", "parameters_at"]

Misfit = tuple[int, int, str, str]
"""(start, end, message, code), offsets in code points; the codes are "call-keyword" and "call-arguments"."""

MAX_USES = 2_000
_NEAR = 0.7
_HARMLESS = frozenset(("staticmethod", "classmethod"))
_EXPECTED = re.compile(r"except[^:\n]*(?:TypeError|Exception|:)")
_RAISES = re.compile(r"\b(?:raises|assertRaises|suppress|warns)\w*\s*\(")


@dataclass(frozen=True, slots=True)
class _Parameters:
    """What a function takes, without the one that its object is bound to."""

    positional: tuple[str, ...]
    by_name: tuple[str, ...]
    required: tuple[str, ...]


def call_uses(tree: Any) -> list[Any]:
    """The brackets of calls of a name, in order; parso's nodes."""
    found: list[Any] = []
    pending = [tree]
    while pending and len(found) < MAX_USES:
        node = pending.pop()
        if node.type == "trailer" and node.children[0] == "(" and node.get_previous_leaf().type == "name":
            found.append(node)
        if hasattr(node, "children"):
            pending += reversed(node.children)
    return found


def misfits(script: Any, text: JediText, call: Any) -> list[Misfit]:
    """What of the call's arguments surely does not fit; [] for everything that is not sure."""
    if _is_expected(call):
        return []
    called = call.get_previous_leaf()
    parameters = _parameters(script, called)
    return _judged(text, call, called, parameters) if parameters is not None else []


def parameters_at(script: Any, text: JediText, offset: int) -> list[str]:
    """The names that the innermost call around an offset takes, whatever jedi believes of them."""
    found: list[Any] = script.get_signatures(*text.place(offset))
    return [str(each.name) for signature in found for each in signature.params]


def _judged(text: JediText, call: Any, called: Any, parameters: _Parameters) -> list[Misfit]:
    positional, keywords, starred = _arguments(call)
    name = called.value
    found: list[Misfit] = []
    for leaf in keywords:
        if leaf.value not in parameters.by_name:
            given: set[str] = {other.value for other in keywords}
            free = [each for each in parameters.by_name if each not in given]
            meant: list[str] = difflib.get_close_matches(str(leaf.value), free, 1, _NEAR)
            hint = f" Did you mean `{meant[0]}`?" if meant else ""
            found.append((*_span(text, leaf), f"`{name}` has no parameter `{leaf.value}`.{hint}", "call-keyword"))
    if found or starred:
        return found
    most = len(parameters.positional)
    if len(positional) > most:
        takes = f"{most or 'no'} positional argument{'' if most == 1 else 's'}"
        message = f"`{name}` takes {takes}, but {len(positional)} are given."
        return [(*_span(text, positional[most]), message, "call-arguments")]
    filled = {*parameters.positional[: len(positional)], *(leaf.value for leaf in keywords)}
    missing = [each for each in parameters.required if each not in filled]
    if missing:
        names = ", ".join(f"`{each}`" for each in missing)
        return [(*_span(text, called), f"`{name}` is called without {names}.", "call-arguments")]
    return []


def _arguments(call: Any) -> tuple[list[Any], list[Any], bool]:
    """The nodes of what is given by position, the names of what is given by name, and whether there is a star."""
    inner = call.children[1:-1]
    given = inner[0].children if inner and inner[0].type == "arglist" else inner
    positional: list[Any] = []
    keywords: list[Any] = []
    starred = False
    for each in given:
        if each == ",":
            continue
        if each.type == "argument" and each.children[0] in ("*", "**"):
            starred = True
        elif each.type == "argument" and each.children[1] == "=":
            keywords.append(each.children[0])
        else:
            positional.append(each)
    return positional, keywords, starred


def _parameters(script: Any, called: Any) -> _Parameters | None:
    line, column = called.start_pos
    definitions: list[Any] = script.goto(line, column, follow_imports=True)
    if len(definitions) != 1 or definitions[0].type not in ("function", "class"):
        return None
    name = definitions[0]._name
    tree_name = getattr(name, "tree_name", None)
    node = tree_name.get_definition() if tree_name is not None else None
    if node is None or node.type not in ("funcdef", "classdef") or node.name is not tree_name or not _is_only(node):
        return None
    if node.type == "classdef":
        return _of_class(name)
    owner = _scope_of(node)
    if owner is None or owner.type != "classdef":
        return _of_function(node, bound=False) if not _decorators(node) else None
    return _of_method(script, called, node)


def _of_method(script: Any, called: Any, node: Any) -> _Parameters | None:
    """A method called through a name: `self.f()`, `cls.f()`, `thing.f()`, `Class.f()`."""
    decorators = _decorators(node)
    if not decorators <= _HARMLESS:
        return None
    point: Any = called.get_previous_leaf()
    before: Any = point.get_previous_leaf() if point is not None and point.value == "." else None
    if before is None or before.type != "name":
        return None
    values = [value for receiver in script.infer(*before.start_pos) for value in receiver._name.infer()]
    if not values or not (all(v.is_instance() for v in values) or all(v.is_class() for v in values)):
        return None
    bound = "classmethod" in decorators or (values[0].is_instance() and "staticmethod" not in decorators)
    return _of_function(node, bound=bound)


def _of_class(name: Any) -> _Parameters | None:
    """What a class takes, from the `__init__` that it has or inherits."""
    values = list(name.infer())
    if len(values) != 1 or not hasattr(values[0], "py__mro__"):
        return None
    for each in values[0].py__mro__():
        node = None if each.is_compiled() else each.tree_node
        if node is None or _decorators(node) or "metaclass" in node.get_code().partition(":")[0]:
            return None
        bases = each.py__bases__() if hasattr(each, "py__bases__") else ()
        if not all(base.infer() for base in bases if hasattr(base, "infer")):
            return None
        methods = {method.name.value: method for method in node.iter_funcdefs()}
        if "__new__" in methods:
            return None
        if "__init__" in methods:
            init = methods["__init__"]
            return _of_function(init, bound=True) if not _decorators(init) and _is_only(init) else None
    return None


def _of_function(node: Any, *, bound: bool) -> _Parameters | None:
    positional: list[str] = []
    by_position_only = 0
    by_name: list[str] = []
    optional: set[str] = set()
    named_only = False
    for each in node.children[2].children:
        if each == "/":
            by_position_only = len(positional)
        elif each == "*":
            named_only = True
        elif each.type == "param":
            if each.star_count:
                return None
            (by_name if named_only else positional).append(each.name.value)
            if each.default is not None:
                optional.add(each.name.value)
    if bound:
        if not positional:
            return None
        positional = positional[1:]
        by_position_only = max(0, by_position_only - 1)
    required = [each for each in (*positional, *by_name) if each not in optional]
    return _Parameters(tuple(positional), (*positional[by_position_only:], *by_name), tuple(required))


def _decorators(node: Any) -> set[str]:
    """What stands behind the @ of a definition, "" for what is more than a name."""
    outer = node.parent
    if outer is not None and outer.type in ("async_funcdef", "async_stmt"):
        outer = outer.parent
    if outer is None or outer.type != "decorated":
        return set()
    listed = outer.children[0]
    every = listed.children if listed.type == "decorators" else [listed]
    return {each.children[1].value if each.children[1].type == "name" else "" for each in every}


def _is_only(node: Any) -> bool:
    """Whether the scope binds the name once: another definition may be the one that counts."""
    scope = _scope_of(node)
    code: str = scope.get_code() if scope is not None else ""
    name = re.escape(node.name.value)
    defined = re.findall(rf"(?m)^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+{name}\b", code)
    assigned = re.search(rf"(?m)^[ \t]*(?:self\.|cls\.)?{name}[ \t]*(?::[^=\n]+)?=(?!=)", code)
    return len(defined) == 1 and assigned is None


def _scope_of(node: Any) -> Any:
    found = node.parent
    while found is not None and found.type not in ("funcdef", "classdef", "file_input"):
        found = found.parent
    return found


def _is_expected(call: Any) -> bool:
    """Whether the code around the call is prepared for it to fail."""
    node = call.parent
    while node is not None:
        if node.type == "try_stmt" and _EXPECTED.search(node.get_code()):
            return True
        if node.type == "with_stmt" and _RAISES.search(node.get_code().partition(":")[0]):
            return True
        node = node.parent
    return False


def _span(text: JediText, node: Any) -> tuple[int, int]:
    start = text.offset(*node.start_pos)
    end = text.offset(*node.end_pos)
    lines = text.snapshot.lines
    return start, min(end, max(start + 1, lines.content_end(lines.position(start).line)))
