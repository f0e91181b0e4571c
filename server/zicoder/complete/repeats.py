"""Filters against repetition: of the text around the cursor, and of the suggestion itself.

A small model that has nothing to say says again what it has just read. What counts as a repetition
is decided by the code alone, never by its white space, and never by a lone bracket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from zicoder.complete.blocks import MARKUP, closer_of, line_key
from zicoder.complete.brackets import Balance
from zicoder.complete.hole import Hole, indent_width
from zicoder.text import LINE_END

__all__ = ["drop_line_below", "drop_repeated_lines", "drop_repeated_prefix", "drop_repeated_suffix"]

MAX_BLOCK = 8
"""Longest block of lines, in lines, whose repetition is looked for."""

MIN_LINE = 6
"""Characters of code in a line below which writing it twice in a row is nothing special."""

NEAR = 20_000
"""Characters around the cursor in which a word must occur to be known."""

_WORD_BEFORE = re.compile(r"[^\W\d]\w+$")
_WORD = re.compile(r"[^\W\d]\w*")
_CHAIN = re.compile(r"[^\W\d]\w*(?:(?:\.|::|->)\w+)*(?:\.|::|->)$")
_CHUNK = re.compile(r"\S*(?:\.|::|->|\(|\[|=[\"'])$")
_KEYWORDS = frozenset({
    "async", "await", "break", "case", "catch", "class", "const", "continue", "default", "else", "except", "export",
    "finally", "function", "import", "interface", "namespace", "private", "protected", "public", "raise", "return",
    "static", "struct", "switch", "throw", "while", "yield",
})  # fmt: skip
_INLINE_LOOP = re.compile(r"(\S.{0,40}?)\1{7,}")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a suggestion as it will stand in the document."""

    start: int
    end: int
    whole: str

    @property
    def key(self) -> str:
        return line_key(self.whole)


def _lines_of(text: str, hole: Hole) -> list[_Line]:
    """The suggestion's non-blank lines; the first one includes what stands before the cursor."""
    lines: list[_Line] = []
    starts = [0, *(match.end() for match in LINE_END.finditer(text))]
    ends = [*(match.start() for match in LINE_END.finditer(text)), len(text)]
    for start, end in zip(starts, ends, strict=True):
        before = hole.line_before if start == 0 else ""
        if (before + text[start:end]).strip():
            lines.append(_Line(start, end, before + text[start:end]))
    return lines


def _has_letters(text: str, count: int = 3) -> bool:
    return sum(char.isalnum() for char in text) >= count


def drop_repeated_prefix(text: str, hole: Hole) -> str:
    """Cut what the suggestion types again of the text directly before the cursor.

    That is the whole line so far (`total = ` then `total = 5`), its last chain (`self.` then `self.name`),
    or the word that is being typed (`ret` then `return x`).
    """
    before = hole.line_before
    if not before.strip():
        return text
    start = text.lstrip(" \t")
    for typed in (before.strip(), _match(_CHUNK, before), _match(_CHAIN, before)):
        if len(typed) < 3 or not _has_letters(typed, 2) or not start.startswith(typed):
            continue
        if hole.language in MARKUP and typed.endswith(">"):
            continue
        rest = start[len(typed) :]
        rest = rest.lstrip(" \t") if before[-1] in " \t" else rest
        balance = Balance(hole)
        if balance.faults(rest) <= balance.faults(text):
            return rest
    return _drop_repeated_word(text, hole)


def _match(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text[-200:])
    return match.group() if match else ""


def _drop_repeated_word(text: str, hole: Hole) -> str:
    """Cut the half-typed word from a suggestion that starts it anew.

    Only when the new word is known, and the two stuck together are not: `pre` may well go on as `prepare`.
    """
    typed = _match(_WORD_BEFORE, hole.line_before)
    match = _WORD.match(text)
    if not typed or match is None or not match.group().startswith(typed):
        return text
    word = match.group()
    near = hole.prefix[-NEAR : -len(typed)] + " " + hole.suffix[:NEAR]
    known = set(_WORD.findall(near)) | _KEYWORDS
    return text[len(typed) :] if word in known and typed + word not in near else text


def drop_repeated_suffix(text: str, hole: Hole) -> str:
    """Cut the suggestion's tail where it repeats the text after the cursor: on its line, or several lines below.

    Brackets and quotes alone are never cut here unless that balances them: `foo(‸)` may be completed
    by `bar()`, whose bracket is its own.
    """
    text = _drop_repeated_block(text, hole)
    after = line_key(hole.line_after[:200])
    places = [at for at, char in enumerate(text) if not char.isspace()]
    key = line_key(text)
    if not after or not key:
        return text
    balance = Balance(hole)
    for size in range(min(len(after), len(key)), 0, -1):
        head = after[:size]
        if not key.endswith(head):
            continue
        cut = text[: places[len(key) - size]]
        if not _is_repetition(cut, head, after[size:]):
            continue
        now, then = balance.weigh(text), balance.weigh(cut)
        separator = head in (",", ";") or head == after == ":" or balance.ends_text_at_cursor(head, text)
        if then < now or (then[0] == now[0] and (separator or _has_letters(head, 1))):
            return cut
    return text


