"""Measures the installed models once, while nobody works, and changes to the one that `auto` takes because of it.

Owns when: it needs every core and the memory of a second model for seconds, so it waits until nobody types and the
machine is idle, and ends at once when somebody begins. Must do nothing where there is nothing to choose.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import psutil
from lsprotocol import types

from zicoder.engine.status import EngineState
from zicoder.errors import ZiError

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.complete.completer import Completer
    from zicoder.models.calibration import Measured, Measurement
    from zicoder.models.catalog import ModelEntry
    from zicoder.models.store import ModelStore
    from zicoder.workspace import Workspace

__all__ = ["CalibratingHost", "calibrate_when_idle"]

log = logging.getLogger("zicoder.lsp")

QUIET_S = 60.0
"""So long nobody must have typed, in any document."""
LOOK_S = 10.0
NOTICE_S = 0.2
"""How soon somebody who begins to type has the machine back."""
IDLE_PERCENT = 25.0
"""Of all cores in use, at most: beside an index being built a model looks slower than it is."""
TRIES = 3
"""Somebody who comes back so often will not be away long enough today."""


class CalibratingHost(Protocol):
    """A server with a workspace."""

    @property
    def project(self) -> Workspace | None: ...  # noqa: D102
    @property
    def completer(self) -> Completer | None: ...  # noqa: D102
    @property
    def open_uris(self) -> list[str]: ...  # noqa: D102
    def window_show_message(self, params: types.ShowMessageParams) -> None: ...  # noqa: D102
    async def choose_model_again(self) -> None: ...  # noqa: D102


async def calibrate_when_idle(server: CalibratingHost) -> None:
    """Measure what was never measured on this machine, choose, and say so. For the background, after start."""
    project = server.project
    if project is None or not _wanted(project):
        return
    from zicoder.models.calibration import Measured, candidates
    from zicoder.models.store import ModelStore
    from zicoder.workspace import cache_dir

    store = ModelStore()
    present = await asyncio.to_thread(candidates, store)
    if len(present) < 2:
        return
    measured = await asyncio.to_thread(Measured, cache_dir(), project.settings.engine)
    try:
        if await _measure_missing(server, project, store, present, measured):
            await _choose(server, project, present, measured)
    except ZiError as error:
        log.warning("%s", error.sentence)


async def _measure_missing(
    server: CalibratingHost, project: Workspace, store: ModelStore, present: Sequence[ModelEntry], measured: Measured
) -> bool:
    """Measure each model that has no row yet; whether anything is new, and nothing is left. Raises ModelError."""
    before, tries = len(measured.rows()), 0
    while missing := [e for e in present if store.state(e) == "installed" and e.sha256 not in measured.rows()]:
        if tries == TRIES:
            return False
        await _idle_for_long(server, project)
        if not _wanted(project):
            return False
        if missing[0].sha256 in measured.rows():
            continue  # another editor's server did it meanwhile
        row = await _measure(server, project, missing[0], store)
        if row is None:
            tries += 1
        else:
            measured.keep(row)
            log.info("measured %s: %s", row.name, row.sentence)
    return len(measured.rows()) > before


async def _idle_for_long(server: CalibratingHost, project: Workspace) -> None:
    quiet_s = QUIET_S + random.uniform(0, QUIET_S)  # noqa: S311 - so that the servers of two windows do not begin at once
    psutil.cpu_percent()
    while True:
        await asyncio.sleep(LOOK_S)
        idle = psutil.cpu_percent() <= IDLE_PERCENT
        if (idle and _still(server, project) and _idle_s(server) >= quiet_s) or not _wanted(project):
            return


async def _measure(
    server: CalibratingHost, project: Workspace, entry: ModelEntry, store: ModelStore
) -> Measurement | None:
    """One row, or None because somebody began to work."""
    from zicoder.models.calibration import measure

    task = asyncio.create_task(measure(entry, store, project.settings.engine))
    try:
        while not task.done():
            await asyncio.wait([task], timeout=NOTICE_S)
            if not _still(server, project) or _idle_s(server) < QUIET_S:
                return None
        return task.result()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _choose(
    server: CalibratingHost, project: Workspace, present: Sequence[ModelEntry], measured: Measured
) -> None:
    """Change to the best model if it is another one than is in use, and say what was chosen."""
    from zicoder.models.calibration import AGAIN, pick

    rows = measured.rows()
    best = pick(present, rows)
    if best is None or not _wanted(project):
        return
    figures = f": {rows[best.sha256].sentence}" if best.sha256 in rows else ""
    text = f"Zi chose {best.name}{figures}. {AGAIN}"
    log.info("%s", text)
    if (await project.infill_model()).name == best.name:
        return
    await server.choose_model_again()
    server.window_show_message(types.ShowMessageParams(type=types.MessageType.Info, message=text))


def _wanted(project: Workspace) -> bool:
    return project.settings.completion.enabled and project.settings.model.infill == "auto"


def _still(server: CalibratingHost, project: Workspace) -> bool:
    """Whether the engine has a model loaded and nothing to do."""
    return server.project is project and project.engine.status.state is EngineState.READY


def _idle_s(server: CalibratingHost) -> float:
    """Seconds since somebody typed in any open document."""
    if server.completer is None:
        return 0.0
    session = server.completer.session
    return min((session.idle_s(uri) for uri in server.open_uris), default=QUIET_S * 2)
