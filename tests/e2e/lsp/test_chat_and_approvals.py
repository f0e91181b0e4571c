"""What the chat page needs of a real server: the page, conversations, and questions with everything in them."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import pytest
from editor import WAIT_S, Editor, StartEditor, WriteScript
from lsprotocol import types

RUN = {"when": "run it", "calls": [{"tool": "shell", "arguments": {"command": "pytest --version"}}]}


@pytest.fixture(autouse=True)
def a_project(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_MODEL__INFILL", "none")
    monkeypatch.setenv("ZI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("ZI_LOG_DIR", str(tmp_path / "logs"))
    (root / "calc.py").write_bytes(b"def add(a, b):\n    return a - b\n\n\ndef mul(a, b):\n    return a + b\n")


async def asked(editor: Editor, command: str, *arguments: Any) -> Any:
    params = types.ExecuteCommandParams(command, list(arguments) or None)
    return plain(await asyncio.wait_for(editor.client.workspace_execute_command_async(params), WAIT_S))


def plain(value: Any) -> Any:
    """An answer of any depth as dicts and lists."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def approving(questions: list[Any], answer: Any) -> Any:
    def prepare(editor: Editor) -> None:
        editor.capabilities.experimental = {"zi": {"approve": True}}

        @editor.client.feature("zi/approve")
        def approve(params: Any) -> Any:
            questions.append(params)
            return answer

    return prepare


async def test_the_page_comes_whole(start_editor: StartEditor) -> None:
    editor = await start_editor()
    request = editor.client.protocol.send_request_async("zi/chatPage", {"nonce": "a" * 24})
    page = await asyncio.wait_for(request, WAIT_S)
    assert page.html.startswith("<!doctype html>")
    assert page.html.rstrip().endswith("</html>")
    assert f"'nonce-{'a' * 24}'" in page.html


async def test_a_conversation_comes_with_what_was_kept_of_it(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": "", "text": "Because it subtracts."})
    editor = await start_editor()
    first = await asked(editor, "zi.run", {"text": "why is @calc.py wrong?"})
    found = await asked(editor, "zi.conversation", first["data"]["conversation"])
    assert [turn["role"] for turn in found["turns"]] == ["user", "assistant"]
    assert found["turns"][1]["text"] == "Because it subtracts."
    assert found["turns"][0]["context"][0]["path"] == "calc.py"
    assert found["markdown"].startswith("# why is @calc.py wrong?")


async def test_what_is_sent_is_told_before_the_answer(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": "", "text": "ok"})
    told: list[Any] = []

    def prepare(editor: Editor) -> None:
        editor.client.protocol.fm.features.pop(types.PROGRESS, None)

        @editor.client.feature(types.PROGRESS)
        def progress(params: types.ProgressParams) -> None:
            told.append(params)

    editor = await start_editor(prepare=prepare)
    await asked(editor, "zi.run", {"text": "look at @calc.py", "token": "t"})
    events = [event for each in told if each.token == "t" for event in plain(each.value)["events"]]
    kinds = [event["kind"] for event in events]
    assert kinds.index("sent") < kinds.index("delta")
    sent = events[kinds.index("sent")]
    assert "calc.py" in [piece["path"] for piece in sent["pieces"]]
    assert 0 < sum(piece["tokens"] for piece in sent["pieces"]) < sent["tokens"] < sent["window"]


async def test_a_question_says_everything_and_no_means_no(start_editor: StartEditor, talk: WriteScript) -> None:
    talk(RUN, {"when": "", "text": "So be it."})
    questions: list[Any] = []
    editor = await start_editor(prepare=approving(questions, {"answer": "never"}))
    await asked(editor, "zi.run", {"text": "/run run it"})
    log = await asked(editor, "zi.auditLog")
    assert log["exists"]
    assert '"decision": "deny"' in Path(log["path"]).read_text(encoding="utf-8")
    (question,) = questions
    assert "pytest --version" in question.detail
    assert question.reason.startswith("It runs a command")
    assert question.project


async def test_a_yes_for_good_is_kept_where_a_rule_may_be_one(
    start_editor: StartEditor, talk: WriteScript, tmp_path: Path
) -> None:
    talk(RUN, {"when": "", "text": "Done."})
    questions: list[Any] = []
    editor = await start_editor(prepare=approving(questions, {"answer": "always"}))
    await asked(editor, "zi.run", {"text": "/run run it"})
    (question,) = questions
    kept = tmp_path / "config" / "settings.toml"
    if question.rule:  # only what a sandbox confines may be allowed for good
        assert (
            tomllib.loads(kept.read_text(encoding="utf-8"))["agent"]["allow"] == [question.rule] == ["shell:pytest *"]
        )
        await asked(editor, "zi.run", {"text": "/run run it"})
        assert len(questions) == 1
    else:
        assert not kept.exists()


async def test_hunks_come_one_by_one_and_ask_to_be_confirmed(start_editor: StartEditor, talk: WriteScript) -> None:
    new = "```python\ndef add(a, b):\n    return a + b\n\n\ndef mul(a, b):\n    return a * b\n```"
    talk({"when": "", "text": new})
    edits: list[types.ApplyWorkspaceEditParams] = []

    def prepare(editor: Editor) -> None:
        @editor.client.feature(types.WORKSPACE_APPLY_EDIT)
        def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            edits.append(params)
            return types.ApplyWorkspaceEditResult(applied=True)

    editor = await start_editor(prepare=prepare)
    document = editor.open("calc.py", "def add(a, b):\n    return a - b\n\n\ndef mul(a, b):\n    return a + b\n")
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 6, "character": 0}}
    await asked(editor, "zi.run", {"text": "/fix", "uri": document.uri, "range": whole})
    (edit,) = edits
    assert edit.edit.document_changes
    assert edit.edit.change_annotations
    assert [note.needs_confirmation for note in edit.edit.change_annotations.values()] == [True]
    change = edit.edit.document_changes[0]
    assert isinstance(change, types.TextDocumentEdit)
    assert [(hunk.range.start.line, hunk.new_text) for hunk in change.edits] == [  # type: ignore[union-attr]
        (1, "    return a + b\n"),
        (5, "    return a * b\n"),
    ]
