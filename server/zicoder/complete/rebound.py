"""What typing since an analysis does to what it found: a name may be another thing now, and may have new members.

Owns no analysis: it looks at the lines that were changed, takes out what they may have made wrong, and adds the names
that they use. What is taken out too much is only free again. Pure.
"""

from __future__ import annotations

import re
from dataclasses import replace

from zicoder.models.protocols import Guide
from zicoder.text import common_ends

__all__ = ["changed_lines", "still_true"]

MOST_CHARS = 4000
"""Of changed lines; more were pasted, and nothing is known then."""

_WORD = re.compile(r"[\w$]+")
_DECLARED = re.compile(
    r"\b(?:as|class|const|def|enum|fn|fun|func|function|interface|let|struct|type|val|var)\s+([\w$]+)"
    r"|(?<![\w$])([\w$]+)\s*:="
)
_LISTED = re.compile(r"\bfor\b([^\n]{0,200}?)\b(?:in|of)\b|\bimport\b([^\n]*)")
_ASSIGNED = re.compile(r"^([^=()\"'#]{0,200}?)(?:\*\*|//|>>|<<|\?\?|[-+*/%&|^@])?=(?![=>])", re.MULTILINE)
_UNPACKED = re.compile(r"\(([^=()\"'#]{0,200})\)\s*=(?![=>])")
_TARGET = re.compile(r"(?<![\w$.])([\w$]+(?:\.[\w$]+)*)(?![\w$(\[])")
_ANYWHERE = re.compile(r"(?<![\w$.])([\w$]+(?:\.[\w$]+)*)\s*=(?![=>])")


def changed_lines(old: str, new: str, start: int, end: int) -> tuple[str, str]:
    """The lines of `new` that `old` has not or has otherwise, and the cursor's, without its word from `start` to `end`.

    Both are "" where nothing was changed; the cursor's line is not among the first, and "" if it was not changed.
    """
    if old is new or old == new:
        return "", ""
    head, tail = common_ends(old, new)
    first = new.rfind("\n", 0, head) + 1
    last = new.find("\n", len(new) - tail)
    last = len(new) if last < 0 else last
    if not first <= start <= end <= last:
        return new[first:last], ""
    above = new.rfind("\n", first, start) + 1 or first
    below = new.find("\n", end, last)
    below = last if below < 0 else below
    return new[first:above] + new[below:last], f"{new[above:start]} {new[end:below]}"


def still_true(guide: Guide, changed: str, line: str) -> Guide:
    """The guide without what changed lines may have made wrong, and with the members that they name.

    `line` is the cursor's: what it assigns to is at the cursor still what it was.
    """
    if not (changed.strip() or line.strip()) or not (guide.members or guide.arguments):
        return guide
    used = f"{changed}\n{line}"
    if len(used) > MOST_CHARS:
        return replace(guide, members={}, arguments={})
    bound = _declared(used) | _assigned(changed)
    members = {
        owner: (*names, *dict.fromkeys(each for each in _members(owner, used) if each not in names))
        for owner, names in guide.members.items()
        if not _is_bound(owner, bound)
    }
    arguments = {
        called: names
        for called, names in guide.arguments.items()
        if not _is_bound(called, bound) and called.rpartition(".")[2] not in bound
    }
    return replace(guide, members=members, arguments=arguments)


def _declared(lines: str) -> set[str]:
    """The names that these lines bring in."""
    found = {each for match in _DECLARED.finditer(lines) for each in match.groups() if each}
    for match in _LISTED.finditer(lines):
        found.update(_WORD.findall(match[1] or match[2] or ""))
    return found


def _assigned(lines: str) -> set[str]:
    """The names, and the members as written, that these lines assign to, and those of keyword arguments."""
    left = (match[1] for pattern in (_ASSIGNED, _UNPACKED) for match in pattern.finditer(lines))
    return {each for text in left for each in _TARGET.findall(text)} | set(_ANYWHERE.findall(lines))


def _is_bound(expression: str, bound: set[str]) -> bool:
    """Whether any of `a`, `a.b`, `a.b.c` was bound, of an expression `a.b.c`."""
    parts = expression.split(".")
    return any(".".join(parts[:n]) in bound for n in range(1, len(parts) + 1))


def _members(owner: str, lines: str) -> list[str]:
    return re.findall(rf"(?<![\w$.]){re.escape(owner)}\s*\.\s*([^\W\d][\w$]*)", lines)
