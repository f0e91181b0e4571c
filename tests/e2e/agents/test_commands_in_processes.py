"""Commands that misbehave: they end within their limits, and nothing that they started outlives them."""

from __future__ import annotations

import asyncio
import os
import sys
import tracemalloc
from pathlib import Path

import psutil
import pytest

from zicoder.agents.processes import Ended, Limits, run_process, scrubbed
from zicoder.agents.sandbox import Sandbox
from zicoder.agents.tools.commands import ShellTool, TestsTool, suggested_test_command
from zicoder.agents.tools.protocol import Grant
from zicoder.errors import ToolError

posix = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")


async def run(script: str, cwd: Path, *, limits: Limits | None = None, **more: str) -> Ended:
    environment = {**scrubbed(os.environ), **more}
    return await run_process(
        ["/bin/sh", "-c", script], cwd=cwd, environment=environment, limits=limits or Limits(seconds=60)
    )


def gone(pid_file: Path) -> bool:
    """Whether a process is dead, at the latest in a moment: a kill takes effect when the system gets to it."""
    try:
        process = psutil.Process(int(pid_file.read_text()))
        _, left = psutil.wait_procs([process], timeout=5)
    except psutil.NoSuchProcess:
        return True
    return not [p for p in left if p.status() != psutil.STATUS_ZOMBIE]


async def until(path: Path) -> None:
    while not (path.exists() and path.read_text().strip()):
        await asyncio.sleep(0.01)


@posix
async def test_output_and_status_come_back_and_there_is_no_input(tmp_path: Path):
    ended = await run("echo out; echo err >&2; cat; exit 3", tmp_path)
    assert (ended.code, ended.output, ended.ok) == (3, "out\nerr\n", False)


