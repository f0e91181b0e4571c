"""What is on the screen and not on the disk is what search finds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from indexed import PatientIndex, function, put

from zicoder.index.search import Scope

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def indexed(folder: Path) -> AsyncIterator[PatientIndex]:
    root = folder / "project"
    put(root, "a.py", function("on_disk", "return alpha_disk"))
    put(root, "b.py", function("other"))
    put(root, ".gitignore", "ignored/\n")
    async with PatientIndex(root, folder / "index") as index:
        await index.update()
        yield index


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PatientIndex]:
    async for index in indexed(tmp_path_factory.mktemp("unsaved")):
        yield index


@pytest.fixture
def index(shared: PatientIndex) -> Iterator[PatientIndex]:
    """One index for all tests that save nothing; their documents are closed."""
    yield shared
    for path in shared._unsaved.paths:
        shared.document_closed(path)


@pytest_asyncio.fixture(loop_scope="module")
async def own(tmp_path: Path) -> AsyncIterator[PatientIndex]:
    async for index in indexed(tmp_path):
        yield index


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zicoder.index.code_index.UNSAVED_DELAY_S", 0.05)


async def found(index: PatientIndex, query: str) -> list[tuple[str, bool]]:
    return [(hit.symbol, hit.unsaved) for hit in await index.search(query)]


async def test_changed_text_is_found_and_hides_the_file(index: PatientIndex) -> None:
    index.document_changed("a.py", function("on_screen", "return alpha_screen"))
    await index.settled()
    [hit] = [hit for hit in await index.search("on_screen") if hit.symbol == "on_screen"]
    assert (hit.path, hit.unsaved) == ("a.py", True)
    assert "return alpha_screen" in hit.text
    assert "on_disk" not in dict(await found(index, "on_disk"))
    assert await index.definitions(["on_disk"]) == await index.callers("alpha_disk") == []
    assert [hit.unsaved for hit in await index.definitions(["on_screen"])] == [True]
    assert [hit.unsaved for hit in await index.callers("alpha_screen")] == [True]
    assert ("other", False) in await found(index, "other")


async def test_closing_without_saving_brings_the_file_back(index: PatientIndex) -> None:
    index.document_changed("a.py", function("on_screen"))
    await index.settled()
    index.document_closed("a.py")
    await index.settled()
    assert ("on_disk", False) in await found(index, "on_disk")
    assert await index.definitions(["on_screen"]) == []


async def test_saving_keeps_the_answer_and_moves_it_to_the_disk(own: PatientIndex) -> None:
    text = function("on_screen")
    own.document_changed("a.py", text)
    await own.settled()
    put(own.root, "a.py", text)
    own.document_saved("a.py")
    await own.settled()
    assert [hit.unsaved for hit in await own.definitions(["on_screen"])] == [False]
    assert await own.definitions(["on_disk"]) == []


async def test_a_new_document_is_found_before_it_is_a_file(index: PatientIndex) -> None:
    index.document_changed("new/place.py", function("brand_new"))
    await index.settled()
    assert (await found(index, "brand_new"))[0] == ("brand_new", True)


async def test_only_the_last_text_of_a_burst_counts(index: PatientIndex) -> None:
    for n in range(50):
        index.document_changed("a.py", function(f"version_{n}"))
    await index.settled()
    assert await index.definitions(["version_48"]) == []
    assert [hit.symbol for hit in await index.definitions(["version_49"])] == ["version_49"]


async def test_typing_on_while_a_save_is_taken_in(own: PatientIndex) -> None:
    put(own.root, "fresh.py", function("fresh_one"))
    own.document_saved("fresh.py")
    for n in range(20):
        own.document_changed("fresh.py", function(f"fresh_{n}"))
        own.document_saved("fresh.py")
        own.files_changed(["fresh.py"])
    await own.settled()
    await own.update()
    assert [hit.path for hit in await own.definitions(["fresh_one"])] == ["fresh.py"]
    size = await own.size()
    assert size.chunks == size.files == 4


async def test_a_document_that_is_no_part_of_the_project_is_not_searched(index: PatientIndex) -> None:
    for path in ("ignored/x.py", "node_modules/x.js", ".env", "", "../x.py", "a.py/", "x\ud83d.py"):
        index.document_changed(path, function("hidden_thing"))
    await index.settled()
    assert await index.definitions(["hidden_thing"]) == []


@pytest.mark.parametrize("text", ["", "\0", "x = '\ud83d'\n", "(" * 5000, "\ufeff", "# @generated\nx = 1\n"], ids=ascii)
async def test_a_document_may_hold_anything(index: PatientIndex, text: str) -> None:
    index.document_changed("a.py", text)
    await index.settled()
    assert "on_disk" not in dict(await found(index, "on_disk"))
    assert ("other", False) in await found(index, "other")


async def test_scope_holds_for_unsaved_text_too(index: PatientIndex) -> None:
    index.document_changed("pkg/a.py", function("on_screen"))
    await index.settled()
    assert await index.search("on_screen", scope=Scope(path="pkg"))
    assert not [h for h in await index.search("on_screen", scope=Scope(("go",))) if h.unsaved]
    assert not [h for h in await index.search("on_screen", scope=Scope(path="lib")) if h.unsaved]
