"""What a hover says: layers that are asked for side by side, and shown as far as they are there in time.

    analysis (jedi) ─┐
                     ├─▶ definition ─┬─▶ last change (git)
    code index ──────┘               └─▶ explanation (written before)

A hover takes what is there after `DEADLINE_S`. What comes later is kept for the next hover over the same word of the
same text. Only where nothing certain is there yet does it wait for the first that has something to say, up to
`PATIENCE_S`: an empty answer would be final, for editors do not ask again while the mouse rests.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from zicoder.assist.actions.action import Index
from zicoder.assist.hover.explaining import Explaining
from zicoder.assist.hover.explanation import markdown_of, said_by
from zicoder.assist.hover.explanations import Explanation
from zicoder.assist.hover.facts import Facts, facts_of, word_at
from zicoder.assist.hover.last_change import Change, LastChanges, sentence
from zicoder.assist.hover.targets import Place, Target, Targets, place_of
from zicoder.assist.markdown import docs_markdown
from zicoder.assist.types import HoverInfo
from zicoder.text import Snapshot

__all__ = ["About", "Hovers", "Shown"]

log = logging.getLogger("zicoder.assist")

DEADLINE_S = 0.042
"""With what a request costs besides, 50 ms."""
INDEX_S = 2.0
"""Longest look-up in the index; what comes after the deadline is for the next hover."""
PATIENCE_S = 10.0
FRESH_S = 10.0
"""So long an answer of the analysis stands for the same text; other files seldom change in between, and asking again
costs up to seconds of the one thread that completion needs, too."""
KEPT = 8
"""Words whose answers are remembered."""

Analyse = Callable[[Snapshot, int], Awaitable[HoverInfo | None]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A hover: what it says, for which range of the document, and which layers of it were there."""

    markdown: str
    plain: str
    start: int
    end: int
    layers: tuple[str, ...]
    path: str = ""
    """The project's file that defines it, below the root; "" where that is not certain."""
    lines: tuple[int, int] = (0, 0)
    """[first, last) of the definition there, zero-based; one line where only that is known."""


@dataclass(frozen=True, slots=True)
class About:
    """What else is known of the definitions of one project. None: that layer is off."""

    targets: Targets
    relative: Callable[[Path], str | None]
    changes: LastChanges | None = None
    explaining: Explaining | None = None


@dataclass(slots=True, eq=False)
class _Word:
    """One word of one text, what is known of it, and what is being found out."""

    snapshot: Snapshot
    start: int
    end: int
    own: str
    found: HoverInfo | None = None
    facts: Facts | None = None
    target: Target | None = None
    change: Change | None = None
    explanation: Explanation | None = None
    found_at: float = float("-inf")
    """When the analysis answered."""
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, "asyncio.Task[None]"])
    waiting: int = 0
    """Hovers that wait for it."""

    @property
    def name(self) -> str:
        return self.snapshot.text[self.start : self.end]

    @property
    def certain(self) -> bool:
        return self.found is not None or bool(self.facts and self.facts.declaration)

    def cancel(self) -> None:
        for task in self.tasks.values():
            task.cancel()


