"""Whether a changed text is better than the one before: it parses, what was wrong is gone, nothing new came.

The very diagnostic is looked for again with what can see it: its own source where that is one of ours (grammar, ruff,
jedi), else one of ours that sees the same. Where nothing here can see it, that is said, and nobody calls it checked.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import Literal

from zicoder.assist.actions.messages import Meaning, meaning_of
from zicoder.assist.checks.checker import Checker
from zicoder.assist.fixing.shift import Shift
from zicoder.assist.problem import Problem
from zicoder.text import Snapshot

__all__ = ["Verdict", "judge", "size_of", "speaks_of_syntax"]

MENDED = "the error of syntax is gone"
MAX_CHANGED, MAX_ADDED = 12, 30
"""Lines; a fix of one diagnostic that needs more is a piece of work, and belongs to `/fix`."""
_UNNECESSARY_RISK = ("F401", "F841", "I001")
"""What a fix may leave behind: an import or a variable that is not used any more is no harm."""
NEAR_LINES = 2
_SYNTAX = re.compile(
    r"(?i)syntax|expected|unexpected|unterminated|never closed|not closed|unclosed|unmatched|does not match|indent"
    r"|pars(?:e|ing)|invalid (?:character|token)|missing (?:[\"'`(){}\[\];:,]|clos|paren|bracket|brace)"
)
_SYNTAX_CODE = re.compile(r"(?:TS)?1\d{3}|E999|E0001|invalid-syntax")
"""TypeScript's, flake8's, Pylint's, ruff's."""
_ARGUMENTS = re.compile(r"(?i)argument|parameter|positional")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks said of one candidate."""

    state: Literal["checked", "unchecked", "refused"]
    how: tuple[str, ...] = ()
    """What passed, in words: "it parses", "ruff no longer finds F821"."""
    why: str = ""
    """Why it was refused, as a sentence."""
    tested: bool = False
    """Whether tests that failed pass with it."""


def refused(why: str) -> Verdict:
    """A candidate that must not be offered."""
    return Verdict("refused", why=why)


def size_of(before: str, after: str) -> tuple[int, int]:
    """Lines taken out or changed, and lines added beyond them."""
    gone = come = 0
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            gone += b - a
            come += max(0, (d - c) - (b - a))
    return gone, come


async def judge(checker: Checker, before: Snapshot, after: str, problem: Problem, region: tuple[str, str]) -> Verdict:
    """Check one candidate. `region`: the lines that it replaces, before and after; the rest is the same."""
    if after == before.text:
        return refused("It changes nothing.")
    changed, added = size_of(*region)
    if changed > MAX_CHANGED or added > MAX_ADDED:
        return refused(f"It changes {changed + added} lines.")
    now = replace(before, text=after, version=before.version + 1)
    errors = await checker.syntax_in(now)
    earlier = await checker.syntax(before)
    shift = Shift(before, now)
    if errors and (len(errors) >= len(earlier) or shift.fresh(earlier, errors, _words)):
        return refused(f"It does not parse: {errors[0].message}")
    how: list[str] = []
    about = _about(before, problem, earlier)
    if not errors and await checker.reads(before.language):
        how.append("it parses")
        if about is not None:
            how.insert(0, MENDED)
    elif about is not None and shift.left(earlier, errors, about, _words):
        return refused("The diagnostic would still be there.")
    if before.language == "python":
        return await _python(checker, now, shift, problem, how, _Known(before, earlier))
    return Verdict("checked" if MENDED in how else "unchecked", tuple(how))


def _about(snapshot: Snapshot, problem: Problem, errors: list[Problem]) -> Problem | None:
    """The error of syntax that a diagnostic is about. Another server's may be noticed a line or two away.

    Only one that speaks of syntax: a type error beside an open bracket is not gone when the bracket is closed.
    """
    exact = next((each for each in errors if each.start == problem.start and each.message == problem.message), None)
    if exact is not None or problem.ours:
        return exact
    if not speaks_of_syntax(problem):
        return None
    lines = snapshot.lines
    line = lines.position(problem.start).line
    near = [each for each in errors if abs(lines.position(each.start).line - line) <= NEAR_LINES]
    return min(near, key=lambda each: abs(each.start - problem.start), default=None)


