"""Notices when files of the index change on disk, by watchfiles.

Says which paths to look at again; it never reads a file and does not know the index. A change that is better answered
by a walk (very many files, an ignore file, a folder that came, went or was renamed) is a `rescan`.

Linux needs one watch for every folder, so only the folders that a walk enters are watched: a `node_modules` costs
nothing, and nothing that happens in it wakes us. macOS and Windows watch a whole tree with one handle, and that is
what they get. All of it happens in a thread of its own; the event loop only receives the results.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zicoder.index.walk import IGNORE_FILES, FileFilter, Walk

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

__all__ = ["Changes", "watch"]

log = logging.getLogger(__name__)

MANY = 200
"""More changed paths than this at once are a rescan. It also covers an overflow of the kernel's queue, which is not
reported to us: it takes 16,384 events to overflow, and the rescan comes after they were drained."""

QUIET_MS = 50  # without a change, before what was collected is told
LONGEST_MS = 400  # of collecting while changes keep coming
LOOK_MS = 2000  # between two looks whether the root is still there
POLL_MS = 10_000  # between two looks at every folder, where the system cannot watch
ATTEMPTS = 5  # at watching folders that vanish while we try

_WHOLE_TREE = sys.platform in {"win32", "darwin"}
_DELETED = 3  # watchfiles.Change.deleted, whose import is the slow part of the package


@dataclass(frozen=True, slots=True)
class Changes:
    """What to look at again. All paths are project-relative, with "/"."""

    changed: frozenset[str] = frozenset()
    """Files that are new or were written, and belong to the index as far as name and size tell."""
    deleted: frozenset[str] = frozenset()
    """Files that are gone, or that the index no longer takes. It may never have heard of some of them."""
    rescan: bool = False
    """Walk the whole project instead. The two sets are empty then, and the filter's rules were reloaded."""

    def __bool__(self) -> bool:
        return self.rescan or bool(self.changed) or bool(self.deleted)

    def then(self, later: Changes) -> Changes:
        """These changes and later ones as one."""
        changed = (self.changed - later.deleted) | later.changed
        deleted = (self.deleted - later.changed) | later.deleted
        if self.rescan or later.rescan or len(changed) + len(deleted) > MANY:
            return Changes(rescan=True)
        return Changes(changed, deleted)


