"""What a hover shows of layers that are there in time, and what the next one has of those that were not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from zicoder.assist.checks.inspector import Inspector
from zicoder.assist.definitions import Definitions
from zicoder.assist.hover.explaining import Explaining
from zicoder.assist.hover.explanations import Explanations
from zicoder.assist.hover.hovers import About, Hovers, Shown
from zicoder.assist.hover.last_change import LastChanges
from zicoder.assist.hover.targets import Targets
from zicoder.assist.types import HoverInfo
from zicoder.errors import EngineError
from zicoder.index.search import Hit
from zicoder.index.symbols import Symbol
from zicoder.text import Snapshot

CODE = "def total(prices):\n    return add(prices)\n"
SOON = 0.01


class Project:
    """What an index answers, when it may."""

    def __init__(self, *defined: Hit) -> None:
        self.defined = list(defined)
        self.open = asyncio.Event()
        self.open.set()

    async def definitions(self, names: Sequence[str], limit: int = 20, *, deadline: float = 0.5) -> list[Hit]:
        await self.open.wait()
        return [each for each in self.defined if each.symbol in names]

    async def callers(self, symbol: str, limit: int = 50, *, deadline: float = 0.5) -> list[Hit]:
        return [Hit("use.py", 1, 2, "python", "module", "", "", "", symbol, 1.0)]

    async def symbols(self, query: str, limit: int = 100, *, deadline: float = 2.0) -> list[Symbol]:
        return []

    async def similar(self, snippet: str, k: int = 5, *, outside: str = "", deadline: float = 0.5) -> list[Hit]:
        return []


TOTAL = Hit("shop.py", 0, 2, "python", "function", "total", "total", "def total(prices)", CODE, 1.0)


class Analysis:
    """What jedi answers, when it may."""

    def __init__(self, found: HoverInfo | None) -> None:
        self.found = found
        self.done = asyncio.Event()
        self.cancelled = False

    async def __call__(self, snapshot: Snapshot, offset: int) -> HoverInfo | None:
        try:
            await self.done.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return self.found


class Git:
    """What git answers, when it may."""

    def __init__(self) -> None:
        self.done = asyncio.Event()

    async def __call__(self, *arguments: str, most: int) -> tuple[bool, str]:
        await self.done.wait()
        return (True, CODE) if arguments[0] == "cat-file" else (True, "1\nAnn\nBegin\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("0123", encoding="utf-8")
    (tmp_path / "shop.py").write_text(CODE, encoding="utf-8")
    return tmp_path


def used(root: Path, text: str = "total()", language: str = "python", version: int = 1) -> Snapshot:
    return Snapshot((root / "use.py").as_uri(), text, version, language)


def about(root: Path, inspector: Inspector, index: Project, git: Git) -> About:
    return About(
        Targets(root, Definitions(inspector), tuple),
        lambda path: path.relative_to(root).as_posix() if path.is_relative_to(root) else None,
        LastChanges(root, git),
        Explaining(Explanations(root / "cache"), lambda: index),
    )


async def until(hovers: Hovers, snapshot: Snapshot, true: Callable[[Shown], bool]) -> Shown:
    async with asyncio.timeout(60):
        while True:
            shown = await hovers.at(snapshot, 1)
            if shown is not None and true(shown):
                return shown


async def test_what_is_late_is_in_the_next_hover(root: Path) -> None:
    jedi = Analysis(HoverInfo("by jedi", "by jedi", 0, 5, root / "shop.py", 0))
    hovers = Hovers(jedi, index=lambda: Project(TOTAL), about=lambda: None, deadline=SOON, fresh=0)
    snapshot = used(root)
    first = await hovers.at(snapshot, 1)
    assert first is not None
    assert first.layers == ("index", "uses")
    jedi.done.set()
    second = await until(hovers, snapshot, lambda shown: "analysis" in shown.layers)
    assert second.markdown.startswith("by jedi")
    jedi.done.clear()
    third = await hovers.at(snapshot, 1)
    assert third is not None
    assert third.markdown.startswith("by jedi")
    other = await hovers.at(used(root, "total(1)", version=2), 1)
    assert other is not None
    assert other.layers == ("index", "uses")
    hovers.close()


async def test_where_nothing_else_is_known_the_certain_is_waited_for(root: Path) -> None:
    jedi = Analysis(HoverInfo("by jedi", "by jedi", 0, 5))
    hovers = Hovers(jedi, index=lambda: None, about=lambda: None, deadline=SOON, patience=60)
    asked = asyncio.create_task(hovers.at(used(root), 1))
    done, _ = await asyncio.wait([asked], timeout=5 * SOON)
    assert not done
    jedi.done.set()
    shown = await asked
    assert shown is not None
    assert shown.markdown == "by jedi"


async def test_but_not_for_ever(root: Path) -> None:
    hovers = Hovers(Analysis(None), index=lambda: None, about=lambda: None, deadline=SOON, patience=SOON)
    assert await hovers.at(used(root), 1) is None
    hovers.close()


async def test_a_hover_that_is_cancelled_takes_its_questions_along(root: Path) -> None:
    jedi = Analysis(None)
    hovers = Hovers(jedi, index=lambda: None, about=lambda: None, deadline=60)
    asked = asyncio.create_task(hovers.at(used(root), 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked])
    await asyncio.sleep(0)
    assert jedi.cancelled


async def test_git_and_what_was_written_come_when_they_are_there(root: Path, inspector: Inspector) -> None:
    index, git, jedi = Project(TOTAL), Git(), Analysis(HoverInfo("by jedi", "", 0, 5, root / "shop.py", 0))
    jedi.done.set()
    known = about(root, inspector, index, git)
    hovers = Hovers(jedi, index=lambda: index, about=lambda: known, deadline=SOON)
    snapshot = used(root)
    first = await until(hovers, snapshot, lambda shown: shown.lines == (0, 2))
    assert "change" not in first.layers
    assert (first.path, first.lines) == ("shop.py", (0, 2))

    git.done.set()
    shown = await until(hovers, snapshot, lambda shown: "change" in shown.layers)
    assert "by Ann: Begin" in shown.markdown

    place = await hovers.place(snapshot, 1)
    assert place is not None
    target = await known.targets.at(place)
    assert target is not None
    assert known.explaining is not None

    async def ask(prompt: str) -> tuple[str, str]:
        assert "def total(prices):" in prompt
        return "Adds all [prices](command:x). It", "local:m"

    assert await known.explaining.written(target, ask) is not None
    shown = await until(hovers, snapshot, lambda shown: "explanation" in shown.layers)
    assert "Adds all prices. — written by local:​m, not checked" in shown.markdown
    (root / "shop.py").write_text(CODE.replace("add", "sum"), encoding="utf-8")
    await until(hovers, used(root, version=2), lambda shown: "Not committed" in shown.plain)


async def test_uses_of_a_namesake_are_not_claimed(root: Path, inspector: Inspector) -> None:
    index = Project(TOTAL)
    elsewhere = HoverInfo("by jedi", "", 0, 5, Path("/usr/lib/other.py"), 3)
    jedi = Analysis(elsewhere)
    jedi.done.set()
    known = about(root, inspector, index, Git())
    hovers = Hovers(jedi, index=lambda: index, about=lambda: known, deadline=SOON)
    for _ in range(3):
        shown = await hovers.at(used(root), 1)
        assert shown is not None
        assert shown.layers == ("analysis",)
        assert shown.path == ""
    hovers.close()


async def test_languages_without_analysis_have_the_index(root: Path, inspector: Inspector) -> None:
    hit = Hit(
        "a.ts", 0, 3, "typescript", "function", "total", "total", "function total()", "/** Adds. */\nfunction", 1.0
    )
    (root / "a.ts").write_text("/** Adds. */\nfunction total() {\n}\n", encoding="utf-8")
    index = Project(hit)
    known = about(root, inspector, index, Git())
    hovers = Hovers(Analysis(None), index=lambda: index, about=lambda: known, deadline=SOON)
    shown = await until(hovers, used(root, "total()", "typescript"), lambda shown: shown.lines == (0, 3))
    assert shown.markdown.startswith("```typescript\nfunction total()\n```\n\nAdds.\n\nDefined in `a.ts:1`")
    assert await hovers.at(used(root, "x" * 1_000_000, "typescript"), 500_000) is None
    hovers.close()


async def test_one_line_of_a_megabyte(root: Path) -> None:
    text = "a=1;" * 250_000
    hovers = Hovers(Analysis(None), index=lambda: Project(), about=lambda: None, deadline=SOON, patience=SOON)
    assert await hovers.at(used(root, text, "javascript"), 600_000) is None


async def test_a_model_that_has_nothing_to_say_is_not_asked_again_unasked(root: Path, inspector: Inspector) -> None:
    index = Project(TOTAL)
    known = about(root, inspector, index, Git())
    hovers = Hovers(Analysis(None), index=lambda: index, about=lambda: known, deadline=SOON)
    place = await hovers.place(used(root, language="go"), 1)
    assert place is None
    index.defined = [Hit("shop.py", 0, 2, "python", "function", "total", "total", "", CODE, 1.0)]
    explaining, targets = known.explaining, known.targets
    assert explaining is not None
    target = (await targets.around(Snapshot("u", CODE, 1, "python"), "shop.py", 0, 3))[0]
    asked = 0

    async def ask(prompt: str) -> tuple[str, str]:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise EngineError("gone")
        return "nothing whole", "local:m"

    assert await explaining.written(target, ask) is None
    assert await explaining.written(target, ask) is None
    assert asked == 1
    assert await explaining.written(target, ask, again=True) is None
    with pytest.raises(EngineError):
        await explaining.written(target, ask, again=True)
    hovers.close()