@posix
async def test_ten_megabytes_of_output_are_not_held(tmp_path: Path):
    tracemalloc.start()
    ended = await run("echo begin; yes 0123456789012345678901234567890123456789 | head -c 10000000; echo end", tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ended.output_bytes > 10_000_000
    assert ended.output.startswith("begin\n")
    assert ended.output.endswith("end\n")
    assert "bytes left out" in ended.output
    assert peak < 2_000_000


@posix
async def test_endless_output_is_ended(tmp_path: Path):
    ended = await run("yes", tmp_path, limits=Limits(seconds=60, output_bytes=1 << 20))
    assert "more than 1 MB" in ended.stopped


STUBBORN = """
trap '' TERM HUP INT
(trap '' TERM HUP INT; echo $$ > /dev/null; sh -c 'trap "" TERM; echo $$ > grandchild; while :; do sleep 1; done') &
setsid sh -c 'trap "" TERM; echo $$ > stray; while :; do sleep 1; done' &
while :; do sleep 1; done
"""


@posix
async def test_a_timeout_ends_grandchildren_that_ignore_signals(tmp_path: Path):
    ended = await run(STUBBORN, tmp_path, limits=Limits(seconds=3))
    assert ended.stopped == "It was ended after 3 seconds."
    assert gone(tmp_path / "grandchild")
    assert gone(tmp_path / "stray")


@posix
async def test_a_cancel_ends_grandchildren_that_ignore_signals(tmp_path: Path):
    task = asyncio.create_task(run(STUBBORN, tmp_path))
    await until(tmp_path / "grandchild")
    await until(tmp_path / "stray")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(tmp_path / "grandchild")
    assert gone(tmp_path / "stray")


@posix
async def test_two_cancels_end_it_as_well(tmp_path: Path):
    task = asyncio.create_task(run(STUBBORN, tmp_path))
    await until(tmp_path / "stray")
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(tmp_path / "stray")


@posix
async def test_what_a_command_leaves_running_does_not_hold_it_up_and_ends_with_it(tmp_path: Path):
    ended = await run(
        "(setsid sh -c 'echo $$ > stray; while :; do sleep 1; done') & while [ ! -s stray ]; do :; done; echo done",
        tmp_path,
    )
    assert (ended.code, ended.output, ended.stopped) == (0, "done\n", "")
    assert gone(tmp_path / "stray")


@posix
async def test_too_much_memory_is_ended(tmp_path: Path):
    script = f"{sys.executable} -c 'x = bytearray(300 << 20); import time; time.sleep(60)'"
    ended = await run(script, tmp_path, limits=Limits(seconds=60, memory_bytes=100 << 20))
    assert "more than 100 MB of memory" in ended.stopped


@posix
async def test_too_many_processes_are_ended(tmp_path: Path):
    script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 60 & done; wait"
    ended = await run(script, tmp_path, limits=Limits(seconds=60, processes=5))
    assert "more than 5 processes" in ended.stopped


@posix
async def test_a_file_has_a_largest_size(tmp_path: Path):
    ended = await run("head -c 3000000 /dev/zero > big", tmp_path, limits=Limits(seconds=60, file_bytes=1 << 20))
    assert not ended.ok
    assert (tmp_path / "big").stat().st_size <= 1 << 20


async def test_a_program_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(ToolError, match="cannot be started"):
        await run_process([str(tmp_path / "none")], cwd=tmp_path, environment={}, limits=Limits(file_bytes=0))
    with pytest.raises(ToolError, match="cannot be started"):
        await run_process([sys.executable], cwd=tmp_path / "none", environment={})


def test_an_environment_is_scrubbed_of_secrets():
    planted = {
        "OPENAI_API_KEY": "x", "MY_TOKEN": "x", "GH_TOKEN_2": "x", "AWS_PROFILE": "x",
        "ZI_DATA_DIR": "x", "DB_PASSWORD": "x",
        "SSH_AUTH_SOCK": "x", "npm_config_//registry/:_authToken": "x", "Stripe_Secret": "x", "BASH_ENV": "x",
        "PIP_INDEX_URL": "https://me:pw@host/", "GIT_DIR": "x", "DATABASE_URL": "x",
    }  # fmt: skip
    kept = {"PATH": "/bin", "HOME": "/home/me", "LANG": "C", "VIRTUAL_ENV": "/v", "KEYBOARD": "us"}
    assert scrubbed(planted | kept) == kept


@posix
async def test_the_shell_tool_tells_how_it_ended(tmp_path: Path):
    shell = ShellTool(Sandbox(None, tmp_path, Limits()))
    result = await shell.run(shell.arguments(command="echo hi; exit 4"), Grant(tmp_path))
    assert (result.text, result.ok) == ("hi\nIt ended with status 4.", False)
    result = await shell.run(shell.arguments(command="sleep 60", seconds=1), Grant(tmp_path))
    assert "ended after 1 seconds" in result.text


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "python3 -m pytest -q"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n", ".venv/bin/python": ""}, ".venv/bin/python -m pytest -q"),
        ({"setup.py": "", "tests/test_a.py": ""}, "python3 -m pytest -q"),
        ({"package.json": '{"scripts": {"test": "jest"}}'}, "npm test"),
        ({"package.json": '{"scripts": {"test": "jest"}}', "pnpm-lock.yaml": ""}, "pnpm test"),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, ""),
        ({"package.json": "[" * 100_000}, ""),
        ({"package.json": '{"scripts": ["test"]}'}, ""),
        ({"pyproject.toml": "tool = 3\n"}, ""),
        ({"go.mod": ""}, "go test ./..."),
        ({"Cargo.toml": ""}, "cargo test --offline"),
        ({"Makefile": "all:\n\ntest: all\n\ttrue\n"}, "make test"),
        ({}, ""),
    ],
)  # fmt: skip
@posix
def test_the_command_for_tests_is_what_the_project_suggests(tmp_path: Path, files: dict[str, str], command: str):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert suggested_test_command(tmp_path) == command


@posix
async def test_tests_are_run_and_their_failure_is_a_failure(tmp_path: Path):
    (tmp_path / "test_cart.py").write_text("def test_good(): pass\ndef test_bad(): assert 1 == 2\n")
    tool = TestsTool(Sandbox(None, tmp_path, Limits()), f"{sys.executable} -m pytest -q -p no:cacheprovider")
    result = await tool.run(tool.arguments(), Grant(tmp_path))
    assert not result.ok
    assert "1 failed, 1 passed" in result.text
    result = await tool.run(tool.arguments(target="test_cart.py::test_good"), Grant(tmp_path))
    assert result.ok
    for target in ("-c evil.ini", "a; id", "$(id)", "--pdb"):
        with pytest.raises(ToolError, match="is no test"):
            tool.touches(tool.arguments(target=target))
    with pytest.raises(ToolError, match="No way"):
        TestsTool(Sandbox(None, tmp_path, Limits()), "").touches(tool.arguments())
