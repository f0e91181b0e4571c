"""Plain text vocabulary: frozen document snapshots, positions, edits, languages.

All offsets and columns in here count Unicode code points. Encodings of positions on a wire
(UTF-16 and friends) belong to the front end that speaks that wire.
A line ends at ``\\n``, ``\\r\\n`` or a lone ``\\r`` and nowhere else: not at a form feed, not at U+2028.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

__all__ = [
    "LANGUAGES",
    "LINE_END",
    "Edit",
    "LineIndex",
    "Position",
    "Snapshot",
    "apply_edits",
    "commented",
    "common_ends",
    "common_prefix",
    "language_of",
    "split_lines",
]

_AT_ONCE = 512

LINE_END = re.compile(r"\r\n|\r|\n")
"""The one rule for where a line ends."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A zero-based line and a zero-based column in code points."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the half-open range of offsets [start, end) by `text`."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits whose ranges all refer to `text`; they must not overlap.

    Raises ValueError when two ranges overlap.
    """
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if edit.start < at:
            raise ValueError("overlapping edits")
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    parts.append(text[at:])
    return "".join(parts)


def common_prefix(a: Sequence[object], b: Sequence[object]) -> int:
    """How many elements, characters of texts, two sequences begin with alike."""
    shorter = min(len(a), len(b))
    n = 0
    while n < shorter and a[n : n + _AT_ONCE] == b[n : n + _AT_ONCE]:
        n += _AT_ONCE
    n = min(n, shorter)
    while n < shorter and a[n] == b[n]:
        n += 1
    return n


def common_ends(a: Sequence[object], b: Sequence[object]) -> tuple[int, int]:
    """How many elements two sequences begin with alike, and with how many of the rest they end alike."""
    head = common_prefix(a, b)
    return head, common_prefix(a[head:][::-1], b[head:][::-1])


def split_lines(text: str) -> list[str]:
    """Lines with their endings, by LSP's rule. "" has none; "a\\n" has one."""
    ends = [m.end() for m in LINE_END.finditer(text)]
    starts = [0, *ends]
    lines = [text[a:b] for a, b in zip(starts, [*ends, len(text)], strict=True)]
    if lines and not lines[-1]:
        lines.pop()
    return lines


def commented(marks: tuple[str, str], text: str) -> str:
    """Every line of a text as a comment that nothing in it ends. `marks` stand before and behind each."""
    before, behind = marks
    end = behind.strip()
    lines: list[str] = []
    for line in split_lines(text):
        inside = line.rstrip("\r\n")
        while end and end in inside:  # to take one out may make another
            inside = inside.replace(end, "")
        lines.append(f"{before}{inside}{behind}\n")
    return "".join(lines)


