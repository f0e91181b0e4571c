"""What the language server must not import before it has answered `initialize`: it would keep the editor waiting."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

INDEX = {"lancedb", "pyarrow", "numpy", "tree_sitter", "watchfiles", "filelock"}
"""What the code index needs; without a folder there is nothing to index."""
NEVER = INDEX | {"llama_cpp", "torch", "ctranslate2", "sentence_transformers", "huggingface_hub", "rich"}
HEAVY = NEVER | {"jedi", "parso", "httpx", "httpx2"}


def send(stdin: IO[bytes], message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0"} | message).encode()
    stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    stdin.flush()


def receive(stdout: IO[bytes], request: int) -> dict[str, Any]:
    """The response to a request; what the server says in between is passed over."""
    while True:
        size = 0
        while line := stdout.readline().strip():
            size = int(line.removeprefix(b"Content-Length:")) if line.startswith(b"Content-Length:") else size
        message = json.loads(stdout.read(size))
        if message.get("id") == request and "method" not in message:
            return message["result"]


def imports_of_a_session(log: Path, *messages: dict[str, Any]) -> tuple[set[str], list[Any]]:
    """Top-level packages imported, and the results of the requests."""
    command = [sys.executable, "-X", "importtime", "-P", "-m", "zicoder", "lsp"]
    results: list[Any] = []
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr) as server,
    ):
        assert server.stdin
        assert server.stdout
        for message in messages:
            send(server.stdin, message)
            if "id" in message:
                results.append(receive(server.stdout, message["id"]))
        server.wait(timeout=60)
    # import time:      1234 |       5678 |   package.module
    modules = re.findall(r"^import time:[\d |]+\| +([\w.]+)$", log.read_text(errors="replace"), re.MULTILINE)
    assert "pygls" in modules
    return {name.partition(".")[0] for name in modules}, results


INITIALIZE = {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}}
SHUTDOWN = {"id": 9, "method": "shutdown"}
EXIT = {"method": "exit"}


def test_initialize_is_answered_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    imported, (answer, _) = imports_of_a_session(tmp_path / "log", INITIALIZE, SHUTDOWN, EXIT)
    assert answer["capabilities"]["hoverProvider"]
    assert not imported & HEAVY


def test_the_server_never_imports_what_belongs_to_other_processes(tmp_path: Path, monkeypatch) -> None:
    script = tmp_path / "script.toml"
    script.write_text('[[rule]]\nafter = "return "\ntext = "width * height"\n')
    monkeypatch.setenv("ZI_MODEL__INFILL", f"scripted:{script}")
    text = "def area(width, height):\n    return "
    document = {"uri": "file:///area.py", "languageId": "python", "version": 1, "text": text}
    place = {"textDocument": {"uri": document["uri"]}, "position": {"line": 0, "character": 5}}
    end = place | {"position": {"line": 1, "character": 11}, "context": {"triggerKind": 1}}
    imported, (_, hover, *_) = imports_of_a_session(
        tmp_path / "log",
        INITIALIZE,
        {"method": "initialized", "params": {}},
        {"method": "textDocument/didOpen", "params": {"textDocument": document}},
        {"id": 2, "method": "textDocument/hover", "params": place},
        {"id": 3, "method": "textDocument/inlineCompletion", "params": end},
        SHUTDOWN,
        EXIT,
    )
    assert "area(width, height)" in hover["contents"]["value"]
    assert "jedi" in imported
    assert not imported & NEVER
