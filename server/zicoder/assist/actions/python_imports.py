r"""Where an import belongs in a Python text, and the edit that puts it there. Lines are read, nothing is parsed.

Works on text that is half written: only the imports at the top are looked at.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from zicoder.text import Edit, Snapshot

__all__ = ["Import", "import_edit"]

MOST_LINES = 2_000
_FROM = re.compile(r"from\s+(?P<module>[.\w]+)\s+import\s+(?P<names>.*)", re.S)
_IMPORT = re.compile(r"import\s+(?P<module>[\w.]+)")
_DOC = re.compile(r"[rRuUbB]{0,2}(\"\"\"|'''|\"|')")
_SIMPLE_NAMES = re.compile(r"[\w\s,]+(?:#.*)?")
WIDTH = 100
"""A longer line is not made longer."""


@dataclass(frozen=True, slots=True)
class Import:
    """`import module [as alias]`, or with a name `from module import name [as alias]`."""

    module: str
    name: str = ""
    alias: str = ""

    @property
    def line(self) -> str:
        """The statement."""
        alias = f" as {self.alias}" if self.alias else ""
        return f"from {self.module} import {self.name}{alias}" if self.name else f"import {self.module}{alias}"


@dataclass(frozen=True, slots=True)
class _Statement:
    first: int
    last: int
    module: str
    is_from: bool
    text: str


def import_edit(snapshot: Snapshot, wanted: Import, *, local: frozenset[str] = frozenset()) -> Edit:
    """The edit that adds an import. `local`: top-level modules of the project itself."""
    statements, free = _header(snapshot)
    newline = snapshot.newline
    if wanted.name:
        for statement in statements:
            if statement.is_from and statement.module == wanted.module:
                added = _added(snapshot, statement, wanted.name) if not wanted.alias else None
                if added is not None:
                    return added
    lines = snapshot.lines
    if not statements:
        after = newline if _text_after(snapshot, free) else ""
        before = newline if free and lines.line(free - 1).strip() and not lines.line(free - 1).startswith("#!") else ""
        at = lines.start(free)
        if at == len(snapshot.text) and at and snapshot.text[-1] not in "\r\n":
            before = newline + before
        return Edit(at, at, f"{before}{wanted.line}{newline}{after}")
    key = _key(wanted.module, not wanted.name, local)
    earlier = [each for each in statements if _key(each.module, not each.is_from, local) <= key]
    later = next((each for each in statements if each not in earlier), None)
    if earlier:
        last = earlier[-1]
        at = lines.start(last.last + 1)
        gap = newline if _group(last.module, local) != key[0] else ""
        begin = "" if at == 0 or snapshot.text[at - 1 : at] in ("\n", "\r") else newline
        end = ""
        if gap and later is not None and later.first == last.last + 1:
            end = newline
        return Edit(at, at, f"{begin}{gap}{wanted.line}{newline}{end}")
    assert later is not None
    gap = newline if _group(later.module, local) != key[0] else ""
    at = lines.start(later.first)
    return Edit(at, at, f"{wanted.line}{newline}{gap}")


def _header(snapshot: Snapshot) -> tuple[list[_Statement], int]:
    """The imports at the top, and the first line that an import may take where there is none."""
    found: list[_Statement] = []
    free = 0
    for first, last, text in _logical_lines(snapshot):
        bare = text.lstrip("\ufeff")
        if not bare.strip():
            continue
        if bare.startswith("#"):
            free = last + 1 if not found else free
            continue
        if _DOC.match(bare) and not found:
            free = last + 1
            continue
        if match := _FROM.match(bare):
            found.append(_Statement(first, last, match["module"], True, bare))
        elif match := _IMPORT.match(bare):
            found.append(_Statement(first, last, match["module"], False, bare))
        elif not bare[:1].isspace() and not re.match(r"(?:if|else|try|except|finally)\b", bare):
            break
    return found, free


def _logical_lines(snapshot: Snapshot) -> Iterator[tuple[int, int, str]]:
    """(first, last, text) of statements, as far as brackets, strings over lines and backslashes tell."""
    lines = snapshot.lines
    number, end = 0, min(len(lines), MOST_LINES)
    while number < end:
        first, text = number, lines.line(number)
        closing = ""
        if (match := _DOC.match(text.lstrip("\ufeff"))) and len(match[1]) == 3:
            rest = text[text.index(match[1]) + 3 :]
            closing = "" if match[1] in rest else match[1]
        while number + 1 < end and (
            closing or text.endswith("\\") or (not text.lstrip().startswith("#") and _open_brackets(text))
        ):
            number += 1
            line = lines.line(number)
            text += "\n" + line
            if closing and closing in line:
                closing = ""
        yield first, number, text
        number += 1


def _open_brackets(text: str) -> bool:
    bare = re.sub(r"#.*|\"[^\"\n]*\"|'[^'\n]*'", "", text)
    return len(re.findall(r"[(\[{]", bare)) > len(re.findall(r"[)\]}]", bare))


def _added(snapshot: Snapshot, statement: _Statement, name: str) -> Edit | None:
    """The name among those of a `from` import; None where the statement is not simple enough."""
    lines = snapshot.lines
    start, end = lines.start(statement.first), lines.content_end(statement.last)
    text = snapshot.text[start:end]
    match = _FROM.match(text.lstrip("\ufeff"))
    if match is None:
        return None
    at = start + text.index(match["names"], len("from ") + len(match["module"]))
    names = match["names"]
    if statement.first == statement.last and _SIMPLE_NAMES.fullmatch(names):
        bare = names.partition("#")[0]
        listed = [each.strip() for each in bare.split(",")]
        joined = ", ".join(_in_order([*listed, name], sort=listed == sorted(listed, key=str.lower)))
        if name in listed or len(match["module"]) + len(joined) > WIDTH:
            return None
        return Edit(at, at + len(bare.rstrip()), joined)
    inner = re.fullmatch(r"\((\s*)(.*?)(,?)(\s*)\)\s*", names, re.S)
    if inner is None or "#" in names or "*" in names:
        return None
    last = at + inner.start(2) + len(inner[2])
    gap = inner[1] if "\n" in inner[1] else " "
    return Edit(last, last, f",{gap}{name}") if name not in re.split(r"[\s,]+", inner[2]) else None


def _in_order(names: list[str], *, sort: bool) -> list[str]:
    return sorted(names, key=str.lower) if sort else names


def _key(module: str, plain: bool, local: frozenset[str]) -> tuple[int, bool, str]:
    return _group(module, local), not plain, module.lower()


def _group(module: str, local: frozenset[str]) -> int:
    top = module.partition(".")[0]
    if module == "__future__":
        return 0
    if not top or top in local:
        return 3
    return 1 if top in sys.stdlib_module_names else 2


def _text_after(snapshot: Snapshot, line: int) -> bool:
    """Whether code follows at once, which then wants a blank line."""
    return line < len(snapshot.lines) and bool(snapshot.lines.line(line).strip())
