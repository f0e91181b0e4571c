"""Attributes that an object cannot have, as far as jedi is sure. Runs in the bridge's thread.

jedi's objects have no types worth the name, so they are `Any` in here. A false alarm costs more than a finding brings:
everything dynamic, half known or guarded is passed over.
"""

from __future__ import annotations

import difflib
import importlib
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from zicoder.assist.jedi_text import JediText

__all__ = ["Wrong", "attribute_uses", "is_wrong", "unresolved"]

Wrong = tuple[int, int, str]
"""(start, end, message), offsets in code points."""

MAX_USES = 2_000
_NEAR = 0.75
_DYNAMIC = ("__getattr__", "__getattribute__")
_PLAIN = re.compile(r"@(?:typing\.)?final\b|@(?:typing\.)?runtime_checkable\b|@(?:dataclasses\.)?dataclass\b")
"""Decorators that leave the attributes of a class as they are written."""
_COMMON = frozenset(
    name for kind in (str, bytes, bytearray, list, tuple, dict, set, int, float, Path, Exception) for name in dir(kind)
)
"""Attributes of what values are most often: where the object seems to lack one of these, jedi took it for another."""
_LITERALS: dict[str, type] = {kind.__name__: kind for kind in (str, bytes, int, float)}
"""Types whose values jedi holds as they are."""
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
    if attribute.startswith("__") or attribute in _COMMON or _is_guarded(name, text.snapshot.text, attribute):
        return None
    line, column = name.start_pos
    if script.goto(line, column):
        return None
    values = _receivers(script, name)
    if not values or len(values) > 4:
        return None
    messages = [_lack(value, attribute) for value in values]
    if not all(messages):
        return None
    start = text.offset(line, column)
    return start, start + len(attribute), messages[0]


def _receivers(script: Any, name: Any) -> list[Any]:
    """Jedi's values of what stands in front of the dot."""
    before = name.parent.get_previous_leaf()
    if before.type == "name":  # of a module this gives its code, not its stub
        return [value for receiver in script.infer(*before.start_pos) for value in receiver._name.infer()]
    context = script._get_module_context().create_context(name)
    return list(_helpers().infer_call_of_leaf(context, name, cut_own_trailer=True))


@cache
def _helpers() -> Any:
    """Jedi's own, imported late: jedi takes its time."""
    return importlib.import_module("jedi.inference.helpers")


def _lack(value: Any, attribute: str) -> str:
    """That the value has no such attribute, in words, if that is sure; else "".

    A module has the names that are written in it. An object may be of a class below the one that jedi sees, or of one
    that is mixed in: there only a name that is nearly one that exists is taken for a mistake.
    """
    if value.is_compiled():
        literal = _LITERALS.get(value.py__class__().py__name__()) if value.is_instance() else None
        owner, names = (f"`{literal.__name__}`" if literal is not None else ""), set[str](dir(literal))
    elif value.is_module():
        owner = _module(value, attribute)
        return f"{owner} has no attribute `{attribute}`." if owner else ""
    else:
        owner = _class(value, attribute)
        names = {str(name.string_name) for filter_ in value.get_filters() for name in filter_.values()} if owner else ()
    if not owner or attribute in names:
        return ""
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
        if each.is_compiled() or (node := each.tree_node) is None:
            return ""
        code: str = node.get_code()
        head = code.partition(":")[0]
        if any(word in code for word in _DYNAMIC) or ("metaclass" in head and "ABCMeta" not in head):
            return ""
        if not each.is_stub() and (_has_unknown_base(each) or _is_made_otherwise(node, code)):
            return ""
        if re.search(rf"(?<![.\w]){re.escape(attribute)}\b", code):
            return ""  # jedi did not see how it comes about, but something does
    return f"`{kind.py__name__()}`"


def _has_unknown_base(kind: Any) -> bool:
    return not all(base.infer() for base in kind.py__bases__() if hasattr(base, "infer"))


def _is_made_otherwise(node: Any, code: str) -> bool:
    """Whether something beside its own lines gives a class attributes: a decorator, `setattr`."""
    if _TELLTALE.search(code):
        return True
    if node.parent.type != "decorated":
        return False
    decorators = node.parent.children[0].get_code()
    return len(re.findall(r"^\s*@", decorators, re.M)) > len(_PLAIN.findall(decorators))


def _is_guarded(name: Any, code: str, attribute: str) -> bool:
    """Whether the file itself says that the attribute may be set from elsewhere, or may be absent."""
    if re.search(rf"""['"]{re.escape(attribute)}['"]|\.{re.escape(attribute)}\s*(?::[^=\n]*)?=[^=]""", code):
        return True
    receiver = _receiver(name)
    if re.search(rf"\b(?:isinstance|issubclass|hasattr)\(\s*{re.escape(receiver)}\s*,", code):
        return True
    node = name.parent
    while node is not None:
        if node.type == "try_stmt" and re.search(r"except[^:\n]*(AttributeError|Exception|:)", node.get_code()):
            return True
        node = node.parent
    return False


def _receiver(name: Any) -> str:
    """What stands in front of the dot."""
    trailer = name.parent
    before = trailer.parent.children[: trailer.parent.children.index(trailer)]
    return "".join(each.get_code() for each in before).strip()


def unresolved(script: Any, text: JediText, places: list[tuple[int, int, str]], seconds: float) -> Iterator[int]:
    """The numbers of those names that jedi, too, cannot find, as far as the time goes."""
    deadline = time.monotonic() + seconds
    for number, (start, _, _) in enumerate(places):
        if time.monotonic() > deadline:
            return
        if not script.goto(*text.place(start)):
            yield number
