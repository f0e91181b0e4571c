"""The menu of an editor: what can be done at a place, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Union

import pytest
from editor import NEOVIM, VSCODE, Document, Editor, StartEditor
from lsprotocol import types

from zicoder.text import Edit, apply_edits

pytestmark = pytest.mark.usefixtures("no_models")

OFF = {"diagnostics": {"level": "off"}}


async def menu(
    editor: Editor,
    document: Document,
    *messages: str,
    only: list[str] | None = None,
    span: tuple[int, int] | None = None,
) -> dict[str, types.CodeAction]:
    """The actions at the cursor, by title; `messages` are another server's diagnostics of the word there."""
    start, end = span or (document.cursor, document.cursor)
    place = types.Range(editor.position(document, start), editor.position(document, end))
    diagnostics = [types.Diagnostic(place, message, source="Pylance") for message in messages]
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(document.uri), place, types.CodeActionContext(diagnostics, only)
    )
    found = await editor.client.text_document_code_action_async(params)
    assert found is not None
    return {each.title: each for each in found if isinstance(each, types.CodeAction)}


async def wait_for(editor: Editor, document: Document, title: str, *messages: str, **how: Any) -> types.CodeAction:
    """Ask until the action is there: the first lists come while the analysis is still being started."""
    async with asyncio.timeout(60):
        while True:
            for shown, action in (await menu(editor, document, *messages, **how)).items():
                if shown.startswith(title):
                    return action
            await asyncio.sleep(0.2)


def applied(editor: Editor, document: Document, edit: types.WorkspaceEdit | None) -> str:
    """The document's text after an edit."""
    assert edit is not None
    if edit.document_changes:
        (change,) = [c for c in edit.document_changes if isinstance(c, types.TextDocumentEdit)]
        assert change.text_document.uri == document.uri
        assert change.text_document.version == document.version
        edits: Any = change.edits
    else:
        edits = (edit.changes or {})[document.uri]
    spans = [(editor.offset(document, e.range.start), editor.offset(document, e.range.end), e.new_text) for e in edits]
    return apply_edits(document.text, [Edit(*each) for each in spans])


