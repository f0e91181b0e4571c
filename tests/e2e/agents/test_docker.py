"""Commands of agents in containers of a real Docker daemon: what they can see, write, reach and use, and their end.

The image is made of this machine's own programs, so nothing is pulled. Where no daemon answers, this is skipped, with
what `docker` says; the arguments are looked at everywhere.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from zicoder.agents.container import Containers
from zicoder.agents.processes import Limits
from zicoder.agents.sandbox import Sandbox, open_sandbox
from zicoder.agents.trials import trial
from zicoder.errors import ToolError
from zicoder.settings import AgentSettings

PROGRAMS = ["bash", "cat", "dd", "env", "id", "ls", "mkdir", "setsid", "sh", "sleep", "timeout", "touch"]
MB = 1 << 20


def _docker(*told: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *told], input=given, capture_output=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """Skips where there is no daemon."""
    if sys.platform != "linux" or not shutil.which("docker"):
        pytest.skip("there is no `docker` for Linux containers")
    answer = _docker("info")
    if answer.returncode:
        pytest.skip(f"no Docker daemon answers: {answer.stderr.decode().strip()[-200:]}")
    name = f"zi-test:{uuid.uuid4().hex[:12]}"
    made = _docker("import", "-", name, given=_tree())
    assert made.returncode == 0, made.stderr
    yield name
    _docker("rmi", "--force", name)


def _tree() -> bytes:
    """A root folder with a few programs of this machine and their libraries."""
    files: dict[str, Path] = {}
    for name in PROGRAMS:
        found = shutil.which(name)
        assert found, name
        files[f"bin/{name}"] = Path(found).resolve()
        needed = subprocess.run(["ldd", found], capture_output=True, text=True, check=False).stdout
        files |= {place.lstrip("/"): Path(place).resolve() for place in re.findall(r"(/\S+) \(0x", needed)}
    folders = {str(folder) for place in files for folder in Path(place).parents if folder.name}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for folder in sorted(folders | {"etc", "tmp", "usr"}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for place, file in files.items():
            archive.add(file, place)
    return stream.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = tmp_path / "a shop, with a comma"
    (project / ".git" / "hooks").mkdir(parents=True)
    (project / ".git" / "config").write_text("[core]\n")
    (project / ".zicoder").mkdir()
    return project.resolve()


def settings(image: str, **more: int) -> AgentSettings:
    return AgentSettings.model_validate({"sandbox": "docker", "docker_image": image, "timeout_s": 60, **more})


@pytest.fixture
async def sandbox(root: Path, image: str) -> Sandbox:
    opened = await open_sandbox(root, settings(image))
    assert opened.name == "a container", opened.why_none
    return opened


def containers(image: str) -> set[str]:
    """Those that there are, running or not."""
    told = _docker("ps", "--all", "--filter", f"ancestor={image}", "--format", "{{.Names}}")
    return set(told.stdout.decode().split())


async def no_container_is_left(image: str) -> bool:
    """At the latest in a moment: the daemon removes one after its end."""
    for _ in range(100):
        if not containers(image):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_only_the_project_can_be_written_and_nothing_of_the_machine_is_seen(sandbox: Sandbox, root: Path):
    ended = await sandbox.run_line(
        "pwd; touch ok; touch /etc/bad /usr/bad /bad; echo x > /tmp/mine && cat /tmp/mine; ls -A /home /root; echo end"
    )
    assert ended.output.startswith(f"{root}\n")
    assert ended.output.count("Read-only file system") == 3
    assert "\nx\n" in ended.output
    assert ended.output.endswith("end\n")
    assert (root / "ok").stat().st_uid == os.getuid()
    assert not Path("/tmp/mine").exists()


async def test_what_would_make_programs_run_outside_stays_as_it_is(sandbox: Sandbox, root: Path):
    ended = await sandbox.run_line(
        "echo x > .git/hooks/pre-commit; echo x >> .git/config; echo x > .zicoder/settings.toml; echo x > .git/HEAD"
    )
    assert ended.output.count("Read-only file system") == 3
    assert (root / ".git" / "HEAD").exists()
    assert not (root / ".git" / "hooks" / "pre-commit").exists()


async def test_secrets_in_a_home_folder_that_is_the_project_are_covered(
    image: str, root: Path, monkeypatch: pytest.MonkeyPatch
):
    (root / ".ssh").mkdir()
    (root / ".ssh" / "id_rsa").write_text("planted")
    (root / ".netrc").write_text("planted")
    (root / "notes.txt").write_text("harmless")
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.setenv("OPENAI_API_KEY", "planted")
    opened = await open_sandbox(root, settings(image))
    ended = await opened.run_line("cat .ssh/id_rsa .netrc notes.txt; ls -A .ssh; env")
    assert "planted" not in ended.output
    assert "harmless" in ended.output
    assert "HOME=/tmp\n" in ended.output


async def test_there_is_no_network_and_no_proxy_of_the_client(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    proxies = {"httpProxy": "http://user:planted@127.0.0.1:3128", "noProxy": "planted.example"}
    (tmp_path / "config.json").write_text(json.dumps({"proxies": {"default": proxies}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ended = await sandbox.run_line(f"ls /sys/class/net; exec bash -c ': < /dev/tcp/127.0.0.1/{port}'")
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    assert ended.output.startswith("lo\n")
    assert "refused" in ended.output
    assert "planted" not in (await sandbox.run_line("env")).output


async def test_no_right_is_left_and_other_processes_cannot_be_seen(sandbox: Sandbox):
    ended = await sandbox.run_line("cat /proc/self/status; ls -d /proc/[0-9]*; id")
    assert re.search(r"^CapEff:\s+0+$", ended.output, re.MULTILINE)
    assert re.search(r"^CapBnd:\s+0+$", ended.output, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", ended.output, re.MULTILINE)
    assert ended.output.count("/proc/") < 10
    assert f"uid={os.getuid()}" in ended.output


async def test_memory_processes_and_files_are_limited(image: str, root: Path):
    opened = await open_sandbox(root, settings(image, memory_mb=256))
    for line in ("exec dd if=/dev/zero of=/dev/null bs=600M count=1", "exec dd if=/dev/zero of=/tmp/a bs=1M count=600"):
        assert "more than 256 MB of memory" in (await opened.run_line(line)).stopped
    inner = cast("Containers", opened._containers)  # pyright: ignore[reportPrivateUsage]
    few = Limits(seconds=60, memory_bytes=256 * MB, processes=12, file_bytes=MB)
    line = "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 5 & done"
    ended = await inner.run(("/bin/sh", "-c", line), few)
    assert "fork" in ended.output
    ended = await inner.run(("/bin/sh", "-c", "dd if=/dev/zero of=large bs=1M count=3; ls -l large"), few)
    assert (root / "large").stat().st_size <= MB
    assert await no_container_is_left(image)


async def test_builds_can_run_what_they_put_into_their_temporary_folder(sandbox: Sandbox):
    ended = await sandbox.run_line("cat /bin/touch > /tmp/built; bash -c 'umask 0; cat /bin/sh > /tmp/sh'; ls /tmp")
    assert ended.ok
    mounted = (await sandbox.run_line("cat /proc/mounts")).output
    (line,) = (line for line in mounted.splitlines() if line.split()[1] == "/tmp")
    assert "noexec" not in line


async def test_output_is_told_as_it_is_and_its_status(sandbox: Sandbox):
    ended = await sandbox.run_line("echo out; echo err >&2; exit 7")
    assert (ended.code, ended.stopped) == (7, "")
    assert ended.output == "out\nerr\n"


@pytest.mark.parametrize("how", ["cancel", "timeout", "flood"])
async def test_everything_ends_with_it(sandbox: Sandbox, image: str, root: Path, how: str):
    line = "trap '' TERM; setsid sh -c 'trap \"\" TERM; touch ready; sleep 61' & "
    line += "cat /dev/zero" if how == "flood" else "sleep 61"
    task = asyncio.create_task(sandbox.run_line(line, seconds=4 if how == "timeout" else 60))
    if how == "cancel":
        while not (root / "ready").exists():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        assert (await task).stopped
    assert await no_container_is_left(image)


@pytest.mark.parametrize("after_s", [0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5])
async def test_a_cancel_at_any_time_leaves_no_container(sandbox: Sandbox, image: str, after_s: float):
    task = asyncio.create_task(sandbox.run_line("sleep 60"))
    await asyncio.sleep(after_s)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await no_container_is_left(image)


async def test_a_copy_of_the_project_reads_what_it_links_to_and_leaves_the_project_alone(sandbox: Sandbox, root: Path):
    (root / "node_modules").mkdir()
    (root / "node_modules" / "left-pad.js").write_text("padded")
    (root / "shop.py").write_text("old")
    async with trial(root, sandbox) as at:
        ended = await at.run(
            "cat node_modules/left-pad.js shop.py; env; touch made; touch node_modules/bad", {"shop.py": "new"}
        )
        assert ended.output.startswith("paddednew")
        assert f"PYTHONPATH={at.root}" in ended.output
        assert "Read-only file system" in ended.output
        assert (at.root / "made").exists()
    assert (root / "shop.py").read_text() == "old"
    assert not (root / "made").exists()


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="a project of root's needs root")
async def test_where_root_in_a_container_is_the_user_outside_it_is_taken(image: str, root: Path):
    """As with a daemon of the user's own: the project belongs to whoever is root in there."""
    root.chmod(0o755)
    containers, why = await Containers("docker", image, root, user="12345:12345").tried()
    assert (containers.user, why) == ("0:0", "")
    os.chown(root, 54321, 54321)
    containers, why = await Containers("docker", image, root, user="12345:12345").tried()
    assert (containers.user, why) == ("12345:12345", "The project cannot be written in a container.")


