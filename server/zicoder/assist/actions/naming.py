"""What can be done about a name that nothing knows: import it, correct it, or make the function that is called."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from zicoder.assist.actions.action import Action, Asked, Change, Index
from zicoder.assist.actions.messages import Meaning, meaning_of
from zicoder.assist.actions.misspelt import close_names, names_in_place, parameters_in_place, surely_meant, words_of
from zicoder.assist.actions.python_imports import import_edit
from zicoder.assist.actions.python_modules import Installed, candidates
from zicoder.assist.actions.script_imports import LANGUAGES, script_candidates, script_import_edit
from zicoder.assist.checks.inspector import Inspector
from zicoder.assist.jedi_bridge import JediBridge
from zicoder.assist.problem import Problem
from zicoder.text import Edit, Snapshot

__all__ = ["Naming"]

MAX_CALL = 2_000
"""Characters of a call whose arguments are looked at."""
MAX_PROBLEMS = 8
_SURE = 0.9


class Naming:
    """Actions about undefined names and unknown attributes."""

    def __init__(
        self, *, index: Callable[[], Index | None], jedi: Callable[[], JediBridge], inspector: Inspector
    ) -> None:
        self._index = index
        self._jedi = jedi
        self._inspector = inspector
        self._installed: Installed | None = None
        self._reading: asyncio.Task[None] | None = None

    async def actions(self, asked: Asked) -> list[Action]:
        """What can be done about the problems, in their order."""
        found: list[Action] = []
        seen: set[tuple[str, str]] = set()
        for problem in asked.problems[:MAX_PROBLEMS]:
            meaning = meaning_of(problem.message, problem.code)
            if meaning is None or meaning.kind not in ("undefined", "attribute", "keyword"):
                continue
            if (meaning.kind, meaning.name) in seen:
                continue  # two servers say the same
            seen.add((meaning.kind, meaning.name))
            place = _place(asked.snapshot, problem, meaning.name)
            if place is not None:
                found += await self._about(asked, problem, meaning, place)
        return found

    async def _about(self, asked: Asked, problem: Problem, meaning: Meaning, place: int) -> list[Action]:
        python = asked.snapshot.language == "python"
        found: list[Action] = []
        if python and meaning.kind == "undefined":
            found += await self._imports(asked, problem, meaning.name)
        elif asked.snapshot.language in LANGUAGES and meaning.kind == "undefined":
            found += await self._script_imports(asked, problem, meaning.name)
        found += await self._corrections(asked, problem, meaning, place, importable=bool(found))
        if python and meaning.kind != "keyword":
            found += await self._made(asked, problem, meaning, place)
        return found

    # --- import it

    async def _imports(self, asked: Asked, problem: Problem, name: str) -> list[Action]:
        snapshot = asked.snapshot
        wanted = await candidates(
            name, index=self._index(), root=asked.root, own=snapshot.path, installed=await self._packages(),
            used=snapshot.text,
        )  # fmt: skip
        local = await asyncio.to_thread(_local_modules, asked.root)
        return [
            Action(
                title=f"Add `{each.line}`",
                kind="quickfix",
                change=Change((import_edit(snapshot, each, local=local),)),
                problem=problem,
                preferred=wanted.sure and number == 0,
                rank=10 + number,
            )
            for number, each in enumerate(wanted.imports)
        ]

    async def _script_imports(self, asked: Asked, problem: Problem, name: str) -> list[Action]:
        snapshot = asked.snapshot
        wanted = await script_candidates(name, snapshot, index=self._index(), root=asked.root)
        made = [script_import_edit(snapshot, each) for each in wanted]
        return [
            Action(
                title=f"Add `{what}`" if what.startswith(("import", "const")) else f"Add {what}",
                kind="quickfix",
                change=Change((edit,)),
                problem=problem,
                preferred=len(made) == 1,
                rank=10 + number,
            )
            for number, (edit, what) in enumerate(made)
        ]

    async def _packages(self) -> Installed:
        """What is installed; read by the first question, which does not wait for it to the end."""
        if self._installed is None:
            self._installed = Installed(await self._jedi().search_path())
        if not self._installed.ready:
            if self._reading is None:
                self._reading = asyncio.create_task(asyncio.to_thread(self._installed.read))
            await asyncio.shield(self._reading)
        return self._installed

    # --- correct it

    async def _corrections(
        self, asked: Asked, problem: Problem, meaning: Meaning, place: int, *, importable: bool
    ) -> list[Action]:
        """`importable`: the name exists somewhere, and may be meant as it stands."""
        snapshot, name = asked.snapshot, meaning.name
        member = meaning.kind == "attribute"
        uses = words_of(snapshot, members=member)
        known = set(uses)
        if snapshot.language == "python" and meaning.kind == "keyword":
            known = set(await parameters_in_place(self._jedi(), snapshot, place))
        elif snapshot.language == "python":
            known = set(await names_in_place(self._jedi(), snapshot, place)) or known
        # A word that stands here once more than the mistake itself is as likely a mistake.
        meant = close_names(name, known, meaning.suggested)
        slip = surely_meant(name, known)
        found: list[Action] = []
        for number, other in enumerate(meant):
            edit = Edit(place, place + len(name), other)
            sure = number == 0 and other in (meaning.suggested, slip) and not importable
            found.append(
                Action(
                    title=f"Change to `{other}`", kind="quickfix", change=Change((edit,)), problem=problem,
                    preferred=sure, rank=20 + number,
                )
            )  # fmt: skip
        if found and uses[name] > 1 and meaning.kind != "keyword":
            edits = tuple(Edit(at, at + len(name), meant[0]) for at in _every(snapshot, name, member=member))
            title = f"Change all {len(edits)} `{name}` in this file to `{meant[0]}`"
            found.append(
                Action(title=title, kind="quickfix", change=Change(edits, preview=True), problem=problem, rank=40)
            )
        return found

    # --- make it

    async def _made(self, asked: Asked, problem: Problem, meaning: Meaning, place: int) -> list[Action]:
        snapshot, name = asked.snapshot, meaning.name
        call = _call_at(snapshot.text, place, name)
        if call is None:
            return []
        own = meaning.kind == "attribute"
        receiver = re.search(r"\b(self|cls)\.$", snapshot.text[max(0, place - 8) : place])
        if own and receiver is None:
            return []
        names = await self._inspector.ask("call", list[str] | None, call)  # type: ignore[arg-type]
        if names is None:
            return []
        awaited = re.search(r"\bawait\s+(?:self\.|cls\.)?$", snapshot.text[max(0, place - 20) : place]) is not None
        edit = _definition(snapshot, place, name, names, receiver[1] if own and receiver else "", awaited=awaited)
        what = "method" if own else "function"
        return [
            Action(title=f"Create {what} `{name}`", kind="quickfix", change=Change((edit,)), problem=problem, rank=30)
        ]


def _place(snapshot: Snapshot, problem: Problem, name: str) -> int | None:
    """Where the name stands that a problem is about: in its range, or on its first line."""
    text = snapshot.text
    line_end = snapshot.lines.content_end(snapshot.lines.position(problem.start).line)
    pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    found = pattern.search(text, problem.start, max(problem.end, problem.start)) or pattern.search(
        text, problem.start, line_end
    )
    return found.start() if found else None


def _every(snapshot: Snapshot, name: str, *, member: bool) -> list[int]:
    before = r"(?<=\.)" if member else r"(?<![\w.])"
    return [match.start() for match in re.finditer(rf"{before}{re.escape(name)}(?!\w)", snapshot.text)]


def _local_modules(root: Path | None) -> frozenset[str]:
    """Top-level modules of the project, as its folders show them. Blocking."""
    if root is None:
        return frozenset()
    found: set[str] = set()
    for folder in (root, root / "src", root / "lib"):
        try:
            entries = list(folder.iterdir())[:2_000]
        except OSError:
            continue
        found |= {each.stem for each in entries if each.suffix == ".py" or (each / "__init__.py").is_file()}
    return frozenset(found)


def _call_at(text: str, place: int, name: str) -> str | None:
    """The call of the name at `place`, brackets and all; None where it is not called."""
    at = place + len(name)
    if text[at : at + 1] != "(":
        return None
    depth, quote = 0, ""
    for offset in range(at, min(len(text), at + MAX_CALL)):
        char = text[offset]
        if quote:
            if char == quote and text[offset - 1] != "\\":
                quote = ""
        elif char in "\"'":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0:
                return text[place : offset + 1]
    return None


def _definition(
    snapshot: Snapshot, place: int, name: str, parameters: list[str], receiver: str, *, awaited: bool
) -> Edit:
    """A function in front of the top-level statement at `place`, or a method behind the one that it is in."""
    lines, newline = snapshot.lines, snapshot.newline
    word = "async def" if awaited else "def"
    line = lines.position(place).line
    if not receiver:
        while line > 0 and (not lines.line(line).strip() or lines.line(line)[:1] in " \t)]}#"):
            line -= 1
        while line > 0 and lines.line(line - 1).startswith("@"):
            line -= 1
        head = f"{word} {name}({', '.join(parameters)}):"
        at = lines.start(line)
        return Edit(at, at, newline.join((head, "    raise NotImplementedError", "", "", "")))
    while line > 0 and not re.match(r"[ \t]+(?:async[ \t]+)?def\b", lines.line(line)):
        line -= 1
    indent = re.match(r"[ \t]*", lines.line(line))
    margin = indent[0] if indent and indent[0] else "    "
    end = line + 1
    while end < len(lines) and (not lines.line(end).strip() or _width(lines.line(end)) > len(margin)):
        end += 1
    while end > line + 1 and not lines.line(end - 1).strip():
        end -= 1
    first = ["@classmethod"] if receiver == "cls" else []
    head = f"{word} {name}({', '.join([receiver, *parameters])}):"
    body = [margin + each for each in (*first, head)] + [f"{margin}    raise NotImplementedError"]
    at = lines.content_end(end - 1)
    gap = newline if end < len(lines) and lines.line(end).strip() else ""
    return Edit(at, at, newline * 2 + newline.join(body) + gap)


def _width(line: str) -> int:
    return len(line) - len(line.lstrip())
