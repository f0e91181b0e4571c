"""The jedi-backed features: what a client gets, for what it said it can show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest
from lsprotocol import types
from pygls.protocol import default_converter

from zicoder.assist.jedi_bridge import JediBridge
from zicoder.commands.session import Session
from zicoder.lsp.assistant import Assistant
from zicoder.lsp.features import completion, definition, document_symbol, hover, signature_help
from zicoder.lsp.host import documentation
from zicoder.lsp.hovering import Hovering
from zicoder.text import Snapshot

URI = "untitled:Untitled-1"
VSCODE = {
    "textDocument": {
        "completion": {
            "completionItem": {"documentationFormat": ["markdown", "plaintext"]},
            "completionList": {"itemDefaults": ["commitCharacters", "editRange", "data"]},
        },
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "signatureHelp": {
            "signatureInformation": {
                "documentationFormat": ["markdown", "plaintext"],
                "parameterInformation": {"labelOffsetSupport": True},
            }
        },
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
    }
}
BARE: dict[str, Any] = {}


class Host:
    """A server reduced to one document."""

    encoding = "utf-16"
    project = None
    completer = None

    def __init__(self, jedi: JediBridge) -> None:
        self.jedi = jedi
        self.assistant = Assistant(self)
        self.hovering = Hovering(self)
        self.handlers: dict[str, Callable[..., Any]] = {}
        self.document = Snapshot(URI, "", 1, "python")
        self.speak(VSCODE)
        for feature in (completion, hover, signature_help, definition, document_symbol):
            feature.register(self)

    def speak(self, capabilities: dict[str, Any]) -> None:
        self.client_capabilities = default_converter().structure(capabilities, types.ClientCapabilities)

    @property
    def open_uris(self) -> list[str]:
        return [URI]

    def snapshots(self) -> list[Snapshot]:
        return [self.document]

    def snapshot(self, uri: str) -> Snapshot | None:
        return self.document if uri == URI else None

    async def slash_session(self) -> Session:
        raise AssertionError("nothing here needs a model")

    def feature(self, feature_name: str, options: Any | None = None) -> Callable[..., Any]:
        def keep(handler: Callable[..., Any]) -> Callable[..., Any]:
            self.handlers[feature_name] = handler
            return handler

        return keep

    def command(self, command_name: str) -> Callable[..., Any]:
        return self.feature(command_name)

    def in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)

    def show(self, marked: str) -> types.Position:
        """Open a text; returns the client's position of the mark in it."""
        before, _, after = marked.partition("‸")
        self.document = Snapshot(URI, before + after, self.document.version + 1, "python")
        lines = before.split("\n")
        return types.Position(len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2)

    async def ask(self, method: str, position: types.Position | None = None, uri: str = URI) -> Any:
        document = types.TextDocumentIdentifier(uri)
        params: Any = types.HoverParams(document, position) if position else types.DocumentSymbolParams(document)
        return await self.handlers[method](params)


@pytest.fixture(scope="module")
def jedi() -> Iterator[JediBridge]:
    bridge = JediBridge()
    yield bridge
    bridge.close()


@pytest.fixture
def host(jedi: JediBridge) -> Host:
    return Host(jedi)


POSITIONED = [
    types.TEXT_DOCUMENT_COMPLETION,
    types.TEXT_DOCUMENT_HOVER,
    types.TEXT_DOCUMENT_SIGNATURE_HELP,
    types.TEXT_DOCUMENT_DEFINITION,
]


@pytest.mark.parametrize("method", [*POSITIONED, types.TEXT_DOCUMENT_DOCUMENT_SYMBOL])
async def test_other_languages_and_unknown_documents_get_nothing(host: Host, method: str) -> None:
    position = host.show("print(‸") if method in POSITIONED else None
    assert await host.ask(method, position, "file:///never/opened.py") is None
    host.document = replace(host.document, language="rust")
    assert await host.ask(method, position) is None


async def test_completion_for_a_client_with_list_defaults(host: Host) -> None:
    position = host.show("'😀'; import os; os.getc‸wd")
    found = await host.ask(types.TEXT_DOCUMENT_COMPLETION, position)
    assert [item.label for item in found.items] == ["getcwd", "getcwdb"]
    assert found.item_defaults.edit_range == types.Range(types.Position(0, 20), types.Position(0, 24))
    assert all(item.text_edit is None for item in found.items)
    assert not found.is_incomplete


async def test_completion_for_a_bare_client(host: Host) -> None:
    host.speak(BARE)
    position = host.show("import os\nos.getc‸")
    found = await host.ask(types.TEXT_DOCUMENT_COMPLETION, position)
    edit = found.items[0].text_edit
    assert edit == types.TextEdit(types.Range(types.Position(1, 3), types.Position(1, 7)), "getcwd")
    assert found.item_defaults is None


