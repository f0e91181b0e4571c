"""The lease of a shared index: one of all machines has it, it ends by itself, and nobody writes without it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from indexed import EMBEDDER, functions_of, open_store, paths

from zicoder.errors import IndexBusy
from zicoder.index.lance import Database
from zicoder.index.lease import LEASE_S, Lease
from zicoder.index.lock import WriterLock
from zicoder.index.store import Store

PATIENCE_S = 30.0

Machine = Callable[..., Lease]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return tmp_path / "shared"


@pytest.fixture
def machine(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Another machine at each call; its lock is in a folder of its own."""
    monkeypatch.setattr("zicoder.index.lease.SETTLE_S", 0.0)
    made: list[Lease] = []

    def make(*, seconds: float = LEASE_S, name: str = "") -> Lease:
        made.append(Lease(str(shared), WriterLock(tmp_path / (name or str(len(made)))), seconds=seconds))
        return made[-1]

    yield make
    for lease in made:
        lease.release()


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < end
        time.sleep(0.01)


def rows(shared: Path) -> list[dict[str, Any]]:
    return Database(str(shared), seen_s=0).open("lease").rows(["owner", "until"]).to_pylist()


def set_row(shared: Path, **values: object) -> None:
    """Write into the row as another machine would."""
    assert Database(str(shared), seen_s=0).open("lease").update(values, "true") == 1


def test_of_many_that_want_it_at_once_one_gets_it(machine: Machine) -> None:
    first = machine()
    assert first.take()
    for _ in range(3):
        contenders = [machine() for _ in range(5)]
        with ThreadPoolExecutor(len(contenders)) as threads:
            assert not any(threads.map(Lease.take, contenders))
            first.release()
            contenders = [machine() for _ in range(5)]
            assert sorted(threads.map(Lease.take, contenders)) == [False] * 4 + [True]
        first = next(lease for lease in contenders if lease.held)


def test_what_is_given_back_can_be_taken_at_once(machine: Machine) -> None:
    one, other = machine(), machine()
    assert one.take()
    assert one.take()
    one.release()
    assert not one.held
    assert other.take()
    assert not one.take()
    with pytest.raises(IndexBusy, match="another machine has it now"):
        one.check()
    other.check()


def test_of_one_machine_one_process_asks_at_most(machine: Machine, shared: Path) -> None:
    one, other = machine(name="same"), machine(name="same")
    assert one.take()
    set_row(shared, until=0.0)
    assert not other.take()


def test_a_lease_is_renewed_while_its_owner_lives(machine: Machine, shared: Path) -> None:
    one = machine(seconds=0.9)
    assert one.take()
    begun = [row["until"] for row in rows(shared)]
    until(lambda: all(row["until"] > begun[0] + 1.0 for row in rows(shared)))
    assert one.held
    assert not machine().take()


def test_the_lease_of_a_process_that_was_killed_runs_out(machine: Machine, shared: Path) -> None:
    machine().take()
    machine().release()
    set_row(shared, owner="killed", until=time.time() + 60)
    assert not machine().take()
    other = machine(seconds=0.3)
    set_row(shared, owner="killed", until=time.time() + 0.5)
    until(other.take)
    assert rows(shared)[0]["owner"] != "killed"


def test_who_lost_the_lease_writes_no_more_and_can_take_it_again(machine: Machine, shared: Path) -> None:
    lease = machine(seconds=1.2)
    assert lease.take()
    store = Store.open(str(shared), dimension=EMBEDDER.dimension, vectors=EMBEDDER.name, write=True, guard=lease.check)
    store.replace([functions_of("a.py"), functions_of("b.py")])
    set_row(shared, owner="another", until=time.time() + 60)
    until(lambda: not lease.held)
    for write in (
        lambda: store.replace([functions_of("c.py")]),
        lambda: store.replace([functions_of("a.py", "changed")], known=["a.py"]),
        lambda: store.remove(["a.py"]),
        lambda: store.tend(thoroughly=True),
        lambda: store.database.drop("chunks"),
    ):
        with pytest.raises(IndexBusy):
            write()
    assert paths(open_store(shared, write=False)) == ["a.py", "b.py"]
    assert rows(shared)[0]["owner"] == "another", "what another has is not given back"
    lease.release()
    set_row(shared, until=0.0)
    until(lease.take)
    store.replace([functions_of("c.py")])
    assert paths(store) == ["a.py", "b.py", "c.py"]


def test_a_lease_that_cannot_be_renewed_ends_before_another_can_have_it(machine: Machine, shared: Path) -> None:
    lease = machine(seconds=0.6)
    assert lease.take()
    shutil.rmtree(shared)
    until(lambda: not lease.held)
    lease.release()
    assert lease.take(), "the index was deleted, and begins anew"
