"""The rules of the settings: their syntax, and which calls they are about.

A rule is `TOOL` or `TOOL:PATTERN`. TOOL is a tool's name and may hold `*`. PATTERN is

- for tools that touch files, a pattern as in a `.gitignore`, relative to the project: `*.sql`, `migrations/`,
  `src/**/generated`. With `//` in front it is one from the root of the disk, with `~/` one from the home folder;
- for tools that run commands, words: `npm run *`. A star stands for any part of a word, as the last word for any rest.

Rules that deny or ask compare without regard to case, catch a command however it is wrapped, and catch `git push` with
whatever follows. Rules that allow are exact. It decides nothing: `policy` does.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zicoder.agents.command_line import Simple
from zicoder.agents.danger import every, program
from zicoder.agents.places import Place
from zicoder.index.ignore import Rules, byte_text

__all__ = ["Rule", "parse_rules"]


@dataclass(frozen=True)
class Rule:
    """One rule."""

    text: str
    tool: str
    pattern: str
    _paths: Rules
    _outside: bool

    def about(self, tool: str) -> bool:
        """Whether it is about this tool."""
        return fnmatch.fnmatchcase(tool, self.tool)

    def covers(self, place: Place) -> bool:
        """Whether the pattern matches a path, or a folder above it. Without a pattern it covers everything inside."""
        if not self.pattern:
            return place.relative is not None
        if self._outside:
            return self._matches(place.real.as_posix().lstrip("/"))
        names = (name for name in (place.relative, place.named) if name)
        return any(self._matches(name) for name in names)

    def names(self, place: Place) -> bool:
        """Whether the rule is for this very file, without a wild card."""
        one = bool(self.pattern) and not re.search(r"[*?\[]|/$", self.pattern)
        return one and self.covers(place)

    def catches(self, commands: Sequence[Simple]) -> bool:
        """Whether one of the commands, however it is wrapped, begins with the pattern's words."""
        if not self.pattern:
            return True
        wanted = [word.lower() for word in self.pattern.split()]
        wanted = wanted[:-1] if wanted[-1] == "*" and len(wanted) > 1 else wanted
        for command in every(commands):
            words = [program(command.words), *command.words[1:]]
            if _same(wanted, [word.lower() for word in words[: len(wanted)]]):
                return True
        return False

    def is_for(self, command: Simple) -> bool:
        """Whether the pattern stands for exactly this command."""
        if not self.pattern:
            return True
        wanted, words = self.pattern.split(), list(command.words)
        if wanted[-1] == "*" and len(wanted) > 1:
            wanted = wanted[:-1]
            words = words[: len(wanted)]
        return _same(wanted, words)

    @property
    def opening(self) -> str:
        """The pattern's words before its first star: what the rule names."""
        words = self.pattern.split()
        end = next((at for at, word in enumerate(words) if "*" in word), len(words))
        return " ".join(words[:end])

    def _matches(self, path: str) -> bool:
        parts = byte_text(path).split("/")
        above = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        whole = "/".join(parts)
        return any(self._paths.verdict(folder, folder=True) for folder in (*above, whole)) or bool(
            self._paths.verdict(whole, folder=False)
        )


def parse_rules(texts: Iterable[str], *, exact: bool) -> tuple[Rule, ...]:
    """The rules of a list in the settings. `exact`: with regard to case, for rules that allow."""
    return tuple(_rule(text.strip(), exact) for text in texts if text.strip())


def _rule(text: str, exact: bool) -> Rule:
    tool, _, pattern = (part.strip() for part in text.partition(":"))
    glob, outside = pattern, pattern.startswith(("//", "~/"))
    if pattern.startswith("~/"):
        glob = f"/{Path.home().as_posix().lstrip('/')}/{pattern[2:]}"
    elif outside:
        glob = pattern[1:]
    elif os.sep == "\\":
        glob = pattern.replace("\\", "/")
    # A pattern is one of its own, so a `!` or a `#` in front means itself.
    data = ("\\" + glob if glob.startswith(("!", "#")) else glob).encode("utf-8", "surrogateescape")
    return Rule(text, tool, pattern, Rules(data, fold_case=not exact), outside)


def _same(wanted: Sequence[str], words: Sequence[str]) -> bool:
    return len(wanted) == len(words) and all(
        fnmatch.fnmatchcase(word, pattern) for word, pattern in zip(words, wanted, strict=True)
    )
