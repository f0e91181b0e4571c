"""Jedi's refactorings: extract a variable or a function, inline a variable, rename.

What another file is changed to was made from that file on disk: one that an editor holds with other text is refused by
whoever applies the change.
"""

from __future__ import annotations

import importlib
import keyword
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zicoder.assist.actions.action import Action, Asked, Change, FileChange, Make
from zicoder.assist.actions.edits import difference
from zicoder.assist.jedi_bridge import JediBridge
from zicoder.assist.jedi_text import JediText
from zicoder.events import ProgressSink
from zicoder.text import Snapshot

__all__ = ["Refactoring", "renameable", "renamed"]

MAX_SELECTION = 20_000
MAX_FILES = 300
_EXTRACT = {
    "variable": ("refactor.extract.variable", "extract_variable", "value"),
    "function": ("refactor.extract.function", "extract_function", "extracted"),
}


class Refactoring:
    """Actions for a selection, or for the name under the cursor, in Python."""

    def __init__(self, jedi: Callable[[], JediBridge]) -> None:
        self._jedi = jedi

    async def actions(self, asked: Asked) -> list[Action]:
        """Those that jedi says are possible: it is asked, since what cannot be done should not be offered."""
        if asked.snapshot.language != "python":
            return []
        selected = asked.snapshot.text[asked.start : asked.end]
        if selected.strip():
            return await self._extracted(asked) if len(selected) <= MAX_SELECTION else []
        return self._inlined(asked)

    async def _extracted(self, asked: Asked) -> list[Action]:
        found: list[Action] = []
        for what, (kind, method, stem) in _EXTRACT.items():
            if not asked.wants(kind):
                continue
            name = fresh_name(asked.snapshot.text, stem)
            changed = await _asked(self._jedi(), asked.snapshot, _extraction(asked, method, name))
            change = _change(asked.snapshot, changed)
            if change is not None:
                found.append(Action(title=f"Extract {what} `{name}`", kind=kind, change=change, rank=60))
        return found

    def _inlined(self, asked: Asked) -> list[Action]:
        snapshot = asked.snapshot
        start, end = JediText(snapshot).word(asked.start)
        name = snapshot.text[start:end]
        # Only what is assigned once in this text, at a guess; jedi looks when it is chosen.
        pattern = rf"(?m)^[ \t]*{re.escape(name)}[ \t]*(?::[^=\n]*)?=(?!=)"
        if not name or not asked.wants("refactor.inline") or len(re.findall(pattern, snapshot.text)) != 1:
            return []
        return [
            Action(title=f"Inline `{name}`", kind="refactor.inline", make=_inline(self._jedi(), asked, start), rank=65)
        ]


Changed = dict[str, str] | None
"""New text by path, "" for the document's own; None where it is not possible."""


async def _asked(jedi: JediBridge, snapshot: Snapshot, question: Callable[[Any, JediText], Changed]) -> Changed:
    if "\r" in re.sub(r"\r\n", "", snapshot.text):
        return None  # jedi is shown another text then
    return await jedi.work("refactoring", snapshot, question, None, urgent=True)


def _extraction(asked: Asked, method: str, name: str) -> Callable[[Any, JediText], Changed]:
    text = asked.snapshot.text
    start, end = asked.start, asked.end
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1

    def ask(script: Any, places: JediText) -> Changed:
        until_line, until_column = places.place(end)
        found = _possible(
            lambda: getattr(script, method)(
                *places.place(start), new_name=name, until_line=until_line, until_column=until_column
            )
        )
        return _texts(found, places)

    return ask


def _inline(jedi: JediBridge, asked: Asked, offset: int) -> Make:
    async def make(_: ProgressSink) -> Change | None:
        changed = await _asked(
            jedi,
            asked.snapshot,
            lambda script, text: _texts(_possible(lambda: script.inline(*text.place(offset))), text),
        )
        return _change(asked.snapshot, changed)

    return make


async def renamed(jedi: JediBridge, snapshot: Snapshot, offset: int, name: str) -> Change | None:
    """The change that gives what stands at `offset` another name wherever it is used; None where that cannot be."""
    start, end = renameable(snapshot, offset)
    if start == end or not name.isidentifier():
        return None
    changed = await _asked(
        jedi,
        snapshot,
        lambda script, text: _texts(_possible(lambda: script.rename(*text.place(start), new_name=name)), text),
    )
    return _change(snapshot, changed)


def renameable(snapshot: Snapshot, offset: int) -> tuple[int, int]:
    """The name at an offset; an empty range where there is none."""
    start, end = JediText(snapshot).word(offset)
    return (start, start) if keyword.iskeyword(snapshot.text[start:end]) else (start, end)


def _possible(refactoring: Callable[[], Any]) -> Any:
    """Jedi's refactoring, None where it says that there is none."""
    refused: Any = importlib.import_module("jedi.api.exceptions").RefactoringError  # jedi is imported by now
    try:
        return refactoring()
    except (refused, ValueError):
        return None


def _texts(found: Any, text: JediText) -> Changed:
    if found is None or (hasattr(found, "get_renames") and list(found.get_renames())):
        return None  # a module: its file would have to be renamed as well
    own = text.snapshot.path
    changed: dict[str, str] = {}
    for path, file in found.get_changed_files().items():
        changed["" if path is None or path == own else str(path)] = file.get_new_code()
        if len(changed) > MAX_FILES:
            return None
    return changed


def _change(snapshot: Snapshot, changed: Changed) -> Change | None:
    if not changed:
        return None
    files: list[FileChange] = []
    for name, after in changed.items():
        if name:
            try:
                before = Path(name).read_bytes().decode()
            except (OSError, UnicodeDecodeError):
                return None
            if re.sub(r"\r\n?", "\n", before) != before:
                return None  # jedi read it with other line ends
            files.append(FileChange(Path(name), before, after))
    own = changed.get("")
    bom = "\ufeff" if snapshot.text.startswith("\ufeff") else ""
    edits = (difference(snapshot.text, bom + own),) if own is not None and bom + own != snapshot.text else ()
    return Change(edits, tuple(files), preview=bool(files)) if edits or files else None


def fresh_name(text: str, stem: str) -> str:
    """A name that does not stand in the text yet."""
    names = (stem, *(f"{stem}{number}" for number in range(2, 1000)))
    return next(name for name in names if not re.search(rf"\b{name}\b", text))
