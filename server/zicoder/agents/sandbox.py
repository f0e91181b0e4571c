"""Where an agent's commands run: confined by bubblewrap, in a container, or not confined at all.

    bubblewrap   Linux; no network, the disk read-only but for the project, no secrets of the home folder, a /tmp and
                 process numbers of its own
    docker       only if an image is set; it must be on the machine, nothing is pulled
    none         everywhere else; `policy` then has every command asked for

Owns the arguments of both and the one trial that shows whether bubblewrap works here: many systems forbid what it
needs. It decides nothing and asks nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from zicoder.agents.processes import Ended, Limits, run_process, scrubbed, trusted_program
from zicoder.errors import ToolError
from zicoder.settings import AgentSettings, user_settings_path

__all__ = ["Sandbox", "bubblewrap", "docker", "open_sandbox"]

TRIAL_S = 10.0

_HOME_SECRETS = """
    .ssh .aws .azure .gnupg .kube .docker .oci .password-store .terraform.d .config/gcloud .config/gh .config/glab-cli
    .config/hub .config/op .config/rclone .config/git/credentials .config/doctl .config/heroku .config/configstore
    .config/google-chrome .config/chromium .config/BraveSoftware .config/Code .mozilla .thunderbird .cache/keyring
    .local/share/keyrings .local/share/kwalletd .local/share/fish/fish_history .netrc .pgpass .my.cnf .npmrc .yarnrc
    .yarnrc.yml .pypirc .git-credentials .vault-token .boto .s3cfg .bash_history .zsh_history .python_history
    .node_repl_history .psql_history .mysql_history .lesshst .viminfo .cargo/credentials .cargo/credentials.toml
    .gem/credentials .m2/settings.xml .m2/settings-security.xml .gradle/gradle.properties .composer/auth.json
    .huggingface .cache/huggingface/token .kaggle .jupyter .ICEauthority .Xauthority .electrum .bitcoin
    Library/Keychains
"""
_SYSTEM_SECRETS = ("/etc/shadow", "/etc/gshadow", "/etc/ssh", "/etc/sudoers", "/etc/sudoers.d", "/etc/krb5.keytab")
_RUNTIME = ("/run/current-system", "/run/opengl-driver", "/run/wrappers")
"""Of NixOS, which keeps its programs there. The rest of /run holds sockets: of containers, of key agents, of D-Bus."""
_WRITABLE = {
    "TMPDIR": "/tmp",  # noqa: S108 - the sandbox's own
    "XDG_CACHE_HOME": "/tmp/.cache",  # noqa: S108
    "GOCACHE": "/tmp/.cache/go-build",  # noqa: S108
    "npm_config_cache": "/tmp/.npm",  # noqa: S108
}
_READ_ONLY: tuple[str, ...] = (
    *(".git/hooks", ".git/config", ".git/info", ".git/modules"),
    *(".zicoder", ".vscode", ".idea", ".envrc", ".husky"),
)
"""In the project, what makes programs run later, outside the sandbox."""


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
    _image: str = ""
    _environment: Mapping[str, str] = field(default_factory=lambda: scrubbed(os.environ), repr=False)

    async def run(self, command: Sequence[str], *, seconds: float | None = None) -> Ended:
        """Run a program in the project's folder. Raises ToolError if it cannot be started.

        It ends within its limits, and everything it started ends with it, also if this task is cancelled.
        """
        limits = self.limits if seconds is None else _shorter(self.limits, seconds)
        if self._image:
            return await self._run_in_container(command, limits)
        wrapped = command
        if self._program:
            wrapped = await asyncio.to_thread(bubblewrap, self._program, self.root, command)
        return await run_process(wrapped, cwd=self.root, environment=self._environment, limits=limits)

    def at(self, root: Path, environment: Mapping[str, str]) -> Sandbox:
        """The same for another folder; `environment` is added to what programs see (a container has its own)."""
        return replace(self, root=root, _environment={**self._environment, **environment})

    async def run_line(self, line: str, *, seconds: float | None = None) -> Ended:
        """Run a line by the system's shell: `sh`, on Windows `cmd.exe`."""
        if sys.platform == "win32" and not self._image:
            shell = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "cmd.exe")  # noqa: PTH118
            return await self.run((shell, "/d", "/s", "/c", line), seconds=seconds)
        return await self.run(("/bin/sh", "-c", line), seconds=seconds)

    async def _run_in_container(self, command: Sequence[str], limits: Limits) -> Ended:
        """The client's end does not end the container: that takes a word to the daemon."""
        name = f"zi-{secrets.token_hex(6)}"
        wrapped = await asyncio.to_thread(docker, self._program, self._image, name, self.root, command, limits)
        ended = None
        try:
            ended = await run_process(wrapped, cwd=self.root, environment=self._environment, limits=limits)
            return ended
        finally:
            if ended is None or ended.stopped:
                removing = run_process(
                    (self._program, "rm", "-f", name), cwd=self.root, environment=self._environment,
                    limits=Limits(seconds=TRIAL_S),
                )  # fmt: skip
                with contextlib.suppress(ToolError):
                    await asyncio.shield(asyncio.ensure_future(removing))


