"""Frames to fill in, for the Python function or class at the cursor: docstring, annotations, missing methods, tests.

Read from parso's error-tolerant tree in the bridge's thread, so its nodes are `Any` in here. What is written down is
what the code says; where it says nothing, a word to be replaced stands.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zicoder.assist.actions.action import Action, Asked, Change, FileChange
from zicoder.assist.actions.python_imports import Import, import_edit
from zicoder.assist.actions.python_modules import module_of
from zicoder.assist.jedi_bridge import JediBridge
from zicoder.assist.jedi_text import JediText
from zicoder.text import Edit

__all__ = ["Skeletons"]

KIND = "refactor.rewrite"
MAX_METHODS = 60
_SIMPLE_TYPES = {
    "str": "str", "int": "int", "float": "float", "bool": "bool", "bytes": "bytes", "list": "list", "dict": "dict",
    "set": "set", "tuple": "tuple",
}  # fmt: skip
Made = tuple[str, list[tuple[int, int, str]]]
"""A title and edits."""


class Skeletons:
    """Actions for a definition whose first lines the cursor is on."""

    def __init__(self, jedi: Callable[[], JediBridge]) -> None:
        self._jedi = jedi

    async def actions(self, asked: Asked) -> list[Action]:
        """What is missing in the definition at the cursor."""
        snapshot = asked.snapshot
        if snapshot.language != "python" or not (asked.wants(KIND) or asked.wants("quickfix")):
            return []

        def ask(script: Any, text: JediText) -> list[Made]:
            return _made(script, text, asked.start)

        made = await self._jedi().work("skeletons", snapshot, ask, list[Made](), urgent=True)
        found: list[Action] = []
        for title, edits in made:
            changes = [Edit(*each) for each in edits]
            says_any = title.startswith("Add type") and any(re.search(r"\bAny\b", each.text) for each in changes)
            if says_any and not re.search(r"(?m)^\s*from typing import .*\bAny\b", snapshot.text):
                changes.append(import_edit(snapshot, Import("typing", "Any")))
            missing = title.startswith("Implement")
            kind = "quickfix" if missing and _about_abstract(asked) else KIND
            if asked.wants(kind):
                found.append(Action(title=title, kind=kind, change=Change(tuple(changes)), rank=35 if missing else 70))
        test = await asyncio.to_thread(_test_file, asked) if asked.wants(KIND) else None
        return [*found, *([test] if test else [])]


def _about_abstract(asked: Asked) -> bool:
    return any("abstract" in each.message.lower() for each in asked.problems)


def _made(script: Any, text: JediText, offset: int) -> list[Made]:
    line, column = text.place(offset)
    leaf = script._module_node.get_leaf_for_position((line, column), include_prefixes=True)
    node = leaf
    while node is not None and node.type not in ("funcdef", "classdef"):
        node = node.parent
    if node is None:
        return []
    head: Any = next((each for each in node.children if each == ":"), None)
    # On the head alone: these would be in the way of whoever works inside the body.
    if head is None or not node.start_pos[0] <= line <= head.end_pos[0]:
        return []
    made = [_docstring(node, text)]
    if node.type == "funcdef":
        made.append(_annotations(script, node, text))
    else:
        made.append(_missing_methods(script, node, text))
    return [each for each in made if each is not None]


def _docstring(node: Any, text: JediText) -> Made | None:
    suite = node.children[-1]
    if suite.type != "suite" or node.get_doc_node() is not None:
        return None
    newline = text.snapshot.newline
    first = next(child for child in suite.children if child.type != "newline")
    margin = " " * first.start_pos[1]
    lines = ['"""Describe it."""'] if node.type == "classdef" else _doc_lines(node)
    at = text.offset(first.start_pos[0], 0)
    body = newline.join(margin + each if each else "" for each in lines)
    return f"Add a docstring to `{node.name.value}`", [(at, at, body + newline)]


def _doc_lines(node: Any) -> list[str]:
    names = [
        "*" * each.star_count + each.name.value
        for each in node.get_params()
        if each.name.value not in ("self", "cls") and not each.name.value.startswith("_")
    ]
    raised = list(dict.fromkeys(re.findall(r"\braise[ \t]+([A-Z]\w*)", node.get_code())))[:8]
    gives = any(each.children[1:] and each.children[1].type != "newline" for each in _own_returns(node))
    if not names and not raised and not gives:
        return ['"""Describe it."""']
    lines = ['"""Describe it."""'[:-3]]
    if names:
        lines += ["", "Args:", *(f"    {name}: Describe it." for name in names)]
    if node.is_generator():
        lines += ["", "Yields:", "    Describe it."]
    elif gives:
        lines += ["", "Returns:", "    Describe it."]
    if raised:
        lines += ["", "Raises:", *(f"    {name}: Describe when." for name in raised)]
    return [*lines, '"""']


