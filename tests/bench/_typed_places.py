"""Places that somebody comes by who types real functions, and what is suggested at each: material for gate.py.

A stretch is the first lines of a real function. It is typed anew at its place in its file: what follows a place in the
stretch is the truth, and the model is shown the text around it without that truth. Its answers are cached, since they
take it minutes. Where many more places are needed, a look-up stands in for the model: it goes on as the package does
elsewhere after the same characters, and is right about half as often. Never imports or runs a package.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import corpora

from zicoder.complete.filters import apply_filters
from zicoder.complete.hole import Hole
from zicoder.complete.scope import EndOfScope, begins_block
from zicoder.complete.syntax import lex_prefix
from zicoder.models.protocols import InfillRequest
from zicoder.text import language_of
from zicoder.workspace import Workspace

STRETCHES = 6
"""Functions of each package that the model is asked about."""
LINES = 12
LOOKED_UP = 16
"""Functions of each package that the look-up is asked about."""
SAME = (32, 20, 12, 8, 5)
"""Characters before a place that the look-up wants to find elsewhere, the longest match first."""
PREFIX, SUFFIX = 3000, 600
"""Characters around a stretch that the model is shown."""
HEADER = {
    "python": re.compile(r"^ *(?:async )?def \w+\(.*\).*:$"),
    "javascript": re.compile(r"^.*function.*\{$|^  \w+\(.*\) \{$"),
}
STOP = re.compile(r"(?<=[\s(.,=\[])(?=\S)|(?<=\b\w\w)(?=\w)|(?<=[\w)\]])(?=[\s(.:])")
"""Where people stop for a moment: after blanks and punctuation, two letters into a word, behind a word."""


@dataclass(frozen=True)
class Stretch:
    package: str
    path: str
    text: str
    start: int
    end: int

    @property
    def language(self) -> str:
        return language_of(Path(self.path))

    def hole(self, at: int) -> Hole:
        """The place `at`, with all that the writer has not typed yet taken out."""
        hole = Hole(prefix=self.text[:at], suffix=self.text[self.end :], language=self.language)
        return replace(hole, multiline=begins_block(hole))

    def truth(self, at: int) -> str:
        return self.text[at : self.end]


@dataclass(frozen=True)
class Asked:
    """One place of a stretch, and what the model suggests there after the filters."""

    stretch: Stretch
    at: int
    suggestion: str


def stretches(package: str) -> list[Stretch]:
    """Functions of a package, chosen by a hash so that every run has the same."""
    root = corpora.source(package)
    found: list[tuple[str, Stretch]] = []
    for name in _files(root):
        text = (root / name).read_text(encoding="utf-8", errors="replace")
        for start, end in _functions(text, HEADER[language_of(Path(name))]):
            key = hashlib.sha256(f"{package} {name} {start}".encode()).hexdigest()
            found.append((key, Stretch(package, name, text, start, end)))
    return [stretch for _, stretch in sorted(found, key=lambda pair: pair[0])]


def _functions(text: str, header: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Start and end of the first lines of every function that is long enough."""
    lines = text.splitlines(keepends=True)
    offset = 0
    for number, line in enumerate(lines):
        if header.match(line.rstrip("\n")):
            depth = len(line) - len(line.lstrip())
            body = 1
            while number + body < len(lines) and body < LINES:
                following = lines[number + body]
                if following.strip() and len(following) - len(following.lstrip()) <= depth:
                    break
                body += 1
            if body > 5:
                yield offset, offset + len("".join(lines[number : number + body]).rstrip())
        offset += len(line)


def places(stretch: Stretch) -> list[int]:
    """A fifth of the places in a stretch at which a typist may stop; none in its first line.

    None in comments and docstrings either: there, hardly any suggestion is right, and every gate looks good.
    """
    body = stretch.text.index("\n", stretch.start) + 1
    every = [m.start() for m in STOP.finditer(stretch.text, body, stretch.end)]
    return [
        at
        for at in every
        if not _in_prose(stretch, at) and hashlib.sha256(f"{stretch.path} {at}".encode()).digest()[0] % 5 == 0
    ]


def _in_prose(stretch: Stretch, at: int) -> bool:
    hole = stretch.hole(at)
    lexer = lex_prefix(hole)
    lexer.feed(hole.line_before)
    return lexer.inside != "" and not (lexer.in_string and not lexer.in_long_text)


def recorded(package: str) -> list[Asked]:
    """Every place of a package with the model's answer, in the order of typing; asks the model at the first call."""
    file = corpora.cache() / "gate" / f"{package}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        asyncio.run(_ask(stretches(package)[:STRETCHES], file))
    answers: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return [
        Asked(stretch, at, answers[_key(stretch)][str(at)])
        for stretch in stretches(package)
        if _key(stretch) in answers
        for at in places(stretch)
    ]


def looked_up(package: str) -> list[Asked]:
    """Places of a package with what the look-up suggests there, in the order of typing."""
    root = corpora.source(package)
    files = {path: (root / path).read_text(encoding="utf-8", errors="replace") for path in _files(root)}
    asked: list[Asked] = []
    for stretch in stretches(package)[:LOOKED_UP]:
        others = "\n".join(text for path, text in files.items() if path != stretch.path)
        asked += [Asked(stretch, at, _look_up(stretch.hole(at), others)) for at in places(stretch)]
    return asked


def _look_up(hole: Hole, others: str) -> str:
    for size in SAME:
        key = hole.prefix[-size:]
        for text in (hole.prefix[:-1], hole.suffix, others):
            if (found := text.rfind(key)) >= 0:
                line = text[found + len(key) :].partition("\n")[0]
                if line.strip():
                    return line
    return ""


def _files(root: Path) -> list[str]:
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix in {".py", ".js"} and "test" not in path.relative_to(root).as_posix()
    )


def _key(stretch: Stretch) -> str:
    return f"{stretch.path} {stretch.start}"


async def _ask(all_stretches: list[Stretch], file: Path) -> None:
    """Ask the model at every place; the file is written after each stretch, so that a run can be cut short."""
    answers: dict[str, dict[str, str]] = {}
    async with Workspace(None) as workspace:
        model = await workspace.infill_model()
        for stretch in all_stretches:
            key = _key(stretch)
            answers[key] = {}
            for at in places(stretch):
                hole = stretch.hole(at)
                window = InfillRequest(
                    document=key,
                    prefix=hole.prefix[max(0, stretch.start - PREFIX) :],
                    suffix=hole.suffix[:SUFFIX],
                    max_tokens=48,
                )
                scope = EndOfScope(hole, max_lines=6)
                stream = model.infill(window)
                async for piece in stream:
                    if scope.feed(piece):
                        break
                await stream.aclose()
                answers[key][str(at)] = apply_filters(scope.text, hole).text
            file.write_text(json.dumps(answers), encoding="utf-8")
