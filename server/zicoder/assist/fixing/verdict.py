"""Whether a changed text is better than the one before: it parses, what was wrong is gone, nothing new came.

The very diagnostic is looked for again with what can see it: its own source where that is one of ours (grammar, ruff,
jedi), else one of ours that sees the same. Where nothing here can see it, that is said, and nobody calls it checked.
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from zicoder.assist.actions.messages import Meaning, meaning_of
from zicoder.assist.checks.checker import Checker
from zicoder.assist.problem import Problem
from zicoder.text import Snapshot

__all__ = ["Verdict", "judge", "size_of"]

MENDED = "the error of syntax is gone"
MAX_CHANGED, MAX_ADDED = 12, 30
"""Lines; a fix of one diagnostic that needs more is a piece of work, and belongs to `/fix`."""
_UNNECESSARY_RISK = ("F401", "F841", "I001")
"""What a fix may leave behind: an import or a variable that is not used any more is no harm."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks said of one candidate."""

    state: Literal["checked", "unchecked", "refused"]
    how: tuple[str, ...] = ()
    """What passed, in words: "it parses", "ruff no longer finds F821"."""
    why: str = ""
    """Why it was refused, as a sentence."""


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
    errors = await checker.syntax(now)
    earlier = await checker.syntax(before)
    if errors and len(errors) >= len(earlier):
        return refused(f"It does not parse: {errors[0].message}")
    how: list[str] = []
    if not errors and await checker.reads(before.language):
        how.append("it parses")
        if any(_is_near(before, problem, each) for each in earlier):
            how.insert(0, MENDED)
    if before.language == "python":
        return await _python(checker, before, now, problem, how)
    return Verdict("checked" if MENDED in how else "unchecked", tuple(how))


def _is_near(snapshot: Snapshot, problem: Problem, error: Problem) -> bool:
    """Whether an error of syntax is what a diagnostic is about: parsers differ in where they notice it."""
    lines = snapshot.lines
    return abs(lines.position(problem.start).line - lines.position(error.start).line) <= 2


async def _python(checker: Checker, before: Snapshot, now: Snapshot, problem: Problem, how: list[str]) -> Verdict:
    if not how:
        return refused("It does not parse as a whole.")
    names_before = Counter(name for _, _, name in await checker.names(before, "undefined"))
    names_now = Counter(name for _, _, name in await checker.undefined_in(now))
    if fresh := names_now - names_before:
        return refused(f"`{next(iter(fresh))}` would not be defined.")
    by_ruff_before, by_ruff_now = await checker.by_ruff(before), await checker.ruff_in(now)
    new = Counter(each.code for each in by_ruff_now) - Counter(each.code for each in by_ruff_before)
    for code in _UNNECESSARY_RISK:
        new.pop(code, None)
    if new:
        code = next(iter(new))
        message = next(each.message for each in by_ruff_now if each.code == code)
        return refused(f"ruff would find {code}: {message}")
    wrong = await checker.attributes_in(now)
    wrong_before = await checker.attributes_in(before)
    if len(wrong) > len(wrong_before):
        return refused(wrong[0].message)
    how.append("nothing new is wrong")
    if MENDED in how:
        return Verdict("checked", tuple(how))
    gone = _gone(problem, names_before, names_now, by_ruff_before, by_ruff_now, wrong_before, wrong)
    if gone is False:
        return refused("The diagnostic would still be there.")
    return Verdict("checked", (gone, *how)) if gone else Verdict("unchecked", tuple(how))


def _gone(
    problem: Problem, names_before: Counter[str], names_now: Counter[str], ruff_before: list[Problem],
    ruff_now: list[Problem], wrong_before: list[Problem], wrong_now: list[Problem],
) -> str | Literal[False] | None:  # fmt: skip
    """How it is known that the diagnostic is gone; False when it is there; None when nothing here can see it."""
    meaning = meaning_of(problem.message, problem.code)
    codes_before, codes_now = (Counter(each.code for each in found) for found in (ruff_before, ruff_now))
    if problem.code in codes_before:
        fewer = codes_now[problem.code] < codes_before[problem.code]
        return f"ruff no longer finds {problem.code}" if fewer else False
    if meaning is not None and meaning.kind == "undefined" and names_before[meaning.name]:
        fewer = names_now[meaning.name] < names_before[meaning.name]
        return f"`{meaning.name}` is defined or gone" if fewer else False
    if meaning is not None and meaning.kind == "attribute" and _seen(meaning, wrong_before):
        return "jedi knows every attribute" if not _seen(meaning, wrong_now) else False
    return None


def _seen(meaning: Meaning, wrong: list[Problem]) -> bool:
    return any(f"`{meaning.name}`" in each.message for each in wrong)
