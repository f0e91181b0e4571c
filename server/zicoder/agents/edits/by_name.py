"""A file with some of its definitions written anew: those of the same name are replaced, new ones are added.

For models that cannot quote what they replace: they write a function whole and the file's path above it. What is not
written stays as it is, so nothing can be lost that way. Knows no language; the grammars of the index find what is
defined. Blocking.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from zicoder.agents.edits.document import Document, Line
from zicoder.agents.edits.python_code import parsed
from zicoder.assist.definitions import Definition, definitions_in
from zicoder.context.outline import indent_of

__all__ = ["IMPORT", "with_definitions", "with_imports"]

IMPORT = re.compile(r"(?:import|from|use|using|require|package)\b|#include|const\s.*=\s*require\(")


@dataclass(frozen=True, slots=True)
class _Change:
    """Lines [start, end) of the file become these."""

    start: int
    end: int
    lines: list[str]


def with_definitions(document: Document, content: Sequence[str], language: str) -> Document | None:
    """The document with these definitions in it.

    None where the content is something else as well (code of its own that the file does not have), where a name is
    defined more than once, or where no grammar can read the two.
    """
    old_lines = [line.body for line in document.lines]
    old, new = _read(old_lines, language), _read(content, language)
    if old is None or not new:
        return None
    tops = _tops(new)
    inside = {row for each in tops for row in range(each.start, each.end)}
    rest = [line.rstrip() for row, line in enumerate(content) if row not in inside and line.strip()]
    known = {line.strip() for line in old_lines}
    imports = [line for line in rest if IMPORT.match(line) and line.strip() not in known]
    if any(line.strip() not in known and not IMPORT.match(line) for line in rest):
        return None
    changes: list[_Change] = []
    if not _changes(changes, old_lines, old, content, new, tops, None):
        return None
    made = document
    for change in sorted(changes, key=lambda each: (-each.start, -each.end)):
        end = made.end_near(change.start)
        made = made.with_lines(change.start, change.end, [Line(line, end) for line in change.lines])
    return with_imports(made, imports, language)


def with_imports(document: Document, imports: Sequence[str], language: str) -> Document:
    """The document with lines behind its imports; at its top, below what documents it, where it has none."""
    if not imports:
        return document
    lines = [line.body for line in document.lines]
    at = _after_imports(lines, language)
    gap = [] if any(map(IMPORT.match, lines)) else [""]
    end = document.end_near(at)
    return document.with_lines(at, at, [Line(line, end) for line in (*(gap if at else ()), *imports, *gap)])


def _after_imports(lines: Sequence[str], language: str) -> int:
    """The row behind the last import, an import over several lines included."""
    module = parsed("\n".join(lines)) if language == "python" else None
    if module is None:
        return max((row + 1 for row, line in enumerate(lines) if IMPORT.match(line)), default=0)
    heads = [node for node in module.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    if not heads and ast.get_docstring(module) is not None:
        return module.body[0].end_lineno or 0
    return max((node.end_lineno or 0 for node in heads), default=0)


def _read(lines: Sequence[str], language: str) -> list[Definition] | None:
    rows = definitions_in("\n".join(lines), language)
    return None if rows is None else [Definition(*row) for row in rows]


def _tops(found: Sequence[Definition], parent: Definition | None = None) -> list[Definition]:
    """Those that are directly in a definition, or in none."""
    tops: list[Definition] = []
    for each in found:  # the outer one comes first
        if parent is not None and not (each is not parent and parent.start <= each.start and each.end <= parent.end):
            continue
        if not any(top.start <= each.start and each.end <= top.end for top in tops):
            tops.append(each)
    return tops


def _changes(
    changes: list[_Change], old_lines: list[str], old: list[Definition], content: Sequence[str],
    new: list[Definition], tops: list[Definition], owner: Definition | None,
) -> bool:  # fmt: skip
    """Add what makes the old lines hold the new definitions; False where it is not clear how."""
    here = _tops(old, owner)
    after: Definition | None = None
    added: list[tuple[Definition | None, list[str]]] = []
    for definition in tops:
        same = [each for each in here if each.name == definition.name]
        if not same and owner is None:
            same = [each for each in old if each.name == definition.name]
        if len(same) > 1:
            return False
        lines = [line.rstrip() for line in content[definition.start : definition.end]]
        while lines and not lines[-1]:
            lines.pop()
        if not same:
            added.append((after, lines))
            continue
        after = target = same[0]
        members = {each.name for each in _tops(old, target)}
        if target.kind in ("class", "interface") and not members <= {each.name for each in _tops(new, definition)}:
            if not _changes(changes, old_lines, old, content, new, _tops(new, definition), target):
                return False
        else:
            put = _like(lines, old_lines[target.head])
            changes.append(_Change(target.start, _end(old_lines, target), put))
    for after, lines in added:
        changes.append(_added(old_lines, here, owner, after, lines))
    return True


def _added(
    old_lines: list[str], here: list[Definition], owner: Definition | None, after: Definition | None, lines: list[str]
) -> _Change:
    """A definition that the file does not have: behind the one it was written behind, else behind the last."""
    last = after or max(here, key=lambda each: each.end, default=None)
    if last is None:
        at = _end(old_lines, owner) if owner else len(old_lines)
        return _Change(at, at, ["", *lines] if at else lines)
    at = _end(old_lines, last)
    gap = 2 if owner is None and indent_of(old_lines[last.head]) == 0 and _wide(old_lines, here) else 1
    return _Change(at, at, [*[""] * gap, *_like(lines, old_lines[last.head])])


def _wide(lines: Sequence[str], here: Sequence[Definition]) -> bool:
    """Whether two empty lines stand between the definitions of this file, or between none."""
    starts = [each.start for each in here if each.start > 1]
    return not starts or any(not lines[start - 1].strip() and not lines[start - 2].strip() for start in starts)


def _end(lines: Sequence[str], definition: Definition) -> int:
    end = min(definition.end, len(lines))
    while end > definition.start + 1 and not lines[end - 1].strip():
        end -= 1
    return end


def _like(lines: Sequence[str], line: str) -> list[str]:
    """The lines indented as this one is."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.indent(textwrap.dedent("\n".join(lines)), indent).split("\n")
