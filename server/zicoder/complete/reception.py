"""How suggestions are received: which one stands at the cursor, what becomes of it, and what the gate learns from that.

Follows each automatic suggestion from the moment it could be shown to its end: accepted, rejected, typed by hand, or
typed over. A suggestion that the gate keeps back is followed too, since what is typed instead says whether that was
right; so the gate cannot lock itself shut. Must never keep text longer than the suggestion stands, write any of it
into the journal, or touch a disk itself: the caller says how an entry is kept.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from zicoder.complete.autoclosing import before_closer, typed_by_hand
from zicoder.complete.hole import Hole
from zicoder.complete.journal import Entry, Outcome
from zicoder.complete.willingness import Recent, Willingness, features_of
from zicoder.text import Snapshot, common_prefix

__all__ = ["Offer", "Reception"]

DOCUMENTS = 50
LAST = 8
"""Outcomes of a file that count as its recent ones."""
USUAL = 0.3
USUAL_WEIGHT = 3
"""The usual share of accepted suggestions, and how many outcomes it counts as."""
QUICK_S = 15.0
"""Two rejections within this time, at most one line apart, are a sign to be quiet."""
COOL_DOWN_CHARS = 8
"""Characters to type before suggestions come again in such a line."""
CONTEXT = 64
"""Characters before a suggestion that must still be the same for it to stand."""


@dataclass(slots=True)
class Offer:
    """One suggestion at one place, and the gate's opinion of it."""

    id: str
    uri: str
    offset: int
    text: str
    features: dict[str, float]
    chance: float
    """Of being accepted."""
    show: bool
    language: str
    model: str
    before: str
    """What stands right before it."""
    rest: int
    """Characters of the document behind it."""
    line: int
    taken: int = 0
    """Characters of it that were accepted at once, as by word."""
    seen: bool = False
    """Whether the client said that it shows it."""

    @property
    def reason(self) -> str:
        """Why it is not shown."""
        return f"It would be wanted with a chance of {self.chance:.0%} only (`zi.completion.eagerness`)."

    def typed(self, text: str) -> str | None:
        """What stands at its place now, without what the editor closed; None when the text around it was changed."""
        end = len(text) - self.rest
        if end < self.offset or text[max(0, self.offset - CONTEXT) : self.offset] != self.before:
            return None
        return typed_by_hand(text[self.offset : end], self.text)

    def left(self, text: str) -> str | None:
        """What of it can still be suggested; None when something else stands at its place now."""
        typed = self.typed(text)
        if typed is None or not self.text.startswith(typed):
            return None
        left, closing = self.text[len(typed) :], text[self.offset + len(typed) : len(text) - self.rest]
        return before_closer(left, closing, typed) if closing else left


@dataclass(slots=True)
class _File:
    outcomes: deque[float] = field(default_factory=lambda: deque[float](maxlen=LAST))
    rejected_at: float = -math.inf
    """Also when something else was typed."""
    dismissed_at: float = -math.inf
    dismissed_line: int = -1
    cooling_line: int | None = None
    typed_since: int = 0
    offer: Offer | None = None


