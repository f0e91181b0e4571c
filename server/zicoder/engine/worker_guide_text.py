"""Where, in code that is being generated, a guide says which names can stand.

Reads text byte by byte, since tokens end anywhere: identifiers and the dots between them, brackets, strings, comments.
It knows no grammar: what it cannot read it takes for free. What it must never do: ask a model.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from zicoder.engine.protocol import Guide

__all__ = ["GuidedText", "begun_text"]

MAX_LINES = 12
MAX_CHARS = 2000
"""So far back the text is read for the brackets and the string that the hole may be in."""

_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$") | frozenset(range(0x80, 0x100))
_SPACE = frozenset(b" \t\r\n")
_SELVES = frozenset((b"self", b"cls", b"this"))
"""At the start of a line `self.name` may be about to be defined; there a guide limits only the hole itself."""
_UNKNOWN = -1
"""The byte after the last one of a piece."""

_Names = Sequence[bytes]


def begun_text(guide: Guide, before: str, after: str) -> GuidedText:
    """The state of things at a hole in code. The guide's limit is dropped where the text around cannot fit it."""
    text = GuidedText(guide)
    text.read(_statement(before).encode("utf-8", "replace"))
    joined = after[:1] in ("_", "$") or after[:1].isalnum()
    typed = guide.typed.encode("utf-8", "replace")
    if guide.here and not joined:
        text.limit(sorted_names(guide.here), typed, listed=guide.listed)
    elif joined:
        text.limit(None)
    return text


def _statement(before: str) -> str:
    """The last line, and those above it that it goes on from: they end in a comma or with an opening bracket."""
    lines = before[-MAX_CHARS:].splitlines(keepends=True)[-MAX_LINES:]
    if not lines or lines[-1].endswith(("\n", "\r")):
        lines.append("")
    at = len(lines) - 1
    while at > 0 and lines[at - 1].rstrip().endswith((",", "(", "[", "{")):
        at -= 1
    return "".join(lines[at:])


def sorted_names(names: Sequence[str]) -> list[bytes]:
    """Names as UTF-8, in the order in which `begins` and `holds` search."""
    return sorted(name.encode("utf-8", "replace") for name in names if name)


def begins(names: _Names, typed: bytes) -> bool:
    """Whether one of the sorted names starts with these bytes."""
    at = bisect_left(names, typed)
    return at < len(names) and names[at].startswith(typed)


def holds(names: _Names, name: bytes) -> bool:
    """Whether this is one of the sorted names."""
    at = bisect_left(names, name)
    return at < len(names) and names[at] == name


class _Table:
    """A mapping of the guide with its names as sorted bytes, made when they are first needed."""

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._table = table
        self._known: dict[bytes, _Names | None] = {}

    def get(self, key: bytes) -> _Names | None:
        if key not in self._known:
            names = self._table.get(key.decode("utf-8", "replace"))
            self._known[key] = sorted_names(names) if names else None
        return self._known[key]


class _Quotes:
    """Follows strings and comments, in a way that does for most languages: rather too much is taken for a string.

    Strings with one quote and comments with one mark end with their line.
    """

    __slots__ = ("_empty", "_escaped", "_inside", "_was")

    def __init__(self) -> None:
        self._inside = b""
        self._was = b""  # the bytes before, as far as they may belong to a delimiter
        self._empty = b""  # the quote of an empty string that was just closed
        self._escaped = False

    def copy(self) -> _Quotes:
        other = object.__new__(_Quotes)
        other._inside, other._was, other._empty, other._escaped = self._inside, self._was, self._empty, self._escaped
        return other

    def step(self, byte: bytes) -> bool:
        """Whether this byte belongs to a string or a comment, their ends included."""
        if self._inside:
            self._step_inside(byte)
            return True
        empty, self._empty = self._empty, b""
        was, self._was = self._was, byte
        if byte in b"\"'`":
            self._inside = byte * 3 if empty == byte else byte
            self._was = b""
        elif byte == b"#" or was + byte == b"//":
            self._inside = b"\n"
        elif was + byte == b"/*":
            self._inside, self._was = b"*/", b""
        return bool(self._inside)

    def _step_inside(self, byte: bytes) -> None:
        if self._escaped:
            self._escaped, self._was = False, b""
            return
        self._was = (self._was + byte)[-3:]
        self._escaped = byte == b"\\" and self._inside[-1:] in b"\"'`"
        at_line_end = byte in b"\r\n" and self._inside in (b"'", b'"', b"\n")
        if at_line_end or self._was.endswith(self._inside):
            self._empty = byte if self._was == self._inside and len(self._inside) == 1 else b""
            self._inside = self._was = b""


