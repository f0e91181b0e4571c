"""What a shell command line does, as far as that can be told without a shell.

Splits a line into simple commands. What is not understood for certain (expansions, substitutions, globs, loops, here
documents, another shell's syntax) makes the line "not plain"; nothing is ever allowed by a rule or remembered for such
a line. It decides nothing, and runs nothing; `danger` knows the commands that are refused outright.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import NoReturn

__all__ = ["CommandLine", "Simple", "loosely", "parse"]

MAX_CHARS = 20_000

_RESERVED = frozenset(
    {"if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "function"}
    | {"select", "time", "coproc"}
)
_RESERVED_MARKS = frozenset({"{", "}", "!", "[[", "]]", ":", "."})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_HARMLESS_TARGETS = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})
_PLAIN_ON_WINDOWS = re.compile(r"[\w\s./\\:=+,@-]+")
_SEPARATORS = ("&&", "||", "|&", ";", "|", "\n")


@dataclass(frozen=True, slots=True)
class Simple:
    """One command with its words, quotes taken away."""

    words: tuple[str, ...]
    assignments: tuple[str, ...] = ()
    redirects: tuple[tuple[str, str], ...] = ()
    """Operator and file: (">>", "log.txt"). Duplications such as `2>&1` and what goes to /dev/null are left out."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A whole line."""

    text: str
    commands: tuple[Simple, ...]
    puzzle: str = ""
    """What was not understood, "" if everything was."""

    @property
    def plain(self) -> bool:
        """Whether this is nothing but simple commands: no redirection into a file, no variable set, nothing unclear."""
        return not self.puzzle and bool(self.commands) and not any(c.assignments or c.redirects for c in self.commands)


@dataclass
class _Reader:
    text: str
    at: int = 0
    done: list[Simple] = field(default_factory=list[Simple])
    words: list[str] = field(default_factory=list[str])
    assignments: list[str] = field(default_factory=list[str])
    redirects: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    word: str | None = None
    quoted: bool = False
    redirect: str = ""
    owed: bool = False
    """Whether the last separator wants a command after it."""

    def fail(self, why: str) -> NoReturn:
        raise _PuzzleError(why)


class _PuzzleError(Exception):
    pass


def parse(text: str, *, windows: bool = sys.platform == "win32") -> CommandLine:
    """Take a command line apart. Never raises; what is not understood is said in `puzzle`."""
    if len(text) > MAX_CHARS:
        return CommandLine(text, (), "it is too long")
    if any((ord(c) < 32 and c not in "\t\n") or ord(c) == 127 for c in text):
        return CommandLine(text, loosely(text), "it holds control characters")
    if windows:
        if _PLAIN_ON_WINDOWS.fullmatch(text) and "\n" not in text:
            return CommandLine(text, (Simple(tuple(text.split())),) if text.split() else ())
        return CommandLine(text, loosely(text), "it has more than words and paths in it")
    try:
        return CommandLine(text, tuple(_read(text)))
    except _PuzzleError as puzzle:
        return CommandLine(text, loosely(text), str(puzzle))


def loosely(text: str) -> tuple[Simple, ...]:
    """The commands that may be hidden in a line, however they are nested: too many rather than too few."""
    joined = re.sub(r"\$\{(\w+)\}", r"$\1", text[:MAX_CHARS].replace("\\\n", ""))
    found: list[Simple] = []
    for piece in re.split(r"[;&|\n\r`(){}]", joined):
        words = [word for word in (re.sub(r"[\"'\\]", "", word) for word in piece.split()) if word]
        while words and (words[0] in _RESERVED or words[0] in _RESERVED_MARKS or _ASSIGNMENT.match(words[0])):
            words.pop(0)
        if words:
            found.append(Simple(tuple(words)))
    return tuple(found)


