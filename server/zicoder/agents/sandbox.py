"""Where an agent's commands run: confined by bubblewrap, in a container, or not confined at all.

    bubblewrap   Linux; no network, the disk read-only but for the project, no secrets of the home folder, a /tmp and
                 process numbers of its own
    docker       only if an image is set; it must be on the machine, nothing is pulled
    none         everywhere else; `policy` then has every command asked for

Owns the one trial that shows whether a sandbox works here (many systems forbid what bubblewrap needs), and its
arguments. It decides nothing and asks nobody.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from zicoder.agents.container import Containers
from zicoder.agents.processes import Ended, Limits, run_process, scrubbed, trusted_program
from zicoder.agents.sandbox_places import hidden, kept
from zicoder.errors import ToolError
from zicoder.settings import AgentSettings

__all__ = ["Sandbox", "bubblewrap", "open_sandbox"]

TRIAL_S = 10.0

_RUNTIME = ("/run/current-system", "/run/opengl-driver", "/run/wrappers")
"""Of NixOS, which keeps its programs there. The rest of /run holds sockets: of containers, of key agents, of D-Bus."""
_WRITABLE = {
    "TMPDIR": "/tmp",  # noqa: S108 - the sandbox's own
    "XDG_CACHE_HOME": "/tmp/.cache",  # noqa: S108
    "GOCACHE": "/tmp/.cache/go-build",  # noqa: S108
    "npm_config_cache": "/tmp/.npm",  # noqa: S108
}


@dataclass(frozen=True)
class Sandbox:
    """A way to run command lines in a project."""

    name: str | None
    """For a person; None for none."""
    root: Path
    limits: Limits
    why_none: str = ""
    """Why nothing confines commands, as a sentence."""
    _program: str = ""
    _containers: Containers | None = None
    _environment: Mapping[str, str] = field(default_factory=lambda: scrubbed(os.environ), repr=False)

    async def run(self, command: Sequence[str], *, seconds: float | None = None) -> Ended:
        """Run a program in the project's folder. Raises ToolError if it cannot be started.

        It ends within its limits, and everything it started ends with it, also if this task is cancelled.
        """
        limits = self.limits if seconds is None else _shorter(self.limits, seconds)
        if self._containers is not None:
            return await self._containers.run(command, limits)
        wrapped = command
        if self._program:
            wrapped = await asyncio.to_thread(bubblewrap, self._program, self.root, command)
        return await run_process(wrapped, cwd=self.root, environment=self._environment, limits=limits)

    def at(self, root: Path, environment: Mapping[str, str]) -> Sandbox:
        """The same for a copy of the project in another folder; `environment` is added to what programs see."""
        containers = self._containers and self._containers.at(root, environment)
        return replace(self, root=root, _containers=containers, _environment={**self._environment, **environment})

    async def run_line(self, line: str, *, seconds: float | None = None) -> Ended:
        """Run a line by the system's shell: `sh`, on Windows `cmd.exe`."""
        if sys.platform == "win32" and self._containers is None:
            shell = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "cmd.exe")  # noqa: PTH118
            return await self.run((shell, "/d", "/s", "/c", line), seconds=seconds)
        return await self.run(("/bin/sh", "-c", line), seconds=seconds)


async def open_sandbox(root: Path, settings: AgentSettings) -> Sandbox:
    """The sandbox that the settings ask for, after one trial. Where there is none, its `why_none` says why."""
    root = await asyncio.to_thread(root.resolve)
    limits = Limits(seconds=settings.timeout_s, memory_bytes=settings.memory_mb << 20)
    if settings.sandbox == "none":
        return Sandbox(None, root, limits, "The sandbox is switched off (`zi.agent.sandbox`).")
    if settings.sandbox == "docker":
        return await _open_containers(root, limits, settings.docker_image)
    if sys.platform != "linux":
        return Sandbox(None, root, limits, "There is no sandbox for this system.")
    program = trusted_program("bwrap", root)
    if program is None:
        return Sandbox(None, root, limits, "There is no sandbox: `bubblewrap` is not installed.")
    if trial := await _tried(bubblewrap(program, root, ("/bin/sh", "-c", ":")), root):
        return Sandbox(None, root, limits, f"There is no sandbox: bubblewrap does not work here. {trial}")
    return Sandbox("bubblewrap", root, limits, "", program)


async def _open_containers(root: Path, limits: Limits, image: str) -> Sandbox:
    program = trusted_program("docker", root)
    if not image or not program:
        trial = "there is no `docker`." if image else "`zi.agent.docker_image` is empty."
    else:
        containers, trial = await Containers(program, image, root).tried()
        if not trial:
            return Sandbox("a container", root, limits, _containers=containers)
    return Sandbox(None, root, limits, f"Commands cannot run in a container: {trial}")


async def _tried(command: Sequence[str], root: Path) -> str:
    """What went wrong when this was run, "" if nothing did."""
    try:
        ended = await run_process(
            command, cwd=root, environment=scrubbed(os.environ), limits=Limits(seconds=TRIAL_S), head=500, tail=500
        )
    except ToolError as error:
        return str(error)
    return "" if ended.ok else ended.stopped or ended.output.strip() or f"It ended with status {ended.code}."


def bubblewrap(program: str, root: Path, command: Sequence[str]) -> list[str]:
    """The command line of bubblewrap around a command. Looks at the disk: what is not there cannot be covered."""
    wrapped = [program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    wrapped += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    for folder in ("/tmp", "/var/tmp", "/run", "/dev/shm"):  # noqa: S108 - places that are covered
        if os.path.isdir(folder) and not os.path.islink(folder):  # noqa: PTH112, PTH114
            wrapped += ["--tmpfs", folder]
    for folder in _RUNTIME:
        wrapped += ["--ro-bind-try", folder, folder]
    covered = list(hidden(root))
    for place in covered:
        wrapped += _covered(place)
    wrapped += ["--bind", str(root), str(root)]
    for place in kept(root):
        wrapped += ["--ro-bind", place, place]
    for place in covered:  # a project that is, or holds, the home folder would show them again
        if Path(place).is_relative_to(root):
            wrapped += _covered(place)
    for name, value in _WRITABLE.items():  # the home folder is read-only
        wrapped += ["--setenv", name, value]
    return [*wrapped, "--chdir", str(root), "--", *command]


def _covered(place: str) -> list[str]:
    return ["--tmpfs", place] if os.path.isdir(place) else ["--ro-bind", os.devnull, place]  # noqa: PTH112


def _shorter(limits: Limits, seconds: float) -> Limits:
    return Limits(
        seconds=min(seconds, limits.seconds), memory_bytes=limits.memory_bytes, output_bytes=limits.output_bytes,
        file_bytes=limits.file_bytes, processes=limits.processes,
    )  # fmt: skip
