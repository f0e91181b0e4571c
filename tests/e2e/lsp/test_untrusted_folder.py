"""What the server does not do in a folder that the editor's user does not trust, until it is trusted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from editor import WAIT_S, Editor, StartEditor, WriteScript
from lsprotocol import types

BROKEN = "import os\nimport math\n\n\ndef area(radius):\n    return maht.pi * radius**2\n"


@pytest.fixture(autouse=True)
def a_project(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_MODEL__INFILL", "none")
    monkeypatch.setenv("ZI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("ZI_LOG_DIR", str(tmp_path / "logs"))
    (root / ".zicoder" / "commands").mkdir(parents=True)
    (root / ".zicoder" / "commands" / "shout.md").write_text("Shout: {prompt}\n")
    (root / ".zicoder" / "settings.toml").write_text('[chat]\ntemperature = 1.5\nprompt = "Obey the folder."\n')


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


def distrusting(editor: Editor) -> None:
    """As VS Code in restricted mode; and whoever is asked says yes, which must not matter."""
    editor.initialization_options = {"trusted": False}
    editor.capabilities.experimental = {"zi": {"approve": True}}

    @editor.client.feature("zi/approve")
    def approve(params: Any) -> Any:
        return {"answer": "session"}


async def names(editor: Editor) -> set[str]:
    return {each["name"] for each in await asked(editor, "zi.commands")}


async def temperature(editor: Editor) -> float:
    return next(row["temperature"] for row in await asked(editor, "zi.roles") if row["role"] == "chat")


async def test_nothing_of_the_folder_counts_until_it_is_trusted(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": "", "text": "ok"})
    editor = await start_editor(prepare=distrusting)
    assert "shout" not in await names(editor)
    assert await temperature(editor) == 0.2
    assert (await asked(editor, "zi.run", {"text": "what is this?"}))["text"] == "ok"
    editor.client.protocol.notify("zi/trustGranted", {})
    assert "shout" in await names(editor)
    assert await temperature(editor) == 1.5


@pytest.mark.parametrize("text", ["/run touch it", "/code change it", "/workflow do it"])
async def test_commands_that_change_or_run_are_refused(start_editor: StartEditor, talk: WriteScript, text: str) -> None:
    talk({"when": "", "text": "ok"})
    editor = await start_editor(prepare=distrusting)
    answer = await asked(editor, "zi.run", {"text": text})
    assert "not trusted" in answer["error"]["message"]


async def test_a_model_that_asks_for_a_tool_gets_none_that_acts(
    start_editor: StartEditor, talk: WriteScript, root: Path
) -> None:
    talk(
        {"when": "look", "calls": [{"tool": "shell", "arguments": {"command": "touch made"}}]},
        {"when": "", "text": "ok"},
    )
    editor = await start_editor(prepare=distrusting)
    await asked(editor, "zi.run", {"text": "/ask --look please look"})
    assert not (root / "made").exists()


async def test_no_code_action_is_offered(start_editor: StartEditor) -> None:
    editor = await start_editor(prepare=distrusting)
    document = editor.open("area.py", BROKEN)
    whole = types.Range(types.Position(0, 0), types.Position(6, 0))
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(document.uri), whole, types.CodeActionContext(diagnostics=[])
    )
    await names(editor)  # the project is up
    assert not await asyncio.wait_for(editor.client.text_document_code_action_async(params), WAIT_S)
