"""All of ruff's safe fixes of one rule in the whole project, as one change that is looked at before it is applied.

Looked for only when it is chosen. Documents that are open count as they are in the editor. Nothing is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from zicoder.assist.actions.action import Action, Asked, Change, FileChange, Make
from zicoder.assist.actions.edits import together
from zicoder.assist.actions.left_alone import is_left_alone
from zicoder.assist.checks.ruff import Ruff
from zicoder.assist.problem import Problem
from zicoder.events import Progress, ProgressSink
from zicoder.text import Edit, Snapshot, apply_edits

__all__ = ["everywhere"]

MOST_FILES = 200
MOST_EDITS = 4_000
"""Of one change: a person should be able to look at it, and an editor to take it back."""
MAX_CHARS = 1_000_000


def everywhere(
    ruff: Ruff, asked: Asked, by_ruff: list[Problem], documents: Callable[[], list[Snapshot]]
) -> list[Action]:
    """An offer for each rule that has a safe fix at the place."""
    found: dict[str, Action] = {}
    for each in by_ruff:
        here = each.start <= asked.end and asked.start <= each.end
        if here and each.fix is not None and each.fix.safe and each.code and each.code not in found:
            title = f"Fix all of {each.code} in the workspace"
            make = _maker(ruff, each.code, asked, documents)
            found[each.code] = Action(title=title, kind="quickfix", make=make, problem=each, rank=43)
    return list(found.values())


def _maker(ruff: Ruff, rule: str, asked: Asked, documents: Callable[[], list[Snapshot]]) -> Make:
    async def make(tell: ProgressSink) -> Change | None:
        title = f"Fix all of {rule}"
        tell(Progress(title, 0, None, "ruff looks through the workspace"))
        root = asked.root
        if root is None:
            return None
        opened = {each.path: each for each in documents() if each.path is not None and each.language == "python"}
        paths = dict.fromkeys(await ruff.files_with(rule, root))
        paths |= dict.fromkeys(path for path in opened if path.is_relative_to(root))
        changed: list[FileChange] = []
        own: tuple[Edit, ...] = ()
        count, more = 0, False
        for number, path in enumerate(paths):
            if len(changed) >= MOST_FILES or count >= MOST_EDITS:
                more = True
                break
            tell(Progress(title, number, len(paths), f"{number} of {len(paths)} files"))
            known = asked.snapshot if path == asked.snapshot.path else opened.get(path)
            snapshot = known or await asyncio.to_thread(_read, path)
            if snapshot is None or await asyncio.to_thread(is_left_alone, snapshot):
                continue
            edits, fixed = await _edits(ruff, rule, snapshot)
            count += fixed
            if edits and snapshot is asked.snapshot:
                own = edits
            elif edits:
                changed.append(FileChange(path, snapshot.text, apply_edits(snapshot.text, edits), edits))
        if not own and not changed:
            return None
        files = len(changed) + bool(own)
        which = "the first " if more else "all " if count > 1 else ""
        title = f"Fix {which}{count} of {rule} in {files} file{'' if files == 1 else 's'}"
        return Change(own, tuple(changed), preview=True, title=title)

    return make


async def _edits(ruff: Ruff, rule: str, snapshot: Snapshot) -> tuple[tuple[Edit, ...], int]:
    """The safe fixes of a rule in one text, and how many findings they mend."""
    found = [each for each in await ruff.problems(snapshot, rule) if each.code == rule]
    fixes = [each.fix.edits for each in found if each.fix is not None and each.fix.safe]
    return together(fixes), len(fixes)


def _read(path: Path) -> Snapshot | None:
    """A file as it is; None for one that cannot be read as text, or is too long. Blocking."""
    try:
        if path.stat().st_size > MAX_CHARS:
            return None
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return Snapshot(path.as_uri(), text, 0, "python", path)
