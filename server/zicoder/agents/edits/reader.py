"""Reads a model's answer while it streams: what is prose, and where blocks begin and end.

The format is told in `blocks`. Gives prose as soon as it is certain, and never guesses what it cannot know: a block
that is not well formed has a `fault`. Never reads a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from zicoder.agents.edits.blocks import (
    DIVIDER,
    END,
    OPENER,
    SLOPPY_END,
    WHOLE,
    Block,
    Piece,
    Prose,
    Reading,
    closes,
    readings_of,
)  # fmt: skip
from zicoder.agents.edits.headers import FENCE, Named, named_in_header, named_in_info, named_in_prose
from zicoder.text import language_of, split_lines

__all__ = ["AnswerReader", "parse"]

LONGEST_MARKER = 400
"""Characters of a line that may still be a marker, a fence or a path."""
MOST_CHARS = 4_000_000
"""Characters of an answer that are read; the rest of it is prose."""
MOST_READINGS = 40
"""Lines of `=======` in one block; a text with more of them is edited with another number of marks."""
SURE_WORDS = 6
"""Words after which a line that is not complete yet can be shown: it is no marker, no fence and no path."""

_ARROW = re.compile(r"[ \t]+(?:->|=>|to)[ \t]+")
_HINT = re.compile(r"[:@(]?[ \t]*(?:lines?)?[ \t]*(\d{1,7})(?:[ \t]*-[ \t]*\d+)?[ \t]*\)?$", re.IGNORECASE)
_LIKE_PROSE = re.compile(r"[ \t]*(?![`~<>=#*\-+/.|\"'(\[{]|\d+[.)])\S")


@dataclass(slots=True)
class _Fence:
    """A fence that is open."""

    mark: str
    named: Named | None
    in_info: bool
    file: bool
    """Whether what follows may be a whole file."""
    lines: list[str] = field(default_factory=list[str])
    wraps: bool = False
    """Whether blocks stand in it, so that its end is none of the reader's business."""
    depth: int = 0
    closings: list[int] = field(default_factory=list[int])
    fresh: bool = True

    @property
    def holds_markdown(self) -> bool:
        return self.named is not None and language_of(PurePosixPath(self.named.path.replace("\\", "/"))) == "markdown"


@dataclass(slots=True)
class _Open:
    """A block whose end was not seen yet."""

    width: int
    named: Named | None
    line: int | None
    guess: str
    raw: list[str]
    lines: list[str] = field(default_factory=list[str])
    dividers: list[int] = field(default_factory=list[int])
    other_end: int | None = None
    """The first end marker that has another number of marks."""


