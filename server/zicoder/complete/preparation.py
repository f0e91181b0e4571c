"""What is made ready while nobody waits: the project's context, the names that may follow, the model's cache.

Owns the prompts of all requests, so that what is prepared and what is asked for are the same. A piece of context is
used only from when the model has read it: a request must never wait for one. Never searches on the keystroke path.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from zicoder.complete.guidance import GuideKeeper, Names
from zicoder.complete.syntax import comment_marks
from zicoder.context.repository import RepositoryContext
from zicoder.context.window import window_at
from zicoder.errors import ZiError
from zicoder.index.walk import FileFilter
from zicoder.models.protocols import ContextPart, Guide, InfillRequest
from zicoder.text import Snapshot
from zicoder.workspace import Workspace

__all__ = ["Preparation"]

log = logging.getLogger("zicoder.complete")

REST_S = 0.15
"""The cursor must stay for so long before the project is searched for its place."""
SEARCH = 4
"""Tokens that may be spent to find a likelier line than the greedy one, and are waited for: on the packages for tuning
20 found no more."""
TRIES = 4
"""How often a preparation that something more important ended is begun again."""


class Preparation:
    """Preparation for the documents of one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        names: Mapping[str, Names],
        documents: Callable[[], Iterable[Snapshot]],
    ) -> None:
        """`names` says who knows which names may follow, by language; `documents` gives all that are open."""
        self._workspace = workspace
        self._guides = GuideKeeper(names)
        self._documents = documents
        self._context: RepositoryContext | None = None
        self._context_failed = False
        self._read: dict[str, frozenset[ContextPart]] = {}
        """By document: the pieces of context that the model has read."""
        self._task: asyncio.Task[None] | None = None
        self._working_on = ""
        self._ready: tuple[str, str, int] | None = None
        """The document, its text and the place for which everything is ready."""
        self._reader: int | None = None
        """The engine's process that has read what is in `_read`."""
        self._made_of = self._ingredients()

    @property
    def busy(self) -> bool:
        """Whether something is being prepared."""
        return self._task is not None and not self._task.done()

    # --- what the editor tells

    def changed(self, before: Snapshot, after: Snapshot) -> None:
        """A document was edited."""
        if self._context is not None:
            self._context.changed(before, after)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        if self._working_on == uri:
            self.stop()
        if self._ready is not None and self._ready[0] == uri:
            self._ready = None
        self._guides.forget(uri)
        self._read.pop(uri, None)
        if self._context is not None:
            self._context.closed(uri)

    def path_of(self, snapshot: Snapshot) -> str:
        """Project-relative path of a document, the bare name of one outside, "" of one that is no file."""
        path = snapshot.path
        return "" if path is None else self._workspace.relative(path) or path.name

    # --- requests

    def request(self, snapshot: Snapshot, offset: int, *, all_context: bool = False) -> InfillRequest:
        """The prompt for a place. With `all_context` also with what the model has not read yet."""
        settings = self._workspace.settings
        window = window_at(
            snapshot,
            offset,
            prefix_tokens=settings.engine.prefix_tokens,
            suffix_tokens=settings.engine.suffix_tokens,
        )
        parts = self._parts(snapshot, offset)
        known = self._read.get(snapshot.uri, frozenset())
        return InfillRequest(
            document=snapshot.uri,
            prefix=window.prefix,
            suffix=window.suffix,
            near_prefix=window.near_prefix,
            near_suffix=window.near_suffix,
            max_tokens=settings.completion.max_tokens,
            title=self._title(snapshot),
            context=parts if all_context else tuple(part for part in parts if part in known),
            comment=comment_marks(snapshot.language),
            guide=self._guide(snapshot, offset),
            draft=settings.completion.on("drafting"),
            search=SEARCH if settings.completion.on("search") else 0,
        )

    def _title(self, snapshot: Snapshot) -> str:
        """What the document is, as far as a model may want to know; it may not end the line."""
        return " ".join(self.path_of(snapshot).split()) or snapshot.language

    def _parts(self, snapshot: Snapshot, offset: int) -> tuple[ContextPart, ...]:
        if self._context is None or not self._workspace.settings.completion.on("context"):
            return ()
        if not comment_marks(snapshot.language)[0]:
            return ()  # they would be taken for the document's own text
        return self._context.parts(snapshot, offset)

    def _guide(self, snapshot: Snapshot, offset: int) -> Guide | None:
        if not self._workspace.settings.completion.on("guide"):
            return None
        return self._guides.guide(snapshot, offset)

    # --- getting ready

    def moved(self, snapshot: Snapshot, offset: int) -> None:
        """Somebody is at this place and not typing: get everything ready for a request here."""
        self._meet_reader()
        if self._ready == (snapshot.uri, snapshot.text, offset):
            return
        self._begin(snapshot.uri, self._everything(snapshot, offset))

    def typed(self, snapshot: Snapshot, offset: int) -> None:
        """A request for this place comes in a moment: let the model read what was typed meanwhile."""
        self._begin(snapshot.uri, self._model_only(snapshot, offset))

    def settings_changed(self) -> None:
        """Under other settings, or with another model, nothing is ready any more.

        What the model has read stays, unless it is another one now or the project has other pieces: with others in
        front of it, it would have to read the whole text again.
        """
        self.stop()
        self._ready = None
        if self._made_of != (made_of := self._ingredients()):
            self._made_of = made_of
            self._read.clear()
            self._context, self._context_failed = None, False

    def _meet_reader(self) -> None:
        """Another process of the engine has read nothing."""
        if self._reader != (reader := self._workspace.engine.pid):
            self._reader, self._ready = reader, None
            self._read.clear()

    def _ingredients(self) -> tuple[object, ...]:
        """What the pieces of the project depend on, and who reads them."""
        settings = self._workspace.settings
        return self._workspace.choices, settings.index, settings.completion.project_tokens

    def stop(self) -> None:
        """Something more important is about to happen."""
        if self._task is not None:
            self._task.cancel()

    async def finished(self) -> None:
        """Wait for what is being prepared."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Stop, and wait for the end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self, uri: str, work: Coroutine[Any, Any, None]) -> None:
        self.stop()
        self._working_on = uri
        self._task = asyncio.create_task(_quietly(work))

    async def _model_only(self, snapshot: Snapshot, offset: int) -> None:
        model = await self._workspace.infill_model()
        await model.prefill(self.request(snapshot, offset))

    async def _everything(self, snapshot: Snapshot, offset: int) -> None:
        """The model first, with what is known; then names and context, and the model once more with those.

        Where no context is known yet, the model reads at first only what is next to the cursor: context stands before
        the text, so that all that it had read of that would have to be read again.
        """
        off = self._workspace.settings.completion.off
        context = None if "context" in off else await self._project_context()
        model = await self._workspace.infill_model()
        first = context is not None and snapshot.uri not in self._read
        await model.prefill(self.request(snapshot, offset), near_only=first)
        await asyncio.sleep(REST_S)
        if "guide" not in off:
            await self._guides.prepare(snapshot, offset)
        if context is None:
            return
        context.budget_tokens = self._workspace.settings.completion.project_tokens
        await context.prepare(snapshot, offset)
        for _ in range(TRIES):
            request = self.request(snapshot, offset, all_context=True)
            if await model.prefill(request, thorough=True):
                self._meet_reader()  # it may have been started by that
                self._read[snapshot.uri] = frozenset(request.context)
                self._ready = snapshot.uri, snapshot.text, offset
                return
            await asyncio.sleep(REST_S)

    async def _project_context(self) -> RepositoryContext | None:
        """Context from the workspace's root, made at first use; None for a workspace without one."""
        workspace = self._workspace
        root = workspace.root
        if self._context is None and root is not None and not self._context_failed:
            settings = workspace.settings
            try:
                files = await asyncio.to_thread(
                    FileFilter, root, max_bytes=settings.index.max_file_kb * 1024, ignore=settings.index.exclude
                )
            except ZiError as error:
                self._context_failed = True
                log.warning("No context from the project: %s", error.sentence)
                return None
            self._context = self._context or RepositoryContext(
                files,
                index=lambda: workspace.index,
                documents=self._documents,
                prefix_tokens=settings.engine.prefix_tokens,
                suffix_tokens=settings.engine.suffix_tokens,
            )
        return self._context


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except ZiError:
        return  # it was only preparation: the status shows what is wrong, and a request will say so
    except Exception:
        log.exception("internal error while getting ready for a suggestion")
