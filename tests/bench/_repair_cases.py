"""Broken functions with the tests that notice: made from packages that carry tests, kept only if it is shown.

Owns which functions and mistakes are taken: by chance, but the same each time. The tests of a package run in a copy of
it, confined as commands of agents are. What was found is kept in the cache of the corpora.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench import corpora
from tests.bench._repair_mutants import Function, Mutation, functions, mutations

from zicoder.agents.processes import Ended
from zicoder.agents.sandbox import open_sandbox
from zicoder.agents.trials import Trial, trial
from zicoder.settings import AgentSettings

__all__ = ["PYTEST", "Case", "cases", "passes"]

PYTEST = f"{shlex.quote(sys.executable)} -m pytest -q -p no:cacheprovider"
VERSION = 1
"""Of how cases are made; one more and they are made again."""
SECONDS = 20.0
"""For the tests of one function."""
TRACE_S = 900
"""For all tests of a package, with what they call written down."""
SLOWEST_TEST = 1.0
MOST_TESTS = 25
PLUGIN = "zi_repair_trace.py"
TRIES = 3
"""Mistakes that are tried in one function before it is left alone."""
FOLDERS = {
    "inflection": "test_inflection.py", "jsonpointer": "tests.py", "more-itertools": "tests/test_recipes.py",
    "schema": "test_schema.py", "tabulate": "test", "toolz": "toolz/tests",
}  # fmt: skip
"""Where a package's tests lie, if not in `tests`. (All those of more-itertools take minutes.)"""


@dataclass(frozen=True)
class Case:
    """One broken function."""

    package: str
    path: str
    name: str
    line: int
    """One-based, of `def`."""
    kind: str
    good: str
    """The whole module as it was released."""
    bad: str
    tests: tuple[str, ...]
    """All that reach the function and are quick: they pass with `good`, and some fail with `bad`."""

    @property
    def id(self) -> str:
        return f"{self.package}:{self.path}:{self.name}:{self.kind}"


async def cases(package: str, count: int) -> list[Case]:
    """The first `count` cases of a package, in an order that is by chance but stays."""
    entry = corpora.SOURCES[package]
    kept = corpora.cache() / "repair" / f"{entry.folder}-{VERSION}.json"
    state = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {"seen": 0, "cases": [], "trace": None}
    if len(state["cases"]) < count and state["seen"] >= 0:
        root = corpora.source(package)
        async with trial(root, await open_sandbox(root, AgentSettings(timeout_s=TRACE_S))) as at:
            state["trace"] = state["trace"] or await _trace(at, FOLDERS.get(package, "tests"))
            await _more(package, state, count, at)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(state), encoding="utf-8")
    return [Case(**{**row, "tests": tuple(row["tests"])}) for row in state["cases"][:count]]


async def passes(at: Trial, tests: tuple[str, ...], edits: Mapping[str, str | None]) -> bool | None:
    """Whether these tests pass with these edits; None if they did not get to an end."""
    ended = await _pytest(at, f"-x {' '.join(map(shlex.quote, tests))}", edits)
    return None if ended.stopped or ended.code not in (0, 1) else ended.code == 0


async def _pytest(at: Trial, arguments: str, edits: Mapping[str, str | None], seconds: float = SECONDS) -> Ended:
    return await at.run(f"{PYTEST} {arguments}", edits, seconds=seconds)


async def _trace(at: Trial, folder: str) -> dict[str, Any]:
    """Which quick tests reach which function: "file:line" of its `def` or first decorator -> tests."""
    plugin = Path(__file__).with_name("_repair_trace.py")
    shutil.copy(plugin, at.root / PLUGIN)
    out = at.root / "zi-repair-trace.json"
    line = f"{_variable('ZI_REPAIR_TRACE', out)} {PYTEST} -p zi_repair_trace {folder}"
    ended = await at.run(line, {}, seconds=TRACE_S)
    if not out.is_file():
        raise corpora.CorpusError(f"The tests of {at.root.name} did not run: {ended.stopped} {ended.output[-400:]}")
    reached: dict[str, list[tuple[float, str]]] = {}
    for test, (passed, seconds, places) in json.loads(out.read_text(encoding="utf-8")).items():
        if passed and seconds <= SLOWEST_TEST and "[" not in test:
            for file, number in places:
                reached.setdefault(f"{file}:{number}", []).append((seconds, test))
    return {place: [test for _, test in sorted(tests)] for place, tests in reached.items()}


def _variable(name: str, value: Path) -> str:
    return f"{name}={shlex.quote(str(value))}"


async def _more(package: str, state: dict[str, Any], count: int, at: Trial) -> None:
    """Go on through the functions until there are enough cases. `seen` becomes -1 when there are no more."""
    chance = random.Random(f"{package}-{VERSION}")
    found = _covered(at.root, state["trace"])
    chance.shuffle(found)
    kinds = Counter(row["kind"] for row in state["cases"])
    for path, function, tests in found[state["seen"] :]:
        if len(state["cases"]) >= count:
            return
        state["seen"] += 1
        case = await _made(package, at, path, function, tests, kinds)
        if case is not None:
            kinds[case.kind] += 1
            state["cases"].append(asdict(case))
            print(f"  {len(state['cases'])} {case.id}", file=sys.stderr)
    state["seen"] = -1


def _covered(root: Path, trace: Mapping[str, list[str]]) -> list[tuple[str, Function, list[str]]]:
    """The functions that quick tests reach."""
    found: list[tuple[str, Function, list[str]]] = []
    for path in sorted({place.rpartition(":")[0] for place in trace}):
        if "test" in path.lower() or not path.endswith(".py") or path == PLUGIN:
            continue
        source = (root / path).read_text(encoding="utf-8")
        reached = [(function, trace.get(f"{path}:{function.first}")) for function in functions(source)]
        found += [(path, function, tests) for function, tests in reached if tests]
    return found


async def _made(
    package: str, at: Trial, path: str, function: Function, tests: list[str], kinds: Counter[str]
) -> Case | None:
    """A case of this function, of a kind that there is little of so far."""
    good = (at.root / path).read_text(encoding="utf-8")
    chosen = tuple(tests[:MOST_TESTS])
    if not await passes(at, chosen, {path: good}):
        return None
    for mutation in _order(f"{package}:{path}:{function.name}", mutations(good, function.node), kinds)[:TRIES]:
        bad = mutation.apply(good)
        if await passes(at, chosen, {path: bad}) is False:
            return Case(package, path, function.name, function.line, mutation.kind, good, bad, chosen)
    return None


def _order(name: str, found: list[Mutation], kinds: Counter[str]) -> list[Mutation]:
    """One mutation of each kind, the rarest kind first."""
    chance = random.Random(hashlib.sha256(name.encode()).hexdigest())
    by_kind: dict[str, list[Mutation]] = {}
    for mutation in found:
        by_kind.setdefault(mutation.kind, []).append(mutation)
    order = sorted(by_kind)
    chance.shuffle(order)
    return [chance.choice(by_kind[kind]) for kind in sorted(order, key=lambda kind: kinds[kind])]


async def main(count: int) -> None:
    """Make the cases of every package ahead of a run."""
    for role in ("repair-report", "repair-tune"):
        for entry in corpora.sources(role):
            made = await cases(entry.name, count)
            print(entry.name, len(made), dict(Counter(case.kind for case in made)))


if __name__ == "__main__":
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    asyncio.run(main(6))
