"""Commands that do lasting harm: those that nothing may allow, and those that only a rule of their own may.

Judged by words, so it is a net for accidents and for clumsy attacks, not a wall: a program can do anything under
another name. The wall is the sandbox, and the person who is asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from zicoder.agents.command_line import CommandLine, Simple, loosely, parse

__all__ = ["Harm", "every", "harm", "program", "reach", "refusal"]

Harm = Literal["", "deletes", "publishes", "uses the network", "gains rights"]

MAX_DEPTH = 4
"""Of commands in the arguments of commands: `sudo sh -c "env rm ..."`."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WRAPPERS = _words(
    "sudo doas env nohup nice ionice time timeout xargs command exec builtin stdbuf setsid busybox chroot unshare"
    " caffeinate watch parallel toybox"
)
_SHELLS = _words("sh bash zsh dash ksh ash fish cmd cmd.exe powershell powershell.exe pwsh")
_RIGHTS = _words("sudo doas su pkexec runas chroot")
_DELETES = _words("rm rmdir unlink shred srm trash del erase rd remove-item ri rimraf")
_DOS = _words("del erase rd rmdir remove-item ri")
_RIGHTS_OF_FILES = frozenset({"chmod", "chown", "chgrp"})
_NETWORK = _words(
    "curl wget ssh scp sftp rsync nc ncat netcat telnet ftp socat ping dig nslookup http https aria2c lynx"
    " invoke-webrequest iwr"
)
_PUBLISHES = re.compile(
    r"(git push|(npm|yarn|pnpm|cargo|poetry|uv|bun|lerna|hatch|flit) publish|twine upload|gem push|dotnet nuget push"
    r"|docker (push|login)|(kubectl|helm|terraform|tofu|pulumi|ansible-playbook|serverless|sls|fly|flyctl|heroku"
    r"|vercel|netlify|gcloud|aws|az|eb|cap|cdk|sam|firebase|wrangler|skaffold|nomad) |gh (release|repo|pr|api|secret)"
    r"|(npm|yarn|pnpm|make|just|task|rake|cargo|gradle|mvn)( run)? deploy|mvn (deploy|release)|goreleaser )"
)
_GIT_DELETES = re.compile(r"git (clean|reset --hard|checkout|restore|stash (drop|clear)|branch -D|worktree remove) ")
_DOWNLOADS = re.compile(
    r"((pip3?|uv|npm|yarn|pnpm|bun|gem|cargo|go|apt|apt-get|brew|dnf|apk|conda|poetry|composer|choco|winget) "
    r"(install|add|i|ci|get|download|update|upgrade|sync|fetch) "
    r"|git (clone|fetch|pull|ls-remote) |(npx|uvx|bunx|pipx) )"
)
_HOME = re.compile(r"(~|\$\{?HOME\}?|HOME|%USERPROFILE%|\$env:USERPROFILE)[\\/]*\**", re.IGNORECASE)
_HEADS = re.compile(r"(/+|[a-z]:[\\/]*)", re.IGNORECASE)
_SHUTS_DOWN = frozenset({"shutdown", "reboot", "halt", "poweroff"})
_FORK_BOMB = re.compile(r"(\S+)\s*\(\)\s*\{\s*\1\s*\|\s*\1\s*&\s*\}")


def refusal(line: CommandLine, root: Path) -> str:
    """Why a command line is never run, as a sentence; "" if it may be, after whatever else is asked."""
    if _FORK_BOMB.search(line.text):
        return "It starts copies of itself until the machine stands still."
    if re.search(r"/dev/(sd|nvme|hd|vd|disk|mmcblk|mem|kmem|port)", line.text) and re.search(r">|\bof=", line.text):
        return "It writes to a disk or to memory directly."
    folder = str(root)
    for command in every(line.commands):
        words = command.words
        if words[0] == "cd":
            folder = os.path.normpath(os.path.join(folder, _at_home(words[1] if len(words) > 1 else "~")))  # noqa: PTH118
        elif why := _refused(words, folder, root):
            return why
    return ""


def harm(line: CommandLine) -> Harm:
    """The worst of what a line evidently does, "" if nothing of that kind is seen."""
    seen: set[Harm] = {
        "gains rights" for command in (*line.commands, *every(line.commands)) if program(command.words) in _RIGHTS
    }
    seen.update(_harm(command.words) for command in every(line.commands))
    order: tuple[Harm, ...] = ("gains rights", "publishes", "deletes", "uses the network", "")
    return next(kind for kind in order if kind in seen or not kind)


