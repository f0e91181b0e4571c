"""What agents may do without asking, what they are asked for, and what nothing allows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from zicoder.agents.places import Places, open_judged
from zicoder.agents.policy import Policy
from zicoder.agents.tools.protocol import Touch
from zicoder.errors import ToolError
from zicoder.settings import AgentSettings, load_settings

posix = pytest.mark.skipif(sys.platform == "win32", reason="links and POSIX paths")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = tmp_path / "shop"
    (project / "src").mkdir(parents=True)
    (project / "src" / "cart.py").write_text("total = 0\n")
    (project / ".env").write_text("KEY=1\n")
    (tmp_path / "other.txt").write_text("not yours\n")
    return project


def policy(root: Path, **rules: list[str]) -> Policy:
    return Policy(AgentSettings.model_validate(rules), Places(root))


def reading(*paths: str) -> Touch:
    return Touch(summary="", reads=paths)


def editing(*paths: str) -> Touch:
    return Touch(summary="", edits=paths)


def running(command: str) -> Touch:
    return Touch(summary="", command=command)


def test_reading_and_proposing_inside_the_project_is_allowed(root: Path):
    judge = policy(root).judge
    for touch in (reading("src/cart.py"), reading("."), reading("src/../src/cart.py"), editing("src/new.py")):
        assert judge("any", touch).decision == "allow"


@posix
@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/hosts", "../other.txt", "~/notes.txt", "src/../../other.txt"]
)
def test_other_folders_are_asked_for(root: Path, path: str):
    verdict = policy(root).judge("read", reading(path))
    assert verdict.decision == "ask"
    assert "outside the project" in verdict.reason
    assert policy(root).judge("edit", editing(path)).decision == "deny"


@posix
def test_a_link_is_judged_by_where_it_leads(root: Path):
    (root / "inside").symlink_to(root / "src")
    (root / "outside").symlink_to(root.parent)
    (root / "plain.txt").symlink_to(root / ".env")
    judge = policy(root).judge
    assert judge("read", reading("inside/cart.py")).decision == "allow"
    assert judge("read", reading("outside/other.txt")).decision == "ask"
    assert judge("edit", editing("outside/other.txt")).decision == "deny"
    assert "keys or passwords" in judge("read", reading("plain.txt")).reason


@pytest.mark.parametrize("path", ["", "  ", "a\0b", "a\nb", "x" * 5000, "\ud800"])
def test_what_is_no_path_is_denied_with_a_sentence(root: Path, path: str):
    verdict = policy(root).judge("read", reading(path))
    assert verdict.decision == "deny"
    assert "no path" in verdict.reason


@posix
@pytest.mark.parametrize("path", ["C:\\Windows\\win.ini", "c:/x", "\\\\server\\share"])
def test_a_path_of_windows_is_denied_elsewhere(root: Path, path: str):
    assert policy(root).judge("read", reading(path)).decision == "deny"


@pytest.mark.parametrize("path", [".env", "certs/server.pem", ".git/config", "sub/.npmrc", ".ENV", "deploy/ID_RSA"])
def test_secrets_are_asked_for_even_inside_and_never_remembered(root: Path, path: str):
    judge = policy(root, allow=["read", "read:**"])
    verdict = judge.judge("read", reading(path))
    assert verdict.decision == "ask"
    assert verdict.kinds is None
    judge.remember(verdict)
    assert judge.judge("read", reading(path)).decision == "ask"
    assert judge.hides("grep", path)


def test_a_rule_that_names_a_secret_allows_it(root: Path):
    assert policy(root, allow=["read:.env"]).judge("read", reading(".env")).decision == "allow"


def test_git_s_own_files_are_never_edited_and_those_that_start_programs_are_asked_for(root: Path):
    judge = policy(root, allow=["*"]).judge
    assert judge("edit", editing(".git/hooks/pre-commit")).decision == "deny"
    assert judge("edit", editing(".GIT/config")).decision == "deny"
    for path in (".zicoder/settings.toml", ".vscode/tasks.json", ".envrc", "sub/.gitattributes"):
        assert judge("edit", editing(path)).decision == "ask"


def test_deletion_is_asked_for_every_time(root: Path):
    judge = policy(root)
    verdict = judge.judge("delete", Touch(summary="", deletes=("src/cart.py",)))
    assert verdict.decision == "ask"
    assert verdict.kinds is None


def test_deny_is_stronger_than_ask_and_ask_than_allow(root: Path):
    judge = policy(root, allow=["*", "edit:src/"], ask=["edit:src/*.py"], deny=["*:src/secret/"])
    assert judge.judge("edit", editing("src/cart.py")).decision == "ask"
    assert judge.judge("edit", editing("src/cart.txt")).decision == "allow"
    verdict = judge.judge("read", reading("SRC/Secret/deep/a.py"))
    assert verdict.decision == "deny"
    assert "`*:src/secret/`" in verdict.reason
    assert judge.judge("read", reading("src/cart.py", "src/secret/a.py")).decision == "deny"
    assert judge.hides("search", "src/secret/a.py")
    assert policy(root, deny=["grep"]).judge("grep", reading(".")).decision == "deny"


@posix
def test_a_rule_may_open_another_folder(root: Path):
    judge = policy(root, allow=[f"read:/{root.parent.resolve().as_posix()}/*.txt"]).judge
    assert judge("read", reading("../other.txt")).decision == "allow"
    assert judge("read", reading("../other.md")).decision == "ask"
    assert policy(root, allow=["read"]).judge("read", reading("../other.txt")).decision == "ask"


def test_a_yes_for_the_session_covers_one_tool_in_one_folder(root: Path):
    judge = policy(root, ask=["edit:**"])
    judge.remember(judge.judge("edit", editing("src/cart.py")))
    assert judge.judge("edit", editing("src/other.py")).source == "session"
    assert judge.judge("edit", editing("src/deep/other.py")).decision == "ask"
    assert judge.judge("create", editing("src/other.py")).decision == "allow"  # no rule asks for that


def test_commands_are_asked_for_and_the_question_says_whether_they_are_confined(root: Path):
    judge = policy(root).judge
    assert "unsandboxed" in judge("shell", running("make")).reason
    assert "bubblewrap" in judge("shell", running("make"), sandbox="bubblewrap").reason


def test_no_rule_allows_what_runs_unsandboxed(root: Path):
    judge = policy(root, allow=["shell:make *"]).judge
    assert judge("shell", running("make all")).decision == "ask"
    assert judge("shell", running("make all"), sandbox="bubblewrap").decision == "allow"


@pytest.mark.parametrize(
    "line",
    [
        "make all; id", "make all && rm x", "make $(id)", "make `id`", "make > out", "A=b make", "make all | sh",
        "make ../x",        "make .env", "make --file=/etc/passwd", "make -f/etc/passwd", "make *",
        "sudo make", "make\nid",
        "/tmp/make all",
    ],
)  # fmt: skip
def test_a_rule_for_a_command_allows_nothing_more(root: Path, line: str):
    if line.startswith("/tmp"):
        line = line.replace("/tmp", str(root.parent))
    assert policy(root, allow=["shell:make *"]).judge("shell", running(line), sandbox="b").decision == "ask"


def test_every_command_of_a_line_needs_a_rule(root: Path):
    judge = policy(root, allow=["shell:make *", "shell:ls *"]).judge
    assert judge("shell", running("make all && ls src"), sandbox="b").decision == "allow"


def test_a_rule_allows_harm_only_by_its_name(root: Path):
    broad, named = policy(root, allow=["shell", "shell:git *"]), policy(root, allow=["shell:git push *"])
    push = running("git push origin main")
    assert broad.judge("shell", running("git status"), sandbox="b").decision == "allow"
    assert broad.judge("shell", push, sandbox="b").decision == "ask"
    assert named.judge("shell", push, sandbox="b").decision == "allow"


@pytest.mark.parametrize(
    "line", ["git push", "sh -c 'git push -f'", "ls; GIT PUSH", "x $(git push)", "env git push", "/usr/bin/git push"]
)
def test_a_deny_rule_catches_a_command_however_it_is_wrapped(root: Path, line: str):
    judge = policy(root, allow=["shell:*"], deny=["shell:git push"]).judge
    assert judge("shell", running(line), sandbox="b").decision == "deny"


def test_a_deny_rule_for_a_folder_holds_for_the_words_of_a_command(root: Path):
    judge = policy(root, deny=["*:private/"]).judge
    assert judge("shell", running("cat private/keys.txt"), sandbox="b").decision == "deny"
    assert judge("shell", running("cat ./src/../private/x"), sandbox="b").decision == "deny"


def test_what_ruins_the_machine_is_denied_whatever_the_rules_say(root: Path):
    verdict = policy(root, allow=["shell", "shell:rm *"]).judge("shell", running("rm -rf /"), sandbox="b")
    assert (verdict.decision, verdict.reason) == ("deny", "It deletes the whole disk.")


@pytest.mark.parametrize(
    ("said", "covered", "asked"),
    [
        ("npm test", ["npm test", "npm test a"], ["npm run build", "npm install", "npm test; id", "npm test > x"]),
        ("pytest tests/test_a.py", ["pytest", "pytest -q tests"], ["pytest ../x", "python -m pytest", "pytest && id"]),
        ("python make.py", ["python make.py"], ["python other.py", "python make.py -v", "python"]),
    ],
)
def test_a_yes_for_a_command_covers_only_its_like(root: Path, said: str, covered: list[str], asked: list[str]):
    judge = policy(root)
    judge.remember(judge.judge("shell", running(said), sandbox="b"))
    assert all(judge.judge("shell", running(line), sandbox="b").decision == "allow" for line in covered)
    assert all(judge.judge("shell", running(line), sandbox="b").decision == "ask" for line in asked)
    assert judge.judge("shell", running(said)).decision == "ask"  # not confined any more


@pytest.mark.parametrize(
    "line", ["a; b", "a | b", "rm x", "git push", "curl x", "echo $X", "sudo x", "cat .env", "mv a b"]
)
def test_a_yes_for_anything_risky_is_for_once(root: Path, line: str):
    assert policy(root).judge("shell", running(line), sandbox="b").kinds is None


def test_a_tool_that_does_not_say_what_it_touches_is_asked_for(root: Path):
    assert policy(root).judge("plugin", Touch(summary="")).decision == "ask"
    assert policy(root, allow=["plugin"]).judge("plugin", Touch(summary="")).decision == "allow"
    assert policy(root).judge("fetch", Touch(summary="", host="example.org")).decision == "ask"


def test_a_project_may_add_rules_that_restrict_and_none_that_allow(root: Path, monkeypatch: pytest.MonkeyPatch):
    mine = root.parent / "mine"
    mine.mkdir()
    (mine / "settings.toml").write_text('[agent]\ndeny = ["*:private/"]\nallow = ["shell:make"]\n')
    monkeypatch.setenv("ZI_CONFIG_DIR", str(mine))
    (root / ".zicoder").mkdir()
    (root / ".zicoder" / "settings.toml").write_text(
        '[agent]\ndeny = []\nask = ["edit:db/"]\nallow = ["shell"]\nsandbox = "none"\ntest_command = "evil"\n'
    )
    settings, problems = load_settings(project=root, editor={"agent": {"deny": ["shell:docker"]}})
    assert settings.agent.deny == ["*:private/", "shell:docker"]
    assert settings.agent.ask == ["edit:db/"]
    assert settings.agent.allow == ["shell:make"]
    assert (settings.agent.sandbox, settings.agent.test_command) == ("auto", "")
    assert {problem.key for problem in problems} == {"agent.allow", "agent.sandbox", "agent.test_command"}


@posix
def test_a_file_that_is_swapped_after_it_was_judged_is_not_opened(root: Path):
    place = Places(root).resolve("src/cart.py")
    (root / "src" / "cart.py").unlink()
    (root / "src" / "cart.py").symlink_to(root.parent / "other.txt")
    with pytest.raises(ToolError):
        open_judged(place)
    (root / "src" / "cart.py").unlink()
    (root / "src").rmdir()
    (root.parent / "cart.py").write_text("not yours\n")
    (root / "src").symlink_to(root.parent)
    with pytest.raises(ToolError, match="replaced"):
        open_judged(place)


@posix
def test_a_pipe_does_not_hold_the_reader_up(root: Path):
    os.mkfifo(root / "pipe")
    with pytest.raises(ToolError, match="no regular file"):
        open_judged(Places(root).resolve("pipe"))


@posix
def test_a_link_to_itself_is_denied(root: Path):
    (root / "loop").symlink_to(root / "loop")
    assert policy(root).judge("read", reading("loop")).decision == "deny"