async def open_sandbox(root: Path, settings: AgentSettings) -> Sandbox:
    """The sandbox that the settings ask for, after one trial. Where there is none, its `why_none` says why."""
    root = await asyncio.to_thread(root.resolve)
    limits = Limits(seconds=settings.timeout_s, memory_bytes=settings.memory_mb << 20)
    if settings.sandbox == "none":
        return Sandbox(None, root, limits, "The sandbox is switched off (`zi.agent.sandbox`).")
    if settings.sandbox == "docker":
        program = trusted_program("docker", root)
        if not settings.docker_image or not program:
            missing = "there is no `docker`" if settings.docker_image else "`zi.agent.docker_image` is empty"
            return Sandbox(None, root, limits, f"Commands cannot run in a container: {missing}.")
        trial = await _tried((program, "image", "inspect", "--format", "{{.Id}}", settings.docker_image), root)
        if trial:
            return Sandbox(None, root, limits, f"Commands cannot run in a container: {trial}")
        return Sandbox("a container", root, limits, "", program, settings.docker_image)
    if sys.platform != "linux":
        return Sandbox(None, root, limits, "There is no sandbox for this system.")
    program = trusted_program("bwrap", root)
    if program is None:
        return Sandbox(None, root, limits, "There is no sandbox: `bubblewrap` is not installed.")
    if trial := await _tried(bubblewrap(program, root, ("/bin/sh", "-c", ":")), root):
        return Sandbox(None, root, limits, f"There is no sandbox: bubblewrap does not work here. {trial}")
    return Sandbox("bubblewrap", root, limits, "", program)


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
    hidden = list(_hidden(root))
    for place in hidden:
        wrapped += _covered(place)
    wrapped += ["--bind", str(root), str(root)]
    for place in _kept(root):
        wrapped += ["--ro-bind", place, place]
    for place in hidden:  # a project that is, or holds, the home folder would show them again
        if Path(place).is_relative_to(root):
            wrapped += _covered(place)
    for name, value in _WRITABLE.items():  # the home folder is read-only
        wrapped += ["--setenv", name, value]
    return [*wrapped, "--chdir", str(root), "--", *command]


def docker(program: str, image: str, name: str, root: Path, command: Sequence[str], limits: Limits) -> list[str]:
    """The command line of docker around a command."""
    wrapped = [program, "run", "--rm", "--name", name, "--pull", "never", "--network", "none", "--read-only"]
    wrapped += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--init", "--entrypoint", command[0]]
    wrapped += ["--pids-limit", str(limits.processes), "--memory", f"{limits.memory_bytes >> 20}m"]
    wrapped += ["--tmpfs", "/tmp", "--env", "HOME=/tmp"]  # noqa: S108 - the container's own
    if sys.platform != "win32":
        wrapped += ["--user", f"{os.getuid()}:{os.getgid()}"]
    inside = "/project"
    wrapped += ["--mount", f"type=bind,source={root},target={inside}"]
    hidden = [place for place in _hidden(root) if Path(place).is_relative_to(root)]
    for place in (*_kept(root), *hidden):
        target = f"{inside}/{Path(place).relative_to(root).as_posix()}"
        empty = "type=tmpfs" if Path(place).is_dir() else f"type=bind,source={os.devnull},readonly"
        mount = f"{empty},target={target}" if place in hidden else f"type=bind,source={place},target={target},readonly"
        wrapped += ["--mount", mount]
    return [*wrapped, "--workdir", inside, image, *command[1:]]


def _covered(place: str) -> list[str]:
    return ["--tmpfs", place] if os.path.isdir(place) else ["--ro-bind", os.devnull, place]  # noqa: PTH112


def _hidden(root: Path) -> Iterator[str]:
    """What is covered: secrets that are there, links followed (one cannot be covered itself), each once.

    A folder that holds the project is covered before the project is laid over it.
    """
    home = Path.home()
    places = [home / name for name in _HOME_SECRETS.split()]
    own = ("data", "cache", "log")
    folders = (platformdirs.user_data_path, platformdirs.user_cache_path, platformdirs.user_log_path)
    for name, folder in zip(own, folders, strict=True):
        override = os.environ.get(f"ZI_{name.upper()}_DIR")
        places.append(Path(override) if override else folder("zicoder"))
    places += [user_settings_path().parent, *map(Path, _SYSTEM_SECRETS)]
    found = dict.fromkeys(os.path.realpath(place) for place in places)
    covered = ("/tmp/", "/var/tmp/", "/run/", "/dev/", "/proc/")  # noqa: S108 - empty already
    for place in found:
        with contextlib.suppress(OSError):
            empty = f"{place}/".startswith(covered) and not Path(place).is_relative_to(root)
            if os.path.lexists(place) and place not in {"/", str(root)} and not empty:
                yield place


def _kept(root: Path) -> Iterator[str]:
    """What stays read-only in the project. Where a part of `.git` that runs programs is missing, all of `.git`."""
    git = root / ".git"
    names = [*_READ_ONLY]
    if git.is_file() or (git.is_dir() and not ((git / "hooks").is_dir() and (git / "config").is_file())):
        names.append(".git")
    for name in names:
        place = root / name
        if os.path.lexists(place) and not place.is_symlink() and os.path.realpath(place) == str(place):
            yield str(place)


def _shorter(limits: Limits, seconds: float) -> Limits:
    return Limits(
        seconds=min(seconds, limits.seconds), memory_bytes=limits.memory_bytes, output_bytes=limits.output_bytes,
        file_bytes=limits.file_bytes, processes=limits.processes,
    )  # fmt: skip
