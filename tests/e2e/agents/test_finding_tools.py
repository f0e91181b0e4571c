"""Finding things in a project: by pattern in a process that can be ended, by meaning and name in the real index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zicoder.agents.places import Places
from zicoder.agents.policy import Policy
from zicoder.agents.processes import Limits
from zicoder.agents.tools import searching
from zicoder.agents.tools.protocol import Grant, Tool, ToolText, checked
from zicoder.agents.tools.searching import CodeSearch, DefinitionsTool, GrepTool, SearchTool, SymbolsTool
from zicoder.commands.index import current_index
from zicoder.errors import ToolError
from zicoder.settings import AgentSettings
from zicoder.workspace import Workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "cart.py").write_text("class Cart:\n    def total(self):\n        return 0\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "out.py").write_text("def total(): pass\n")
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / ".env").write_text("total=secret\n")
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "plan.py").write_text("def total():\n    return 'hidden'\n")
    return tmp_path


async def use(tool: Tool[Any], root: Path, **arguments: object) -> ToolText:
    """Run a tool with what a policy that hides `private/` grants."""
    places = Places(root)
    policy = Policy(AgentSettings(deny=["*:private/"]), places)
    typed = checked(tool.arguments, arguments)
    found = {path: places.resolve(path) for path in tool.touches(typed).reads}
    return await tool.run(typed, Grant(places.root, found, lambda path: policy.hides(tool.name, path)))


async def test_grep_finds_lines_and_leaves_out_what_is_ignored_secret_or_denied(root: Path):
    result = await use(GrepTool(), root, pattern="TOTAL", ignore_case=True)
    assert result.text == "src/cart.py:2:     def total(self):"
    assert (await use(GrepTool(), root, pattern="total", glob="*.md")).text == "No line matches."
    assert "cart.py:3" in (await use(GrepTool(), root, pattern=r"return \d", path="src/cart.py")).text


async def test_many_matches_are_cut(root: Path):
    (root / "many.py").write_text("hello = 'wörld'\n" * 3000)
    result = await use(GrepTool(), root, pattern="hello")
    assert result.summary == "200 lines"
    assert "there are more" in result.text


async def test_a_bad_pattern_is_told(root: Path):
    with pytest.raises(ToolError, match="no regular expression"):
        await use(GrepTool(), root, pattern="(")


async def test_a_pattern_that_takes_for_ever_is_ended(root: Path, monkeypatch: pytest.MonkeyPatch):
    (root / "first.py").write_text("aaaa\n")
    (root / "trap.py").write_text("a" * 60 + "!\n")
    monkeypatch.setattr(searching, "GREP_LIMITS", Limits(seconds=4))
    text = (await use(GrepTool(), root, pattern="^(a+)+$")).text
    assert "first.py:1: aaaa" in text
    assert "ended after 4 seconds" in text


async def test_the_index_answers_with_places_and_without_what_is_denied(root: Path):
    async with Workspace(root) as workspace:
        index, _ = await current_index(workspace)

        async def opened() -> CodeSearch:
            return index

        found = (await use(SearchTool(opened), root, query="total of a cart")).text
        assert "src/cart.py:" in found
        assert "hidden" not in found
        assert "def total(self)" in (await use(DefinitionsTool(opened), root, name="Cart.total")).text
        assert (await use(SymbolsTool(opened), root, query="total")).text == "src/cart.py:2  method Cart.total"
