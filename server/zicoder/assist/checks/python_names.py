"""Names of a Python text that nothing defines, and imports that nothing uses. For the checks' process.

Scopes are those of Python's own `symtable`; nothing is run. What a text could define in ways that cannot be read from
it (a star import, `exec`, `globals()`) is given up on altogether: silence is better than a false alarm.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import warnings
from collections import defaultdict, deque
from collections.abc import Iterator

from zicoder.assist.checks.python_places import Places

__all__ = ["names_in"]

_ALWAYS = frozenset(
    (
        "__file__", "__name__", "__doc__", "__package__", "__spec__", "__loader__", "__path__", "__builtins__",
        "__annotations__", "__class__", "__module__", "__qualname__", "__debug__", "WindowsError", "reveal_type",
        "reveal_locals", "_", "ngettext", "get_ipython", "__IPYTHON__", "copyright", "credits", "license", "exit",
        "quit", "help", "unicode_literals",
    )
) | frozenset(dir(builtins))  # fmt: skip
_MAGIC = frozenset(("exec", "eval", "globals", "locals", "vars"))
_NEWER = frozenset(
    ("ExceptionGroup", "BaseExceptionGroup", "EncodingWarning", "PythonFinalizationError", "aiter", "anext")
)
"""Builtins of some versions only."""

_COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_COMPREHENSIONS: dict[type[ast.AST], str] = {
    ast.ListComp: "listcomp", ast.SetComp: "setcomp", ast.DictComp: "dictcomp", ast.GeneratorExp: "genexpr"
}  # fmt: skip

Named = list[tuple[int, int, str]]


def names_in(text: str) -> dict[str, Named]:
    """`undefined`: uses of names that nothing defines; `unused`: names that are imported and never used."""
    code = text.removeprefix("\ufeff")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
            table = symtable.symtable(code, "<text>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {"undefined": [], "unused": []}
    places = Places(text)
    return {"undefined": _undefined(tree, table, places), "unused": _unused(tree, code, places)}


def _undefined(tree: ast.Module, table: symtable.SymbolTable, places: Places) -> Named:
    known = _defined(table) | _ALWAYS | _NEWER
    for node in ast.walk(tree):
        star = isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
        if star or (isinstance(node, ast.Name) and node.id in _MAGIC):
            return []
    if "__getattr__" in known - _ALWAYS:
        return []
    walker = _Uses(known)
    walker.walk(tree, table)
    return [(*places.of(node), node.id) for node in walker.found]


def _defined(table: symtable.SymbolTable) -> set[str]:
    """What the module has, also by `global` in a function."""
    names = {each.get_name() for each in table.get_symbols() if _is_bound(each)}
    pending = list(table.get_children())
    while pending:
        inner = pending.pop()
        names |= {each.get_name() for each in inner.get_symbols() if each.is_declared_global() and _is_bound(each)}
        pending += inner.get_children()
    return names


def _is_bound(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace() or symbol.is_annotated()


class _Uses:
    """Uses of names that are looked up in the module and are not among those known."""

    def __init__(self, known: set[str] | frozenset[str]) -> None:
        self._known = known
        self.found: list[ast.Name] = []

    def walk(self, tree: ast.Module, table: symtable.SymbolTable) -> None:
        """Look through a module. An explicit stack: code may be nested deeply."""
        pending: list[tuple[ast.AST, _Level, bool]] = [(tree, _Level(table), False)]
        while pending:
            node, level, guarded = pending.pop()
            if isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Load) and not guarded and self._is_unknown(node.id, level.table):
                    self.found.append(node)
                continue
            guards = guarded or (isinstance(node, (ast.Try, getattr(ast, "TryStar", ast.Try))) and _expects(node))
            outer, inner, name = _parts(node)
            below = level.enter(name, getattr(node, "lineno", 0)) if name else level
            pending += ((child, below, guards) for child in reversed(inner))
            pending += ((child, level, guards) for child in reversed(outer))
        self.found.sort(key=lambda node: (node.lineno, node.col_offset))

    def _is_unknown(self, name: str, table: symtable.SymbolTable | None) -> bool:
        if table is None or name in self._known:
            return False
        try:
            symbol = table.lookup(name)
        except KeyError:
            return False
        if table.get_type() == "module":
            return not _is_bound(symbol)
        # `symtable` takes the scope of a function called `top` for a module, whose names are all global.
        return (
            symbol.is_global()
            and not symbol.is_declared_global()
            and not _is_bound(symbol)
            and not symbol.is_parameter()
        )


class _Level:
    """A scope, and those inside it that were not met yet."""

    def __init__(self, table: symtable.SymbolTable | None) -> None:
        self.table = table
        self._inner: defaultdict[tuple[str, int], deque[symtable.SymbolTable]] = defaultdict(deque)
        for child in table.get_children() if table else ():
            self._inner[child.get_name(), child.get_lineno()].append(child)

    def enter(self, name: str, line: int) -> _Level:
        """The scope of this name; one without a table, in which nothing is judged, where Python has none."""
        found = self._inner[name, line]
        return _Level(found.popleft() if found else None)


def _parts(node: ast.AST) -> tuple[list[ast.AST], list[ast.AST], str]:
    """What of a node is read in the scope around it, what in its own, and that scope's name ("" for none)."""
    if getattr(node, "type_params", None):
        return [], list(ast.iter_child_nodes(node)), "\0"  # a scope of newer Python: not judged
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        outer = [*node.decorator_list, *_annotations(node.args), *_defaults(node.args)]
        return [*outer, *([node.returns] if node.returns else [])], list(node.body), node.name
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords], list(node.body), node.name
    if isinstance(node, ast.Lambda):
        return _defaults(node.args), [node.body], "lambda"
    if isinstance(node, _COMPREHENSION):
        children = list(ast.iter_child_nodes(node))
        first = node.generators[0]
        rest = [child for child in children if child is not first]
        return [first.iter], [first.target, *first.ifs, *rest], _COMPREHENSIONS[type(node)]
    return list(ast.iter_child_nodes(node)), [], ""


def _annotations(arguments: ast.arguments) -> list[ast.AST]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [each.annotation for each in every if each is not None and each.annotation is not None]


def _defaults(arguments: ast.arguments) -> list[ast.AST]:
    return [each for each in (*arguments.defaults, *arguments.kw_defaults) if each is not None]


def _expects(node: ast.AST) -> bool:
    """Whether a `try` is prepared for a name that does not exist."""
    handlers: list[ast.ExceptHandler] = getattr(node, "handlers", [])
    for handler in handlers:
        if handler.type is None or re.search(r"\b(NameError|Exception|BaseException)\b", ast.unparse(handler.type)):
            return True
    return False


def _unused(tree: ast.Module, code: str, places: Places) -> Named:
    """Imports at the top level that nothing names, not even in a string or a comment."""
    words: defaultdict[str, int] = defaultdict(int)
    for match in re.finditer(r"\w+", code):
        words[match.group()] += 1
    found: Named = []
    for alias, name in _imports(tree):
        own = len(re.findall(r"\w+", alias.name)) and sum(
            part == name for part in re.findall(r"\w+", f"{alias.name} {alias.asname or ''}")
        )
        if words[name] <= own and alias.asname != alias.name:
            found.append((*places.of(alias), name))
    return found


def _imports(tree: ast.Module) -> Iterator[tuple[ast.alias, str]]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                if alias.name != "*":
                    yield alias, alias.asname or alias.name.partition(".")[0]