def reach(command: Simple) -> Iterator[str]:
    """The words of a command that may be paths, also behind `--option=` and `-Xpath`, and files of redirections."""
    for word in (*command.words[1:], *(target for _, target in command.redirects)):
        yield word
        _, equals, value = word.partition("=")
        if equals and value:
            yield value
        if re.match(r"-\w[^-]", word) and (found := re.search(r"[~/.\\]", word)):
            yield word[found.start() :]
        if re.match(r"\w+:(?!//)[~/.]", word):  # host:path
            yield word.partition(":")[2]


def _harm(words: Sequence[str]) -> Harm:
    name = program(words)
    text = f"{' '.join((name, *words[1:]))} "
    if _PUBLISHES.match(text):
        return "publishes"
    if name in _DELETES or _GIT_DELETES.match(text) or (name == "find" and {"-delete", "-exec", "-execdir"} & {*words}):
        return "deletes"
    if name in {"mv", "dd", "truncate", *_RIGHTS_OF_FILES}:  # what was there is gone, or out of reach
        return "deletes"
    return "uses the network" if name in _NETWORK or _DOWNLOADS.match(text) else ""


def _refused(words: Sequence[str], folder: str, root: Path) -> str:
    name = program(words)
    options = "".join(w for w in words[1:] if w.startswith("-") or re.fullmatch(r"/[a-zA-Z]", w)).lower()
    if name.startswith("mkfs") or (name == "format" and len(words) > 1) or name == "diskpart":
        return "It formats a disk."
    if name in _SHUTS_DOWN:
        return "It shuts the machine down."
    if "--no-preserve-root" in words:
        return "It deletes from the root of the disk."
    return next((why for target in _targets(name, words, options) if (why := _vital(name, target, folder, root))), "")


def _targets(name: str, words: Sequence[str], options: str) -> Sequence[str]:
    """What a command would change with everything that is below it."""
    if name == "find":
        acts = {"-delete", "-exec", "-execdir"} & {*words}
        return [w for w in words[1:2] if not w.startswith("-")] if acts else []
    if name in _DOS:
        return [w for w in words[1:] if not re.fullmatch(r"[/-]\w+", w)] if "/s" in options or "-r" in options else []
    if name in _DELETES | _RIGHTS_OF_FILES and ("r" in options or name == "rimraf"):
        return [w for w in words[1:] if not w.startswith("-")]
    return []


def _vital(name: str, target: str, folder: str, root: Path) -> str:
    """Why a target must stay as it is, as a sentence; "" if it is nothing of that kind."""
    what = "It changes the rights of" if name in _RIGHTS_OF_FILES else "It deletes"
    if _HOME.fullmatch(target):
        return f"{what} your home folder."
    if _HEADS.fullmatch(target.rstrip("*.")):
        return f"{what} the whole disk."
    stem = target.rstrip("*") if target.endswith("*") and target.rstrip("*")[-1:] in {"", "/", "\\", "."} else target
    place = os.path.normpath(os.path.join(folder, _at_home(stem or ".")))  # noqa: PTH118
    parent = os.path.dirname(place)  # noqa: PTH120
    if place == parent:
        return f"{what} the whole disk."
    if place == str(Path.home()):
        return f"{what} your home folder."
    above = os.path.normcase(place.rstrip(os.sep) + os.sep)
    if name in _DELETES and os.path.normcase(f"{root}{os.sep}").startswith(above):
        return "It deletes the whole project."
    return f"{what} a folder of the system." if os.path.dirname(parent) == parent else ""  # noqa: PTH120


def _at_home(path: str) -> str:
    return os.path.expanduser(path)  # noqa: PTH111 - stays a text where there is no such home


def program(words: Sequence[str]) -> str:
    """The program: `/bin/RM.exe` is rm."""
    return re.split(r"[\\/]", words[0])[-1].lower().removesuffix(".exe") if words else ""


def every(commands: Sequence[Simple], depth: int = 0) -> Iterator[Simple]:
    """The commands that are run in the end, those in the arguments of others too."""
    for command in commands:
        words = list(command.words)
        name = program(words)
        if words and name not in _RIGHTS | _WRAPPERS:
            yield command
        if not words or depth >= MAX_DEPTH:
            continue
        if name in _SHELLS:
            rest = words[
                next((i for i, w in enumerate(words) if re.fullmatch(r"-\w*c|/c|-command", w.lower())), 0) + 1 :
            ]
            yield from every(_inner(" ".join(rest)), depth + 1)
        elif name == "eval":
            yield from every(_inner(" ".join(words[1:])), depth + 1)
        elif name in _WRAPPERS | _RIGHTS:  # which of its words begins the command is not known: each may
            yield from every([Simple(tuple(words[at:])) for at in range(1, min(len(words), 8))], depth + 1)


def _inner(text: str) -> tuple[Simple, ...]:
    line = parse(text)
    return line.commands if line.commands else loosely(text)
