"""`zi index` and `zi search` in real processes, through kills, full disks, second writers and damage."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from editor import RunZi

from zicoder.commands.index import search_project
from zicoder.index.code_index import CodeIndex, IndexState
from zicoder.index.store import Store
from zicoder.workspace import index_dir

COLUMNS = ("id", "path", "file_hash", "start", "end", "text", "words", "names", "defines", "vector")
PATIENCE_S = 90.0
ZI = [sys.executable, "-P", "-m", "zicoder"]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZI_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


def source(name: str, functions: int = 2) -> str:
    return "\n\n".join(f"def {name}_{n}(alpha):\n    return beta_{n}(alpha, {n})\n" for n in range(functions))


def fill(root: Path, files: int, functions: int = 2) -> None:
    for n in range(files):
        place = root / f"pkg{n % 7}" / f"module_{n}.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(source(f"name{n}", functions))


def report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def error(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.returncode == 1, done.stdout
    return json.loads(done.stdout)["error"]


def stored(root: Path) -> Store:
    index = CodeIndex(root, index_dir(root))
    embedder = index._embedder
    return Store.open(str(index_dir(root)), dimension=embedder.dimension, vectors=embedder.name, write=False)


def rows(root: Path) -> list[Any]:
    return sorted(json.dumps(row[1:]) for row in stored(root).column(*COLUMNS))


def check_against_scratch(zi: RunZi, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No chunk twice, none lost, and the rows are those of a build in one go."""
    found = rows(root)
    ids = Counter(json.loads(row)[0] for row in found)
    assert [i for i, times in ids.items() if times > 1] == []
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("ZI_CACHE_DIR", str(tmp_path / "scratch"))
        report(zi("index", str(root), "--json"))
        assert found == rows(root)


# --- the commands


def test_index_and_search(zi: RunZi, root: Path) -> None:
    (root / "area.py").write_text("def rectangle_area(width, height):\n    return width * height\n")
    (root / "web").mkdir()
    (root / "web" / "area.ts").write_text("export function circleArea(r: number) { return 3.14 * r * r }\n")
    (root / "web" / "empty.ts").write_text("")
    (root / "package-lock.json").write_text("{}")
    first = report(zi("index", "--json"))
    assert (first["root"], first["files"], first["chunks"], first["indexed"]) == (str(root), 2, 2, 2)
    assert first["skipped"]["lock_file"] == 1
    assert first["examples"]["lock_file"] == ["package-lock.json"]
    version = stored(root).version()
    second = report(zi("index", str(root), "--json"))
    assert (second["indexed"], second["removed"], second["unchanged"]) == (0, 0, 3)
    assert stored(root).version() == version
    plain = zi("index")
    assert plain.returncode == 0
    assert "2 files, 2 chunks" in plain.stdout

    found = report(zi("search", "rectangle_area", "--json", cwd=root / "web"))
    assert (found["root"], found["note"]) == (str(root), "")
    assert (found["hits"][0]["path"], found["hits"][0]["line"]) == ("area.py", 1)
    assert found["hits"][0]["text"].startswith("def rectangle_area")
    paths = [hit["path"] for hit in report(zi("search", "area", "--lang", "typescript", "--json"))["hits"]]
    assert paths == ["web/area.ts"]
    assert [hit["path"] for hit in report(zi("search", "area", "--path", "web", "--json"))["hits"]] == ["web/area.ts"]
    assert len(report(zi("search", "area", "-k", "1", "--json"))["hits"]) == 1
    assert "area.py:1" in zi("search", "rectangle area").stdout


def test_search_brings_the_index_up_to_date_itself(zi: RunZi, root: Path) -> None:
    (root / "a.py").write_text("def first_thing():\n    return 1\n")
    assert report(zi("search", "first_thing", "--json"))["hits"][0]["path"] == "a.py"
    (root / "a.py").rename(root / "b.py")
    assert [hit["path"] for hit in report(zi("search", "first_thing", "--json"))["hits"]] == ["b.py"]


@pytest.mark.parametrize("query", ["", "\"x\" AND NOT (y +a -b title:foo~2^3 * OR '1'='1", "a" * 9000], ids=range(3))
def test_any_query_is_answered(zi: RunZi, root: Path, query: str) -> None:
    """More of them are in tests/unit/index/test_search.py, without a process for each."""
    (root / "a.py").write_text("def first_thing():\n    return 1\n")
    done = zi("search", "--json", "--path", "x' OR '1'='1", "--lang", "'; --", "--", query)
    assert report(done)["hits"] == []
    report(zi("search", "--json", "--", query))