async def watch(
    files: FileFilter,
    *,
    stop: asyncio.Event,
    poll: bool = False,
    on_ready: Callable[[], None] = lambda: None,
) -> AsyncIterator[Changes]:
    """Yields the changes under the filter's root until `stop` is set or the root is gone.

    What happens while the consumer is busy is merged into its next `Changes`. `on_ready` is called once the watching
    has begun: a walk that starts then misses nothing. `poll` looks at the files every `POLL_MS` ms instead of asking
    the system; it is also the way out, told by one line in the log, when the system has no watches left.
    """
    loop = asyncio.get_running_loop()
    pending = Changes()
    over = False
    news = asyncio.Event()

    def tell(changes: Changes | None) -> None:
        nonlocal pending, over
        if changes is None:
            over = True
        else:
            pending = pending.then(changes)
        news.set()

    def post(function: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(function, *args)

    halt = _Halt()
    watcher = _Watcher(files, poll, halt, ready=lambda: post(on_ready), tell=lambda changes: post(tell, changes))
    threading.Thread(target=watcher.run, name="zi-index-watch").start()
    stopped = asyncio.ensure_future(stop.wait())
    try:
        while not over and not stop.is_set():
            heard = asyncio.ensure_future(news.wait())
            try:
                await asyncio.wait({stopped, heard}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                heard.cancel()
            news.clear()
            if pending and not stop.is_set():
                changes, pending = pending, Changes()
                yield changes
    finally:
        halt.set()
        stopped.cancel()


class _Halt(threading.Event):
    """Also set when the program ends, so that a generator nobody closed does not keep the process alive."""

    def is_set(self) -> bool:
        return super().is_set() or not threading.main_thread().is_alive()


class _Watcher:
    """The thread's side. `tell(None)` is its last word."""

    def __init__(
        self,
        files: FileFilter,
        poll: bool,
        halt: threading.Event,
        *,
        ready: Callable[[], None],
        tell: Callable[[Changes | None], None],
    ) -> None:
        self._files = files
        self._poll = poll
        self._halt = halt
        self._ready = ready
        self._tell = tell
        self._folders: frozenset[str] = frozenset()

    def run(self) -> None:
        try:
            self._run()
        except Exception:
            log.exception("The project's files are no longer watched.")
        finally:
            self._tell(None)

    def _run(self) -> None:
        notify = self._begin()
        if notify is not None:
            self._ready()
        while notify is not None:
            try:
                raw = notify.watch(LONGEST_MS, QUIET_MS, LOOK_MS, self._halt)
            except RuntimeError as error:  # it gives up for good on a file whose name is not UTF-8
                log.debug("Watching begins anew: %s", error)
                self._halt.wait(QUIET_MS / 1000)
                raw = {(_DELETED, str(self._files.root))}
            if raw in ("stop", "signal") or not self._files.root.is_dir():
                notify.close()
                return
            if isinstance(raw, str):
                continue
            changes, folders_changed = self._judge(raw)
            if folders_changed:
                # The new watch begins before the old one ends, and the rescan is told after that: nothing is missed.
                self._files.reload()
                later = self._begin()
                notify.close()
                notify = later
            if changes:
                self._tell(changes)

    def _begin(self) -> RustNotify | None:
        """A watch over the folders as they are now, or None if the root is gone."""
        for _ in range(ATTEMPTS):
            self._folders = frozenset(Walk(self._files).folders())
            try:
                return self._notify(self._poll)
            except (FileNotFoundError, PermissionError):
                if not self._files.root.is_dir():
                    return None
            except (OSError, RuntimeError) as error:
                if self._poll:
                    raise
                log.warning(
                    "The system cannot watch the %d folders of %s (%s), so changes outside the editor show up after"
                    " up to %d s. On Linux, raise fs.inotify.max_user_watches.",
                    len(self._folders),
                    self._files.root,
                    error,
                    POLL_MS // 1000,
                )
                self._poll = True
        raise RuntimeError("The folders come and go too fast to be watched.")

    def _notify(self, poll: bool) -> RustNotify:
        from watchfiles._rust_notify import RustNotify

        whole = _WHOLE_TREE and not poll
        places = [str(self._files.root)] if whole else [self._files.absolute(folder) for folder in self._folders]
        # Of single folders no error may be ignored: asked to ignore a lack of permission, watchfiles 1.3 also keeps
        # quiet about a lack of watches.
        return RustNotify(places, False, poll, POLL_MS, whole, whole)

    def _judge(self, raw: Iterable[tuple[int, str]]) -> tuple[Changes, bool]:
        """What these events mean, and whether the folders to watch, or the rules, are others now."""
        changed: set[str] = set()
        deleted: set[str] = set()
        for change, place in raw:
            path = self._files.relative(place)
            if path is None or path in changed or path in deleted:
                continue
            folder, _, name = path.rpartition("/")
            is_folder = os.path.isdir(place) and not os.path.islink(place)  # noqa: PTH112, PTH114 - many paths
            known_folder = path in self._folders
            if known_folder:
                # One that is back already was replaced, and the watch is on the old one.
                anew = change == _DELETED or not is_folder
            elif is_folder:
                anew = self._files.folder_reason(path) is None
            else:
                anew = name in IGNORE_FILES and folder in self._folders
            if anew or len(changed) + len(deleted) > MANY:
                return Changes(rescan=True), True
            if not is_folder and self._files.reason(path, size=0) is None:
                (changed if self._files.reason(path) is None else deleted).add(path)
        return Changes(frozenset(changed), frozenset(deleted)), False