class GuidedText:
    """The text so far, from the start of the hole's statement on."""

    __slots__ = ("_calls", "_chain", "_first", "_keywords", "_line", "_list", "_members", "_more", "_names", "_quotes",
                 "_typed")  # fmt: skip

    def __init__(self, guide: Guide) -> None:
        self._members = _Table(guide.members)
        self._keywords = _Table(guide.arguments)
        self._quotes = _Quotes()
        self._names: _Names | None = None  # one of these is being written,
        self._typed = b""  # and so much of it stands
        self._list: _Names | None = None  # one of these follows a comma, too,
        self._more = False  # which was just written
        self._chain = b""  # the identifiers and dots just before here
        self._line = True  # only space stands before the chain in its line
        self._first = False  # only space stands before the chain in its argument
        self._calls: tuple[_Names | None, ...] = ()  # open brackets, with the keywords of those that call

    def limit(self, names: _Names | None, typed: bytes = b"", *, listed: bool = False) -> None:
        """One of the sorted names stands here, of which `typed` was already read; None is no limit.

        With `listed`, another stands behind each comma that follows. Names that cannot go on from `typed` are no limit.
        """
        self._names = names if names is not None and begins(names, typed) else None
        self._typed = typed
        self._list = self._names if listed else None

    def begins_special(self, piece: bytes) -> bool:
        """Whether a name must begin here, and of those that may, each with this piece has two underscores in front."""
        if self._names is None or self._typed:
            return False
        return piece.startswith(b"__") or not any(
            name.startswith(piece[:1]) and not name.startswith(b"__") for name in self._names
        )

    def may_end(self) -> bool:
        """Whether the text may end here."""
        return self._names is None or holds(self._names, self._typed)

    def may_go_on(self, piece: bytes) -> bool:
        """Whether the text may go on with these bytes."""
        return self._copy().read(piece)

    def read(self, piece: bytes) -> bool:
        """Go on with these bytes; False when they write what cannot stand there, which is then no limit any more."""
        allowed = True
        for at in range(len(piece)):
            allowed = self._step(piece[at : at + 1], piece[at + 1] if at + 1 < len(piece) else _UNKNOWN) and allowed
        return allowed

    def _copy(self) -> GuidedText:
        other = object.__new__(GuidedText)
        for name in GuidedText.__slots__:
            setattr(other, name, getattr(self, name))
        other._quotes = self._quotes.copy()
        return other

    def _step(self, byte: bytes, after: int) -> bool:
        allowed = True
        if self._names is not None:
            # A byte that goes on with a name belongs to it, whatever it is: JavaScript's private names begin with "#".
            if begins(self._names, self._typed + byte):
                self._typed += byte
                self._chain += byte
                return True
            opens_list = self._list is not None and not self._typed and byte in b"(*"
            allowed = opens_list or (byte[0] not in _WORD and holds(self._names, self._typed))
            self._names = None
            self._more = opens_list
        if self._quotes.step(byte):
            self._chain, self._first, self._line, self._more = b"", False, byte in b"\r\n", False
            return allowed
        return self._in_code(byte, after) and allowed

    def _in_code(self, byte: bytes, after: int) -> bool:
        if byte[0] in _WORD:
            return self._in_word(byte)
        if byte == b".":
            assigned = self._line and self._chain in _SELVES
            self.limit(self._members.get(self._chain) if self._chain and not assigned else None)
            self._chain += byte
            return True
        keywords = self._calls[-1] if self._calls else None
        wrong = (
            byte == b"="
            and after != ord("=")
            and self._first
            and keywords is not None
            and self._chain != b""
            and b"." not in self._chain
            and not holds(keywords, self._chain)
        )
        self._in_brackets(byte)
        self._more = self._list is not None and (byte == b"," or (self._more and byte[0] in b"( \t\r\n"))
        self._chain = b""
        return not wrong

    def _in_word(self, byte: bytes) -> bool:
        self._chain += byte
        if not self._more:
            return True
        self._more = False
        self._names, self._typed = self._list, byte
        if self._list is not None and begins(self._list, byte):
            return True
        self._names = None
        return False

    def _in_brackets(self, byte: bytes) -> None:
        if byte == b"(":
            self._calls = (*self._calls, self._keywords.get(self._chain) if self._chain else None)
        elif byte in b"[{":
            self._calls = (*self._calls, None)
        elif byte in b")]}":
            self._calls, self._list = self._calls[:-1], None
        space = byte[0] in _SPACE
        self._first = byte in b"(," or (space and self._first and not self._chain)
        self._line = byte in b"\r\n" or (space and self._line and not self._chain)
        if byte in b"\r\n" and not self._calls:
            self._list = None
