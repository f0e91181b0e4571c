"""Which source of settings wins, and what a person is told about a key that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zicoder.settings import Problem, Settings, load_settings, user_settings_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".zicoder").mkdir()
    return tmp_path


def user_file(content: str | bytes) -> Path:
    path = user_settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def project_file(project: Path, text: str) -> Path:
    path = project / ".zicoder" / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def only(problems: list[Problem]) -> Problem:
    [problem] = problems
    return problem


def test_without_any_source_the_defaults_hold(project: Path) -> None:
    settings, problems = load_settings(project=project)
    assert settings.completion.enabled
    assert settings.model.infill == "auto"
    assert problems == []


def test_each_source_wins_over_the_one_before_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "completion"
    expected = Settings.model_construct().completion.max_lines
    assert load_settings(project=project)[0].completion.max_lines == expected
    user_file(f"[{key}]\nmax_lines = 2\n")
    assert load_settings(project=project)[0].completion.max_lines == 2
    project_file(project, f"[{key}]\nmax_lines = 3\n")
    assert load_settings(project=project)[0].completion.max_lines == 3
    monkeypatch.setenv("ZI_COMPLETION__MAX_LINES", "4")
    assert load_settings(project=project)[0].completion.max_lines == 4
    editor = {key: {"max_lines": 5}}
    assert load_settings(project=project, editor=editor)[0].completion.max_lines == 5


def test_sources_add_up_key_by_key(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user_file("[completion]\nmax_lines = 2\nmax_tokens = 20\n")
    project_file(project, "[completion]\nmax_lines = 3\n")
    monkeypatch.setenv("ZI_COMPLETION__DEBOUNCE_MS", "0")
    completion = load_settings(project=project, editor={"log": {"level": "debug"}})[0].completion
    assert (completion.max_lines, completion.max_tokens, completion.debounce_ms) == (3, 20, 0)


def test_lists_come_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_COMPLETION__DISABLED_LANGUAGES", json.dumps(["rust", "go"]))
    settings, problems = load_settings()
    assert settings.completion.disabled_languages == ["rust", "go"]
    assert problems == []


def test_a_list_that_is_no_json_is_told_and_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_COMPLETION__DISABLED_LANGUAGES", "rust,go")
    monkeypatch.setenv("ZI_COMPLETION__MAX_LINES", "4")
    settings, problems = load_settings()
    assert settings.completion.disabled_languages == []
    assert settings.completion.max_lines == 4
    assert "ZI_COMPLETION__DISABLED_LANGUAGES" in str(only(problems))
    assert '["a", "b"]' in str(only(problems))


@pytest.mark.parametrize("name", ["ZI_DATA_DIR", "ZI_PYTHON", "ZI_LOG", "ZI_RIG"])
def test_other_variables_of_ours_are_no_settings(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "/some/where")
    settings, problems = load_settings()
    assert settings.completion == Settings.model_construct().completion
    assert problems == []


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (
            "[completion]\n\nenabeld = true\n",
            "there is no setting 'completion.enabeld'. Did you mean 'completion.enabled'?",
            3,
        ),
        ("x = 1\n[completoin]\nenabled = false\n", "there is no section 'completoin'. Did you mean 'completion'?", 2),
        ("completion = 3\n", "'completion' must be a table of settings.", 1),
        ("[engine]\nthreads = 0\n[completion]\nmax_lines = 0\n", "'completion.max_lines'", 4),
        ("[completion]\nmultiline = 'often'\n", "'completion.multiline'", 2),
        ("completion.enabeld = true\n", "Did you mean 'completion.enabled'?", 1),
        ("# a comment\n[ completion ]\nmax_line = 1\n", "Did you mean 'completion.max_lines'?", 3),
    ],
    ids=["key", "section", "no table", "out of range", "no such choice", "dotted key", "spaces in the header"],
)
def test_what_is_wrong_is_told_with_file_line_and_suggestion(text: str, message: str, line: int) -> None:
    path = user_file(text)
    problems = [problem for problem in load_settings()[1] if problem.key != "x"]
    assert message in only(problems).message
    assert str(only(problems)).startswith(f"{path}:{line}: ")


def test_a_wrong_key_does_not_hide_the_right_ones() -> None:
    user_file("[completion]\nenabeld = true\nmax_lines = 2\nmax_tokens = 'many'\n")
    settings, problems = load_settings()
    assert settings.completion.max_lines == 2
    assert settings.completion.max_tokens == Settings.model_construct().completion.max_tokens
    assert [problem.line for problem in problems] == [2, 4]


def test_a_wrong_value_is_told_with_what_was_found() -> None:
    user_file("[completion]\nmax_tokens = 'many'\n")
    assert "got 'many'" in only(load_settings()[1]).message


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"[completion\nenabled = true\n", "is not valid TOML"), (b"# \xff\n", "cannot be read")],
    ids=["no TOML", "no UTF-8"],
)
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_used(
    project: Path, content: bytes, message: str
) -> None:
    user_file(content)
    project_file(project, "[completion]\nmax_lines = 3\n")
    settings, problems = load_settings(project=project)
    assert settings.completion.max_lines == 3
    assert message in only(problems).message


def test_a_byte_order_mark_from_a_windows_editor_is_fine() -> None:
    user_file(b"\xef\xbb\xbf[completion]\nmax_lines = 3\n")
    settings, problems = load_settings()
    assert settings.completion.max_lines == 3
    assert problems == []


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("model", "infill", "./evil.gguf"), ("model", "sources", ["/etc"]), ("python", "interpreter", "./evil")],
)
def test_a_project_may_not_name_what_is_run_or_read_outside_it(
    project: Path, section: str, key: str, value: Any
) -> None:
    path = project_file(project, f"[{section}]\n{key} = {json.dumps(value)}\n")
    settings, problems = load_settings(project=project)
    assert getattr(settings, section) == getattr(Settings.model_construct(), section)
    assert str(only(problems)).startswith(f"{path}:2: '{section}.{key}' is ignored in a project")
    user_file(f"[{section}]\n{key} = {json.dumps(value)}\n")
    assert getattr(getattr(load_settings()[0], section), key) == value


def test_a_dotenv_file_of_a_project_is_never_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text("ZI_COMPLETION__MAX_LINES=7\n")
    monkeypatch.chdir(project)
    assert load_settings(project=project)[0].completion.max_lines != 7


def test_a_problem_from_the_editor_names_the_editor() -> None:
    problem = only(load_settings(editor={"completion": {"enabled": "perhaps"}})[1])
    assert str(problem).startswith("editor settings: 'completion.enabled'")