def _own_returns(node: Any) -> list[Any]:
    return [each for each in node.iter_return_stmts() if each.type == "return_stmt"]


def _annotations(script: Any, node: Any, text: JediText) -> Made | None:
    edits: list[tuple[int, int, str]] = []
    for parameter in node.get_params():
        if parameter.annotation is not None or parameter.name.value in ("self", "cls"):
            continue
        kind = _kind_of(script, parameter)
        at = text.offset(*parameter.name.end_pos)
        edits.append((at, at, f": {kind}"))
        if parameter.default is not None:
            before, after = at, text.offset(*parameter.default.start_pos)
            if text.snapshot.text[before:after] == "=":
                edits[-1] = (before, after, f": {kind} = ")
    if node.annotation is None:
        closing = node.children[2].end_pos
        at = text.offset(*closing)
        edits.append((at, at, f" -> {_result(node)}"))
    return (f"Add type annotations to `{node.name.value}`", edits) if edits else None


def _kind_of(script: Any, parameter: Any) -> str:
    """A type for a parameter: that of its default, else what calls in this project show, else Any."""
    if parameter.star_count:
        return "Any"
    default = parameter.default
    if default is not None and default.get_code(include_prefix=False) != "None":
        kinds = {each.name for each in script.infer(*default.end_pos[:1], max(0, default.end_pos[1] - 1))}
        literal = {"string": "str", "number": "float" if "." in default.get_code() else "int"}.get(default.type)
        if literal:
            return literal
        if default.get_code(include_prefix=False) in ("True", "False"):
            return "bool"
        found = {_SIMPLE_TYPES[each] for each in kinds if each in _SIMPLE_TYPES}
        return found.pop() if len(found) == 1 and len(kinds) == 1 else "Any"
    return "Any | None" if default is not None else "Any"


def _result(node: Any) -> str:
    if node.name.value == "__init__":
        return "None"
    if node.is_generator():
        return "Any"
    returned = [each for each in _own_returns(node) if len(each.children) > 1 and each.children[1].type != "newline"]
    return "Any" if returned else "None"


def _missing_methods(script: Any, node: Any, text: JediText) -> Made | None:
    """What the bases demand and nothing below them gives."""
    values = [value for name in script.infer(*node.name.start_pos) for value in name._name.infer()]
    if len(values) != 1 or not hasattr(values[0], "py__mro__"):
        return None
    done: set[str] = set()
    missing: dict[str, str] = {}
    for each in list(values[0].py__mro__())[:40]:
        tree = getattr(each, "tree_node", None)
        if tree is None or tree.type != "classdef":
            continue
        for method in tree.iter_funcdefs():
            name = method.name.value
            decorators = method.parent.get_code() if method.parent.type == "decorated" else ""
            if name in done:
                continue
            done.add(name)
            if re.search(r"@(?:\w+\.)*abstract\w*", decorators.partition("def ")[0]):
                missing[name] = _stub(method, decorators)
        for match in re.finditer(r"(?m)^\s+([^\W\d]\w*)\s*(?::[^=\n]+)?=", tree.get_code()):
            done.add(match[1])
    if not missing or len(missing) > MAX_METHODS or node.children[-1].type != "suite":
        return None
    return f"Implement {_counted(list(missing))} of `{node.name.value}`", [
        _appended(node, list(missing.values()), text)
    ]


