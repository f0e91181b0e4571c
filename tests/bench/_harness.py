"""What every benchmark shares: a client over the real server, medians, and the JSON file per commit."""

from __future__ import annotations

import asyncio
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

import psutil
from lsprotocol import types
from pygls.lsp.client import LanguageClient

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results"


def median(values: Sequence[float], digits: int = 1) -> float:
    return round(statistics.median(values), digits)


async def timed(work: Awaitable[Any]) -> tuple[Any, float]:
    """The answer, and the milliseconds it took."""
    start = time.perf_counter()
    value = await work
    return value, (time.perf_counter() - start) * 1000


class Editor:
    """An LSP client over a server subprocess."""

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        self.client = LanguageClient("zi-bench", "1")
        self.states: list[str] = []
        self._changed = asyncio.Event()
        self._version = 0

        @self.client.feature("zi/status")
        def status(params: Any) -> None:
            self.states.append(params.state)
            self._changed.set()

        @self.client.feature(types.WORKSPACE_CONFIGURATION)
        def configuration(params: types.ConfigurationParams) -> list[Any]:
            return [settings for _ in params.items]

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def message(_: types.ShowMessageParams) -> None:
            return None

    async def start(self, root: Path, *, arguments: Sequence[str] = ("-m", "zicoder", "lsp")) -> float:
        """Spawn and initialize; milliseconds from spawn to the answer to `initialize`."""
        start = time.perf_counter()
        await self.client.start_io(sys.executable, "-P", *arguments)
        capabilities = types.ClientCapabilities(
            workspace=types.WorkspaceClientCapabilities(configuration=True),
            text_document=types.TextDocumentClientCapabilities(
                inline_completion=types.InlineCompletionClientCapabilities()
            ),
        )
        await self.client.initialize_async(types.InitializeParams(capabilities=capabilities, root_uri=root.as_uri()))
        return (time.perf_counter() - start) * 1000

    @property
    def process(self) -> psutil.Process:
        assert self.client._server is not None
        return psutil.Process(self.client._server.pid)

    def engine(self) -> psutil.Process:
        for child in self.process.children(recursive=True):
            if "zicoder.engine.worker" in child.cmdline():
                return child
        raise LookupError("no engine process")

    async def ready(self, seconds: float = 120) -> None:
        """Say `initialized` and wait for the model."""
        self.client.initialized(types.InitializedParams())
        async with asyncio.timeout(seconds):
            while not (self.states and self.states[-1] == "ready"):
                self._changed.clear()
                await self._changed.wait()

    def open(self, uri: str, text: str, language: str = "python") -> None:
        item = types.TextDocumentItem(uri=uri, language_id=language, version=0, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))

    def type(self, uri: str, position: types.Position, text: str) -> types.Position:
        """Insert text on one line; the position behind it."""
        self._version += 1
        change = types.TextDocumentContentChangePartial(range=types.Range(position, position), text=text)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=self._version, uri=uri), [change]
            )
        )
        return types.Position(position.line, position.character + len(text))

    def cursor(self, uri: str, position: types.Position) -> None:
        self.client.protocol.notify(
            "zi/cursorMoved",
            {"textDocument": {"uri": uri}, "position": {"line": position.line, "character": position.character}},
        )

    async def ghost(self, uri: str, position: types.Position, *, invoked: bool = False) -> str:
        kind = types.InlineCompletionTriggerKind
        result = await self.client.text_document_inline_completion_async(
            types.InlineCompletionParams(
                text_document=types.TextDocumentIdentifier(uri),
                position=position,
                context=types.InlineCompletionContext(trigger_kind=kind.Invoked if invoked else kind.Automatic),
            )
        )
        items = list(result.items if isinstance(result, types.InlineCompletionList) else result or [])
        return str(items[0].insert_text) if items else ""

    async def why(self) -> Any:
        """The trace of the last request."""
        return await self.client.workspace_execute_command_async(
            types.ExecuteCommandParams(command="zi.whyNoSuggestion")
        )

    async def stop(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()


def keep(name: str, result: dict[str, Any]) -> Path:
    """Write the result under the current commit; the path."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{commit or 'unknown'}.json"
    path.write_text(json.dumps({**machine(), **result}, indent=2) + "\n", encoding="utf-8")
    return path


def machine() -> dict[str, Any]:
    return {
        "cores": psutil.cpu_count(logical=False),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(psutil.getloadavg()[0], 2),
    }


def report(name: str, result: dict[str, Any], argv: Sequence[str]) -> int:
    """Keep the result and print it, as JSON or as lines."""
    path = keep(name, result)
    if "--json" in argv:
        print(json.dumps({**machine(), **result}, indent=2))
    else:
        for key, value in result.items():
            print(f"{key:<40} {value}")
        print(f"kept in {path.relative_to(ROOT)}")
    return 0
