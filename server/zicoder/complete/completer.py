"""One keystroke, from a snapshot to a suggestion.

Owns the order of the stages and what runs at the same time: one generation per document, joined by requests that its
stream still agrees with, cancelled for real by those that it does not. Never raises for a reason that lies in models
or engine: the trace says what went wrong. Never runs an index search.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace

from zicoder.complete.cache import Cached, SuggestionCache
from zicoder.complete.filters import apply_filters
from zicoder.complete.gate import AUTOMATIC, refuse
from zicoder.complete.hole import Hole
from zicoder.complete.scope import EndOfScope, begins_block
from zicoder.complete.trace import Trace
from zicoder.context.window import window_at
from zicoder.errors import ZiError
from zicoder.models.protocols import InfillRequest
from zicoder.settings import CompletionSettings
from zicoder.text import Snapshot
from zicoder.workspace import Workspace

__all__ = ["Completer", "Suggestion"]

GRACE_S = 0.04
"""How long a generation that nobody waits for goes on. Editors cancel and ask again within one burst of messages;
the new request may want the very same text."""
TRACES = 50
SUPERSEDED = "A newer request took its place."
FEW_TOKENS = 32
"""So many prompt tokens are what typing leaves to evaluate, not a prompt that was not prepared."""
SLOW = "The model took longer than {} ms (`zi.completion.timeout_ms`)."


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Text to insert at `offset`."""

    text: str
    offset: int


