"""Tools that look at the repository through the git program. They change nothing, and run nothing of the repository.

A repository's own configuration is hostile: it can name programs for almost everything git does. So hooks, the file
system monitor, pagers, external diffs, text conversions, signature programs, filters of the repository and every way
of fetching are switched off; submodules, which have a configuration of their own, are not entered; and which folder is
compared is said by us. What the user's own configuration says stays, its filters too.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from zicoder.agents.excerpt import Excerpt
from zicoder.agents.places import is_secret
from zicoder.agents.processes import Ended, Limits, run_process, scrubbed, trusted_program
from zicoder.agents.tools.protocol import Arguments, Grant, ToolText, Touch
from zicoder.errors import ToolError

__all__ = ["NO_CHANGES", "GitDiffTool", "GitLogTool", "GitStatusTool", "Repository"]

LIMITS = Limits(seconds=30, memory_bytes=2 << 30, output_bytes=64 << 20)
MAX_EXCLUDED = 500
_REVISION = re.compile(r"[\w][\w./~^@{}+-]{0,199}")
_SETTINGS = {
    "core.fsmonitor": "false", "core.hooksPath": os.devnull, "core.pager": "cat", "core.quotePath": "false",
    "log.showSignature": "false", "gpg.program": "", "gpg.ssh.program": "", "gpg.x509.program": "", "diff.external": "",
    "status.submoduleSummary": "false", "submodule.recurse": "false", "core.sshCommand": "false", "core.askPass": "",
    "credential.helper": "", "core.bare": "false", "diff.noprefix": "false", "diff.mnemonicPrefix": "false",
    "core.splitIndex": "false", "core.untrackedCache": "false", "log.decorate": "short", "diff.submodule": "short",
    "i18n.logOutputEncoding": "utf-8", "core.alternateRefsCommand": "", "diff.orderFile": os.devnull,
}  # fmt: skip
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none", "GIT_PROTOCOL_FROM_USER": "0", "LC_ALL": "C.UTF-8", "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "0",
}  # fmt: skip
_KINDS = {
    "M": "changed",
    "A": "new",
    "D": "deleted",
    "R": "renamed",
    "C": "copied",
    "T": "of another type",
    "U": "in conflict",
}


class Repository:
    """The repository that a project lies in."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    async def run(self, *arguments: str, head: int = 12_000, tail: int = 6_000, check: bool = True) -> Ended:
        """Run git in the project's folder. Raises ToolError: no git, no repository, or git's own words.

        The answer keeps `head` and `tail` bytes of its ends.
        """
        git, options, environment = await asyncio.to_thread(self._prepared)
        return await self._ended(
            git, (*options, *arguments), environment | await self._without_filters(git, options, environment),
            head=head, tail=tail, check=check,
        )  # fmt: skip

    async def _ended(
        self, git: str, arguments: Sequence[str], environment: dict[str, str], *, head: int, tail: int, check: bool
    ) -> Ended:
        ended = await run_process(
            (git, *arguments), cwd=self._root, environment=environment, limits=LIMITS, head=head, tail=tail
        )
        if check and not ended.ok and not ended.stopped.startswith("It was ended because it wrote"):
            raise ToolError(f"git could not do it. {ended.stopped or ended.output.strip()[:500]}")
        return ended

    def _prepared(self) -> tuple[str, tuple[str, ...], dict[str, str]]:
        git = trusted_program("git", self._root)
        if git is None:
            raise ToolError("The program `git` is not installed.")
        top = next((p for p in (self._root, *self._root.parents) if os.path.lexists(p / ".git")), None)
        if top is None:
            raise ToolError("This project is in no git repository.")
        folder = _git_folder(top)
        environment = scrubbed(os.environ) | _ENVIRONMENT | _as_environment(_SETTINGS)
        return git, ("--no-pager", f"--git-dir={folder}", f"--work-tree={top}"), environment

    async def _without_filters(self, git: str, options: Sequence[str], environment: dict[str, str]) -> dict[str, str]:
        """What switches off the filters that the repository itself names: git runs them to compare files."""
        listed = await self._ended(
            git, (*options, "config", "--list", "--null", "--show-scope", "--includes", "--name-only"), environment,
            head=1 << 20, tail=0, check=True,
        )  # fmt: skip
        if listed.output_bytes > 1 << 20:
            raise ToolError("The repository's configuration is too large.")
        names: set[str] = set()
        fields = listed.output.split("\n")
        for scope, key in zip(fields[::2], fields[1::2], strict=False):
            found = re.fullmatch(r"filter\.(.*)\.\w+", key)
            if found and scope not in {"system", "global"}:
                names.add(found[1])
        settings = dict(_SETTINGS)
        for name in names:
            for part in ("clean", "smudge", "process"):
                settings[f"filter.{name}.{part}"] = ""
            settings[f"filter.{name}.required"] = "false"
        return _as_environment(settings)


