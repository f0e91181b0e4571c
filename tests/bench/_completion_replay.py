"""Typing real functions character by character at human speed, as an editor would tell of it.

Each key is a change, the end of the request before it, and a new one; a shown text that is the truth as far as it goes
is accepted, all of it, by one key. Owns the typist; what a suggestion is worth is told elsewhere.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from lsprotocol import types
from tests.bench._completion_holes import SEED, Hole, packages, source_files, walk
from tests.bench._completion_metrics import parse
from tests.bench._completion_session import Session, by_package, can_switch, say
from tests.bench._harness import Request
from tests.bench.corpora import source

__all__ = ["functions", "keys", "replay"]

FUNCTIONS = {"python": 12, "typescript": 8}
LINES, CHARS = range(5, 20), range(150, 650)
GAP_S, SPREAD = 0.2, 0.45
"""Median and log-standard deviation of the pause between two keys."""
ACCEPT_CHARS = 4
"""Shorter suggestions are typed rather than accepted."""
CALM_S, IDLE_S = 3.0, 10.0
CANCELS, CANCEL_AFTER_S, WATCH_S, STOPPED_S = 4, 0.15, 0.6, 0.1
_FUNCTIONS = frozenset({"function_definition", "function_declaration", "method_definition"})


@dataclass(slots=True)
class Key:
    """One key and the request that followed it. `ms` is None when the next key came before the answer."""

    ms: float | None = None
    shown: bool = False
    by: str = ""
    """"cache", "model" or the stage that refused; "" when nobody knows."""
    evaluated: int = 0


@dataclass(slots=True)
class Log:
    """What happened while functions were typed."""

    keys: list[Key] = field(default_factory=list)
    by_hand: int = 0
    """Keys that it would have taken without suggestions."""
    followed: int = 0
    """Keys that typed on in a shown text, and whose request was answered."""
    vanished: int = 0
    """Of these, the ones after which something else stood there, or nothing."""
    accepted: int = 0
    typing_s: float = 0.0
    cpu_s: float = 0.0
    idle_cpu: list[float] = field(default_factory=list)
    """Percent of a core."""
    cancel_ms: list[float] = field(default_factory=list)
    errors: int = 0


def functions(role: str, languages: Sequence[str], limit: int | None = None) -> list[Hole]:
    """Functions to type, one from each of so many files, packages in turn; the body is what is taken away."""
    found: list[Hole] = []
    for language in languages:
        queues = [_functions_of(package, language) for package in packages(role, language)]
        chosen: list[Hole] = []
        while queues and len(chosen) < FUNCTIONS[language]:
            queue = queues.pop(0)
            hole = next(queue, None)
            if hole is not None:
                chosen.append(hole)
                queues.append(queue)
        found += chosen
    if limit is not None and limit < len(found):
        found = [found[n * len(found) // limit] for n in range(limit)]
    return found


def _functions_of(package: str, language: str) -> Iterator[Hole]:
    random = Random(f"{SEED} type {package}")
    root = source(package)
    names = source_files(root, language)
    random.shuffle(names)
    for name in names:
        text = (root / name).read_bytes().decode("utf-8", "replace")
        if not text.isascii() or "\r" in text or "\t" in text:
            continue
        spans = list(_bodies(text, language))
        if spans:
            yield Hole(package, name, language, "block", text, *random.choice(spans))


def _bodies(text: str, language: str) -> Iterator[tuple[int, int]]:
    for node in walk(parse(text, language)):
        body = node.child_by_field_name("body") if node.type in _FUNCTIONS else None
        inside = [child for child in body.named_children if child.type != "comment"] if body is not None else []
        if inside and inside[0].named_children and inside[0].named_children[0].type == "string":
            inside = inside[1:]  # a docstring is not what a model should foresee
        if not inside:
            continue
        start, end = inside[0].start_byte, inside[-1].end_byte
        alone = not text[text.rfind("\n", 0, start) + 1 : start].strip()
        if alone and end - start in CHARS and text.count("\n", start, end) + 1 in LINES and text[end : end + 1] == "\n":
            yield start, end


def keys(text: str) -> Iterator[str]:
    """What each key inserts: a character, or a line end with the indentation that the editor adds to it."""
    at = 0
    while at < len(text):
        end = at + 1
        if text[at] == "\n":
            while end < len(text) and text[end] in " \n":
                end += 1
        yield text[at:end]
        at = end


class _Typist:
    """Types one function into an open document."""

    def __init__(self, session: Session, hole: Hole, speed: float, log: Log) -> None:
        self._editor = session.editor
        self._uri = session.uri(hole)
        self._truth = hole.target
        self._position = types.Position(*hole.position)
        self._random = Random(f"{SEED} {hole.name}")
        self._speed = speed
        self._log = log
        self._shown = ""
        """What the user sees behind the cursor; while typing agrees with it, the editor keeps the rest."""
        self._request: Request | None = None
        self._reading: asyncio.Task[None] | None = None

    async def type(self) -> None:
        self._log.by_hand += len(list(keys(self._truth)))
        due, at = time.monotonic(), 0
        while at < len(self._truth):
            due = max(time.monotonic(), due + self._gap())
            await asyncio.sleep(due - time.monotonic())
            rest = self._truth[at:]
            accept = len(self._shown.strip()) >= ACCEPT_CHARS and rest.startswith(self._shown)
            inserted = self._shown if accept else next(keys(rest))
            self._log.accepted += accept
            follows = not accept and self._shown.startswith(inserted)
            self._shown = self._shown[len(inserted) :] if follows else ""
            at += len(inserted)
            self._press(inserted, expected=self._shown if follows else "")
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=2)
        self._drop()

    def _gap(self) -> float:
        return math.exp(self._random.gauss(math.log(GAP_S), SPREAD)) / self._speed

    def _press(self, inserted: str, expected: str) -> None:
        self._drop()
        self._editor.type(self._uri, self._position, inserted)
        lines = inserted.split("\n")
        column = len(lines[-1]) + (self._position.character if len(lines) == 1 else 0)
        self._position = types.Position(self._position.line + len(lines) - 1, column)
        key = Key()
        self._log.keys.append(key)
        self._request = self._editor.ask(self._uri, self._position)
        self._reading = asyncio.create_task(self._read(self._request, key, expected, self._position))

    def _drop(self) -> None:
        if self._reading is not None and not self._reading.done():
            self._reading.cancel()
            if self._request is not None:
                self._request.cancel()
        self._reading = None

    async def _read(self, request: Request, key: Key, expected: str, position: types.Position) -> None:
        start = time.perf_counter()
        try:
            text = await request.text()
        except Exception as error:  # noqa: BLE001 - counted, and typing goes on
            self._log.errors += 1
            say(f"replay: {type(error).__name__}: {error}")
            return
        key.ms, key.shown = (time.perf_counter() - start) * 1000, bool(text)
        self._shown = text
        if expected.strip():
            self._log.followed += 1
            self._log.vanished += not text or not (text.startswith(expected) or expected.startswith(text))
        why = await asyncio.shield(self._editor.why())  # the next key ends only the waiting
        if why["outcome"] == "failed":
            self._log.errors += 1
        elif (why.get("line"), why.get("column")) == (position.line, position.character):
            names = {stage["name"]: stage["note"] for stage in why["stages"]}
            key.by = "model" if "infill" in names else "cache" if names.get("cache") == "hit" else why["stage"]
            key.evaluated = why["evaluatedTokens"] or 0


async def replay(holes: Sequence[Hole], variant: str, folder: Path, speed: float) -> dict[str, Any]:
    """Type all functions under one row's settings; the figures."""
    if not can_switch(variant):
        say(f"replay: this server has no switches for {variant}")
        return {}
    seconds = sum(len(hole.target) for hole in holes) * GAP_S * 1.1 / speed
    say(f"replay, {variant}: {len(holes)} functions, about {seconds / 60 + len(by_package(holes)):.0f} minutes")
    log, failed = Log(), 0
    for package, group in by_package(holes).items():
        session = Session(package, folder, patient=False)
        try:
            await session.start()
            await session.use(variant)
            for hole in group:
                say(f"replay, {variant}: {package}, {len(hole.target)} characters")
                await _type(session, hole, speed, log)
            await _rest(session, log)
            await _cancel(session, group[-1], log)
        except Exception as error:  # noqa: BLE001 - one package less is better than no result
            failed += 1
            say(f"replay: {package}: {type(error).__name__}: {error}")
        finally:
            await session.stop()
    return {"functions": len(holes), "packages_failed": failed, **_figures(log)} if log.keys else {}


