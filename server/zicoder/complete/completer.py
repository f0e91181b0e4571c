"""One keystroke, from a snapshot to a suggestion.

Owns the order of the stages and what runs at the same time: one generation per document, joined by requests that its
stream still agrees with, cancelled for real by those that it does not. Never raises for a reason that lies in models
or engine: the trace says what went wrong. Never runs an index search.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from zicoder.complete.cache import Cached, SuggestionCache
from zicoder.complete.filters import apply_filters
from zicoder.complete.flight import Flight
from zicoder.complete.foresight import Foresight
from zicoder.complete.gate import AUTOMATIC, INVOKED, refuse
from zicoder.complete.guidance import Names
from zicoder.complete.hole import Hole
from zicoder.complete.infilling import NO_TIME, infill
from zicoder.complete.others import Others
from zicoder.complete.preparation import Preparation
from zicoder.complete.recency import undoes
from zicoder.complete.review import UNDOES, review
from zicoder.complete.scope import is_indented, place_at
from zicoder.complete.session import Session
from zicoder.complete.trace import Trace
from zicoder.errors import ZiError
from zicoder.settings import CompletionSettings
from zicoder.text import Edit, Snapshot
from zicoder.workspace import Workspace

__all__ = ["Completer", "Suggestion"]

log = logging.getLogger("zicoder.complete")

TRACES = 50
REST_S = 1.0
"""When nothing has changed for so long, everything is made ready, also for a client that tells of no cursor."""
SUPERSEDED = "A newer request took its place."
FEW_TOKENS = 32
"""So many prompt tokens are what typing leaves to evaluate, not a prompt that was not prepared."""
FEW_S = 0.1
"""About what they take. They are read at the end of a pause: at its beginning they would be at every key."""
SLOW = "The model took longer than {} ms (`zi.completion.timeout_ms`)."


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Text to insert at `offset`. `id` names it in what the editor tells of it, "" for one that was asked for."""

    text: str
    offset: int
    id: str = ""