def _as_environment(settings: dict[str, str]) -> dict[str, str]:
    """Settings for git by its environment: stronger than every file, and without a syntax that a name could break."""
    values = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        values |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return values


def _git_folder(top: Path) -> Path:
    """The folder with the repository's data. Raises ToolError for one that a project only claims to be its own."""
    place = top / ".git"
    if place.is_dir():
        folder = place.resolve()
        if folder != place or (place / "commondir").exists():
            raise ToolError("The project's `.git` leads to another repository.")
        return folder
    try:
        with place.open("rb") as file:
            text = file.read(4096).decode()
        folder = (top / text.removeprefix("gitdir:").strip()).resolve()
        back = folder / "gitdir"
        claimed = back.read_text()[:4096].strip() if back.is_file() else ""
    except (OSError, ValueError) as error:
        raise ToolError("The project's `.git` cannot be read.") from error
    linked = bool(claimed) and os.path.normcase((folder / claimed).resolve()) == os.path.normcase(place.resolve())
    submodule = any(folder.is_relative_to(parent / ".git" / "modules") for parent in top.parents)
    if not linked and not submodule:
        raise ToolError("The project's `.git` points to a repository that is not its own.")
    return folder


class GitStatusArguments(Arguments):
    """Nothing."""


class GitStatusTool:
    """Show what has changed."""

    name = "git_status"
    description = "Show the branch and which files are changed, staged or new in the git repository."
    arguments = GitStatusArguments

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def touches(self, _: GitStatusArguments) -> Touch:
        """The project."""
        return Touch(summary="git status", reads=(".",))

    async def run(self, _: GitStatusArguments, grant: Grant) -> ToolText:
        """The branch, and one file a line."""
        ended = await self._repository.run(
            "status", "--porcelain=v2", "--branch", "--untracked-files=normal", "--ignore-submodules=all", "--renames",
            "--", ".", head=60_000, tail=0,
        )  # fmt: skip
        lines = [told for line in ended.output.splitlines() if (told := _status_line(line))]
        excerpt = Excerpt(head=12_000, tail=2_000)
        excerpt.add("\n".join(lines).encode())
        changed = sum(1 for line in lines if not line.startswith("branch"))
        text = excerpt.text() + ("" if changed else "\nNothing has changed.")
        return ToolText(text, f"{changed} files")


def _status_line(line: str) -> str:
    kind, _, rest = line.partition(" ")
    if kind == "#":
        name, _, value = rest.partition(" ")
        return f"{name.replace('.', ' ')}: {value}" if name in {"branch.head", "branch.upstream", "branch.ab"} else ""
    if kind == "?":
        return f"untracked: {rest}"
    if kind == "u":
        return f"in conflict: {rest.split(' ', 9)[-1]}"
    if kind not in {"1", "2"}:
        return ""
    path = rest.split(" ", 7 if kind == "1" else 8)[-1].replace("\t", " ← ")
    staged, unstaged = rest[0], rest[1]
    told = [
        f"{_KINDS[letter]} ({where})"
        for letter, where in ((staged, "staged"), (unstaged, "not staged"))
        if letter in _KINDS
    ]
    return f"{', '.join(told)}: {path}"


NO_CHANGES = "No changes."


