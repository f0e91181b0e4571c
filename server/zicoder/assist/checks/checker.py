"""All of our own checks of one document, by their price: syntax in a process, ruff in another, jedi in its thread.

Owns what was found last for each document. What it must never do: publish anything, or judge a text that is not sound
by anything but its syntax.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from zicoder.assist.checks import attributes, calls
from zicoder.assist.checks.inspector import Inspector
from zicoder.assist.checks.ruff import Ruff
from zicoder.assist.fixing.shift import Shift
from zicoder.assist.jedi_bridge import JediBridge
from zicoder.assist.problem import Problem
from zicoder.text import Snapshot, common_ends

__all__ = ["Checker", "Depth"]

Depth = Literal["syntax", "all"]
T = TypeVar("T")

KEPT = 24
"""Documents whose findings are remembered."""
JEDI_S = 2.0
"""Most time for what jedi knows of one version of a document; it is spent in small pieces."""
PIECE_S = 0.03
"""After which other questions to jedi come first."""
MAX_NAMES = 30
MAX_ATTRIBUTE_CHARS = 300_000
BY_RUFF = {"undefined": "F821", "unused": "F401"}


class Checker:
    """The checks of one session. `ruff` and `jedi` give those of this moment."""

    def __init__(
        self,
        inspector: Inspector,
        *,
        ruff: Callable[[], Ruff | None],
        jedi: Callable[[], JediBridge],
        patience: float = JEDI_S,
    ) -> None:
        """`patience`: seconds that jedi's part of one check may take."""
        self._patience = patience
        self.inspector = inspector
        self._ruff = ruff
        self._jedi = jedi
        self._asked: dict[str, tuple[Snapshot, asyncio.Task[Any]]] = {}
        self._found: OrderedDict[tuple[str, Depth], tuple[Snapshot, list[Problem]]] = OrderedDict()

    @property
    def ruff(self) -> Ruff | None:
        """Ruff, when there is one to ask."""
        return self._ruff()

    def known(self, snapshot: Snapshot) -> list[Problem] | None:
        """What was found in exactly this text, None when it was not checked yet."""
        for depth in ("all", "syntax"):
            found = self._found.get((snapshot.uri, depth))
            if found is not None and found[0].text == snapshot.text:
                return found[1]
        return None

    def forget(self, uri: str) -> None:
        """The document is closed."""
        self._found.pop((uri, "all"), None)
        self._found.pop((uri, "syntax"), None)

    async def problems(self, snapshot: Snapshot, depth: Depth) -> list[Problem]:
        """Everything that is wrong, in order; asked again for the same text, what was found before."""
        key = snapshot.uri, depth
        before = self._found.get(key)
        if before is not None and before[0].text == snapshot.text:
            return before[1]
        found = await self.syntax(snapshot)
        if depth == "all" and not found and snapshot.language == "python":
            found = await self._python(snapshot)
        self._found[key] = (snapshot, found)
        self._found.move_to_end(key)
        while len(self._found) > KEPT:
            self._found.popitem(last=False)
        return found

    async def close(self) -> None:
        """End what is still asked, and the process."""
        tasks = [task for _, task in self._asked.values() if not task.done()]
        for task in tasks:
            task.cancel()
        self.inspector.close()
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    async def syntax(self, snapshot: Snapshot) -> list[Problem]:
        """Errors of syntax; [] for a language that nothing here can read. Asked again for a text, as `_once` says."""
        found = await self._once(
            f"syntax of {snapshot.language}",
            snapshot,
            lambda: self.inspector.ask("syntax", list[tuple[int, int, str]], snapshot.text, snapshot.language),
        )
        return [Problem(start, end, message, "zi", "syntax") for start, end, message in found or ()]

    async def repairs(self, snapshot: Snapshot) -> list[tuple[int, int, str, str, bool]]:
        """Edits that make a text with an error of syntax sound, as `mending.mend` tells them."""
        shape = list[tuple[int, int, str, str, bool]]
        ask = self.inspector.ask
        return await self._once("repairs", snapshot, lambda: ask("mend", shape, snapshot.text, snapshot.language)) or []

    async def by_ruff(self, snapshot: Snapshot) -> list[Problem]:
        """What ruff finds in a Python text; asked again for the same text, what it found before."""
        ruff = self._ruff()
        return await self._once("ruff", snapshot, lambda: ruff.problems(snapshot)) if ruff is not None else []

    async def names(self, snapshot: Snapshot, kind: Literal["undefined", "unused"]) -> list[tuple[int, int, str]]:
        """Names that nothing defines, or imports that nothing uses, of a Python text."""
        shape = dict[str, list[tuple[int, int, str]]]
        found = await self._once("names", snapshot, lambda: self.inspector.ask("names", shape, snapshot.text))
        return (found or {}).get(kind, [])

    async def reads(self, language: str) -> bool:
        """Whether errors of syntax in this language can be seen here."""
        return await self.inspector.ask("syntax", list[tuple[int, int, str]], "", language) is not None

    async def undefined_in(self, candidate: Snapshot) -> list[tuple[int, int, str]]:
        """Undefined names of a text that is only thought of: nothing is remembered."""
        found = await self.inspector.ask("names", dict[str, list[tuple[int, int, str]]], candidate.text)
        return (found or {}).get("undefined", [])

    async def ruff_in(self, candidate: Snapshot) -> list[Problem]:
        """What ruff finds in a text that is only thought of."""
        ruff = self._ruff()
        return await ruff.problems(candidate) if ruff is not None else []

    async def syntax_in(self, candidate: Snapshot) -> list[Problem]:
        """Errors of syntax of a text that is only thought of."""
        found = await self.inspector.ask("syntax", list[tuple[int, int, str]], candidate.text, candidate.language)
        return [Problem(start, end, message, "zi", "syntax") for start, end, message in found or ()]

    async def by_jedi_in(self, candidate: Snapshot, line: int) -> list[Problem]:
        """Attributes and calls that are surely wrong, those near a line first; also in a text only thought of."""
        return await self._uses(candidate, (line,))

    async def _once(self, what: str, snapshot: Snapshot, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer for a text, which is asked for once: whoever stops waiting finds it there the next time."""
        known = self._asked.get(what)
        if known is None or known[0].text != snapshot.text or known[0].uri != snapshot.uri or known[1].cancelled():
            known = self._asked[what] = snapshot, asyncio.ensure_future(ask())
        return await asyncio.shield(known[1])

    async def _python(self, snapshot: Snapshot) -> list[Problem]:
        by_ruff, by_jedi = await asyncio.gather(self.by_ruff(snapshot), self._by_jedi(snapshot))
        told = {(each.start, each.code) for each in by_ruff}
        ours = [each for each in by_jedi if (each.start, each.code) not in told]
        unused = [] if self.ruff else await self._unused(snapshot)
        return sorted([*by_ruff, *ours, *unused], key=lambda problem: (problem.start, problem.end))

    async def _unused(self, snapshot: Snapshot) -> list[Problem]:
        if snapshot.path is not None and snapshot.path.name == "__init__.py":
            return []
        return [
            Problem(start, end, f"`{name}` is imported and not used.", "zi-python", "F401", "hint", unnecessary=True)
            for start, end, name in await self.names(snapshot, "unused")
        ]

    async def _by_jedi(self, snapshot: Snapshot) -> list[Problem]:
        undefined = (await self.names(snapshot, "undefined"))[:MAX_NAMES]
        found: list[Problem] = []
        if undefined:
            jedi = self._jedi()
            sure = await jedi.work(
                "undefined names",
                snapshot,
                lambda script, text: list(attributes.unresolved(script, text, undefined, self._patience / 4)),
                list[int](),
            )
            for number in sure:
                start, end, name = undefined[number]
                message = f"`{name}` is not defined."
                found.append(Problem(start, end, message, "zi-python", BY_RUFF["undefined"]))
        return [*found, *await self._uses(snapshot)]

    async def _uses(self, snapshot: Snapshot, near: Sequence[int] = ()) -> list[Problem]:
        """`near`: lines to look at first; () for those that have changed."""
        if len(snapshot.text) > MAX_ATTRIBUTE_CHARS:
            return []
        before = self._found.get((snapshot.uri, "all"))
        if before is not None and not near:
            near = _changed_lines(before[0], snapshot)
        uses = (_nearest(each, near or (0,)) for each in (attributes.attribute_uses, calls.call_uses))
        deadline = time.monotonic() + self._patience
        wrong, left = await self._pieces(snapshot, "attributes", next(uses), _attribute, deadline)
        misfit, more = await self._pieces(snapshot, "calls", next(uses), calls.misfits, deadline + self._patience / 2)
        found = [Problem(start, end, message, "zi-python", code) for start, end, message, code in (*wrong, *misfit)]
        told = {(each.start, each.code) for each in found}
        kept = _still_there(before, snapshot, {*left, *more}) if before is not None else []
        return [*found, *(each for each in kept if (each.start, each.code) not in told)]

    async def _pieces(
        self, snapshot: Snapshot, what: str, uses_of: Callable[[Any], list[Any]], judge: Judge, deadline: float
    ) -> tuple[list[calls.Misfit], list[int]]:
        """What `judge` finds in the uses, in pieces so that others are answered between, and the lines not come to."""
        jedi = self._jedi()
        uses = await jedi.work(what, snapshot, lambda script, _: uses_of(script._module_node), list[Any]())
        found: list[calls.Misfit] = []
        nothing = list[calls.Misfit](), list[Any]()
        while uses:
            wrong, uses = await jedi.work(what, snapshot, _piece(uses, judge), nothing)
            found += wrong
            if time.monotonic() > deadline:
                break
        return found, [use.start_pos[0] - 1 for use in uses]


Judge = Callable[[Any, Any, Any], list[calls.Misfit]]
"""What is wrong with one use, of jedi's script, the text and parso's node."""


def _changed_lines(before: Snapshot, now: Snapshot) -> tuple[int, int]:
    """The first and the last line that are not as they were: what was just typed is looked at first."""
    head, tail = common_ends(before.text, now.text)
    return now.lines.position(head).line, now.lines.position(max(head, len(now.text) - tail)).line


def _nearest(uses_of: Callable[[Any], list[Any]], lines: Sequence[int]) -> Callable[[Any], list[Any]]:
    """The uses, those nearest to some lines first."""

    def far(use: Any) -> int:
        return min(abs(use.start_pos[0] - 1 - line) for line in lines)

    return lambda tree: sorted(uses_of(tree), key=far)


def _still_there(before: tuple[Snapshot, list[Problem]], now: Snapshot, lines: set[int]) -> list[Problem]:
    """What was found before in lines that are as they were, and that this time nobody came to."""
    earlier = [each for each in before[1] if each.source == "zi-python" and each.code in _BY_USE]
    if not earlier or not lines:
        return []
    shift = Shift(before[0], now)
    moved = [(each, shift.image(each.start)) for each in earlier]
    return [
        replace(each, start=at, end=at + each.end - each.start)
        for each, at in moved
        if at is not None and now.lines.position(at).line in lines
    ]


_BY_USE = frozenset(("attribute", "call-keyword", "call-arguments"))


def _attribute(script: Any, text: Any, use: Any) -> list[calls.Misfit]:
    wrong = attributes.is_wrong(script, text, use)
    return [(*wrong, "attribute")] if wrong is not None else []


def _piece(uses: list[Any], judge: Judge) -> Callable[[Any, Any], tuple[list[calls.Misfit], list[Any]]]:
    """Judge as many as fit into a short time, and give back those that are left."""

    def judged(script: Any, text: Any) -> tuple[list[calls.Misfit], list[Any]]:
        end = time.monotonic() + PIECE_S
        found: list[calls.Misfit] = []
        for number, use in enumerate(uses):
            try:
                found += judge(script, text, use)
            except Exception:  # noqa: BLE001,S112 - jedi raises anything; of one use nothing is known then
                continue
            if time.monotonic() > end:
                return found, uses[number + 1 :]
        return found, []

    return judged