class Completer:
    """The pipeline over one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        session: Session | None = None,
        names: Mapping[str, Names] | None = None,
        documents: Callable[[], Iterable[Snapshot]] = tuple,
        on_latency: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`names`: who knows which names may follow, by language; `documents`: all open ones, latest first."""
        self.session = session or Session()
        self.preparation = Preparation(workspace, names=names or {}, documents=documents)
        self._workspace = workspace
        self._others = Others(self._make)
        self._cache = SuggestionCache()
        self._foresight = Foresight(partial(self._make, speculative=True), self._cache)
        self._flights: dict[str, Flight] = {}
        self._newest: dict[str, Trace] = {}
        self._current: dict[str, Snapshot] = {}
        """Of each document that was edited, what it is now."""
        self._resting: asyncio.TimerHandle | None = None
        self._resting_in = ""
        self._warm = ""
        """The document whose last request found nearly all of its prompt in the model's cache."""
        self._on_latency = on_latency
        self.traces: deque[Trace] = deque(maxlen=TRACES)
        """The last requests, newest last."""

    @property
    def busy(self) -> bool:
        """Whether anything is being made or made ready."""
        return self._foresight.busy or self.preparation.busy or bool(self._flights)

    async def complete(
        self, snapshot: Snapshot, offset: int, trigger: str = AUTOMATIC, *, list_open: bool = False
    ) -> Suggestion | None:
        """A suggestion for this place, or None; then `traces[-1]` says why. `list_open`: the editor's own list is.

        When the awaiting task is cancelled, the generation behind it is cancelled too, unless another request wants it.
        """
        position = snapshot.lines.position(offset)
        trace = Trace(snapshot.uri, position.line, position.column, trigger)
        self.traces.append(trace)
        self._rest(snapshot, offset)
        try:
            found = await self._stages(snapshot, offset, trigger, trace, list_open=list_open)
        except ZiError as error:
            trace.end("failed", error.sentence)
            return None
        except asyncio.CancelledError:
            trace.end("cancelled", "a newer request or the editor cancelled it.")
            raise
        except Exception as error:
            log.exception("A suggestion could not be made.")
            trace.end("failed", f"An error of Zi Coder's own, of which the log tells more: {type(error).__name__}.")
            return None
        if found is None:
            trace.end("nothing", trace.reason or "The model had nothing to add here.")
            return None
        trace.end("shown", trace.reason or "fresh from the model.")
        self._on_latency(trace.total_ms)
        self.session.changes.offered(snapshot.uri, offset, found.text)
        self._foresight.begin(snapshot, offset, found.text, self._workspace.settings.completion)
        return found

    async def others(self, snapshot: Snapshot, found: Suggestion) -> list[str]:
        """What else could stand where this was found, for somebody who asked by hand."""
        settings = self._workspace.settings.completion
        return await self._others.beside(found.text, snapshot, place_at(snapshot, found.offset, settings))

    async def _stages(
        self, snapshot: Snapshot, offset: int, trigger: str, trace: Trace, *, list_open: bool
    ) -> Suggestion | None:
        settings = self._workspace.settings.completion
        with trace.stage("gate") as stage:
            hole = place_at(snapshot, offset, settings)
            path = self.preparation.path_of(snapshot)
            around = self.session.circumstances(snapshot, trace.line, path=path, list_open=list_open)
            if reason := refuse(hole, trigger, settings, around):
                stage.note = trace.reason = reason
                return None
        text, logprob = await self._text(snapshot, offset, trigger, hole, trace)
        if text and self._outdated(snapshot):
            trace.reason, text = "The text has changed meanwhile.", ""
        return self._offered(snapshot, hole, text, logprob, trigger, trace) if text else None

    def _offered(
        self, snapshot: Snapshot, hole: Hole, text: str, logprob: float | None, trigger: str, trace: Trace
    ) -> Suggestion | None:
        """Show it, unless nobody asked and it is too likely to be in the way."""
        offset = len(hole.prefix)
        settings = self._workspace.settings.completion
        if trigger != AUTOMATIC or not settings.on("gate"):
            return Suggestion(text, offset)
        with trace.stage("willingness") as stage:
            self.session.reception.learning = settings.learn
            offer = self.session.reception.offer(
                snapshot, hole, text, settings.eagerness,
                idle_s=self.session.idle_s(snapshot.uri), mean_logprob=logprob, model=trace.model,
            )  # fmt: skip
            stage.note = f"chance {offer.chance:.2f}"
            if not offer.show:
                trace.reason = offer.reason
                return None
        return Suggestion(text, offset, offer.id)

    async def _text(
        self, snapshot: Snapshot, offset: int, trigger: str, hole: Hole, trace: Trace
    ) -> tuple[str, float | None]:
        """What stands to be suggested, from wherever it is known, and how sure the model was."""
        self._newest[snapshot.uri] = trace
        if (found := await self._known(snapshot, offset, trace)) is not None:
            return found
        if self._newest.get(snapshot.uri) is not trace:
            trace.reason = SUPERSEDED
            return "", None
        if flight := self._flights.get(snapshot.uri):
            flight.cancel()
        self._foresight.stop()
        if trigger == AUTOMATIC:
            with trace.stage("debounce"):
                await self._pause(snapshot, offset, trace)
            if self._newest.get(snapshot.uri) is not trace:  # a client need not cancel what it does not want any more
                found = await self._known(snapshot, offset, trace)
                if found is None:
                    trace.reason = SUPERSEDED
                return found or ("", None)
        flight = Flight(snapshot, offset, lambda f: self._generate(f, hole, trace))
        self._flights[snapshot.uri] = flight
        flight.task.add_done_callback(lambda _: self._landed(flight))
        if not await flight.wait():
            trace.reason = SUPERSEDED
            return "", None
        trace.reason = flight.reason
        return flight.text, flight.logprob

    async def _pause(self, snapshot: Snapshot, offset: int, trace: Trace) -> None:
        """Wait for a pause in typing, and let the model read at its end what was typed before it."""
        pause_s = self._pause_s(snapshot.uri)
        last_s = min(FEW_S, pause_s)
        await asyncio.sleep(pause_s - last_s)
        if self._warm == snapshot.uri and self._newest.get(snapshot.uri) is trace:
            self.preparation.typed(snapshot, offset)
        await asyncio.sleep(last_s)

    def _landed(self, flight: Flight) -> None:
        if self._flights.get(flight.snapshot.uri) is flight:
            del self._flights[flight.snapshot.uri]

    def _pause_s(self, uri: str) -> float:
        """How much longer to wait for a pause in typing."""
        settings = self._workspace.settings.completion
        if settings.debounce == "fixed":
            return settings.debounce_ms / 1000
        return max(0.0, self.session.rhythm.pause_s(settings.debounce_ms) - self.session.idle_s(uri))

    async def _known(self, snapshot: Snapshot, offset: int, trace: Trace) -> tuple[str, float | None] | None:
        """What the cache says, or the generation in flight, if it agrees; None when the model must be asked."""
        if (found := self._look_up(snapshot, offset, trace)) is not None:
            return found
        through = self._workspace.settings.completion.on("type_through")
        known = self._flights.get(snapshot.uri), self._foresight.flight
        flights = [flight for flight in known if flight and flight.agrees(snapshot, offset)]
        if not flights or not through:
            return None
        with trace.stage("join") as stage:
            stage.note = "joined the request in flight"
            if not await flights[0].join(snapshot, offset):
                stage.note = "left the request in flight: the model said something else than was typed"
                return None
        return self._look_up(snapshot, offset, trace)

    def _look_up(self, snapshot: Snapshot, offset: int, trace: Trace) -> tuple[str, float | None] | None:
        with trace.stage("cache") as stage:
            through = self._workspace.settings.completion.on("type_through")
            found = self._cache.find(snapshot, offset, through=through)
            if found and trace.trigger == INVOKED and (not found.text or found.reason == NO_TIME):
                found = None  # somebody asks for it: more may be known by now, and there is more time
            stage.note = "hit" if found else "miss"
        if found is None:
            return None
        if undoes(self.session.deleted(snapshot.uri, offset), found.text):
            trace.reason = UNDOES
            return "", None
        trace.reason = found.reason or "from the cache."
        trace.model = found.model
        return found.text, found.logprob

    async def _generate(self, flight: Flight, hole: Hole, trace: Trace) -> None:
        """Prompt, infill, filters, review; the result goes into the flight and the cache."""
        snapshot, offset = flight.snapshot, flight.offset
        settings = self._workspace.settings.completion
        try:
            await self._make(flight, hole, trace)
        except TimeoutError:
            flight.reason = SLOW.format(_patience_ms(trace, settings))
            return
        stats = trace.stats
        self._warm = snapshot.uri if stats and stats.evaluated_tokens <= FEW_TOKENS else ""
        if stats and not stats.near:
            self.session.rhythm.answered(sum(stage.ms for stage in trace.stages if stage.name == "infill"))
        if stats and stats.near:
            self.prefill(snapshot, offset)  # the answer came from a short prompt: get the whole one ready for the next
        if flight.reason == UNDOES:
            return  # true for a moment only
        if flight.text or not (stats and stats.near):  # the whole prompt may know more than nothing
            self._cache.put(Cached.of(snapshot, offset, flight.text, flight.reason, trace.model, flight.logprob))

    async def _make(
        self, flight: Flight, hole: Hole, trace: Trace, rank: int = 0, *, speculative: bool = False
    ) -> None:
        """The model's answer, made right in form. Raises TimeoutError, ZiError."""
        snapshot, offset = flight.snapshot, flight.offset
        settings = self._workspace.settings.completion
        with trace.stage("context") as stage:
            request = replace(
                self.preparation.request(snapshot, offset),
                speculative=speculative, rank=rank, indented=is_indented(hole),
            )  # fmt: skip
            stage.note = (
                f"{len(request.prefix)} characters before, {len(request.suffix)} after, "
                f"{len(request.context)} pieces of the project"
            )
        with trace.stage("infill") as stage:
            model = await self._workspace.infill_model()
            trace.model = model.name
            patience_s = _patience_ms(trace, settings) / 1000
            stage.note = await infill(
                model, request, hole, settings, trace,
                heard=flight.hear, expected=flight.expect, patience_s=patience_s,
            )  # fmt: skip
            flight.reason = NO_TIME if stage.note == NO_TIME else ""
        flight.logprob = trace.stats.logprob if trace.stats and trace.stats.logprob else None
        with trace.stage("filters") as stage:
            result = apply_filters(flight.streamed, hole)
            stage.note = ", ".join(result.changed_by) or "unchanged"
            if result.dropped_by and flight.streamed.strip():
                flight.reason = f"The model's answer was dropped by the filter {result.dropped_by}."
        text = result.text
        if text and settings.on("check"):
            with trace.stage("check") as stage:
                deleted = self.session.deleted(snapshot.uri, offset)
                reviewed = await asyncio.to_thread(review, text, hole, deleted)
                text = reviewed.text
                stage.note = reviewed.note or "unchanged"
                if not text:
                    flight.reason = reviewed.note
        flight.text = text

    # --- what the editor tells

    def _outdated(self, snapshot: Snapshot) -> bool:
        now = self._current.get(snapshot.uri)
        return now is not None and now.text != snapshot.text

    def changed(self, before: Snapshot, after: Snapshot, edits: Sequence[Edit]) -> None:
        """A document was edited, by these edits in their order."""
        self._current[after.uri] = after
        self.session.changed(before, after, edits)
        self.preparation.changed(before, after)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        self._current.pop(uri, None)
        self._newest.pop(uri, None)
        if flight := self._flights.get(uri):
            flight.cancel()
        if self._resting_in == uri:
            self._stay_awake()
        self.session.closed(uri)
        self.preparation.closed(uri)

    # --- ahead of requests

    def _rest(self, snapshot: Snapshot, offset: int) -> None:
        """Get ready for this place when it stays as it is."""
        self._stay_awake()
        self._resting_in = snapshot.uri
        self._resting = asyncio.get_running_loop().call_later(REST_S, self._rested, snapshot, offset)

    def _stay_awake(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    def _rested(self, snapshot: Snapshot, offset: int) -> None:
        self._resting = None
        if self._outdated(snapshot):
            return
        if self.busy:
            self._rest(snapshot, offset)
        else:
            self.prefill(snapshot, offset)

    def prefill(self, snapshot: Snapshot, offset: int) -> None:
        """Get everything ready for a request at this place, in the background and at the lowest priority."""
        self._stay_awake()
        self._foresight.seen(snapshot, offset)
        settings = self._workspace.settings.completion
        path = self.preparation.path_of(snapshot)
        around = self.session.circumstances(snapshot, -1, path=path, list_open=False)
        if not refuse(place_at(snapshot, offset, settings), INVOKED, settings, around):
            self.preparation.moved(snapshot, offset)

    async def prepared(self, snapshot: Snapshot, offset: int) -> None:
        """Get everything ready for a request at this place, and wait for it."""
        self.prefill(snapshot, offset)
        await self.preparation.finished()

    def settings_changed(self) -> None:
        """Forget what was made under other settings, or by another model, and what is being made."""
        for flight in list(self._flights.values()):
            flight.cancel()
        self._foresight.stop()
        self.preparation.settings_changed()
        self.session.reception.learning = self._workspace.settings.completion.learn
        self._cache.clear()

    async def close(self) -> None:
        """Cancel whatever runs."""
        self._stay_awake()
        tasks = [f.cancel() for f in list(self._flights.values())]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._foresight.close()
        await self.preparation.close()
        await self.session.close()


def _patience_ms(trace: Trace, settings: CompletionSettings) -> int:
    """How long to wait for the model: somebody who asked by hand waits longer than somebody who types."""
    return settings.timeout_ms * (4 if trace.trigger == INVOKED else 1)
