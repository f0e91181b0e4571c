"""Commands of agents in a Docker container: what the `docker` program is told, and that no container is left behind.

A container is made, started and removed by its name, each by one run of the program: a cancel finds it, whenever it
comes. Nothing is pulled. Must never decide whether a command may run.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from zicoder.agents.processes import Ended, Limits, run_process, scrubbed
from zicoder.agents.sandbox_places import hidden, kept
from zicoder.errors import ToolError

__all__ = ["Containers"]

DAEMON_S = 30.0
"""For the daemon to make a container, or to remove one."""
SPARE_S = 10
"""A container that nobody watches any more ends so long after its command's time."""
KILLED = 137
_CLIENT = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY")
"""Variables that tell the program, and no command, where the daemon is."""
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
"""The program would pass these on from its own settings; they may hold passwords, and there is no network."""
_TIMED = 'exec 2>&1; if command -v timeout >/dev/null 2>&1; then exec timeout -s KILL "$0" "$@"; else exec "$@"; fi'
"""As one stream: of two, the program does not keep the order."""
_UNWRITABLE = "The project cannot be written in a container."
_WRITABLE = f"test -w . || {{ echo '{_UNWRITABLE}'; exit 1; }}"
_ROOT = "0:0"
"""Who is the user outside where the daemon is the user's own. Elsewhere it may write less than the user: no rights."""


