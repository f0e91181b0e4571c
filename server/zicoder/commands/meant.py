"""What of an answer is meant for one region: small models write the class around it, what it calls, and other code.

`meant` takes the region's own definition out of the answer, with the helpers and imports that it needs. `documented`
takes documentation alone, whatever else was changed. Both look at texts; nothing is run. Blocking.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from zicoder.agents.edits.by_name import IMPORT
from zicoder.agents.edits.python_code import parsed
from zicoder.agents.edits.undefined import undefined_names
from zicoder.assist.definitions import Definition, definitions_in
from zicoder.commands.docstrings import with_docstrings
from zicoder.commands.region import Region
from zicoder.context.outline import indent_of

__all__ = ["Beginning", "Meant", "beginning", "documented", "meant"]

_WORD = re.compile(r"[^\W\d]\w*")
_COMMENT = re.compile(r"\s*(?://|/\*|\*|#(?!\[|include|define|if|end|pragma)|--|;)")
LONGEST_BEGINNING = 400
"""Characters."""
Beginning = Literal["name", "head", "docstring"]
"""How much of the region's definition is certain."""
_NAMED = re.compile(
    r"(?:def|class|function|func|fn|fun|interface|struct|trait|impl|enum)\s+[^\W\d][\w$]*|"
    r"(?:const|let|var)\s+[^\W\d][\w$]*\s*="
)


@dataclass(frozen=True, slots=True)
class Meant:
    """The region's new text, or why the answer has none."""

    code: str = ""
    imports: tuple[str, ...] = ()
    """Lines that the file needs at its top."""
    reason: str = ""
    note: str = ""
    """What of the answer is not taken."""


def meant(region: Region, answer: str, text: str, *, keeps_parameters: bool = False) -> Meant:
    """The new text of a region of `text`. `keeps_parameters`: a function (of Python) is called as it was."""
    target = _only(region, text)
    if target is None:
        return Meant(answer)
    found = _read(answer, region.language)
    same = [each for each in found if each.name == target.name]
    lines = answer.split("\n")
    if not same:
        # The grammars take no method without its class; what begins with its name is taken as it is.
        first = next((line for line in lines if line.strip() and not _COMMENT.match(line)), "")
        if target.name in _WORD.findall(first):
            return Meant(answer)
        return Meant(reason=f"It does not hold `{target.name}`.")
    if len(same) > 1:
        return Meant(reason=f"It holds `{target.name}` more than once.")
    own = _text(lines, same[0])
    helpers = _helpers(lines, found, same[0], own, text)
    code = "\n\n".join([*helpers, own] if target.kind == "function" else [own, *helpers])
    apart = [each for each in found if each.end <= same[0].start or same[0].end <= each.start]
    more = len(apart) > len(helpers)
    note = f"Only `{target.name}` is taken from the answer." if more else ""
    made = Meant(code, tuple(_imports(lines, found, code, text)), note=note)
    return _sound(region, made, text, target, keeps_parameters=keeps_parameters) if _is_python(region) else made


def beginning(region: Region, certain: Beginning) -> tuple[str, str]:
    """What an answer with this region's definition begins with, so that a model writes no other, and where it may end.

    Both are "" where it is no definition.
    """
    lines = region.text.split("\n")
    fence = f"```{region.language}\n"
    if certain != "name" and _is_python(region) and (head := _head(region)):
        made = f"{fence}{head[0]}\n" + (f'{head[1]}"""' if certain == "docstring" else "")
        is_function = len(definitions_in(textwrap.dedent(region.text), region.language) or ()) == 1
        until = '"""' if certain == "docstring" and is_function else ""
        return (made, until) if len(made) <= LONGEST_BEGINNING else ("", "")
    row = next((row for row, line in enumerate(lines) if line.strip() and not _COMMENT.match(line)), 0)
    named = _NAMED.search(lines[row])
    if row > 0 or certain == "docstring" or not named:
        return "", ""
    return f"{fence}{lines[0][: named.end()]}", ""


def _head(region: Region) -> tuple[str, str] | None:
    """The lines of Python up to the body of the one definition that the region is, and the body's indentation."""
    module = parsed(region.text)
    node = module.body[0] if module and len(module.body) == 1 else None
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return None
    first = node.body[0]
    row = min([first.lineno, *(each.lineno for each in getattr(first, "decorator_list", ()))]) - 1
    lines = region.text.split("\n")
    if first.lineno == node.lineno:
        return None
    return "\n".join(lines[:row]), lines[first.lineno - 1][: indent_of(lines[first.lineno - 1])]


