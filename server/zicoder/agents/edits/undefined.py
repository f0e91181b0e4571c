"""Names of Python code that nothing defines, by Python's own table of scopes. Nothing is run or imported."""

from __future__ import annotations

import builtins
import symtable
import warnings
from collections.abc import Iterator

__all__ = ["undefined_names"]

_KNOWN = frozenset(dir(builtins)) | {
    "__annotations__", "__builtins__", "__class__", "__file__", "__module__", "__path__", "__qualname__",
    "WindowsError", "reveal_type",
}  # fmt: skip


def undefined_names(text: str) -> frozenset[str] | None:
    """The names that a module uses, and neither it nor Python defines.

    None where nobody can say: it does not parse, or a star import may bring anything.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = symtable.symtable(text, "module", "exec")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    tables = list(_tables(module))
    symbols = [symbol for table in tables for symbol in table.get_symbols()]
    if "import *" in text:
        return None
    made = {s.get_name() for s in module.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    made |= {s.get_name() for s in symbols if s.is_declared_global() and s.is_assigned()}
    outside = [
        s for table in tables for s in table.get_symbols() if s.is_referenced() and (s.is_global() or table is module)
    ]
    return frozenset(s.get_name() for s in outside) - made - _KNOWN


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