class Reception:
    """The suggestions of one session, what became of them, and the gate that learns from it."""

    def __init__(
        self,
        keep: Callable[[Entry], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.willingness = Willingness()
        self.learning = True
        """Whether outcomes are kept and learnt from (`zi.completion.learn`)."""
        self._keep = keep
        self._clock, self._wall_clock = clock, wall_clock
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._offers = 0
        self._client_tells = False
        """Whether this client says what it shows; then what it did not show was not passed by."""

    def remember(self, entries: Iterable[Entry]) -> None:
        """Learn from the journal of earlier sessions; what was learnt in this one before is in it."""
        self.willingness.relearn((e.features, e.wanted, e.weight) for e in entries)

    def forget(self) -> None:
        """Unlearn everything. The journal is the caller's to erase."""
        self.willingness = Willingness()
        self._files.clear()

    def offer(
        self,
        snapshot: Snapshot,
        hole: Hole,
        text: str,
        eagerness: str,
        *,
        idle_s: float = 0.3,
        mean_logprob: float | None = None,
        model: str = "",
    ) -> Offer:
        """Judge a suggestion that could come up by itself at the hole, and follow it from now on.

        A suggestion of which the first part has been typed is still the same one: once shown it stays, and one that was
        kept back is judged again, now that the user has begun to type it.
        """
        file = self._file(snapshot.uri)
        offset = len(hole.prefix)
        recent = self._recent(file, idle_s)
        features = features_of(hole, text, recent, mean_logprob)
        chance = self.willingness.chance(features)
        show = self.willingness.worthwhile(features, text, eagerness)
        standing = file.offer
        if standing and standing.left(snapshot.text) == text:
            standing.chance = chance
            standing.show = standing.show or show
            return standing
        self._offers += 1
        file.offer = Offer(
            id=str(self._offers), uri=snapshot.uri, offset=offset, text=text, features=features, chance=chance,
            show=show, language=snapshot.language, model=model,
            before=hole.prefix[-CONTEXT:], rest=len(hole.suffix), line=snapshot.lines.position(offset).line,
        )  # fmt: skip
        return file.offer

    def changed(self, snapshot: Snapshot, inserted: int, accepted: int = 0) -> None:
        """A document was edited: see what became of the suggestion that stood there.

        `inserted` and `accepted` are those of `changes.Change`.
        """
        file = self._file(snapshot.uri)
        file.typed_since += inserted
        if file.typed_since >= COOL_DOWN_CHARS:
            file.cooling_line = None
        if (offer := file.offer) is None:
            return
        offer.taken += accepted
        typed = offer.typed(snapshot.text)
        if typed is not None and offer.text.startswith(typed):
            if len(typed) >= len(_first_line(offer.text)):
                self._whole(file, offer, len(typed))
            return
        same = common_prefix(typed or "", offer.text)
        if offer.taken:
            self._end(file, offer, "partly", max(offer.taken, same))
        elif typed is None or (offer.show and self._client_tells and not offer.seen):
            file.offer = None  # the text elsewhere was changed, or nobody saw it: that says nothing of this suggestion
        else:
            self._end(file, offer, "ignored" if offer.show else "hidden_wrong", same)

    def shown(self, id_: str) -> None:
        """The editor says that a suggestion can be seen. Unknown ids are ignored."""
        self._client_tells = True
        if found := self._standing(id_):
            found[1].seen = True

    def accepted(self, id_: str, length: int | None = None) -> None:
        """The editor says that a suggestion was accepted, or its first `length` characters. Unknown ids are ignored."""
        if (found := self._standing(id_)) is None:
            return
        file, offer = found
        if length is None or length >= len(offer.text):
            self._end(file, offer, "accepted", len(offer.text))
        else:
            offer.taken = max(offer.taken, length)

    def rejected(self, id_: str) -> None:
        """The editor says that a suggestion was dismissed by hand. Unknown ids are ignored."""
        if (found := self._standing(id_)) is None:
            return
        file, offer = found
        now = self._clock()
        if offer.taken:
            self._end(file, offer, "partly", offer.taken)
            return
        if now - file.dismissed_at < QUICK_S and abs(offer.line - file.dismissed_line) <= 1:
            file.cooling_line, file.typed_since = offer.line, 0
        file.dismissed_at, file.dismissed_line = now, offer.line
        self._end(file, offer, "rejected", 0)

    def standing(self, snapshot: Snapshot, offset: int) -> str:
        """The id of the suggestion that is shown at a place, "" for none."""
        file = self._files.get(snapshot.uri)
        offer = file.offer if file else None
        if offer is None or not offer.show or (typed := offer.typed(snapshot.text)) is None:
            return ""
        return offer.id if offer.offset + len(typed) == offset else ""

    def cooling_down(self, uri: str, line: int) -> bool:
        """Whether two suggestions in this line were dismissed and little was typed since."""
        file = self._files.get(uri)
        return file is not None and file.cooling_line == line

    def closed(self, uri: str) -> None:
        """A document that is not edited any more."""
        self._files.pop(uri, None)

    def _whole(self, file: _File, offer: Offer, length: int) -> None:
        """The suggestion stands in the text, at least its first line; the rest goes on as another one, if at all."""
        outcome: Outcome = "accepted" if offer.taken > 1 else "typed"
        self._end(file, offer, outcome if offer.show else "hidden_right", length)

    def _end(self, file: _File, offer: Offer, outcome: Outcome, kept: int) -> None:
        file.offer = None
        entry = Entry(
            at=int(self._wall_clock()), outcome=outcome, kept=kept, length=len(offer.text),
            language=offer.language, model=offer.model, features=offer.features,
        )  # fmt: skip
        if offer.show:
            file.outcomes.append(entry.wanted)
            if not entry.wanted:
                file.rejected_at = self._clock()
        if self.learning:
            self.willingness.learn(entry.features, entry.wanted, entry.weight)
            self._keep(entry)

    def _recent(self, file: _File, idle_s: float) -> Recent:
        share = (USUAL * USUAL_WEIGHT + sum(file.outcomes)) / (USUAL_WEIGHT + len(file.outcomes))
        return Recent(accepted=share, rejection_s=self._clock() - file.rejected_at, idle_s=idle_s)

    def _standing(self, id_: str) -> tuple[_File, Offer] | None:
        for file in self._files.values():
            if file.offer is not None and file.offer.id == id_:
                return file, file.offer
        return None

    def _file(self, uri: str) -> _File:
        file = self._files.setdefault(uri, _File())
        self._files.move_to_end(uri)
        if len(self._files) > DOCUMENTS:
            self._files.popitem(last=False)
        return file


def _first_line(text: str) -> str:
    """The first line that holds anything, with all that stands before it."""
    body = text.lstrip()
    return text[: len(text) - len(body)] + (body.splitlines() or [""])[0]
