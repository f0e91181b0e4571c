"""Citations in an answer, `path:line`: finding them, and holding them against the files that there are.

A model that is not sure of a place makes one up. Places that do not exist are mended where it is clear what is meant,
and marked where it is not. Must never change anything in a code block: what stands there is code, or output.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from zicoder.context.prose import code_ranges, inside

__all__ = ["Citation", "CitedFiles", "WrongCitation", "checked_citations", "cited"]

MOST = 500
"""Citations of one answer that are looked at; a model that loops repeats them without end."""

_CITATION = re.compile(
    r"(?<![\w/\\.@:-])"
    r"(?P<path>(?:[A-Za-z]:[\\/]|\.{0,2}/)?(?:[\w.@+\-\[\]()]{1,100}[\\/]){0,20}[\w.@+-]{1,100})"
    r"(?::|#L)(?P<first>\d{1,7})(?:[-\u2013](?:L|:)?(?P<last>\d{1,7})|:\d{1,4})?"
    r"(?![\w/]|[.:]\w)"
)
_WITHOUT_ENDING = re.compile(
    r"(?:make|docker|container|gem|rake|proc|brew|jenkins|vagrant|just|pip)file|license|readme", re.I
)
_HOST = re.compile(r"(?:\d+\.){3}\d+|[\w.-]+\.(?:com|org|net|io|dev|local|localhost)", re.IGNORECASE)


class CitedFiles(Protocol):
    """The files that may be cited."""

    def line_count(self, path: str) -> int | None:
        """Lines of a project-relative file, None where there is no such file."""
        ...

    def ending(self, written: str) -> Sequence[str]:
        """Paths that end in these parts, as `store.py` and `models/store.py` are the ends of one."""
        ...


@dataclass(frozen=True, slots=True)
class Citation:
    """One place that an answer names. Lines count from 1, the last one is part of it."""

    path: str
    first: int
    last: int
    start: int
    """Offsets in the text, [start, end)."""
    end: int


@dataclass(frozen=True, slots=True)
class WrongCitation:
    """A citation of a place that does not exist. `mended` is what stands there now, "" if it was only marked."""

    citation: Citation
    reason: str
    mended: str = ""


def cited(text: str) -> list[Citation]:
    """The citations in a text, in order, code blocks left out: `src/a.py:10`, `a.py:10-20`, `src/a.py#L10-L20`."""
    ranges = code_ranges(text, inline=False)
    found: list[Citation] = []
    for match in _CITATION.finditer(text):
        path = _without_bracket(match["path"])
        if inside(ranges, match.start()) or not _is_path(path):
            continue
        first, last = int(match["first"]), int(match["last"] or match["first"])
        found.append(Citation(path, first, last, match.end("path") - len(path), match.end()))
        if len(found) == MOST:
            break
    return found


def _without_bracket(written: str) -> str:
    """Less the brackets in front that are closed behind the citation: `(a.py:3)`, but not `(group)/page.tsx:3`."""
    while written[0] in "([" and written.count(written[0]) > written.count(")" if written[0] == "(" else "]"):
        written = written[1:]
    return written


def _is_path(written: str) -> bool:
    """Whether it looks like a path, not like a time, a host and its port, or a ratio."""
    name = re.split(r"[\\/]", written)[-1]
    if _HOST.fullmatch(written) or not re.search(r"[A-Za-z_]", name):
        return False
    return (
        "." in name[1:-1] or name.startswith(".") or len(name) < len(written) or bool(_WITHOUT_ENDING.fullmatch(name))
    )


def checked_citations(text: str, files: CitedFiles, *, shown: Collection[str] = ()) -> tuple[str, list[WrongCitation]]:
    """The text with citations of places that do not exist mended or marked, and a list of those.

    A path that is not there gives way to the only file whose path ends so, or that has its name; of several, to the
    only one of `shown`, the paths that the model has read. A line past the end is taken away.
    Reads files: for a thread.
    """
    wrong: list[WrongCitation] = []
    parts: list[str] = []
    counts: dict[str, int | None] = {}

    def lines_of(path: str) -> int | None:
        if path not in counts:
            counts[path] = files.line_count(path)
        return counts[path]

    at = 0
    for citation in cited(text):
        path = citation.path.replace("\\", "/").removeprefix("./")
        lines = lines_of(path)
        meant = [path] if lines is not None else _meant(path, files, shown)
        if lines is not None and 0 < citation.first <= citation.last <= lines:
            continue
        target = meant[0] if len(meant) == 1 else ""
        verdict = _verdict(replace(citation, path=path), target, lines_of(target) if target else None)
        wrong.append(replace(verdict, citation=citation))
        if verdict.mended:
            parts += [text[at : citation.start], verdict.mended]
            at = citation.end
        else:
            after = citation.end + (text[citation.end : citation.end + 1] == "`")
            parts += [text[at:after], " (several files are called so)" if meant else " (no such file)"]
            at = after
    return "".join([*parts, text[at:]]), wrong


def _meant(path: str, files: CitedFiles, shown: Collection[str]) -> Sequence[str]:
    """The files that can be meant by a path that is not there."""
    found = files.ending(path) or files.ending(path.rpartition("/")[2])
    read = [each for each in found if each in shown]
    return read if len(read) == 1 else found


def _verdict(citation: Citation, target: str, count: int | None) -> WrongCitation:
    if not target or count is None:
        return WrongCitation(citation, f"There is no file {citation.path}.")
    reason = "" if target == citation.path else f"There is no file {citation.path}; {target} is meant. "
    if not 0 < citation.first <= count:
        return WrongCitation(citation, f"{reason}{target} has {count:,} lines, not {citation.first:,}.", target)
    last = min(citation.last, count)
    lines = f"{citation.first}-{last}" if last > citation.first else f"{citation.first}"
    if last != citation.last:
        reason += f"{target} has {count:,} lines, not {citation.last:,}."
    return WrongCitation(citation, reason.strip(), f"{target}:{lines}")
