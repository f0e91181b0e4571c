"""All actions for one place, within a time limit, and what becomes of the one that is chosen.

Owns the makers that ask, each in a task of its own: one that is late is left out, and goes on for the next question.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Protocol

from zicoder.assist.actions.action import Action, Asked, Change, Index
from zicoder.assist.actions.mending import Mending
from zicoder.assist.actions.naming import Naming
from zicoder.assist.actions.refactoring import Refactoring
from zicoder.assist.actions.removing import Removing
from zicoder.assist.actions.skeletons import Skeletons
from zicoder.assist.checks.checker import Checker
from zicoder.assist.jedi_bridge import JediBridge
from zicoder.assist.problem import Problem
from zicoder.events import ProgressSink, ignore_progress
from zicoder.text import Snapshot, apply_edits

__all__ = ["Offering", "Offers"]

log = logging.getLogger("zicoder.assist")

LIST_S = 0.08
"""Time for the list; a menu that comes later feels stuck. The rest of 100 ms is the protocol's."""
SOURCE_S = 5.0
"""Actions for the whole file are asked for while saving, where a missing one does harm and waiting is usual."""
MOST = 30
KEPT = 200
"""Offers that can still be chosen; a client asks about those of the menu it shows."""
MAX_PROBLEMS = 20


class Offers(Protocol):
    """One maker of actions."""

    async def actions(self, asked: Asked) -> list[Action]: ...  # noqa: D102


