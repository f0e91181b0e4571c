"""What certain repairs, the workspace and tests add to the menu, and what becomes of it when the world has changed."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from editor import Document, Editor, StartEditor, WriteScript
from lsprotocol import types

from zicoder.text import Edit, apply_edits

OFF = {"diagnostics": {"level": "off"}, "model": {"infill": "none"}}
UNUSED = "import os\nimport sys\n\nprint(sys)\n"


async def menu(editor: Editor, document: Document, *diagnostics: types.Diagnostic) -> dict[str, types.CodeAction]:
    place = types.Range(editor.position(document), editor.position(document))
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(document.uri), place, types.CodeActionContext(list(diagnostics))
    )
    found: Any = await editor.client.text_document_code_action_async(params)
    return {each.title: each for each in found or ()}


async def menu_with(
    editor: Editor, document: Document, title: str, *diagnostics: types.Diagnostic
) -> dict[str, types.CodeAction]:
    """Ask until an action of this title is there: what is not ready in time is there the next time."""
    async with asyncio.timeout(80):
        while True:
            found = await menu(editor, document, *diagnostics)
            if any(shown.startswith(title) for shown in found):
                return found
            await asyncio.sleep(0.2)


async def wait_for(editor: Editor, document: Document, title: str, *diagnostics: types.Diagnostic) -> types.CodeAction:
    found = await menu_with(editor, document, title, *diagnostics)
    return next(action for shown, action in found.items() if shown.startswith(title))


def said(editor: Editor, document: Document, message: str, source: str = "Pylance") -> types.Diagnostic:
    """Another server's word about the place of the cursor."""
    place = types.Range(editor.position(document), editor.position(document))
    return types.Diagnostic(place, message, source=source)


def applied(editor: Editor, document: Document, edit: types.WorkspaceEdit | None) -> str:
    assert edit
    (change,) = [
        each
        for each in edit.document_changes or ()
        if isinstance(each, types.TextDocumentEdit) and each.text_document.uri == document.uri
    ]
    assert change.text_document.version == document.version
    edits = [
        Edit(editor.offset(document, each.range.start), editor.offset(document, each.range.end), str(each.new_text))
        for each in change.edits
        if not isinstance(each, types.SnippetTextEdit)
    ]
    return apply_edits(document.text, edits)


@pytest.fixture
async def editor(start_editor: StartEditor, root: Path) -> Editor:
    (root / "ruff.toml").write_text('[lint]\nselect = ["F"]\n')
    return await start_editor(settings=OFF)


async def test_an_open_bracket_is_closed(editor: Editor) -> None:
    document = editor.open("a.py", "total = sum(‸[1, 2]\nprint(total)\n")
    action = await wait_for(editor, document, "Close `(`", said(editor, document, "'(' was never closed"))
    assert action.is_preferred
    assert "checked: the file then parses" in action.title
    assert applied(editor, document, action.edit) == "total = sum([1, 2])\nprint(total)\n"
    script = editor.open("a.ts", "const a = { b: 1 ‸c: 2 };\n", "typescript")
    action = await wait_for(editor, script, "Insert `,`", said(editor, script, "',' expected.", "ts"))
    assert applied(editor, script, action.edit) == "const a = { b: 1, c: 2 };\n"


async def test_a_misspelt_keyword_of_a_call_is_corrected(editor: Editor) -> None:
    document = editor.open("a.py", "def paint(colour):\n    return colour\n\n\npaint(‸color=1)\n")
    action = await wait_for(
        editor, document, "Change to `colour`", said(editor, document, 'No parameter named "color"')
    )
    assert action.is_preferred
    assert applied(editor, document, action.edit).endswith("paint(colour=1)\n")


async def test_a_name_of_typescript_is_imported(start_editor: StartEditor, root: Path) -> None:
    (root / "cart.ts").write_text("export class Cart {\n  sum() {\n    return 1;\n  }\n}\n")
    (root / "other.ts").write_text("export const other = 1;\n")
    editor = await start_editor(settings=OFF)
    text = "import { other } from './other';\n\nnew ‸Cart(other);\n"
    document = editor.open("page.ts", text, "typescript")
    problem = said(editor, document, "Cannot find name 'Cart'.", "ts")
    action = await wait_for(editor, document, "Add `import { Cart } from './cart';`", problem)
    assert action.is_preferred
    assert applied(editor, document, action.edit).startswith(
        "import { other } from './other';\nimport { Cart } from './cart';\n"
    )
    document = editor.open("lint.js", "use(‸other);\n", "javascript")
    problem = said(editor, document, "'other' is not defined.", "eslint")
    action = await wait_for(editor, document, "Add `import { other } from", problem)
    assert "'./other'" in applied(editor, document, action.edit)


