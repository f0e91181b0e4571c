"""What mentions stand for, in a real project with a real file filter; what may not be shown, and what to write then."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from zicoder.context.gathered import FOUND, Excerpt
from zicoder.context.project_files import ProjectFiles
from zicoder.context.resolve import Gathered, Sources, resolve
from zicoder.context.segments import Segment
from zicoder.errors import InputError, ToolError
from zicoder.index.search import Hit
from zicoder.index.symbols import Symbol
from zicoder.index.walk import FileFilter
from zicoder.text import Snapshot

CART = "".join(f"line {n}\n" for n in range(1, 31))


def put(root: Path, path: str, content: str | bytes) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    put(root, "shop/cart.py", CART)
    put(root, "shop/store.py", "a = 1\r\nb = 2\r\n")
    put(root, "web/store.py", "c = 3\n")
    put(root, "docs/my notes.md", "# Notes\n")
    put(root, ".env", "KEY=very secret\n")
    put(root, "deploy/id_rsa", "very secret\n")
    put(root, "ignored/x.py", "x = 1\n")
    put(root, ".gitignore", "ignored/\n")
    put(root, "shop/logo.png", b"\x89PNG\0\0")
    put(root, "shop/empty.py", "")
    put(tmp_path, "outside.py", "very secret\n")
    return root


def files(root: Path, *documents: Snapshot) -> ProjectFiles:
    return ProjectFiles(FileFilter(root), lambda: documents)


async def gathered(root: Path, prompt: str, **more: object) -> Gathered:
    return await resolve(prompt, Sources(files=files(root), **more))  # type: ignore[arg-type]


def places(found: Gathered) -> list[str]:
    return [item.render().split("\n")[0] for item in found.items()]


async def test_files_ranges_and_short_names_are_shown(project: Path) -> None:
    found = await gathered(project, 'Look at @shop/store.py, @cart.py:3-5 and @"docs/my notes.md".')
    assert places(found) == ["shop/cart.py:3-5", "shop/store.py:1-2", "docs/my notes.md:1-1"]
    assert found.notes == []
    assert "line 3\nline 4\nline 5" in found.items()[0].render()
    assert found.items()[1].text == "a = 1\nb = 2"


async def test_ranges_that_overlap_are_shown_once(project: Path) -> None:
    found = await gathered(project, "@shop/cart.py:3-8 @cart.py:6-10 @cart.py:20")
    assert places(found) == ["shop/cart.py:3-10", "shop/cart.py:20-20"]


async def test_the_selection_comes_first_and_its_lines_only_once(project: Path) -> None:
    selected = Excerpt(path="shop/cart.py", start=9, text="line 10\nline 11")
    found = await gathered(project, "@selection in @shop/cart.py", selection=selected)
    assert places(found) == ["shop/cart.py:10-11", "shop/cart.py:1-9", "shop/cart.py:12-30"]
    assert (await gathered(project, "@selection")).notes == ["Nothing is selected, so @selection is left as text."]


@pytest.mark.parametrize(
    ("prompt", "note"),
    [
        ("@.env", ".env is not shown: it looks like a file of secrets."),
        ("@deploy/id_rsa", "deploy/id_rsa is not shown: it looks like a file of secrets."),
        ("@../outside.py", "../outside.py lies outside the project and is not shown."),
        ("@shop/../../outside.py", "shop/../../outside.py lies outside the project and is not shown."),
        ("@/etc/passwd", "/etc/passwd lies outside the project and is not shown."),
        ("@ignored/x.py", "ignored/x.py is not shown: an ignore rule leaves it out."),
        ("@shop/logo.png", "shop/logo.png is not shown: it is no text."),
        ("@shop/empty.py", "shop/empty.py is empty."),
        ("@shop/cart.py:99", "shop/cart.py has 30 lines, so line 99 is not shown."),
        ("@store.py", "@store.py may be any of shop/store.py, web/store.py: write more of the path."),
        ("@shop/crat.py", "@shop/crat.py names nothing here and is left as text. Perhaps @shop/cart.py?"),
        ("@folder:shpo", "@folder:shpo is no folder here and is left as text."),
        ("@dif", "@dif names nothing here and is left as text. Perhaps @diff?"),
    ],
)
async def test_what_is_not_shown_is_said(project: Path, prompt: str, note: str) -> None:
    found = await gathered(project, f"Look at {prompt} please.")
    assert found.notes == [note]
    assert found.items() == []


async def test_a_decorator_or_a_name_is_just_text(project: Path) -> None:
    found = await gathered(project, "Why @property here, and what would @alice say?")
    assert (found.items(), found.notes) == ([], [])


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
async def test_a_link_out_of_the_project_is_not_followed(project: Path) -> None:
    (project / "shop" / "link.py").symlink_to(project.parent / "outside.py")
    (project / "linked").symlink_to(project.parent)
    found = await gathered(project, "@shop/link.py @linked/outside.py")
    assert found.items() == []
    assert len(found.notes) == 2
    assert "very secret" not in str(found)


async def test_a_folder_is_its_list_and_its_files(project: Path) -> None:
    found = await gathered(project, "@shop/")
    assert places(found) == ["files in shop/", "shop/cart.py:1-30", "shop/store.py:1-2"]
    assert found.items()[0].text == "shop/cart.py\nshop/empty.py\nshop/store.py"


async def test_an_open_document_is_shown_as_it_is_in_the_editor(project: Path) -> None:
    path = project / "shop" / "cart.py"
    open_files = files(project, Snapshot(uri=path.as_uri(), text="changed = 1\r\n", path=path))
    found = await resolve("@shop/cart.py", Sources(files=open_files))
    assert found.items()[0].text == "changed = 1"


async def test_diff_and_problems_are_asked_for(project: Path) -> None:
    async def diff() -> str:
        return "--- a/x\n+++ b/x\n"

    async def problems() -> str:
        raise ToolError("The problems cannot be read.")

    found = await gathered(project, "@diff @problems", diff=diff, problems=problems)
    assert places(found) == ["git diff"]
    assert found.notes == ["The problems cannot be read."]
    assert (await gathered(project, "@diff")).notes == ["There is no diff to show."]


def hit(path: str, start: int, symbol: str, qualified: str, text: str) -> Hit:
    return Hit(path, start, start + 2, "python", "method", symbol, qualified, "", text, 1.0)


class Names:
    """An index of two methods."""

    hits = (
        hit("shop/cart.py", 4, "get", "Cart.get", "def get(self):\n    pass"),
        hit("web/session.py", 8, "get", "Session.get", "def get(self):\n    return 1"),
    )

    async def definitions(self, names: Sequence[str], limit: int = 20) -> list[Hit]:
        return [hit for hit in self.hits if hit.symbol in names][:limit]

    async def symbols(self, query: str, limit: int = 100) -> list[Symbol]:
        return [Symbol(h.symbol, h.qualified, h.kind, h.path, h.start) for h in self.hits if query[:2] in h.symbol]


async def test_symbols_are_where_they_are_defined(project: Path) -> None:
    assert places(await gathered(project, "@symbol:get", index=Names())) == ["shop/cart.py:5-6", "web/session.py:9-10"]
    for written in ("Session.get", "Session::get", "session.get"):
        assert places(await gathered(project, f"@symbol:{written}", index=Names())) == ["web/session.py:9-10"]
    unknown = await gathered(project, "@symbol:gett", index=Names())
    assert unknown.notes == ["There is no symbol 'gett'. Perhaps Cart.get or Session.get?"]


async def test_what_the_index_found_stands_before_what_was_pointed_at(project: Path) -> None:
    found = await gathered(project, "@shop/cart.py:1-5")
    more = [Excerpt(path="shop/cart.py", start=3, text="line 4\nline 5\nline 6", priority=FOUND)]
    first, second = found.items(more)
    assert (first.segment, first.fresh, first.render().split("\n")[0]) == (Segment.PROJECT, True, "shop/cart.py:6-6")
    assert (second.segment, second.start) == (Segment.TASK, 0)


LARGE = "class Cart(Base):\n    size = 3\n\n" + "".join(
    f"    def step_{n}(self, article: str) -> int:\n        return {n}\n\n" for n in range(30)
)  # fmt: skip


async def test_a_class_that_the_index_has_cut_up_is_shown_with_the_heads_of_its_members(project: Path) -> None:
    put(project, "shop/large.py", LARGE + "\ndef after():\n    pass\n")
    head = "\n".join(LARGE.split("\n")[:5])

    class Cut(Names):
        hits = (Hit("shop/large.py", 0, 5, "python", "class", "Cart", "Cart", "", head, 1.0),)

    found = await gathered(project, "@symbol:Cart", index=Cut())
    (members,) = found.others
    assert places(found) == ["shop/large.py: the members of Cart, with their lines", "shop/large.py:1-5"]
    assert members.text.split("\n")[0] == "7: def step_1(self, article: str) -> int:"
    assert "step_29" in members.text
    assert "after" not in members.text
    assert "step_0" not in members.text  # it stands in the piece that is shown


async def test_a_class_that_is_shown_whole_has_no_list_of_members(project: Path) -> None:
    put(project, "shop/small.py", "class Cart:\n    def get(self):\n        return 1\n")

    class Whole(Names):
        hits = (Hit("shop/small.py", 0, 3, "python", "class", "Cart", "Cart", "", "class Cart:\n ...", 1.0),)

    assert places(await gathered(project, "@symbol:Cart", index=Whole())) == ["shop/small.py:1-2"]


async def test_reading_says_why_not(project: Path) -> None:
    with pytest.raises(InputError, match=r"no\.py is not shown: there is no such file"):
        files(project).read("no.py")
    assert files(project).line_count("shop/cart.py") == 30
    assert files(project).line_count(".env") is None
