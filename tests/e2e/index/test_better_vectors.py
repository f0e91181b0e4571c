"""The second tier: filled in idle moments, stopped by a keystroke, kept by content, weighed with the first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from indexed import PatientIndex
from numpy.typing import NDArray

from zicoder.errors import EngineUnavailable
from zicoder.index.static_embedder import StaticEmbedder
from zicoder.index.words import words_of

SHOP = '''
def charge_customer(customer, amount):
    """Take the money."""
    return gateway.charge(customer.card, amount)


def ship_parcel(parcel, address):
    """Hand it to the carrier."""
    return carrier.send(parcel, to=address)
'''


@dataclass
class Counting:
    """The product's own word table as a better embedder, that counts, waits and fails when told to."""

    name: str = "counting-1"
    texts: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: int = 0
    broken: bool = False
    closed: bool = False
    table: StaticEmbedder = field(default_factory=StaticEmbedder.load)

    @property
    def dimension(self) -> int:
        return self.table.dimension

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        if self.broken:
            raise EngineUnavailable("The embedder is gone.")
        if self.hold is not None and not query:
            self.begun.set()
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if not query:
            self.texts += texts
        return self.table.embed_words([words_of(text) for text in texts])

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "shop.py").write_text(SHOP)
    return root


def index_of(project: Path, embedder: Counting) -> PatientIndex:
    return PatientIndex(project, project.parent / "cache", embedder=embedder)


async def test_every_chunk_gets_one_better_vector_and_a_restart_needs_none(project: Path) -> None:
    first = Counting()
    async with index_of(project, first) as index:
        report = await index.update()
        await index.embed_everything()
        assert index.status.better == len(first.texts) == report.chunks
        assert any(text.startswith("charge_customer\n") for text in first.texts)
    assert first.closed
    again = Counting()
    async with index_of(project, again) as index:
        await index.update()
        await index.embed_everything()
        assert again.texts == []
        assert index.status.better == report.chunks


async def test_a_renamed_file_and_an_old_content_keep_their_vectors(project: Path) -> None:
    embedder = Counting()
    async with index_of(project, embedder) as index:
        await index.update()
        await index.embed_everything()
        made = len(embedder.texts)
        (project / "shop.py").rename(project / "store.py")
        await index.update()
        await index.embed_everything()
        assert len(embedder.texts) == made
        (project / "store.py").write_text(SHOP.replace("carrier", "courier"))
        await index.update()
        await index.embed_everything()
        assert [text for text in embedder.texts[made:] if "courier" not in text] == []
        made = len(embedder.texts)
        (project / "store.py").write_text(SHOP)
        await index.update()
        await index.embed_everything()
        assert len(embedder.texts) == made


async def test_another_model_begins_anew_and_search_goes_on(project: Path) -> None:
    async with index_of(project, Counting()) as index:
        await index.update()
        await index.embed_everything()
    other = Counting(name="counting-2")
    async with index_of(project, other) as index:
        await index.update()
        assert (await index.search("take money from a customer"))[0].symbol == "charge_customer"
        await index.embed_everything()
        assert len(other.texts) == index.status.better > 0
        assert (await index.search("take money from a customer"))[0].symbol == "charge_customer"


async def test_a_keystroke_stops_the_work_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zicoder.index.enrich.QUIET_S", 0.05)
    embedder = Counting(hold=asyncio.Event())
    async with index_of(project, embedder) as index:
        await index.update()
        filling = asyncio.create_task(index.embed_everything(idle_only=True))
        async with asyncio.timeout(20):
            await embedder.begun.wait()
            index.typed("shop.py")
            while not embedder.cancelled:
                await asyncio.sleep(0.01)
            assert embedder.texts == []
            assert embedder.hold is not None
            embedder.hold.set()
            await filling
        assert index.status.better == len(embedder.texts) > 0


async def test_without_its_embedder_search_answers_from_the_first_tier(project: Path) -> None:
    embedder = Counting()
    async with index_of(project, embedder) as index:
        await index.update()
        await index.embed_everything()
        embedder.broken = True
        assert (await index.search("take money from a customer"))[0].symbol == "charge_customer"


@pytest.mark.parametrize("gone", ["one.py", "two.py"])
async def test_a_chunk_whose_row_goes_while_it_waits_gets_its_vector_by_another_row(
    project: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setattr("zicoder.index.enrich.BATCH", 1)
    functions = "\n\n".join(SHOP.replace("(customer, amount)", f"(customer, amount, n{n})" * 30) for n in range(3))
    for name in ("one.py", "two.py"):
        (project / name).write_text(functions)
    embedder = Counting(hold=asyncio.Event())
    async with index_of(project, embedder) as index:
        await index.update()
        filling = asyncio.create_task(index.embed_everything())
        async with asyncio.timeout(20):
            await embedder.begun.wait()
            (project / gone).unlink()
            await index.update()
            assert embedder.hold is not None
            embedder.hold.set()
            await filling
        await index.embed_everything()
        assert index.searcher is not None
        every = {text_hash for _, text_hash in index.searcher.store.column("text_hash")}
        assert index.status.better == len(set(embedder.texts)) == len(every) > 1
