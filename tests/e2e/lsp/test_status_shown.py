"""What the status bar shows (`zi/status`) and which popups come up, while settings and models change."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor import MARK, StartEditor, WriteScript

GHOST = f"def area(width, height):\n    return {MARK}\n"
RULE = {"after": "return ", "text": "width * height"}


@pytest.fixture
def half_a_model(tmp_path: Path) -> Path:
    """A file that starts like a model and then ends."""
    path = tmp_path / "half.gguf"
    path.write_bytes(b"GGUF" + bytes(1000))
    return path


async def test_without_a_model_the_status_says_how_to_get_one_and_python_is_understood(
    start_editor: StartEditor, no_models: None
) -> None:
    editor = await start_editor()
    status = await editor.status("noModel")
    assert status.message == "No model for inline suggestions is installed."
    assert status.hint == "Run `zi model pull qwen2.5-coder-0.5b`."
    document = editor.open("app.py", GHOST)
    assert await editor.ghost(document) == ""
    assert "zi model pull" in (await editor.why())["reason"]
    assert "area(width, height)" in await editor.hover(document, document.at("def ar"))
    assert await editor.answers()


async def test_without_llama_cpp_the_status_says_what_to_install_and_python_is_understood(
    start_editor: StartEditor, tmp_path: Path, half_a_model: Path
) -> None:
    broken = tmp_path / "path" / "llama_cpp"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no native library')")
    editor = await start_editor(env={"PYTHONPATH": str(broken.parent), "ZI_MODEL__INFILL": str(half_a_model)})
    status = await editor.status("unavailable")
    assert "llama-cpp-python is missing or broken" in status.message
    assert "pip install 'zicoder[local]'" in status.hint
    document = editor.open("app.py", GHOST)
    assert await editor.ghost(document) == ""
    assert "llama-cpp-python" in (await editor.why())["reason"]
    assert await editor.answers()


async def test_a_truncated_model_file_is_named_in_the_status(start_editor: StartEditor, half_a_model: Path) -> None:
    editor = await start_editor(env={"ZI_MODEL__INFILL": str(half_a_model)})
    status = await editor.status("unavailable")
    assert str(half_a_model) in status.message
    document = editor.open("app.py", GHOST)
    assert await editor.ghost(document) == ""
    assert str(half_a_model) in (await editor.why())["reason"]
    assert await editor.answers()


async def test_restarting_the_engine_tries_the_model_again(start_editor: StartEditor, half_a_model: Path) -> None:
    editor = await start_editor(env={"ZI_MODEL__INFILL": str(half_a_model)})
    await editor.status("unavailable")
    before = editor.engine()
    assert before
    answer = await editor.command("zi.restartEngine")
    assert answer["state"] == "unavailable"
    assert str(half_a_model) in answer["message"]
    after = editor.engine()
    assert after
    assert after.pid != before.pid
    assert not before.is_running()


async def test_states_are_told_once_each_and_in_order(start_editor: StartEditor, script: WriteScript) -> None:
    script(RULE)
    editor = await start_editor(settings={"index": {"enabled": False}})
    await editor.status("ready")
    document = editor.open("app.py", GHOST)
    assert await editor.ghost(document)
    await editor.until(lambda: editor.statuses[-1].lastLatencyMs is not None, "latency told")
    assert [status.state for status in editor.statuses] == ["ready", "ready"]
    assert editor.statuses[0].lastLatencyMs is None


async def test_suggestions_can_be_switched_off_and_on_while_the_editor_runs(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script(RULE)
    editor = await start_editor(settings={"completion": {"enabled": False}})
    assert (await editor.status("off")).message == "Inline suggestions are switched off."
    document = editor.open("app.py", GHOST)
    assert await editor.ghost(document) == ""
    assert "zi.completion.enabled" in (await editor.why())["reason"]
    editor.change_settings({"completion": {"enabled": True}})
    await editor.status("ready")
    assert await editor.ghost(document) == "width * height"
    editor.change_settings({"completion": {"enabled": False}})
    await editor.status("off")
    assert await editor.ghost(document) == ""


async def test_suggestions_can_be_switched_off_for_one_language(start_editor: StartEditor, script: WriteScript) -> None:
    script(RULE)
    editor = await start_editor(settings={"completion": {"disabled_languages": ["python"]}})
    await editor.status("ready")
    assert await editor.ghost(editor.open("app.py", GHOST)) == ""
    assert "python" in (await editor.why())["reason"]
    assert await editor.ghost(editor.open("app.ts", f"return {MARK}\n", "typescript")) == "width * height"


async def test_a_new_model_takes_over_when_the_setting_changes(
    start_editor: StartEditor, script: WriteScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = script(RULE)
    other = tmp_path / "other.toml"
    other.write_text('[[rule]]\nafter = "return "\ntext = "height * width"\n')
    monkeypatch.delenv("ZI_MODEL__INFILL")
    editor = await start_editor(settings={"model": {"infill": first}})
    await editor.status("ready")
    document = editor.open("app.py", GHOST)
    assert await editor.ghost(document) == "width * height"
    editor.change_settings({"model": {"infill": f"scripted:{other}"}})
    await editor.until(lambda: editor.statuses[-1].model == "scripted:other.toml", "the new model in the status")
    assert await editor.ghost(document) == "height * width"


async def test_a_typo_in_the_projects_settings_is_shown_with_file_line_and_suggestion(
    start_editor: StartEditor, script: WriteScript, root: Path
) -> None:
    script(RULE)
    file = root / ".zicoder" / "settings.toml"
    file.parent.mkdir()
    file.write_text("# ours\n[completion]\nenabeld = false\nmax_lines = 3\n")
    editor = await start_editor()
    await editor.status("ready")
    assert editor.popups == [
        f"Settings: {file}:3: there is no setting 'completion.enabeld'. Did you mean 'completion.enabled'?"
    ]
    assert await editor.ghost(editor.open("app.py", GHOST)) == "width * height"


async def test_a_project_cannot_choose_what_runs_on_my_machine(
    start_editor: StartEditor, script: WriteScript, root: Path
) -> None:
    script(RULE)
    file = root / ".zicoder" / "settings.toml"
    file.parent.mkdir()
    file.write_text('[python]\ninterpreter = "./evil"\n[model]\ninfill = "./evil.gguf"\n')
    editor = await start_editor()
    await editor.status("ready")
    assert [popup.partition("toml:")[2] for popup in editor.popups] == [
        "2: 'python.interpreter' is ignored in a project; put it into your own settings.",
        "4: 'model.infill' is ignored in a project; put it into your own settings.",
    ]
    document = editor.open("app.py", GHOST)
    assert await editor.ghost(document) == "width * height"
    assert await editor.answers()


async def test_a_wrong_value_in_the_editors_settings_is_shown_and_the_rest_is_used(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script(RULE)
    editor = await start_editor(settings={"completion": {"max_lines": "many", "disabled_languages": ["rust"]}})
    await editor.status("ready")
    [popup] = editor.popups
    assert "editor settings" in popup
    assert "completion.max_lines" in popup
    assert "'many'" in popup
    assert await editor.ghost(editor.open("app.rs", f"return {MARK}\n", "rust")) == ""
    assert await editor.ghost(editor.open("app.py", GHOST)) == "width * height"


async def test_the_same_settings_problem_is_shown_once(
    start_editor: StartEditor, script: WriteScript, root: Path
) -> None:
    script(RULE)
    editor = await start_editor(settings={"completion": {"max_lines": "many"}})
    await editor.status("ready")
    editor.change_settings({"completion": {"max_lines": "many", "enabled": False}})
    await editor.status("off")
    assert len(editor.popups) == 1
