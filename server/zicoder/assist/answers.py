"""From jedi's objects to our plain values. Runs in the bridge's thread; may raise whatever jedi raises.

jedi's objects compute on attribute access and have no types worth the name, so they are `Any` in here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zicoder.assist.jedi_text import JediText
from zicoder.assist.markdown import code_span, docs_markdown, fenced
from zicoder.assist.types import (
    CompletionDetail,
    CompletionItem,
    CompletionKind,
    CompletionList,
    HoverInfo,
    Location,
    ParameterInfo,
    SignatureHelp,
    SignatureInfo,
)
from zicoder.text import Position

__all__ = ["MAX_ITEMS", "completion_detail", "completion_list", "hover_info", "locations", "signature_help"]

MAX_ITEMS = 500
"""Longest completion list. A client sorts and draws each item; past some hundreds nobody scrolls, typing filters."""

_KIND_SECONDS = 0.05
"""Time spent on exact kinds. jedi opens the defining module for each, ten seconds for a first `numpy.`."""

_MAX_OVERLOADS = 4
"""Overloads shown in a hover; `subprocess.run` has six of forty lines each."""

_KINDS: dict[str, CompletionKind] = {
    "class": "class",
    "function": "function",
    "keyword": "keyword",
    "module": "module",
    "namespace": "module",
    "path": "file",
    "property": "property",
}


def completion_list(found: Sequence[Any], offset: int, serial: int) -> tuple[CompletionList, list[Any]]:
    """The list for the editor, and the jedi objects its tokens `serial:index` count."""
    if not found:
        return CompletionList(start=offset, end=offset), []
    prefix: int = found[0].get_completion_prefix_length()
    # All items of a list replace one range; jedi mixes in others only inside brackets of dictionaries.
    fitting = [each for each in found if each.get_completion_prefix_length() == prefix]
    ranked = sorted(fitting, key=lambda each: _sort_key(each.name_with_symbols))[:MAX_ITEMS]
    deadline = time.monotonic() + _KIND_SECONDS
    items = tuple(_item(each, f"{serial}:{index}", deadline) for index, each in enumerate(ranked))
    return CompletionList(items, offset - prefix, offset, incomplete=len(fitting) > MAX_ITEMS), ranked


def _item(completion: Any, token: str, deadline: float) -> CompletionItem:
    label: str = completion.name_with_symbols
    exact = time.monotonic() < deadline
    kind = _KINDS.get(completion.type, "variable") if exact else _guessed_kind(label)
    return CompletionItem(label, kind, label, _sort_key(label), token)


def _sort_key(label: str) -> str:
    """Arguments of the call first, then public names, _private, __dunder__; within those, case does not count."""
    if label.endswith("="):
        rank = 0
    elif label.startswith("__"):
        rank = 3
    else:
        rank = 2 if label.startswith("_") else 1
    return f"{rank}{label.lower()}"


def _guessed_kind(label: str) -> CompletionKind:
    """What the name looks like, by Python's naming conventions."""
    bare = label.lstrip("_")
    return "class" if bare[:1].isupper() and not bare.isupper() else "variable"


def completion_detail(completion: Any) -> CompletionDetail:
    """Signature and documentation of one item."""
    signatures = _signature_lines(completion)
    docs: str = completion.docstring(raw=True, fast=False)
    return CompletionDetail(signatures[0] if signatures else "", docs_markdown(docs), docs)


def _signature_lines(name: Any) -> list[str]:
    return [signature.to_string() for signature in name.get_signatures()[:_MAX_OVERLOADS]]


def hover_info(name: Any, start: int, end: int, type_hint: str | None) -> HoverInfo:
    """What there is to say about a name, and for which range of the document."""
    code = _headline(name, type_hint)
    docs: str = name.docstring(raw=True)
    parts = [fenced(code)]
    plain = [code]
    if docs.strip():
        parts.append(docs_markdown(docs))
        plain.append(docs)
    module = _module(name)
    if module and module != "__main__" and name.type not in ("keyword", "module"):
        parts.append(f"Defined in {code_span(module)}")
        plain.append(f"Defined in {module}")
    path: Path | None = name.module_path
    line: int | None = name.line
    place = (path, line - 1) if path is not None and line is not None else (None, 0)
    return HoverInfo("\n\n".join(parts), "\n\n".join(plain), start, end, *place)


def _module(name: Any) -> str:
    """The module that a name is from, as it is imported: jedi counts a folder `src` that is no package."""
    module: str = name.module_name or ""
    first, _, rest = module.partition(".")
    path: Path | None = name.module_path
    if first != "src" or not rest or path is None:
        return module
    source = next((each for each in path.parents if each.name == first), None)
    return module if source is None or (source / "__init__.py").exists() else rest


def _headline(name: Any, type_hint: str | None) -> str:
    """The declaration, as one would write it."""
    kind: str = name.type
    if kind in ("function", "class"):
        word = "def" if kind == "function" else "class"
        return "\n".join(f"{word} {line}" for line in _signature_lines(name)) or f"{word} {name.name}"
    if kind in ("module", "namespace"):
        return f"module {name.full_name or name.name}"
    if kind == "keyword":
        return str(name.name)
    return f"{name.name}: {type_hint}" if type_hint else str(name.description).splitlines()[0]


def signature_help(found: Sequence[Any]) -> SignatureHelp | None:
    """Every signature of the call under the cursor; active is the first that still has room for the argument."""
    if not found:
        return None
    signatures = tuple(_signature(each) for each in found)
    fitting = (index for index, each in enumerate(signatures) if each.active_parameter is not None)
    return SignatureHelp(signatures, next(fitting, 0))


def _signature(signature: Any) -> SignatureInfo:
    label: str = signature.to_string()
    at = label.find("(") + 1
    parameters: list[ParameterInfo] = []
    for parameter in signature.params:
        text: str = parameter.to_string()
        start = label.find(text, at)
        if start >= 0:
            at = start + len(text)
            parameters.append(ParameterInfo(start, at))
    index: int | None = signature.index
    docs: str = signature.docstring(raw=True)
    active = index if index is not None and index < len(parameters) else None
    return SignatureInfo(label, tuple(parameters), active, docs_markdown(docs), docs)


def locations(names: Sequence[Any], text: JediText) -> tuple[Location, ...]:
    """Where names are defined, in a stable order; those without source (compiled modules) are left out."""
    found = {place for name in names if (place := _location(name, text)) is not None}
    return tuple(sorted(found, key=lambda place: (str(place.path or ""), place.start)))


def _location(name: Any, text: JediText) -> Location | None:
    line: int | None = name.line
    if line is None:
        return None
    column: int = name.column
    path: Path | None = name.module_path
    own = text.snapshot.path
    if path is None or path == own:
        start = text.position(line, column)
        line_text = text.snapshot.lines.line(start.line)
        path = own
    else:
        start = Position(line - 1, column)
        line_text = str(name.get_line_code()).rstrip("\r\n").removeprefix("\ufeff")
    # A module is defined at the top of its file, where its name does not stand.
    length = len(name.name) if line_text[start.column :].startswith(name.name) else 0
    return Location(path, start, Position(start.line, start.column + length), line_text)
