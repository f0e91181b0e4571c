"""The git tools against real repositories, hostile ones too."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from zicoder.agents.places import Places
from zicoder.agents.policy import Policy
from zicoder.agents.tools.git import GitDiffTool, GitLogTool, GitStatusTool, Repository
from zicoder.agents.tools.protocol import Grant, Tool, checked
from zicoder.errors import ToolError
from zicoder.settings import AgentSettings


def git(root: Path, *arguments: str) -> None:
    names = {f"GIT_{who}_{what}": "me" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, env={**os.environ, **names})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    project = tmp_path / "shop"
    (project / "src").mkdir(parents=True)
    git(project, "init", "-q", "-b", "main")
    (project / "src" / "cart.py").write_text("total = 0\n")
    (project / ".env").write_text("KEY=before\n")
    (project / "src" / "name with space.py").write_text("x = 1\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "begin the shop")
    (project / "src" / "cart.py").write_text("total = 1\n")
    return project


async def use(tool: Tool[Any], root: Path, **arguments: object) -> str:
    places = Places(root)
    policy = Policy(AgentSettings(), places)
    typed = checked(tool.arguments, arguments)
    found = {path: places.resolve(path) for path in tool.touches(typed).reads}
    return (await tool.run(typed, Grant(places.root, found, lambda path: policy.hides(tool.name, path)))).text


async def test_status_tells_the_branch_and_every_kind_of_change(root: Path):
    (root / "new.py").touch()
    (root / "added.py").touch()
    git(root, "add", "added.py")
    git(root, "mv", "src/name with space.py", "src/other name.py")
    assert (await use(GitStatusTool(Repository(root)), root)).splitlines() == [
        "branch head: main", "new (staged): added.py", "changed (not staged): src/cart.py",
        "renamed (staged): src/other name.py ← src/name with space.py", "untracked: new.py",
    ]  # fmt: skip


async def test_a_clean_repository_says_so(root: Path):
    git(root, "checkout", "-q", "--", ".")
    assert "Nothing has changed." in await use(GitStatusTool(Repository(root)), root)


async def test_diff_shows_changes_but_no_secrets(root: Path):
    (root / ".env").write_text("KEY=after\n")
    tool = GitDiffTool(Repository(root))
    text = await use(tool, root)
    assert "+total = 1" in text
    assert "KEY" not in text
    assert "left out" in text
    assert await use(tool, root, staged=True) == "No changes."
    assert "+total = 1" in await use(tool, root, revision="main")
    assert "No changes." in await use(tool, root, path="src/name with space.py")


async def test_log_tells_the_commits(root: Path):
    text = await use(GitLogTool(Repository(root)), root)
    assert "me: begin the shop" in text
    assert "begin the shop" in await use(GitLogTool(Repository(root)), root, path="src", revision="main", kind="full")


@pytest.mark.parametrize("revision", ["--output=x", "-p", "a b", "$(id)", "main..--all", ":/x"])
async def test_a_revision_is_no_option(root: Path, revision: str):
    with pytest.raises(ToolError, match="no commit"):
        await use(GitLogTool(Repository(root)), root, revision=revision)
    with pytest.raises(ToolError, match="no commit"):
        await use(GitDiffTool(Repository(root)), root, revision=revision)


async def test_a_folder_of_a_repository_sees_only_itself(root: Path):
    (root / "top.py").touch()
    (root / "src" / "below.py").touch()
    text = await use(GitStatusTool(Repository(root / "src")), root / "src")
    assert "below.py" in text
    assert "top.py" not in text
    assert "+total = 1" in await use(GitDiffTool(Repository(root / "src")), root / "src", path="cart.py")


async def test_git_s_own_words_are_told(root: Path, tmp_path: Path):
    with pytest.raises(ToolError, match=r"unknown revision|bad revision"):
        await use(GitLogTool(Repository(root)), root, revision="nowhere")
    (tmp_path / "plain").mkdir()
    with pytest.raises(ToolError, match="no git repository"):
        await use(GitStatusTool(Repository(tmp_path / "plain")), tmp_path / "plain")
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    assert await use(GitLogTool(Repository(empty)), empty) == "There are no commits yet."


async def test_nothing_that_a_repository_names_is_run(root: Path, tmp_path: Path):
    trap = tmp_path / "trap"
    trap.mkdir()
    program = tmp_path / "evil"
    program.write_text(f'#!/bin/sh\ntouch "{trap}/$$-$1"\ncat\n')
    program.chmod(0o755)
    hooks = root / ".git" / "hooks"
    for hook in ("post-index-change", "pre-commit", "fsmonitor-watchman"):
        (hooks / hook).write_bytes(program.read_bytes())
        (hooks / hook).chmod(0o755)
    for key in (
        "core.fsmonitor", "core.pager", "pager.log", "pager.diff", "pager.status", "diff.external",
        "diff.evil.textconv",
        "diff.evil.command", "filter.evil.clean", "filter.evil.smudge", "filter.proc.process", "filter.a=b.clean",
        "gpg.program", "core.sshCommand", "core.askPass", "core.editor", "credential.helper", "interactive.diffFilter",
        "core.alternateRefsCommand", "sequence.editor",
    ):  # fmt: skip
        git(root, "config", key, str(program))
    for key, value in {
        "log.showSignature": "true", "filter.evil.required": "true", "filter.proc.required": "true",
        "status.submoduleSummary": "true", "diff.submodule": "log", "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": "1", "protocol.ext.allow": "always", "core.worktree": str(tmp_path),
        "remote.origin.promisor": "true", "remote.origin.url": f"ext::{program} %S",
        "remote.origin.uploadpack": str(program),
        "core.hooksPath": str(hooks),
    }.items():  # fmt: skip
        git(root, "config", key, value)
    (root / ".git" / "info" / "attributes").write_text(
        "*.py diff=evil filter=evil\n*.md filter=proc\n*.txt filter=a=b\n"
    )
    (root / "src" / "name with space.py").write_text("x = 2\n")
    (root / "a.md").write_text("hello\n")
    for name in trap.iterdir():  # the preparation itself may have set some of them off
        name.unlink()
    repository = Repository(root)
    assert "changed (not staged): src/cart.py" in await use(GitStatusTool(repository), root)
    assert "+total = 1" in await use(GitDiffTool(repository), root)
    assert "+total = 1" in await use(GitDiffTool(repository), root, revision="main")
    assert "begin the shop" in await use(GitLogTool(repository), root, kind="full")
    with pytest.raises(ToolError):
        await use(GitLogTool(repository), root, revision="0123456789012345678901234567890123456789")
    assert not list(trap.iterdir())
    await asyncio.to_thread(subprocess.run, ["git", "-C", str(root), "diff"], check=False, capture_output=True)
    assert list(trap.iterdir())  # git itself falls for it


async def test_submodules_are_not_entered(root: Path, tmp_path: Path):
    inner = root / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    git(inner, "commit", "-q", "--allow-empty", "-m", "x")
    git(root, "-c", "advice.addEmbeddedRepo=false", "add", "inner")
    program = tmp_path / "evil"
    program.write_text(f'#!/bin/sh\ntouch "{tmp_path}/caught"\n')
    program.chmod(0o755)
    git(inner, "config", "core.fsmonitor", str(program))
    (inner / "x").touch()
    await use(GitStatusTool(Repository(root)), root)
    await use(GitDiffTool(Repository(root)), root)
    assert not (tmp_path / "caught").exists()


async def test_a_linked_worktree_is_read_and_a_stolen_repository_is_not(root: Path, tmp_path: Path):
    tree = tmp_path / "tree"
    git(root, "worktree", "add", "-q", str(tree))
    assert "branch head: tree" in await use(GitStatusTool(Repository(tree)), tree)
    thief = tmp_path / "thief"
    thief.mkdir()
    (thief / ".git").write_text(f"gitdir: {root}/.git\n")
    with pytest.raises(ToolError, match="not its own"):
        await use(GitLogTool(Repository(thief)), thief)
    (thief / ".git").unlink()
    (thief / ".git").symlink_to(root / ".git")
    with pytest.raises(ToolError, match="another repository"):
        await use(GitLogTool(Repository(thief)), thief)


async def test_a_program_of_the_project_is_never_taken_for_git(root: Path, monkeypatch: pytest.MonkeyPatch):
    (root / "bin").mkdir()
    (root / "bin" / "git").write_text(f"#!/bin/sh\ntouch {root}/caught\n")
    (root / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((".", str(root / "bin"), os.environ["PATH"])))
    monkeypatch.chdir(root / "bin")
    assert "branch head" in await use(GitStatusTool(Repository(root)), root)
    assert not (root / "caught").exists()
