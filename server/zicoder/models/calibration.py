"""How fast the installed models fill holes on this machine, and which of them `auto` takes because of it.

A bigger model writes better and answers later; where the limit lies depends on the machine, so it is measured, by the
engine that serves the editor. Owns the budget, the measurement and its file, `calibration/<machine>.json` in the cache
folder: one for each machine, engine version and number of threads, with a row for each file by its SHA-256.
Must never fetch anything, and never decide when to measure: that takes seconds of every core.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

from zicoder.engine.handle import Engine
from zicoder.errors import ModelError, ModelMisconfigured, ZiError
from zicoder.files import write_whole
from zicoder.models.catalog import ModelEntry
from zicoder.models.llama import LlamaInfill, default_threads
from zicoder.models.partial import human_bytes
from zicoder.models.protocols import InfillRequest, InfillStats
from zicoder.models.store import ModelStore, ResolvedModel
from zicoder.settings import EngineSettings

__all__ = [
    "AGAIN",
    "BUDGET",
    "FIRST_TOKEN_MS",
    "LINE_MS",
    "LINE_TOKENS",
    "TOKENS_PER_S",
    "Measured",
    "Measurement",
    "candidates",
    "measure",
    "memory_of_process",
    "pick",
]

FIRST_TOKEN_MS = 150.0
"""Latest first token while somebody types: with a short pause before it, a suggestion still comes with the glance."""
TOKENS_PER_S = 20.0
LINE_TOKENS = 8
"""Of a line's rest, as short ones are: the first token in time and seven more at the least speed make half a second."""
LINE_MS = FIRST_TOKEN_MS + (LINE_TOKENS - 1) * 1000 / TOKENS_PER_S
"""What the two limits together mean for a one-line answer, after which a typist has gone on."""

BUDGET = f"at most {FIRST_TOKEN_MS:.0f} ms to the first token and at least {TOKENS_PER_S:.0f} tokens/s"
AGAIN = "`zi bench completion --calibrate` measures again, and `zi.model.infill` overrides the choice."

PROMPTS = 3
ANSWERS = 3
ANSWER_TOKENS = 16
LIMIT_S = 60.0
"""For one model, loading included; a machine that needs longer is far outside the budget."""
MEMORY_SHARE = 1.7
"""What a model takes with its context, in sizes of its file; without that much the machine would begin to swap."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One model on one machine: medians of a few tries. `error` says why there are none."""

    name: str
    sha256: str
    prompt_tokens_per_s: float = 0.0
    """Of a prompt of which nothing was evaluated before."""
    first_token_ms: float = 0.0
    """With the text before it evaluated, one more character typed."""
    tokens_per_s: float = 0.0
    """Of an answer, one token at a time: drafting makes it faster where it can guess."""
    load_s: float = 0.0
    memory_bytes: int = 0
    """Of the engine's process after that; 0 in rows of older versions."""
    error: str = ""

    @property
    def line_ms(self) -> float:
        """What a one-line answer takes while somebody types."""
        return self.first_token_ms + (LINE_TOKENS - 1) * 1000 / self.tokens_per_s if self.tokens_per_s else 0.0

    @property
    def in_time(self) -> bool:
        """Whether the model meets the budget."""
        return not self.error and self.first_token_ms <= FIRST_TOKEN_MS and self.tokens_per_s >= TOKENS_PER_S

    @property
    def sentence(self) -> str:
        """The figures that count, for a person."""
        if self.error:
            return self.error
        return f"{self.first_token_ms:.0f} ms to the first token, {self.tokens_per_s:.0f} tokens/s"


class _File(msgspec.Struct, frozen=True):
    machine: dict[str, str | int]
    models: tuple[Measurement, ...]


class Measured:
    """What was measured on this machine, in a folder of the user's."""

    def __init__(self, cache: Path, settings: EngineSettings) -> None:
        self.machine: dict[str, str | int] = {
            "cpu": _cpu(),
            "cores": psutil.cpu_count(logical=False) or os.cpu_count() or 1,
            "threads": settings.threads or default_threads(),
            "engine": _engine_version(),
        }
        key = hashlib.blake2b(msgspec.json.encode(self.machine), digest_size=8).hexdigest()
        self.path = cache / "calibration" / f"{key}.json"

    def rows(self) -> dict[str, Measurement]:
        """Measurements by the file's SHA-256; none when the file is missing or not readable."""
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=_File)
        except (OSError, msgspec.MsgspecError):
            return {}
        return {row.sha256: row for row in found.models}

    def keep(self, row: Measurement) -> None:
        """Add a measurement, or replace an older one of the same file. Raises ModelError."""
        rows = self.rows() | {row.sha256: row}
        body = msgspec.json.format(msgspec.json.encode(_File(self.machine, tuple(rows.values()))))
        try:
            write_whole(self.path, body)
        except OSError as error:
            raise ModelError(
                f"The measurement cannot be kept: {error.strerror or error} ({self.path}).",
                hint="Set ZI_CACHE_DIR to a folder that can be written.",
            ) from error


