"""One project root with everything that belongs to it, brought up and down as an async context manager.

Owns the settings in force, the engine and the choice of models. A front end makes one for each root it opens.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from zicoder.engine.handle import Engine
from zicoder.engine.status import EngineStatus
from zicoder.errors import ModelNotInstalled
from zicoder.models.llama import LlamaInfill
from zicoder.models.protocols import InfillModel
from zicoder.models.providers import INFILL_PROVIDERS
from zicoder.models.store import ModelStore, choose_infill
from zicoder.settings import Problem, Settings, load_settings

__all__ = ["Workspace", "log_dir"]

OFF = "none"
KEEP_LOGS_S = 14 * 24 * 3600.0


def log_dir() -> Path:
    """Where log files go."""
    override = os.environ.get("ZI_LOG_DIR")
    return Path(override) if override else platformdirs.user_log_path("zicoder")


class Workspace:
    """Settings, models and engine of one root (None for files outside any project)."""

    def __init__(
        self,
        root: Path | None = None,
        *,
        editor_settings: Mapping[str, Any] | None = None,
        on_engine: Callable[[EngineStatus], None] = lambda _: None,
    ) -> None:
        self.root = root
        self.settings: Settings
        self.problems: list[Problem]
        self._editor_settings = editor_settings
        self.settings, self.problems = load_settings(project=root, editor=editor_settings)
        self._engine_log = log_dir() / f"engine-{os.getpid()}.log"
        self.engine = Engine(log_file=self._engine_log, on_status=on_engine)
        self._infill: InfillModel | None = None

    async def __aenter__(self) -> Workspace:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the engine. Its log is kept only if it crashed, and not for ever."""
        await self.engine.close()
        limit = time.time() - KEEP_LOGS_S
        for log_file in log_dir().glob("engine-*.log"):
            done_with = log_file == self._engine_log and not self.engine.crashes
            with contextlib.suppress(OSError):  # another server may have removed it meanwhile
                if done_with or log_file.stat().st_mtime < limit:
                    log_file.unlink()

    def configure(self, editor_settings: Mapping[str, Any] | None) -> None:
        """Read every settings source again; a change of model takes effect at the next request."""
        before = self.settings
        self._editor_settings = editor_settings
        self.settings, self.problems = load_settings(project=self.root, editor=editor_settings)
        if (before.model, before.engine) != (self.settings.model, self.settings.engine):
            if self._infill is not None:
                self.engine.unload(self._infill.name)
            self._infill = None

    async def infill_model(self) -> InfillModel:
        """The model for inline suggestions, chosen by the settings; not necessarily loaded yet.

        Raises ModelNotInstalled (also for `none`), UnknownModel, ModelError. A failure is not remembered:
        a model installed a minute later is found.
        """
        if self._infill is None:
            settings = self.settings
            wanted = settings.model.infill
            if wanted == OFF:
                raise ModelNotInstalled("Inline suggestions have no model (`zi.model.infill` is none).")
            provider, _, argument = wanted.partition(":")
            if argument and provider in INFILL_PROVIDERS:
                self._infill = INFILL_PROVIDERS.get(provider)(argument)
            else:
                resolved = await asyncio.to_thread(choose_infill, wanted, ModelStore())
                if settings is not self.settings:  # they changed meanwhile
                    return await self.infill_model()
                self._infill = self._infill or LlamaInfill(self.engine, resolved, settings.engine)
        return self._infill

    async def warm_up(self) -> None:
        """Choose and load the model ahead of the first request. Raises ModelError, EngineError."""
        model = await self.infill_model()
        if isinstance(model, LlamaInfill):
            await model.load()
