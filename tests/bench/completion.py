"""`zi bench completion`: how good inline completion is, how fast, and by how much it beats its model and a peer.

Options: `--json`; `--only holes,peer,replay,waiting,shifted` picks parts: holes punched into real packages (`holes`,
with the peer's row by `peer`), real functions typed at human speed (`replay`), what a user waits for (`waiting`), and
caches that were moved by edits against fresh ones (`shifted`, which fails where they are worse beyond noise); `--role
report|tune` picks the packages: nothing may be tuned on those of `report`; `--places project` takes holes that need a
name which the file's window does not show and the project has, instead of holes of every kind; `--languages
python,typescript`; `--limit N` takes that many holes and functions, spread evenly; `--variants full,plain,…` picks
rows; `--speed F` types F times as fast; `--folder DIR` works there, keeps its indexes and answers, and goes on where
a run of the same code ended; `--share 1/2` takes the holes of every second package, so that two runs with the same
folder share the work (their milliseconds then mean nothing), and one without it counts all. The result is kept in
tests/bench/results for complete runs on `report`, and with `--keep`. Steps are told on stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench import _completion_shifted, _completion_waiting
from tests.bench._completion_holes import PER_KIND, choose, share, spread
from tests.bench._completion_replay import functions, replay
from tests.bench._completion_rows import Kept, measure, one_line, summary, table
from tests.bench._completion_session import OFF, VARIANTS, isolate, say
from tests.bench._completion_waiting import places, source
from tests.bench._harness import RESULTS, commit, keep, machine
from tests.bench.context import places as places_of_project

__all__ = ["main", "places", "source"]

PARTS = ("holes", "peer", "replay", "waiting", "shifted")
REPLAYED = ("full", "no-type-through")
SHIFTED = 200
"""Positions at which moved and fresh caches are compared."""


Part = tuple[dict[str, Any], dict[str, Any]]
"""The figures of a part, and its rows."""


def _holes(options: argparse.Namespace, folder: Path) -> Part:
    """The table, and its rows."""
    wanted = options.variants or [name for name in VARIANTS if name != "peer" or "peer" in options.only]
    if options.variants and "peer" in options.only and "peer" not in wanted:
        wanted = [*wanted, "peer"]
    if "holes" not in options.only:
        wanted = ["peer"]
    if options.places == "project":
        holes = spread(places_of_project(options.role, options.languages), options.limit)
    else:
        holes = choose(options.role, options.languages, options.limit)
    holes = share(holes, *options.share)
    kept = Kept(folder / f"answers-{options.role}.jsonl")
    asyncio.run(measure(holes, wanted, folder, kept))
    names = {hole.name for hole in holes}
    rows = [row for row in kept.rows.values() if row["hole"] in names and row["variant"] in wanted]
    for group, figures in (found := summary(rows, wanted)).items():
        if group == "all" or group in options.languages:
            _show(options, f"\n{group}\n{table(figures)}")
    return found, one_line(rows)


def _replay(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    typed = functions(options.role, options.languages, options.limit)
    variants = [name for name in options.variants or REPLAYED if name in OFF]
    found = {name: asyncio.run(replay(typed, name, folder, options.speed)) for name in variants}
    for name, figures in found.items():
        _show(options, f"\nreplay, {name}", figures)
    return found


def _shifted(options: argparse.Namespace) -> dict[str, Any]:
    holes = choose(options.role, options.languages, options.limit or SHIFTED)
    found = asyncio.run(_completion_shifted.measure(holes))
    _show(options, "\nshifted", found)
    return found


def _waiting(options: argparse.Namespace) -> dict[str, Any]:
    found = asyncio.run(_completion_waiting.measure())
    _show(options, "\nwaiting", found)
    return found


def _show(options: argparse.Namespace, text: str, figures: Mapping[str, Any] | None = None) -> None:
    """Print for people; beside the JSON of `--json`, to stderr."""
    lines = [text, *(f"{key:<40} {value}" for key, value in (figures or {}).items())]
    print("\n".join(lines), file=sys.stderr if options.json else sys.stdout, flush=True)


def _share(text: str) -> tuple[int, int]:
    which, _, of = text.partition("/")
    if not 1 <= int(which) <= int(of):
        raise argparse.ArgumentTypeError(f"{text!r} is not K/N with K from 1 to N")
    return int(which), int(of)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    def names(text: str) -> list[str]:
        return [name for name in text.split(",") if name]

    parser = argparse.ArgumentParser(prog="zi bench completion", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", type=names, default=list(PARTS))
    parser.add_argument("--role", choices=("tune", "report"), default="report")
    parser.add_argument("--places", choices=("any", "project"), default="any")
    parser.add_argument("--languages", type=names, default=list(PER_KIND))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--variants", type=names, default=[])
    parser.add_argument("--share", type=_share, default=(1, 1), metavar="K/N")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args(argv)
    whole = options.limit is None and options.places == "any" and options.share == (1, 1)
    options.keep = options.keep or (options.role == "report" and whole)
    known = {"--only": (options.only, PARTS), "--languages": (options.languages, PER_KIND)}
    known["--variants"] = (options.variants, {*VARIANTS, *OFF})
    for flag, (given, allowed) in known.items():
        if unknown := [name for name in given if name not in allowed]:
            parser.error(f"{flag}: {', '.join(unknown)} is none of {', '.join(sorted(allowed))}")
    return options


def _before(options: argparse.Namespace) -> dict[str, Any]:
    """What an earlier run of this commit kept for the parts that this one leaves out."""
    path = RESULTS / f"completion-{commit()}.json"
    return json.loads(path.read_text(encoding="utf-8")) if options.keep and path.exists() else {}


def main(argv: Sequence[str]) -> int:
    options = _options(argv)
    result = _before(options)
    rows: dict[str, Any] = result.pop("rows", {})
    with tempfile.TemporaryDirectory(prefix="zi-bench-completion-", ignore_cleanup_errors=True) as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        isolate(folder)
        for name, part in _parts(options, folder).items():
            found, more = part()
            result[name] = {"role": options.role, "limit": options.limit, **found}
            rows |= more
    if options.json:
        print(json.dumps({**machine(), **result}, indent=2))
    if options.keep:
        say(f"kept in {keep('completion', result, rows).name}")
    if "shifted" in options.only and (lost := _completion_shifted.worse(result["shifted"])):
        say(f"a cache that was moved costs quality beyond noise: {', '.join(lost)}")
        return 1
    return 0


def _parts(options: argparse.Namespace, folder: Path) -> dict[str, Callable[[], Part]]:
    """What was asked for: its name in the result, and how it is measured."""
    wanted: dict[str, Callable[[], Part]] = {}
    if {"holes", "peer"} & set(options.only):
        wanted["holes" if options.places == "any" else "project_holes"] = lambda: _holes(options, folder)
    if "replay" in options.only:
        wanted["replay"] = lambda: (_replay(options, folder), {})
    if "shifted" in options.only:
        wanted["shifted"] = lambda: (_shifted(options), {})
    if "waiting" in options.only:
        wanted["waiting"] = lambda: (_waiting(options), {})
    return wanted


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