class Offering:
    """The actions of one session."""

    def __init__(
        self, checker: Checker, *, index: Callable[[], Index | None], jedi: Callable[[], JediBridge],
        documents: Callable[[], list[Snapshot]] = list, more: Sequence[Offers] = (),
    ) -> None:  # fmt: skip
        self._checker = checker
        self._without_model: tuple[Offers, ...] = (
            Mending(checker), Removing(checker, documents),
            Naming(index=index, jedi=jedi, inspector=checker.inspector), Refactoring(jedi), Skeletons(jedi),
        )  # fmt: skip
        self._makers = (*self._without_model, *more)
        self._kept: OrderedDict[str, tuple[Asked, Action]] = OrderedDict()
        self._serials = count(1)
        self._last: tuple[Asked, list[asyncio.Task[list[Action]]]] | None = None
        self._late: set[asyncio.Task[Any]] = set()
        self._reported: set[str] = set()

    async def offers(self, asked: Asked, *, seconds: float | None = None) -> list[tuple[str, Action]]:
        """The actions for a place, best first, each under a token that `chosen` knows; as many as the time allows."""
        if seconds is None:
            seconds = SOURCE_S if asked.only and all(each.startswith("source") for each in asked.only) else LIST_S
        begun = asyncio.get_running_loop().time()
        asked = replace(asked, problems=asked.problems[:MAX_PROBLEMS])
        own = await self._within(self._own_problems(asked), seconds / 2)
        asked = replace(asked, problems=_without_doubles((*asked.problems, *own)))
        tasks = self._tasks(asked)
        left = max(0.01, begun + seconds - asyncio.get_running_loop().time())
        done, late = await asyncio.wait(tasks, timeout=left)
        if not late:
            self._last = None  # all was told: who asks once more may find that the world has changed
        found = [action for task in tasks if task in done for action in task.result()]
        return [(self._keep(asked, action), action) for action in _in_order(asked, found)]

    def _tasks(self, asked: Asked) -> list[asyncio.Task[list[Action]]]:
        """A task for each maker. The same question asked again finds those of the first time, and what they found.

        Editors do that: they ask when the cursor comes to rest, and once more when the menu is opened.
        """
        if self._last is None or not _same(self._last[0], asked):
            for task in self._last[1] if self._last else ():
                task.cancel()
            self._last = asked, [asyncio.create_task(self._asked(maker, asked)) for maker in self._makers]
        return self._last[1]

    async def certain(self, asked: Asked) -> list[Action]:
        """The actions that need no model and are preferred, best first, however long that takes."""
        found = await asyncio.gather(*(self._asked(maker, asked) for maker in self._without_model))
        return [each for each in _in_order(asked, [one for some in found for one in some]) if each.preferred]

    async def chosen(
        self, token: str, now: Callable[[str], Snapshot | None], tell: ProgressSink = ignore_progress
    ) -> tuple[Asked, Change] | None:
        """The change of an offer; None when nothing comes of it, or the text is not the one it was made for.

        `now` gives a document as it is at this moment.
        """
        if token not in self._kept:
            return None
        self._last = None  # what is offered afterwards may be something else
        asked, action = self._kept[token]
        change = action.change if action.make is None else await action.make(tell)
        current = now(asked.snapshot.uri)
        if change is None or current is None or current.text != asked.snapshot.text:
            return None
        try:
            apply_edits(asked.snapshot.text, change.edits)
        except ValueError:
            log.warning("the edits of %r overlap", action.title)
            return None
        return asked, change

    def is_current(self, token: str, now: Callable[[str], Snapshot | None]) -> bool:
        """Whether the text is still what an offer was made for."""
        known = self._kept.get(token)
        current = now(known[0].snapshot.uri) if known else None
        return known is not None and current is not None and current.text == known[0].snapshot.text

    async def close(self) -> None:
        """End what is still asked."""
        tasks = (*self._late, *(self._last[1] if self._last else ()))
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    async def _own_problems(self, asked: Asked) -> list[Problem]:
        """What our own checks know of the place. Names are looked for even if nothing is shown in the editor."""
        snapshot = asked.snapshot
        known = self._checker.known(snapshot)
        found = list(known or ())
        if known is None and not asked.problems and snapshot.language == "python" and asked.wants("quickfix"):
            names = await self._checker.names(snapshot, "undefined")
            found = [
                Problem(start, end, f"`{name}` is not defined.", "zi-python", "F821") for start, end, name in names
            ]
        return [each for each in found if each.start <= asked.end and asked.start <= each.end]

    async def _asked(self, maker: Offers, asked: Asked) -> list[Action]:
        """One that fails costs its own offers."""
        try:
            return await maker.actions(asked)
        except Exception as error:
            name = type(maker).__name__
            level = logging.DEBUG if name in self._reported else logging.WARNING
            self._reported.add(name)
            log.log(level, "No actions by %s: %s", name, error, exc_info=level == logging.DEBUG)
            return []

    async def _within(self, work: Coroutine[Any, Any, list[Problem]], seconds: float) -> list[Problem]:
        task = asyncio.create_task(work)
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        done, _ = await asyncio.wait([task], timeout=seconds)
        return task.result() if done else []

    def _keep(self, asked: Asked, action: Action) -> str:
        token = str(next(self._serials))
        self._kept[token] = (asked, action)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return token


def _same(one: Asked, other: Asked) -> bool:
    same_text = one.snapshot.uri == other.snapshot.uri and one.snapshot.text == other.snapshot.text
    return same_text and replace(one, snapshot=other.snapshot) == other


def _without_doubles(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Other servers' first; of our own those about places and names that they did not speak of."""
    found: list[Problem] = []
    for each in problems:
        if not each.ours or not any(other.start == each.start and other.end == each.end for other in found):
            found.append(each)
    return tuple(found)


def _in_order(asked: Asked, found: list[Action]) -> list[Action]:
    """Best first, no title twice, and for each problem one that is preferred."""
    ranked = sorted((each for each in found if asked.wants(each.kind)), key=lambda action: action.rank)
    titles: set[str] = set()
    solved: list[Problem] = []
    chosen: list[Action] = []
    for each in ranked:
        if each.title in titles:
            continue
        titles.add(each.title)
        if each.preferred and each.problem is not None:
            if each.problem in solved:
                each = replace(each, preferred=False)
            else:
                solved.append(each.problem)
        chosen.append(each)
    return chosen[:MOST]