async def _type(session: Session, hole: Hole, speed: float, log: Log) -> None:
    await session.punch(hole)
    session.editor.cursor(session.uri(hole), types.Position(*hole.position))
    await session.prepared()
    cpu, start = session.editor.cpu_s(), time.monotonic()
    await _Typist(session, hole, speed, log).type()
    log.cpu_s += max(0.0, session.editor.cpu_s() - cpu)
    log.typing_s += time.monotonic() - start
    session.leave(hole)


async def _rest(session: Session, log: Log) -> None:
    """What the server and the engine use when everything that was to be made ready is."""
    await session.editor.quiet(CALM_S)
    before = session.editor.cpu_s()
    await asyncio.sleep(IDLE_S)
    log.idle_cpu.append(max(0.0, session.editor.cpu_s() - before) / IDLE_S * 100)


async def _cancel(session: Session, hole: Hole, log: Log) -> None:
    """Milliseconds from cancelling a request to when the engine rests, to about 10 ms.

    Later it gets ready for the file that was opened, which is no part of the request.
    """
    engine = session.editor.engine()

    def used() -> float:
        times = engine.cpu_times()
        return times.user + times.system

    for n in range(CANCELS):
        await session.editor.quiet(CALM_S)
        uri = (session.root / f"zi_bench_cancel_{n}{Path(hole.path).suffix}").as_uri()
        session.editor.open(uri, f"{'# ' if hole.language == 'python' else '// '}{n}\n{hole.punched}", hole.language)
        line, column = hole.position
        request = session.editor.ask(uri, types.Position(line + 1, column), invoked=True)
        await asyncio.sleep(CANCEL_AFTER_S)
        request.cancel()
        start = last = time.perf_counter()
        before = used()
        while time.perf_counter() - start < WATCH_S and time.perf_counter() - last < STOPPED_S:
            await asyncio.sleep(0.004)
            if (now := used()) > before:
                before, last = now, time.perf_counter()
        log.cancel_ms.append((last - start) * 1000)
        with suppress(Exception):
            await request.text()
        session.editor.close(uri)


