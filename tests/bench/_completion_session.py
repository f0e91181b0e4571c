"""One package under one language server, as an editor would have it open, and the holes punched into its files on disk.

Owns the working copy: a hole's file on disk is what the hole leaves of it, and the index knows it so, before anything
is asked. Must never write into the cache of the corpora.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types
from tests.bench._completion_holes import Hole
from tests.bench._harness import Editor
from tests.bench.corpora import source

__all__ = ["OFF", "VARIANTS", "Answer", "Session", "by_package", "can_switch", "isolate", "say", "settings_of"]

_OURS = frozenset({"ZI_BENCH_DIR", "ZI_DATA_DIR"})
FORGET_S = 8.0
"""How long the index may take to forget the line that was taken out."""
PREPARE_S = 120.0
QUIET_S, LEAST_S = 0.4, 0.3
"""Without the command `zi.prepared`: no processor time for this long, after at least so long."""
HOLE_S = 300.0
"""The longest that one answer may take, preparing included, before it counts as failed."""

OFF: dict[str, tuple[str, ...]] = {
    "full": (),
    "no-context": ("context",),
    "no-guide": ("guide",),
    "no-search": ("search",),
    "no-check": ("check",),
    "no-drafting": ("drafting",),
    "no-type-through": ("type_through",),
    "no-speculation": ("speculation",),
    "no-gate": ("gate",),
    "filtered": ("context", "guide", "search", "check", "drafting", "speculation"),
}
"""The parts that each row of the server has switched off. `filtered` is the plain prompt behind our filters."""
VARIANTS = ("full", "plain", "filtered", "no-context", "no-guide", "no-search", "no-check", "no-drafting", "peer")


def say(what: str) -> None:
    """One line of what happens, for whoever waits."""
    print(f"completion: {what}", file=sys.stderr, flush=True)


def isolate(folder: Path) -> None:
    """Point this process and its children to folders of the benchmark, and drop the user's settings."""
    for name in [name for name in os.environ if name.startswith("ZI_") and name not in _OURS]:
        del os.environ[name]
    os.environ.update({f"ZI_{name}_DIR": str(folder / name.lower()) for name in ("CACHE", "CONFIG", "LOG", "STATE")})


def can_switch(variant: str) -> bool:
    """Whether this version of the server has the switches that a variant needs."""
    from zicoder.settings import CompletionSettings

    try:
        CompletionSettings.model_validate(settings_of(variant)["completion"])
    except ValueError:
        return False
    return True