class GitDiffArguments(Arguments):
    """Which changes."""

    path: str = Field(default=".", description="Only this file or folder.")
    staged: bool = Field(default=False, description="What is staged, instead of what is not.")
    revision: str = Field(default="", description="Compare with this commit or branch.", max_length=200)


class GitDiffTool:
    """Show changes."""

    name = "git_diff"
    description = "Show changes as a unified diff: those not staged, those staged, or all since a commit or branch."
    arguments = GitDiffArguments

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def touches(self, arguments: GitDiffArguments) -> Touch:
        """The file or folder."""
        return Touch(summary=f"git diff {arguments.path}", reads=(arguments.path,))

    async def run(self, arguments: GitDiffArguments, grant: Grant) -> ToolText:
        """The diff, without files that hold secrets."""
        path = grant.place(arguments.path)
        if path.relative is None:
            raise ToolError("Only the project can be compared.")
        which = [*(["--cached"] if arguments.staged else []), *_revision(arguments.revision)]
        base = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=all", "--relative", *which)
        named = f":(literal){path.relative or '.'}"
        names = await self._repository.run(
            *base, "--name-only", "--no-renames", "-z", "--", named, head=1 << 20, tail=0
        )
        if names.output_bytes > 1 << 20:
            raise ToolError("There are too many changes; name a folder.")
        changed = [name for name in re.split(r"[\0\n]", names.output) if name]
        kept_back = [name for name in changed if is_secret(name) or grant.hidden(name)]
        if len(kept_back) > MAX_EXCLUDED:
            raise ToolError("There are too many changes that must not be shown; name a folder.")
        without = [f":(exclude,literal){name}" for name in kept_back]
        ended = await self._repository.run(*base, "--", named, *without, head=18_000, tail=6_000)
        note = (
            f"\n[… left out, for it may hold secrets or a rule says so: {', '.join(kept_back[:20])} …]"
            if kept_back
            else ""
        )
        return ToolText((ended.output.strip("\n") or NO_CHANGES) + note, f"{len(changed)} files")


class GitLogArguments(Arguments):
    """Which commits."""

    path: str = Field(default=".", description="Only commits that touched this file or folder.")
    revision: str = Field(
        default="", description="From this commit or branch backwards, or a range `a..b`.", max_length=200
    )
    count: int = Field(default=15, ge=1, le=100, description="How many.")
    kind: Literal["short", "full"] = Field(default="short", description="One line each, or whole messages.")


class GitLogTool:
    """Show commits."""

    name = "git_log"
    description = "Show the latest commits: who, when and what for."
    arguments = GitLogArguments

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def touches(self, arguments: GitLogArguments) -> Touch:
        """The file or folder."""
        return Touch(summary=f"git log {arguments.path}", reads=(arguments.path,))

    async def run(self, arguments: GitLogArguments, grant: Grant) -> ToolText:
        """The commits, the latest first."""
        path = grant.place(arguments.path)
        if path.relative is None:
            raise ToolError("Only the project's history can be shown.")
        shape = "%h %ad %an: %s" if arguments.kind == "short" else "commit %h, %ad, %an%n%n%B"
        ended = await self._repository.run(
            "log", f"--max-count={arguments.count}", f"--format=tformat:{shape}", "--date=short", "--no-color",
            "--no-show-signature", "--no-ext-diff", "--no-textconv", *_revision(arguments.revision), "--",
            f":(literal){path.relative or '.'}", check=False,
        )  # fmt: skip
        if not ended.ok:
            if "does not have any commits yet" in ended.output:
                return ToolText("There are no commits yet.", "no commits")
            raise ToolError(f"git could not do it. {ended.stopped or ended.output.strip()[:500]}")
        return ToolText(ended.output.strip("\n") or "No commits.", f"commits of {path.shown}")


def _revision(text: str) -> list[str]:
    if not text:
        return []
    if not all(_REVISION.fullmatch(part) for part in re.split(r"\.{2,3}", text)):
        raise ToolError(f"{text[:80]!r} is no commit, branch or range.")
    return [text]
