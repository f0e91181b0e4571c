"""What every benchmark shares: a client over the real server, medians, and the JSON file per commit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import platform
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from lsprotocol import types
from pygls.lsp.client import LanguageClient

__all__ = ["Editor", "Request", "commit", "keep", "machine", "median", "report", "timed"]

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
        self.settings = settings
        self.commands: frozenset[str] = frozenset()
        """What the server can be asked to do."""
        self.states: list[str] = []
        self._changed = asyncio.Event()
        self._asked = asyncio.Event()
        self._version = 0

        @self.client.feature("zi/status")
        def status(params: Any) -> None:
            self.states.append(params.state)
            self._changed.set()

        @self.client.feature(types.WORKSPACE_CONFIGURATION)
        def configuration(params: types.ConfigurationParams) -> list[Any]:
            self._asked.set()
            return [self.settings for _ in params.items]

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def diagnostics(params: types.PublishDiagnosticsParams) -> None:
            self.marked(params)

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def message(_: types.ShowMessageParams) -> None:
            return None

    def marked(self, params: types.PublishDiagnosticsParams) -> None:
        """Diagnostics came. They are none of most benchmarks' business."""

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
        answer = await self.client.initialize_async(
            types.InitializeParams(capabilities=capabilities, root_uri=root.as_uri())
        )
        provider = answer.capabilities.execute_command_provider
        self.commands = frozenset(provider.commands if provider else ())
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

    async def configure(self, settings: dict[str, Any]) -> None:
        """Change the editor's settings, and wait until the server works by them."""
        self.settings = settings
        self._asked.clear()
        self.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
        await asyncio.wait_for(self._asked.wait(), 10)
        for _ in range(3):  # what it does with the answer takes some turns of its loop
            await self.command("zi.indexStatus")

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

    def close(self, uri: str) -> None:
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def save(self, uri: str) -> None:
        """Say that the document is on disk as it is open."""
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def cursor(self, uri: str, position: types.Position) -> None:
        self.client.protocol.notify(
            "zi/cursorMoved",
            {"textDocument": {"uri": uri}, "position": {"line": position.line, "character": position.character}},
        )

    def ask(self, uri: str, position: types.Position, *, invoked: bool = False) -> Request:
        """Request ghost text; the request can be awaited or cancelled."""
        return Request(self.client, uri, position, invoked)

    async def ghost(self, uri: str, position: types.Position, *, invoked: bool = False) -> str:
        return await self.ask(uri, position, invoked=invoked).text()

    async def command(self, name: str, *arguments: Any) -> Any:
        """Run one of the server's commands."""
        return await self.client.workspace_execute_command_async(types.ExecuteCommandParams(name, list(arguments)))

    async def why(self) -> Any:
        """The trace of the last request."""
        return await self.command("zi.whyNoSuggestion")

    async def index_ready(self, seconds: float = 1800) -> int:
        """Wait until the code index is up to date; the number of its files, 0 if there is to be none."""
        async with asyncio.timeout(seconds):
            while (status := await self.command("zi.indexStatus"))["state"] not in ("ready", "following"):
                if status["state"] == "off" and status["message"]:
                    break  # without a message it has only not been opened yet
                await asyncio.sleep(0.2)
        return int(status["files"])

    def cpu_s(self) -> float:
        """Processor time that the server and all its children have used so far, in seconds."""
        used = 0.0
        for process in (self.process, *self.process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system
        return used

    async def quiet(self, calm_s: float, most_s: float = 300) -> float:
        """Wait until the server has had nothing to do for so long, or `most_s` are over; the seconds that took.

        What it has to do: to read what is open, and with two models to measure what each of them can do here.
        """
        start = calm = time.monotonic()
        while time.monotonic() - calm < calm_s and time.monotonic() - start < most_s:
            before = self.cpu_s()
            await asyncio.sleep(0.5)
            if abs(self.cpu_s() - before) > 0.05:  # less: a child has ended, and its time with it
                calm = time.monotonic()
        return round(calm - start, 1)

    async def stop(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()


class Request:
    """One request for ghost text under way."""

    def __init__(self, client: LanguageClient, uri: str, position: types.Position, invoked: bool) -> None:
        kind = types.InlineCompletionTriggerKind
        self._client = client
        self._id = str(uuid.uuid4())
        self._answer = client.protocol.send_request_async(
            types.TEXT_DOCUMENT_INLINE_COMPLETION,
            types.InlineCompletionParams(
                text_document=types.TextDocumentIdentifier(uri),
                position=position,
                context=types.InlineCompletionContext(trigger_kind=kind.Invoked if invoked else kind.Automatic),
            ),
            msg_id=self._id,
        )

    async def text(self) -> str:
        """What is to be inserted, "" for nothing. Raises what the server answered instead."""
        result = await asyncio.shield(self._answer)
        items = list(result.items if isinstance(result, types.InlineCompletionList) else result or [])
        return str(items[0].insert_text) if items else ""

    def cancel(self) -> None:
        """Tell the server that nobody wants the answer; it may still come."""
        self._answer.add_done_callback(lambda answer: answer.cancelled() or answer.exception())  # nobody else looks
        self._client.cancel_request(types.CancelParams(id=self._id))


def commit() -> str:
    """The short name of the commit that is checked out."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def keep(name: str, result: dict[str, Any], rows: Mapping[str, Any] | None = None) -> Path:
    """Write the result under the current commit, `rows` with one line each; the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{commit()}.json"
    text = json.dumps({**machine(), **result}, indent=2)
    if rows is not None:
        lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
        text = f'{text[:-2]},\n  "rows": {{\n{lines}\n  }}\n}}'
    path.write_text(text + "\n", encoding="utf-8")
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
