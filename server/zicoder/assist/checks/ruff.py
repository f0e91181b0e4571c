"""Ruff, when it is installed: what it finds in a text, and the text as its safe fixes leave it.

The text goes in through standard input; nothing is written, no cache either. Which ruff runs is never a project's word:
it is the user's setting, the one beside the user's interpreter or ours, or one on the search path outside the project.
A project's configuration of ruff counts, for it can name rules and folders, but no programs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from zicoder.assist.problem import MAX_MESSAGE, Fix, Problem, Severity
from zicoder.text import Edit, LineIndex, Position, Snapshot, apply_edits

__all__ = ["Ruff", "find_ruff"]

log = logging.getLogger("zicoder.assist")

SECONDS = 5.0
"""It takes milliseconds for a file."""
WORKSPACE_S = 60.0
MAX_OUTPUT = 16 << 20
MAX_PROBLEMS = 500
SYNTAX = "invalid-syntax"
"""Our own check says it better."""
_SEVERE = re.compile(r"F(?:82\d|63\d|70\d|50\d|52\d|54\d)|E9\d\d|PLE\d+")
"""What fails when it runs; ruff itself calls everything an error, or nothing."""
_UNNECESSARY = re.compile(r"F401|F841|F811|RUF059|ERA001")


def find_ruff(
    setting: str, interpreter: str, root: Path | None, search: Callable[[str, Path], str | None]
) -> str | None:
    """The program to run, None for none. `setting`: `auto`, `none`, or the path of one. Blocking.

    `search` looks along the search path for a program that no project brought.
    """
    if setting == "none":
        return None
    if setting != "auto":
        chosen = Path(setting).expanduser()
        if chosen.is_file():
            return str(chosen)
        log.warning("The ruff of the settings, %s, does not exist.", chosen)
        return None
    name = "ruff.exe" if os.name == "nt" else "ruff"
    for python in filter(None, (interpreter, sys.executable)):
        beside = Path(python).expanduser().with_name(name)
        if beside.is_file():
            return str(beside)
    return search("ruff", root or Path.home())


class Ruff:
    """One program, run for texts of the project at `root`."""

    def __init__(self, program: str, root: Path | None) -> None:
        self.program = program
        self._root = root
        self._told = False

    async def problems(self, snapshot: Snapshot, *rules: str) -> list[Problem]:
        """What it finds (by these rules only, if any are named), in order; [] when it cannot say."""
        bare = _bare(snapshot)
        chosen = [f"--select={','.join(rules)}"] if rules else []
        output = await self._run(bare, "--no-fix", "--output-format=json", "--exit-zero", *chosen)
        found = problems_of(output, bare) if output is not None else []
        return found if bare is snapshot else [_shifted(each, 1) for each in found]

    async def fixed(self, snapshot: Snapshot, *rules: str) -> str | None:
        """The text after every safe fix (of these rules only, if any are named); None when it cannot say."""
        chosen = [f"--select={','.join(rules)}"] if rules else []
        bare = _bare(snapshot)
        output = await self._run(bare, "--fix", "--exit-zero", *chosen)
        if output is None or (not output and bare.text.strip()):
            return None
        return output if bare is snapshot else "\ufeff" + output

    async def files_with(self, rule: str, root: Path) -> list[Path]:
        """The files below a folder in which it finds this rule, by what is on disk, in order."""
        options = ("--no-fix", "--exit-zero", "--output-format=concise", f"--select={rule}")
        output = await self._ended(b"", root, WORKSPACE_S, *options, str(root))
        found: dict[Path, None] = {}
        for line in (output or "").splitlines():
            name = re.match(r"(.+?):\d+:\d+: ", line)
            if name is not None:
                found[root / name[1]] = None
        return [path for path in found if path.is_relative_to(root)]

    async def _run(self, snapshot: Snapshot, *options: str) -> str | None:
        name = str(snapshot.path) if snapshot.path else "untitled.py"
        text = snapshot.text.encode("utf-8", "replace")
        folder = self._root or _folder_of(snapshot)
        return await self._ended(text, folder, SECONDS, *options, "--stdin-filename", name, "-")

    async def _ended(self, text: bytes, folder: Path | None, seconds: float, *options: str) -> str | None:
        command = (self.program, "check", "--quiet", "--no-cache", "--force-exclude", *options)
        try:
            code, output, errors = await _ended(command, text, folder, seconds)
        except (OSError, TimeoutError, ValueError) as error:
            self._tell(f"{error or 'it took too long'}")
            return None
        if code != 0:
            self._tell(errors.strip().partition("\n")[0][:300])
            return None
        return output

    def _tell(self, reason: str) -> None:
        level = logging.DEBUG if self._told else logging.WARNING
        self._told = True
        log.log(level, "ruff (%s) could not check: %s", self.program, reason)


def _bare(snapshot: Snapshot) -> Snapshot:
    """Without a byte order mark, which ruff does not count."""
    bare = snapshot.text.removeprefix("\ufeff")
    return snapshot if bare == snapshot.text else replace(snapshot, text=bare)


def _shifted(problem: Problem, by: int) -> Problem:
    edits = problem.fix.edits if problem.fix else ()
    moved = tuple(Edit(each.start + by, each.end + by, each.text) for each in edits)
    fix = replace(problem.fix, edits=moved) if problem.fix else None
    return replace(problem, start=problem.start + by, end=problem.end + by, fix=fix)


def _folder_of(snapshot: Snapshot) -> Path | None:
    return snapshot.path.parent if snapshot.path and snapshot.path.parent.is_dir() else None


async def _ended(command: Sequence[str], text: bytes, folder: Path | None, seconds: float) -> tuple[int, str, str]:
    """Run a program to its end. Raises OSError, TimeoutError, ValueError for too much output."""
    flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        creationflags=flags, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    try:
        output, errors = await asyncio.wait_for(process.communicate(text), seconds)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if len(output) > MAX_OUTPUT:
        raise ValueError("it said too much")
    return process.returncode or 0, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace")


def problems_of(output: str, snapshot: Snapshot) -> list[Problem]:
    """Ruff's JSON as problems of a text (without its byte order mark); what is malformed is left out."""
    try:
        values: Any = json.loads(output or "[]")
    except (ValueError, RecursionError):
        return []
    found: list[Problem] = []
    for value in cast("list[Any]", values)[:MAX_PROBLEMS] if isinstance(values, list) else []:
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            problem = _problem(cast("Mapping[str, Any]", value), snapshot)
            if problem.code and problem.code != SYNTAX:
                found.append(problem)
    return sorted(found, key=lambda problem: (problem.start, problem.end, problem.code))


