"""Completion, hover, signatures, definitions and outline of Python code, in two editors with different abilities."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor import MARK, NEOVIM, VSCODE, StartEditor
from lsprotocol import types

pytestmark = [
    pytest.mark.parametrize("kind", [VSCODE, NEOVIM]),
    pytest.mark.usefixtures("no_models"),
]

SHOP = '''"""A shop."""


class Basket:
    """Holds what will be bought."""

    def __init__(self) -> None:
        self.prices: list[int] = []

    def total(self, discount: int, rounded: bool = True) -> int:
        """Sum of the prices."""
        return sum(self.prices) - discount


def visit() -> Basket:
    return Basket()
'''


async def test_members_are_offered_after_a_dot_and_explained_when_chosen(start_editor: StartEditor, kind: str) -> None:
    editor = await start_editor(kind)
    document = editor.open("shop.py", SHOP + f"\n\nbasket = visit()\nbasket.{MARK}\n")
    items = {item.label: item for item in (await editor.completion(document)).items}
    assert {"prices", "total"} <= items.keys()
    total = await editor.client.completion_item_resolve_async(items["total"])
    assert total.detail
    assert "discount: int" in total.detail
    assert isinstance(total.documentation, types.MarkupContent)
    assert "Sum of the prices." in total.documentation.value


async def test_hover_shows_declaration_and_documentation(start_editor: StartEditor, kind: str) -> None:
    editor = await start_editor(kind)
    document = editor.open("shop.py", SHOP + "\n\nvisit().total(1)\n")
    await editor.hover_saying(document, document.at("visit().to"), "discount: int", "Sum of the prices.")


async def test_the_parameter_being_typed_is_shown(start_editor: StartEditor, kind: str) -> None:
    editor = await start_editor(kind)
    document = editor.open("shop.py", SHOP + f"\n\nvisit().total(1, {MARK})\n")
    params = types.SignatureHelpParams(types.TextDocumentIdentifier(document.uri), editor.position(document))
    found = await editor.client.text_document_signature_help_async(params)
    assert found
    assert found.signatures[0].label.startswith("total(discount: int")
    assert found.active_parameter == 1


async def test_a_name_leads_to_its_definition_in_another_file(start_editor: StartEditor, root: Path, kind: str) -> None:
    (root / "shop.py").write_text(SHOP)
    editor = await start_editor(kind)
    document = editor.open("main.py", f"from shop import Basket\n\nb = Bas{MARK}ket()\n")
    params = types.DefinitionParams(types.TextDocumentIdentifier(document.uri), editor.position(document))
    found = await editor.client.text_document_definition_async(params)
    assert isinstance(found, list)
    [place] = found
    assert isinstance(place, types.Location)
    assert place.uri == (root / "shop.py").as_uri()
    assert place.range.start == types.Position(3, 6)


async def test_the_outline_holds_methods_inside_their_class(start_editor: StartEditor, kind: str) -> None:
    editor = await start_editor(kind)
    document = editor.open("shop.py", SHOP)
    params = types.DocumentSymbolParams(types.TextDocumentIdentifier(document.uri))
    found = await editor.client.text_document_document_symbol_async(params)
    assert found
    basket = found[0]
    assert isinstance(basket, types.DocumentSymbol)
    assert [s.name for s in found] == ["Basket", "visit"]
    assert "total" in [child.name for child in basket.children or []]


async def test_answers_follow_incremental_changes(start_editor: StartEditor, kind: str) -> None:
    """Typed, deleted and pasted over several lines: the server's text must stay the editor's."""
    editor = await start_editor(kind)
    document = editor.open("edit.py", f"# 😀 é\nimport os\n{MARK}\n# the end\n")
    for char in "os.getcw":
        editor.type(document, char)
    assert [item.label for item in (await editor.completion(document)).items] == ["getcwd", "getcwdb"]
    start = document.at("import os\n")
    editor.replace(document, start, document.cursor, "def added(one, two):\n    return one\n\n\n")
    editor.type(document, "add")
    assert "added" in [item.label for item in (await editor.completion(document)).items]
    editor.replace(document, document.text.index("# 😀"), document.text.index(" é"), "# 🧩🧩")
    await editor.hover_saying(document, document.at("def add"), "added(one, two)")
