"""The table of `zi bench completion`: every row's answer at every hole, in the same run, hole by hole in turns.

Owns the order of the work, what is kept of it while it runs, and the figures that come out. An answer that fails is
counted, and the run goes on.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tests.bench import _completion_peer as peer
from tests.bench._completion_direct import Direct, plain_request
from tests.bench._completion_holes import KINDS, Hole
from tests.bench._completion_metrics import difference, interval, score
from tests.bench._completion_session import HOLE_S, Session, by_package, can_switch, say
from tests.bench._harness import ROOT
from tests.bench.corpora import source

from zicoder.models.llama import default_threads
from zicoder.models.store import ModelStore, choose_infill

__all__ = ["Kept", "measure", "one_line", "summary", "table"]

Row = dict[str, Any]
DIRECT = ("plain", "peer")
ANSWER_S, PACKAGE_S = 4.0, 60.0
"""About what an answer and a package's index take on two cores, for the estimate before anything is known."""
ASIDE = {"acp", "actions", "agents", "chat", "checks", "cli", "commands", "fixing", "hover", "lsp", "web"}
"""Folders of the server that have no part in a suggestion, beside handing it over."""
COLUMNS = ("exact", "edit", "whole", "identifiers", "shown", "valid", "clean", "ms", "evaluated", "generated")