async def test_a_container_that_nobody_watches_ends_in_time(image: str, root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zicoder.agents.container.SPARE_S", 1)
    told = Containers("docker", image, root).arguments("zi-0123456789ab", ["sleep", "60"], Limits(seconds=1))
    assert _docker(*told).returncode == 0
    assert _docker("start", "zi-0123456789ab").returncode == 0
    assert containers(image) == {"zi-0123456789ab"}
    assert await no_container_is_left(image)


async def test_what_cannot_run_is_said(image: str, root: Path, monkeypatch: pytest.MonkeyPatch):
    opened = await open_sandbox(root, settings("no-such-image:0"))
    assert opened.name is None
    assert "There is no image `no-such-image:0` on this machine" in opened.why_none
    monkeypatch.setenv("DOCKER_HOST", f"unix://{root}/none.sock")
    opened = await open_sandbox(root, settings(image))
    assert opened.name is None
    assert "Cannot connect to the Docker daemon" in opened.why_none


async def test_an_image_must_be_set(root: Path):
    opened = await open_sandbox(root, AgentSettings(sandbox="docker"))
    assert opened.name is None
    assert "docker_image" in opened.why_none or "no `docker`" in opened.why_none


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
async def test_a_daemon_that_makes_nothing_is_an_error_and_not_a_result(root: Path, tmp_path: Path):
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho 'Error response from daemon: out of disk' >&2\nexit 125\n")
    program.chmod(0o755)
    with pytest.raises(ToolError, match="out of disk"):
        await Containers(str(program), "img", root).run(("true",), Limits())


def test_the_arguments_close_what_must_be_closed(root: Path):
    told = Containers("docker", "img", root).arguments("zi-1", ["sh", "-c", "x"], Limits())
    line = " ".join(told)
    for part in (
        "--network none",
        "--pull never",
        "--read-only",
        "--cap-drop ALL",
        "no-new-privileges",
        "--memory 4096m",
        "--memory-swap 4096m",
        "--pids-limit 512",
        "--env HTTP_PROXY= ",
    ):
        assert part in line
    assert told[-4:] == ["130", "sh", "-c", "x"]
    assert told.index("img") < told.index("130")
    if sys.platform != "win32":
        place = f"{root}/.git/config"
        assert f'type=bind,"source={place}","target={place}",readonly' in told
