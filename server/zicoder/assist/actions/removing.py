"""Fixes that need no thought: ruff's own, and taking out what is not used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from zicoder.assist.actions.action import Action, Asked, Change, Make
from zicoder.assist.actions.edits import difference, together
from zicoder.assist.actions.everywhere import everywhere
from zicoder.assist.actions.messages import meaning_of
from zicoder.assist.checks.checker import Checker
from zicoder.assist.checks.ruff import Ruff
from zicoder.assist.problem import Problem
from zicoder.events import ProgressSink
from zicoder.text import Edit, Snapshot

__all__ = ["Removing"]

MAX_PROBLEMS = 8
ORGANIZE, FIX_ALL = "source.organizeImports.zi", "source.fixAll.zi"


class Removing:
    """Actions out of ruff's fixes, and for whatever a server says is not used."""

    def __init__(self, checker: Checker, documents: Callable[[], list[Snapshot]] = list) -> None:
        """`documents`: those that are open in the editor, as they are there."""
        self._checker = checker
        self._documents = documents

    async def actions(self, asked: Asked) -> list[Action]:
        """What ruff can fix at the place, what is not used there, and what there is to do for the whole file."""
        if asked.snapshot.language != "python":
            return []
        found: list[Action] = []
        if asked.wants("quickfix"):
            by_ruff = await self._checker.by_ruff(asked.snapshot)
            found += _fixes(asked, by_ruff)
            if self._checker.ruff is not None and asked.root is not None:
                found += everywhere(self._checker.ruff, asked, by_ruff, self._documents)
            if not any(each.unnecessary and _touches(asked, each) for each in by_ruff):
                found += await self._unused(asked)
        ruff = self._checker.ruff
        if ruff is not None and asked.wants(ORGANIZE):
            title = "Organize imports (ruff)"
            found.append(Action(title=title, kind=ORGANIZE, make=_by_ruff(ruff, asked.snapshot, "I")))
        if ruff is not None and asked.wants(FIX_ALL):
            found.append(Action(title="Fix all (ruff, safe fixes)", kind=FIX_ALL, make=_by_ruff(ruff, asked.snapshot)))
        return found

    async def _unused(self, asked: Asked) -> list[Action]:
        found: list[Action] = []
        for problem in asked.problems[:MAX_PROBLEMS]:
            meaning = meaning_of(problem.message, problem.code)
            if meaning is None or meaning.kind not in ("unused_import", "unused_variable"):
                continue
            edits = await self._checker.inspector.ask(
                meaning.kind, list[tuple[int, int, str]], asked.snapshot.text, problem.start, meaning.name
            )
            if edits:
                what = "import of" if meaning.kind == "unused_import" else "assignment to"
                change = Change(tuple(Edit(*each) for each in edits))
                found.append(
                    Action(title=f"Remove the {what} `{meaning.name}`", kind="quickfix", change=change, problem=problem,
                           preferred=meaning.kind == "unused_import", rank=15)
                )  # fmt: skip
        return found


def _touches(asked: Asked, problem: Problem) -> bool:
    return problem.start <= asked.end and asked.start <= problem.end


def _fixes(asked: Asked, by_ruff: list[Problem]) -> list[Action]:
    """Ruff's fixes of what is wrong at the place, each with all of its kind where there are several."""
    alike: defaultdict[str, list[Problem]] = defaultdict(list)
    for each in by_ruff:
        if each.fix is not None and each.fix.safe:
            alike[each.code].append(each)
    found: list[Action] = []
    offered: set[str] = set()
    for each in by_ruff:
        if each.fix is None or not _touches(asked, each):
            continue
        note = "" if each.fix.safe else ", may change what the code does"
        title = f"{each.fix.title} ({each.code}{note})"
        # Sorting imports is asked of every place in them, and is not what somebody came for.
        rank = 42 if each.code == "I001" else 5 if each.fix.safe else 45
        found.append(
            Action(title=title, kind="quickfix", change=Change(each.fix.edits), problem=each, preferred=rank == 5,
                   rank=rank)
        )  # fmt: skip
        edits = together([other.fix.edits for other in alike[each.code] if other.fix])
        if len(alike[each.code]) > 1 and each.code not in offered:
            offered.add(each.code)
            title = f"Fix all {len(alike[each.code])} of {each.code} in this file"
            change = Change(edits, preview=True)
            found.append(Action(title=title, kind="quickfix", change=change, problem=each, rank=41))
    return found


def _by_ruff(ruff: Ruff, snapshot: Snapshot, *rules: str) -> Make:
    async def make(_: ProgressSink) -> Change | None:
        fixed = await ruff.fixed(snapshot, *rules)
        if fixed is None or fixed == snapshot.text:
            return None
        return Change((difference(snapshot.text, fixed),))

    return make
