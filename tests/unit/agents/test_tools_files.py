"""Reading, listing and finding, and what becomes of files that are huge, odd or none of the agent's business."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zicoder.agents.excerpt import Excerpt, readable
from zicoder.agents.places import Places
from zicoder.agents.policy import Policy
from zicoder.agents.tools.protocol import Grant, Tool, ToolText, checked
from zicoder.agents.tools.reading import MAX_CHARS, ListTool, ReadTool
from zicoder.errors import ToolError
from zicoder.settings import AgentSettings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "cart.py").write_text("def total():\n    return 0\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "out.py").write_text("def total(): pass\n")
    (tmp_path / ".gitignore").write_text("build/\n*.log\n")
    (tmp_path / "a.log").write_text("total\n")
    (tmp_path / ".env").write_text("total=secret\n")
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "plan.py").write_text("total = 'hidden'\n")
    return tmp_path


async def use(tool: Tool[Any], root: Path, **arguments: object) -> ToolText:
    """Run a tool with what a policy that hides `private/` grants."""
    places = Places(root)
    policy = Policy(AgentSettings(deny=["*:private/"]), places)
    typed = checked(tool.arguments, arguments)
    touch = tool.touches(typed)
    found = {path: places.resolve(path) for path in touch.reads}
    return await tool.run(typed, Grant(places.root, found, lambda path: policy.hides(tool.name, path)))


async def test_lines_are_numbered_and_a_long_file_can_be_continued(root: Path):
    (root / "long.py").write_text("".join(f"x{n} = {n}\n" for n in range(1, 2001)))
    first = await use(ReadTool(), root, path="long.py")
    assert "    1  x1 = 1" in first.text
    assert "continue with start=401" in first.text
    middle = await use(ReadTool(), root, path="long.py", start=1000, end=1001)
    assert middle.text.splitlines()[1:] == [" 1000  x1000 = 1000", " 1001  x1001 = 1001"]
    assert "has 2000 lines" in (await use(ReadTool(), root, path="long.py", start=3000)).text


async def test_an_endless_line_is_cut(root: Path):
    (root / "one.json").write_bytes(b"[" + b"1, " * 400_000 + b"]\nend\n")
    text = (await use(ReadTool(), root, path="one.json")).text
    assert len(text) < MAX_CHARS
    assert "more characters" in text
    assert text.endswith("    2  end")


@pytest.mark.parametrize("data", [b"\x7fELF\0\0\0", b"\x89PNG\r\n\x1a\n\0"])
async def test_a_binary_file_is_not_read(root: Path, data: bytes):
    (root / "file").write_bytes(data)
    with pytest.raises(ToolError, match="no text file"):
        await use(ReadTool(), root, path="file")


async def test_bytes_that_are_no_utf8_do_not_stop_the_reader(root: Path):
    (root / "latin.txt").write_bytes("Grüße\n".encode("latin-1"))
    assert "Gr\ufffd\ufffde" in (await use(ReadTool(), root, path="latin.txt")).text


async def test_a_folder_is_listed_without_what_is_ignored_secret_or_denied(root: Path):
    assert (await use(ListTool(), root)).text.splitlines() == [".:", ".gitignore", "src/"]
    assert (await use(ListTool(), root, depth=2)).text.splitlines() == [".:", ".gitignore", "src/", "src/cart.py"]
    with pytest.raises(ToolError, match="left out"):
        await use(ListTool(), root, path="build")
    with pytest.raises(ToolError, match="no folder"):
        await use(ListTool(), root, path="src/cart.py")


async def test_a_huge_folder_is_cut(root: Path):
    for number in range(400):
        (root / "src" / f"f{number}.py").touch()
    assert "more than 300 entries" in (await use(ListTool(), root, path="src")).text


@pytest.mark.parametrize("piece", [1, 7, 4096, 70_000])
def test_an_excerpt_keeps_both_ends_in_bounded_memory(piece: int):
    lines = b"".join(b"line %d\n" % number for number in range(20_000))
    excerpt = Excerpt(head=1000, tail=1000)
    for start in range(0, len(lines), piece):
        excerpt.add(lines[start : start + piece])
    text = excerpt.text()
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 19998\nline 19999\n")
    assert "bytes left out" in text
    assert len(text) < 2100
    assert excerpt.total == len(lines)
    assert all(line.startswith(("line ", "[… ")) for line in text.splitlines())


def test_an_excerpt_of_little_is_everything():
    excerpt = Excerpt(head=10, tail=10)
    excerpt.add(b"123456789012345")
    assert excerpt.text() == "123456789012345"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"10%\r50%\r100%\ndone", "100%\ndone"),
        (b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b", "ab"),
        (b"a\r\nb\x07", "a\nb"),
        ("\u202eevil".encode(), "evil"),
    ],
)
def test_what_only_a_terminal_understands_is_taken_out(raw: bytes, text: str):
    assert readable(raw) == text
