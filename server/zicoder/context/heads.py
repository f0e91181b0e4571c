"""What the far parts of a file define that its nearer parts may want: one line for each definition.

Owns the choice, which depends on the file and on the definition around the cursor, not on the cursor itself: a context
that changes with every line typed would cost the model its cache. By lines and indentation alone, like `outline`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from zicoder.context.outline import folded_head, indent_of
from zicoder.index.words import IDENTIFIER, split_identifier

__all__ = ["Head", "heads_of", "offered"]

MOST_HEADS = 3000
"""Of a file; further ones are not looked at."""
LONGEST_HEAD = 110
"""Characters of one line of the answer: names and parameters, hardly ever all the types."""
MOST_ATTRIBUTES = 16
SAME_CLASS = 1.5
"""What it is worth that the cursor is in the same class, beside the logarithm of how often a name is used."""
SAME_WORDS = 1.0

_DEFINES = re.compile(
    r"[ \t]*(?:(?:export|default|public|private|protected|internal|static|abstract|async|override|final|sealed"
    r"|pub(?:\(\w+\))?)[ \t]+)*"
    r"(?:(def|class|function\*?|fn|func|fun|interface|struct|enum|trait|impl|record)[ \t]+"
    r"(?:\([^)\n]{0,80}\)[ \t]*)?([\w$]+)"
    r"|(?!(?:if|for|while|switch|catch|return|with|await|do|try|else|using|lock|new|throw|case|typeof)\b)"
    r"(?:[\w$<>\[\],?.]+[ \t]+){0,3}([\w$]+)[ \t]*\([^;\n]{0,200}\{[ \t]*$"
    r"|(?:const|let|var)[ \t]+([\w$]+)[ \t]*=[ \t]*(?:async[ \t]+)?(?:function\b|\([^)\n]{0,200}\)[ \t]*=>)"
    r"|([\w$]+(?:\.[\w$]+){1,3})[ \t]*=[ \t]*(?:async[ \t]+)?function\b)"
)
_MEMBER = re.compile(r"(?<![\w$.])(?:self|this)\.[\w$]{1,60}")
_SET = re.compile(r"(?<![\w$.])((?:self|this)\.[\w$]{1,60})(?:[ \t]*:[^=\n]{1,80})?[ \t]*=(?![=>])")
_CLASSES = frozenset({"class", "interface", "struct", "enum", "trait", "impl", "record"})


@dataclass(frozen=True, slots=True)
class Head:
    """The first line of a definition."""

    line: int
    """Zero-based."""
    indent: int
    name: str
    holds: bool
    """Whether it is a class or something like one."""
    parent: int
    """Index, among the heads of the file, of the definition it is in; -1 for none."""


def heads_of(lines: Sequence[str]) -> list[Head]:
    """Every definition of a file, in order."""
    heads: list[Head] = []
    above: list[int] = []
    for number, line in enumerate(lines):
        match = _DEFINES.match(line[:400])
        if match is None:
            continue
        keyword, *names = match.groups()
        name = next(name for name in names if name)
        indent = indent_of(line)
        while above and heads[above[-1]].indent >= indent:
            above.pop()
        heads.append(Head(number, indent, name, keyword in _CLASSES, above[-1] if above else -1))
        above.append(len(heads) - 1)
        if len(heads) == MOST_HEADS:
            break
    return heads


def offered(lines: Sequence[str], cursor: int, near: range, most_chars: int) -> str:
    """The heads that code at line `cursor` may use, outside of the lines `near`.

    They are those of the file, of the class around the cursor and of its bases. Those that the file uses often come
    first when there are too many; they are shown in the order of the file.
    """
    heads = heads_of(lines)
    around = _around(heads, lines, cursor)
    attributes = _attributes(heads, lines, around)
    around |= _bases(heads, lines, around)
    reachable = [
        number
        for number, head in enumerate(heads)
        if head.line not in near and not head.name.startswith("__") and (head.parent < 0 or head.parent in around)
    ]
    used = Counter(name for line in lines for name in IDENTIFIER.findall(line[:400]))
    words = {word for number in around if not heads[number].holds for word in split_identifier(heads[number].name)}

    def worth(number: int) -> float:
        head = heads[number]
        shared = words & set(split_identifier(head.name))
        return (
            math.log(used[head.name.rpartition(".")[2]] + 1)
            + SAME_CLASS * (head.parent >= 0)
            + SAME_WORDS * bool(shared)
        )

    chosen: list[int] = []
    left = most_chars - len(attributes)
    for number in sorted(reachable, key=lambda number: (-worth(number), number)):
        size = heads[number].indent + len(folded_head(lines, heads[number].line, LONGEST_HEAD)) + 1
        if size > left:
            break
        left -= size
        chosen.append(number)
    drawn = _drawn(heads, lines, sorted(chosen))
    return f"{drawn}\n{attributes}".strip("\n")


def _around(heads: Sequence[Head], lines: Sequence[str], cursor: int) -> set[int]:
    """The definitions that the cursor is in, by indentation."""
    level = next((indent_of(line) for line in reversed(lines[: cursor + 1]) if line.strip()), 0)
    if cursor < len(lines) and lines[cursor].isspace():
        level = len(lines[cursor])
    last = next((number for number in range(len(heads) - 1, -1, -1) if heads[number].line <= cursor), -1)
    found: set[int] = set()
    while last >= 0:
        if heads[last].indent < level or heads[last].line == cursor:
            found.add(last)
        last = heads[last].parent
    return found


def _bases(heads: Sequence[Head], lines: Sequence[str], around: set[int]) -> set[int]:
    """The classes of this file that the classes around are made from, directly."""
    named = {name for number in around if heads[number].holds for name in IDENTIFIER.findall(lines[heads[number].line])}
    return {number for number, head in enumerate(heads) if head.holds and head.name in named}


def _attributes(heads: Sequence[Head], lines: Sequence[str], around: set[int]) -> str:
    """What the class around sets on its objects, as code would write it: the names used most, on one line."""
    own = max((number for number in around if heads[number].holds), default=-1)
    if own < 0:
        return ""
    after = (head.line for head in heads[own + 1 :] if head.indent <= heads[own].indent)
    body = "\n".join(line[:400] for line in lines[heads[own].line : next(after, len(lines))])
    methods = {head.name for head in heads if head.parent == own}
    used = Counter(_MEMBER.findall(body))
    names = [name for name in dict.fromkeys(_SET.findall(body)) if name.partition(".")[2] not in methods]
    best = sorted(names, key=lambda name: (-used[name], name))[:MOST_ATTRIBUTES]
    return " " * (heads[own].indent + 4) + ", ".join(sorted(best)) if best else ""


def _drawn(heads: Sequence[Head], lines: Sequence[str], chosen: Sequence[int]) -> str:
    """The lines of the chosen heads, each class before the first of its members."""
    drawn: list[str] = []
    shown: set[int] = set()
    for number in chosen:
        parent = heads[number].parent
        for shown_now in (parent, number) if parent >= 0 else (number,):
            if shown_now not in shown:
                shown.add(shown_now)
                head = heads[shown_now]
                drawn.append(" " * min(head.indent, 8) + folded_head(lines, head.line, LONGEST_HEAD))
    return "\n".join(drawn)