class Kept:
    """What was measured so far, in a file that a later run of the same code goes on with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._code = _code()
        self.rows: dict[tuple[str, str], Row] = {}
        """(hole, variant) -> what came out."""
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                if row.pop("code") == self._code:
                    self.rows[row["hole"], row["variant"]] = row

    def add(self, row: Row) -> None:
        """Keep one more."""
        self.rows[row["hole"], row["variant"]] = row
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"code": self._code, **row}) + "\n")


def _code() -> str:
    """What can change an answer, or how it is judged, as it is, committed or not."""
    digest = hashlib.sha256()
    server = [path for path in (ROOT / "server/zicoder").rglob("*.py") if not ASIDE & set(path.parts)]
    for path in sorted([*server, *(ROOT / "tests/bench").glob("_completion_*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


async def measure(holes: Sequence[Hole], variants: Sequence[str], folder: Path, kept: Kept) -> None:
    """Answer every hole by every variant that is not in `kept` yet."""
    if missing := [variant for variant in variants if not can_switch(variant)]:
        say(f"this server has no switches for {', '.join(missing)}")
    variants = [variant for variant in variants if variant not in missing]
    todo = [hole for hole in holes if any((hole.name, variant) not in kept.rows for variant in variants)]
    groups = by_package(todo)
    seconds = len(todo) * len(variants) * ANSWER_S + len(groups) * PACKAGE_S
    say(f"{len(todo)} of {len(holes)} holes to go, {len(variants)} rows: about {seconds / 60:.0f} minutes on two cores")
    direct = _Direct() if set(variants) & set(DIRECT) else None
    served = [variant for variant in variants if variant not in DIRECT]
    started, done = time.monotonic(), 0
    try:
        for package, group in groups.items():
            session = Session(package, folder) if served else None
            try:
                if session is not None:
                    await session.start()
                for hole in group:
                    await _one_hole(hole, variants, session, direct, kept, turn=done)
                    done += 1
                    left = (time.monotonic() - started) / done * (len(todo) - done)
                    say(f"{done}/{len(todo)} {package} {hole.kind}; about {left / 60:.0f} minutes left")
                    if session is not None and not session.alive:
                        say(f"{package}: the server ended; a new one is started")
                        await session.stop()
                        session = Session(package, folder)
                        await session.start()
            except Exception as error:  # noqa: BLE001 - one package less is better than no result
                say(f"{package}: {type(error).__name__}: {error}")
            finally:
                if session is not None:
                    await session.stop()
    finally:
        if direct is not None:
            direct.close()


async def _one_hole(
    hole: Hole, variants: Sequence[str], session: Session | None, direct: _Direct | None, kept: Kept, *, turn: int
) -> None:
    """All variants at one hole; who begins changes from hole to hole, as the first finds the caches coldest."""
    stale = session is not None and not await session.punch(hole)
    try:
        for n in range(len(variants)):
            variant = variants[(turn + n) % len(variants)]
            if (hole.name, variant) in kept.rows:
                continue
            row: Row = {"hole": hole.name, "variant": variant, "kind": hole.kind, "language": hole.language}
            try:
                async with asyncio.timeout(HOLE_S):
                    row |= await _ask(hole, variant, session, direct)
            except Exception as error:  # noqa: BLE001 - whatever went wrong is a row of the result
                if variant in DIRECT and direct is not None:
                    direct.close()  # its answer may still come, to the next question
                row |= {"error": f"{type(error).__name__}: {error}"}
            kept.add(row | ({"stale": True} if stale else {}))
    finally:
        if session is not None:
            session.leave(hole)


async def _ask(hole: Hole, variant: str, session: Session | None, direct: _Direct | None) -> Row:
    if variant in DIRECT:
        assert direct is not None
        text, cost = await asyncio.to_thread(direct.ask, variant, hole)
    else:
        assert session is not None
        await session.use(variant)
        answer = asdict(await session.answer(hole))
        text, cost = answer.pop("text"), answer
    judged = score(text, hole.target, prefix=hole.prefix, suffix=hole.suffix, language=hole.language)
    return {**asdict(judged), **cost, "text": text}


class _Direct:
    """The rows that go round the server; a process starts when it is first needed, and anew when it died."""

    def __init__(self) -> None:
        self._children: dict[str, Direct] = {}
        """By row: each keeps its own last prompt."""

    def ask(self, variant: str, hole: Hole) -> tuple[str, Row]:
        if variant not in self._children:
            self._children[variant] = Direct(choose_infill("auto", ModelStore()).path, default_threads())
        child = self._children[variant]
        if variant == "plain":
            asked = plain_request(hole)
        else:
            asked = peer.request(hole, peer.pick_ring(hole, source(hole.package)))
        try:
            answer = child.ask(asked)
        except (EOFError, OSError):
            if self._children.get(variant) is child:
                del self._children[variant]
            raise
        text = answer.pop("text")
        return (text if variant == "plain" else peer.shown(text, hole)), answer

    def close(self) -> None:
        """End the processes, also in the middle of an answer, which then fails."""
        while self._children:
            self._children.popitem()[1].close()


def summary(rows: Sequence[Row], variants: Sequence[str]) -> dict[str, Any]:
    """The figures of each row, over all holes, by language and by kind; percent, milliseconds, tokens."""
    result: dict[str, Any] = {}
    groups: dict[str, Callable[[Row], bool]] = {"all": lambda _: True}
    for language in sorted({row["language"] for row in rows}):
        groups[language] = lambda row, language=language: row["language"] == language
    for kind in KINDS:
        groups[kind] = lambda row, kind=kind: row["kind"] == kind
    for name, belongs in groups.items():
        chosen = [row for row in rows if belongs(row)]
        result[name] = {variant: _figures(chosen, variant) for variant in variants}
        if not any(result[name].values()):
            del result[name]
    return result


def _figures(rows: Sequence[Row], variant: str) -> Row:
    good = {row["hole"]: row for row in rows if row["variant"] == variant and "error" not in row}
    failed = sum(row["variant"] == variant and "error" in row for row in rows)
    if not good:
        return {"holes": 0, "failed": failed} if failed else {}
    values = list(good.values())
    shown = [row for row in values if row["shown"]]
    files = [_file(row["hole"]) for row in values]
    words = [row["identifiers"] for row in values if row["identifiers"] is not None]
    figures: Row = {
        "holes": len(values),
        "failed": failed,
        "stale": sum(bool(row.get("stale")) for row in values),
        "exact": _percent([row["exact"] for row in values]),
        "exact_95": [round(100 * value, 1) for value in interval([row["exact"] for row in values], files)],
        "edit": _percent([row["edit"] for row in values]),
        "whole": _percent([row["whole"] for row in values]),
        "identifiers": _percent(words),
        "shown": _percent([row["shown"] for row in values]),
        "exact_of_shown": _percent([row["exact"] for row in shown]),
        "valid_of_shown": _percent([row["valid"] for row in shown]),
        "clean_of_shown": _percent([row["clean"] for row in shown]),
        **_spread("ms", [row["ms"] for row in values]),
        **_spread("evaluated", [row["evaluated"] for row in values]),
        "generated": round(statistics.mean(row["generated"] for row in values), 1),
    }
    if prepared := [row["prepare_ms"] for row in values if "prepare_ms" in row]:
        figures |= _spread("prepare_ms", prepared)
    full = {row["hole"]: row for row in rows if row["variant"] == "full" and "error" not in row}
    if variant != "full" and (both := sorted(full.keys() & good.keys())):
        for name in ("exact", "edit"):
            pairs = [full[hole][name] for hole in both], [good[hole][name] for hole in both]
            found = difference(*pairs, [_file(hole) for hole in both])
            figures[f"full_minus_{name}"] = [round(100 * value, 1) for value in found]
    return figures


def _file(hole: str) -> str:
    """What the name of a hole says of its file: holes of one file are alike."""
    return hole.rsplit(":", 2)[0]


def _percent(values: Sequence[float]) -> float | None:
    return round(100 * statistics.mean(values), 1) if values else None


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    return {f"{name}_p{p}": round(float(np.percentile(values, p)), 1) for p in (50, 95)}


def one_line(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Hole -> variant -> the values of COLUMNS, or the error; without any text of the packages."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        values = row.get("error") or [_short(row[column]) for column in COLUMNS]
        found.setdefault(row["hole"], {})[row["variant"]] = values
    return found


def _short(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return round(value, 3) if isinstance(value, float) else value


def table(figures: dict[str, Row]) -> str:
    """One group of `summary` for people."""
    heads = ("row", "holes", "exact", "95 %", "edit", "whole", "ident", "shown", "valid", "clean", "ms", "p95", "eval")
    names = ("edit", "whole", "identifiers", "shown", "valid_of_shown", "clean_of_shown")
    lines = [f"{heads[0]:<16}" + "".join(f"{head:>12}" if head == "95 %" else f"{head:>8}" for head in heads[1:])]
    for variant, row in figures.items():
        if row.get("holes"):
            cells = [f"{row['holes']:>8}{row['exact']:>8}{'-'.join(map(str, row['exact_95'])):>12}"]
            cells += [f"{'-' if row[name] is None else row[name]:>8}" for name in names]
            cells += [f"{row['ms_p50']:>8.0f}{row['ms_p95']:>8.0f}{row['evaluated_p50']:>8.0f}"]
            lines.append(f"{variant:<16}" + "".join(cells))
    return "\n".join(lines)
