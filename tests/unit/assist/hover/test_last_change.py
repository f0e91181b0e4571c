"""When a definition was last changed, from real repositories."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from zicoder.agents.processes import trusted_program
from zicoder.assist.hover.last_change import Change, LastChanges, sentence
from zicoder.lsp.hovering import _git

pytestmark = pytest.mark.skipif(trusted_program("git", Path("/nowhere")) is None, reason="git is not installed")

FIRST = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"


def git(root: Path, *arguments: str, at: int = 1_600_000_000) -> None:
    who = ("-c", "user.name=Ann [x](command:y)", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    times = {"GIT_AUTHOR_DATE": f"{at} +0000", "GIT_COMMITTER_DATE": f"{at} +0000"}
    subprocess.run(("git", *who, *arguments), cwd=root, check=True, capture_output=True, env=os.environ | times)


def commit(root: Path, text: str, subject: str, at: int, path: str = "a.py") -> None:
    (root / path).write_text(text, encoding="utf-8", newline="")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", subject, at=at)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet")
    commit(root, FIRST, "Begin", 1_600_000_000)
    commit(root, "import os\n\n" + FIRST.replace("return 2", "return 3"), "Return three", 1_700_000_000)
    return root


@pytest.fixture
def changes(root: Path) -> LastChanges:
    return LastChanges(root, partial(_git, root), seconds=60)


async def test_the_commit_that_touched_the_lines(root: Path, changes: LastChanges) -> None:
    text = (root / "a.py").read_text(encoding="utf-8")
    one = await changes.of("a.py", text, 2, 4)
    two = await changes.of("a.py", text, 6, 8)
    assert one == Change(1_600_000_000, "Ann [x](command:y)", "Begin")
    assert two is not None
    assert two.subject == "Return three"


async def test_lines_that_moved_and_other_line_endings_are_found(root: Path, changes: LastChanges) -> None:
    text = "# more\r\n" * 9 + (root / "a.py").read_text(encoding="utf-8").replace("\n", "\r\n")
    found = await changes.of("a.py", text, 11, 13)
    assert found is not None
    assert found.subject == "Begin"


async def test_what_is_not_committed_says_so_until_it_is(root: Path, changes: LastChanges) -> None:
    text = (root / "a.py").read_text(encoding="utf-8").replace("return 1", "return 10")
    assert await changes.of("a.py", text, 2, 4) == Change(0)
    assert await changes.of("new.py", text, 2, 4) == Change(0)
    commit(root, text, "Ten", 1_700_000_500)
    found = await changes.of("a.py", text, 2, 4)
    assert found is not None
    assert found.subject == "Ten"


async def test_twice_the_same_lines_mean_the_nearest(root: Path, changes: LastChanges) -> None:
    text = (root / "a.py").read_text(encoding="utf-8") + "\n\ndef one():\n    return 1\n"
    commit(root, text, "Again", 1_700_000_900)
    found = [await changes.of("a.py", text, line, line + 2) for line in (2, 10)]
    assert [each and each.subject for each in found] == ["Begin", "Again"]


async def test_no_repository_and_no_commit_say_nothing_wrong(tmp_path: Path) -> None:
    bare, empty = tmp_path / "bare", tmp_path / "empty"
    for folder in (bare, empty):
        folder.mkdir()
    git(empty, "init", "--quiet")
    assert await LastChanges(bare, partial(_git, bare)).of("a.py", FIRST, 0, 2) is None
    assert await LastChanges(empty, partial(_git, empty), seconds=60).of("a.py", FIRST, 0, 2) in (None, Change(0))


async def test_a_repository_cannot_run_anything(root: Path, changes: LastChanges) -> None:
    trap = root / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {root / 'sprung'}\ncat\n", encoding="utf-8")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "diff.trap.textconv", "filter.trap.clean", "filter.trap.smudge"):
        git(root, "config", key, str(trap))
    (root / ".gitattributes").write_text("*.py diff=trap filter=trap\n", encoding="utf-8")
    found = await changes.of("a.py", (root / "a.py").read_text(encoding="utf-8"), 2, 4)
    assert found is not None
    assert not (root / "sprung").exists()


@pytest.mark.parametrize("text", ["a\0b\n", "one\rtwo\r", "x \u202e y\n"])
async def test_text_that_no_output_carries_is_left_out(changes: LastChanges, text: str) -> None:
    assert await changes.of("a.py", text, 0, 1) is None


def test_in_words() -> None:
    day = 86_400
    ages = {10: "just now", 3_600: "1 hour ago", 3 * day: "3 days ago", 8 * day: "1 week ago", 800 * day: "2 years ago"}
    for age, words in ages.items():
        assert (
            sentence(Change(1_000_000_000, "Ann", "Do it"), 1_000_000_000 + age)
            == f"Last changed {words} by Ann: Do it"
        )
    hidden = sentence(Change(1_000_000_000, "A\u202enn\n", "x" * 999), 1_000_000_000)
    assert hidden.startswith("Last changed just now by A nn: xxx")
    assert len(hidden) < 250
    assert sentence(Change(0)) == "Not committed as it stands"