@dataclass(frozen=True)
class Containers:
    """A way to run commands on the project at `root`, each in a container of its own."""

    program: str
    image: str
    root: Path
    project: Path | None = None
    """For a copy: the project that it was made of, and that it links into; commands can read it."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    user: str = field(default_factory=lambda: "" if sys.platform == "win32" else f"{os.getuid()}:{os.getgid()}")
    """Numbers of a user and a group; "" for those of the image."""

    def at(self, root: Path, environment: Mapping[str, str]) -> Containers:
        """The same for a copy of the project; `environment` is what commands see there."""
        return replace(self, root=root, project=self.root, environment=environment)

    async def tried(self) -> tuple[Containers, str]:
        """These, or the same for another user, after a trial; and why no command can run in them, "" if one can."""
        trial = await self._trial()
        if trial == _UNWRITABLE and self.user not in {"", _ROOT}:
            other = replace(self, user=_ROOT)
            if not await other._trial():
                return other, ""
        return self, trial

    async def _trial(self) -> str:
        try:
            ended = await self.run(("/bin/sh", "-c", _WRITABLE), Limits(seconds=DAEMON_S))
        except ToolError as error:
            return str(error)
        return "" if ended.ok else ended.stopped or ended.output.strip() or f"It ended with status {ended.code}."

    async def run(self, command: Sequence[str], limits: Limits) -> Ended:
        """Run a command; nothing is left when it has ended or was cancelled. Raises ToolError if it cannot be begun."""
        name = f"zi-{secrets.token_hex(6)}"
        told = await asyncio.to_thread(self.arguments, name, command, limits)
        making = asyncio.ensure_future(self._docker(told))
        ended: Ended | None = None
        try:
            made = await asyncio.shield(making)
            if not made.ok:
                raise ToolError(self._problem(made))
            ended = await self._docker(["start", "--attach", name], limits)
            return _told(ended, limits)
        finally:
            if ended is None or ended.stopped:
                await asyncio.shield(asyncio.ensure_future(self._removed(making, name)))

    def arguments(self, name: str, command: Sequence[str], limits: Limits) -> list[str]:
        """What makes the container of a command. Looks at the disk: what is not there cannot be covered."""
        told = ["create", "--rm", "--name", name, "--pull", "never", "--network", "none", "--read-only", "--init"]
        told += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--log-driver", "none"]
        told += ["--pids-limit", str(limits.processes)]
        memory = f"{limits.memory_bytes >> 20}m"
        told += ["--memory", memory, "--memory-swap", memory]  # no swap besides
        told += ["--ulimit", "core=0", *(("--ulimit", f"fsize={limits.file_bytes}") if limits.file_bytes else ())]
        told += ["--user", self.user] if self.user else []
        told += ["--tmpfs", "/tmp:exec,mode=1777"]  # noqa: S108 - the container's own; builds run what they put there
        for variable, value in self._variables().items():
            told += ["--env", f"{variable}={value}"]
        for mount in self._mounts():
            told += ["--mount", mount]
        told += ["--workdir", _inside(self.root), "--entrypoint", "/bin/sh", self.image]
        return [*told, "-c", _TIMED, str(math.ceil(limits.seconds) + SPARE_S), *command]

    def _variables(self) -> dict[str, str]:
        proxies = {variable: "" for name in _PROXIES for variable in (name, name.upper())}
        own = self.environment if sys.platform != "win32" else {}  # paths that are none in a container
        return {**proxies, "HOME": "/tmp", **own}  # noqa: S108 - the container's own

    def _mounts(self) -> list[str]:
        mounts: list[str] = []
        if self.project is not None:
            mounts.append(_bound(str(self.project), _inside(self.project), "readonly"))
            mounts += self._covered(self.project)
        mounts.append(_bound(str(self.root), _inside(self.root)))
        mounts += [_bound(place, _inside(Path(place), self.root), "readonly") for place in kept(self.root)]
        return mounts + self._covered(self.root)

    def _covered(self, root: Path) -> list[str]:
        """Secrets in a folder, as a home folder has them."""
        places = [Path(place) for place in hidden(root) if Path(place).is_relative_to(root)]
        return [
            _quoted("type=tmpfs", f"target={_inside(place, root)}")
            if place.is_dir()
            else _bound(os.devnull, _inside(place, root), "readonly")
            for place in places
        ]

    async def _docker(self, told: Sequence[str], limits: Limits | None = None) -> Ended:
        limits = limits or Limits(seconds=DAEMON_S)
        environment = scrubbed(os.environ) | {name: os.environ[name] for name in _CLIENT if name in os.environ}
        return await run_process((self.program, *told), cwd=self.root, environment=environment, limits=limits)

    def _problem(self, made: Ended) -> str:
        """Why no container was made, as a sentence."""
        if "No such image" in made.output:
            return f"There is no image `{self.image}` on this machine; `docker pull {self.image}` gets it."
        lines = [line for line in made.output.splitlines() if line.strip() and "--help'" not in line]
        told = lines[-1].strip().removeprefix("Error response from daemon: ") if lines else ""
        return f"No container can be made: {(made.stopped or told or f'status {made.code}').rstrip('.')}."

    async def _removed(self, making: asyncio.Future[Ended], name: str) -> None:
        """What was being made is made first: else it could not be found."""
        await asyncio.wait([making])
        with contextlib.suppress(ToolError):
            await self._docker(["rm", "--force", name])


def _told(ended: Ended, limits: Limits) -> Ended:
    """The end of the program is that of the command; that of one which the daemon killed has no reason of its own."""
    if ended.code != KILLED or ended.stopped:
        return ended
    most = f"{limits.memory_bytes >> 20} MB of memory"
    return replace(ended, stopped=f"It was killed, most likely because it used more than {most}.")


def _inside(place: Path, root: Path | None = None) -> str:
    """A place in a container: the same, so that what is printed there names files here. Windows has no such paths."""
    if sys.platform != "win32":
        return str(place)
    within = place.relative_to(root).as_posix() if root else "."
    return "/project" if within == "." else f"/project/{within}"


def _bound(source: str, target: str, *more: str) -> str:
    return _quoted("type=bind", f"source={source}", f"target={target}", *more)


def _quoted(*fields: str) -> str:
    """A line of comma-separated values."""
    doubled = (field.replace('"', '""') for field in fields)
    return ",".join(f'"{field}"' if "," in field or '"' in field else field for field in doubled)
