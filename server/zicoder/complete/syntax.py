"""The little that is known of a language's surface: its comments, its quotes, its brackets.

A `Lexer` follows strings, comments and brackets through half-written code of any language. It is no
parser: it never fails, forgets a string at the end of its line as people forget to close one, and is
right about brackets nearly always, which is all the filters ask. It must not know about keywords.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from zicoder.complete.hole import Hole, line_start

__all__ = [
    "CLOSERS",
    "Lexer",
    "Syntax",
    "comment_marks",
    "delimiter_around",
    "lex_prefix",
    "lexer_at",
    "suffix_region",
    "syntax_of",
]

CLOSERS = {")": "(", "]": "[", "}": "{"}
"""Every closing bracket with the bracket that it closes."""

REGION_LINES = 200
REGION_CHARS = 8_000
"""How far the brackets around the cursor are followed: a top-level statement is seldom longer, and
lexing this much takes about a millisecond."""

LINE_COMMENT = "\n"
"""`Lexer.inside` within a comment that its line's end closes."""


@dataclass(frozen=True)
class Syntax:
    """How one family of languages writes comments and strings."""

    line_comments: tuple[str, ...] = ("//",)
    block_comments: tuple[tuple[str, str], ...] = (("/*", "*/"),)
    quotes: str = "\"'"
    long_quotes: tuple[str, ...] = ()
    """String delimiters whose strings may span lines."""
    literal: str = ""
    """Pattern of a literal that is one token and may hold a bracket or quote of its own."""
    word_start: bool = False
    """Whether quotes and `#` count only at the start of a word, as in YAML and shell."""

    blocks_by_indent: bool = False
    """Whether blocks need no brackets, so that the ones around the cursor are all near."""

    @cached_property
    def tokens(self) -> re.Pattern[str]:
        """Whatever matters while in code, longest first."""
        start = r"(?<![^\s\[({,:=>])" if self.word_start else ""
        parts = [re.escape(opening) for opening, _ in self.block_comments]
        parts += [(start if mark == "#" else r"(?<!:)") + re.escape(mark) for mark in self.line_comments]
        parts += [re.escape(quote) for quote in self.long_quotes]
        if self.literal:
            parts.append(f"(?P<literal>{self.literal})")
        parts += [start + re.escape(quote) for quote in self.quotes]
        parts += [r"[()\[\]{}]", r"\\."]
        return re.compile("|".join(parts), re.DOTALL)


_CHAR = r"'(?:\\[^\r\n]{1,10}?|[^\\'\r\n])'"
"""One character in quotes. A quote that starts no such thing may be a Rust lifetime or a C++ digit group."""

_REGEX = r"(?<=[=(,:!&|?{};\s\[])/(?![/*\s=])(?:\\.|\[(?:\\.|[^\]\\\r\n])*\]|[^/\\\r\n\[])+/[a-z]*"
"""A JavaScript regular expression, where no division can stand."""

_LABEL = re.compile(r"\w+\s*:\s*$")
"""A label such as `public:`, which stands at the left margin within a class."""

_C_LIKE = Syntax(quotes='"', literal=_CHAR)
_SCRIPT = Syntax(long_quotes=("`",), literal=_REGEX)
_PYTHON = Syntax(line_comments=("#",), block_comments=(), long_quotes=('"""', "'''"), blocks_by_indent=True)
_HASH = Syntax(line_comments=("#",), block_comments=(), word_start=True, blocks_by_indent=True)
_MARKUP = Syntax(line_comments=(), block_comments=(("<!--", "-->"),), quotes='"')
_TEXT_BLOCKS = Syntax(quotes='"', long_quotes=('"""',), literal=_CHAR)
_UNKNOWN = Syntax(line_comments=("//", "#"), block_comments=(("/*", "*/"),), quotes='"', word_start=True)
_PROSE = Syntax(line_comments=(), block_comments=(), quotes="")

