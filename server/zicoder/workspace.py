"""One project root with everything that belongs to it, brought up and down as an async context manager.

Owns the settings in force, the engine, the choice of models and the code index. A front end makes one for each root it
opens. What the index needs is imported in a thread when it is first asked for: LanceDB alone takes a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from zicoder.engine.handle import Engine
from zicoder.engine.status import EngineStatus
from zicoder.errors import IndexUnavailable, ModelNotInstalled, ZiError
from zicoder.models.calibration import Measured, candidates, pick
from zicoder.models.embedding.protocol import Embedder
from zicoder.models.embedding.registry import Options, make_embedder
from zicoder.models.llama import LlamaInfill
from zicoder.models.protocols import InfillModel
from zicoder.models.providers import INFILL_PROVIDERS
from zicoder.models.store import ModelStore, ResolvedModel, choose_infill
from zicoder.settings import Problem, Settings, load_settings

if TYPE_CHECKING:  # see `open_index`
    from zicoder.index.code_index import CodeIndex, IndexStatus

__all__ = ["Workspace", "cache_dir", "chosen_infill", "index_dir", "log_dir", "project_key"]

log = logging.getLogger("zicoder")

OFF = "none"
UNTRUSTED_DENY = ("edit", "create", "delete", "tests", "shell")
"""What agents must not do in a root that is not trusted, whatever other rules say."""
KEEP_LOGS_S = 14 * 24 * 3600.0


def log_dir() -> Path:
    """Where log files go."""
    override = os.environ.get("ZI_LOG_DIR")
    return Path(override) if override else platformdirs.user_log_path("zicoder")


def cache_dir() -> Path:
    """Where things are kept that can be made again."""
    override = os.environ.get("ZI_CACHE_DIR")
    return Path(override) if override else platformdirs.user_cache_path("zicoder")


def index_dir(root: Path) -> Path:
    """The folder on this machine for the index of a project: not in the project, which may be read-only or shared."""
    return cache_dir() / "index" / project_key(root)


def project_key(root: Path) -> str:
    """A name for a project that a person recognises and that no other project has."""
    place = os.path.normcase(root.resolve())
    readable = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in root.resolve().name)
    return f"{readable[:40] or 'root'}-{blake2b(place.encode(errors='surrogateescape'), digest_size=6).hexdigest()}"


def _for_infill(settings: Settings) -> tuple[object, ...]:
    """What the model for inline suggestions is made by."""
    return settings.model, settings.engine, settings.chat.keys, settings.chat.proxy


def chosen_infill(settings: Settings, store: ModelStore) -> ResolvedModel:
    """The local model for inline suggestions; for `auto` what was measured on this machine counts.

    Raises what `choose_infill` raises.
    """
    wanted = settings.model.infill
    present = candidates(store)
    best = None
    if wanted == "auto" and len(present) > 1:
        best = pick(present, Measured(cache_dir(), settings.engine).rows())
    return choose_infill(wanted, store, measured=best.name if best else None)


class Workspace:
    """Settings, models and engine of one root (None for files outside any project)."""

    def __init__(
        self,
        root: Path | None = None,
        *,
        editor_settings: Mapping[str, Any] | None = None,
        on_engine: Callable[[EngineStatus], None] = lambda _: None,
        trusted: bool = True,
    ) -> None:
        """`trusted`: whether the person trusts what lies in the root; without that it is only looked at."""
        self.root = root
        self.trusted = trusted
        self.settings: Settings
        self.problems: list[Problem]
        self._editor_settings = editor_settings
        self.settings, self.problems = self._loaded()
        self._engine_log = log_dir() / f"engine-{os.getpid()}.log"
        self.engine = Engine(log_file=self._engine_log, on_status=on_engine)
        self._infill: InfillModel | None = None
        self.choices = 0
        """How often a model for inline suggestions was let go."""
        self.index: CodeIndex | None = None
        """The code index once `open_index` was called; it answers empty until it is open."""

    async def __aenter__(self) -> Workspace:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the index and the engine, whose log is kept only if it crashed, and not for ever."""
        await self.close_index()
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
        self.settings, self.problems = self._loaded()
        if _for_infill(before) != _for_infill(self.settings):
            self.choose_again()

    def read_settings(self) -> Settings:
        """The settings as every source has them now; those in force stay. Blocking."""
        return self._loaded()[0]

    @property
    def own_root(self) -> Path | None:
        """The root, if settings and commands that lie in it count; None where it is not trusted."""
        return self.root if self.trusted else None

    def _loaded(self) -> tuple[Settings, list[Problem]]:
        """The settings of every source. Where the root is not trusted, its own are left out, and agents only look."""
        settings, problems = load_settings(project=self.own_root, editor=self._editor_settings)
        if self.trusted:
            return settings, problems
        agent = settings.agent.model_copy(update={"deny": [*settings.agent.deny, *UNTRUSTED_DENY]})
        return settings.model_copy(update={"agent": agent}), problems

    def choose_again(self) -> None:
        """Let go of the model for inline suggestions; the next request chooses."""
        self.choices += 1
        if self._infill is not None:
            self.engine.unload(self._infill.name)
        self._infill = None

    def relative(self, path: Path) -> str | None:
        """A file's path below the root, with slashes; None for one outside."""
        if self.root is None or not path.is_relative_to(self.root):
            return None
        return path.relative_to(self.root).as_posix()

    async def open_index(self, on_status: Callable[[IndexStatus], None] = lambda _: None) -> CodeIndex:
        """The code index of this root, made at the first call and not opened yet (`run` or `open` does that).

        Raises IndexUnavailable (switched off, no root, or a package is missing), InputError (the root is gone).
        """
        if self.index is not None:
            return self.index
        settings = self.settings.index
        if self.root is None or not settings.enabled:
            reason = "is switched off (`zi.index.enabled`)" if self.root else "needs a folder"
            raise IndexUnavailable(f"The code index {reason}.")
        try:
            module = await asyncio.to_thread(importlib.import_module, "zicoder.index.code_index")
        except ImportError as error:
            raise IndexUnavailable(
                f"A package of the code index is missing or broken ({error.name or error}).",
                hint="Run `pip install 'zicoder[index]'`, then `zi doctor`.",
            ) from error
        folder = index_dir(self.root)
        location = f"{settings.location.rstrip('/')}/{project_key(self.root)}" if settings.location else ""
        make = partial(
            module.CodeIndex, self.root, folder, location=location, max_bytes=settings.max_file_kb * 1024,
            exclude=settings.exclude, embedder=await asyncio.to_thread(self._embedder), on_status=on_status,
        )  # fmt: skip
        made: CodeIndex = await asyncio.to_thread(make)
        self.index = self.index or made
        return self.index

    def _embedder(self) -> Embedder | None:
        """The better embedder that the settings name; without it the index has the built-in vectors only."""
        try:
            key = self.settings.index.embedder_key.get_secret_value()
            return make_embedder(self.settings.index.embedder, Options(api_key=key))
        except ZiError as error:
            log.warning("%s", error.sentence)
        except (OSError, ValueError) as error:
            log.warning("`zi.index.embedder` cannot be used: %s", error)
        return None

    async def close_index(self) -> None:
        """End the index; the next `open_index` makes it with the settings of that moment."""
        index, self.index = self.index, None
        if index is not None:
            await index.close()

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
                self._infill = INFILL_PROVIDERS.get(provider)(argument, settings.chat)
            else:
                resolved = await asyncio.to_thread(chosen_infill, settings, ModelStore())
                if settings is not self.settings:  # they changed meanwhile
                    return await self.infill_model()
                self._infill = self._infill or LlamaInfill(self.engine, resolved, settings.engine)
        return self._infill

    async def warm_up(self) -> None:
        """Choose and load the model ahead of the first request. Raises ModelError, EngineError."""
        model = await self.infill_model()
        if isinstance(model, LlamaInfill):
            await model.load()
