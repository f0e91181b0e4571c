"""Running one program to its end, within limits, and leaving nothing of it behind.

Owns time, memory and output limits and the end of a whole family of processes. On POSIX a program is the head of a
session of its own; what leaves that session is found by a mark in its environment. On Windows its children are found
by their parents, so one whose parent is gone may stay. It knows nothing of sandboxes or of who asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from zicoder.agents.excerpt import HEAD_BYTES, TAIL_BYTES, Excerpt
from zicoder.errors import ToolError
from zicoder.models.credentials import variable_names

__all__ = ["Ended", "Limits", "run_process", "scrubbed", "trusted_program"]

MARK = "ZI_AGENT_COMMAND"
GRACE_S = 0.5
"""Between asking a program to end and making it."""
CLOSE_S = 2.0
"""For its last output, once all of its processes are gone."""
ROUNDS = 5
LOOK_S = 0.5
"""Between two looks at its memory."""

_WINDOWS = sys.platform == "win32"
_SCRUBBED = """
    *_KEY *_KEYS *APIKEY* *API_KEY* *ACCESS_KEY* *TOKEN* *SECRET* *PASSWORD* *PASSWD* *PASSPHRASE* *CREDENTIAL*
    *PRIVATE_KEY* *_AUTH *_DSN *DATABASE_URL* *CONNECTION_STRING* *COOKIE* AWS_* AZURE_* GCP_* GOOGLE_* OPENAI_*
    ANTHROPIC_* ZI_* SSH_AUTH_SOCK SSH_AGENT_PID GPG_AGENT_INFO DBUS_* KUBECONFIG DOCKER_HOST VAULT_* GITHUB_* GITLAB_*
    CI_JOB_* HTTP_PROXY HTTPS_PROXY ALL_PROXY PGPASSFILE NETRC VSCODE_* ELECTRON_* GIT_* BASH_ENV ENV