def speaks_of_syntax(problem: Problem) -> bool:
    """Whether a diagnostic says that the code does not parse."""
    return bool(_SYNTAX.search(problem.message) or _SYNTAX_CODE.fullmatch(problem.code))


@dataclass(frozen=True, slots=True)
class _Known:
    """The text before, and its errors of syntax, in which nothing else can be seen."""

    snapshot: Snapshot
    errors: list[Problem]


async def _python(
    checker: Checker, now: Snapshot, shift: Shift, problem: Problem, how: list[str], known: _Known
) -> Verdict:
    if not how:
        return refused("It does not parse as a whole.")
    if known.errors:  # nothing else was seen before, so that nothing can be called new but a name
        names = await checker.undefined_in(now)
        words = set(_WORD.findall(known.snapshot.text))
        if fresh := next((name for _, _, name in names if name not in words), ""):
            return refused(f"`{fresh}` would not be defined.")
        return Verdict("checked" if MENDED in how else "unchecked", tuple(how))
    before = known.snapshot
    names_before, names_now = _names(await checker.names(before, "undefined")), _names(await checker.undefined_in(now))
    if fresh := shift.fresh(names_before, names_now, _words):
        return refused(f"`{fresh[0].message}` would not be defined.")
    ruff_before, ruff_now = await checker.by_ruff(before), await checker.ruff_in(now)
    new = [each for each in shift.fresh(ruff_before, ruff_now, _code) if each.code not in _UNNECESSARY_RISK]
    if new:
        return refused(f"ruff would find {new[0].code}: {new[0].message}")
    line = before.lines.position(problem.start).line
    jedi_before, jedi_now = await checker.by_jedi_in(before, line), await checker.by_jedi_in(now, line)
    if fresh := shift.fresh(jedi_before, jedi_now, _words):
        return refused(fresh[0].message)
    how.append("nothing new is wrong")
    gone = _gone(problem, shift, _Seen(names_before, names_now), _Seen(ruff_before, ruff_now),
                 _Seen(jedi_before, jedi_now))  # fmt: skip
    if gone is False:
        return refused("The diagnostic would still be there.")
    return Verdict("checked", (gone, *how)) if gone else Verdict("unchecked", tuple(how))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one check finds, before and after."""

    before: list[Problem]
    now: list[Problem]


def _gone(problem: Problem, shift: Shift, names: _Seen, ruff: _Seen, jedi: _Seen) -> str | Literal[False] | None:
    """How it is known that the diagnostic is gone; False when it is there; None when nothing here can see it."""
    meaning = meaning_of(problem.message, problem.code)
    same = [each for each in ruff.before if each.code == problem.code and each.start == problem.start]
    same = same or [each for each in ruff.before if each.code == problem.code and _overlap(each, problem)]
    if same:
        left = shift.left(ruff.before, ruff.now, same[0], _code)
        return False if left else f"ruff no longer finds {problem.code}"
    if meaning is not None and meaning.kind == "undefined":
        told = [each for each in names.before if each.message == meaning.name]
        here = next((each for each in told if _overlap(each, problem)), None)
        if here is not None:
            left = shift.left(names.before, names.now, here, _words)
            return False if left else f"`{meaning.name}` is defined or gone"
    told = [each for each in jedi.before if _overlap(each, problem) and _alike(each, problem, meaning)]
    if told:
        return False if shift.left(jedi.before, jedi.now, told[0], _words) else _SOUND[told[0].code]
    return None


_SOUND = {
    "attribute": "jedi knows the attribute", "call-keyword": "jedi knows the parameter",
    "call-arguments": "the arguments fit what is called",
}  # fmt: skip


def _alike(found: Problem, problem: Problem, meaning: Meaning | None) -> bool:
    """Whether what jedi found says what a diagnostic says."""
    if found.message == problem.message:
        return True
    if found.code == "call-arguments":
        return _ARGUMENTS.search(problem.message) is not None
    kind = "attribute" if found.code == "attribute" else "keyword"
    return meaning is not None and meaning.kind == kind and f"`{meaning.name}`" in found.message


def _overlap(one: Problem, other: Problem) -> bool:
    return one.start <= max(other.end, other.start) and other.start <= one.end


def _names(found: list[tuple[int, int, str]]) -> list[Problem]:
    return [Problem(start, end, name) for start, end, name in found]


def _words(problem: Problem) -> str:
    return problem.message


def _code(problem: Problem) -> str:
    return problem.code