_SYNTAXES = {
    "c": _C_LIKE, "cpp": _C_LIKE, "csharp": _TEXT_BLOCKS, "css": _SCRIPT, "go": Syntax(quotes='"', long_quotes=("`",),
    literal=_CHAR), "html": _MARKUP, "java": _TEXT_BLOCKS, "javascript": _SCRIPT, "javascriptreact": _SCRIPT,
    "json": Syntax(quotes='"'), "kotlin": _TEXT_BLOCKS, "lua": Syntax(line_comments=("--",), block_comments=()),
    "markdown": _PROSE, "plaintext": _PROSE, "php": Syntax(line_comments=("//", "#")), "python": _PYTHON,
    "ruby": _HASH, "rust": _C_LIKE, "scala": _TEXT_BLOCKS, "shellscript": _HASH, "sql": Syntax(line_comments=("--",)),
    "svelte": _MARKUP, "swift": _TEXT_BLOCKS, "toml": _PYTHON, "typescript": _SCRIPT, "typescriptreact": _SCRIPT,
    "vue": _MARKUP, "xml": _MARKUP, "yaml": _HASH,
}  # fmt: skip


_MARKS = {
    "bat": ("REM ", ""), "clojure": ("; ", ""), "css": ("/* ", " */"), "dart": ("// ", ""), "erlang": ("% ", ""),
    "fsharp": ("// ", ""), "groovy": ("// ", ""), "haskell": ("-- ", ""), "jsonc": ("// ", ""), "latex": ("% ", ""),
    "less": ("// ", ""), "objective-c": ("// ", ""), "proto": ("// ", ""), "sass": ("// ", ""), "scss": ("// ", ""),
    "vb": ("' ", ""), "zig": ("// ", ""),
}  # fmt: skip
"""Comments of languages of which no more is known, or whose first mark is not theirs alone."""


def syntax_of(language: str) -> Syntax:
    """The surface of a language, by its LSP identifier; a cautious guess for one that is unknown."""
    return _SYNTAXES.get(language, _UNKNOWN)


def comment_marks(language: str) -> tuple[str, str]:
    """What makes a line of this language a comment, before it and behind it; nothing where it has no comments."""
    if language in _MARKS:
        return _MARKS[language]
    if language not in _SYNTAXES:
        return "# ", ""
    syntax = _SYNTAXES[language]
    if syntax.line_comments:
        return f"{syntax.line_comments[0]} ", ""
    return (f"{syntax.block_comments[0][0]} ", f" {syntax.block_comments[0][1]}") if syntax.block_comments else ("", "")


class Lexer:
    """Follows brackets, strings and comments through text that is fed in pieces.

    A delimiter of several characters must not be split between two pieces.
    """

    __slots__ = ("_end", "_syntax", "inside", "outer_unknown", "stack", "strays", "torn")

    def __init__(self, syntax: Syntax) -> None:
        self.outer_unknown = False
        """Whether more brackets may be open around everything that was fed."""
        self._syntax = syntax
        self._end: re.Pattern[str] | None = None
        self.inside = ""
        """The delimiter that ends the string or comment we are in, "" in code."""
        self.stack: list[str] = []
        """Brackets opened and not closed yet, outermost first."""
        self.strays: list[str] = []
        """Closing brackets that nothing had opened."""
        self.torn = 0
        """Brackets closed by one of another kind, and strings that their line's end cut off."""

    def copy(self) -> Lexer:
        """A lexer that goes on from here by itself."""
        other = Lexer(self._syntax)
        other._end, other.inside, other.torn = self._end, self.inside, self.torn
        other.outer_unknown = self.outer_unknown
        other.stack, other.strays = self.stack.copy(), self.strays.copy()
        return other

    @property
    def in_long_text(self) -> bool:
        """Whether we are in a string or comment that may go on over the next line."""
        return self.inside not in ("", LINE_COMMENT) and self.inside not in self._syntax.quotes

    @property
    def in_string(self) -> bool:
        """Whether we are in a string of any kind."""
        return self.inside != "" and (self.inside in self._syntax.quotes or self.inside in self._syntax.long_quotes)

    @property
    def faults(self) -> int:
        """How much is wrong for certain with the text so far; what is merely still open is not."""
        return len(self.strays) + self.torn

    def feed(self, text: str) -> None:
        """Go on with `text`."""
        at = 0
        while at < len(text):
            at = self._in_code(text, at) if not self.inside else self._in_delimited(text, at)

    def _in_code(self, text: str, at: int) -> int:
        for match in self._syntax.tokens.finditer(text, at):
            token = match.group()
            if match.lastgroup or token.startswith("\\"):
                continue
            if token in ("(", "[", "{"):
                self.stack.append(token)
            elif token in CLOSERS:
                self.close(token)
            else:
                self._enter(token)
                return match.end()
        return len(text)

    def close(self, closer: str) -> None:
        """Take one closing bracket."""
        opener = CLOSERS[closer]
        if opener not in self.stack:
            if self.stack or not self.outer_unknown:
                self.strays.append(closer)
            return
        while self.stack.pop() != opener:
            self.torn += 1

    def _enter(self, token: str) -> None:
        if token in self._syntax.line_comments:
            self.inside = LINE_COMMENT
        else:
            self.inside = dict(self._syntax.block_comments).get(token, token)
        if self.inside == LINE_COMMENT:
            pattern = r"[\r\n]"
        elif self.inside in self._syntax.quotes:
            pattern = r"\\(?:\r\n|.)|[\r\n]|" + re.escape(self.inside)
        elif self.inside in self._syntax.long_quotes:
            pattern = r"\\.|" + re.escape(self.inside)
        else:
            pattern = re.escape(self.inside)
        self._end = re.compile(pattern, re.DOTALL)

    def _in_delimited(self, text: str, at: int) -> int:
        assert self._end is not None
        for match in self._end.finditer(text, at):
            token = match.group()
            if token.startswith("\\"):
                continue
            if token in ("\r", "\n") and self.inside != LINE_COMMENT:
                self.torn += 1
            self.inside = ""
            return match.end()
        return len(text)