def test_a_folder_that_is_none(zi: RunZi, root: Path, tmp_path: Path) -> None:
    assert "There is no folder" in error(zi("index", str(tmp_path / "nowhere"), "--json"))["message"]
    (root / "file.py").write_text("x = 1\n")
    assert "file.py" in error(zi("index", str(root / "file.py"), "--json"))["message"]
    assert zi("search", "x", "-k", "0").returncode == 2


def test_an_empty_project(zi: RunZi, root: Path) -> None:
    assert report(zi("index", "--json"))["files"] == 0
    done = zi("search", "anything")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing found" in done.stderr


# --- odd projects


def test_odd_names_and_contents(zi: RunZi, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (root / "big.json").write_text('{"a": [' + "1, " * 17_000_000 + "1]}")
    (root / "it's 100% 😀 'odd' --.py").write_text(source("odd"))
    (root / "latin.py").write_bytes(b"# caf\xe9\n" + source("latin").encode())
    (root / "wide.py").write_bytes(("\ufeff" + source("wide")).encode("utf-16-le"))
    (root / "deep.yaml").write_text("[" * 900 + "]" * 900 + "\n")
    (root / "a").mkdir()
    (root / "a" / "loop").symlink_to(root, target_is_directory=True)
    done = report(zi("index", "--json"))
    assert done["skipped"] == {"link": 1, "too_large": 1, "ignored": 1}
    assert set(stored(root).files()) == {"deep.yaml", "it's 100% 😀 'odd' --.py", "latin.py", "wide.py"}
    assert report(zi("search", "odd_1", "--path", "it's 100% 😀 'odd' --.py", "--json"))["hits"]
    check_against_scratch(zi, root, monkeypatch, tmp_path)


def unprivileged(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run without root's right to read and write everything."""

    def drop_rights() -> None:
        drop_from_bounding_set, override, read_search = 24, 1, 2  # of <linux/prctl.h> and <linux/capability.h>
        if os.getuid() == 0:
            for right in (override, read_search):
                assert ctypes.CDLL(None).prctl(drop_from_bounding_set, right, 0, 0, 0) == 0

    done = subprocess.run(
        [*ZI, *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
        preexec_fn=drop_rights,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


@pytest.fixture
def shut(root: Path, tmp_path: Path) -> Iterator[Callable[[Path, int], None]]:
    """Take rights away from a place until the end of the test."""
    if sys.platform != "linux":
        pytest.skip("root's rights are dropped as Linux has it")
    places: list[Path] = []

    def change(place: Path, mode: int) -> None:
        places.append(place)
        place.chmod(mode)

    yield change
    for place in reversed(places):
        place.chmod(0o755)


def test_what_may_not_be_read_is_counted_and_a_read_only_project_is_indexed(
    root: Path, shut: Callable[[Path, int], None]
) -> None:
    (root / "a.py").write_text(source("a"))
    (root / "shut.py").write_text(source("shut"))
    (root / "closed").mkdir()
    (root / "closed" / "b.py").write_text(source("b"))
    shut(root / "shut.py", 0)
    shut(root / "closed", 0)
    shut(root, 0o555)
    before = sorted(place.name for place in root.iterdir())
    for unchanged in (0, 1):
        done = report(unprivileged("index", "--json", cwd=root))
        assert (done["files"], done["unchanged"], done["skipped"]["unreadable"]) == (1, unchanged, 2)
    assert sorted(place.name for place in root.iterdir()) == before
    assert report(unprivileged("search", "a_1", "--json", cwd=root))["hits"]


def test_a_cache_folder_that_cannot_be_written(root: Path, cache: Path, shut: Callable[[Path, int], None]) -> None:
    (root / "a.py").write_text(source("a"))
    cache.mkdir()
    shut(cache, 0o555)
    for command in (["index"], ["search", "a_1"]):
        told = error(unprivileged(*command, "--json", cwd=root))
        assert "cannot be written: Permission denied" in told["message"]
        assert "ZI_CACHE_DIR" in told["hint"]


# --- kills


def running_index(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*ZI, "index", str(root)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", cwd=root
    )


def some_rows(root: Path) -> bool:
    """Whether the first chunks are in the index."""
    try:
        return stored(root).count() > 0
    except Exception:  # noqa: BLE001 - it is just being made
        return False


def wait_for(met: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> None:
    end = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < end
        assert process is None or process.poll() is None, "it ended too early"
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_in_the_middle_nothing_is_lost_and_nothing_twice(
    zi: RunZi, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill(root, 1000, functions=25)
    moments: list[Callable[[], bool]] = [
        lambda: (index_dir(root) / "chunks.lance").exists(),
        lambda: any((index_dir(root) / "chunks.lance").glob("_indices/*")),
        lambda: some_rows(root),
    ]
    for moment in moments:
        process = running_index(root)
        wait_for(moment, process)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert psutil.wait_procs(children, PATIENCE_S)[1] == []
    killed_at = len(stored(root).files())
    assert 0 < killed_at < 1000
    done = report(zi("index", "--json"))
    assert (done["files"], done["indexed"], done["unchanged"]) == (1000, 1000 - killed_at, killed_at)
    check_against_scratch(zi, root, monkeypatch, tmp_path)


def test_a_project_that_is_deleted_while_it_is_indexed(zi: RunZi, root: Path) -> None:
    fill(root, 800, functions=25)
    process = running_index(root)
    wait_for(lambda: some_rows(root), process)
    shutil.rmtree(root)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in output
    assert process.returncode in {0, 1}


def test_two_thousand_files_change_at_once(
    zi: RunZi, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill(root, 2000)
    report(zi("index", "--json"))
    for n, place in enumerate(sorted(root.rglob("*.py"))):
        if n % 5 == 0:
            place.unlink()
        elif n % 5 == 1:
            place.rename(place.with_name(f"renamed_{n}.py"))
        else:
            place.write_text(source(f"changed{n}"))
    version = stored(root).version()
    done = report(zi("index", "--json"))
    assert (done["files"], done["indexed"], done["removed"]) == (1600, 1600, 800)
    assert stored(root).version() < version + 40, "few commits"
    check_against_scratch(zi, root, monkeypatch, tmp_path)


# --- full disks


@LINUX
def test_a_full_disk_is_a_sentence_and_later_it_goes_on(
    zi: RunZi, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        monkeypatch.setenv("ZI_CACHE_DIR", str(disk))
        fill(root, 5, functions=10)
        report(zi("index", "--json"))
        fill(root, 1000, functions=40)
        told = error(zi("index", "--json"))
        assert told["message"] == "The disk is full: the code index cannot grow."
        assert "Free some space" in told["hint"]
        found = report(zi("search", "name3_1", "--json"))
        assert "The disk is full" in found["note"]
        assert found["hits"]
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        assert report(zi("index", "--json"))["files"] == 1000
        check_against_scratch(zi, root, monkeypatch, tmp_path)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@LINUX
def test_a_limit_on_the_size_of_files_is_told_like_a_full_disk(root: Path) -> None:
    import resource

    fill(root, 300, functions=40)
    done = subprocess.run(
        [*ZI, "index", "--json"], cwd=root, capture_output=True, encoding="utf-8", timeout=PATIENCE_S, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    assert error(done)["message"] == "The disk is full: the code index cannot grow."


# --- several processes


def test_two_writers_at_once_both_end_well(
    zi: RunZi, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill(root, 600, functions=10)
    both = [running_index(root) for _ in range(2)]
    outputs = [process.communicate(timeout=PATIENCE_S)[0] for process in both]
    assert "Traceback" not in "".join(outputs)
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 1])
    if codes == [0, 1]:
        assert "Another Zi Coder process keeps this index up to date." in "".join(outputs)
    assert report(zi("index", "--json"))["indexed"] == 0
    check_against_scratch(zi, root, monkeypatch, tmp_path)


HOLDER = """
import asyncio, sys
from pathlib import Path
from zicoder.index.code_index import CodeIndex
from zicoder.workspace import index_dir
async def main():
    root = Path(sys.argv[1])
    index = CodeIndex(root, index_dir(root), on_status=lambda status: print(status.state, flush=True))
    await index.run()
asyncio.run(main())
"""


@pytest.fixture
def holder(root: Path) -> Iterator[subprocess.Popen[str]]:
    """An editor's process that keeps the index up to date."""
    (root / "a.py").write_text(source("first"))
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", HOLDER, str(root)], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout
    while process.stdout.readline().strip() != "ready":
        assert process.poll() is None
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


async def until(met: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not (await found if asyncio.iscoroutine(found := met()) else found):
            await asyncio.sleep(0.05)


async def test_a_follower_sees_what_the_writer_writes_and_takes_over_from_the_dead(
    holder: subprocess.Popen[str], root: Path, zi: RunZi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zicoder.index.code_index.TAKE_OVER_S", 0.2)
    busy = error(await asyncio.to_thread(zi, "index", "--json"))
    assert busy["message"] == "Another Zi Coder process keeps this index up to date."
    found = await search_project(root, "first_1", k=5)
    assert (found.note, found.hits[0].path) == ("Another process keeps this index up to date.", "a.py")

    async with CodeIndex(root, index_dir(root)) as follower:
        running = asyncio.create_task(follower.run())
        await until(lambda: follower.status.state is IndexState.FOLLOWING)
        assert (await follower.search("first_1"))[0].path == "a.py"
        (root / "b.py").write_text(source("second"))
        await until(lambda: follower.definitions(["second_1"]))
        follower.document_changed("c.py", source("third"))
        await until(lambda: follower.definitions(["third_1"]))

        holder.kill()
        holder.wait()
        (root / "d.py").write_text(source("fourth"))
        await until(lambda: follower.status.state is IndexState.READY)
        assert follower.writes
        await until(lambda: follower.definitions(["fourth_1"]))
        (root / "e.py").write_text(source("fifth"))
        await until(lambda: follower.definitions(["fifth_1"]))
        (root / "a.py").unlink()
        await until(lambda: _none(follower, "first_1"))
        running.cancel()


async def _none(index: CodeIndex, name: str) -> bool:
    return not await index.definitions([name])


async def test_a_follower_goes_on_when_the_writer_makes_the_index_anew(
    holder: subprocess.Popen[str], root: Path
) -> None:
    async with CodeIndex(root, index_dir(root)) as follower:
        running = asyncio.create_task(follower.run())
        await until(lambda: follower.status.state is IndexState.FOLLOWING)
        assert await follower.definitions(["first_1"])
        shutil.rmtree(index_dir(root) / "chunks.lance")
        (root / "b.py").write_text(source("second"))
        await until(lambda: follower.definitions(["second_1"]))
        await until(lambda: follower.definitions(["first_1"]))
        running.cancel()


async def test_a_folder_that_comes_back_is_watched_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zicoder.index.code_index.RETRY_S", 0.2)
    (root / "a.py").write_text(source("first"))
    async with CodeIndex(root, index_dir(root)) as index:
        running = asyncio.create_task(index.run())
        await until(lambda: index.status.state is IndexState.READY)
        root.rename(tmp_path / "away")
        await until(lambda: index.status.state is IndexState.FAILED)
        assert await index.definitions(["first_1"]), "what is known is not forgotten"
        (tmp_path / "away").rename(root)
        await until(lambda: index.status.state is IndexState.READY)
        (root / "b.py").write_text(source("second"))
        await until(lambda: index.definitions(["second_1"]))
        running.cancel()


async def test_closing_in_the_middle_of_a_build_leaves_an_index_to_go_on_with(root: Path) -> None:
    fill(root, 800, functions=25)
    index = CodeIndex(root, index_dir(root))
    running = asyncio.create_task(index.run())
    await until(lambda: asyncio.to_thread(some_rows, root))
    await index.close()
    await asyncio.wait([running], timeout=PATIENCE_S)
    assert running.done()
    assert running.cancelled() or running.exception() is None
    done = len(stored(root).files())
    assert 0 < done < 800
    async with CodeIndex(root, index_dir(root)) as again:
        report = await again.update()
        assert (report.indexed, report.unchanged) == (800 - done, done)


# --- damage


@pytest.mark.parametrize("pattern", ["data/*.lance", "_versions/*", "_indices/*/*"])
def test_a_damaged_index_is_made_anew_without_a_word(zi: RunZi, root: Path, pattern: str) -> None:
    fill(root, 20)
    report(zi("index", "--json"))
    for place in (index_dir(root) / "chunks.lance").glob(pattern):
        place.write_bytes(random.Random(0).randbytes(300))
    found = report(zi("search", "name7_1", "--json"))
    assert found["hits"][0]["path"].endswith("module_7.py")
    assert report(zi("index", "--json"))["files"] == 20
