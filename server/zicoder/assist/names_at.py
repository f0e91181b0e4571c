"""Which names can stand at a place in a Python document, and behind the names that are likely to be written next.

Runs in the bridge's thread, a question at a time, so that whoever types a dot does not wait for all of them. Answers
only where jedi sees everything there is: what a class takes from a base that was not found, or makes up when it is
asked (`__getattr__`), is unknown, and then so is the rest of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zicoder.assist.jedi_text import JediText
from zicoder.models.protocols import Guide
from zicoder.text import Snapshot

__all__ = ["MAX_RECEIVERS", "Survey"]

MAX_RECEIVERS = 12
MAX_CALLABLES = 8
MAX_NAMES = 1000
"""Of one receiver. More is a library's whole surface; the list would cost more than it brings, cut it would lie."""
LINES_ABOVE = 30
LINES_BELOW = 8
"""What is written next is mostly asked of names that stand as near as this."""
STATEMENT_LINES = 12
MAX_CHAIN = 200
MAX_CHARS = 10_000
"""Of those lines, should they be very long."""

_CHAIN = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_CHAIN_END = re.compile(rf"{_CHAIN}\Z")
_RECEIVER = re.compile(rf"(?<![\w.)\]}}\"']){_CHAIN}(?=\.)")
_CALLABLE = re.compile(rf"(?<![\w.)\]}}\"'@])(?<!def )(?<!class )({_CHAIN})\(")
_BOUND = re.compile(r"^\s*(?:with .* as |for )?([^\W\d]\w*)(?:\s*:[^=]+)?(?:\s*=[^=]| in )", re.MULTILINE)
_HEADER = re.compile(r"^([ \t]*)(?:async\s+)?def\s+\w+\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)", re.MULTILINE)
_PARAMETER = re.compile(r"(?:^|,)\s*\**([^\W\d]\w*)\s*:")
_AFTER_DOT = re.compile(r"[\w)\]}\"'.]\s*\.\s*(\w*)$")
_AFTER_FROM = re.compile(r"^\s*from\s+\.+(\w*)$")
_IMPORTED = re.compile(r"^\s*from\s+[.\w]+\s+import\b[\s(]*(?:[\w*]+(?:\s+as\s+\w+)?\s*,\s*)*(\w*)$")
_MADE = re.compile(r"(?:^|\n)[ \t]*(?:self|cls)\.\w*$")
_METHOD = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_SETS_UP = ("setUp", "setup", "setUpClass", "setup_method", "asyncSetUp")
_OPEN_ENDS = (",", "(", "[", "{", "\\")


@dataclass(frozen=True, slots=True)
class _Probe:
    """The document with a line of unfinished expressions where the cursor's statement begins."""

    code: str
    line: int
    members: dict[str, int]
    """Columns behind the dot of each receiver."""
    calls: dict[str, int]
    """Columns within the brackets of each callable."""


