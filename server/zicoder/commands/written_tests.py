"""Tests in Python as a model wrote them, as code that can be taken apart and put into a file.

Small models paste the code under test, import it from a module that they made up, and stop in the middle of a line.
All of that is put right here, by Python's own parser. Nothing is run.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from zicoder.agents.edits.undefined import undefined_names

__all__ = ["Subject", "checks_in", "joined", "merged", "names_of_tests", "split", "tidied", "with_only", "without"]

_TEST = re.compile(r"test", re.IGNORECASE)
MOST_CUTS = 80
"""Lines that are taken from the end of code that does not parse."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tested."""

    module: str
    """The name under which its file is imported, "" if there is none."""
    names: frozenset[str]
    """What the module defines at its top."""


def tidied(code: str, subject: Subject) -> str:
    """The tests of an answer, without copies of what they test and with the imports that they need; "" if it has none.

    What does not parse is cut from its end.
    """
    lines = _parsing(code.split("\n"))
    tree = _parsed("\n".join(lines))
    if tree is None:
        return ""
    dropped = [node for node in tree.body if _needless(node, subject)]
    dropped += [idle for _, node in _tests(tree) if node not in dropped for idle in _idle(node)]
    lines = _less(lines, dropped)
    text = "\n".join(lines).strip("\n")
    if not names_of_tests(text):
        return ""
    return _with_imports(text, subject).strip("\n") + "\n"


def names_of_tests(code: str) -> tuple[str, ...]:
    """The tests of a file as pytest names them behind its path: `test_a`, `TestB::test_c`; () if it does not parse."""
    tree = _parsed(code)
    return tuple(name for name, _ in _tests(tree)) if tree else ()


def without(code: str, names: Collection[str]) -> str:
    """The file without these tests, and without classes of tests and imports that nothing needs any more."""
    tree = _parsed(code)
    if tree is None:
        return code
    gone = [node for name, node in _tests(tree) if name in names]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            own = [f"{node.name}::{each.name}" for each in _methods(node)]
            if own and all(name in names for name in own):
                gone = [each for each in gone if each not in node.body] + [node]
    return "\n".join(_less(code.split("\n"), gone)).strip("\n") + "\n"


def joined(kept: str, new: str) -> str:
    """Two pieces of tests in one file; of tests with one name the new one counts."""
    return merged(without(kept, names_of_tests(new)), new)


def merged(existing: str, new: str) -> str:
    """A file of tests with new ones at its end and their imports at its top. A test that is there gets no twin.

    A new test whose name is taken gets another name. What does not parse is put one behind the other.
    """
    old, added = _parsed(existing), _parsed(new)
    if old is None or added is None or not existing.strip():
        return "\n\n".join(filter(None, (existing.rstrip("\n"), new)))
    known = {_key(node) for node in old.body}
    taken = {node.name for node in old.body if isinstance(node, _DEFINITIONS)}
    lines = new.split("\n")
    imports: list[str] = []
    bodies: list[str] = []
    for node in added.body:
        text = "\n".join(lines[_first(node) : node.end_lineno])
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports += [text] if _key(node) not in known else []
        elif _key(node) not in known and not _is_docstring(node):
            if isinstance(node, _DEFINITIONS) and node.name in taken:
                text = _renamed(text, node.name, taken)
            bodies.append(text)
    if not bodies:
        return existing
    head = existing.rstrip("\n").split("\n")
    if imports:
        last = max(
            (node.end_lineno or 0 for node in old.body if isinstance(node, (ast.Import, ast.ImportFrom)) or
             (node is old.body[0] and _is_docstring(node))), default=0,
        )  # fmt: skip
        head[last:last] = imports
    return "\n".join(head) + "\n\n\n" + "\n\n\n".join(bodies) + "\n"


def checks_in(code: str, name: str) -> tuple[str, ...]:
    """The checks of one test, a line or a few each; () for a test that cannot be taken apart."""
    tree, lines = _parsed(code), code.split("\n")
    node = dict(_tests(tree)).get(name) if tree else None
    found = _checks(node) if node else []
    rows = [row for each in found for row in range(each.lineno, (each.end_lineno or each.lineno) + 1)]
    if len(set(rows)) < len(rows):
        return ()
    return tuple(textwrap.dedent("\n".join(lines[each.lineno - 1 : each.end_lineno])) for each in found)


def split(code: str, names: Collection[str]) -> tuple[str, dict[str, tuple[str, int]]]:
    """The file with each of these tests taken apart into tests of one check; and which check of which test each is."""
    tree, lines = _parsed(code), code.split("\n")
    if tree is None:
        return code, {}
    parts: dict[str, tuple[str, int]] = {}
    for name, node in sorted(_tests(tree), key=lambda pair: -pair[1].lineno):
        number = len(checks_in(code, name)) if name in names else 0
        if number < 2:
            continue
        short = name.rpartition("::")[2]
        copies: list[str] = []
        for check in range(number):
            part = f"{short}_check_{check}"
            rows = _less(lines, [each for at, each in enumerate(_checks(node)) if at != check], gaps=False)
            own = rows[_first(node) : (node.end_lineno or 0) - (len(lines) - len(rows))]
            copies += [re.sub(rf"\bdef\s+{short}\b", f"def {part}", "\n".join(own), count=1), ""]
            parts[name.removesuffix(short) + part] = (name, check)
        lines[_first(node) : node.end_lineno] = "\n".join(copies).split("\n")
    return "\n".join(lines), parts


