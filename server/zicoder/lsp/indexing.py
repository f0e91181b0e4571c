"""Keeping the project's code index open and up to date for as long as a client's session lasts.

Owns the task that does it, one at a time, and why there is no index, if there is none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from zicoder.errors import CodeIndexError, ZiError
from zicoder.lsp.features import code_index
from zicoder.lsp.progress import BackgroundProgress
from zicoder.lsp.status import StatusReporter

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.workspace import Workspace

__all__ = ["Indexing", "IndexingHost"]

log = logging.getLogger("zicoder.lsp")


class IndexingHost(code_index.IndexHost, Protocol):
    """A server that shows what the index does."""

    status: StatusReporter

    @property
    def bars(self) -> Any: ...  # noqa: D102
    def in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]: ...  # noqa: D102


class Indexing:
    """The code index of one session, which a change of settings makes anew."""

    def __init__(self, server: IndexingHost) -> None:
        self._server = server
        self.error: ZiError | None = None
        """Why there is no code index."""
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._watching = False

    async def restart(self, project: Workspace) -> None:
        """End the code index, if there is one, and begin with a new one in the background."""
        async with self._turn:
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait([self._task])
            await project.close_index()
            self._task = self._server.in_background(self._keep(project))

    async def _keep(self, project: Workspace) -> None:
        server = self._server
        self.error = None
        try:
            index = await project.open_index(server.status.index)
            if not self._watching:
                self._watching = True
                server.in_background(code_index.watch_files(server))
            code_index.tell_open_documents(server)
            async with BackgroundProgress(server.bars, "Zi Coder: indexing") as progress:
                await index.run(progress)
        except ZiError as error:
            log.info("%s", error.sentence)
            self._none(error)
        except Exception:
            self._none(CodeIndexError("The code index stopped because of a mistake of ours.", hint="See the log."))
            raise

    def _none(self, reason: ZiError) -> None:
        self.error = reason
        self._server.status.no_index(reason)