@pytest.fixture
async def editor(start_editor: StartEditor, root: Path) -> Editor:
    (root / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["F", "I"]\n')
    (root / "shop.py").write_text("class Basket:\n    pass\n")
    return await start_editor(settings=OFF)


async def test_a_missing_import_comes_from_the_library_and_from_the_project(editor: Editor) -> None:
    document = editor.open("a.py", "import os\n\nx = ‸defaultdict(list), os\ny = Basket()\n")
    action = await wait_for(editor, document, "Add `from collections import", '"defaultdict" is not defined')
    assert action.is_preferred
    assert action.diagnostics
    assert action.diagnostics[0].message == '"defaultdict" is not defined'
    text = applied(editor, document, action.edit)
    assert text.startswith("import os\nfrom collections import defaultdict\n\nx = ")

    document.cursor = document.at("y = ")
    action = await wait_for(editor, document, "Add `from shop import", '"Basket" is not defined')
    assert "from shop import Basket\n" in applied(editor, document, action.edit)


async def test_a_misspelt_attribute_is_corrected(editor: Editor) -> None:
    document = editor.open("a.py", "import os\n\nprint(os.‸getcdw(), os.getcdw())\n")
    action = await wait_for(editor, document, "Change to `getcwd`", '"getcdw" is not a known attribute of module "os"')
    assert "os.getcwd(), os.getcdw()" in applied(editor, document, action.edit)
    every = await wait_for(editor, document, "Change all 2", '"getcdw" is not a known attribute of module "os"')
    assert "os.getcwd(), os.getcwd()" in applied(editor, document, every.edit)
    assert every.edit
    assert every.edit.change_annotations
    assert all(note.needs_confirmation for note in every.edit.change_annotations.values())


async def test_other_languages_are_corrected_from_their_own_words(editor: Editor) -> None:
    document = editor.open("a.ts", "const lenght = 1;\nconsole.log(‸length2);\n", "typescript")
    message = "Cannot find name 'length2'. Did you mean 'lenght'?"
    action = await wait_for(editor, document, "Change to `lenght`", message)
    assert "console.log(lenght)" in applied(editor, document, action.edit)
    assert action.is_preferred


async def test_what_is_unused_is_removed(editor: Editor) -> None:
    document = editor.open("a.py", "import os, sys‸\n\nprint(os)\n")
    action = await wait_for(editor, document, "Remove unused import: `sys`")
    assert "import os\n" in applied(editor, document, action.edit)


async def test_the_whole_file_is_fixed_and_sorted(editor: Editor) -> None:
    document = editor.open("a.py", "import sys\nimport os, re\n\nprint(os, sys)\n")
    action = await wait_for(editor, document, "Fix all", only=["source.fixAll"])
    assert (action.kind, action.edit, action.command) == ("source.fixAll.zi", None, None)
    resolved = await editor.client.code_action_resolve_async(action)
    assert applied(editor, document, resolved.edit).startswith("import os\nimport sys\n\nprint")
    (action,) = (await menu(editor, document, only=["source.organizeImports"])).values()
    resolved = await editor.client.code_action_resolve_async(action)
    assert applied(editor, document, resolved.edit).startswith("import os\nimport re\nimport sys\n\n")
    assert not any(each.kind and each.kind.startswith("source") for each in (await menu(editor, document)).values())


async def test_a_client_that_resolves_nothing_gets_commands(start_editor: StartEditor, root: Path) -> None:
    def simple(editor: Editor) -> None:
        assert editor.capabilities.text_document
        assert editor.capabilities.text_document.code_action
        editor.capabilities.text_document.code_action.resolve_support = None

        # lsprotocol takes every action with a command for a bare command.
        converter = editor.client.protocol._converter
        either = types.Command | types.CodeAction
        for kind in (either, Union[types.Command, types.CodeAction]):  # noqa: UP007
            converter.register_structure_hook(kind, lambda value, _: converter.structure(value, types.CodeAction))

    edits: list[types.ApplyWorkspaceEditParams] = []
    editor = await start_editor(VSCODE, prepare=simple, settings=OFF)
    _take_edits(editor, edits.append)
    document = editor.open("a.py", "import os\nimport sys\n\nprint(sys)\n")
    action = await wait_for(editor, document, "Fix all", only=["source.fixAll"])
    assert action.edit is None
    assert action.command
    assert await editor.command(action.command.command, *(action.command.arguments or ())) is True
    assert applied(editor, document, edits[0].edit) == "import sys\n\nprint(sys)\n"


def _take_edits(editor: Editor, take: Callable[[types.ApplyWorkspaceEditParams], None]) -> None:
    @editor.client.feature(types.WORKSPACE_APPLY_EDIT)
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        take(params)
        return types.ApplyWorkspaceEditResult(applied=True)


async def test_an_edit_for_a_text_that_changed_is_not_made(editor: Editor) -> None:
    document = editor.open("a.py", "import os\n‸")
    action = await wait_for(editor, document, "Fix all", only=["source.fixAll"])
    editor.type(document, "print(os)\n")
    resolved = await editor.client.code_action_resolve_async(action)
    assert resolved.edit is None
    assert any("changed" in text for text in editor.popups)


async def test_a_function_is_made_from_its_call_and_code_is_moved(editor: Editor) -> None:
    text = "def f(a):\n    return prepare(a, 2) + 1\n"
    document = editor.open("a.py", text)
    document.cursor = document.at("return ")
    action = await wait_for(editor, document, "Create function `prepare`")
    assert applied(editor, document, action.edit).startswith(
        "def prepare(a, number):\n    raise NotImplementedError\n\n\n"
    )
    span = (text.index("prepare"), text.index(" + 1"))
    action = await wait_for(editor, document, "Extract variable", span=span)
    assert "value = prepare(a, 2)\n    return value + 1" in applied(editor, document, action.edit)


async def test_frames_for_what_is_missing(editor: Editor, root: Path) -> None:
    document = editor.open("shop.py", "import abc\n\n\nclass A(abc.ABC):\n    @abc.abstractmethod\n"
                           "    def f(self, x: int) -> str: ...\n\n\nclass B(A):‸\n    pass\n")  # fmt: skip
    action = await wait_for(editor, document, "Implement `f` of `B`")
    assert "class B(A):\n    def f(self, x: int) -> str:\n        raise NotImplementedError\n" in applied(
        editor, document, action.edit
    )
    action = await wait_for(editor, document, "Create `tests/test_shop.py`")
    assert action.edit
    create, change = list(action.edit.document_changes or ())
    assert isinstance(create, types.CreateFile)
    assert create.uri.endswith("/tests/test_shop.py")
    assert isinstance(change, types.TextDocumentEdit)
    assert "from shop import A, B" in change.edits[0].new_text  # type: ignore[union-attr]


async def test_a_name_is_changed_in_every_file(editor: Editor, root: Path) -> None:
    (root / "b.py").write_text("from shop import Basket\n\nBasket()\n")
    document = editor.open("shop.py", "class ‸Basket:\n    pass\n")
    place = editor.position(document)
    identifier = types.TextDocumentIdentifier(document.uri)
    found = await editor.client.text_document_prepare_rename_async(types.PrepareRenameParams(identifier, place))
    assert isinstance(found, types.Range)
    edit = await editor.client.text_document_rename_async(types.RenameParams(identifier, place, "Cart"))
    assert edit
    assert len(edit.document_changes or ()) == 2
    other = editor.open("b.py", "from shop import Basket  # changed\n")
    assert await editor.client.text_document_rename_async(types.RenameParams(identifier, place, "Cart")) is None
    assert other.version == 1


@pytest.mark.parametrize("kind", [VSCODE, NEOVIM])
async def test_bad_questions(start_editor: StartEditor, root: Path, kind: str) -> None:
    editor = await start_editor(kind, settings=OFF)
    document = editor.open("a.py", "x = undefinedd\n")
    identifier = types.TextDocumentIdentifier(document.uri)
    far = types.Range(types.Position(9_000_000, 9), types.Position(3, 9_999_999))
    huge = [types.Diagnostic(far, "`x` is not defined " * 6_000, source="mad") for _ in range(300)]
    params = types.CodeActionParams(identifier, far, types.CodeActionContext(huge))
    assert await editor.client.text_document_code_action_async(params) is not None
    unknown = types.CodeActionParams(types.TextDocumentIdentifier("file:///none.py"), far, types.CodeActionContext([]))
    assert not await editor.client.text_document_code_action_async(unknown)
    for data in (None, {"token": "99"}, {"token": 7}, "x", [1]):
        resolved = await editor.client.code_action_resolve_async(types.CodeAction("Fix", data=data))
        assert resolved.edit is None
    assert await editor.command("zi.applyAction") is False
    long = editor.open("long.py", "def f(a, b):\n    return a\n" * 15_000 + "lenght‸\n")
    assert isinstance(await menu(editor, long, '"lenght" is not defined'), dict)
    made = editor.open("made.py", "# Code generated by a program. DO NOT EDIT.\nimport os‸\n")
    assert await menu(editor, made) == {}
    assert isinstance(await menu(editor, editor.open("a.abap", "{{‸", "abap"), "'x' is not defined"), dict)
    assert await editor.answers()
