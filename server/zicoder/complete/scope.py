"""Where a suggestion may span several lines, and where it naturally ends.

Owns the reading of blocks by indentation and brackets, for text that is still being streamed. It
must not repair anything: it only says where to stop, and what comes after that is never looked at.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from zicoder.complete.blocks import MARKUP, closer_of, describes_next, holds_definitions, line_key, opens_block
from zicoder.complete.hole import Hole, hole_at, indent_of, indent_width
from zicoder.complete.syntax import REGION_CHARS, lex_prefix, lexer_at
from zicoder.complete.tokens import find_special_token
from zicoder.settings import CompletionSettings
from zicoder.text import LINE_END, Snapshot

__all__ = ["MAX_LINES", "EndOfScope", "begins_block", "is_indented", "place_at", "statement_end"]

MAX_LINES = 24
"""Lines after which a suggestion is cut when the caller sets no limit of its own."""

BLANK_LINES = 2
"""So many blank lines in a row end a suggestion: what comes after them is another matter."""

STATEMENT_LINES = 8
"""Lines over which a statement may go where only one line would be suggested otherwise."""

_OPENS_STATEMENT = re.compile(r"[(\[{]$")
_OPENS_LIST = re.compile(r"[(\[]$|[=(\[,:]\s*\{$")
"""Ends of a line whose statement goes on; where braces are blocks, only those of what is surely an object."""

FENCE = "```"

_PARAMETERS = re.compile(r"\s*(?:async\s+)?(?:def|class|if|elif|while|for|with)\b.*\($")
"""A Python header that is not finished: its parameters may stand deeper than the body will."""

_FLAT = MARKUP | {"yaml"}
"""Languages whose blocks need not stand deeper than what opens them."""

_INDENTED = frozenset({"python", "yaml"})
"""Languages in which indentation is grammar."""

_LABELS = ("case ", "defaul")
"""Starts of the labels that many a style guide sets as deep as their `switch`; cut to `_DECIDING`."""

_NOTHING_AFTER = re.compile(r"[\s)\]}>'\"`;,:]*$")
_UNDECIDED = ("c", "d", "e", "f", "-", "<", "`")
"""Characters that may start something which belongs to the block although it is indented less."""

_DECIDING = 6
"""Characters of such a line that tell: enough for every word of `closer_of`, a label, a list item, a fence."""


def begins_block(hole: Hole) -> bool:
    """Whether a suggestion at this place may span several lines.

    It may where a block opens (at the end of its header, or on a blank line below it), below a comment,
    a docstring or an annotation that describes what comes, and on an empty line of an indented block,
    unless that is a list of elements, to which a model adds without end. Anywhere else a suggestion is
    one line: in the middle of code several are wrong more often than right, and hide the code below.
    """
    before, after = hole.line_before[-REGION_CHARS:], hole.line_after[:REGION_CHARS]
    if not _NOTHING_AFTER.match(after):
        return False
    lexer = lex_prefix(hole)
    if before.strip():
        lexer.feed(before)
        if lexer.inside or not opens_block(before, hole.language):
            return False
        if hole.language == "yaml" and before[-1] == " ":
            return False
        return not after.strip() or before.rstrip().endswith("{")
    return not after.strip() and not lexer.in_long_text and _blank_line_begins_block(hole)


def is_indented(hole: Hole) -> bool:
    """Whether the cursor stands, on a blank line, surely where the next line of code belongs.

    That is deeper than a line above that opens a block, as the editor has put it, or in Python below a line of code
    that does not go on, and no deeper. Where code below in the same block stands elsewhere, it is half typed.
    """
    before, above, below = hole.line_before, hole.previous_line, hole.next_line
    if not before or before.strip(" \t"):
        return False
    width, outer = indent_width(before), indent_width(above)
    if opens_block(above, hole.language):
        if _PARAMETERS.match(above) or not outer < width or outer < indent_width(below) != width:
            return False
        return not lex_prefix(hole).inside
    if hole.language != "python" or not above or width > outer:
        return False
    if above.rstrip().endswith((":", "\\", ",")) or above.lstrip().startswith("#"):
        return False
    lexer = lex_prefix(hole)
    return not lexer.stack and not lexer.inside


def place_at(snapshot: Snapshot, offset: int, settings: CompletionSettings) -> Hole:
    """The hole at a place of a document, and whether it may be filled with several lines."""
    hole = hole_at(snapshot, offset)
    never = settings.multiline == "never"
    return replace(hole, one_line=never, multiline=not never and begins_block(hole))


def _blank_line_begins_block(hole: Hole) -> bool:
    """`begins_block` for a cursor on an empty line of code."""
    previous = hole.previous_line
    if opens_block(previous, hole.language):
        return True
    if "".join(hole.lines_above(1, blank=True)).strip() and describes_next(previous, hole.language):
        return True
    width = indent_width(hole.line_before)
    return 0 < width <= indent_width(previous) and not previous.rstrip().endswith(",")


def statement_end(text: str, hole: Hole) -> int | None:
    """Where the first statement of a text for one line ends; None while more of it must be seen.

    That is the end of the first line with text. Where that line opens a bracket at its end, nothing stands behind the
    cursor, and the bracket is closed a few lines further on, it is the end of that line.
    """
    blank = len(text) - len(text.lstrip())
    ends = list(LINE_END.finditer(text, blank))
    if not ends:
        return None
    first = ends[0].start()
    opens = _OPENS_STATEMENT if hole.language == "python" else _OPENS_LIST
    lexer = lexer_at(hole)
    if hole.one_line or hole.line_after.strip() or lexer.inside or not opens.search(text[blank:first].rstrip()):
        return first
    depth = len(lexer.stack)
    lexer.feed(text[: ends[0].end()])
    for before, end in pairwise(ends[:STATEMENT_LINES]):
        line = text[before.end() : end.start()]
        if not line.strip() or line_key(line) == line_key(hole.next_line):
            return first
        lexer.feed(text[before.end() : end.end()])
        if len(lexer.stack) <= depth:
            return first if lexer.faults else end.start()
    return first if len(ends) >= STATEMENT_LINES else None


class EndOfScope:
    """Watches streamed text and says when it has reached its first natural end.

    The end is the same however the text is cut into pieces. A line is judged as soon as it is complete,
    and earlier where its first characters tell enough, so that a model can be stopped two or three
    tokens into the line that does not belong here any more.

    With `hole.multiline` false that end is the one of the first statement (`statement_end`). Otherwise the text runs
    to the end of the block it stands in or opens: a line that is indented less, the line that already
    follows below, two blank lines, `max_lines`; anywhere a markdown fence or a leaked FIM token ends it.
    """

    def __init__(self, hole: Hole, max_lines: int = MAX_LINES) -> None:
        self._hole = hole
        self._max_lines = max_lines
        self._text = ""
        self._end: int | None = None
        self._at = 0
        """Offset of the line that is being streamed."""
        self._kept = 0
        """Offset of the end of the last line with text that belongs to the suggestion."""
        self._lines = 0
        self._blank = 0
        self._deeper = False
        """Whether some accepted line stood deeper than the block's own level."""
        self._before = hole.line_before[-REGION_CHARS:]
        self._after = hole.line_after.lstrip()
        self._statement = bool(self._before.strip())
        """Whether the suggestion goes on with a line that has text already, instead of a blank one."""
        self._below = hole.next_line
        adjacent = "".join(hole.lines_below(1, blank=True)).strip() and not self._statement
        inserted = adjacent and indent_width(self._below) >= indent_width(hole.line_before) > 0
        self._most_blank = 1 if inserted else BLANK_LINES
        """Blank lines that end the suggestion: one is enough between the lines of a paragraph."""
        self._lexer = lex_prefix(hole)
        self._depth = len(self._lexer.stack)
        at_cursor = self._lexer.copy()
        at_cursor.feed(self._before)
        self._in_text = at_cursor.inside != ""
        """Whether the cursor stands in a string or a comment."""
        self._floor: int | None = None
        """Least indentation of a line that still belongs here; None until the first line shows it."""
        self._levels: list[int] = []
        """The indentations that are open: a line may go back to one of them."""
        self._header: str | None = None
        """The line whose block we are in, None when there is none."""
        if self._statement:
            self._header = self._before
            self._floor = indent_width(self._before) + 1

    @property
    def done(self) -> bool:
        """Whether the end has been reached."""
        return self._end is not None

    @property
    def text(self) -> str:
        """The text so far, cut at its end once that is reached."""
        return self._text[: self._end]

    def feed(self, piece: str) -> bool:
        """Take the next piece of the stream; True once the end is reached, and ever after."""
        if self._end is not None:
            return True
        self._text += piece
        while self._end is None:
            match = LINE_END.search(self._text, self._at)
            if match is None or (match.group() == "\r" and match.end() == len(self._text)):
                break
            self._end = self._judge(self._text[self._at : match.start()], complete=True)
            self._at = match.end()
        if self._end is None:
            self._end = self._judge(self._text[self._at :].rstrip("\r"), complete=False)
        return self._end is not None

    def _judge(self, line: str, *, complete: bool) -> int | None:
        """Where the suggestion ends if this line ends it, else None.

        What is decided on a part of a line must be decided just so on the whole of it.
        """
        if line.lstrip().startswith(FENCE) and not self._fence_belongs():
            if self._text[: self._at].strip():
                return self._kept
            return self._pass_over(line) if complete else None
        if (token := find_special_token(line, self._hole)) and self._text[: self._at + token.start()].strip():
            return self._end_at_token(line, token)
        if not self._hole.multiline:
            return self._judge_single(line) if complete else None
        if not line.strip() and not self._lexer.in_long_text:
            return self._judge_blank(line) if complete else None
        if self._lexer.in_long_text:
            if complete and self._repeats_below(line, indent_width(line)):
                return self._kept
        elif (end := self._judge_start(line, complete=complete)) is not None:
            return end
        return self._accept(line) if complete else None

    def _fence_belongs(self) -> bool:
        """Whether a markdown fence is a natural thing to write here."""
        return self._hole.language == "markdown" or self._lexer.in_long_text or (self._at == 0 and self._in_text)

    def _pass_over(self, line: str) -> None:
        """Leave an opening fence in the text for the filter that unwraps it; the line after it is the first."""
        self._kept = self._at + len(line)

    def _end_at_token(self, line: str, token: re.Match[str]) -> int:
        """Cut at a leaked token, or before its line when that does not belong here or holds nothing else."""
        if not line[: token.start()].strip():
            return self._kept
        if self._hole.multiline and not self._lexer.in_long_text:
            end = self._judge_start(line[: token.end()], complete=False)
            return self._at + token.start() if end is None else end
        return self._at + token.start()

    def _judge_single(self, line: str) -> int | None:
        end = self._at + len(line)
        if self._text[:end].strip():
            return statement_end(f"{self._text[:end]}\n", self._hole)
        self._blank += 1
        return end if self._blank > BLANK_LINES else None

    def _judge_blank(self, line: str) -> int | None:
        if self._statement and self._lines == 0:
            self._feed_lexer(line)
        else:
            self._blank += 1
        self._lines += 1
        return self._kept if self._blank >= self._most_blank or self._lines >= self._max_lines else None

    def _judge_start(self, line: str, *, complete: bool) -> int | None:
        """Whether a line of code is outside the block, or repeats what stands below."""
        first = self._lines == 0
        start = line.lstrip()
        if not complete and (start.startswith("</") or (start[:1] in _UNDECIDED and len(start) < _DECIDING)):
            return None
        full = self._before + line if first else line
        width = indent_width(full)
        if self._floor is None and not self._enter_block(full, width):
            return self._kept
        floor = self._floor or 0
        if not first and width < floor and not self._may_dedent(line, width):
            closes_here = self._after and self._after.startswith(closer_of(line) or "\n")
            return self._at + len(indent_of(line)) if closes_here else self._kept
        if self._starts_next_definition(width) or (width >= floor and self._misses_level(width)):
            return self._kept
        if complete and self._repeats_below(full, width):
            return self._kept
        return None

    def _enter_block(self, full: str, width: int) -> bool:
        """Learn the block's indentation from its first line; False when that line is outside the block."""
        if width < indent_width(self._before):
            return False
        above = self._hole.previous_line
        strict = not self._before and self._hole.language not in _FLAT and not full.lstrip().startswith(_LABELS)
        if strict and opens_block(above, self._hole.language) and width <= indent_width(above):
            return False
        self._floor = width
        headers = [at for at in self._hole.lines_above(200) if indent_width(at) < width]
        self._header = headers[0] if headers else None
        if headers[1:] and headers[0].strip() == "{" and indent_width(headers[1]) == indent_width(headers[0]):
            self._header = f"{headers[1]} {{"  # a brace on a line of its own belongs to the line above it
        return bool(full)

    def _may_dedent(self, line: str, width: int) -> bool:
        """Whether a line that is indented less than the block belongs to the suggestion all the same."""
        outer = indent_width(self._header) if self._header is not None else -1
        start = line.lstrip()
        closer = closer_of(line)
        own = len(self._lexer.stack) > self._depth
        if closer and width >= outer:
            if closer in ")]}" and self._statement and not own:
                return False
            return self._opened_by_header(closer) and not self._suffix_closes(closer, width)
        if width != outer:
            return False
        if self._hole.language == "yaml":
            return start.startswith("- ") and not (self._header or "").lstrip().startswith("-")
        return self._statement and start.startswith("{") and not own

    def _opened_by_header(self, closer: str) -> bool:
        """Whether the block's header is of the kind that needs this closer."""
        if closer in ")]}" and len(self._lexer.stack) > self._depth:
            return True
        header = (self._header or "").rstrip()
        if closer in ")]}":
            return opens_block(header, self._hole.language) and header.endswith(("{", "(", "["))
        if closer.startswith("</"):
            return f"<{closer[2:].strip()}" in header
        return opens_block(header, self._hole.language)

    def _suffix_closes(self, closer: str, width: int) -> bool:
        """Whether the text after the cursor already closes the block at this indentation."""
        if self._after.startswith(closer):
            return True
        for line in self._hole.lines_below(200):
            if indent_width(line) <= width:
                return indent_width(line) == width and line.lstrip().startswith(closer)
        return False

    def _starts_next_definition(self, width: int) -> bool:
        """Whether this line, after a blank one, begins the next definition of a file or class."""
        if not (self._blank and self._deeper and width == self._floor and not self._statement):
            return False
        return width == 0 or (self._header is not None and holds_definitions(self._header))

    def _misses_level(self, width: int) -> bool:
        """Whether this line goes back to an indentation that no line above it has, where that is an error."""
        if self._hole.language not in _INDENTED or len(self._lexer.stack) > self._depth:
            return False
        return any(level > width for level in self._levels) and width not in self._levels

    def _repeats_below(self, full: str, width: int) -> bool:
        if not self._below or line_key(full) != line_key(self._below) or width != indent_width(self._below):
            return False
        return not (closer_of(full) and len(self._lexer.stack) > self._depth)

    def _accept(self, line: str) -> int | None:
        """Take a complete line into the suggestion; its end, when the suggestion ends with it."""
        first = self._lines == 0
        full = self._before + line if first else line
        closing = not first and self._floor is not None and indent_width(full) < self._floor
        self._deeper = self._deeper or (self._floor is not None and indent_width(full) > self._floor)
        if not self._lexer.in_long_text and len(self._lexer.stack) <= self._depth:
            width = indent_width(full)
            self._levels = [*(level for level in self._levels if level < width), width]
        self._feed_lexer(line)
        self._kept = self._at + len(line)
        self._lines += 1
        self._blank = 0
        if self._lines >= self._max_lines:
            return self._kept
        own = len(self._lexer.stack) > self._depth
        opens = opens_block(full, self._hole.language)
        if closing and closer_of(line) and not opens and not self._lexer.in_long_text:
            return self._kept
        if first and self._statement and not own and not opens and not self._lexer.in_long_text:
            return self._kept
        return None

    def _feed_lexer(self, line: str) -> None:
        self._lexer.feed((self._before + line if self._lines == 0 else line) + "\n")
