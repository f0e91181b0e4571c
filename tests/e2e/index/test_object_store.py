"""An index that a team shares: in a real object store, over the wire, with processes that do not know each other."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from editor import RunZi
from indexed import SHOP, duplicates, function, put

from zicoder.index.code_index import CodeIndex, IndexState
from zicoder.index.lance import Database
from zicoder.index.lease import Lease
from zicoder.workspace import index_dir

PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server that speaks S3."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + PATIENCE_S
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("PUT", "/team")
            assert connection.getresponse().status == 200
            break
        except OSError:
            assert server.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        finally:
            connection.close()
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


@pytest.fixture
def bucket(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place for indexes in it, as the user's settings and environment say it."""
    location = f"s3://team/{tmp_path.name}"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3,
        "AWS_ALLOW_HTTP": "true",
        "ZI_INDEX__LOCATION": location,
    }.items():
        monkeypatch.setenv(name, value)
    return location


@pytest.fixture
def shop(root: Path) -> Path:
    (root / ".git").mkdir()
    for path, content in SHOP.items():
        put(root, path, content)
    return root


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Have what is started from now on run on a machine of this name, which shares nothing but the store."""

    def use(name: str) -> Path:
        monkeypatch.setenv("ZI_CACHE_DIR", str(tmp_path / name))
        return tmp_path / name

    return use


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def rows(location: str) -> list[tuple[Any, ...]]:
    table = Database(location, seen_s=0).open("chunks").rows(["id", "path", "file_hash"])
    return [tuple(row.values()) for row in table.to_pylist()]


async def until(met: Callable[[], Awaitable[Any] | bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not (await found if isinstance(found := met(), Awaitable) else found):
            await asyncio.sleep(0.05)


async def test_what_one_machine_indexes_another_finds(
    zi: RunZi, shop: Path, bucket: str, machine: Callable[[str], Path]
) -> None:
    location = f"{bucket}/{index_dir(shop).name}"
    machine("one")
    first = await asyncio.to_thread(zi, "index", "--json")
    assert answer(first)["indexed"] == len(SHOP)
    assert {path for _, path, _ in rows(location)} == SHOP.keys()
    assert not list(index_dir(shop).glob("*.lance")), "nothing of it is kept on the machine"

    async with CodeIndex(shop, machine("three"), location=location) as writer:
        await writer.update()
        machine("two")
        found = answer(await asyncio.to_thread(zi, "search", "charge the customer's card", "--json"))
        assert found["hits"][0]["path"] == "shop/checkout.py"
        assert found["note"] == "Another process keeps this index up to date."
        async with CodeIndex(shop, machine("four"), location=location) as follower:
            await follower.open()
            assert not follower.writes
            assert (await follower.search("compute_total_price", deadline=60))[0].path == "shop/cart.py"
            put(shop, "new/place.py", function("brand_new_function"))
            put(shop, "shop/checkout.py", function("pay_by_bank_transfer"))
            (shop / "web" / "app.ts").unlink()
            await writer.update()
            await until(lambda: follower.definitions(["brand_new_function"], deadline=60))
            assert await follower.definitions(["pay_by_bank_transfer"], deadline=60)
            assert not await follower.definitions(["check_out", "renderCartPage"], deadline=60)
    again = answer(await asyncio.to_thread(zi, "index", "--json"))
    assert (again["indexed"], again["removed"]) == (0, 0), "what was given back can be taken at once"
    assert duplicates(rows(location)) == []


def test_two_machines_that_build_at_once_leave_nothing_twice(
    zi: RunZi, shop: Path, bucket: str, machine: Callable[[str], Path]
) -> None:
    for n in range(30):
        put(shop, f"many/m{n}.py", "\n\n".join(function(f"name_{n}_{m}") for m in range(10)))
    both: list[subprocess.Popen[str]] = []
    for name in ("one", "two"):
        machine(name)
        command = [sys.executable, "-P", "-m", "zicoder", "index", "--json"]
        both.append(
            subprocess.Popen(command, cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        )
    outputs = ["".join(process.communicate(timeout=PATIENCE_S)) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 1]), outputs
    if codes == [0, 1]:
        assert "Another Zi Coder process keeps this index up to date." in "".join(outputs)
    location = f"{bucket}/{index_dir(shop).name}"
    assert duplicates(rows(location)) == []
    assert answer(zi("index", "--json"))["indexed"] == 0
    assert len({path for _, path, _ in rows(location)}) == len(SHOP) + 30


async def test_a_writer_that_lost_its_lease_follows_and_takes_over_again(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zicoder.index.access.Lease", partial(Lease, seconds=1.2))
    monkeypatch.setattr("zicoder.index.code_index.TAKE_OVER_S", 0.1)
    monkeypatch.setattr("zicoder.index.lease.SETTLE_S", 0.0)
    location = (tmp_path / "shared").as_uri()
    async with CodeIndex(shop, tmp_path / "one", location=location) as index:
        running = asyncio.create_task(index.run())
        await until(lambda: index.status.state is IndexState.READY)
        lease = await asyncio.to_thread(Database(location, seen_s=0).open, "lease")
        held = {"owner": "another machine", "until": time.time() + 3600}
        await asyncio.to_thread(lease.update, held, "true")
        await until(lambda: index.status.state is IndexState.FOLLOWING)
        assert not index.writes
        put(shop, "later.py", function("written_meanwhile"))
        await until(lambda: index.search("compute_total_price", deadline=60))
        assert await index.definitions(["written_meanwhile"], deadline=60) == []
        await asyncio.to_thread(lease.update, {"until": 0.0}, "true")
        await until(lambda: index.status.state is IndexState.READY)
        assert index.writes
        await until(lambda: index.definitions(["written_meanwhile"], deadline=60))
        running.cancel()
    assert duplicates(rows(location)) == []
