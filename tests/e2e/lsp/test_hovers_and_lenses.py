"""Hovers and lenses in two editors: layers, links, explanations, lenses and their commands, in a real project."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from editor import NEOVIM, VSCODE, Document, Editor, StartEditor, WriteScript
from lsprotocol import types

from zicoder.lsp.convert import path_of

SHOP = 'def total(prices):\n    """Add up."""\n    return sum(prices)\n'
USE = "from shop import total\n\nprint(total([1]))\n"
CART = "/** Adds up. */\nexport function addUp(p: number[]): number {\n  return 1;\n}\n\nclass Cart {\n  sum() {}\n}\n"
EXPLAINED = "Explain `total`"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_CACHE_DIR", str(tmp_path / "cache"))


def commit(root: Path) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    times = {"GIT_AUTHOR_DATE": "1600000000 +0000", "GIT_COMMITTER_DATE": "1600000000 +0000"}
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "Begin [x](command:zi.run)"]):
        subprocess.run(("git", *who, *arguments), cwd=root, check=True, env=os.environ | times)


@pytest.fixture
def project(root: Path) -> Path:
    for name, text in {
        "shop.py": SHOP,
        "use.py": USE,
        "cart.ts": CART,
        "buy.ts": 'import "./cart";\naddUp([1]);\n',
    }.items():
        (root / name).write_text(text, encoding="utf-8")
    return root


async def lenses(editor: Editor, document: Document) -> list[types.CodeLens]:
    params = types.CodeLensParams(types.TextDocumentIdentifier(document.uri))
    return list(await editor.client.text_document_code_lens_async(params) or ())


def with_links(editor: Editor) -> None:
    editor.capabilities.experimental = {"zi": {"links": True}}


@pytest.mark.usefixtures("no_models")
@pytest.mark.parametrize("kind", [VSCODE, NEOVIM])
async def test_every_layer_that_is_certain(start_editor: StartEditor, project: Path, kind: str) -> None:
    commit(project)
    editor = await start_editor(kind)
    use = editor.open("use.py", USE)
    text = await editor.hover_saying(
        use, use.at("print(tot"), "def total(prices)", "Add up.", "Used in 1 place", "Last changed"
    )
    assert "years ago by Ann: Begin" in text
    assert "(command:" not in text.replace("\\](command:", "")
    cart = editor.open("buy.ts", 'import "./cart";\naddUp([1]);\n', "typescript")
    text = await editor.hover_saying(cart, cart.at("addU"), "function addUp(p: number[])", "Adds up.", "Last changed")
    assert "cart.ts:" in text


@pytest.mark.usefixtures("no_models")
async def test_what_is_not_saved_counts(start_editor: StartEditor, project: Path) -> None:
    commit(project)
    editor = await start_editor()
    shop = editor.open("shop.py", SHOP)
    await editor.hover_saying(shop, shop.at("def tot"), "Last changed")
    editor.replace(shop, shop.at("return "), shop.at("sum(prices)"), "max(prices)")
    await editor.hover_saying(shop, shop.at("def tot"), "Not committed as it stands")
    new = editor.open("new.ts", "function brandNew() {\n  return 1;\n}\nbrandNew();\n", "typescript")
    text = await editor.hover_saying(new, new.at("}\nbrand"), "function brandNew()", "Not committed as it stands")
    assert "new.ts:1" in text
    assert not (project / "new.ts").exists()


@pytest.mark.usefixtures("no_models")
async def test_huge_lines_and_unknown_languages_answer(start_editor: StartEditor, project: Path) -> None:
    editor = await start_editor()
    minified = editor.open("app.min.js", "var a=1;" * 130_000, "javascript")
    assert await editor.hover(minified, 600_000) == ""
    strange = editor.open("a.hs", "total = 1\n", "haskell")
    assert await editor.hover(strange, 2) == ""
    untitled = editor.open("untitled:One", "def alone(): pass\nalone()\n")
    await editor.hover_saying(untitled, 5, "def alone()")
    assert await editor.answers()


async def test_links_only_where_they_do_something(start_editor: StartEditor, project: Path, talk: WriteScript) -> None:
    talk({"text": "Nothing."})
    editor = await start_editor(prepare=with_links)
    use = editor.open("use.py", USE)
    text = await editor.hover_saying(use, use.at("print(tot"), "[Explain](command:zi.explainSymbol?")
    assert "(command:zi.explainBriefly?" in text
    editor.change_settings({"hover": {"explanations": "off"}})
    async with asyncio.timeout(60):
        while "zi.explainBriefly" in await editor.hover(use, use.at("print(tot")):
            await asyncio.sleep(0.05)


async def test_an_explanation_that_was_asked_for_is_shown_from_then_on(
    start_editor: StartEditor, project: Path, talk: WriteScript
) -> None:
    talk({"when": EXPLAINED, "text": "It *adds* all [prices](command:zi.run) and <b>returns</b> them. More"})
    editor = await start_editor()
    use = editor.open("use.py", USE)
    at = use.at("print(tot")
    where = editor.position(use, at)
    argument = {"uri": use.uri, "position": {"line": where.line, "character": where.character}}
    said = await editor.command("zi.explainBriefly", argument)
    assert said == "It *adds* all prices and <b>returns</b> them."
    assert said in editor.popups
    text = await editor.hover_saying(use, at, "not checked")
    assert "It \\*adds\\* all prices and \\<b\\>returns\\</b\\> them." in text

    again = await start_editor()
    second = again.open("use.py", USE)
    await again.hover_saying(second, at, "adds")
    shop = again.open("shop.py", SHOP.replace("sum(", "max("))
    assert "adds" not in await again.hover_saying(shop, shop.at("def tot"), "def total(prices)")
    assert await again.command("zi.explainBriefly", {"uri": second.uri, "position": {"line": 1, "character": 0}}) == ""


async def test_lenses_come_and_go_with_the_setting(start_editor: StartEditor, project: Path, no_models: None) -> None:
    refreshed = asyncio.Event()

    def prepare(editor: Editor) -> None:
        @editor.client.feature("workspace/codeLens/refresh")
        def refresh(params: Any = None) -> None:
            refreshed.set()

    editor = await start_editor(prepare=prepare)
    document = editor.open("cart.ts", CART, "typescript")
    assert await lenses(editor, document) == []
    editor.change_settings({"code_lens": {"enabled": True}})
    async with asyncio.timeout(60):
        await refreshed.wait()
    found = await lenses(editor, document)
    assert [(each.range.start.line, each.command.title) for each in found if each.command] == [
        (line, title) for line in (1, 5, 6) for title in ("Explain", "Test", "Document")
    ]
    assert await lenses(editor, editor.open("a.hs", "total = 1\n", "haskell")) == []
    refreshed.clear()
    editor.change_settings({"code_lens": {"enabled": False}})
    async with asyncio.timeout(60):
        await refreshed.wait()
    assert await lenses(editor, document) == []


@pytest.mark.parametrize("kind", [VSCODE, NEOVIM])
async def test_a_lens_can_be_run_as_it_is(
    start_editor: StartEditor, project: Path, talk: WriteScript, kind: str
) -> None:
    talk({"when": "Explain this code", "text": "It adds up all prices."})

    def prepare(editor: Editor) -> None:
        assert editor.capabilities.window
        editor.capabilities.window.show_document = (
            types.ShowDocumentClientCapabilities(support=True) if kind == NEOVIM else None
        )

    editor = await start_editor(kind, prepare=prepare, settings={"code_lens": {"enabled": True}})
    document = editor.open("shop.py", SHOP)
    async with asyncio.timeout(60):
        while not (found := await lenses(editor, document)):
            await asyncio.sleep(0.05)
    command = found[0].command
    assert command
    answer = await editor.command(command.command, *(command.arguments or ()))
    assert "It adds up all prices." in answer["text"]
    if kind == NEOVIM:
        (document_shown,) = editor.client.shown_documents
        path = path_of(document_shown.uri)
        assert path
        assert "It adds up all prices." in path.read_text(encoding="utf-8")
    else:
        assert any("It adds up all prices." in text for text in editor.popups)
    assert (await editor.command("zi.explainSymbol"))["error"]
