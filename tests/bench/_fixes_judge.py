"""Whether a text is the sound one again: to the letter, or in meaning.

In meaning, for Python: the same syntax tree, and at the top the same imports in any order; an import may come from
another module if jedi finds the same definition behind the name. For other languages: the same tokens.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Literal

import jedi

from zicoder.index.chunking.tokens import tokens_of

__all__ = ["Judgement", "judged"]

Judgement = Literal["exact", "same", "wrong"]
_Import = tuple[str, str, str]
"""(module, name, name that is bound)."""


def judged(good: str, after: str, language: str, path: Path, root: Path) -> Judgement:
    """What a fix of a text that was once `good` is worth."""
    if after == good:
        return "exact"
    if language != "python":
        tokens = [tokens_of(text, language) for text in (good, after)]
        same = None not in tokens and [t.text for t in tokens[0] or ()] == [t.text for t in tokens[1] or ()]
        return "same" if same else "wrong"
    try:
        (imports, rest), (others, other_rest) = _taken_apart(good), _taken_apart(after)
    except SyntaxError:
        return "wrong"
    if rest != other_rest:
        return "wrong"
    missing, added = imports - others, others - imports
    if not missing and not added:
        return "same"
    if len(missing) == len(added) == 1:
        (old,), (new,) = missing, added
        if old[2] == new[2] and _leads_to(good, old[2], path, root) & _leads_to(after, new[2], path, root):
            return "same"
    return "wrong"


def _taken_apart(text: str) -> tuple[set[_Import], str]:
    """The imports at the top level, and the syntax tree without them."""
    tree = ast.parse(text)
    imports: set[_Import] = set()
    rest: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            imports |= {(each.name, "", each.asname or each.name) for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            imports |= {(module, each.name, each.asname or each.name) for each in node.names}
        else:
            rest.append(node)
    return imports, ast.dump(ast.Module(rest, []))


def _leads_to(text: str, name: str, path: Path, root: Path) -> set[tuple[str, int]]:
    """Where the name that a module imports is defined."""
    probe = f"{text}\n{name}"
    script = jedi.Script(probe, path=path, project=jedi.Project(root))
    line = probe.count("\n") + 1
    found = script.goto(line, len(name), follow_imports=True, follow_builtin_imports=True)
    return {(str(each.module_path), each.line or 0) for each in found if each.type != "import"}
