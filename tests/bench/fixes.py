"""`zi bench fixes`: how good the fixes are that the language server offers for mistakes put into released packages.

Mistakes (_fixes_mutants.py) go into one file at a time, in an editor that talks to the real server: what does it mark,
what does it offer there, and is an offer the code as it was (_fixes_judge.py)? A mistake that nothing marks counts as
"no diagnostic". What is preferred must be right: the share of wrong ones among them is the figure to watch.

Without a model only the actions that need none are measured. With `--model-cases N` the first N cases that are marked,
kinds in turn, are also fixed by "Fix with Zi", and by the same model asked plainly, once. Options: `--json`,
`--role tune|report` (report), `--count N` mistakes of a kind in each package (6; a third of it of those kinds that only
tests can see), `--package NAME` (repeatable), `--model NAME` (qwen2.5-coder-0.5b), `--model-cases N` (0),
`--resume FILE` (keeps every case there as soon as it is done, and does none again).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types
from tests.bench import corpora
from tests.bench._fixes_editor import FixEditor, Menu
from tests.bench._fixes_figures import summary
from tests.bench._fixes_judge import judged
from tests.bench._fixes_model import plainly_fixed
from tests.bench._fixes_mutants import PYTHON_KINDS, TYPESCRIPT_KINDS, python_mutations, typescript_mutations
from tests.bench._harness import keep, machine
from tests.bench._repair_mutants import Mutation

from zicoder.text import language_of

PACKAGES = {
    "tune": ("flask", "click", "httpx", "attrs", "immer", "mobx"),
    "report": ("django", "rich", "scrapy", "aiohttp", "poetry-core", "zod", "rxjs", "@tanstack/query-core"),
}
LEAST_BYTES, MOST_BYTES = 1_500, 24_000
"""Of a file: a mistake stands in something, and a check of a long file takes its time."""
UNSEEN = ("missing return", "off by one")
ASIDE = {"test", "tests", "docs", "examples", "__tests__", "testing", "locale"}
FILES = 12
"""Files of a package that mistakes are put into."""


@dataclass(frozen=True, slots=True)
class Case:
    """One mistake."""

    id: str
    package: str
    path: str
    language: str
    good: str
    mutation: Mutation

    @property
    def bad(self) -> str:
        return self.mutation.apply(self.good)


@dataclass(slots=True)
class Row:
    """What became of a case."""

    package: str
    kind: str
    path: str
    marked: str = ""
    """The source and the message of the diagnostic, "" for none."""
    offers: list[str] = field(default_factory=list[str])
    """A judgement for each offer that comes with its edit, in their order."""
    preferred: str = ""
    """The judgement of the preferred one, and what it says."""
    title: str = ""
    gone: bool | None = None
    """Whether the diagnostic is gone with the preferred one, and no new one there."""
    list_ms: list[float] = field(default_factory=list[float])
    model: dict[str, Any] = field(default_factory=dict[str, Any])


def cases(package: str, count: int) -> list[Case]:
    """The mistakes of one package, the same every time; kinds in turn."""
    root = corpora.source(package)
    chance = random.Random(package)
    script = corpora.SOURCES[package].language != "python"
    files = _files(root, {".ts"} if script else {".py"}, chance)
    kinds = TYPESCRIPT_KINDS if script else PYTHON_KINDS
    by_kind = {kind: list(_of_kind(package, root, files, kind, count, chance)) for kind in kinds}
    return [made[at] for at in range(count) for made in by_kind.values() if at < len(made)]


def _of_kind(
    package: str, root: Path, files: list[Path], kind: str, count: int, chance: random.Random
) -> Iterator[Case]:
    wanted = max(1, count // 3) if kind in UNSEEN else count
    order = chance.sample(files, len(files))
    found = 0
    for turn in range(3):
        for path in order:
            good = path.read_text(encoding="utf-8")
            make = python_mutations if path.suffix == ".py" else typescript_mutations
            made = make(good, kind, random.Random(f"{package} {path.name} {kind}"))
            if turn >= len(made):
                continue
            relative = path.relative_to(root).as_posix()
            yield Case(f"{package}/{relative}/{kind}/{turn}", package, relative, language_of(path), good, made[turn])
            found += 1
            if found == wanted:
                return


def _files(root: Path, endings: set[str], chance: random.Random) -> list[Path]:
    """Sound files of code of a fitting size; no tests, whose names and calls are odd on purpose."""
    found: list[Path] = []
    for path in sorted(root.rglob("*")):
        aside = ASIDE & set(path.relative_to(root).parts)
        if aside or path.suffix not in endings or path.name.endswith((".d.ts", ".test.ts", ".spec.ts")):
            continue
        with suppress(UnicodeDecodeError, SyntaxError):
            text = path.read_text(encoding="utf-8")
            if LEAST_BYTES <= len(text) <= MOST_BYTES and "\r" not in text:
                if path.suffix == ".py":
                    compile(text, path.name, "exec", dont_inherit=True)
                found.append(path)
    return chance.sample(found, min(FILES, len(found)))


async def _row(editor: FixEditor, case: Case, root: Path, *, model: str) -> Row:
    path = root / case.path
    row = Row(case.package, case.mutation.kind, case.path)
    before = await editor.sound(path, case.good, case.language)
    marked = await editor.shown(path, case.bad, case.language)
    problem = _new(before, marked, _line(case))
    if problem is None:
        return row
    row.marked = f"{problem.source}: {problem.message}"[:200]
    menu = await editor.menu(path, case.bad, case.language, problem)
    row.list_ms = menu.milliseconds
    _judge(row, case, path, root, menu)
    preferred = next((each for each in menu.offers if each.preferred and each.after is not None), None)
    if preferred is not None and row.preferred != "exact":
        now = await editor.shown(path, preferred.after or "", case.language)
        row.gone = _new(before, now, 0) is None
    elif preferred is not None:
        row.gone = True
    if model:
        row.model = await _by_model(editor, case, path, root, menu, problem, model)
    return row


def _judge(row: Row, case: Case, path: Path, root: Path, menu: Menu) -> None:
    for each in menu.offers:
        if each.after is None:
            continue
        says = judged(case.good, each.after, case.language, path, root)
        row.offers.append(says)
        if each.preferred and not row.preferred:
            row.preferred, row.title = says, each.title


async def _by_model(
    editor: FixEditor, case: Case, path: Path, root: Path, menu: Menu, problem: types.Diagnostic, model: str
) -> dict[str, Any]:
    """What "Fix with Zi" comes to, and what the model says when it is asked once and believed."""
    made: dict[str, Any] = {}
    await editor.shown(path, case.bad, case.language)
    offer = next((each for each in menu.offers if each.after is None and each.title.startswith("Fix with Zi")), None)
    if offer is not None:
        after, title, seconds = await editor.resolved(path, case.bad, case.language, offer)
        state = "none" if after is None else "unchecked" if title.startswith("Fix, not checked") else "checked"
        says = judged(case.good, after, case.language, path, root) if after is not None else ""
        made["ours"] = {"state": state, "judgement": says, "seconds": seconds, "preferred": False}
        if after is not None:
            again = await editor.menu(path, case.bad, case.language, problem)
            made["ours"]["preferred"] = any(each.preferred and each.after == after for each in again.offers)
    after, seconds = await plainly_fixed(model, root, path, case.bad, case.language, problem)
    says = judged(case.good, after, case.language, path, root) if after is not None else ""
    made["plain"] = {"judgement": says, "seconds": seconds}
    return made


def _line(case: Case) -> int:
    return case.good.count("\n", 0, case.mutation.start)


def _new(before: list[types.Diagnostic], now: list[types.Diagnostic], line: int) -> types.Diagnostic | None:
    """The error that was not there before and is nearest to a line; None if nothing new is marked."""
    known = [(each.source, each.code, each.message) for each in before]
    new: list[types.Diagnostic] = []
    for each in now:
        key = (each.source, each.code, each.message)
        if key in known:
            known.remove(key)
        else:
            new.append(each)
    worst = types.DiagnosticSeverity.Hint
    return min(new, key=lambda each: (each.severity or worst, abs(each.range.start.line - line)), default=None)


async def _measure(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = _resumed(options.resume)
    with_model = sum(bool(row.model) for row in rows.values())
    for package in options.package or PACKAGES[options.role]:
        again = options.model_cases > with_model
        todo = [case for case in cases(package, options.count) if _is_open(case, rows, model=again)]
        if not todo:
            continue
        root = folder / package.rpartition("/")[2]
        shutil.copytree(corpora.source(package), root)
        editor = FixEditor(_settings(options))
        await editor.begin(root)
        try:
            for case in todo:
                model = options.model if with_model < options.model_cases else ""
                row = rows[case.id] = await _row(editor, case, root, model=model)
                with_model += bool(row.model)
                _note(case.id, row, options.resume)
        finally:
            await editor.stop()
    kept = {name: asdict(row) for name, row in rows.items()}
    head = {"role": options.role, "model": options.model if with_model else "none", "cases": len(rows)}
    return {**head, **summary(kept)}, kept


def _is_open(case: Case, rows: dict[str, Row], *, model: bool) -> bool:
    """Whether a case is to be done, or done again with the model."""
    row = rows.get(case.id)
    return row is None or (model and bool(row.marked) and not row.model)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    with_model = options.model_cases > 0
    return {
        "diagnostics": {"level": "all"},
        "fixes": {"model": with_model},
        "model": {"infill": options.model if with_model else "none"},
        "chat": {"model": f"local:{options.model}"},
    }


def _resumed(path: Path | None) -> dict[str, Row]:
    lines = path.read_text(encoding="utf-8").splitlines() if path and path.is_file() else []
    return {name: Row(**row) for name, row in map(json.loads, lines)}


def _note(name: str, row: Row, path: Path | None) -> None:
    """Say what became of a case."""
    says = row.preferred or ("listed" if {"exact", "same"} & set(row.offers) else "-")
    print(name, says, row.title or row.marked[:90] or "no diagnostic", row.model or "", sep="\t", file=sys.stderr)
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, asdict(row)]) + "\n")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="zi bench fixes", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--role", choices=tuple(PACKAGES), default="report")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--model-cases", type=int, default=0)
    parser.add_argument("--package", action="append")
    parser.add_argument("--resume", type=Path)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="zi-bench-fixes-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary).resolve()
        os.environ |= {
            "ZI_CACHE_DIR": str(folder / "cache"),
            "ZI_LOG_DIR": str(folder / "log"),
            "ZI_CONFIG_DIR": str(folder / "config"),
        }
        result, rows = asyncio.run(_measure(options, folder))
    path = keep(f"fixes-{options.role}", result, rows)
    print(json.dumps({**machine(), **result}, indent=2))
    print(f"kept in {path.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