def with_only(code: str, name: str, kept: Collection[int]) -> str:
    """The file with only these checks in one test."""
    tree = _parsed(code)
    node = dict(_tests(tree)).get(name) if tree else None
    gone = [each for at, each in enumerate(_checks(node)) if at not in kept] if node else []
    return "\n".join(_less(code.split("\n"), gone, gaps=False))


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _parsed(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _parsing(lines: Sequence[str]) -> list[str]:
    """The lines up to the last that leaves something that parses."""
    kept = list(lines)
    for _ in range(MOST_CUTS):
        if not kept or _parsed("\n".join(kept)) is not None:
            break
        kept.pop()
        while kept and (not kept[-1].strip() or kept[-1].lstrip().startswith("@")):
            kept.pop()
    else:
        return []
    return kept


def _needless(node: ast.stmt, subject: Subject) -> bool:
    """A copy of what is tested, an import of it from somewhere else, or what runs the file as a program."""
    if isinstance(node, _DEFINITIONS):
        return node.name in subject.names and not _TEST.match(node.name)
    if isinstance(node, ast.ImportFrom):
        return any(alias.name in subject.names for alias in node.names)
    if isinstance(node, ast.Import) and subject.module:
        stem = subject.module.rpartition(".")[2]
        return stem != subject.module and any(alias.name == stem and not alias.asname for alias in node.names)
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def _with_imports(text: str, subject: Subject) -> str:
    missing = undefined_names(text)
    if not missing:
        return text
    wanted = sorted(missing & subject.names)
    lines = ["import pytest"] if "pytest" in missing else []
    lines += [name for name in ("unittest", "math", "re", "os", "sys", "json") if name in missing]
    lines = [line if line.startswith("import ") else f"import {line}" for line in lines]
    if subject.module:
        package, _, stem = subject.module.rpartition(".")
        if stem in missing:
            lines.append(f"from {package} import {stem}" if package else f"import {stem}")
        if wanted:
            lines.append(f"from {subject.module} import {', '.join(wanted)}")
    if not lines:
        return text
    tree, rows = _parsed(text), text.split("\n")
    if tree is None:
        return text
    before = [node.end_lineno or 0 for node in tree.body[:1] if _is_docstring(node)]
    at = max(
        [*before, *(n.end_lineno or 0 for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom)))], default=0
    )
    rest = rows[at:]
    while rest and not rest[0].strip():
        rest.pop(0)
    return "\n".join([*rows[:at], *([""] if before == [at] else []), *lines, "", "", *rest])


def _tests(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for node in tree.body:
        if isinstance(node, _FUNCTIONS) and _TEST.match(node.name):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for each in _methods(node):
                yield f"{node.name}::{each.name}", each


def _methods(node: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [each for each in node.body if isinstance(each, _FUNCTIONS) and _TEST.match(each.name)]


def _checks(test: ast.stmt) -> list[ast.stmt]:
    """The statements of a test that check something and leave nothing behind."""
    body = test.body if isinstance(test, _FUNCTIONS) else []
    return [node for node in body if _is_check(node)]


def _is_check(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assert):
        return True
    calls = [item.context_expr for item in node.items if not item.optional_vars] if isinstance(node, ast.With) else \
        [node.value] if isinstance(node, ast.Expr) else []  # fmt: skip
    return bool(calls) and all(
        isinstance(call, ast.Call) and re.search(r"\.(?:assert\w+|raises|warns)$", ast.unparse(call.func))
        for call in calls
    )


def _idle(test: ast.stmt) -> Iterator[ast.stmt]:
    """Checks that stand there twice, with nothing but checks between, and the bare name that an answer broke off at."""
    seen: set[str] = set()
    for node in test.body if isinstance(test, _FUNCTIONS) else ():
        if not _is_check(node):
            seen.clear()
        elif _key(node) in seen or (isinstance(node, ast.Assert) and isinstance(node.test, (ast.Name, ast.Constant))):
            yield node
        else:
            seen.add(_key(node))


def _first(node: ast.stmt) -> int:
    """The row that a statement begins in, its decorators included."""
    decorators = node.decorator_list if isinstance(node, _DEFINITIONS) else []
    return min([node.lineno, *(each.lineno for each in decorators)]) - 1


def _less(lines: Sequence[str], nodes: Iterable[ast.stmt], *, gaps: bool = True) -> list[str]:
    """The lines without those of some statements, and, with `gaps`, without the gaps that they leave."""
    kept = list(lines)
    for node in sorted(nodes, key=lambda each: -each.lineno):
        start, end = _first(node), node.end_lineno or node.lineno
        while gaps and end < len(kept) and not kept[end].strip():
            end += 1
        del kept[start:end]
    return kept


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _key(node: ast.stmt) -> str:
    return ast.dump(node)


def _renamed(text: str, name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    taken.add(f"{name}_{number}")
    return re.sub(rf"\b((?:def|class)\s+){re.escape(name)}\b", rf"\g<1>{name}_{number}", text, count=1)