def _problem(value: Mapping[str, Any], snapshot: Snapshot) -> Problem:
    code = str(value["code"] or "")
    severity: Severity = "error" if _SEVERE.fullmatch(code) else "warning"
    start = _offset(value["location"], snapshot.lines)
    return Problem(
        start,
        max(start, _offset(value["end_location"], snapshot.lines)),
        str(value["message"])[:MAX_MESSAGE],
        "zi-ruff",
        code,
        severity,
        unnecessary=_UNNECESSARY.fullmatch(code) is not None,
        fix=_fix(value.get("fix"), snapshot),
        url=str(value.get("url") or ""),
    )


def _fix(value: Any, snapshot: Snapshot) -> Fix | None:
    if not value or value["applicability"] not in ("safe", "unsafe"):
        return None
    edits = tuple(
        Edit(_offset(each["location"], snapshot.lines), _offset(each["end_location"], snapshot.lines), each["content"])
        for each in value["edits"]
    )
    apply_edits(snapshot.text, edits)  # raises ValueError for overlapping ones
    return Fix(str(value.get("message") or "Fix it")[:200], edits, value["applicability"] == "safe")


def _offset(place: Mapping[str, int], lines: LineIndex) -> int:
    """Ruff counts lines and columns from 1, columns in code points; the line after the last is the end."""
    line, column = place["row"] - 1, max(0, place["column"] - 1)
    return lines.offset(Position(line, column))
