"""How an answer says which file it talks about: a line above a block, the info of a fence, a word in a sentence.

Pure functions from one line to a path as it was written; whether there is such a file is not asked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from zicoder.text import language_of

__all__ = ["FENCE", "Named", "named_in_header", "named_in_info", "named_in_prose"]

LONGEST_HEADER = 300

FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([^`\r\n]*?)[ \t]*$")
"""A line that opens or closes a fenced block: its indentation, its marks, its info."""

_LEADER = re.compile(
    r"(?:[ \t]*(?:#+|\*+|-|\+|>|//+|/\*+|<!--|--|;|%|\d+[.)])(?=[ \t`'\"])[ \t]*|\*\*)*"
    r"(?:(?:in|edit|update|change|modify|create|new|the)[ \t]+)*"
    r"(?:\*\*)?(?:(?:file(?:[ \t]?(?:name|path))?|path)\b(?:[ \t]*\*\*)?[ \t]*:?(?:\*\*)?[ \t]*)?",
    re.IGNORECASE,
)
_TRAILER = re.compile(
    r"(?:[ \t]*(?:\*+/|-->|\*\*|:|\((?:new|new file|modified|updated|existing|lines? [\d, -]+)\)))+$", re.IGNORECASE
)
_QUOTED = re.compile(r"(?:\*\*|__)?([`'\"]+)([^`'\"]+)\1(?:\*\*|__)?")
_LINE = re.compile(r"(?::|#L|\s*\(lines? )(\d+)(?:[-:]L?\d+)?\)?$", re.IGNORECASE)
_PATH = re.compile(r"[\w@.+~$!%&,'()\[\]{}=\-/\\:]+")
_PATH_WITH_SPACES = re.compile(r"[\w@.+~$!%&,'()\[\]{}=\-/\\: ]+")
_EXTENSION = re.compile(r"[^.]\.[A-Za-z]\w{0,11}$|^\.[A-Za-z][\w.-]+$")
_WORD = re.compile(r"`([^`\n]{1,200})`|([\w@.+~$\-/\\\[\]]+\.\w+)")
_ATTRIBUTE = re.compile(
    r"(?:title|file|filename|path|name)[ \t]*[=:][ \t]*(?:\"([^\"]+)\"|'([^']+)'|(\S+))", re.IGNORECASE
)
_CITATION = re.compile(r"\d+:\d+:")
_NO_PATH = frozenset({"asp.net", "vb.net", "c/c++", "node.js", "vue.js", "html/css"})
_PLAIN_NAMES = frozenset(
    {"license", "readme", "changelog", "notice", "authors", "procfile", "vagrantfile", "codeowners"}
)


@dataclass(frozen=True, slots=True)
class Named:
    """A file that an answer names."""

    path: str
    line: int | None = None
    """One-based, where it says one."""
    certain: bool = True
    """Whether it can hardly be anything but a file of text: its ending is one that we know, or it has a folder."""


def named_in_header(line: str) -> Named | None:
    """The file of a line that says nothing else, `### src/a.py:` or a comment with a path; None for other lines."""
    text = line.strip()
    if not text or len(text) > LONGEST_HEADER:
        return None
    leader = _LEADER.match(text)
    text = _TRAILER.sub("", text[leader.end() if leader else 0 :]).strip()
    if quoted := _QUOTED.fullmatch(text):
        return _named(quoted.group(2), spaces=True)
    return _named(text.strip("`'\"*"))


def named_in_info(info: str) -> Named | None:
    """The file in the info of a fence: `python src/a.py`, `src/a.py`, `python:src/a.py`, `py title="src/a.py"`."""
    info = info.strip().strip("{}").strip()
    if not info or len(info) > LONGEST_HEADER or _CITATION.match(info):
        return None
    if attribute := _ATTRIBUTE.search(info):
        return _named(next(group for group in attribute.groups() if group), spaces=True)
    first, _, rest = info.partition(" ")
    if rest.strip():
        return named_in_header(rest)
    language, colon, path = first.partition(":")
    if colon and len(language) > 1 and not path.isdigit() and "." not in language:
        return _named(path)
    if first.lower() in _NO_PATH or first.lower().startswith(("text/", "application/")):
        return None
    return _named(first)


def named_in_prose(line: str) -> Named | None:
    """The only file that a sentence mentions, None where it mentions none or several."""
    found = {
        named.path: named
        for match in _WORD.finditer(line[:2_000])
        if (named := _named(match.group(1) or match.group(2))) and named.certain
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _named(text: str, *, spaces: bool = False) -> Named | None:
    text = text.strip()
    line = _LINE.search(text)
    path = text[: line.start()] if line else text
    if not (_PATH_WITH_SPACES if spaces else _PATH).fullmatch(path):
        return None
    name = PurePosixPath(path.replace("\\", "/")).name
    known = language_of(PurePosixPath(name)) != "plaintext" or name.lower() in _PLAIN_NAMES
    if not known and not _EXTENSION.search(name):
        return None
    # A number of lines that nobody can have is no hint, and int() refuses thousands of digits.
    number = int(line.group(1)) if line and len(line.group(1)) < 8 else None
    return Named(path, number, certain=known or "/" in path or "\\" in path)