class Hovers:
    """The hovers of one session. `index` and `about` give those of this moment; `analyse` is for Python."""

    def __init__(
        self,
        analyse: Analyse,
        *,
        index: Callable[[], Index | None],
        about: Callable[[], About | None],
        deadline: float = DEADLINE_S,
        patience: float = PATIENCE_S,
        fresh: float = FRESH_S,
    ) -> None:
        """`deadline`, `patience`, `fresh`: in seconds."""
        self._fresh = fresh
        self._analyse = analyse
        self._index = index
        self._about = about
        self._deadline = deadline
        self._patience = patience
        self._words: OrderedDict[tuple[str, int], _Word] = OrderedDict()

    async def at(self, snapshot: Snapshot, offset: int) -> Shown | None:
        """What there is to say about the word at an offset. A hover that is cancelled takes its questions with it."""
        word = self._word(snapshot, offset)
        if word is None:
            return None
        word.waiting += 1
        try:
            self._begin(word)
            await asyncio.wait(word.tasks.values(), timeout=self._deadline)
            await self._first_certain(word)
        except asyncio.CancelledError:
            if word.waiting == 1:
                word.cancel()
            raise
        finally:
            word.waiting -= 1
        return self._shown(word)

    async def place(self, snapshot: Snapshot, offset: int) -> Place | None:
        """Where the project defines the word at an offset, however long that takes to find out."""
        word = self._word(snapshot, offset)
        if word is None:
            return None
        self._begin(word)
        await self._certain(word)
        return self._place(word)

    def close(self) -> None:
        """End what is asked."""
        for word in self._words.values():
            word.cancel()
        self._words.clear()

    def _word(self, snapshot: Snapshot, offset: int) -> _Word | None:
        start, end = word_at(snapshot, offset)
        if start == end:
            return None
        key = snapshot.uri, start
        word = self._words.get(key)
        if word is None or word.snapshot.text != snapshot.text or word.snapshot.language != snapshot.language:
            if word is not None:
                word.cancel()
            about = self._about()
            own = about.relative(snapshot.path) if about is not None and snapshot.path is not None else None
            word = self._words[key] = _Word(snapshot, start, end, own or "")
        self._words.move_to_end(key)
        while len(self._words) > KEPT:
            self._words.popitem(last=False)[1].cancel()
        return word

    def _begin(self, word: _Word) -> None:
        """Ask every layer that is not being asked: what is known stays until there is better."""
        asked = {"analysis": self._ask_analysis, "index": self._ask_index, "about": self._ask_about}
        for name, ask in asked.items():
            before = word.tasks.get(name)
            if before is None or before.done():
                task = word.tasks[name] = asyncio.create_task(ask(word))
                task.add_done_callback(_ended)

    async def _ask_analysis(self, word: _Word) -> None:
        if word.snapshot.language == "python" and time.monotonic() - word.found_at > self._fresh:
            word.found = await self._analyse(word.snapshot, word.start)
            word.found_at = time.monotonic()

    async def _ask_index(self, word: _Word) -> None:
        index = self._index()
        if index is not None:
            facts = await facts_of(
                word.name, index=index, language=word.snapshot.language, own=word.own, seconds=INDEX_S
            )
            word.facts = facts if facts.declaration or word.facts is None else word.facts

    async def _ask_about(self, word: _Word) -> None:
        about = self._about()
        if about is None or (about.changes is None and about.explaining is None):
            return
        await self._certain(word)
        place = self._place(word)
        target = word.target = await about.targets.at(place) if place is not None else None
        if target is None:
            return

        async def change() -> None:
            if about.changes is not None:
                lines, word.change = target.definition, None  # there may be a new commit
                word.change = await about.changes.of(target.path, target.text, lines.start, lines.end)

        async def explanation() -> None:
            if about.explaining is not None:
                word.explanation = await about.explaining.known(target)

        await asyncio.gather(change(), explanation())

    async def _certain(self, word: _Word) -> None:
        await asyncio.wait([word.tasks["analysis"], word.tasks["index"]])

    async def _first_certain(self, word: _Word) -> None:
        end = asyncio.get_running_loop().time() + self._patience
        waiting = {word.tasks["analysis"], word.tasks["index"]}
        while not word.certain and waiting:
            left = end - asyncio.get_running_loop().time()
            done, waiting = await asyncio.wait(waiting, timeout=max(0, left), return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return

    def _place(self, word: _Word) -> Place | None:
        about = self._about()
        if about is None:
            return None
        line = word.snapshot.lines.position(word.start).line
        return place_of(word.name, line, word.own, word.found, word.facts, about.relative)

    def _shown(self, word: _Word) -> Shown | None:
        found, facts, place = word.found, word.facts or Facts(), self._place(word)
        parts: dict[str, tuple[str, str]] = {}
        if found is not None:
            parts["analysis"] = found.markdown, found.plain
        elif facts.declaration:
            parts["index"] = facts.declaration, facts.plain_declaration
        if not parts:
            return None
        if word.explanation is not None:
            by = said_by(word.explanation.model)
            text = word.explanation.text
            parts["explanation"] = f"{markdown_of(text)} — {docs_markdown(by)}", f"{text} — {by}"
        if facts.uses and (found is None or _is_among(place, facts)):
            parts["uses"] = facts.uses, facts.plain_uses
        if word.change is not None:
            told = sentence(word.change)
            parts["change"] = docs_markdown(told), told
        markdown, plain = zip(*parts.values(), strict=True)
        start, end = (found.start, found.end) if found is not None else (word.start, word.end)
        shown = Shown("\n\n".join(markdown), "\n\n".join(plain), start, end, tuple(parts))
        if place is None:
            return shown
        own = word.target.definition if word.target is not None else None
        return replace(shown, path=place.path, lines=(own.start, own.end) if own else (place.first, place.last))


def _is_among(place: Place | None, facts: Facts) -> bool:
    """Whether the name means what the index knows of that name, rather than a namesake."""
    return place is not None and any(
        hit.path == place.path and hit.start < place.last and place.first < hit.end for hit in facts.defined
    )


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("internal error in a hover", exc_info=error)
