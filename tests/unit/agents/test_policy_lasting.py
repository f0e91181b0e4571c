"""The rule that a yes for good would add: it allows the very thing that was asked for, and nothing harmful."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zicoder.agents.places import Places
from zicoder.agents.policy import Policy, lasting_rule
from zicoder.agents.tools.protocol import Touch
from zicoder.settings import AgentSettings


def policy(root: Path, **rules: list[str]) -> Policy:
    return Policy(AgentSettings.model_validate(rules), Places(root))


def running(command: str) -> Touch:
    return Touch(summary="", command=command)


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        ("pytest -q tests", "shell:pytest *"),
        ("npm test -- --watch", "shell:npm test *"),
        ("git status --short", "shell:git status --short"),
    ],
)
def test_with_the_rule_the_same_is_allowed(tmp_path: Path, command: str, rule: str):
    asked = policy(tmp_path).judge("shell", running(command), sandbox="bubblewrap")
    assert (asked.decision, lasting_rule(asked)) == ("ask", rule)
    assert policy(tmp_path, allow=[rule]).judge("shell", running(command), sandbox="bubblewrap").decision == "allow"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX paths")
def test_a_folder_outside_may_be_read_for_good(tmp_path: Path):
    project, other = tmp_path / "shop", tmp_path / "other"
    project.mkdir()
    other.mkdir()
    (other / "a.txt").write_text("a")
    touch = Touch(summary="", reads=(str(other / "a.txt"),))
    rule = lasting_rule(policy(project).judge("read", touch))
    assert rule == f"read:/{other}/"
    assert policy(project, allow=[rule]).judge("read", touch).decision == "allow"
    beside = Touch(summary="", reads=(str(tmp_path / "others.txt"),))
    assert policy(project, allow=[rule]).judge("read", beside).decision == "ask"


@pytest.mark.parametrize("command", ["rm -rf src", "git push", "a && b", "ls *.py", 'echo "two words"'])
def test_there_is_none_for_what_does_harm_or_is_not_clear(tmp_path: Path, command: str):
    assert lasting_rule(policy(tmp_path).judge("shell", running(command), sandbox="bubblewrap")) == ""


def test_there_is_none_without_a_sandbox_or_against_a_rule_that_asks(tmp_path: Path):
    assert lasting_rule(policy(tmp_path).judge("shell", running("pytest"))) == ""
    asks = policy(tmp_path, ask=["shell:pytest"])
    assert lasting_rule(asks.judge("shell", running("pytest"), sandbox="bubblewrap")) == ""
