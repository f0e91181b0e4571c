"""`zi run` and `zi key`: the /commands at a terminal, without anybody to ask."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from editor import RunZi, WriteScript

CALC = b'"""Calc."""\r\n\r\n\r\ndef add(a, b):\r\n    return a - b\r\n'
FIXED = "```python\ndef add(a, b):\n    return a + b\n```"
PLAN = "- T1: read calc.py (30m)\n- T2: mend add in calc.py (1h), after T1\n"


@pytest.fixture(autouse=True)
def a_project(root: Path) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    (root / "calc.py").write_bytes(CALC)


def test_an_answer_goes_to_standard_output(zi: RunZi, talk: WriteScript) -> None:
    talk({"when": "wrong", "text": "`add` in calc.py:4 subtracts."})
    done = zi("run", "what is wrong in @calc.py?")
    assert done.returncode == 0
    assert done.stdout == "`add` in calc.py:4 subtracts.\n"


def test_a_place_that_does_not_exist_is_not_cited(zi: RunZi, talk: WriteScript) -> None:
    talk({"when": "", "text": "See calc.py:400."})
    done = zi("run", "where? @calc.py")
    assert done.stdout == "See calc.py.\n"
    assert "not 400" in done.stderr


def test_edits_need_a_yes_and_keep_the_line_ends(zi: RunZi, talk: WriteScript, root: Path) -> None:
    talk({"when": "mend", "text": FIXED})
    asked = zi("run", "/fix", "--file", "calc.py:4-5")
    assert "+    return a + b" in asked.stderr
    assert "nobody to ask" in asked.stderr
    assert (root / "calc.py").read_bytes() == CALC
    done = zi("run", "/fix", "--file", "calc.py:4-5", "--yes")
    assert done.returncode == 0
    assert (root / "calc.py").read_bytes() == CALC.replace(b"a - b", b"a + b")
    back = zi("run", "/undo", "--yes")
    assert back.returncode == 0
    assert (root / "calc.py").read_bytes() == CALC


def test_only_what_is_meant_is_taken_from_an_answer(zi: RunZi, talk: WriteScript, root: Path) -> None:
    """Small models write a class around a function, what it calls, and other code than they were asked to document."""
    around = "class Other:\n    pass\n\n\nclass Calc:\n    def add(a, b):\n        c = a\n        return c - b"
    talk(
        {"when": "clearer", "text": f"```python\n{around}\n```"},
        {"when": "documentation", "text": '```python\ndef add(a, b):\n    """Subtract."""\n    raise ValueError\n```'},
    )
    done = zi("run", "/refactor", "--file", "calc.py:5", "--yes")
    assert "Only `add` is taken from the answer." in done.stderr
    assert (root / "calc.py").read_bytes() == CALC.replace(b"    return a", b"    c = a\r\n    return c")
    zi("run", "/undo", "--yes")
    done = zi("run", "/doc", "--file", "calc.py:5", "--yes")
    assert "only its documentation is taken" in done.stderr
    assert (root / "calc.py").read_bytes() == CALC.replace(b"b):\r\n", b'b):\r\n    """Subtract."""\r\n')


def test_what_an_agent_did_is_taken_back_in_one_step(zi: RunZi, talk: WriteScript, root: Path) -> None:
    create = {"tool": "create", "arguments": {"path": "new.py", "text": "x = 1\n"}}
    edit = {"tool": "edit", "arguments": {"path": "calc.py", "old": "    return a - b", "new": "    return a + b"}}
    talk({"when": "do it", "calls": [create, edit]}, {"when": "", "text": "Done."})
    done = zi("run", "/code --agent do it", "--yes")
    assert done.stdout.endswith("Done.\n")
    assert "+    return a + b" in done.stderr
    assert (root / "new.py").exists()
    (root / "new.py").write_text("mine\n")
    refused = zi("run", "/undo", "--yes")
    assert refused.returncode == 1
    assert "`new.py` has changed since" in refused.stderr
    (root / "new.py").write_text("x = 1\n")
    assert zi("run", "/undo", "--yes").stdout == "Taken back: `calc.py`, `new.py`.\n"
    assert (root / "calc.py").read_bytes() == CALC
    assert not (root / "new.py").exists()


def test_what_would_be_sent_is_shown_and_nothing_is_sent(zi: RunZi, talk: WriteScript) -> None:
    talk({"when": "", "fail": "asked"})
    done = zi("run", "what is @calc.py?", "--show-context")
    assert done.returncode == 0
    assert "task" in done.stdout
    assert "calc.py" in done.stdout


def test_events_are_lines_of_json(zi: RunZi, talk: WriteScript) -> None:
    talk({"when": "", "text": "Yes."})
    events = [json.loads(line) for line in zi("run", "well?", "--json").stdout.splitlines()]
    assert events[-1]["event"] == "finished"
    assert events[-1]["text"] == "Yes."


def test_a_plan_is_a_file_that_is_kept_up(zi: RunZi, talk: WriteScript, root: Path) -> None:
    talk({"when": "Plan this", "text": PLAN})
    made = zi("run", "/plan mend the calculator", "--yes")
    assert "0 of 2 tasks are done." in made.stdout
    plan = root / ".zicoder" / "plan.md"
    plan.write_text(plan.read_text() + "\nMy own words.\n")
    assert "T1, read calc.py" in zi("run", "/plan next").stdout
    assert "1 of 2 tasks are done." in zi("run", "/plan done T1", "--yes").stdout
    assert plan.read_text().endswith("\nMy own words.\n")
    assert "There is no task" in zi("run", "/plan done T9").stderr


def test_a_review_is_of_the_diff(zi: RunZi, talk: WriteScript, root: Path) -> None:
    talk({"when": "subtract", "text": "- **high** `calc.py:5`: it adds."}, {"when": "", "text": "no diff was shown"})
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "begin"]
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(commit, cwd=root, check=True)
    (root / "calc.py").write_bytes(CALC.replace(b"return a - b", b"return a + b  # no subtract"))
    assert zi("run", "/review").stdout.startswith("- **high**")


def test_commands_are_refused_where_nobody_can_be_asked(zi: RunZi, talk: WriteScript, root: Path) -> None:
    talk({"when": "", "text": "x"})
    done = zi("run", "/run !touch made")
    assert done.returncode == 1
    assert "said no" in done.stderr
    assert not (root / "made").exists()


def test_a_workflow_goes_through_its_steps_and_can_be_resumed(zi: RunZi, talk: WriteScript, root: Path) -> None:
    (root / ".zicoder" / "workflows").mkdir(parents=True)
    steps = (
        '[[steps]]\nid = "think"\nrole = "planner"\nprompt = "Think: {task}"\n'
        '[[steps]]\nid = "say"\nrole = "documenter"\ninputs = ["think"]\nprompt = "Say: {think}"\n'
    )
    (root / ".zicoder" / "workflows" / "small.toml").write_text(f'name = "small"\n{steps}')
    talk({"when": "Think: calc", "text": "it adds"}, {"when": "Say: it adds", "fail": "Away."})
    failed = zi("run", "/workflow --name small calc")
    assert "Step say failed" in failed.stderr
    assert "say (documenter): failed" in failed.stdout
    talk({"when": "Say: it adds", "text": "It adds."})
    resumed = zi("run", "/workflow resume")
    assert "say (documenter): done" in resumed.stdout
    assert "It adds." in resumed.stdout


def test_a_review_sends_code_back_until_it_is_clean(zi: RunZi, talk: WriteScript, root: Path) -> None:
    def block(old: str, new: str) -> str:
        return f"calc.py\n```\n<<<<<<< SEARCH\n    return {old}\n=======\n    return {new}\n>>>>>>> REPLACE\n```"

    (root / ".zicoder" / "workflows").mkdir(parents=True)
    steps = (
        '[[steps]]\nid = "code"\nrole = "coder"\nprompt = "Mend: {task}"\nstop = "edits"\n'
        '[[steps]]\nid = "review"\nrole = "reviewer"\ninputs = ["code"]\nprompt = "Review: {code}"\n'
        'stop = "no_findings"\nrepeat = "code"\nrounds = 3\n'
    )
    (root / ".zicoder" / "workflows" / "strict.toml").write_text(f'name = "strict"\n{steps}')
    talk(
        {"when": "Mend what is wrong", "text": block("a * b", "a + b")},
        {"when": "Mend: calc", "text": block("a - b", "a * b")},
        {"when": "Review:", "text": "- **high** `calc.py:5`: it multiplies.\nVerdict: findings", "times": 1},
        {"when": "Review:", "text": "Verdict: clean"},
    )
    done = zi("run", "/workflow --name strict calc", "--yes")
    assert "review (reviewer): done, round 2 of 3" in done.stdout
    assert "Round 2 of 3" in done.stderr
    assert (root / "calc.py").read_bytes() == CALC.replace(b"a - b", b"a + b")


def test_models_of_a_provider_are_listed_and_what_does_not_answer_is_said(zi: RunZi, talk: WriteScript) -> None:
    talk({"when": "", "text": "x"})
    assert "`local:qwen2.5-coder-0.5b` (not installed)" in zi("run", "/model list").stdout
    assert zi("run", "/model search local smol").stdout.startswith("- `local:smollm2-135m`")
    away = zi("run", "/model health ollama:http://127.0.0.1:9#x")
    assert away.returncode == 0
    assert "answers." not in away.stdout
    unknown = zi("run", "/model list olama")
    assert unknown.returncode == 1
    assert "ollama" in unknown.stderr


def test_keys_are_kept_and_never_shown(root: Path, talk: WriteScript, monkeypatch: pytest.MonkeyPatch) -> None:
    talk({"when": "", "text": "x"})
    monkeypatch.setenv("ZI_CHAT__KEYS", "file")
    secret = "sk-planted-0123456789"

    def run(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "zicoder", *arguments]
        return subprocess.run(command, cwd=root, input=said, capture_output=True, encoding="utf-8", check=False)

    kept = run("key", "set", "openai", said=f"{secret}\n")
    assert kept.returncode == 0, kept.stderr
    listed = run("key", "list", "--json")
    assert json.loads(listed.stdout) == {"keys": ["openai"]}
    assert run("key", "delete", "openai").returncode == 0
    assert json.loads(run("key", "list", "--json").stdout) == {"keys": []}
    assert secret not in "".join(done.stdout + done.stderr for done in (kept, listed))
