"""Python analysis by jedi, asked from asyncio: the only module that calls jedi.

What it must never do: import jedi at start-up (0.2-0.5 s), call it from two threads, run anything a project brought
along (its interpreter, its compiled extensions, its `.jedi` folder), or let one of jedi's many exceptions out.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from zicoder.assist import answers
from zicoder.assist.jedi_text import JediText
from zicoder.assist.names_at import Survey
from zicoder.assist.outline import outline
from zicoder.assist.types import CompletionDetail, CompletionList, HoverInfo, Location, SignatureHelp, Symbol
from zicoder.assist.worker import Worker
from zicoder.models.protocols import Guide
from zicoder.text import Snapshot

__all__ = ["MAX_CHARS", "JediBridge"]

log = logging.getLogger("zicoder.assist")

MAX_CHARS = 1_000_000
"""Longest document analysed. parso takes some seconds a megabyte, in which every other question would wait."""

_KEPT_LISTS = 3
"""Completion lists whose items can still be resolved; an editor asks about the list it shows, or the one before."""

_PLATFORM_TWINS = {"ntpath": "posixpath"} if os.name == "posix" else {"posixpath": "ntpath"}
"""jedi does not see that `os.path` depends on the platform and answers with the wrong one of these."""

T = TypeVar("T")


class JediBridge:
    """One analysis of one project root under one interpreter.

    Every question may be asked at any time, from one event loop; answers are plain values. What cannot be answered is
    answered empty, and the reason is logged to "zicoder.assist", once for each kind.
    """

    def __init__(self, interpreter: str = "", root: Path | None = None) -> None:
        self._interpreter = interpreter
        self._root = root
        self._worker = Worker("zicoder-jedi")
        self._closing = False
        self._reported: set[tuple[str, str]] = set()
        self._survey: Survey | None = None
        # From here on: touched by the worker's thread only.
        self._environment: Any = None
        self._projects: dict[Path, Any] = {}
        self._script: tuple[Snapshot, Any] | None = None
        self._lists: OrderedDict[int, list[Any]] = OrderedDict()
        self._serials = count(1)

    async def complete(self, snapshot: Snapshot, offset: int) -> CompletionList:
        """What can stand at `offset`. Asked before any other waiting question, and the newest first."""
        empty = CompletionList(start=offset, end=offset)
        if _too_long(snapshot):
            return empty
        return await self._ask("completion", lambda: self._complete(snapshot, offset), empty, urgent=True)

    async def warm(self) -> None:
        """Import jedi, start its child process and read the builtins, so that the first question need not wait for it.

        For a quiet moment after a Python document was opened; every other question goes first.
        """
        nothing = Snapshot(uri="untitled:warm", text="")
        await self._ask("warm-up", lambda: self._open(nothing).complete(1, 0), None)

    async def resolve(self, token: str) -> CompletionDetail:
        """Documentation and signature of an item; empty when its list is no longer among the latest few."""
        return await self._ask("completion details", lambda: self._resolve(token), CompletionDetail())

    async def hover(self, snapshot: Snapshot, offset: int) -> HoverInfo | None:
        """What is known about the name at `offset`."""
        if _too_long(snapshot):
            return None
        return await self._ask("hover", lambda: self._hover(snapshot, offset), None)

    async def signatures(self, snapshot: Snapshot, offset: int) -> SignatureHelp | None:
        """The signatures of the innermost call whose brackets `offset` is in."""
        if _too_long(snapshot):
            return None
        return await self._ask("signature help", lambda: self._signatures(snapshot, offset), None, urgent=True)

    async def definitions(self, snapshot: Snapshot, offset: int) -> tuple[Location, ...]:
        """Where the name at `offset` is defined, imports followed."""
        if _too_long(snapshot):
            return ()
        return await self._ask("definition", lambda: self._definitions(snapshot, offset), ())

    async def symbols(self, snapshot: Snapshot) -> tuple[Symbol, ...]:
        """The outline of the document."""
        if _too_long(snapshot):
            return ()
        return await self._ask("outline", lambda: self._symbols(snapshot), ())

    async def guide(self, snapshot: Snapshot, offset: int, *, around: bool = True, seconds: float = 5.0) -> Guide:
        """Which names can stand at `offset`, and, with `around`, behind the names near it, as far as `seconds` suffice.

        Any other question comes in between, and the next question of this kind ends this one.
        """
        survey = self._survey = Survey(snapshot, offset, open_document=self._open, open_probe=self._open_probe)
        deadline = time.monotonic() + seconds
        if _too_long(snapshot):
            return survey.guide
        for question in survey.questions(around=around):
            await self._ask("names for a guide", question, None)
            if self._survey is not survey or time.monotonic() > deadline:
                break
        return survey.guide

    async def search_path(self) -> list[str]:
        """Where the chosen interpreter finds installed packages."""
        nothing = Snapshot(uri="untitled:path", text="")

        def answer() -> list[str]:
            self._open(nothing)
            return [str(each) for each in self._environment.get_sys_path()]

        return await self._ask("search path", answer, list[str]())

    async def work(
        self, what: str, snapshot: Snapshot, question: Callable[[Any, JediText], T], empty: T, *, urgent: bool = False
    ) -> T:
        """What `question` makes of jedi's script of a document, in the bridge's thread; `empty` when jedi fails.

        For the other modules of this room. `question` must return plain values, and soon: others wait meanwhile.
        """
        if _too_long(snapshot):
            return empty
        return await self._ask(what, lambda: question(self._open(snapshot), JediText(snapshot)), empty, urgent=urgent)

    def close(self) -> None:
        """Cancel what waits, and end jedi's child process as soon as the present question is through."""
        self._closing = True
        self._worker.close(self._release)

    async def _ask(self, what: str, question: Callable[[], T], empty: T, *, urgent: bool = False) -> T:
        """The one boundary at which jedi's exceptions stop."""

        def answer() -> T:
            try:
                return question()
            except Exception as error:  # noqa: BLE001  jedi raises anything: RecursionError, KeyError, its own
                self._script = None
                if not self._closing:  # at exit, Python ends jedi's child process under a question that still runs
                    self._report(what, error)
                return empty

        return await self._worker.run(answer, urgent=urgent)

    def _report(self, what: str, error: Exception) -> None:
        """Log a failure, the first of its kind where it will be seen, with its trace for a bug report."""
        kind = (what, type(error).__name__)
        level = logging.DEBUG if kind in self._reported else logging.WARNING
        self._reported.add(kind)
        log.log(level, "No %s: jedi failed with %s: %s", what, kind[1], error, exc_info=error)

    def _release(self) -> None:
        self._script = self._environment = None
        self._projects.clear()
        self._lists.clear()
        # jedi ends its child process in a finaliser, and its objects hang together in cycles.
        gc.collect()

    # Everything below runs in the worker's thread.

    def _complete(self, snapshot: Snapshot, offset: int) -> CompletionList:
        text = JediText(snapshot)
        if not text.wants_completion(offset):
            return CompletionList(start=offset, end=offset)
        found: list[Any] = self._open(snapshot).complete(*text.place(offset))
        serial = next(self._serials)
        listed, kept = answers.completion_list(found, offset, serial)
        self._lists[serial] = kept
        while len(self._lists) > _KEPT_LISTS:
            self._lists.popitem(last=False)
        return listed

    def _resolve(self, token: str) -> CompletionDetail:
        serial, _, index = token.partition(":")
        if not (serial.isdecimal() and index.isdecimal()):
            return CompletionDetail()
        kept = self._lists.get(int(serial), [])
        return answers.completion_detail(kept[int(index)]) if int(index) < len(kept) else CompletionDetail()

    def _hover(self, snapshot: Snapshot, offset: int) -> HoverInfo | None:
        text = JediText(snapshot)
        start, end = text.word(offset)
        if start == end:
            return None
        names = self._on_this_platform(self._open(snapshot).help(*text.place(start)))
        if not names:
            return None
        return answers.hover_info(names[0], start, end, self._type_hint(names[0]))

    def _type_hint(self, name: Any) -> str | None:
        """Jedi's idea of a variable's type. It fails on its own for some types; the rest of a hover is still good."""
        if name.type not in ("statement", "param", "instance", "property"):
            return None
        try:
            return name.get_type_hint()
        except Exception as error:  # noqa: BLE001  as at the boundary
            self._report("type of a variable", error)
            return None

    def _signatures(self, snapshot: Snapshot, offset: int) -> SignatureHelp | None:
        place = JediText(snapshot).place(offset)
        return answers.signature_help(self._open(snapshot).get_signatures(*place))

    def _definitions(self, snapshot: Snapshot, offset: int) -> tuple[Location, ...]:
        text = JediText(snapshot)
        start, end = text.word(offset)
        if start == end:
            return ()
        names = self._open(snapshot).goto(*text.place(start), follow_imports=True, follow_builtin_imports=True)
        return answers.locations(self._on_this_platform(names), text)

    def _symbols(self, snapshot: Snapshot) -> tuple[Symbol, ...]:
        text = JediText(snapshot)
        parso: Any = importlib.import_module("parso")
        if self._script is not None and self._script[0] is not snapshot:
            self._script = None  # its tree is about to become that of `snapshot`
        # Under the document's own path, parso parses only what changed, and jedi shares the tree.
        tree = parso.load_grammar().parse(text.code, path=snapshot.path, diff_cache=snapshot.path is not None)
        return outline(tree, text)

    def _on_this_platform(self, names: list[Any]) -> list[Any]:
        """Replace functions of the other platform's `os.path` by this one's."""
        return [self._twin(name) or name for name in names]

    def _twin(self, name: Any) -> Any:
        twin = _PLATFORM_TWINS.get(name.module_name)
        if twin is None or name.type == "module":
            return None
        code = f"import {twin}\n{twin}.{name.name}"
        project = self._project(None)
        # A path of its own: parso keeps one tree for each path and changes it in place for the next text under it.
        script = self._jedi().Script(
            code, path=project.path / "zi_platform_twin.py", environment=self._environment, project=project
        )
        return next(iter(script.goto(2, len(twin) + 1, follow_imports=True)), None)

    def _open(self, snapshot: Snapshot) -> Any:
        """Jedi's view of a snapshot; the last one is kept, for several questions about one version."""
        if self._script is not None and self._script[0] is snapshot:
            return self._script[1]
        script = self._script_of(JediText(snapshot).code, snapshot.path, snapshot)
        self._script = (snapshot, script)
        return script

    def _open_probe(self, snapshot: Snapshot, code: str) -> Any:
        """Jedi's view of another text in the place of a document, whose own tree stays as it is."""
        path = snapshot.path and snapshot.path.with_name(f"zi_probe_of_{snapshot.path.name}")
        return self._script_of(code, path, snapshot)

    def _script_of(self, code: str, path: Path | None, snapshot: Snapshot) -> Any:
        if self._environment is None:
            self._environment = self._start_environment()
        project = self._project(snapshot.path)
        return self._jedi().Script(code, path=path, environment=self._environment, project=project)

    @staticmethod
    def _jedi() -> Any:
        return importlib.import_module("jedi")

    def _project(self, path: Path | None) -> Any:
        """A project made by us: left to itself, jedi takes settings from a `.jedi` folder it finds on the way up."""
        base = self._root or (path.parent if path else Path(sys.prefix))
        if base not in self._projects:
            has_sources = self._root is not None or path is not None
            self._projects[base] = self._jedi().Project(base, load_unsafe_extensions=False, smart_sys_path=has_sources)
        return self._projects[base]

    def _start_environment(self) -> Any:
        """The child process in which compiled modules are looked at: the user's interpreter, or our own."""
        environments: Any = importlib.import_module("jedi.api.environment")
        variables = _safe_variables(os.environ, self._root)
        if self._interpreter:
            chosen = Path(self._interpreter).expanduser()
            if not chosen.exists():
                log.warning("The Python interpreter %s does not exist; Zi Coder's own is used instead.", chosen)
            else:
                try:
                    return environments.create_environment(str(chosen), safe=False, env_vars=variables)
                except environments.InvalidPythonEnvironment as error:
                    log.warning("The Python interpreter %s cannot be used: %s Zi Coder's own is.", chosen, error)
        return environments.create_environment(sys.executable, safe=False, env_vars=variables)


def _too_long(snapshot: Snapshot) -> bool:
    return len(snapshot.text) > MAX_CHARS


def _safe_variables(variables: Mapping[str, str], root: Path | None) -> dict[str, str]:
    """The environment for the child process, without search paths that lead into the project.

    jedi imports compiled modules from everything on the child's `sys.path`; a PYTHONPATH of "." would make a project's
    own extensions part of it.
    """
    kept = dict(variables)
    entries = [Path(entry) for entry in kept.pop("PYTHONPATH", "").split(os.pathsep) if entry]
    outside = [e for e in entries if e.is_absolute() and not (root and e.resolve().is_relative_to(root.resolve()))]
    if outside:
        kept["PYTHONPATH"] = os.pathsep.join(map(str, outside))
    return kept
