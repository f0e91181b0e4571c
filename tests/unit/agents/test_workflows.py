"""Workflow files are checked in full, put into an order, and a run goes on where it stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zicoder.agents.workflow_run import Result, Run, Runs, combined, next_steps, resumed, runs_dir
from zicoder.agents.workflows import (
    Step,
    Workflow,
    default_workflow,
    find_workflow,
    parse_workflow,
    prompt_of,
    workflow_files,
)
from zicoder.errors import InputError

SMALL = """
name = "small"
[[steps]]
id = "check"
role = "reviewer"
prompt = "Review {write} for {task}."
inputs = ["write"]
[[steps]]
id = "write"
role = "coder"
command = "/code"
[[steps]]
id = "tell"
role = "documenter"
prompt = "Tell of {check}."
inputs = ["check"]
"""


def small(extra: str = "", **replaced: str) -> Workflow:
    text = SMALL
    for old, new in replaced.items():
        text = text.replace(old, new)
    return parse_workflow(text + extra, "small.toml")


def test_the_built_in_workflow_goes_from_plan_to_documentation(tmp_path: Path) -> None:
    workflow = default_workflow()
    roles = [step.role for step in workflow.order]
    assert roles == ["planner", "coder", "reviewer", "tester", "documenter"]
    assert find_workflow(tmp_path, "default") is workflow


def test_steps_come_after_their_inputs() -> None:
    assert [step.id for step in small().order] == ["write", "check", "tell"]


@settings(max_examples=25)
@given(st.permutations(range(8)), st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12))
def test_any_order_holds(order: list[int], edges: list[tuple[int, int]]) -> None:
    steps = [
        Step(id=f"s{n}", role="coder", prompt="x", inputs=tuple({f"s{min(e)}" for e in edges if max(e) == n != min(e)}))
        for n in order
    ]
    seen: list[str] = []
    for step in Workflow(name="x", steps=tuple(steps)).order:
        assert set(step.inputs) <= set(seen)
        seen.append(step.id)
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('role = "coder"', 'role = "codr"', "Step 'write': there is no role 'codr'. Did you mean 'coder'?"),
        ('inputs = ["write"]', 'inputs = ["wirte"]', "its input 'wirte' is no step. Did you mean 'write'?"),
        ('inputs = ["write"]', "", "its prompt uses {write}, which is not among its inputs."),
        ('command = "/code"', "", "Step 'write': it has neither a prompt nor a command."),
        ('command = "/code"', 'command = "/cod"', "there is no command '/cod'. Did you mean '/code'?"),
        ('command = "/code"', 'command = "rm -rf /"', "Step 'write': 'command': String should match"),
        (
            'command = "/code"',
            'command = "/code"\ninputs = ["tell"]',
            "wait for each other: check → write → tell → check.",
        ),
        ('id = "tell"', 'id = "check"', "Two steps are called 'check'."),
        ('id = "tell"', 'id = "task"', "'task' is the name of what the user asks for"),
        ('id = "tell"', "", "Step 3: 'id' is missing."),
        ('prompt = "Tell', 'promt = "Tell', "Step 'tell': there is no key 'promt'. Did you mean 'prompt'?"),
        ('name = "small"', 'nme = "small"', "there is no key 'nme'. Did you mean 'name'?"),
        ('command = "/code"', 'prompt = "x"\nretries = 99', "'retries': Input should be less than or equal to 5"),
        ('command = "/code"', 'prompt = "x"\nstop = "text"', "`stop_text` go together"),
        ('command = "/code"', 'prompt = "x"\nstop = "never"', "Step 'write': 'stop': Input should be 'answer'"),
        ('command = "/code"', 'prompt = "x"\nrepeat = "write"', "`repeat` needs `rounds` of at least 2"),
        (
            'inputs = ["write"]',
            'inputs = ["write"]\nrepeat = "tell"\nrounds = 2\nstop = "no_findings"',
            "Step 'check': it cannot repeat 'tell', which is none of the steps that it reads",
        ),
        ('name = "small"', 'name = "small', "is not valid TOML"),
        ('name = "small"', "x = " + "[" * 5000, "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_in_sentences(old: str, new: str, sentence: str) -> None:
    with pytest.raises(InputError) as failed:
        parse_workflow(SMALL.replace(old, new), "small.toml", commands=["code", "test"])
    assert sentence in str(failed.value)


@pytest.mark.parametrize("text", ["steps = []\nname = 'x'", "name = 'x'\nsteps = 3", "name = 'x'\nsteps = [3]", ""])
def test_odd_files_are_no_workflows(text: str) -> None:
    with pytest.raises(InputError, match="is no workflow"):
        parse_workflow(text, "odd.toml")


def test_a_file_is_limited() -> None:
    step = '[[steps]]\nid = "s{}"\nrole = "coder"\nprompt = "x"\n'
    with pytest.raises(InputError, match="at most 32"):
        parse_workflow('name = "x"\n' + "".join(step.format(n) for n in range(33)), "x.toml")
    with pytest.raises(InputError, match="larger than 64 KB"):
        parse_workflow("#" * 70_000, "x.toml")
    with pytest.raises(InputError, match="at most 8000"):
        small(**{'"Tell of': '"' + "x" * 9000})


def test_what_a_step_said_is_data() -> None:
    step = small().step("check")
    assert prompt_of(step, "the {write} task", {"write": "see {task}", "tell": "no"}) == (
        "Review see {task} for the {write} task."
    )


def test_a_project_has_its_own_but_cannot_replace_ours(tmp_path: Path) -> None:
    folder = tmp_path / ".zicoder" / "workflows"
    folder.mkdir(parents=True)
    (folder / "small.toml").write_text(SMALL)
    (folder / "default.toml").write_text(SMALL)
    (folder / "other.toml").write_text(SMALL)
    assert find_workflow(tmp_path, "small").name == "small"
    assert find_workflow(tmp_path, "default") is default_workflow()
    with pytest.raises(InputError, match=r"other.toml calls itself 'small'"):
        find_workflow(tmp_path, "other")
    with pytest.raises(InputError, match="Did you mean 'small'"):
        find_workflow(tmp_path, "smal")
    with pytest.raises(InputError, match="There is no workflow"):
        find_workflow(tmp_path, "../../x")
    if sys.platform != "win32":
        (folder / "link.toml").symlink_to(tmp_path / "elsewhere")
        assert "link" not in workflow_files(tmp_path)


# --- runs


def done(run: Run, workflow: Workflow, text: str = "fine") -> Run:
    (step,) = next_steps(workflow, run)
    return run.with_result(step, Result(status="done", text=text))


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    workflow, runs = small(), Runs(tmp_path)
    run = done(Run.begin(workflow, "the task"), workflow, "def f(): ...")
    (step,) = next_steps(workflow, run)
    assert step.id == "check"
    run = run.with_result(step, Result(status="failed", error="The model is down."))
    assert not next_steps(workflow, run)
    runs.save(run)
    again = resumed(workflow, runs.read("last"))
    assert next_steps(workflow, again) == (step,)
    assert again.texts == {"write": "def f(): ..."}
    again = done(done(again, workflow), workflow)
    assert not next_steps(workflow, again)
    runs.save(again)
    assert runs.read(run.id) == again
    assert list(tmp_path.iterdir()) == [tmp_path / f"{run.id}.json"]


def test_a_failed_step_that_may_be_passed_over_is_told_to_the_next() -> None:
    workflow = small(**{'prompt = "Review': 'on_failure = "continue"\nprompt = "Review'})
    run = done(Run.begin(workflow, "x"), workflow)
    run = run.with_result(workflow.step("check"), Result(status="failed", error="No answer."))
    (step,) = next_steps(workflow, run)
    assert prompt_of(step, "x", run.texts) == "Tell of (This step failed: No answer.)."
    run = done(run, workflow)
    assert set(resumed(workflow, run).results) == {"write"}  # what read the failed one is done again, too


def test_a_changed_workflow_is_not_resumed() -> None:
    run = Run.begin(small(), "x")
    with pytest.raises(InputError, match="was changed since"):
        resumed(small(**{"Tell of": "Tell me of"}), run)


def test_one_report() -> None:
    workflow = small()
    run = done(Run.begin(workflow, "the\ntask"), workflow, "Written.")
    run = run.with_result(workflow.step("check"), Result(status="failed", error="No answer."))
    assert combined(workflow, run) == (
        "# small: the task\n\n## write (coder): done\n\nWritten.\n\n## check (reviewer): failed\n\n> No answer.\n\n"
        "## tell (documenter): not done\n"
    )


def test_a_damaged_run_is_said_and_an_unknown_field_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, run = Runs(tmp_path), Run.begin(small(), "x")
    runs.save(run)
    path = tmp_path / f"{run.id}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"later": 1}))
    assert runs.read(run.id) == run
    path.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        runs.read(run.id)
    with pytest.raises(InputError, match="no run"):
        runs.read("../x")
    monkeypatch.setenv("ZI_DATA_DIR", str(tmp_path))
    assert runs_dir(tmp_path / "p").parent == tmp_path / "workflows"