def _figures(log: Log) -> dict[str, Any]:
    answered = [key for key in log.keys if key.ms is not None]
    shown = [key.ms for key in answered if key.shown and key.ms is not None]
    known = [key for key in answered if key.by]
    return {
        "keys": len(log.keys),
        "answered_percent": round(100 * len(answered) / len(log.keys), 1),
        "errors": log.errors,
        "shown_percent": round(100 * len(shown) / len(log.keys), 1),
        "visible_p50_ms": _percentile(shown, 50),
        "visible_p95_ms": _percentile(shown, 95),
        "from_cache_percent_of_keys": round(100 * sum(key.by == "cache" for key in known) / len(log.keys), 1),
        "from_cache_percent_of_shown": _share([key.by == "cache" for key in known if key.shown]),
        "asked_model_percent_of_keys": round(100 * sum(key.by == "model" for key in known) / len(log.keys), 1),
        "evaluated_per_key": round(sum(key.evaluated for key in known) / len(log.keys), 2),
        "evaluated_p95": _percentile([key.evaluated for key in known], 95),
        "accepted": log.accepted,
        "keys_saved_percent": round(100 * (1 - len(log.keys) / log.by_hand), 1),
        "typed_on_in_shown": log.followed,
        "vanished_percent": round(100 * log.vanished / log.followed, 1) if log.followed else None,
        "cpu_s_per_minute_typing": round(log.cpu_s / log.typing_s * 60, 1),
        "idle_cpu_percent": round(statistics.mean(log.idle_cpu), 2) if log.idle_cpu else None,
        "cancel_p50_ms": _percentile(log.cancel_ms, 50),
        "cancel_max_ms": _percentile(log.cancel_ms, 100),
    }


def _share(values: Sequence[bool]) -> float | None:
    return round(100 * statistics.mean(values), 1) if values else None


def _percentile(values: Sequence[float], which: int) -> float | None:
    return round(float(np.percentile(values, which)), 1) if values else None
