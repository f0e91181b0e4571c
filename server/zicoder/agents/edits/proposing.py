"""From the blocks of an answer to a proposal: each file's text before and after, and what is to be said about it.

Owns the order in which blocks apply, and the reasons for which one is refused. A refused block changes nothing; the
others stand. Nothing is written here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

from zicoder.agents.edits.blocks import Block, Piece, Reading
from zicoder.agents.edits.by_name import with_definitions
from zicoder.agents.edits.checked import judged
from zicoder.agents.edits.document import Document, Line
from zicoder.agents.edits.elision import elision_in
from zicoder.agents.edits.indentation import keep
from zicoder.agents.edits.located import Located, locate
from zicoder.agents.edits.matching import Place, find
from zicoder.agents.edits.paths import project_path, resolve, same_name, spelled
from zicoder.agents.edits.rewriting import rewritten
from zicoder.errors import ZiError
from zicoder.proposal import FileEdit, Proposal
from zicoder.text import language_of

__all__ = ["Focus", "Read", "Remark", "propose"]

Read: TypeAlias = Callable[[str], str | None]
"""The current text of a file, None when there is none. May raise ZiError for one that cannot be read as text."""

MOST_BLOCKS = 300
"""Of one answer. A model that goes on longer repeats itself."""
MOST_SOUGHT = 30
"""Blocks of one answer that are looked for by likeness; the rest must be found otherwise."""
MOST_LINES = 100_000
"""Of a file that is searched for a text."""

_MARKER = re.compile(r"[ \t]*(?:<{5,9}[ \t]*(?:SEARCH|DELETE|RENAME)\b|>{5,9}[ \t]*REPLACE\b|(?:<{7}|>{7}) \S)")
_SEARCH = re.compile(r"[ \t]*(<{5,9})[ \t]*SEARCH\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Focus:
    """What is in front of the user: the file that a block without a path means, and the one-based line of interest."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know about a proposal, as a sentence for the model and for the log."""

    kind: Literal["refused", "syntax", "unchecked", "matched"]
    """A block that is not in the proposal; a file that gets syntax errors; one that nobody could check; a block that
    was not found exactly, but by forgiving something."""
    text: str
    path: str = ""
    block: int | None = None
    """The number of the block, one-based."""

    @property
    def is_problem(self) -> bool:
        """Whether the model should try again."""
        return self.kind in ("refused", "syntax")


@dataclass(slots=True)
class _File:
    """A file while blocks are applied to it."""

    before: str | None
    original: Document | None
    """Before the first block of this answer."""
    now: Document | None


class _Refused(Exception):
    """A block cannot be applied; the text is the sentence."""


def propose(
    pieces: Iterable[Piece],
    read: Read,
    *,
    title: str = "",
    files: Collection[str] = (),
    focus: Focus | None = None,
    onto: Proposal | None = None,
    rewrite: bool = False,
    version: Callable[[str], int | None] = lambda _: None,
) -> tuple[Proposal, tuple[Remark, ...]]:
    """Apply the blocks among `pieces` to the texts that `read` gives, in their order.

    `files` are the paths of the project, as far as they are known, to find a file whose folder was left out. `onto` is
    a proposal that is not applied yet and goes on here: its texts are what the blocks see, and the result holds both.
    `rewrite` lets a fence that names an existing file replace it whole. `version` gives that of an open document.
    A remark of the kind "refused" or "syntax" is a problem; files that nothing was done to are not in the proposal.
    """
    work = _Work(read, files, focus, onto, rewrite)
    for piece in pieces:
        if isinstance(piece, Block):
            work.take(piece)
    edits = tuple(
        FileEdit(path=path, before=file.before, after=after, version=version(path))
        for path, file in work.files.items()
        if (after := file.now.text if file.now else None) != file.before
    )
    return Proposal(title, edits), (*work.remarks, *_checks(edits))


def _checks(edits: Iterable[FileEdit]) -> Iterable[Remark]:
    for edit in edits:
        if edit.after is None:
            continue
        verdict = judged(edit.path, edit.before, edit.after)
        if verdict.kind == "worse":
            yield Remark("syntax", f"The change to `{edit.path}` adds {verdict.reason}.", edit.path)
        elif verdict.kind == "unchecked":
            yield Remark("unchecked", f"`{edit.path}` was not checked: {verdict.reason}.", edit.path)