class Completer:
    """The pipeline over one workspace."""

    def __init__(self, workspace: Workspace, *, on_latency: Callable[[float], None] = lambda _: None) -> None:
        self._workspace = workspace
        self._cache = SuggestionCache()
        self._flights: dict[str, _Flight] = {}
        self._newest: dict[str, Trace] = {}
        self._prefill: asyncio.Task[None] | None = None
        self._warm = ""
        """The document whose last request found nearly all of its prompt in the model's cache."""
        self._on_latency = on_latency
        self.traces: deque[Trace] = deque(maxlen=TRACES)
        """The last requests, newest last."""

    async def complete(self, snapshot: Snapshot, offset: int, trigger: str = AUTOMATIC) -> Suggestion | None:
        """A suggestion for this place, or None; then `traces[-1]` says why.

        When the awaiting task is cancelled, the generation behind it is cancelled too, unless another request wants it.
        """
        position = snapshot.lines.position(offset)
        trace = Trace(snapshot.uri, position.line, position.column, trigger)
        self.traces.append(trace)
        try:
            text = await self._stages(snapshot, offset, trigger, trace)
        except ZiError as error:
            trace.end("failed", error.sentence)
            return None
        except asyncio.CancelledError:
            trace.end("cancelled", "a newer request or the editor cancelled it.")
            raise
        if not text:
            trace.end("nothing", trace.reason or "The model had nothing to add here.")
            return None
        trace.end("shown", trace.reason or "fresh from the model.")
        self._on_latency(trace.total_ms)
        return Suggestion(text, offset)

    async def _stages(self, snapshot: Snapshot, offset: int, trigger: str, trace: Trace) -> str:
        settings = self._workspace.settings.completion
        with trace.stage("gate") as stage:
            hole = _hole_at(snapshot, offset, settings)
            if reason := refuse(hole, trigger, settings):
                stage.note = trace.reason = reason
                return ""
        if (found := await self._known(snapshot, offset, trace)) is not None:
            return found
        if flight := self._flights.get(snapshot.uri):
            flight.cancel()
        self._newest[snapshot.uri] = trace
        if trigger == AUTOMATIC:
            with trace.stage("debounce"):
                if self._warm == snapshot.uri:
                    self._start_prefill(snapshot, offset)  # the few tokens just typed, while we wait anyway
                await asyncio.sleep(settings.debounce_ms / 1000)
            if self._newest[snapshot.uri] is not trace:  # a client need not cancel what it does not want any more
                found = await self._known(snapshot, offset, trace)
                if found is None:
                    trace.reason = SUPERSEDED
                return found or ""
        flight = _Flight(snapshot, offset, lambda f: self._generate(f, hole, trace))
        self._flights[snapshot.uri] = flight
        finished = await flight.wait()
        trace.reason = flight.reason if finished else SUPERSEDED
        return flight.text

    async def _known(self, snapshot: Snapshot, offset: int, trace: Trace) -> str | None:
        """What the cache says, or the generation in flight, if it agrees; None when the model must be asked."""
        if (found := self._look_up(snapshot, offset, trace)) is not None:
            return found
        flight = self._flights.get(snapshot.uri)
        if flight is None or not flight.agrees(snapshot, offset):
            return None
        with trace.stage("join") as stage:
            stage.note = "joined the request in flight"
            if not await flight.join(snapshot, offset):
                stage.note = "left the request in flight: the model said something else than was typed"
                return None
        return self._look_up(snapshot, offset, trace)

    def _look_up(self, snapshot: Snapshot, offset: int, trace: Trace) -> str | None:
        with trace.stage("cache") as stage:
            found = self._cache.find(snapshot, offset)
            stage.note = "hit" if found else "miss"
        if found is None:
            return None
        text, reason = found
        trace.reason = reason or "from the cache."
        return text

    async def _generate(self, flight: _Flight, hole: Hole, trace: Trace) -> None:
        """Context, infill, filters; the result goes into the flight and the cache."""
        snapshot, offset = flight.snapshot, flight.offset
        try:
            with trace.stage("context") as stage:
                request = self._request(snapshot, offset)
                stage.note = f"{len(request.prefix)} characters before, {len(request.suffix)} after"
            with trace.stage("infill") as stage:
                await self._infill(flight, hole, request, trace)
            with trace.stage("filters") as stage:
                result = apply_filters(flight.streamed, hole)
                stage.note = ", ".join(result.changed_by) or "unchanged"
                if result.dropped_by and flight.streamed.strip():
                    flight.reason = f"The model's answer was dropped by the filter {result.dropped_by}."
        except TimeoutError:
            flight.reason = SLOW.format(_patience_ms(trace, self._workspace.settings.completion))
            return
        finally:
            if self._flights.get(snapshot.uri) is flight:
                del self._flights[snapshot.uri]
        self._warm = snapshot.uri if trace.stats and trace.stats.evaluated_tokens <= FEW_TOKENS else ""
        if trace.stats and trace.stats.near:
            self.prefill(snapshot, offset)  # the answer came from a short prompt: get the whole one ready for the next
        flight.text = result.text
        if result.text or not (trace.stats and trace.stats.near):  # the whole prompt may know more than nothing
            self._cache.put(Cached.of(snapshot, offset, result.text, flight.reason))

    async def _infill(self, flight: _Flight, hole: Hole, request: InfillRequest, trace: Trace) -> None:
        settings = self._workspace.settings.completion
        model = await self._workspace.infill_model()
        trace.model = model.name
        scope = EndOfScope(hole, max_lines=settings.max_lines)
        stream = model.infill(request)
        try:
            async with asyncio.timeout(_patience_ms(trace, settings) / 1000):
                async for piece in stream:
                    trace.raw += piece
                    done = scope.feed(piece)
                    flight.hear(scope.text)
                    if done:
                        break
        finally:
            await stream.aclose()
            trace.stats = stream.stats

    def _request(self, snapshot: Snapshot, offset: int) -> InfillRequest:
        settings = self._workspace.settings
        window = window_at(
            snapshot,
            offset,
            prefix_tokens=settings.engine.prefix_tokens,
            suffix_tokens=settings.engine.suffix_tokens,
        )
        return InfillRequest(
            document=snapshot.uri,
            prefix=window.prefix,
            suffix=window.suffix,
            near_prefix=window.near_prefix,
            near_suffix=window.near_suffix,
            max_tokens=settings.completion.max_tokens,
        )

    def prefill(self, snapshot: Snapshot, offset: int) -> None:
        """Get the model ready for a request at this place, in the background and at the lowest priority."""
        settings = self._workspace.settings.completion
        if not settings.enabled or refuse(_hole_at(snapshot, offset, settings), AUTOMATIC, settings):
            return
        self._start_prefill(snapshot, offset)

    def _start_prefill(self, snapshot: Snapshot, offset: int) -> None:
        if self._prefill and not self._prefill.done():
            self._prefill.cancel()
        self._prefill = asyncio.create_task(self._prefill_quietly(snapshot, offset))

    async def _prefill_quietly(self, snapshot: Snapshot, offset: int) -> None:
        try:
            model = await self._workspace.infill_model()
            await model.prefill(self._request(snapshot, offset))
        except ZiError:
            return  # it was only preparation: the status shows what is wrong, and a request will say so

    def settings_changed(self) -> None:
        """Forget what was made under other settings, and what is being made."""
        for flight in list(self._flights.values()):
            flight.cancel()
        self._cache.clear()

    async def close(self) -> None:
        """Cancel whatever runs."""
        tasks = [f.cancel() for f in list(self._flights.values())]
        if self._prefill:
            self._prefill.cancel()
            tasks.append(self._prefill)
        await asyncio.gather(*tasks, return_exceptions=True)