def _read(text: str) -> list[Simple]:
    reader = _Reader(text)
    while reader.at < len(text):
        char = text[reader.at]
        if char in " \t":
            _end_word(reader)
            reader.at += 1
        elif char in "'\"\\":
            _quotation(reader, char)
        elif char in "<>" or (char == "&" and text.startswith("&>", reader.at)):
            _redirection(reader)
        elif mark := next((s for s in _SEPARATORS if text.startswith(s, reader.at)), ""):
            _end_word(reader)
            _end_command(reader, owes=mark in {"&&", "||", "|", "|&"}, may_be_empty=mark == "\n")
            reader.at += len(mark)
        else:
            _plain_character(reader, char)
    _end_word(reader)
    _end_command(reader, owes=False, may_be_empty=True)
    if reader.owed:
        reader.fail("something is missing after the last sign")
    return reader.done


def _plain_character(reader: _Reader, char: str) -> None:
    puzzles = {
        "$": "a variable or a substitution", "`": "a substitution", "&": "a command in the background",
        "(": "a subshell", ")": "a subshell", "*": "a pattern", "?": "a pattern", "[": "a pattern", "{": "braces",
    }  # fmt: skip
    if char in puzzles:
        reader.fail(f"it holds {puzzles[char]}")
    if char == "#" and reader.word is None:
        reader.fail("it holds a comment")
    if char == "~" and (reader.word or "=").endswith(("=", ":")):
        follows = reader.text[reader.at + 1 : reader.at + 2]
        if follows not in {"", " ", "\t", "\n", "/", ";", "&", "|"}:
            reader.fail("it holds another user's home")
    reader.word = (reader.word or "") + char
    reader.at += 1


def _quotation(reader: _Reader, char: str) -> None:
    text, at = reader.text, reader.at
    reader.quoted = True
    if char == "\\":
        if at + 1 >= len(text) or text[at + 1] == "\n":
            reader.fail("it ends in a backslash or is continued")
        reader.word = (reader.word or "") + text[at + 1]
        reader.at += 2
        return
    end = text.find(char, at + 1)
    inside = text[at + 1 : end]
    if end < 0 or (char == '"' and re.search(r"[$`\\!]", inside)):
        reader.fail("a quotation does not end" if end < 0 else "a quotation holds a variable or a substitution")
    reader.word = (reader.word or "") + inside
    reader.at = end + 1


def _redirection(reader: _Reader) -> None:
    found = re.compile(r"(&>>|&>|<<<|<<|<>|<&|>>|>\||>&|<|>)").match(reader.text, reader.at)
    if found is None:
        reader.fail("an unusual redirection")
    operator = found[1]
    if operator in {"<<", "<<<", "<>", "<&"}:
        reader.fail("it holds a here document or an unusual redirection")
    if reader.word is not None and not (reader.word.isdigit() and not reader.quoted):
        _end_word(reader)
    reader.word, reader.quoted = None, False  # what stood there was the number of a stream
    if reader.redirect:
        reader.fail("a redirection leads nowhere")
    reader.redirect = operator
    reader.at = found.end()


def _end_word(reader: _Reader) -> None:
    word, quoted = reader.word, reader.quoted
    reader.word, reader.quoted = None, False
    if word is None:
        return
    if reader.redirect:
        operator, reader.redirect = reader.redirect, ""
        duplicates = operator == ">&" and re.fullmatch(r"\d|-", word)
        if not duplicates and word not in _HARMLESS_TARGETS:
            reader.redirects.append((operator, word))
    elif not reader.words and not quoted and (word in _RESERVED or word in _RESERVED_MARKS):
        reader.fail(f"it holds `{word}`")
    elif not reader.words and _ASSIGNMENT.match(word):
        reader.assignments.append(word)
    else:
        reader.words.append(word)


def _end_command(reader: _Reader, *, owes: bool, may_be_empty: bool) -> None:
    if reader.redirect:
        reader.fail("a redirection leads nowhere")
    empty = not (reader.words or reader.assignments or reader.redirects)
    if empty:
        if not may_be_empty or (reader.owed and owes):
            reader.fail("a command is missing")
        return
    reader.done.append(Simple(tuple(reader.words), tuple(reader.assignments), tuple(reader.redirects)))
    reader.words, reader.assignments, reader.redirects = [], [], []
    reader.owed = owes
