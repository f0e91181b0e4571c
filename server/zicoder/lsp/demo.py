# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# (pygls types its decorators only in part)
"""`zi demo`: the real server as a subprocess over stdio, asked what an editor would ask, on a bundled project."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.syntax import Syntax

from zicoder import __version__
from zicoder.lsp.convert import position_at
from zicoder.text import Snapshot

__all__ = ["EditorStandIn", "run_demo"]

SAMPLE = Path(__file__).parent / "sample"
HOLE_AFTER, HOLE_END = "return sum(", "\n"
START_S = 120.0
"""A first start may have to read half a gigabyte of weights from a slow disk."""


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer and the milliseconds it took."""

    value: Any
    ms: float


class EditorStandIn:
    """A client with VS Code's capabilities, as far as the demo needs them, over a server subprocess."""

    def __init__(self) -> None:
        self.client = LanguageClient("zi-demo", __version__)
        self.statuses: list[Any] = []
        self._status_changed = asyncio.Event()

        @self.client.feature("zi/status")
        def status(params: Any) -> None:
            self.statuses.append(params)
            self._status_changed.set()

        @self.client.feature(types.WORKSPACE_CONFIGURATION)
        def configuration(params: types.ConfigurationParams) -> list[None]:
            return [None] * len(params.items)

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def message(params: types.ShowMessageParams) -> None:
            print(params.message, file=sys.stderr)  # noqa: T201 - the user's own terminal

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def diagnostics(_: types.PublishDiagnosticsParams) -> None:
            """The sample has none."""

    async def start(self, root: Path) -> None:
        """Spawn the server and shake hands."""
        await self.client.start_io(sys.executable, "-P", "-m", "zicoder", "lsp")
        await self.client.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(
                    workspace=types.WorkspaceClientCapabilities(configuration=True),
                    text_document=types.TextDocumentClientCapabilities(
                        inline_completion=types.InlineCompletionClientCapabilities(),
                        hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
                    ),
                ),
                root_uri=root.as_uri(),
                workspace_folders=[types.WorkspaceFolder(uri=root.as_uri(), name=root.name)],
            )
        )
        self.client.initialized(types.InitializedParams())

    async def settled(self) -> Any:
        """Wait until the model is ready or cannot be; the status that says so."""
        async with asyncio.timeout(START_S):
            while not (self.statuses and self.statuses[-1].state not in ("starting", "loading")):
                self._status_changed.clear()
                await self._status_changed.wait()
        return self.statuses[-1]

    async def stop(self) -> None:
        """Shut the server down in the way the protocol asks for."""
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()


async def _timed(work: Awaitable[Any]) -> Timed:
    start = time.perf_counter()
    value = await work
    return Timed(value, (time.perf_counter() - start) * 1000)


def run_demo() -> int:
    """Show what an editor would get, from the models that are installed; 0 when all of it worked."""
    console = Console()
    console.print(f"[bold]Zi Coder {__version__}[/bold]: a language server on this machine, nothing leaves it.\n")
    with tempfile.TemporaryDirectory(prefix="zi-demo-") as folder:
        root = Path(folder).resolve() / "sample"
        shutil.copytree(SAMPLE, root)
        whole = (root / "shop" / "basket.py").read_text(encoding="utf-8")
        return asyncio.run(_show(console, root, whole))


async def _show(console: Console, root: Path, whole: str) -> int:
    editor = EditorStandIn()
    try:
        with _spinner(console, "Starting the language server ...") as done:
            start = await _timed(editor.start(root))
            done(f"`initialize` answered after {start.ms:.0f} ms")
        with _spinner(console, "Loading the model ...") as done:
            ready = await _timed(editor.settled())
            done(f"{ready.value.message} ({ready.value.model or 'no model'}; {ready.ms:.0f} ms)")
        ok = await _ask(console, editor, root / "shop" / "basket.py", whole)
    finally:
        await editor.stop()
    console.print(_HOW_TO_GO_ON)
    return 0 if ok else 1


async def _ask(console: Console, editor: EditorStandIn, path: Path, whole: str) -> bool:
    start = whole.index(HOLE_AFTER) + len(HOLE_AFTER)
    text = whole[:start] + whole[whole.index(HOLE_END, start) :]
    snapshot = Snapshot(uri=path.as_uri(), text=text, path=path)
    client, document = editor.client, types.TextDocumentIdentifier(uri=snapshot.uri)
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(
            text_document=types.TextDocumentItem(uri=snapshot.uri, language_id="python", version=1, text=text)
        )
    )

    def at(marker: str) -> types.Position:
        return position_at(snapshot, text.index(marker) + len(marker), "utf-16")

    ghost = await _timed(
        client.text_document_inline_completion_async(
            types.InlineCompletionParams(
                text_document=document,
                position=at(HOLE_AFTER),
                context=types.InlineCompletionContext(trigger_kind=types.InlineCompletionTriggerKind.Invoked),
            )
        )
    )
    items: list[types.InlineCompletionItem] = ghost.value.items if ghost.value else []
    _show_ghost(console, snapshot, start, str(items[0].insert_text) if items else "", ghost.ms)
    members = await _timed(
        client.text_document_completion_async(
            types.CompletionParams(text_document=document, position=at("\n    basket."))
        )
    )
    labels = [item.label for item in members.value.items if not item.label.startswith("_")] if members.value else []
    console.print(f"[bold]Members after[/bold] basket.   [dim]jedi, {members.ms:.0f} ms[/dim]")
    console.print("  " + ", ".join(labels[:8]) + "\n")
    hover = await _timed(
        client.text_document_hover_async(types.HoverParams(text_document=document, position=at("print(basket.to")))
    )
    console.print(f"[bold]Hover[/bold] over total   [dim]jedi, {hover.ms:.0f} ms[/dim]")
    console.print(Panel(Markdown(hover.value.contents.value) if hover.value else "nothing", expand=False))
    return bool(items and labels and hover.value)


def _show_ghost(console: Console, snapshot: Snapshot, offset: int, text: str, ms: float) -> None:
    line = snapshot.lines.position(offset).line
    shown = "\n".join(snapshot.lines.line(n) for n in range(max(0, line - 3), line + 1)) + text
    console.print(f"[bold]Ghost text[/bold] in shop/basket.py   [dim]fill in the middle, {ms:.0f} ms[/dim]")
    console.print(Syntax(shown, "python", background_color="default"))
    console.print(f"  suggested: [green]{text or 'nothing'}[/green]\n", highlight=False)


@contextmanager
def _spinner(console: Console, text: str) -> Generator[Callable[[str], None]]:
    """Show that something goes on; `done` replaces the text by what came of it."""
    result: list[str] = []
    with console.status(text):
        yield result.append
    for line in result:
        console.print(f"  {line}")


_HOW_TO_GO_ON = """
[bold]In your editor[/bold]
  VS Code   make vscode, then: code --install-extension client-vscode/dist/zicoder.vsix
  Neovim    vim.lsp.start({ name = 'zi', cmd = { 'zi', 'lsp' } })
  any other start `zi lsp` and speak LSP over its standard input and output
  README.md has the details.
"""