async def test_one_kind_is_fixed_in_the_whole_workspace(editor: Editor, root: Path) -> None:
    for name in ("b.py", "c.py"):
        (root / name).write_text(UNUSED)
    document = editor.open("a.py", "import ‸os\nimport sys\n\nprint(sys)\n")
    opened = editor.open("c.py", "# typed\n" + UNUSED)
    action = await wait_for(editor, document, "Fix all of F401 in the workspace")
    assert (action.edit, action.is_preferred) == (None, None)
    resolved = await editor.client.code_action_resolve_async(action)
    edit = resolved.edit
    assert edit
    changes = [each for each in edit.document_changes or () if isinstance(each, types.TextDocumentEdit)]
    versions = {each.text_document.uri.rpartition("/")[2]: each.text_document.version for each in changes}
    assert versions == {"a.py": 1, "b.py": None, "c.py": 1}
    assert edit.change_annotations
    assert all(note.needs_confirmation for note in edit.change_annotations.values())
    assert resolved.title == "Fix all 3 of F401 in 3 files"
    assert applied(editor, document, edit) == "import sys\n\nprint(sys)\n"
    assert applied(editor, opened, edit) == "# typed\nimport sys\n\nprint(sys)\n"
    assert (root / "b.py").read_text() == UNUSED


async def test_the_world_may_change_between_list_and_choice(editor: Editor, root: Path) -> None:
    (root / "b.py").write_text(UNUSED)
    document = editor.open("a.py", "import ‸os\nimport sys\n\nprint(sys)\n")
    action = await wait_for(editor, document, "Fix all of F401 in the workspace")
    document.cursor = len(document.text)
    editor.type(document, "# more\n")
    assert (await editor.client.code_action_resolve_async(action)).edit is None
    assert any("changed" in text for text in editor.popups)


@pytest.mark.skipif(os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="may write everything")
async def test_a_file_that_cannot_be_written_gets_no_actions(editor: Editor, root: Path) -> None:
    path = root / "a.py"
    path.write_text(UNUSED)
    path.chmod(stat.S_IREAD)
    document = editor.open("a.py", "import ‸os\n")
    assert await menu(editor, document) == {}


async def test_a_program_writes_the_file(editor: Editor) -> None:
    document = editor.open("a.py", "# @generated by a program\nx = (‸\n")
    assert await menu(editor, document, said(editor, document, "'(' was never closed")) == {}


async def test_diagnostics_that_overlap_or_lie_outside(editor: Editor) -> None:
    document = editor.open("a.py", "import os\n\nos.‸getcdw()\n")
    end = types.Position(2, 9)
    start = editor.position(document)
    outside = types.Range(types.Position(400_000, 3), types.Position(400_000, 9))
    backwards = types.Range(end, start)
    problems = [
        types.Diagnostic(types.Range(start, end), '"getcdw" is not a known attribute of module "os"', source="Pylance"),
        types.Diagnostic(types.Range(types.Position(0, 0), end), 'Module has no attribute "getcdw"', source="mypy"),
        types.Diagnostic(backwards, '"getcdw" is not a known attribute of module "os"', source="twice"),
        types.Diagnostic(outside, '"getcdw" is not defined', source="mad"),
        types.Diagnostic(outside, "x" * 100_000, source="mad"),
    ]
    found = await menu_with(editor, document, "Change to `getcwd`", *problems)
    assert applied(editor, document, found["Change to `getcwd`"].edit) == "import os\n\nos.getcwd()\n"
    assert sum(title.startswith("Change to `getcwd`") for title in found) == 1
    assert sum(bool(each.is_preferred) for each in found.values()) <= 1


async def test_a_long_file_and_a_language_without_a_grammar(editor: Editor) -> None:
    text = "def f(a, b):\n    return (a\n" + "x = 1\n" * 30_000 + "‸"
    document = editor.open("long.py", text)
    assert isinstance(await menu(editor, document, said(editor, document, "'(' was never closed")), dict)
    strange = editor.open("a.abap", "{{{ (‸", "abap")
    titles = await menu(editor, strange, said(editor, strange, "')' expected"))
    assert not any(each.is_preferred for each in titles.values())
    assert await editor.answers()


async def test_tests_speak_where_the_settings_let_them(
    start_editor: StartEditor, talk: WriteScript, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("ZI_AGENT__TEST_COMMAND", f'"{sys.executable}" -m pytest -q -p no:cacheprovider')
    monkeypatch.setenv("ZI_FIXES__TESTS", "true")
    text = "def least(a, b):\n    return a if a > b else b\n"
    (root / ".git").mkdir()
    (root / "calc.py").write_text(text)
    (root / "tests").mkdir()
    (root / "tests" / "test_calc.py").write_text(
        "from calc import least\n\n\ndef test_least():\n    assert least(3, 1) == 1\n"
    )
    asked = "The code to correct"
    wrong = "```python\ndef least(a, b):\n    return a if a >= b else b\n```"
    good = "```python\ndef least(a, b):\n    return b if a > b else a\n```"
    talk({"when": asked, "text": wrong, "times": 1}, {"when": asked, "text": good})
    editor = await start_editor(settings={"diagnostics": {"level": "off"}})
    document = editor.open("calc.py", text.replace("return", "‸return"))
    problem = said(editor, document, "This gives the larger one", "reviewer")
    action = await wait_for(editor, document, "Fix with Zi", problem)
    resolved = await editor.client.code_action_resolve_async(action)
    assert "return b if a > b else a" in applied(editor, document, resolved.edit)
    assert "checked: the tests that failed pass: tests/test_calc.py" in resolved.title
    assert (root / "calc.py").read_text() == text
