"""Cuts plain text into blocks and draws what a definition offers, by lines, indentation and brackets alone.

For text that the index has not cut: open documents, the far parts of the file being edited, the members of a class.
No grammar: this runs in the server's process, on text of any kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zicoder.index.words import IDENTIFIER
from zicoder.text import split_lines

__all__ = ["Block", "blocks_of", "doc_line", "folded_head", "indent_of", "member_heads", "members_of"]

FEWEST_LINES, MOST_LINES = 6, 24
"""Of a block."""
LONGEST_LINE = 400
LONGEST_HEAD = 200
"""Characters of one member's head."""
HEAD_LINES = 24
"""Lines over which the brackets of a head may go on."""
MOST_MEMBERS = 40
READ_LINES = 3000
"""Of a class; a longer one is cut."""

_HEAD = re.compile(
    r"(?:export\s+|default\s+|public\s+|private\s+|protected\s+|static\s+|abstract\s+|async\s+|pub(?:\(\w+\))?\s+)*"
    r"(?:(?:def|class|function|fn|func|fun|interface|struct|enum|trait|impl|type|record|get|set)\s+\*?[\w$#(<]"
    r"|(?!(?:if|for|while|switch|catch|return|with|assert|raise|else|elif|except|match|await|yield|super)\b)"
    r"[\w$#][\w$<>\[\]., ?]*\([^)]*\)?\s*[^;]*[{:,(]\s*$"
    r"|(?!return\b|raise\b|yield\b|del\b|import\b|from\b)[\w$#?]+\s*(?::[^=:]|=[^=]))"
)
"""A line that begins a definition, a method or a field, in the languages with braces or with indentation."""
_ATTRIBUTE = re.compile(r"^[ \t]*(?:self|this)\.([\w$]+)(?:\s*:\s*[^=\n]{1,80}?)?\s*=[^=]", re.MULTILINE)
_SPECIAL = re.compile(r"(?:async\s+)?def\s+__(?!init__|call__)\w+__\b")
"""Python calls these itself; who writes code hardly ever does."""
_QUOTED_DOC = re.compile(r"[rRuU]?(?:\"\"\"|''')\s*([^\n]*)")
_COMMENT_DOC = re.compile(r"^[ \t]*(?:/\*\*?|\*|///?!?|#)[ \t]*(?![@*/!])([^\n]*[^\W\d_][^\n]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of a text, [start, end)."""

    start: int
    end: int
    text: str
    """Line endings made "\\n"."""


def blocks_of(text: str) -> list[Block]:
    """The text in blocks that begin after a blank line or at a definition, where there are any."""
    lines = [line.rstrip("\r\n")[:LONGEST_LINE] for line in split_lines(text)]
    found: list[Block] = []
    start = 0
    for at in range(1, len(lines) + 1):
        size = at - start
        if at < len(lines) and size < MOST_LINES and not (size >= FEWEST_LINES and _may_begin(lines, at)):
            continue
        body = "\n".join(lines[start:at]).strip("\n")
        if body.strip():
            found.append(Block(start, at, body))
        start = at
    return found


def members_of(lines: Sequence[str], start: int) -> str:
    """The head of the class-like definition at line `start`, and the heads of what is directly inside.

    "" if there is nothing inside.
    """
    lines = lines[start : start + READ_LINES]
    head, inside = _definition(lines)
    if not inside:
        return ""
    level = min(indent_of(lines[number]) for number in inside)
    found = [folded_head(lines, head)]
    found += [
        " " * level + folded_head(lines, number)
        for number in _heads(lines, inside)
        if not _SPECIAL.match(lines[number].strip())
    ]
    known = set(IDENTIFIER.findall("\n".join(found)))
    attributes = dict.fromkeys(_ATTRIBUTE.findall("\n".join(lines[number] for number in inside)))
    if new := [name for name in attributes if name not in known][:MOST_MEMBERS]:
        found.insert(1, " " * level + ", ".join(new))
    return "\n".join(found[:MOST_MEMBERS]) if len(found) > 1 else ""


def member_heads(lines: Sequence[str], start: int) -> list[tuple[int, str]]:
    """The members of the class-like definition at line `start`: the zero-based line and the head of each."""
    found = lines[start : start + READ_LINES]
    return [(start + number, folded_head(found, number)) for number in _heads(found, _definition(found)[1])]


def doc_line(text: str) -> str:
    """The first line of the documentation in a definition's text: of a docstring, or of the comment above."""
    head = text[:4000]
    if (quoted := _QUOTED_DOC.search(head)) and quoted.group(1).strip():
        return quoted.group(1).strip().removesuffix('"""').removesuffix("'''").strip()[:LONGEST_HEAD]
    first = head.lstrip()[:3]
    if first.startswith(("/*", "//", "#")) and (comment := _COMMENT_DOC.search(head)):
        return comment.group(1).strip().removesuffix("*/").strip()[:LONGEST_HEAD]
    return ""


def folded_head(lines: Sequence[str], number: int, longest: int = LONGEST_HEAD) -> str:
    """A head on one line, up to where its brackets close."""
    text = ""
    for line in lines[number : number + HEAD_LINES]:
        text += " " + line.strip()[:LONGEST_LINE]
        if len(text) > longest or text.count("(") <= text.count(")"):
            break
    text = text.strip().replace("( ", "(").replace(", )", ")")
    text = text.rstrip(" {")
    return text if len(text) <= longest else text[: longest - 4] + " ..."


def indent_of(line: str) -> int:
    """Characters of white space that a line begins with."""
    return len(line) - len(line.lstrip())


def _may_begin(lines: Sequence[str], at: int) -> bool:
    line = lines[at]
    return bool(line.strip()) and (not lines[at - 1].strip() or (indent_of(line) == 0 and bool(_HEAD.match(line))))


def _definition(lines: Sequence[str]) -> tuple[int, list[int]]:
    """The first line that begins a definition, and the numbers of the lines inside of it."""
    head = next((number for number, line in enumerate(lines) if _HEAD.match(line.strip())), None)
    return (0, []) if head is None else (head, list(_inside(lines, head, indent_of(lines[head]))))


def _heads(lines: Sequence[str], inside: Sequence[int]) -> list[int]:
    """Of these lines, those that begin a definition and are not inside of another one."""
    level = min((indent_of(lines[number]) for number in inside), default=0)
    return [number for number in inside if indent_of(lines[number]) == level and _HEAD.match(lines[number].strip())]


def _inside(lines: Sequence[str], head: int, own: int) -> Iterator[int]:
    """Numbers of the lines below `head` that are indented further, up to the first that is not."""
    opened = False
    for number in range(head + 1, len(lines)):
        line = lines[number].strip()
        if not line:
            continue
        if indent_of(lines[number]) > own:
            opened = True
            yield number
        elif opened or line[0] not in ")]}{":
            if line[0] in ")]":  # the end of a head over several lines; its body follows
                continue
            return
