"""The real server as LSP4IJ meets it: its capabilities, the shapes of its requests, and each of its ways that differ.

The capabilities are those of LSP4IJ's `ClientCapabilitiesFactory` as far as the server asks for them; inline completion
is not among them, and is used all the same. One test for each way; streams in any order are tried in Java, too.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from editor import WAIT_S, Document, Editor, StartEditor, WriteScript
from lsprotocol import converters, types
from pygls.exceptions import JsonRpcException

CODE = "def add(a, b):\n    return ‸a - b\n\n\nprint(os.sep)\n"
FIXED = "```python\ndef add(a, b):\n    return a + b\n```"
YES = {"dynamicRegistration": True}
CAPABILITIES: dict[str, Any] = {
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceFolders": True,
        "symbol": {},
        "executeCommand": YES,
        "didChangeConfiguration": YES,
        "didChangeWatchedFiles": YES,
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "delete", "rename"]},
    },
    "textDocument": {
        "synchronization": {"willSave": True, "willSaveWaitUntil": True, "didSave": True},
        "publishDiagnostics": {"dataSupport": True, "codeDescriptionSupport": True, "relatedInformation": True},
        "codeAction": {
            **YES,
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor", "source"]}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        },
        "completion": {
            **YES,
            "completionItem": {
                "snippetSupport": True,
                "documentationFormat": ["markdown", "plaintext"],
                "resolveSupport": {"properties": ["documentation", "detail", "additionalTextEdits"]},
                "labelDetailsSupport": True,
            },
            "completionList": {"itemDefaults": ["editRange"]},
        },
        "hover": {**YES, "contentFormat": ["markdown", "plaintext"]},
    },
    "window": {
        "workDoneProgress": True,
        "showDocument": {"support": True},
        "showMessage": {"messageActionItem": {"additionalPropertiesSupport": False}},
    },
    "general": {"staleRequestSupport": {"cancel": True, "retryOnContentModified": []}, "positionEncodings": ["utf-16"]},
}


class Lsp4ij:
    """What LSP4IJ does with what the server sends."""

    def __init__(self) -> None:
        self.progress: list[types.ProgressParams] = []
        self.edits: list[types.ApplyWorkspaceEditParams] = []
        self.questions: list[types.ShowMessageRequestParams] = []

    def prepare(self, editor: Editor) -> None:
        editor.capabilities = converters.get_converter().structure(CAPABILITIES, types.ClientCapabilities)
        editor.client.protocol.fm.features.pop(types.PROGRESS, None)

        @editor.client.feature(types.PROGRESS)
        def progress(params: types.ProgressParams) -> None:
            self.progress.append(params)

        @editor.client.feature(types.WORKSPACE_APPLY_EDIT)
        def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            """It says yes, whether or not anything was applied."""
            self.edits.append(params)
            return types.ApplyWorkspaceEditResult(applied=True)

        @editor.client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
        def dismissed(params: types.ShowMessageRequestParams) -> None:
            self.questions.append(params)
            raise JsonRpcException("The future was cancelled", code=-32800)


@pytest.fixture
def ide() -> Lsp4ij:
    return Lsp4ij()


@pytest.fixture
async def editor(start_editor: StartEditor, script: WriteScript, talk: WriteScript, ide: Lsp4ij, root: Path) -> Editor:
    script({"after": "return ", "text": "b + "})
    shell = {"when": "run", "calls": [{"tool": "shell", "arguments": {"command": "touch made"}}]}
    long = " ".join(f"word{number}" for number in range(150))
    talk(shell, {"when": "mend", "text": FIXED}, {"when": "why", "text": long, "piece": 3, "delay_ms": 5})
    (root / "calc.py").write_text(CODE.replace("‸", ""))
    return await start_editor(prepare=ide.prepare, settings={"diagnostics": {"level": "off"}})


async def run(editor: Editor, text: str, document: Document | None = None, **more: Any) -> Any:
    place: dict[str, Any] = {}
    if document is not None:
        at = editor.position(document)
        point = {"line": at.line, "character": at.character}
        place = {"uri": document.uri, "range": {"start": point, "end": point}}
    return await editor.command("zi.run", {"text": text, **place, **more})


async def test_suggestions_come_unasked_and_need_no_capability_and_no_command(editor: Editor) -> None:
    assert editor.capabilities.text_document
    assert editor.capabilities.text_document.inline_completion is None
    assert editor.result.capabilities.inline_completion_provider
    document = editor.open("calc.py", CODE)
    await editor.status("ready")
    params = editor.inline_params(document, invoked=False)  # its trigger is always "automatic"
    for _ in range(2):  # one for another place cancels the one before
        asyncio.ensure_future(editor.client.text_document_inline_completion_async(params)).cancel()
    found = await asyncio.wait_for(editor.client.text_document_inline_completion_async(params), WAIT_S)
    assert isinstance(found, types.InlineCompletionList)
    (item,) = found.items
    at = editor.position(document)
    assert (item.insert_text, item.filter_text) == ("b + ", None)
    assert item.range is None or item.range == types.Range(at, at)
    editor.type(document, "b + ")  # accepted; the item's command is not run
    assert (await editor.why())["outcome"] == "shown"
    assert await editor.answers()


async def test_messages_in_any_order_are_the_answer_and_the_response_holds_it_all(editor: Editor, ide: Lsp4ij) -> None:
    answer = await run(editor, "why is that?", token="zi-1")
    messages: list[Any] = [each.value for each in ide.progress if each.token == "zi-1"]
    random.Random(5).shuffle(messages)
    messages.sort(key=lambda message: message["seq"])
    assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
    events = [event for message in messages for event in message["events"]]
    assert len(messages) > 3
    assert "".join(event["text"] for event in events if event["kind"] == "delta") == answer["text"]
    before = len(ide.progress)
    unheard = await run(editor, "why is that?")  # it drops what is no work-done progress: nothing may be lost with it
    assert unheard["text"] == answer["text"]
    assert not any(isinstance(each.value, dict) for each in ide.progress[before:])


async def test_an_action_has_an_edit_or_a_command_or_is_resolved(editor: Editor) -> None:
    document = editor.open("calc.py", CODE)
    resolved, edited = 0, 0
    span = types.Range(types.Position(4, 6), types.Position(4, 8))
    told = types.Diagnostic(span, 'Undefined name "os"', source="Pyright")
    asked = types.CodeActionParams(
        types.TextDocumentIdentifier(document.uri), span, types.CodeActionContext([told], trigger_kind=None)
    )
    async with asyncio.timeout(WAIT_S):
        while not (resolved and edited):
            for action in await editor.client.text_document_code_action_async(asked) or ():
                assert isinstance(action, types.CodeAction)
                if action.edit is None and action.command is None:
                    assert action.data is not None
                    resolved += 1
                else:
                    assert action.edit is None or action.command is None
                    edited += 1
            await asyncio.sleep(0.2)


async def test_a_yes_to_an_edit_that_was_not_applied_is_not_believed(editor: Editor, ide: Lsp4ij, root: Path) -> None:
    document = editor.open("calc.py", CODE)
    fixed = await run(editor, "/fix mend it", document)
    assert fixed["error"] is None
    (asked,) = ide.edits
    (change,) = asked.edit.document_changes or []
    assert isinstance(change, types.TextDocumentEdit)
    assert (change.text_document.uri, change.text_document.version) == (document.uri, 1)
    assert not asked.edit.change_annotations  # it knows none
    undone = await run(editor, "/undo")
    assert undone["error"]
    assert "has changed since" in undone["error"]["message"]
    assert len(ide.edits) == 1
    (hunk,) = change.edits
    start, end = editor.offset(document, hunk.range.start), editor.offset(document, hunk.range.end)
    assert isinstance(hunk, types.TextEdit)
    editor.replace(document, start, end, hunk.new_text)  # now it was
    assert (await run(editor, "/undo"))["error"] is None
    assert len(ide.edits) == 2


async def test_a_question_that_is_dismissed_is_a_no(editor: Editor, ide: Lsp4ij, root: Path) -> None:
    await run(editor, "/run run it")
    (question,) = ide.questions
    assert question.actions
    assert "touch made" in question.message
    assert not (root / "made").exists()


async def test_settings_are_taken_as_the_template_has_them(editor: Editor) -> None:
    editor.open("calc.py", CODE)
    await editor.status("ready")
    editor.configure({"completion": {"enabled": False}})
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings={}))
    await editor.status("off")
    editor.configure(None)  # it answers null for a section that is no object
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings={}))
    await editor.status("ready")
