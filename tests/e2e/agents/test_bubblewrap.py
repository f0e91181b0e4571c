"""The sandbox from inside: what a command can see, write and reach. Where bubblewrap works, it is the real one."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from zicoder.agents.sandbox import Sandbox, bubblewrap, open_sandbox
from zicoder.settings import AgentSettings

posix = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
SETTINGS = AgentSettings(timeout_s=60)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "shop"
    (project / ".git" / "hooks").mkdir(parents=True)
    (project / ".git" / "config").write_text("[core]\n")
    (project / ".zicoder").mkdir()
    return project.resolve()


@pytest.fixture
async def sandbox(root: Path) -> Sandbox:
    opened = await open_sandbox(root, SETTINGS)
    if opened.name is None:
        pytest.skip(opened.why_none)
    return opened


@pytest.fixture
def home(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder that no tmpfs of the sandbox covers anyway."""
    place = Path(__file__).resolve().parent / f".home-{os.getpid()}"
    shutil.rmtree(place, ignore_errors=True)
    (place / ".ssh").mkdir(parents=True)
    (place / ".ssh" / "id_rsa").write_text("planted")
    (place / ".netrc").write_text("planted")
    (place / "data").mkdir()
    (place / "data" / "keys.db").write_text("planted")
    (place / "notes.txt").write_text("harmless")
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("ZI_DATA_DIR", str(place / "data"))
    monkeypatch.setenv("OPENAI_API_KEY", "planted")
    yield place
    shutil.rmtree(place)


async def test_only_the_project_can_be_written(sandbox: Sandbox, root: Path, home: Path):
    ended = await sandbox.run_line(
        f"touch ok; touch {home}/bad; touch {root}/../bad2; echo > /etc/bad; echo x > /tmp/mine; cat /tmp/mine"
    )
    assert ended.output.endswith("x\n")
    assert (root / "ok").exists()
    assert not (home / "bad").exists()
    assert not (root.parent / "bad2").exists()
    assert not Path("/tmp/mine").exists()
    assert not Path("/etc/bad").exists()


async def test_what_would_make_programs_run_outside_stays_as_it_is(sandbox: Sandbox, root: Path):
    ended = await sandbox.run_line(
        "echo x > .git/hooks/pre-commit; echo x >> .git/config; echo x > .zicoder/settings.toml; echo x > .git/HEAD"
    )
    assert ended.output.count("Read-only file system") == 3
    assert (root / ".git" / "HEAD").exists()
    assert not (root / ".git" / "hooks" / "pre-commit").exists()
    shutil.rmtree(root / ".git" / "hooks")
    await sandbox.run_line("mkdir .git/hooks && echo x > .git/hooks/pre-commit")
    assert not (root / ".git" / "hooks").exists()


async def test_secrets_of_the_home_folder_and_of_the_environment_cannot_be_seen(root: Path, home: Path):
    sandbox = await open_sandbox(root, SETTINGS)
    if sandbox.name is None:
        pytest.skip(sandbox.why_none)
    line = f"cd {home}; cat .ssh/id_rsa .netrc data/keys.db notes.txt; env; ls -A .ssh; cat /etc/shadow"
    ended = await sandbox.run_line(line)
    assert "planted" not in ended.output
    assert "harmless" in ended.output
    assert "root:" not in ended.output


async def test_a_project_that_is_the_home_folder_shows_no_secrets_either(home: Path):
    sandbox = await open_sandbox(home, SETTINGS)
    if sandbox.name is None:
        pytest.skip(sandbox.why_none)
    ended = await sandbox.run_line("cat .ssh/id_rsa .netrc data/keys.db notes.txt")
    assert "planted" not in ended.output
    assert "harmless" in ended.output


async def test_there_is_no_network_and_no_socket_to_talk_to(sandbox: Sandbox):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        ended = await sandbox.run([sys.executable, "-c", code])
        assert "Error" in ended.output
    assert (await sandbox.run_line("ls -A /run /tmp | grep -v : | grep -v pytest")).output.strip() in {"", "shop"}


async def test_other_processes_cannot_be_seen(sandbox: Sandbox):
    ended = await sandbox.run_line(
        f"ls -d /proc/[0-9]* | wc -l; kill -0 {os.getpid()} 2>/dev/null && [ {os.getpid()} -gt 20 ] && echo seen"
    )
    assert int(ended.output.split()[0]) < 10
    assert "seen" not in ended.output


@pytest.mark.parametrize("how", ["cancel", "timeout"])
async def test_everything_ends_with_it(sandbox: Sandbox, root: Path, how: str):
    mark = f"61.{os.getpid()}"
    line = f"trap '' TERM; (env -i setsid sh -c 'trap \"\" TERM; touch ready; sleep {mark}') & sleep {mark}"
    task = asyncio.create_task(sandbox.run_line(line, seconds=3 if how == "timeout" else 60))
    while how == "cancel" and not (root / "ready").exists():
        await asyncio.sleep(0.01)
    if how == "cancel":
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        assert (await task).stopped
    left = [p for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]
    assert [p for p in left if p.status() != psutil.STATUS_ZOMBIE] == []


async def test_programs_and_tests_work_inside(sandbox: Sandbox, root: Path):
    (root / "test_a.py").write_text("def test_a(tmp_path):\n    (tmp_path / 'x').write_text('y')\n")
    ended = await sandbox.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"])
    assert "1 passed" in ended.output


@posix
async def test_without_bubblewrap_the_reason_is_said(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    opened = await open_sandbox(root, SETTINGS)
    assert opened.name is None
    assert "sandbox" in opened.why_none
    if sys.platform == "linux":
        assert "not installed" in opened.why_none


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is of Linux")
async def test_a_bubblewrap_that_is_forbidden_is_not_used(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    (folder / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    opened = await open_sandbox(root, SETTINGS)
    assert opened.name is None
    assert "No permissions to create new namespace" in opened.why_none
    ended = await opened.run_line("echo still runs when it was allowed")
    assert ended.ok


def test_the_command_line_closes_what_must_be_closed(root: Path):
    wrapped = bubblewrap("/usr/bin/bwrap", root, ["true"])
    assert {"--unshare-all", "--die-with-parent", "--new-session"} <= set(wrapped)
    assert wrapped[-2:] == ["--", "true"]


async def test_a_sandbox_that_is_switched_off_is_none(root: Path):
    assert (await open_sandbox(root, AgentSettings(sandbox="none"))).name is None