class _Work:
    """The files that blocks apply to."""

    def __init__(
        self, read: Read, known: Collection[str], focus: Focus | None, onto: Proposal | None, rewrite: bool
    ) -> None:
        self._read, self._known, self._focus, self._rewrite = read, known, focus, rewrite
        self.files: dict[str, _File] = {}
        self.remarks: list[Remark] = []
        self._applied: set[tuple[str, Reading]] = set()
        self._changed: set[str] = set()
        self._refused: set[Block] = set()
        self._sought = 0
        for edit in onto.files if onto else ():
            now = None if edit.after is None else Document.of(edit.after)
            self.files[edit.path] = _File(edit.before, now, now)

    def take(self, block: Block) -> None:
        """Apply one block, or say why not."""
        nameless = replace(block, number=0, raw="")
        if nameless in self._refused:
            return  # models repeat themselves
        kinds = {"change": self._change, "file": self._whole, "delete": self._delete, "rename": self._rename}
        try:
            if block.fault:
                raise _Refused(block.fault)
            if block.number > MOST_BLOCKS:
                raise _Refused(f"Only the first {MOST_BLOCKS} are.")
            kinds[block.kind](block)
        except _Refused as refusal:
            reason = str(refusal)
        except ZiError as error:
            reason = error.sentence
        else:
            return
        self._refused.add(nameless)
        text = f"Block {block.number} is not applied. {reason}"
        self.remarks.append(Remark("refused", text, block.path or block.guess, block.number))

    def _file(self, path: str) -> _File:
        """The file as it is now. Raises ZiError when it cannot be read."""
        known = self.files.get(path)
        if known is None:
            text = self._read(path)
            original = None if text is None else Document.of(text)
            known = _File(text, original, original)
        return known

    def _exists(self, path: str) -> bool:
        return self._file(path).now is not None

    def _meant(self, block: Block) -> str:
        """The file that a block means. Raises InputError, _Refused."""
        default = self._focus.path if self._focus else ""
        for written in (block.path, block.guess, default):
            if written:
                path = resolve(written, self._exists, self._known)
                if written == block.path or self._exists(path):
                    return self._spelled(path)
        raise _Refused("It names no file: put the file's path on the line above it.")

    def _exactly(self, written: str) -> str:
        """The file of a path that must be right, since nothing else says which one is meant. Raises InputError."""
        return self._spelled(project_path(written))

    def _spelled(self, path: str) -> str:
        return spelled(spelled(path, self._known), self.files)

    def _keep(self, path: str, file: _File, after: Document | None) -> None:
        file.now = after
        self.files[path] = file
        self._changed.add(path)

    # The kinds of blocks

    def _change(self, block: Block) -> None:
        creating = [r for r in block.readings if not any(line.strip() for line in r.search)]
        path = self._exactly(block.path) if creating and block.path else ""
        if not path or (self._exists(path) and len(creating) < len(block.readings)):
            path = self._meant(block)
        file = self._file(path)
        if file.now is None or file.now.is_blank:
            if not creating:
                raise _Refused(self._unknown(path))
            self._create(path, file, creating[-1].replace, block)
            return
        now = file.now
        if len(now.lines) > MOST_LINES:
            raise _Refused(f"`{path}` is too long to edit ({len(now.lines):,} lines).")
        self._refuse_markers(path, now, block)
        if len(creating) == len(block.readings):
            raise _Refused(f"Its SEARCH text is empty, but `{path}` exists: search for the lines to change.")
        near = self._focus.line if self._focus and self._focus.path == path else None
        located = locate(now, block, path, near, by_likeness=self._sought < MOST_SOUGHT)
        self._sought += isinstance(located, str) or located.score < 1
        if isinstance(located, str):
            if not any((path, reading) in self._applied for reading in block.readings):
                raise _Refused(self._why_not(file, block, path, located))
            return  # models repeat themselves: this very block was applied already
        after = self._apply(path, now, located, block)
        self._applied |= {(path, reading) for reading in block.readings}
        self._keep(path, file, after)
        if located.step:
            at = located.place.start + 1
            text = f"Block {block.number} was found in `{path}` at line {at} by forgiving {located.step}."
            self.remarks.append(Remark("matched", text, path, block.number))

    def _apply(self, path: str, now: Document, located: Located, block: Block) -> Document:
        reading = located.reading
        if reading.search == reading.replace:
            raise _Refused(f"Its SEARCH and REPLACE texts are the same, so that `{path}` would not change.")
        self._refuse_gaps(path, now, reading.replace)
        after = rewritten(now, located.place, reading.search, reading.replace)
        if after is None:
            raise _Refused(f"Its SEARCH text is too far from lines {_range(located)} of `{path}`: copy them exactly.")
        if not block.ended and judged(path, now.text, after.text).kind != "sound":
            raise _Refused("It has no line `>>>>>>> REPLACE`, so that nobody knows where it ends: write it again.")
        return after

    def _why_not(self, file: _File, block: Block, path: str, reason: str) -> str:
        """The reason why a block is not found, or a better one."""
        for reading in block.readings:
            if file.original and file.now is not file.original:
                lines = [line.body for line in file.original.lines]
                if find(lines, reading.search, reading.replace):
                    return f"It overlaps a block before it, which changes the same lines of `{path}`: join the two."
            lines = [line.body for line in file.now.lines] if file.now else []
            if elision := elision_in(reading.search, {line.strip() for line in lines}, ""):
                return f"Its SEARCH text leaves lines out (`{elision}`): copy every line as it stands in `{path}`."
            if any(map(str.strip, reading.replace)) and len(block.readings) == 1 and _has(lines, reading.replace):
                return f"{reason.partition(';')[0].rstrip('.')}; its REPLACE text is there already."
        return reason

    def _unknown(self, path: str) -> str:
        hint = self._similar(path) or " For a new file leave the SEARCH text empty."
        return f"There is no file `{path}`.{hint}"

    def _similar(self, path: str) -> str:
        similar = [f"`{name}`" for name in same_name(path, self._known)[:3]]
        return f" Is it {' or '.join(similar)}?" if similar else ""

    def _whole(self, block: Block) -> None:
        path = self._exactly(block.path)
        file = self._file(path)
        content = block.readings[0].replace
        if file.now is None or file.now.is_blank:
            if not block.named and not block.ended:
                raise _Refused(f"The text of `{path}` has no end.")
            self._create(path, file, content, block)
        elif self._rewrite:
            self._refuse_gaps(path, file.now, content)
            if not block.ended and judged(path, file.now.text, "\n".join(content)).kind != "sound":
                raise _Refused(f"The text of `{path}` has no end: write the whole file again.")
            old = [line.body for line in file.now.lines]
            whole = Place(0, len(old), tuple(range(len(old))), keep)
            self._keep(path, file, rewritten(file.now, whole, old, content))
        elif (made := self._by_name(path, file, file.now, content)) is not None:
            self._keep(path, file, made)
        elif block.named or path not in self._changed:
            raise _Refused(f"`{path}` exists: change it with a SEARCH/REPLACE block.")

    def _by_name(self, path: str, file: _File, now: Document, content: tuple[str, ...]) -> Document | None:
        """The file with the definitions of the content in it, None where it holds anything else.

        A file that this answer has made goes on with the content: small models write one in several fences.
        """
        self._refuse_gaps(path, now, content)
        inner = next((line[:1].isspace() for line in content if line.strip()), False)
        made = None if inner else with_definitions(now, content, _language(path))
        if made is None and file.before is None and path in self._changed:
            end, at = now.end_near(len(now.lines)), len(now.lines)
            made = now.with_lines(at, at, [Line(line, end) for line in ("", *content)])
        return made if made is not None and judged(path, now.text, made.text).kind == "sound" else None

    def _create(self, path: str, file: _File, content: tuple[str, ...], block: Block) -> None:
        others = same_name(path, self._known) if path == block.path and "/" not in path else []
        if file.now is None and len(others) == 1:
            raise _Refused(f"There is `{others[0]}` already; for another file at the top write `./{path}`.")
        if not any(line.strip() for line in content):
            raise _Refused(f"The text of `{path}` is empty.")
        empty = file.now or Document("", ())
        self._refuse_gaps(path, empty, content)
        end = empty.end_near(0)
        made = Document(empty.bom, tuple(Line(text, end) for text in content))
        if not block.ended and judged(path, None, made.text).kind != "sound":
            raise _Refused(f"The text of `{path}` has no end: write the whole file again.")
        self._keep(path, file, made)

    def _delete(self, block: Block) -> None:
        path = self._exactly(block.path)
        file = self._file(path)
        if file.now is None:
            raise _Refused(f"There is no file `{path}` to delete.{self._similar(path)}")
        self._keep(path, file, None)

    def _rename(self, block: Block) -> None:
        path, to = self._exactly(block.path), self._exactly(block.to)
        file, target = self._file(path), self._file(to)
        if file.now is None:
            raise _Refused(f"There is no file `{path}` to rename.{self._similar(path)}")
        if target.now is not None:
            raise _Refused(f"`{to}` exists already, so that `{path}` cannot be renamed to it.")
        text = file.now
        self._keep(path, file, None)
        target.original = text
        self._keep(to, target, text)

    # What is never written

    def _refuse_gaps(self, path: str, now: Document, content: Iterable[str]) -> None:
        """Refuse text that leaves code out, or holds markers that the file does not have."""
        lines = list(content)
        known = {line.body.strip() for line in now.lines}
        if elision := elision_in(lines, known, _language(path)):
            raise _Refused(f"It leaves code out (`{elision}`): write every line that shall stand in `{path}`.")
        if (marker := next(filter(_MARKER.match, lines), "")) and not any(map(_MARKER.match, known)):
            raise _Refused(f"It holds a line `{marker.strip()[:60]}`: end each block before the next one begins.")

    def _refuse_markers(self, path: str, now: Document, block: Block) -> None:
        """Refuse markers that may be the file's own."""
        widths = {len(match.group(1)) for line in now.lines if (match := _SEARCH.match(line.body))}
        if block.width in widths:
            free = next((width for width in (9, 8, 6, 5) if width not in widths), 9)
            raise _Refused(
                f"`{path}` holds lines like `{'<' * block.width} SEARCH` itself: use {free} marks in each marker."
            )


def _language(path: str) -> str:
    return language_of(PurePosixPath(path))


def _range(located: Located) -> str:
    return f"{located.place.start + 1}-{located.place.end}"


def _has(lines: list[str], wanted: Iterable[str]) -> bool:
    return (found := find(lines, tuple(wanted), ())) is not None and not found.line