def documented(region: Region, answer: str, text: str) -> Meant:
    """The region with the answer's documentation, and the code that it had."""
    if _is_python(region):
        code, reason, note = with_docstrings(region, answer)
        return Meant(code, (), reason, note)
    narrowed = meant(region, answer, text)
    if narrowed.reason or _code_of(region, text) == _code_of(region, text, narrowed.code):
        return replace(narrowed, imports=())
    target = _only(region, text)
    same = [each for each in _read(answer, region.language) if target is not None and each.name == target.name]
    if target is None or len(same) != 1:
        return Meant(reason="It changes code, not only its documentation.")
    rows = answer.split("\n")[same[0].start : same[0].head]
    comment = textwrap.dedent("\n".join(line for line in rows if _COMMENT.match(line)))
    if not comment:
        return Meant(reason=f"It does not document `{target.name}`.")
    old = region.text.split("\n")
    while old and (not old[0].strip() or _COMMENT.match(old[0])):
        old = old[1:]
    indent = old[0][: indent_of(old[0])] if old else ""
    return Meant("\n".join([*textwrap.indent(comment, indent).split("\n"), *old]))


def _is_python(region: Region) -> bool:
    return region.language == "python"


def _read(text: str, language: str) -> list[Definition]:
    return [Definition(*row) for row in definitions_in(text, language) or ()]


def _last(lines: Sequence[str], definition: Definition) -> int:
    last = min(definition.end, len(lines)) - 1
    while last > definition.start and not lines[last].strip():
        last -= 1
    return last


def _text(lines: Sequence[str], definition: Definition) -> str:
    return textwrap.dedent("\n".join(lines[definition.start : _last(lines, definition) + 1]))


def _only(region: Region, text: str) -> Definition | None:
    """The definition that the region is, None where it is anything else."""
    lines = text.split("\n")
    for each in _read(text, region.language):
        if each.start >= region.first and _last(lines, each) == region.last:
            before = lines[region.first : each.head]
            return each if all(not line.strip() or line in lines[each.start : each.head] for line in before) else None
    return None


def _helpers(lines: Sequence[str], found: Sequence[Definition], same: Definition, own: str, text: str) -> list[str]:
    """What the answer defines beside it, and it uses, and the file does not have."""
    beside = [
        each for each in found if each.qualified.removesuffix(each.name) == same.qualified.removesuffix(same.name)
    ]
    known, used = set(_WORD.findall(text)), set(_WORD.findall(own))
    return [_text(lines, each) for each in beside if each.name in used and each.name not in known]


def _imports(lines: Sequence[str], found: Sequence[Definition], code: str, text: str) -> Iterator[str]:
    """The answer's imports that the code uses, and the file does not have."""
    inside = {row for each in found for row in range(each.start, each.end)}
    known = {line.strip() for line in text.split("\n")}
    used = set(_WORD.findall(code))
    for row, line in enumerate(lines):
        if row not in inside and IMPORT.match(line) and line.strip() not in known and used & set(_WORD.findall(line)):
            yield line.rstrip()


def _sound(region: Region, made: Meant, text: str, target: Definition, *, keeps_parameters: bool) -> Meant:
    """It, or what is wrong with it as Python."""
    old, new = parsed(region.text), parsed(made.code)
    if old is None or new is None:
        return made  # what is checked next says it better
    if keeps_parameters and _parameters(old, target.name) != _parameters(new, target.name):
        return Meant(reason=f"It changes the parameters of `{target.name}`, and others call it.")
    lines = text.split("\n")
    indent = lines[region.first][: indent_of(lines[region.first])]
    lines[region.first : region.last + 1] = textwrap.indent(made.code, indent).split("\n")
    before, after = undefined_names(text), undefined_names("\n".join([*made.imports, *lines]))
    if before is not None and after is not None and (missing := sorted(after - before)):
        return Meant(reason=f"It uses `{missing[0]}`, which nothing defines.")
    return made


def _parameters(module: ast.Module, name: str) -> str:
    """The parameters of a function without their annotations, "" for a class."""
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            arguments = node.args
            for each in ast.walk(arguments):
                if isinstance(each, ast.arg):
                    each.annotation = None
            return f"{type(node).__name__} {ast.dump(arguments)}"
    return ""


def _code_of(region: Region, text: str, new: str | None = None) -> list[str] | None:
    """The tokens of the text without its comments, with `new` in the region's place; None where no grammar reads it."""
    try:  # the grammars are an extra of the package
        from zicoder.index.chunking.tokens import tokens_of
    except ImportError:
        return None
    lines = text.split("\n")
    if new is not None:
        lines[region.first : region.last + 1] = new.split("\n")
    tokens = tokens_of("\n".join(lines), region.language)
    return None if tokens is None else [each.text for each in tokens if "comment" not in each.kind]