def parse(answer: str, *, cut: bool = False) -> list[Piece]:
    """The pieces of a whole answer, neighbouring prose joined. `cut`: the model was stopped before it was done."""
    reader = AnswerReader()
    joined: list[Piece] = []
    for piece in reader.feed(answer) + reader.finish(cut=cut):
        if isinstance(piece, Prose) and joined and isinstance(joined[-1], Prose):
            joined[-1] = Prose(joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined


class AnswerReader:
    """Reads an answer as it comes: `feed` its pieces, then `finish` once. Prose is given as soon as it is certain."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._tail: list[str] = []
        self._read = 0
        self._mid_line = ""
        self._held: list[str] = []
        self._held_name: Named | None = None
        self._fence: _Fence | None = None
        self._open: _Open | None = None
        self._last_path = ""
        self._mentioned = ""
        self._count = 0

    def feed(self, text: str) -> list[Piece]:
        """The next text of the answer; gives what became certain."""
        room = max(0, MOST_CHARS - self._read)
        self._read += len(text)
        self._tail.append(text[:room])
        if "\n" in text or "\r" in text or (self._tail[0].endswith("\r")):
            whole = "".join(self._tail)
            lines = split_lines(whole)
            # A \r at the end may be half of \r\n.
            rest = lines.pop() if lines and (lines[-1][-1] not in "\r\n" or lines[-1].endswith("\r")) else ""
            self._tail = [rest] if rest else []
            for line in lines:
                self._take(line)
        self._show_early()
        if len(text) > room:
            self._pieces.append(Prose(text[room:]))
        return self._given()

    def finish(self, *, cut: bool = False) -> list[Piece]:
        """The end of the answer; gives the rest. `cut`: the model was stopped before it was done."""
        rest, self._tail = "".join(self._tail), []
        for line in split_lines(rest):
            self._take(line)
        while self._open or (self._fence and self._fence.file):
            if self._open:
                self._close_unended(cut=cut)
            elif self._fence:
                self._close_file(self._fence, cut=cut)
        self._flush()
        self._fence = None
        return self._given()

    def _given(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _show_early(self) -> None:
        """Give the beginning of a long line of prose before its end comes."""
        if self._open or (self._fence and self._fence.file) or not self._tail:
            return
        text = "".join(self._tail)
        if text.endswith("\r"):
            return
        sure = len(text) > LONGEST_MARKER or (len(text.split()) >= SURE_WORDS and _LIKE_PROSE.match(text))
        if self._mid_line or sure:
            self._flush()
            if len(self._mid_line) < LONGEST_MARKER:
                self._mid_line += text
            self._pieces.append(Prose(text))
            self._tail = []
        else:
            self._tail = [text]

    def _take(self, line: str) -> None:
        """One line with its end."""
        if self._mid_line:
            self._pieces.append(Prose(line))
            line, self._mid_line = self._mid_line + line, ""
            self._mention(line)
            return
        text = line.rstrip("\r\n")
        if self._open:
            self._in_block(self._open, line, text)
        elif opener := OPENER.match(text):
            if self._fence and self._fence.closings:
                self._close_file(self._fence)
                self._take(line)
            else:
                self._begin(opener, line)
        elif (whole := WHOLE.match(text)) and not (self._fence and self._fence.file):
            self._flush()
            self._alone(whole, line)
        elif self._fence and self._fence.file:
            self._in_file(self._fence, line, text)
        elif self._fence:
            self._in_fence(self._fence, line, text)
        else:
            self._in_prose(line, text)

    # Prose and fences

    def _mention(self, line: str) -> None:
        if named := named_in_prose(line):
            self._mentioned = named.path

    def _flush(self) -> None:
        """What was held back is prose after all."""
        self._pieces += [Prose(line) for line in self._held]
        self._held, self._held_name = [], None

    def _in_prose(self, line: str, text: str) -> None:
        if fence := FENCE.match(text):
            named = named_in_info(fence.group(3))
            above = self._held_name
            whole = named is not None or (above is not None and above.certain)
            self._fence = _Fence(fence.group(2), named or above, named is not None, whole)
            self._held.append(line)
        elif not text.strip():
            self._held.append(line)
            if not self._held_name:
                self._flush()
        else:
            self._flush()
            named = named_in_header(text)
            if named:
                self._held, self._held_name = [line], named
            else:
                self._pieces.append(Prose(line))
                self._mention(line)

    def _in_fence(self, fence: _Fence, line: str, text: str) -> None:
        match = FENCE.match(text)
        if closes(text, fence.mark):
            self._fence = None
            if not fence.wraps:
                self._flush()
                self._pieces.append(Prose(line))
        elif match and match.group(3) and fence.wraps:
            self._fence = None
            self._in_prose(line, text)
        elif (fence.fresh or fence.wraps) and (named := named_in_header(text)):
            fence.named = named
            self._held.append(line)
        elif text.strip() or not fence.wraps:
            self._flush()
            self._pieces.append(Prose(line))
        fence.fresh = False

    def _in_file(self, fence: _Fence, line: str, text: str) -> None:
        fence.lines.append(line)
        match = FENCE.match(text)
        if match is None or not match.group(2).startswith(fence.mark):
            return
        if match.group(3):
            fence.depth += 1
        elif fence.depth:
            fence.depth -= 1
        else:
            fence.closings.append(len(fence.lines) - 1)
            if not fence.holds_markdown:
                self._close_file(fence)

    def _close_file(self, fence: _Fence, *, cut: bool = False) -> None:
        """A fence that names a file has ended, or the answer has."""
        self._fence = None
        fault, end = "", fence.closings[0] if fence.closings else None
        if len(fence.closings) > 1:
            fault = f"Nobody can say where {_quoted(fence.named)} ends, for it holds fences: use a longer fence."
            end = fence.closings[-1]
        elif end is None and fence.depth:
            end = next((n for n, text in enumerate(fence.lines) if closes(_bare(text), fence.mark)), None)
        if end is None and cut:
            fault = f"The answer was cut off within {_quoted(fence.named)}: write that file again."
        body = fence.lines[: len(fence.lines) if end is None else end]
        raw = [*self._held, *fence.lines[: None if end is None else end + 1]]
        self._held, self._held_name = [], None
        named = fence.named or Named("")
        content = tuple(_bare(line) for line in body)
        self._add(
            Block(
                kind="file", number=0, path=named.path, readings=(Reading((), content),), ended=end is not None,
                named=fence.in_info, fault=fault, raw="".join(raw),
            )
        )  # fmt: skip
        for line in fence.lines[end + 1 :] if end is not None else []:
            self._take(line)

    # Blocks

    def _add(self, block: Block) -> None:
        self._count += 1
        self._pieces.append(replace(block, number=self._count))
        self._last_path = block.to or block.path or block.guess or self._last_path
        self._mentioned = ""

    def _alone(self, match: re.Match[str], line: str) -> None:
        kind, rest = match.group(1).lower(), match.group(2)
        parts = (
            [part.strip().strip("`'\"") for part in _ARROW.split(rest)] if kind == "rename" else [rest.strip("`'\"")]
        )
        path, to = parts[0], parts[-1] if kind == "rename" else ""
        fault = ""
        if not path or (kind == "rename" and len(parts) != 2):
            form = "`<<<<<<< DELETE path`" if kind == "delete" else "`<<<<<<< RENAME old -> new`"
            fault = f"A marker that is to {kind} a file must read {form}."
        self._add(
            Block(kind="delete" if kind == "delete" else "rename", number=0, path=path, to=to, fault=fault, raw=line)
        )

    def _begin(self, match: re.Match[str], line: str) -> None:
        rest, hint = match.group(2).strip("`'\": "), None
        named = named_in_header(rest) if rest else None
        if rest and not named and (number := _HINT.match(match.group(2))):
            hint = int(number.group(1))
        raw = [*self._held, line]
        if self._fence:
            named = named or self._fence.named
            self._fence.wraps = True
            self._fence.file = False
            for text in self._fence.lines:  # they were taken for a new file, and are what stands before the block
                raw.insert(-1, text)
            self._fence.lines = []
        named = named or self._held_name
        self._held, self._held_name = [], None
        self._open = _Open(
            len(match.group(1)), named, hint or (named.line if named else None), self._mentioned or self._last_path, raw
        )

    def _in_block(self, block: _Open, line: str, text: str) -> None:
        opener = OPENER.match(text)
        if opener and len(opener.group(1)) == block.width:
            self._close_unended(next_line=line)
            return
        block.lines.append(line)
        if end := END.match(text):
            if len(end.group(1)) == block.width:
                self._close(block, len(block.lines) - 1)
            elif block.dividers and block.other_end is None:
                block.other_end = len(block.lines) - 1
        elif DIVIDER.match(text):
            block.dividers.append(len(block.lines) - 1)

    def _close(self, block: _Open, end: int, *, ended: bool = True, fault: str = "") -> None:
        """End a block before its line `end`."""
        self._open = None
        lines = [_bare(line) for line in block.lines[:end]]
        dividers = [at for at in block.dividers if at < end]
        if not fault and not dividers:
            fault = "The block has no line `=======` between what to search and what to put there."
        elif len(dividers) > MOST_READINGS:
            fault = "The block holds too many lines `=======`: use nine marks in its markers."
        fence = self._fence.mark if self._fence else ""
        readings = [r for at in dividers if not fault for r in readings_of(lines, at, ended=ended, fence=fence)]
        named = block.named or Named("")
        raw = "".join([*block.raw, *block.lines[: end + ended]])
        self._add(
            Block(
                kind="change", number=0, path=named.path, guess=block.guess, readings=tuple(dict.fromkeys(readings)),
                line=block.line, width=block.width, ended=ended, fault=fault, raw=raw,
            )
        )  # fmt: skip

    def _close_unended(self, *, next_line: str = "", cut: bool = False) -> None:
        """The next block, or the end of the answer, has come before the end of the open one."""
        block = self._open
        if block is None:
            return
        lines = block.lines
        after = block.dividers[0] + 1 if block.dividers else len(lines)
        sloppy = [n for n in range(after, len(lines)) if SLOPPY_END.match(_bare(lines[n]))]
        fences = [
            n for n in range(after, len(lines))
            if self._fence and closes(_bare(lines[n]), self._fence.mark)
        ]  # fmt: skip
        end, rest, ended, fault = len(lines), len(lines), False, ""
        if block.other_end is not None or sloppy:
            end = sloppy[0] if block.other_end is None else block.other_end
            rest, ended = end + 1, True
        elif cut:
            fault = "The answer was cut off within this block: write the block again."
        elif len(fences) == 1:
            end = rest = fences[0]
        elif fences:
            fault = "The block has no line `>>>>>>> REPLACE`, and may end in several places."
        elif next_line:
            end = rest = _before_header(lines, after)
        self._close(block, end, ended=ended, fault=fault)
        for line in lines[rest:]:
            self._take(line)
        if next_line:
            self._take(next_line)


def _before_header(lines: list[str], least: int) -> int:
    """Where the header of the next block begins, which are the last lines here."""
    at = len(lines)
    if at > least and FENCE.match(_bare(lines[at - 1])):
        at -= 1
    while at > least and not lines[at - 1].strip():
        at -= 1
    if at > least and named_in_header(lines[at - 1]):
        at -= 1
    return at


def _bare(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _quoted(named: Named | None) -> str:
    return f"`{named.path}`" if named else "the file"
