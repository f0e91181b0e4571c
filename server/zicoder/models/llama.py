"""A local GGUF model as an `InfillModel`, run by the engine process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import msgspec
import psutil

from zicoder.engine import protocol
from zicoder.engine.handle import Engine
from zicoder.engine.protocol import FimTokens, Infill, Load, Loaded
from zicoder.engine.reading import Reading
from zicoder.errors import EngineCrashed
from zicoder.models.protocols import Guide, InfillRequest, InfillStats
from zicoder.models.store import ResolvedModel
from zicoder.settings import EngineSettings

__all__ = ["LlamaInfill", "default_threads", "encodable", "load_request"]


PROMPT_MS = 250
"""Longest time that evaluating a prompt may keep a waiting user from the first token."""


def default_threads() -> int:
    """One thread for each physical core this process may use: more of them slow token generation down."""
    physical = psutil.cpu_count(logical=False) or 1
    process = psutil.Process()
    allowed = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else physical
    return max(1, min(physical, allowed))


def load_request(new_id: int, model: ResolvedModel, settings: EngineSettings, *, chat: bool = False) -> Load:
    """The message that loads a model. The same for every purpose, so that one loaded model serves all."""
    fim = model.fim
    return Load(
        id=new_id,
        model=model.name,
        path=str(model.path),
        context_tokens=settings.context_tokens,
        threads=settings.threads or default_threads(),
        fim=FimTokens(prefix=fim.prefix, suffix=fim.suffix, middle=fim.middle) if fim else None,
        chat=chat,
    )


class LlamaInfill:
    """Fills holes with one model. Loads it at first use, and again after a crash of the engine."""

    def __init__(self, engine: Engine, model: ResolvedModel, settings: EngineSettings) -> None:
        self._engine = engine
        self._model = model
        self._settings = settings
        self._loaded: Loaded | None = None

    @property
    def name(self) -> str:
        """Catalog name, or the file's."""
        return self._model.name

    @property
    def fills_suffix(self) -> bool:
        """Known for sure once loaded; before that the catalog is believed."""
        return self._loaded.fim if self._loaded else self._model.fim is not None

    async def load(self) -> Loaded:
        """Load the model if it is not. Raises EngineError, ModelError."""
        self._loaded = await self._engine.load(load_request(self._engine.new_id(), self._model, self._settings))
        return self._loaded

    def infill(self, request: InfillRequest) -> LlamaStream:
        """Start an answer."""
        return LlamaStream(self, self._engine, self._message(request))

    async def prefill(self, request: InfillRequest, *, thorough: bool = False, near_only: bool = False) -> bool:
        """Evaluate the prompt at the lowest priority; anything else pushes it aside."""
        await self.load()
        message = self._message(request, prefill=True, thorough=thorough, near_only=near_only)
        reading = self._engine.read(message)
        async for _ in reading:
            pass
        return reading.stats.finish != "cancelled"

    def _message(
        self, request: InfillRequest, *, prefill: bool = False, thorough: bool = False, near_only: bool = False
    ) -> Infill:
        return Infill(
            id=self._engine.new_id(),
            model=self.name,
            document=request.document,
            prefix=encodable(request.prefix),
            suffix=encodable(request.suffix),
            max_tokens=request.max_tokens,
            stop=request.stop,
            prefill=prefill,
            thorough=thorough,
            near_only=near_only,
            near_prefix=request.near_prefix,
            near_suffix=request.near_suffix,
            prompt_ms=PROMPT_MS,
            comment=request.comment,
            title=encodable(request.title),
            context=tuple(protocol.ContextPart(encodable(p.path), encodable(p.text)) for p in request.context),
            indented=request.indented,
            draft=request.draft,
            rank=request.rank,
            search=request.search,
            further=request.further,
            speculative=request.speculative,
            guide=_guide(request.guide) if request.guide and not prefill else None,
        )


def encodable(text: str) -> str:
    """The text with half characters (lone surrogates, which editors do send) replaced, one for one."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _guide(guide: Guide) -> protocol.Guide:
    return protocol.Guide(
        here=tuple(map(encodable, guide.here)),
        typed=encodable(guide.typed),
        listed=guide.listed,
        members=_names(guide.members),
        arguments=_names(guide.arguments),
    )


def _names(table: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {encodable(key): tuple(map(encodable, names)) for key, names in table.items()}


class LlamaStream:
    """One running answer. If the engine dies before the first piece, it is asked once more."""

    def __init__(self, model: LlamaInfill, engine: Engine, message: Infill) -> None:
        self._model = model
        self._engine = engine
        self._message = message
        self._reading: Reading | None = None

    @property
    def stats(self) -> InfillStats:
        """What it cost so far."""
        if self._reading is None:
            return InfillStats(finish="cancelled")
        return InfillStats(**msgspec.structs.asdict(self._reading.stats))

    async def __aiter__(self) -> AsyncIterator[str]:
        """Pieces of text. Raises EngineError or ModelError."""
        for attempt in (1, 2):
            try:
                await self._model.load()
                self._reading = self._engine.read(self._message)
                async for piece in self._reading:
                    yield piece
            except EngineCrashed:
                if attempt == 2 or self.stats.generated_tokens:
                    raise
            else:
                return

    async def aclose(self) -> None:
        """Stop generating."""
        if self._reading:
            await self._reading.aclose()