async def test_the_item_a_user_looks_at_gets_its_documentation(host: Host) -> None:
    position = host.show("def greet(name):\n    'Say *hi*.'\ngre‸")
    found = await host.ask(types.TEXT_DOCUMENT_COMPLETION, position)
    item = await host.handlers[types.COMPLETION_ITEM_RESOLVE](found.items[0])
    assert item.detail == "greet(name)"
    assert item.documentation == types.MarkupContent(types.MarkupKind.Markdown, "Say \\*hi\\*.")
    strange = types.CompletionItem(label="x", data={"not": "ours"})
    assert await host.handlers[types.COMPLETION_ITEM_RESOLVE](strange) == strange


async def test_hover_in_the_format_the_client_reads(host: Host) -> None:
    position = host.show("def greet(): 'Say *hi*.'\ngr‸eet")
    found = await host.ask(types.TEXT_DOCUMENT_HOVER, position)
    assert found.contents.kind == types.MarkupKind.Markdown
    assert found.range == types.Range(types.Position(1, 0), types.Position(1, 5))
    host.speak(BARE)
    found = await host.ask(types.TEXT_DOCUMENT_HOVER, position)
    assert (found.contents.kind, found.contents.value) == (
        types.MarkupKind.PlainText,
        "def greet()\n\nSay *hi*.",
    )


async def test_signature_help(host: Host) -> None:
    position = host.show("def f(a='😀', b=1): pass\nf(1, ‸")
    found = await host.ask(types.TEXT_DOCUMENT_SIGNATURE_HELP, position)
    assert (found.active_signature, found.active_parameter) == (0, 1)
    assert found.signatures[0].label == "f(a='😀', b=1)"
    assert [p.label for p in found.signatures[0].parameters] == [(2, 8), (10, 13)]
    host.speak(BARE)
    found = await host.ask(types.TEXT_DOCUMENT_SIGNATURE_HELP, position)
    assert [p.label for p in found.signatures[0].parameters] == ["a='😀'", "b=1"]


async def test_definition_in_an_untitled_document(host: Host) -> None:
    position = host.show("'😀'; name = 1\nna‸me")
    (place,) = await host.ask(types.TEXT_DOCUMENT_DEFINITION, position)
    assert place == types.Location(URI, types.Range(types.Position(0, 6), types.Position(0, 10)))
    assert await host.ask(types.TEXT_DOCUMENT_DEFINITION, host.show("nowhere_defined‸")) is None


async def test_outlines_with_and_without_hierarchy(host: Host) -> None:
    host.show("class Box:\n    def area(self): pass\n")
    (box,) = await host.ask(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    assert (box.name, [child.name for child in box.children]) == ("Box", ["area"])
    assert box.range == types.Range(types.Position(0, 0), types.Position(1, 24))
    host.speak(BARE)
    flat = await host.ask(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    assert [(entry.name, entry.container_name) for entry in flat] == [("Box", None), ("area", "Box")]


@pytest.mark.parametrize("method", POSITIONED)
async def test_an_answer_about_an_older_version_is_not_shown(host: Host, method: str) -> None:
    marked = "def f(a): pass\nf(‸" if method == types.TEXT_DOCUMENT_SIGNATURE_HELP else "def f(a): pass\nf‸"
    asked = asyncio.create_task(host.ask(method, host.show(marked)))
    await asyncio.sleep(0)
    host.show("x = 1\n" + marked)
    answer = await asked
    if method == types.TEXT_DOCUMENT_COMPLETION:
        assert answer == types.CompletionList(is_incomplete=True, items=[])
    else:
        assert answer is None


async def test_an_outline_is_made_again_when_the_document_moved_on(host: Host) -> None:
    host.show("old = 1\n")
    asked = asyncio.create_task(host.ask(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL))
    await asyncio.sleep(0)
    host.show("\nnew = 1\n")
    (symbol,) = await asked
    assert (symbol.name, symbol.range.start.line) == ("new", 1)


@pytest.mark.parametrize(
    ("formats", "kind"),
    [
        (["markdown", "plaintext"], types.MarkupKind.Markdown),
        (["plaintext", "markdown"], types.MarkupKind.PlainText),
        (["future", "markdown"], types.MarkupKind.Markdown),
        ([], types.MarkupKind.PlainText),
        (None, types.MarkupKind.PlainText),
    ],
)
def test_the_first_known_format_is_used(formats: Any, kind: types.MarkupKind) -> None:
    assert documentation("md", "text", formats).kind == kind