class LineIndex:
    """Where the lines of a text start, for conversion between offsets and positions."""

    __slots__ = ("_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(m.end() for m in LINE_END.finditer(text))]

    def __len__(self) -> int:
        """Number of lines; a text that ends in a line break has an empty last line."""
        return len(self._starts)

    def start(self, line: int) -> int:
        """Offset of the first character of `line`, clamped to the text."""
        return self._starts[line] if line < len(self._starts) else len(self._text)

    def content_end(self, line: int) -> int:
        """Offset just after the last character of `line` that is not its line ending."""
        end = self.start(line + 1)
        start = self.start(line)
        while end > start and self._text[end - 1] in "\r\n":
            end -= 1
        return end

    def line(self, line: int) -> str:
        """The text of `line` without its line ending."""
        return self._text[self.start(line) : self.content_end(line)]

    def position(self, offset: int) -> Position:
        """Position of `offset`; offsets outside the text are clamped."""
        offset = max(0, min(offset, len(self._text)))
        line = bisect_right(self._starts, offset) - 1
        return Position(line, offset - self._starts[line])

    def offset(self, position: Position) -> int:
        """Offset of `position`, clamped to its line, as LSP asks for columns past the end."""
        if position.line >= len(self._starts):
            return len(self._text)
        return min(self._starts[position.line] + position.column, self.content_end(position.line))


@dataclass(frozen=True)
class Snapshot:
    """One version of one document, frozen: what a handler works on from start to end."""

    uri: str
    text: str
    version: int = 0
    language: str = "plaintext"
    path: Path | None = None
    """Absolute path for `file:` documents, None for untitled ones."""

    @cached_property
    def lines(self) -> LineIndex:
        """The line index of this text, built at first use."""
        return LineIndex(self.text)

    @property
    def newline(self) -> str:
        """The line ending this document uses (its first one), "\\n" for a text of one line."""
        match = LINE_END.search(self.text)
        return match.group() if match else "\n"


LANGUAGES = {
    "bash": "shellscript", "bat": "bat", "c": "c", "c++": "cpp", "cc": "cpp", "cjs": "javascript", "clj": "clojure",
    "cmake": "cmake", "cpp": "cpp", "cs": "csharp", "css": "css", "csx": "csharp", "cts": "typescript", "cxx": "cpp",
    "dart": "dart", "ddl": "sql", "dockerfile": "dockerfile", "ex": "elixir", "exs": "elixir", "gemspec": "ruby",
    "go": "go", "gradle": "groovy", "groovy": "groovy", "h": "c", "h++": "cpp", "hh": "cpp", "hpp": "cpp",
    "hs": "haskell", "htm": "html", "html": "html", "hxx": "cpp", "inl": "cpp", "ipp": "cpp", "ixx": "cpp",
    "java": "java", "jl": "julia", "js": "javascript", "json": "json", "json5": "jsonc", "jsonc": "jsonc",
    "jsx": "javascriptreact", "ksh": "shellscript", "kt": "kotlin", "kts": "kotlin", "less": "less", "lua": "lua",
    "make": "makefile", "markdown": "markdown", "md": "markdown", "mdx": "markdown", "mjs": "javascript",
    "mk": "makefile", "mts": "typescript", "php": "php", "phtml": "php", "pl": "perl", "pm": "perl", "proto": "proto",
    "ps1": "powershell", "py": "python", "pyi": "python", "pyw": "python", "r": "r", "rake": "ruby", "rb": "ruby",
    "rs": "rust", "rst": "restructuredtext", "ru": "ruby", "sbt": "scala", "sc": "scala", "scala": "scala",
    "scss": "scss", "sh": "shellscript", "sql": "sql", "svelte": "svelte", "svg": "xml", "swift": "swift",
    "tcc": "cpp", "tex": "latex", "toml": "toml", "tpp": "cpp", "ts": "typescript", "tsx": "typescriptreact",
    "vue": "vue", "webmanifest": "json", "xhtml": "html", "xml": "xml", "xsd": "xml", "xsl": "xml", "yaml": "yaml",
    "yml": "yaml", "zig": "zig", "zsh": "shellscript",
}  # fmt: skip
"""LSP language identifiers by the ending of a file's name, in lower case and without its dot."""

_FILES = {
    ".babelrc": "jsonc", ".bash_profile": "shellscript", ".bashrc": "shellscript", ".eslintrc": "jsonc",
    ".profile": "shellscript", ".zshrc": "shellscript", "brewfile": "ruby", "cmakelists.txt": "cmake",
    "containerfile": "dockerfile", "dockerfile": "dockerfile", "gemfile": "ruby", "gnumakefile": "makefile",
    "jsconfig.json": "jsonc", "makefile": "makefile", "pipfile": "toml", "podfile": "ruby", "rakefile": "ruby",
    "tsconfig.json": "jsonc", "vagrantfile": "ruby",
}  # fmt: skip
"""Whole names, in lower case, that say more than their ending does."""


def language_of(path: PurePath) -> str:
    """LSP language identifier for a file name, "plaintext" when unknown."""
    return _FILES.get(path.name.lower()) or LANGUAGES.get(path.suffix[1:].lower(), "plaintext")