def _is_repetition(kept: str, head: str, tail: str) -> bool:
    """Whether the head of the text after the cursor starts and ends at the edge of a word."""
    torn_start = bool(kept) and _in_word(kept[-1]) and _in_word(head[0])
    return not torn_start and not (tail and _in_word(head[-1]) and _in_word(tail[0]))


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _drop_repeated_block(text: str, hole: Hole) -> str:
    """Cut two or more lines at the end that are the very lines below the cursor, however indented."""
    lines = _lines_of(text, hole)
    below = [line_key(line) for line in hole.lines_below(MAX_BLOCK)]
    for size in range(min(len(lines), len(below)), 1, -1):
        keys = [line.key for line in lines[-size:]]
        if keys == below[:size] and _has_letters("".join(keys)):
            return _cut_before(text, lines, len(lines) - size)
    return text


def _cut_before(text: str, lines: list[_Line], index: int) -> str:
    """The text up to the end of the line before `lines[index]`."""
    return text[: lines[index - 1].end] if index > 0 else ""


def drop_repeated_lines(text: str, hole: Hole) -> str:
    """Cut lines that repeat the lines just above, and loops in which the suggestion repeats itself to its end.

    A run of equal lines that comes to an end is left alone: tables of data look like that.
    """
    return _cut_inline_loop(_cut_loop(_drop_lines_above(text, hole), hole))


def _drop_lines_above(text: str, hole: Hole) -> str:
    lines = _lines_of(text, hole)
    above = list(reversed(hole.lines_above(MAX_BLOCK)))
    for size in range(min(len(lines), len(above)), 0, -1):
        keys = [line.key for line in lines[:size]]
        if keys != [line_key(line) for line in above[-size:]] or not _has_letters("".join(keys)):
            continue
        if len("".join(keys)) < MIN_LINE or indent_width(lines[0].whole) != indent_width(above[-size]):
            continue
        if size == len(lines) or hole.line_before.strip():
            return ""
        rest = text[lines[size].start :]
        return rest[len(hole.line_before) :] if rest.startswith(hole.line_before) else ""
    return text


def _cut_loop(text: str, hole: Hole) -> str:
    """Cut a loop of equal lines or blocks that runs to the end of the text, after its first turn."""
    lines = _lines_of(text, hole)
    keys = [line.key for line in lines]
    for period in range(1, MAX_BLOCK + 1):
        start = len(keys)
        while start - 1 - period >= 0 and _same_turn(keys, start - 1, period):
            start -= 1
        run = len(keys) - start + period
        turn = "".join(keys[max(0, start - period) : start])
        if start < len(keys) and run >= max(2 * period, period + 2, 3) and _has_letters(turn, MIN_LINE):
            return text[: lines[start - 1].end]
    return text


def _same_turn(keys: list[str], at: int, period: int) -> bool:
    """Whether a line equals the one a turn before; the last line may be only half written."""
    if at == len(keys) - 1 and keys[at]:
        return keys[at - period].startswith(keys[at])
    return keys[at] == keys[at - period]


def _cut_inline_loop(text: str) -> str:
    """Cut a last line that runs into the same few characters again and again."""
    start = max((match.end() for match in LINE_END.finditer(text)), default=0)
    for match in _INLINE_LOOP.finditer(text[start : start + 1000]):
        unit = match.group(1)
        rest = text[start + match.end() :].rstrip()
        if _has_letters(unit, 2) and unit.startswith(rest):
            return text[:start].rstrip()
    return text


def drop_line_below(text: str, hole: Hole) -> str:
    """Cut the last line when it is the one that already follows below the cursor."""
    lines = _lines_of(text, hole)
    if not lines or not text.strip() or (len(lines) > 1 and hole.line_after.strip()):
        return text
    last = lines[-1]
    whole = last.whole + hole.line_after
    below = hole.next_line
    if line_key(whole) != line_key(below) or indent_width(whole) != indent_width(below):
        return text
    own = not closer_of(whole).startswith("</") or _opens_tag(text[: last.start], closer_of(whole)[2:].strip())
    if closer_of(whole) and own and len(lines) > 1 and Balance(hole).faults(text) <= Balance(hole).faults(""):
        return text
    return _cut_before(text, lines, len(lines) - 1)


def _opens_tag(text: str, name: str) -> bool:
    """Whether a text opens more elements of this name than it closes."""
    opened = len(re.findall(rf"<{re.escape(name)}(?![\w:.-])", text))
    return opened > len(re.findall(rf"</\s*{re.escape(name)}(?![\w:.-])", text))
