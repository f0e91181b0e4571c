"""Attributes that an object cannot have, as far as jedi is sure. Runs in the bridge's thread.

jedi's objects have no types worth the name, so they are `Any` in here. A false alarm costs more than a finding brings:
everything dynamic, half known or guarded is passed over.
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Iterator
from typing import Any

from zicoder.assist.jedi_text import JediText

__all__ = ["Wrong", "attribute_uses", "is_wrong", "unresolved"]

Wrong = tuple[int, int, str]
"""(start, end, message), offsets in code points."""

MAX_USES = 2_000
_NEAR = 0.75
_DYNAMIC = ("__getattr__", "__getattribute__")
_TELLTALE = re.compile(r"\bsetattr\s*\(|__dict__|\bexec\s*\(|__slots__|namedtuple|\bvars\s*\(")


def attribute_uses(tree: Any) -> list[Any]:
    """The names behind a point that are read, in order; parso's leaves."""
    found: list[Any] = []
    pending = [tree]
    while pending and len(found) < MAX_USES:
        node = pending.pop()
        if node.type == "trailer" and node.children[0] == "." and _is_read(node):
            found.append(node.children[1])
        if hasattr(node, "children"):
            pending += reversed(node.children)
    return found


def _is_read(trailer: Any) -> bool:
    whole = trailer.parent
    last = whole.children[-1] is trailer
    if not last:
        return True
    if whole.parent.type == "del_stmt":
        return False
    return not trailer.children[1].is_definition()


def is_wrong(script: Any, text: JediText, name: Any) -> Wrong | None:
    """Whether what stands in front of this name surely has no such attribute."""
    attribute: str = name.value
    if attribute.startswith("__") or _is_guarded(name, text.snapshot.text, attribute):
        return None
    line, column = name.start_pos
    if script.goto(line, column):
        return None
    before = name.parent.get_previous_leaf()
    receivers: list[Any] = script.infer(*before.start_pos) if before.type == "name" else []
    values = [value for receiver in receivers for value in receiver._name.infer()]
    if not values or len(values) > 4:
        return None
    messages = [_lack(value, attribute) for value in values]
    if not all(messages):
        return None
    start = text.offset(line, column)
    return start, start + len(attribute), messages[0]


def _lack(value: Any, attribute: str) -> str:
    """That the value has no such attribute, in words, if that is sure; else "".

    A module has the names that are written in it. An object may be of a class below the one that jedi sees, or of one
    that is mixed in: there only a name that is nearly one that exists is taken for a mistake.
    """
    if value.is_compiled():
        return ""
    if value.is_module():
        owner = _module(value, attribute)
        return f"{owner} has no attribute `{attribute}`." if owner else ""
    owner = _class(value, attribute)
    if not owner:
        return ""
    names = {str(name.string_name) for filter_ in value.get_filters() for name in filter_.values()}
    meant = difflib.get_close_matches(attribute, names, 1, _NEAR)
    return f"{owner} has no attribute `{attribute}`. Did you mean `{meant[0]}`?" if meant else ""


def _module(value: Any, attribute: str) -> str:
    tree: Any = value.tree_node
    code = str(tree.get_code()) if tree is not None else ""
    names = {str(name.string_name) for filter_ in value.get_filters() for name in filter_.values()}
    known = tree is not None and "__getattr__" not in names and not value.is_package()
    if not known or attribute in names or re.search(rf"\b{re.escape(attribute)}\b", code):
        return ""  # a stub may have it for another version of Python
    return f"The module `{value.py__name__()}`"


def _class(value: Any, attribute: str) -> str:
    kind = value if value.is_class() else value.py__class__() if value.is_instance() else None
    if kind is None or not hasattr(kind, "py__mro__"):
        return ""
    for each in kind.py__mro__():
        if each.py__name__() == "object":
            continue
        if each.is_compiled():
            return ""
        node = each.tree_node
        unknown_base = hasattr(each, "py__bases__") and not all(
            base.infer() for base in each.py__bases__() if hasattr(base, "infer")
        )
        code: str = node.get_code() if node is not None else ""
        decorated = node is not None and node.parent.type == "decorated"
        is_stub = "typeshed" in str(each.py__file__() if hasattr(each, "py__file__") else "")
        dynamic = any(word in code for word in _DYNAMIC) or (_TELLTALE.search(code) and not is_stub)
        if node is None or unknown_base or dynamic or decorated or "metaclass" in code.partition(":")[0]:
            return ""
        if re.search(rf"(?<![.\w]){re.escape(attribute)}\b", code):
            return ""  # jedi did not see how it comes about, but something does
    return f"`{kind.py__name__()}`"


def _is_guarded(name: Any, code: str, attribute: str) -> bool:
    """Whether the file itself says that the attribute may be set from elsewhere, or may be absent."""
    if re.search(rf"""['"]{re.escape(attribute)}['"]|\.{re.escape(attribute)}\s*(?::[^=\n]*)?=[^=]""", code):
        return True
    node = name.parent
    while node is not None:
        if node.type == "try_stmt" and re.search(r"except[^:\n]*(AttributeError|Exception|:)", node.get_code()):
            return True
        node = node.parent
    return False


def unresolved(script: Any, text: JediText, places: list[tuple[int, int, str]], seconds: float) -> Iterator[int]:
    """The numbers of those names that jedi, too, cannot find, as far as the time goes."""
    deadline = time.monotonic() + seconds
    for number, (start, _, _) in enumerate(places):
        if time.monotonic() > deadline:
            return
        if not script.goto(*text.place(start)):
            yield number