class _Flight:
    """One generation, with any number of requests waiting for it."""

    def __init__(self, snapshot: Snapshot, offset: int, work: Callable[[_Flight], Coroutine[None, None, None]]) -> None:
        self.snapshot = snapshot
        self.offset = offset
        self.streamed = ""
        self.text = ""
        self.reason = ""
        self._waiting = 0
        self._joined: dict[asyncio.Future[None], tuple[Snapshot, int]] = {}
        """What each joining request has typed, and how to tell it that the stream went elsewhere."""
        self._place = Cached.of(snapshot, offset, "")
        self._task: asyncio.Task[None] = asyncio.create_task(work(self))

    def hear(self, text: str) -> None:
        """The model has come this far."""
        self.streamed = text
        for left, typed in self._joined.items():
            if not left.done() and not self.agrees(*typed):
                left.set_result(None)

    async def join(self, snapshot: Snapshot, offset: int) -> bool:
        """Wait for the end; False as soon as the stream is something else than what was typed since."""
        left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joined[left] = (snapshot, offset)
        ended = asyncio.create_task(self.wait())
        try:
            await asyncio.wait((ended, left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._joined[left]
            if not ended.done():
                ended.cancel()
        return ended.done() and ended.result()

    def agrees(self, snapshot: Snapshot, offset: int) -> bool:
        """Whether what was typed since is what has been streamed, as far as both go."""
        typed = self._place.typed(snapshot, offset)
        if typed is None or self._task.done():
            return False
        n = min(len(typed), len(self.streamed))
        return typed[:n] == self.streamed[:n]

    async def wait(self) -> bool:
        """Wait for the end; False when it was cancelled by somebody else. Raises what the work raised."""
        self._waiting += 1
        try:
            await asyncio.shield(self._task)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if not self._task.cancelled() or (me and me.cancelling()):
                raise
            return False
        else:
            return True
        finally:
            self._waiting -= 1
            if self._waiting == 0 and not self._task.done():
                asyncio.get_running_loop().call_later(GRACE_S, self._cancel_if_alone)

    def _cancel_if_alone(self) -> None:
        if self._waiting == 0:
            self._task.cancel()

    def cancel(self) -> asyncio.Task[None]:
        """Cancel now, whoever waits."""
        self._task.cancel()
        return self._task


def _patience_ms(trace: Trace, settings: CompletionSettings) -> int:
    """How long to wait for the model: somebody who asked by hand waits longer than somebody who types."""
    return settings.timeout_ms * (1 if trace.trigger == AUTOMATIC else 4)


def _hole_at(snapshot: Snapshot, offset: int, settings: CompletionSettings) -> Hole:
    hole = Hole(prefix=snapshot.text[:offset], suffix=snapshot.text[offset:], language=snapshot.language)
    return replace(hole, multiline=settings.multiline == "auto" and begins_block(hole))