def _counted(names: list[str]) -> str:
    return f"`{names[0]}`" if len(names) == 1 else f"{len(names)} abstract methods"


def _stub(method: Any, decorators: str) -> str:
    """The method as its class declares it, without a body."""
    code: str = method.get_code(include_prefix=False)
    colon: Any = next(each for each in method.children if each == ":")
    head_end: tuple[int, int] = colon.end_pos
    start = method.start_pos
    lines = code.splitlines()[: head_end[0] - start[0] + 1]
    lines[-1] = lines[-1][: head_end[1] - (start[1] if len(lines) == 1 else 0)]
    kept = re.findall(r"(?m)^\s*@((?:property|classmethod|staticmethod)\b|\w+\.setter\b)", decorators)
    word = "async " if method.parent.type in ("async_stmt", "async_funcdef") else ""
    head = "\n".join([lines[0], *(each[start[1] :] for each in lines[1:])])
    return "\n".join([*(f"@{each}" for each in kept), word + head, "    raise NotImplementedError"])


def _appended(node: Any, stubs: list[str], text: JediText) -> tuple[int, int, str]:
    """At the end of a class; in place of a `pass` that is all it has."""
    suite = node.children[-1]
    inner = [child for child in suite.children if child.type != "newline"]
    margin = " " * inner[0].start_pos[1]
    newline = text.snapshot.newline
    body = "\n\n".join(stubs).split("\n")
    code = newline.join(margin + line if line else "" for line in body)
    first = inner[0].get_first_leaf()
    if len(inner) == 1 and first.value in ("pass", "..."):
        return text.offset(first.start_pos[0], 0), text.offset(*first.end_pos), code
    last = inner[-1].get_last_leaf()
    last = last.get_previous_leaf() if last.type == "newline" else last
    at = text.offset(*last.end_pos)
    return at, at, newline * 2 + code


def _test_file(asked: Asked) -> Action | None:
    """A new file that tests the module's public functions and classes, where it has none yet. Blocking."""
    snapshot, root = asked.snapshot, asked.root
    path = snapshot.path
    if path is None or root is None or not path.is_relative_to(root) or path.name.startswith(("test_", "__")):
        return None
    line = snapshot.lines.line(snapshot.lines.position(asked.start).line)
    if not re.match(r"(?:async\s+def|def|class)\s", line):
        return None
    names = re.findall(r"(?m)^(?:async[ \t]+def|def|class)[ \t]+([^\W\d_]\w*)", snapshot.text)[:40]
    module = module_of(path, root)
    target = _test_path(path, root)
    if not names or not module or target is None:
        return None
    lines = [f'"""Tests of `{module}`."""', "", f"from {module} import {', '.join(names)}", ""]
    for name in names:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        lines += ["", f"def test_{words}() -> None:", f"    assert {name}  # say what it should do", ""]
    after = "\n".join(lines)
    change = Change(files=(FileChange(target, None, after),))
    return Action(title=f"Create `{target.relative_to(root).as_posix()}`", kind=KIND, change=change, rank=75)


def _test_path(path: Path, root: Path) -> Path | None:
    """Where the project keeps tests; None where one of this name is there already."""
    folder = next((root / name for name in ("tests", "test") if (root / name).is_dir()), root / "tests")
    name = f"test_{path.stem}.py"
    found = folder / name
    if found.exists() or path.with_name(name).exists():
        return None
    for number, each in enumerate(folder.rglob(name) if folder.is_dir() else ()):
        if each.is_file() or number > 1000:
            return None
    return found
