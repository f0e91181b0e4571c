"""What the server says of itself in `initialize`, to two editors with different abilities."""

from __future__ import annotations

import pytest
from editor import MARK, NEOVIM, VSCODE, Editor, StartEditor, WriteScript
from lsprotocol import types

BOTH = pytest.mark.parametrize("kind", [VSCODE, NEOVIM])
KINDS = types.PositionEncodingKind


@BOTH
async def test_everything_the_server_can_do_is_advertised(
    start_editor: StartEditor, no_models: None, kind: str
) -> None:
    editor = await start_editor(kind)
    can = editor.result.capabilities
    assert can.inline_completion_provider is not None
    assert can.completion_provider is not None
    assert can.completion_provider.resolve_provider
    assert list(can.completion_provider.trigger_characters or ()) == ["."]
    assert can.hover_provider
    assert can.signature_help_provider is not None
    assert list(can.signature_help_provider.trigger_characters or ()) == ["(", ","]
    assert can.definition_provider
    assert can.document_symbol_provider
    assert can.workspace_symbol_provider
    assert can.execute_command_provider is not None
    ours = {"zi.restartEngine", "zi.whyNoSuggestion", "zi.search", "zi.indexStatus"}
    assert ours <= set(can.execute_command_provider.commands)
    assert isinstance(can.text_document_sync, types.TextDocumentSyncOptions)
    assert can.text_document_sync.change is types.TextDocumentSyncKind.Incremental
    assert can.text_document_sync.open_close
    assert can.text_document_sync.save
    assert editor.result.server_info
    assert editor.result.server_info.name == "zicoder"


@pytest.mark.parametrize(
    ("offered", "chosen", "column"),
    [
        ([KINDS.Utf8], KINDS.Utf8, 19),
        ([KINDS.Utf16], KINDS.Utf16, 14),
        ([KINDS.Utf32], KINDS.Utf32, 12),
        (None, KINDS.Utf16, 14),
    ],
    ids=["utf-8", "utf-16", "utf-32", "nothing said"],
)
async def test_columns_are_counted_as_negotiated(
    start_editor: StartEditor, script: WriteScript, offered: list[KINDS] | None, chosen: KINDS, column: int
) -> None:
    """One emoji before the cursor is four bytes, two UTF-16 units or one code point; é is two, one and one."""
    script({"after": "y = '🧩é😀' + ", "text": "str(1)"})

    def offer(editor: Editor) -> None:
        editor.capabilities.general = types.GeneralClientCapabilities(position_encodings=offered)

    editor = await start_editor(prepare=offer)
    await editor.status("ready")
    assert editor.encoding == chosen
    document = editor.open("app.py", f"x = 1\ny = '🧩é😀' + {MARK}\n")
    assert editor.position(document) == types.Position(1, column)
    assert await editor.ghost(document) == "str(1)"


async def test_an_item_is_inserted_where_the_cursor_is_in_the_editors_own_units(
    start_editor: StartEditor, script: WriteScript
) -> None:
    script({"after": "return ", "text": "1"})
    editor = await start_editor()
    await editor.status("ready")
    document = editor.open("app.py", f"def f(): '😀'; return {MARK}\n")
    found = await editor.client.text_document_inline_completion_async(editor.inline_params(document))
    assert isinstance(found, types.InlineCompletionList)
    assert found.items[0].range == types.Range(types.Position(0, 22), types.Position(0, 22))
