"""`zi bench repair`: how many broken functions a model repairs, asked plainly and through `/fix`.

Functions of released packages get one small mistake each that their tests notice (_repair_cases.py). `plain` is one
prompt with the function and the word that it is broken; `ours` is `/fix` with the cursor in the function: it finds and
runs tests, and tries until they pass. The same model answers both. Options: `--json`, `--count N` cases of each package
(6), `--role tune|report` (report), `--model NAME` (qwen2.5-coder-0.5b), `--package NAME` (repeatable), `--tries N`,
`--resume FILE` (keeps every case there as soon as it is done, and does none again; the same model and code, please).
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench import corpora
from tests.bench._harness import keep, machine, median
from tests.bench._repair_cases import PYTEST, Case, cases, passes
from tests.bench._repair_figures import summary

from zicoder.agents.conversations import conversations_dir
from zicoder.agents.front import Answer, Applied, Question
from zicoder.agents.sandbox import open_sandbox
from zicoder.agents.trials import Trial, trial
from zicoder.commands.answering import Question as Asked
from zicoder.commands.answering import answer
from zicoder.commands.builtin import COMMANDS
from zicoder.commands.editing import ONE_FENCE, fenced_code, replaced
from zicoder.commands.region import region_of
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.events import Event, Failed, Finished, Used
from zicoder.proposal import Proposal
from zicoder.settings import AgentSettings
from zicoder.text import Snapshot
from zicoder.workspace import Workspace

ROLES: dict[str, corpora.Role] = {"tune": "repair-tune", "report": "repair-report"}
PLAIN = "This function is broken. Fix it."


@dataclass
class Row:
    """What became of one case with one contestant."""

    package: str
    kind: str
    repaired: bool = False
    """All tests that reach the function pass."""
    same: bool = False
    """It is the function as it was released, but for its layout."""
    offered: bool = False
    checked: str = ""
    maker: str = ""
    tried: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    error: str = ""


class _Person:
    """Lets tests run, and keeps what is proposed instead of applying it."""

    def __init__(self) -> None:
        self.proposal: Proposal | None = None

    async def may(self, question: Question) -> Answer:
        return "once" if question.tool == "tests" else "never"

    async def apply(self, proposal: Proposal) -> Applied:
        self.proposal = proposal
        return Applied(True)


class _Bench:
    """One package in a folder of its own, with the model beside it."""

    def __init__(self, root: Path, session: Session, person: _Person, judge: Trial, tries: int) -> None:
        self.root, self.session, self.person, self.judge, self.tries = root, session, person, judge, tries

    async def both(self, case: Case) -> dict[str, Row]:
        """The rows of one case."""
        path = self.root / case.path
        path.write_text(case.bad, encoding="utf-8")
        document = Snapshot(uri=path.as_uri(), path=path, text=case.bad, language="python", version=1)
        start = document.lines.start(case.line - 1)
        try:
            return {
                "plain": await self._judged(case, await self._plain(case, document, start)),
                "ours": await self._judged(case, await self._ours(case, document, start)),
            }
        finally:
            path.write_text(case.good, encoding="utf-8")

    async def _plain(self, case: Case, document: Snapshot, start: int) -> tuple[Row, str | None]:
        row = Row(case.package, case.kind)
        invocation = Invocation(text="fix it", snapshot=document, selection=(start, start))
        region = region_of(self.session, invocation)
        assert region is not None
        question = Asked(
            role="coder", task=f"{PLAIN}\n\n{region.fenced}\n\n{ONE_FENCE}", search=False, document=False,
            remember=False,
        )  # fmt: skip
        begun = time.perf_counter()
        said = await _take(row, answer(self.session, Invocation(text="fix it"), question))
        row.seconds = time.perf_counter() - begun
        if (code := fenced_code(said.text)) is None:
            return row, None
        proposal, _ = replaced(region, code, {region.path: case.bad}.get, "fix")
        row.offered = bool(proposal.files)
        return row, proposal.files[0].after if proposal.files else None

    async def _ours(self, case: Case, document: Snapshot, start: int) -> tuple[Row, str | None]:
        row = Row(case.package, case.kind)
        self.person.proposal = None
        invocation = Invocation(text=f"/fix --tries {self.tries}", snapshot=document, selection=(start, start))
        begun = time.perf_counter()
        ended = await _take(row, COMMANDS.dispatch(self.session, invocation))
        row.seconds = time.perf_counter() - begun
        row.checked, row.maker = str(ended.data.get("checked", "")), str(ended.data.get("maker", ""))
        row.tried = int(ended.data.get("tried", 0))
        proposal = self.person.proposal
        row.offered = proposal is not None
        return row, proposal.files[0].after if proposal else None

    async def _judged(self, case: Case, made: tuple[Row, str | None]) -> Row:
        row, after = made
        row.seconds = round(row.seconds, 2)
        if after is not None:
            row.repaired = await passes(self.judge, case.tests, {case.path: after}) is True
            row.same = row.repaired and _same(after, case.good)
        return row


async def _take(row: Row, events: AsyncIterator[Event]) -> Finished:
    """Read a command to its end, and what it cost."""
    async for event in events:
        if isinstance(event, Used):
            row.input_tokens += event.input_tokens
            row.output_tokens += event.output_tokens
        elif isinstance(event, Finished):
            return event
        elif isinstance(event, Failed):
            row.error = event.message
    return Finished()


def _same(one: str, other: str) -> bool:
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except SyntaxError:
        return False


@asynccontextmanager
async def _bench(package: str, model: str, tries: int, folder: Path) -> AsyncIterator[_Bench]:
    root = folder / package
    shutil.copytree(corpora.source(package), root)
    settings = {
        "model": {"infill": model}, "chat": {"model": f"local:{model}"}, "agent": {"test_command": PYTEST},
        "index": {"enabled": False},
    }  # fmt: skip
    person = _Person()
    async with AsyncExitStack() as stack:
        workspace = await stack.enter_async_context(Workspace(root, editor_settings=settings))
        assert not workspace.problems, workspace.problems
        session = Session(workspace, person)
        stack.push_async_callback(session.close)
        judge = await stack.enter_async_context(trial(root, await open_sandbox(root, AgentSettings())))
        yield _Bench(root, session, person, judge, tries)
        shutil.rmtree(conversations_dir(root), ignore_errors=True)


async def _measure(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    names = options.package or [entry.name for entry in corpora.sources(ROLES[options.role])]
    rows = _resumed(options.resume)
    for package in names:
        found = await cases(package, options.count)
        async with _bench(package, options.model, options.tries, folder) as bench:
            for case in found:
                if case.id not in rows:
                    rows[case.id] = await bench.both(case)
                    _note(case.id, rows[case.id], options.resume)
    kept = {name: {who: asdict(row) for who, row in both.items()} for name, both in rows.items()}
    seconds = {who: median([both[who].seconds for both in rows.values()]) for who in ("plain", "ours")} if rows else {}
    head = {"model": options.model, "role": options.role, "tries": options.tries, "cases": len(rows)}
    return {**head, **summary(rows), "seconds": seconds}, kept


def _resumed(path: Path | None) -> dict[str, dict[str, Row]]:
    lines = path.read_text(encoding="utf-8").splitlines() if path and path.is_file() else []
    done = [json.loads(line) for line in lines]
    return {name: {who: Row(**row) for who, row in both.items()} for name, both in done}


def _note(name: str, both: dict[str, Row], path: Path | None) -> None:
    """Say what became of a case."""
    print(name, *(f"{who}: {row.repaired} in {row.seconds} s" for who, row in both.items()), sep="\t", file=sys.stderr)
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, {who: asdict(row) for who, row in both.items()}]) + "\n")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="zi bench repair", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--tries", type=int, default=16)
    parser.add_argument("--role", choices=("tune", "report"), default="report")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--package", action="append")
    parser.add_argument("--resume", type=Path)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="zi-bench-repair-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary).resolve()
        os.environ |= {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "ZI_CACHE_DIR": str(folder / "cache"),
            "ZI_LOG_DIR": str(folder / "log"),
            "ZI_CONFIG_DIR": str(folder / "config"),
        }
        result, rows = asyncio.run(_measure(options, folder))
    path = keep(f"repair-{options.role}-{options.model}", result, rows)
    print(json.dumps({**machine(), **result}, indent=2))
    print(f"kept in {path.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