def _is_top_level(line: str) -> bool:
    """Whether a line can only be the start of a statement at the top of a file."""
    return (line[:1].isalpha() or line[:1] in ("_", "@")) and _LABEL.match(line) is None


def lex_prefix(hole: Hole) -> Lexer:
    """A lexer at the start of the cursor's line, fed from the top-level statement around it.

    Starting there instead of at the top of the file bounds the work and forgets earlier mistakes. When
    that statement is too long to be read from its start, a closer that nothing has opened may be right.
    """
    line_start = len(hole.prefix) - len(hole.line_before)
    limit = max(0, line_start - REGION_CHARS)
    at = line_start
    found = _is_top_level(hole.line_before)
    if not found:
        for line in hole.lines_above(REGION_LINES, blank=True):
            at = hole.prefix.rfind(line, limit, at) if line else at - 1
            found = _is_top_level(line) and at >= limit
            if at <= limit or found:
                break
    syntax = syntax_of(hole.language)
    lexer = Lexer(syntax)
    at = max(at, limit)
    lexer.outer_unknown = not found and at > 0 and not syntax.blocks_by_indent
    lexer.feed(delimiter_around(hole.prefix, at, syntax))
    lexer.feed(hole.prefix[at:line_start])
    return lexer


def lexer_at(hole: Hole) -> Lexer:
    """A lexer at the cursor; of a very long line it has read the end only."""
    lexer = lex_prefix(hole)
    lexer.feed(hole.line_before[-REGION_CHARS:])
    return lexer


def delimiter_around(text: str, at: int, syntax: Syntax) -> str:
    """What opens the long comment or docstring that `at` lies in, "" when it lies in code.

    Prose at the left margin of a docstring looks like a statement. Triple quotes are counted from the top
    of the file; an open comment is looked for nearby, and only where it starts a line.
    """
    if '"""' in syntax.long_quotes and text.count('"""', 0, at) % 2:
        return '"""'
    for opening, closing in syntax.block_comments:
        start = text.rfind(opening, max(0, at - REGION_CHARS), at)
        if start < 0 or text.find(closing, start, at) >= 0:
            continue
        if not text[line_start(text, start) : start].strip():
            return opening
    return ""


def suffix_region(hole: Hole) -> str:
    """Text below the cursor's line, up to the next top-level statement or as far as we care to read."""
    taken: list[str] = []
    size = 0
    for line in hole.lines_below(REGION_LINES, blank=True):
        if _is_top_level(line) or size > REGION_CHARS:
            break
        taken.append(line)
        size += len(line)
    return "\n".join(taken)
