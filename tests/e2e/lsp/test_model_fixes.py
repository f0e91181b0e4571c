"""A fix that a model makes, in the editor: asked for, checked, applied, and the ones that are not offered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from editor import Document, Editor, StartEditor, WriteScript
from lsprotocol import types

ASKED = "The code to correct"
GOOD = "```python\ndef total(prices):\n    return sum(prices)\n```"
BAD = "```python\ndef total(prices):\n    return sum(prices\n```"


async def offers(editor: Editor, document: Document) -> dict[str, types.CodeAction]:
    place = types.Range(editor.position(document), editor.position(document))
    name = document.text[document.cursor :].partition(")")[0].removeprefix("# ")
    problem = types.Diagnostic(place, f'"{name}" is not defined', source="Pylance")
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(document.uri), place, types.CodeActionContext([problem])
    )
    found: Any = await editor.client.text_document_code_action_async(params)
    return {each.title: each for each in found or ()}


async def offered(editor: Editor, document: Document, start: str) -> types.CodeAction:
    async with asyncio.timeout(80):
        while True:
            for title, action in (await offers(editor, document)).items():
                if title.startswith(start):
                    return action
            await asyncio.sleep(0.2)


async def test_a_checked_fix_is_applied_and_then_preferred(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": ASKED, "text": BAD, "times": 1}, {"when": ASKED, "text": GOOD})
    editor = await start_editor(settings={"diagnostics": {"level": "off"}})
    document = editor.open("a.py", "def total(prices):\n    return sum(‸prizzes)\n")
    action = await offered(editor, document, "Fix with Zi")
    assert not action.is_preferred
    resolved = await editor.client.code_action_resolve_async(action)
    assert resolved.edit
    (change,) = list(resolved.edit.document_changes or ())
    assert isinstance(change, types.TextDocumentEdit)
    assert change.text_document.version == 1
    assert [each.new_text for each in change.edits] == ["c"]  # type: ignore[union-attr]
    assert resolved.edit.change_annotations is None
    assert any("checked: `prizzes` is defined or gone; it parses" in text for text in editor.popups)
    again = await offered(editor, document, "Fix: ")
    assert again.is_preferred


async def test_what_means_something_else_is_checked_and_not_preferred(
    start_editor: StartEditor, talk: WriteScript
) -> None:
    talk({"when": ASKED, "text": GOOD})
    editor = await start_editor(settings={"diagnostics": {"level": "off"}})
    document = editor.open("a.py", "def total(prices):\n    return sum(‸amounts)\n")
    resolved = await editor.client.code_action_resolve_async(await offered(editor, document, "Fix with Zi"))
    assert resolved.edit
    assert not (await offered(editor, document, "Fix: ")).is_preferred


async def test_what_is_certain_is_done_without_asking_a_model(start_editor: StartEditor, talk: WriteScript) -> None:
    talk({"when": ASKED, "text": BAD})
    editor = await start_editor(settings={"diagnostics": {"level": "off"}})
    document = editor.open("a.py", "def total(prices):\n    return sum(‸prizes)\n")
    resolved = await editor.client.code_action_resolve_async(await offered(editor, document, "Fix with Zi"))
    assert resolved.edit
    assert any("checked: `prizes` is defined or gone; it parses" in text for text in editor.popups)
    assert not any(title.startswith("Fix") for title in await offers(editor, document))


async def test_no_fix_is_better_than_a_wrong_one(start_editor: StartEditor, talk: WriteScript, root: Path) -> None:
    talk({"when": ASKED, "text": BAD})
    editor = await start_editor(settings={"diagnostics": {"level": "off"}})
    document = editor.open("a.py", "def total(prices):\n    return sum(‸amounts)\n")
    action = await offered(editor, document, "Fix with Zi")
    assert (await editor.client.code_action_resolve_async(action)).edit is None
    assert any("Nothing came of" in text for text in editor.popups)
    assert not any(title.startswith("Fix") for title in await offers(editor, document))

    editor.change_settings({"fixes": {"model": False}, "diagnostics": {"level": "off"}})
    editor.type(document, "# ")
    async with asyncio.timeout(80):
        while any(title.startswith("Fix with Zi") for title in await offers(editor, document)):
            await asyncio.sleep(0.2)
    assert list(root.iterdir()) == []
