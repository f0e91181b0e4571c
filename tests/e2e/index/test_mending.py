"""The facade over its whole life: damage is mended behind the back of who asks, and no question raises anything."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from indexed import SHOP, PatientIndex, build, function, put

from zicoder.index.code_index import CodeIndex


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project and its index, to be copied."""
    folder = tmp_path_factory.mktemp("built")
    build(folder / "project", folder / "index", SHOP)
    return folder


@pytest.fixture
async def index(built: Path, tmp_path: Path) -> AsyncIterator[PatientIndex]:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    async with PatientIndex(tmp_path / "project", tmp_path / "index") as index:
        yield index


async def test_before_it_is_open_every_answer_is_empty(index: PatientIndex) -> None:
    assert await index.search("cart") == await index.symbols("cart") == []
    assert await index.similar("cart") == await index.definitions(["cart"]) == await index.callers("cart") == []


async def test_after_it_was_closed_too(index: PatientIndex) -> None:
    await index.update()
    assert await index.search("cart")
    await index.close()
    assert await index.search("cart") == await index.symbols("cart") == []


@pytest.mark.parametrize("pattern", ["data/*.lance", "_indices/*/*.lance", "_versions/*.manifest"])
async def test_damage_is_mended_and_never_raised(index: PatientIndex, tmp_path: Path, pattern: str) -> None:
    await index.update()
    expected = await index.symbols("cart")
    await index.close()
    for place in (tmp_path / "index" / "chunks.lance").glob(pattern):
        place.write_bytes(random.Random(0).randbytes(500))
    async with PatientIndex(index.root, tmp_path / "index") as again:
        await again.open()
        await asyncio.gather(*(again.search(query) for query in ("cart", "price", "compute_total_price")))
        await again.settled()
        await again.update()
        assert (await again.search("compute_total_price"))[0].path == "shop/cart.py"
        assert await again.symbols("cart") == expected


async def test_an_index_that_disappears_while_it_is_open_is_made_again(index: PatientIndex, tmp_path: Path) -> None:
    await index.update()
    shutil.rmtree(tmp_path / "index" / "chunks.lance")
    await index.search("compute_total_price")
    await index.settled()
    put(index.root, "new.py", function("brand_new"))
    await index.update()
    assert (await index.search("compute_total_price"))[0].path == "shop/cart.py"
    assert [symbol.name for symbol in await index.symbols("brand_new")] == ["brand_new"]


async def test_damage_that_a_question_meets_after_its_deadline_is_mended_too(
    index: PatientIndex, tmp_path: Path
) -> None:
    await index.close()
    async with CodeIndex(index.root, tmp_path / "index") as hasty, asyncio.timeout(60):
        await hasty.open()
        shutil.rmtree(tmp_path / "index" / "chunks.lance")
        assert await hasty.search("compute_total_price", deadline=0) == []
        while not (tmp_path / "index" / "chunks.lance").exists():
            await asyncio.sleep(0.01)
        await hasty.settled()
        assert (await hasty.size()).files == len(SHOP)


async def test_many_searches_while_the_index_is_made_anew(index: PatientIndex, tmp_path: Path) -> None:
    await index.update()
    damaged = index._access.store
    stop = asyncio.Event()

    async def ask() -> int:
        answers = 0
        while not stop.is_set():
            await asyncio.sleep(0)
            answers += len(await index.search("cart")) + len(await index.symbols("cart"))
        return answers

    asking = [asyncio.create_task(ask()) for _ in range(3)]
    await asyncio.gather(index._access.make_anew(damaged), index._access.make_anew(damaged))
    await asyncio.gather(index.update(), index.update())
    stop.set()
    await asyncio.gather(*asking)
    assert (await index.search("compute_total_price"))[0].path == "shop/cart.py"
    assert (await index.size()).files == len(SHOP)


async def test_a_file_that_is_gone_is_found_by_no_look_up(index: PatientIndex) -> None:
    await index.update()
    assert await index.search("compute_total_price")
    for path in index.root.rglob("*.py"):
        path.unlink()
    await index.update()
    assert [hit.path for hit in await index.search("compute_total_price") if hit.path.endswith(".py")] == []
    assert await index.definitions(["compute_total_price"]) == await index.callers("compute_total_price") == []


async def test_what_was_read_is_counted(index: PatientIndex, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "index")
    assert (await index.update()).bytes_read == sum(len(text.encode()) for text in SHOP.values())
    assert (await index.update()).bytes_read == 0
    (index.root / "more.py").write_text("answer = 42\n")
    assert (await index.update()).bytes_read == len("answer = 42\n")