class Survey:
    """One place, about which everything is asked by `questions`; `guide` is what is known so far.

    `open_document` and `open_probe` give jedi's view of the document and of another text at its place.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        offset: int,
        *,
        open_document: Callable[[Snapshot], Any],
        open_probe: Callable[[Snapshot, str], Any],
    ) -> None:
        self._snapshot = snapshot
        self._offset = offset
        self._text = JediText(snapshot)
        self._open_document = open_document
        self._open_probe = open_probe
        self._here: tuple[str, ...] = ()
        self._typed = ""
        self._listed = False
        self._members: dict[str, tuple[str, ...]] = {}
        self._arguments: dict[str, tuple[str, ...]] = {}

    @property
    def guide(self) -> Guide:
        """What is known so far."""
        return Guide(
            here=self._here,
            typed=self._typed,
            listed=self._listed,
            members=dict(self._members),
            arguments=dict(self._arguments),
        )

    def questions(self, *, around: bool) -> Iterator[Callable[[], None]]:
        """Steps to be run in order, each in jedi's thread; any number of the last may be left out.

        Without `around` only what stands at the place itself is asked.
        """
        yield self._ask_here
        if not around:
            return
        probe = self._probe()
        if not (probe.members or probe.calls):
            return
        script: Any = None

        def begin() -> None:
            nonlocal script
            script = self._open_probe(self._snapshot, probe.code)

        yield begin
        if script is None:
            return
        for receiver, column in probe.members.items():
            yield lambda r=receiver, c=column: self._ask_members(script, r, probe.line, c)
        for function, column in probe.calls.items():
            yield lambda f=function, c=column: self._ask_arguments(script, f, probe.line, c)

    def _ask_here(self) -> None:
        before = _statement(self._text, self._offset)
        listed = _IMPORTED.match(before)
        match = listed or _AFTER_FROM.match(before) or _AFTER_DOT.search(before)
        if (
            match is None
            or (_MADE.search(before) and self._makes_attributes())
            or not self._text.wants_completion(self._offset)
        ):
            return
        start = self._offset - len(match[1])
        script = self._open_document(self._snapshot)
        place = self._text.place(start)
        names = _names(script.complete(*place))
        if listed is None and not _AFTER_FROM.match(before):
            dot = self._snapshot.text.rindex(".", 0, start)
            written = _CHAIN_END.search(self._snapshot.text, max(0, dot - MAX_CHAIN), dot)
            names = self._complete(names, written[0] if written else "", script.infer(*self._text.place(dot)))
        if _is_telling(names):
            self._here, self._typed, self._listed = names, match[1], listed is not None

    def _makes_attributes(self) -> bool:
        """Whether the cursor is in a method that is there to give an object its attributes."""
        headers = _METHOD.findall(self._snapshot.text, 0, self._offset)
        return not headers or headers[-1].startswith("__") or headers[-1] in _SETS_UP

    def _ask_members(self, script: Any, receiver: str, line: int, column: int) -> None:
        names = _names(script.complete(line, column))
        names = self._complete(names, receiver, script.infer(line, column - 1))
        if _is_telling(names):
            self._members[receiver] = names

    def _complete(self, names: tuple[str, ...], receiver: str, found: Sequence[Any]) -> tuple[str, ...]:
        """The names with what jedi leaves out, and without what is private to others; none if some are unknown."""
        if not _is_telling(names) or not (names := _with_type_names(names, receiver, found)):
            return ()
        own = receiver in ("self", "cls") or any(map(self._is_ours, found))
        public = (name for name in names if own or not name.startswith("_") or name.startswith("__"))
        return tuple({*public, *self._written(receiver)})

    def _is_ours(self, name: Any) -> bool:
        """Whether something is defined by this project, as far as its folder tells."""
        path, here = name.module_path, self._snapshot.path
        if path is None or here is None:
            return name.module_name == "__main__"
        return here.parent.parent in path.parents and "site-packages" not in path.parts

    def _ask_arguments(self, script: Any, function: str, line: int, column: int) -> None:
        found: list[Any] = script.get_signatures(line, column)
        names: set[str] = set()
        for signature in found:
            for parameter in signature.params:
                kind = parameter.kind.name
                if kind == "VAR_KEYWORD":
                    return
                if kind in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY"):
                    names.add(parameter.name)
        if names:
            self._arguments[function] = tuple(sorted(names))

    def _written(self, receiver: str) -> Iterable[str]:
        """What the document has behind this receiver elsewhere; but for the cursor's line, whose names may be partial.

        A project that runs knows its names: where it and jedi differ, jedi has missed something.
        """
        lines = self._snapshot.lines
        here = lines.position(self._offset).line
        text = self._snapshot.text
        around = text[: lines.start(here)], text[lines.content_end(here) :]
        if not receiver:
            return []
        pattern = re.compile(rf"(?<![\w.]){re.escape(receiver)}\.([^\W\d]\w*)")
        return [name for part in around for name in pattern.findall(part)]

    def _probe(self) -> _Probe:
        lines = self._snapshot.lines
        at = lines.position(self._offset).line
        first = at - _statement(self._text, self._offset).count("\n")
        begun = lines.line(first)
        indent = begun[: len(begun) - len(begun.lstrip())]
        receivers, functions = self._candidates(at)
        line, members, calls = indent + "[", dict[str, int](), dict[str, int]()
        for receiver in receivers:
            line += receiver + "."
            members[receiver] = len(line)
            line += "_, "
        for function in functions:
            line += function + "("
            calls[function] = len(line)
            line += "), "
        code = self._text.code
        shift = len(self._snapshot.text) - len(code)
        start = max(0, lines.start(first) - shift)
        # A header is kept, or its block would hang in the air; anything else may be half written, and is not.
        end = start if begun.rstrip().endswith(":") else max(0, lines.content_end(at) - shift)
        ending = "\n" if end == start else ""
        return _Probe(code[:start] + line + "]" + ending + code[end:], first + 1, members, calls)

    def _candidates(self, at: int) -> tuple[list[str], list[str]]:
        """Receivers and callables around line `at`, what was written last before it first."""
        lines = self._snapshot.lines
        text = self._snapshot.text
        above = text[lines.start(max(0, at - LINES_ABOVE)) : self._offset][-MAX_CHARS:]
        below = text[lines.content_end(at) : lines.start(at + 1 + LINES_BELOW)][:MAX_CHARS]
        receivers = [*reversed(_RECEIVER.findall(above)), *_RECEIVER.findall(below)]
        header = next(iter(reversed(list(_HEADER.finditer(above)))), None)
        parameters = _PARAMETER.findall(header[2]) if header else []
        bound = list(reversed(_BOUND.findall(above)))
        functions = [*reversed(_CALLABLE.findall(above)), *_CALLABLE.findall(below)]
        selves = [name for name in ("self", "cls") if name in receivers or re.search(rf"\b{name}\b", above)]
        mixed = [*selves, *receivers[:6], *parameters, *bound[:4], *receivers[6:]]
        return _distinct(mixed, MAX_RECEIVERS), _distinct(functions, MAX_CALLABLES)


def _distinct(names: Iterable[str], most: int) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.isascii() or name.isidentifier()][:most]


def _statement(text: JediText, offset: int) -> str:
    """From the start of the statement to the cursor, as far as its lines show that they go on."""
    lines = text.snapshot.lines
    first = at = lines.position(offset).line
    while first > 0 and at - first < STATEMENT_LINES and lines.line(first - 1).rstrip().endswith(_OPEN_ENDS):
        first -= 1
    return text.snapshot.text[lines.start(first) : offset]


def _names(found: Sequence[Any]) -> tuple[str, ...]:
    """The names of jedi's completions; none when there are too many."""
    return tuple(dict.fromkeys(each.name for each in found)) if len(found) <= MAX_NAMES else ()


def _is_telling(names: Sequence[str]) -> bool:
    """Whether there is more than every object has, and nothing that makes names up."""
    return any(not name.startswith("__") for name in names) and "__getattr__" not in names


def _with_type_names(names: tuple[str, ...], receiver: str, found: Sequence[Any]) -> tuple[str, ...]:
    """The names of an expression and, of a class, what `type` adds; none when jedi does not know all there is.

    jedi's own interface does not tell of a base that it could not find; this looks at what stands behind it. It takes
    `cls` for an instance in methods that are class methods without saying so.
    """
    values = [value for name in found for value in name._name.infer()]
    if not values or not all(map(_has_every_base, values)):
        return ()
    is_class = receiver == "cls" or any(value.is_class() for value in values)
    return tuple({*names, *dir(type)}) if is_class and names else names


def _has_every_base(value: Any) -> bool:
    kind = value if value.is_class() else value.py__class__() if value.is_instance() else None
    if kind is None or not hasattr(kind, "py__mro__"):
        return True
    sources = [each for each in kind.py__mro__() if hasattr(each, "py__bases__") and not each.is_compiled()]
    return all(base.infer() for each in sources for base in each.py__bases__() if hasattr(base, "infer"))
