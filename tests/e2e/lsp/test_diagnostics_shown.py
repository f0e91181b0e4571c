"""What the editor shows as wrong, and what it does not show."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from editor import NEOVIM, VSCODE, Editor, StartEditor
from lsprotocol import types

pytestmark = pytest.mark.usefixtures("no_models")

ALL = {"diagnostics": {"level": "all"}}


def shown(editor: Editor, uri: str) -> list[types.Diagnostic]:
    return list(editor.client.diagnostics.get(uri, ()))


async def messages(editor: Editor, uri: str, number: int) -> list[str]:
    await editor.until(lambda: len(shown(editor, uri)) >= number, f"{number} diagnostics")
    return [each.message for each in shown(editor, uri)]


def named(editor: Editor, name: str) -> None:
    """Introduce the editor by a name."""
    initialize = editor.client.initialize_session

    async def with_name(params: types.InitializeParams) -> Any:
        params.client_info = types.ClientInfo(name)
        return await initialize(params)

    editor.client.initialize_session = with_name  # type: ignore[method-assign]


async def test_a_syntax_error_is_shown_and_goes_when_it_is_mended(start_editor: StartEditor) -> None:
    editor = await start_editor(NEOVIM)
    document = editor.open("a.go", "package a\n\nfunc f( {\n}\n‸", "go")
    await messages(editor, document.uri, 1)
    (found,) = shown(editor, document.uri)
    assert (found.source, found.message) == ("zi", "`(` is never closed.")
    assert found.range == types.Range(types.Position(2, 6), types.Position(2, 7))

    at = document.at("func f(")
    editor.replace(document, at, at, ")")
    await editor.until(lambda: not shown(editor, document.uri), "the error gone")


async def test_python_is_checked_with_all_its_means(start_editor: StartEditor, root: Path) -> None:
    (root / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["F"]\n')
    editor = await start_editor(settings=ALL)
    document = editor.open("a.py", "import os, sys\nπ = 'é'\nprint(os.pathh, undefinedd)\n")
    texts = await messages(editor, document.uri, 3)
    assert {each.source for each in shown(editor, document.uri)} == {"zi-ruff", "zi-python"}
    assert "The module `os` has no attribute `pathh`." in texts
    assert "Undefined name `undefinedd`" in texts
    assert sum("undefinedd" in text for text in texts) == 1
    (unused,) = [each for each in shown(editor, document.uri) if "sys" in each.message]
    assert list(unused.tags or ()) == [types.DiagnosticTag.Unnecessary]


async def test_an_editor_that_checks_a_language_itself_is_left_alone(start_editor: StartEditor) -> None:
    editor = await start_editor(VSCODE, prepare=lambda editor: named(editor, "Visual Studio Code"))
    quiet = editor.open("a.ts", "const a = ;\nfoo(]\n", "typescript")
    loud = editor.open("a.rs", "fn f( {\n}\n", "rust")
    await messages(editor, loud.uri, 1)
    assert shown(editor, quiet.uri) == []

    editor.change_settings({"diagnostics": {"level": "syntax"}})
    await messages(editor, quiet.uri, 1)
    editor.change_settings({"diagnostics": {"level": "off"}})
    await editor.until(lambda: not shown(editor, quiet.uri) and not shown(editor, loud.uri), "nothing shown")


async def test_closing_a_document_takes_its_diagnostics_along(start_editor: StartEditor) -> None:
    editor = await start_editor(NEOVIM)
    document = editor.open("a.go", "func f( {\n", "go")
    await messages(editor, document.uri, 1)
    editor.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(document.uri)))
    await editor.until(lambda: not shown(editor, document.uri), "the error gone")


async def test_while_somebody_types_nothing_old_is_shown(start_editor: StartEditor) -> None:
    editor = await start_editor(NEOVIM)
    document = editor.open("a.go", "package a\nfunc f(‸", "go")
    for letter in "a int) {}":
        editor.type(document, letter)
        await asyncio.sleep(0)
    editor.type(document, "\nfunc g(")
    await messages(editor, document.uri, 1)
    (found,) = shown(editor, document.uri)
    assert found.range.start.line == 2


async def test_texts_that_no_check_can_take_leave_the_server_well(start_editor: StartEditor) -> None:
    editor = await start_editor(NEOVIM, settings=ALL)
    editor.jedi_may_fail = True
    editor.open("deep.py", "(" * 20_000)
    editor.open("deep.json", "[" * 100_000, "json")
    editor.open("long.py", "x = 1\n" * 30_000 + "y = undefinedd\n")
    editor.open("nul.py", "x = '\0'\n")
    editor.open("a.abap", "{{{", "abap")
    document = editor.open("last.go", "func f( {\n", "go")
    await messages(editor, document.uri, 1)
    assert await editor.answers()