def settings_of(variant: str, *, patient: bool = True) -> dict[str, Any]:
    """The editor's settings of a row. Better vectors are left out: they would be made between the measurements.

    Somebody `patient` gets every answer, however busy the machine is.
    """
    completion: dict[str, Any] = {"timeout_ms": 20_000} if patient else {}
    if OFF.get(variant):
        completion["off"] = list(OFF[variant])
    return {"completion": completion, "index": {"embedder": "none"}, "log": {"level": "error"}}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said at one hole. Milliseconds; tokens of the prompt that the request itself had to evaluate."""

    text: str
    ms: float
    prepare_ms: float
    evaluated: int
    generated: int
    stage: str


class Session:
    """A server over a working copy of one package."""

    def __init__(self, package: str, folder: Path, *, patient: bool = True) -> None:
        self._patient = patient
        self.package = package
        self.root = folder / "copies" / package.replace("/", "-").removeprefix("@")
        self._originals = source(package)
        self._variant = "full"
        self.editor = Editor(settings_of("full", patient=patient))
        self._punched: set[str] = set()

    async def start(self) -> None:
        """Copy the package, start the server and wait for model and index."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(shutil.copytree, self._originals, self.root)
        start = time.perf_counter()
        await self.editor.start(self.root)
        await self.editor.ready(300)
        files = await self.editor.index_ready()
        say(f"{self.package}: {files} files indexed after {time.perf_counter() - start:.0f} s")

    async def stop(self) -> None:
        """End the server, and make sure of it."""
        with suppress(Exception):
            await asyncio.wait_for(self.editor.stop(), 20)
        with suppress(Exception):
            self.editor.process.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def alive(self) -> bool:
        """Whether the server still runs."""
        with suppress(Exception):
            return self.editor.process.is_running()
        return False

    def uri(self, hole: Hole) -> str:
        return (self.root / hole.path).as_uri()

    async def punch(self, hole: Hole) -> bool:
        """Put the file with the hole on disk and into the editor; whether the index has forgotten the line."""
        for name in self._punched - {hole.path}:
            self._restore(name)
        self._punched.add(hole.path)
        path = self.root / hole.path
        path.write_text(hole.punched, encoding="utf-8", newline="")
        self.editor.save(self.uri(hole))
        forgotten = await self._forgotten(hole)
        self.editor.open(self.uri(hole), hole.punched, hole.language)
        return forgotten

    def leave(self, hole: Hole) -> None:
        """Close the document; the file stays as it is until another one is punched."""
        self.editor.close(self.uri(hole))

    def _restore(self, name: str) -> None:
        self._punched.discard(name)
        shutil.copyfile(self._originals / name, self.root / name)
        self.editor.save((self.root / name).as_uri())

    async def _forgotten(self, hole: Hole) -> bool:
        """Wait until a search of the file finds the lines of the hole no more."""
        row = hole.position[0]
        before = hole.prefix.rpartition("\n")[2]
        line = (before + hole.target.split("\n")[0] + hole.suffix.partition("\n")[0]).strip()
        if line in hole.punched:
            await asyncio.sleep(1.0)  # it stands elsewhere in the file, too
            return True
        query = "\n".join(hole.text.split("\n")[max(0, row - 1) : row + 2])
        end = time.monotonic() + FORGET_S
        while time.monotonic() < end:
            hits = await self.editor.command("zi.search", query, 10, [], hole.path)
            if hits and not any(line in hit["text"] for hit in hits):
                return True
            await asyncio.sleep(0.1)
        return False

    async def use(self, variant: str) -> None:
        """Switch the server to a row's settings."""
        if variant != self._variant:
            await self.editor.configure(settings_of(variant, patient=self._patient))
            self._variant = variant

    async def answer(self, hole: Hole) -> Answer:
        """Move the cursor to the hole, wait until the server is ready for it, and ask by hand."""
        position = types.Position(*hole.position)
        start = time.perf_counter()
        self.editor.cursor(self.uri(hole), position)
        await self.prepared()
        ready = time.perf_counter()
        text = await self.editor.ghost(self.uri(hole), position, invoked=True)
        end = time.perf_counter()
        why = await self.editor.why()
        if why["outcome"] == "failed":
            raise RuntimeError(why["reason"])
        return Answer(
            text=text,
            ms=(end - ready) * 1000,
            prepare_ms=(ready - start) * 1000,
            evaluated=why["evaluatedTokens"] or 0,
            generated=why["generatedTokens"] or 0,
            stage=why["stage"],
        )

    async def prepared(self) -> None:
        """Wait until the server has done what it does while the cursor rests, at most `PREPARE_S`."""
        end = time.monotonic() + PREPARE_S
        await asyncio.sleep(LEAST_S)
        used, since = self.editor.cpu_s(), time.monotonic()
        while time.monotonic() < end:
            await asyncio.sleep(0.05)
            if "zi.prepared" in self.editor.commands:
                if (await self.editor.command("zi.prepared"))["prepared"]:
                    return
            elif (now := self.editor.cpu_s()) > used:
                used, since = now, time.monotonic()
            elif time.monotonic() - since > QUIET_S:
                return


def by_package(holes: Iterable[Hole]) -> dict[str, list[Hole]]:
    """Holes grouped, in their order."""
    groups: dict[str, list[Hole]] = {}
    for hole in holes:
        groups.setdefault(hole.package, []).append(hole)
    return groups