def candidates(store: ModelStore) -> tuple[ModelEntry, ...]:
    """Models with a file in the store, be it a damaged one, that see the text after the cursor; smallest first."""
    fill = (entry for entry in store.catalog.values() if entry.fim_template is not None and "infill" in entry.good_for)
    return tuple(sorted((entry for entry in fill if store.blob(entry).exists()), key=lambda entry: entry.size))


def pick(present: Sequence[ModelEntry], rows: Mapping[str, Measurement]) -> ModelEntry | None:
    """Of `candidates`, the largest that meets the budget, the smallest if none does; None while none was measured."""
    found = [(entry, rows[entry.sha256]) for entry in present if entry.sha256 in rows]
    if not found:
        return None
    return next((entry for entry, row in reversed(found) if row.in_time), present[0])


async def measure(entry: ModelEntry, store: ModelStore, settings: EngineSettings) -> Measurement:
    """Load one model into an engine of its own and time it; cancelling ends that engine at once.

    Whatever goes wrong with the model is the row's `error`.
    """
    try:
        resolved = ResolvedModel(entry.name, store.path(entry), entry)
        _need_memory(entry)
        async with asyncio.timeout(LIMIT_S), Engine() as engine:
            row = await _time(LlamaInfill(engine, resolved, settings), entry)
            return msgspec.structs.replace(row, memory_bytes=memory_of_process(engine.pid))
    except TimeoutError:
        error = f"It was not done after {LIMIT_S:.0f} seconds."
    except ZiError as problem:
        error = str(problem)
    return Measurement(name=entry.name, sha256=entry.sha256, error=error)


def memory_of_process(pid: int | None) -> int:
    """Bytes of memory that a process has; 0 where there is none."""
    try:
        return psutil.Process(pid).memory_info().rss if pid is not None else 0
    except psutil.Error:
        return 0


async def _time(model: LlamaInfill, entry: ModelEntry) -> Measurement:
    started = time.perf_counter()
    loaded = await model.load()
    load_s = time.perf_counter() - started
    if not loaded.fim:
        raise ModelMisconfigured("It has no tokens that mark a hole.")
    prompts = [await _ask(model, str(number), _text(number), "", 1) for number in range(PROMPTS)]
    last, text = str(PROMPTS - 1), _text(PROMPTS - 1)
    keys = [await _ask(model, last, text, _LINE[:end], 1) for end in range(_TYPED, len(_LINE) + 1)]
    answers = [
        await _ask(model, last, text, f"{_LINE}\n\ndef check_{number}(", ANSWER_TOKENS) for number in range(ANSWERS)
    ]
    speeds = [
        (stats.generated_tokens - 1) * 1000 / (stats.total_ms - stats.first_token_ms)
        for stats in answers
        if stats.generated_tokens > 1
    ]
    if not speeds:
        raise ModelMisconfigured("It wrote nothing.")
    return Measurement(
        name=entry.name,
        sha256=entry.sha256,
        load_s=round(load_s, 1),
        prompt_tokens_per_s=round(statistics.median(s.evaluated_tokens * 1000 / s.first_token_ms for s in prompts), 1),
        first_token_ms=round(statistics.median(s.first_token_ms for s in keys), 1),
        tokens_per_s=round(statistics.median(speeds), 1),
    )


async def _ask(model: LlamaInfill, document: str, before: str, line: str, max_tokens: int) -> InfillStats:
    stream = model.infill(
        InfillRequest(document=document, prefix=before + line, suffix=_AFTER, max_tokens=max_tokens, draft=False)
    )
    async for _ in stream:
        pass
    return stream.stats


def _need_memory(entry: ModelEntry) -> None:
    free, needed = psutil.virtual_memory().available, round(MEMORY_SHARE * entry.size)
    if free < needed:
        raise ModelError(f"It needs {human_bytes(needed)} of memory, and {human_bytes(free)} are free.")


_NOUNS = ("invoice", "reading", "ticket")
_FUNCTION = '''
def {verb}_{noun}s({noun}s, limit):
    """The {noun}s that are to be {verb}ed, at most `limit` of them."""
    chosen = [{noun} for {noun} in {noun}s if {noun}.{verb}_at is not None]
    chosen.sort(key=lambda {noun}: ({noun}.{verb}_at, {noun}.number))
    return chosen[:limit]

'''
_LINE = "    return sum(entry.amount"
_TYPED = 20
_AFTER = "\n\n\nif __name__ == '__main__':\n    raise SystemExit(main())\n"


def _text(number: int) -> str:
    """A module of some 200 tokens before a cursor in its last function; no two share a function."""
    noun = _NOUNS[number]
    body = "".join(_FUNCTION.format(verb=verb, noun=noun) for verb in ("send", "print"))
    return f"{body}\ndef total_{noun}(entries):\n"


def _engine_version() -> str:
    try:
        return importlib.metadata.version("llama-cpp-python")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cpu() -> str:
    """What the machine calls its processor."""
    try:
        if sys.platform == "linux":
            lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        if sys.platform == "darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, StopIteration, subprocess.SubprocessError):
        pass  # not every kernel tells; the next best is the architecture
    return platform.processor() or platform.machine()
