"""The documentation against the code: generated pages are fresh, links lead somewhere, names exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from zicoder.cli import app
from zicoder.commands.builtin import COMMANDS
from zicoder.commands.names import NAMES
from zicoder.complete.filters import FILTERS
from zicoder.lsp.features.chat_page import CHAT_PAGE, MODELS_PAGE
from zicoder.lsp.features.inline_completion import CURSOR_MOVED
from zicoder.lsp.features.model_matrix import DELETE_KEY, SET_KEY
from zicoder.lsp.features.suggestion_feedback import ACCEPTED, REJECTED, SHOWN
from zicoder.lsp.front import APPROVE
from zicoder.lsp.server import TRUST_GRANTED, make_server
from zicoder.lsp.status import STATUS
from zicoder.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
MANIFEST: dict[str, Any] = json.loads((ROOT / "client-vscode" / "package.json").read_text(encoding="utf-8"))
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "client-vscode" / "README.md"],
    key=lambda path: path.relative_to(ROOT).as_posix(),
)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)


def commands(page: Path) -> Iterator[list[str]]:
    """Every command line: the lines of shell blocks, comments cut, and what stands between backticks."""
    for block in re.findall(r"^```(?:sh|powershell)\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            yield line.split("#")[0].split()
    for code in re.findall(r"`([^`\n]+)`", prose(page)):
        yield code.split()


def test_generated_files_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@every_page
def test_relative_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    for link in (link for link in links if "://" not in link):
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@every_page
def test_zi_commands_exist(page: Path) -> None:
    for words in commands(page):
        if words[:1] != ["zi"]:
            continue
        command: Any = typer.main.get_command(app)
        rest = words[1:]
        if rest[:1] == ["bench"]:
            assert (ROOT / "tests" / "bench" / f"{rest[1]}.py").is_file(), " ".join(words)
            continue  # each has options of its own
        while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
            assert rest[0] in command.commands, " ".join(words)
            command, rest = command.commands[rest[0]], rest[1:]
        known = {option for parameter in command.params for option in parameter.opts} | {"-h", "--help"}
        assert {word for word in rest if word.startswith("-")} <= known, " ".join(words)


@every_page
def test_make_targets_and_npm_scripts_exist(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    for words in commands(page):
        if words[:1] == ["make"]:
            assert set(words[1:]) <= targets, " ".join(words)
        elif words[:2] == ["npm", "run"]:
            assert words[2] in MANIFEST["scripts"], " ".join(words)


@every_page
def test_settings_exist(page: Path) -> None:
    named = set(re.findall(r"(?<![\w.])zi\.[a-z_]+\.[a-z_]+\b", text_of(page)))
    assert named <= set(MANIFEST["contributes"]["configuration"]["properties"])


@every_page
def test_source_files_exist(page: Path) -> None:
    """Paths from the top of the checkout, and from the package where a page speaks of its rooms."""
    paths = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|toml|ts|md|json))`", prose(page))
    for path in (path for path in paths if not path.startswith(".")):
        roots = (ROOT, ROOT / "server" / "zicoder", ROOT / "server" / "zicoder" / "lsp", page.parent)
        assert any((root / path).exists() for root in roots), path


def test_the_manifest_restricts_what_a_project_may_not_set() -> None:
    """VS Code keeps a workspace without trust from setting these."""
    private = {
        f"zi.{section}.{key}"
        for section, info in Settings.model_fields.items()
        for key, schema in info.annotation.model_json_schema()["properties"].items()  # type: ignore[union-attr]
        if schema.get("user_only")
    }
    assert private
    assert private <= set(MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"])


def test_the_protocol_page_has_every_extension_and_no_other() -> None:
    page = text_of(ROOT / "docs" / "lsp.md")
    assert set(re.findall(r"`(zi/\w+)`", page)) == {
        STATUS, CURSOR_MOVED, SHOWN, ACCEPTED, REJECTED, APPROVE, CHAT_PAGE, MODELS_PAGE, SET_KEY, DELETE_KEY,
        TRUST_GRANTED,
    }  # fmt: skip
    features = make_server().protocol.fm
    assert {name for name in features.features if name.startswith("zi/")} == {
        CURSOR_MOVED, SHOWN, ACCEPTED, REJECTED, CHAT_PAGE, MODELS_PAGE, SET_KEY, DELETE_KEY, TRUST_GRANTED,
    }  # fmt: skip
    slashed = {f"zi.command.{name}" for name in NAMES}
    assert set(re.findall(r"`(zi\.\w+)`", page)) == set(features.commands) - slashed
    assert slashed <= set(features.commands)
    assert "`zi.command.NAME`" in page
    assert set(NAMES) == {command.name for command in COMMANDS}
    listed = set(re.findall(r"`((?:textDocument|completionItem)/\w+)`", page))
    assert listed == {name for name in features.features if name.startswith(("textDocument/", "completionItem/"))}
    named = set(re.findall(r"`(workspace/\w+)`", page))
    assert {name for name in features.features if name.startswith("workspace/")} <= named


def test_the_architecture_page_has_the_enforced_order() -> None:
    config = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in config if contract["type"] == "layers")
    order = " > ".join(layer.replace("zicoder.", "") for layer in layers)
    page = text_of(ROOT / "docs" / "architecture.md")
    assert order in page
    for room in re.findall(r"\w+", order):
        assert f"`{room}/`" in page or f"`{room}.py`" in page, room


def test_the_request_page_lists_the_filters_in_order() -> None:
    page = " ".join(text_of(ROOT / "docs" / "request.md").split())
    assert ", ".join(f"`{filter_.__name__}`" for filter_ in FILTERS) in page
