"""What is on the screen and not on the disk is what search finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from indexed import EMBEDDER, function, put

from zicoder.index.code_index import CodeIndex
from zicoder.index.reader import rows_of
from zicoder.index.unsaved import Corpus, Unsaved


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[CodeIndex]:
    root = tmp_path / "project"
    put(root, "a.py", function("on_disk", "return alpha_disk"))
    put(root, "b.py", function("other"))
    put(root, ".gitignore", "ignored/\n")
    async with CodeIndex(root, tmp_path / "index") as index:
        await index.update()
        yield index


async def found(index: CodeIndex, query: str) -> list[tuple[str, bool]]:
    return [(hit.symbol, hit.unsaved) for hit in await index.search(query)]


async def test_changed_text_is_found_and_hides_the_file(index: CodeIndex) -> None:
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


async def test_closing_without_saving_brings_the_file_back(index: CodeIndex) -> None:
    index.document_changed("a.py", function("on_screen"))
    await index.settled()
    index.document_closed("a.py")
    await index.settled()
    assert ("on_disk", False) in await found(index, "on_disk")
    assert await index.definitions(["on_screen"]) == []


async def test_saving_keeps_the_answer_and_moves_it_to_the_disk(index: CodeIndex) -> None:
    text = function("on_screen")
    index.document_changed("a.py", text)
    await index.settled()
    put(index.root, "a.py", text)
    index.document_saved("a.py")
    await index.settled()
    assert [hit.unsaved for hit in await index.definitions(["on_screen"])] == [False]
    assert await index.definitions(["on_disk"]) == []


async def test_a_new_document_is_found_before_it_is_a_file(index: CodeIndex) -> None:
    index.document_changed("new/place.py", function("brand_new"))
    await index.settled()
    assert (await found(index, "brand_new"))[0] == ("brand_new", True)


async def test_only_the_last_text_of_a_burst_counts(index: CodeIndex) -> None:
    for n in range(50):
        index.document_changed("a.py", function(f"version_{n}"))
    await index.settled()
    assert await index.definitions(["version_48"]) == []
    assert [hit.symbol for hit in await index.definitions(["version_49"])] == ["version_49"]


async def test_typing_on_while_a_save_is_taken_in(index: CodeIndex) -> None:
    put(index.root, "fresh.py", function("fresh_one"))
    index.document_saved("fresh.py")
    for n in range(20):
        index.document_changed("fresh.py", function(f"fresh_{n}"))
        index.document_saved("fresh.py")
        index.files_changed(["fresh.py"])
    await index.settled()
    await index.update()
    assert [hit.path for hit in await index.definitions(["fresh_one"])] == ["fresh.py"]
    size = await index.size()
    assert size.chunks == size.files == 4


async def test_a_document_that_is_no_part_of_the_project_is_not_searched(index: CodeIndex) -> None:
    for path in ("ignored/x.py", "node_modules/x.js", ".env", "", "../x.py", "a.py/", "x\ud83d.py"):
        index.document_changed(path, function("hidden_thing"))
    await index.settled()
    assert await index.definitions(["hidden_thing"]) == []


@pytest.mark.parametrize("text", ["", "\0", "x = '\ud83d'\n", "(" * 5000, "\ufeff", "# @generated\nx = 1\n"], ids=ascii)
async def test_a_document_may_hold_anything(index: CodeIndex, text: str) -> None:
    index.document_changed("a.py", text)
    await index.settled()
    assert "on_disk" not in dict(await found(index, "on_disk"))
    assert ("other", False) in await found(index, "other")


async def test_scope_holds_for_unsaved_text_too(index: CodeIndex) -> None:
    from zicoder.index.search import Scope

    index.document_changed("pkg/a.py", function("on_screen"))
    await index.settled()
    assert await index.search("on_screen", scope=Scope(path="pkg"))
    assert not [h for h in await index.search("on_screen", scope=Scope(("go",))) if h.unsaved]
    assert not [h for h in await index.search("on_screen", scope=Scope(path="lib")) if h.unsaved]


def test_text_without_chunks_hides_the_file_all_the_same() -> None:
    unsaved = Unsaved(EMBEDDER.dimension)
    unsaved.put(rows_of("a.py", b"", EMBEDDER))
    assert (unsaved.paths, unsaved.rows()) == (frozenset({"a.py"}), [])
    unsaved.drop("a.py")
    unsaved.drop("never.py")
    assert (unsaved.paths, unsaved.hash_of("a.py")) == (frozenset(), None)


def test_vectors_are_those_of_the_text() -> None:
    unsaved = Unsaved(EMBEDDER.dimension)
    unsaved.put(rows_of("a.py", function("parse_header").encode(), EMBEDDER))
    [row] = unsaved.rows()
    assert row.vector.dtype == np.float32
    assert float(np.linalg.norm(row.vector)) == pytest.approx(1, abs=0.01)


def test_rare_words_weigh_more_and_an_empty_index_does_no_harm() -> None:
    corpus = Corpus.of(["common rare", "common x", "common y", "common z"])
    text = Counter(["common", "rare", "q"])
    assert corpus.bm25(["rare"], text) > corpus.bm25(["common"], text) > corpus.bm25(["absent"], text) == 0
    assert Corpus.of([]).bm25(["rare"], text) >= 0