"""
"""Of variables. The last three hold no secrets, but have git look elsewhere and a shell read files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a program may use."""

    seconds: float = 120
    memory_bytes: int = 4 << 30
    """Of all its processes together."""
    output_bytes: int = 64 << 20
    file_bytes: int = 2 << 30
    """Of one file that it writes (POSIX)."""
    processes: int = 512


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    code: int
    output: str
    """Both streams as they came; the middle is left out if it is long."""
    output_bytes: int
    stopped: str = ""
    """Why it was ended before its time, as a sentence; "" if it ended by itself."""

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, and well."""
        return self.code == 0 and not self.stopped


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without keys, passwords, addresses, and ways to agents that hold keys."""
    patterns, keys = _SCRUBBED.split(), variable_names(environment)
    return {
        name: value
        for name, value in environment.items()
        if not (name in keys or any(_matches(name.upper(), pattern) for pattern in patterns) or "://" in value)
    }


def trusted_program(name: str, root: Path) -> str | None:
    """The full path of an installed program; None if there is none, or only one that the project itself brought.

    The current folder is never looked at, which Windows would do first.
    """
    project = os.path.normcase(os.path.realpath(root)) + os.sep
    endings = os.environ.get("PATHEXT", ".EXE;.CMD;.BAT").split(";") if _WINDOWS else [""]
    for folder in os.get_exec_path():
        if not os.path.isabs(folder):  # noqa: PTH117 - texts of PATH
            continue
        for ending in endings:
            found = Path(folder, name + ending)
            inside = os.path.normcase(os.path.realpath(found)).startswith(project)
            if not inside and found.is_file() and os.access(found, os.X_OK):
                return str(found)
    return None


async def run_process(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], limits: Limits | None = None,
    head: int = HEAD_BYTES, tail: int = TAIL_BYTES, stdin: bytes | None = None,
) -> Ended:  # fmt: skip
    """Run a program without a shell, and end all that it started, however it ends itself or this task is cancelled.

    `stdin` is given to it whole, nothing if None. Raises ToolError if it cannot be started.
    """
    limits = limits or Limits()
    mark = secrets.token_hex(8)
    excerpt = Excerpt(head=head, tail=tail)
    transport, program = await _start(command, cwd, {**environment, MARK: mark}, limits, excerpt, stdin)
    family = _Family(transport.get_pid(), mark)
    try:
        stopped = await _until_ended(program, family, limits)
    finally:
        try:
            await family.end(program.exited)
            await _within(CLOSE_S, program.drained)
        finally:
            if not family.ended:  # a second cancel cut it short
                family.kill()
            transport.close()
    code = transport.get_returncode()
    return Ended(-signal.SIGTERM if code is None else code, excerpt.text(), excerpt.total, stopped)


class _Program(asyncio.SubprocessProtocol):
    """Takes the output, and knows the end of a program from the end of its output, which its children may hold open.

    `Process.wait` of asyncio waits for both.
    """

    def __init__(self, excerpt: Excerpt, most: int) -> None:
        self._excerpt = excerpt
        self._most = most
        self.exited = asyncio.Event()
        self.drained = asyncio.Event()
        self.flooded = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        if isinstance(data, bytes) and not self.flooded.is_set():
            self._excerpt.add(data)
            if self._excerpt.total > self._most:
                self.flooded.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self.drained.set()

    def process_exited(self) -> None:
        self.exited.set()


async def _start(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], limits: Limits, excerpt: Excerpt,
    stdin: bytes | None,
) -> tuple[asyncio.SubprocessTransport, _Program]:  # fmt: skip
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    elif limits.file_bytes:
        command = ("/bin/sh", "-c", f'ulimit -c 0; ulimit -f {limits.file_bytes >> 9}; exec "$@"', "sh", *command)
    try:
        transport, program = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Program(excerpt, limits.output_bytes), *command, cwd=cwd, env=dict(environment),
            start_new_session=not _WINDOWS, creationflags=flags, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise ToolError(f"The command cannot be started ({error}).") from error
    if stdin is not None and isinstance(pipe := transport.get_pipe_transport(0), asyncio.WriteTransport):
        pipe.write(stdin)
        pipe.close()  # when it is written
    return transport, program


async def _until_ended(program: _Program, family: _Family, limits: Limits) -> str:
    """Wait until it ends by itself (""), or must be ended: the sentence that says why."""
    exited, flooded = (asyncio.create_task(event.wait()) for event in (program.exited, program.flooded))
    watching = asyncio.create_task(_watch(family, limits))
    try:
        await asyncio.wait({exited, flooded, watching}, timeout=limits.seconds, return_when=asyncio.FIRST_COMPLETED)
        if flooded.done():
            return f"It was ended because it wrote more than {limits.output_bytes >> 20} MB."
        if watching.done():
            return watching.result()
        return "" if exited.done() else f"It was ended after {limits.seconds:g} seconds."
    finally:
        for task in (exited, flooded, watching):
            task.cancel()


async def _within(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


async def _watch(family: _Family, limits: Limits) -> str:
    """Look at the memory from time to time; returns the sentence for what is too much."""
    while True:
        await asyncio.sleep(LOOK_S)
        used, count = await asyncio.to_thread(family.size)
        if used > limits.memory_bytes:
            return f"It was ended because it used more than {limits.memory_bytes >> 20} MB of memory."
        if count > limits.processes:
            return f"It was ended because it started more than {limits.processes} processes."


class _Family:
    """A process, and all that come from it."""

    def __init__(self, pid: int, mark: str) -> None:
        self._pid = pid
        self._mark = mark
        self.ended = False
        self._head: psutil.Process | None = None
        with contextlib.suppress(psutil.Error):  # holds its time of birth: a number that is used again is not it
            self._head = psutil.Process(pid)

    def size(self) -> tuple[int, int]:
        """Bytes in memory, and processes. Pages that are shared count once for each. Reads /proc or the like."""
        used = 0
        members = self._descendants()
        for member in members:
            with contextlib.suppress(psutil.Error):
                used += member.memory_info().rss
        return used, len(members)

    async def end(self, exited: asyncio.Event) -> None:
        """Ask, wait a moment, then kill, until nothing is left."""
        if not exited.is_set():
            self._signal_group(signal.SIGTERM)
            await _within(GRACE_S, exited)
        await asyncio.to_thread(self.kill)
        self.ended = True
        await _within(CLOSE_S, exited)

    def kill(self) -> None:
        """Kill everything at once. Another round gets what was born during the one before."""
        for _ in range(ROUNDS):
            members = self._descendants() + self._strays()
            self._signal_group(_KILL)
            if not members:
                break
            for member in members:
                with contextlib.suppress(psutil.Error):
                    member.kill()

    def _signal_group(self, number: int) -> None:
        """The number of a group is not used again while it has a member."""
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)
        elif number == _KILL:
            with contextlib.suppress(psutil.Error):
                if self._head is not None:
                    self._head.kill()

    def _descendants(self) -> list[psutil.Process]:
        if self._head is None:
            return []
        try:
            return [self._head, *self._head.children(recursive=True)]
        except psutil.Error:
            return []

    def _strays(self) -> list[psutil.Process]:
        """Those that made a session of their own and lost their parent: the environment still carries the mark."""
        if _WINDOWS:
            return []
        found: list[psutil.Process] = []
        for member in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if member.environ().get(MARK) == self._mark:
                    found.append(member)
        return found


_KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL


def _matches(name: str, pattern: str) -> bool:
    start, end = pattern.startswith("*"), pattern.endswith("*")
    core = pattern.strip("*")
    if start and end:
        return core in name
    return name.endswith(core) if start else name.startswith(core) if end else name == core
