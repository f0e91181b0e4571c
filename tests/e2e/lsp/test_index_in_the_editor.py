"""The code index as an editor meets it: found by name and by meaning, up to date, shared, and gone when it should."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from editor import MARK, NEOVIM, VSCODE, WAIT_S, Editor, StartEditor
from lsprotocol import types

BOTH = pytest.mark.parametrize("kind", [VSCODE, NEOVIM])
QUESTION = "how is an invoice sent to the customer"
BILLING = '''"""Billing."""


class Invoice:
    """What a customer owes."""

    def send_to_customer(self, address):
        """Send the invoice by mail."""
        return deliver(address, self)


def deliver(address, letter):
    return address, letter
'''


@pytest.fixture(autouse=True)
def a_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small project, and no model: the index is what is tested."""
    monkeypatch.setenv("ZI_MODEL__INFILL", "none")
    (root / "shop").mkdir()
    (root / "shop" / "billing.py").write_text(BILLING, encoding="utf-8")
    (root / "shop" / "stock.ts").write_text("export function countShelves(rows: number) {\n  return rows * 4;\n}\n")
    (root / "README.md").write_text("# Shop\n\nSells things.\n")


async def state(editor: Editor) -> dict[str, Any]:
    """What `zi.indexStatus` answers."""
    return (await ask(editor, "zi.indexStatus"))[0]


async def ask(editor: Editor, command: str, *arguments: Any) -> list[Any]:
    params = types.ExecuteCommandParams(command, list(arguments) or None)
    answer = plain(await asyncio.wait_for(editor.client.workspace_execute_command_async(params), WAIT_S))
    return answer if isinstance(answer, list) else [answer]


def plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


async def reach(editor: Editor, wanted: str) -> dict[str, Any]:
    """Wait until the index is in this state."""
    return await eventually(lambda: state(editor), lambda now: now["state"] == wanted, f"index {wanted}", editor)


async def eventually(question: Any, good: Any, what: str, editor: Editor) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not good(answer := await question()):
        late = time.monotonic() > deadline
        assert not late, f"never: {what}\n{answer}\n{editor.client.log}"
        assert "Traceback" not in editor.client.log, editor.client.log
        await asyncio.sleep(0.1)
    return answer


async def symbols(editor: Editor, query: str) -> list[types.WorkspaceSymbol]:
    found = await editor.client.workspace_symbol_async(types.WorkspaceSymbolParams(query))
    assert found is not None
    return list(found)  # type: ignore[arg-type]


async def names(editor: Editor, query: str) -> list[str]:
    return [symbol.name for symbol in await symbols(editor, query)]


async def found(editor: Editor, name: str) -> None:
    await eventually(lambda: names(editor, name), lambda names: name in names, f"{name} found", editor)


async def gone(editor: Editor, name: str) -> None:
    await eventually(lambda: names(editor, name), lambda names: name not in names, f"{name} gone", editor)


def save(editor: Editor, document: Any) -> None:
    assert editor.root
    path = editor.root / document.uri.rpartition("/project/")[2]
    path.write_text(document.text, encoding="utf-8")
    identifier = types.TextDocumentIdentifier(document.uri)
    editor.client.text_document_did_save(types.DidSaveTextDocumentParams(identifier))


def many_files(root: Path, count: int) -> None:
    """Enough for the editor to show a progress bar."""
    for number in range(count):
        body = "".join(f"def step_{number}_{n}(value):\n    return value + {n}\n\n\n" for n in range(150))
        (root / f"generated_by_hand_{number}.py").write_text(body)


# --- the first index


async def test_the_first_index_shows_a_progress_bar(start_editor: StartEditor, root: Path) -> None:
    many_files(root, 60)  # several times what a bar waits for
    editor = await start_editor()
    assert (await reach(editor, "ready"))["files"] == 63
    bars = [reports for token, reports in editor.client.progress_reports.items() if str(token).startswith("zi-work")]
    await editor.until(lambda: any(isinstance(bar[-1], types.WorkDoneProgressEnd) for bar in bars), "the bar gone")
    for bar in bars:
        assert isinstance(bar[0], types.WorkDoneProgressBegin)
        assert bar[0].title == "Zi Coder: indexing"
        reports = [one for one in bar if isinstance(one, types.WorkDoneProgressReport)]
        percentages = [one.percentage for one in reports if one.percentage is not None]
        assert percentages == sorted(percentages)


async def test_an_editor_without_progress_bars_is_not_asked_for_one(start_editor: StartEditor, root: Path) -> None:
    def cannot(editor: Editor) -> None:
        assert editor.capabilities.window
        editor.capabilities.window.work_done_progress = False

    many_files(root, 15)
    editor = await start_editor(prepare=cannot)
    assert (await reach(editor, "ready"))["files"] == 18
    assert not editor.client.progress_reports


@BOTH
async def test_symbols_of_the_whole_project_are_found(start_editor: StartEditor, root: Path, kind: str) -> None:
    editor = await start_editor(kind)
    assert editor.result.capabilities.workspace_symbol_provider
    await reach(editor, "ready")
    [exact, *_] = await symbols(editor, "send_to_customer")
    assert (exact.name, exact.kind, exact.container_name) == (
        "send_to_customer", types.SymbolKind.Method, "Invoice",
    )  # fmt: skip
    assert isinstance(exact.location, types.Location)
    assert exact.location.uri == (root / "shop" / "billing.py").as_uri()
    assert exact.location.range.start.line == 6
    assert (await names(editor, "invo"))[0] == "Invoice"
    assert (await names(editor, "cS"))[0] == "countShelves"
    assert "deliver" in await names(editor, "bring a letter to an address")
    assert await names(editor, "") is not None


async def test_search_finds_by_meaning_and_takes_its_arguments(start_editor: StartEditor, root: Path) -> None:
    editor = await start_editor()
    await reach(editor, "ready")
    hits = await ask(editor, "zi.search", QUESTION)
    assert (hits[0]["path"], hits[0]["language"]) == ("shop/billing.py", "python")
    assert hits[0]["uri"] == (root / "shop" / "billing.py").as_uri()
    [hit, *_] = await ask(editor, "zi.search", "countShelves")
    assert (hit["symbol"], hit["range"]["start"]) == ("countShelves", {"line": 0, "character": 0})
    assert len(await ask(editor, "zi.search", QUESTION, 1)) == 1
    assert {hit["language"] for hit in await ask(editor, "zi.search", "rows", 10, ["typescript"])} == {"typescript"}
    assert {hit["path"] for hit in await ask(editor, "zi.search", "things", 10, [], "README.md")} == {"README.md"}
    assert len(await ask(editor, "zi.search", QUESTION, None, None, None)) > 1


async def test_questions_of_no_use_are_answered(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await reach(editor, "ready")
    useless: list[tuple[Any, ...]] = [(), (None,), ("",), ("x" * 10_000,), ('"AND (OR* NOT ^~', "ten", "go", 5)]
    for arguments in useless:
        assert isinstance(await ask(editor, "zi.search", *arguments), list)
    assert await editor.answers()


# --- kept up to date by the editor


async def test_unsaved_text_is_found_and_hides_what_is_on_disk(start_editor: StartEditor, root: Path) -> None:
    editor = await start_editor()
    await reach(editor, "ready")
    document = editor.open("shop/billing.py", BILLING)
    start = document.text.index("def deliver(")
    editor.replace(document, start, start + len("def deliver("), "def hand_over_by_courier(")

    async def hits() -> list[tuple[str, bool]]:
        found = await ask(editor, "zi.search", "hand over by courier")
        return [(hit["symbol"], hit["unsaved"]) for hit in found if hit["path"] == "shop/billing.py"]

    await eventually(hits, lambda found: ("hand_over_by_courier", True) in found, "unsaved text found", editor)
    everything = await ask(editor, "zi.search", "deliver address letter")
    assert not [hit for hit in everything if hit["symbol"] == "deliver"]
    assert "deliver" in (root / "shop" / "billing.py").read_text()
    editor.client.text_document_did_close(
        types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(document.uri))
    )  # without saving
    await eventually(
        lambda: ask(editor, "zi.search", "deliver address letter"),
        lambda found: "deliver" in [hit["symbol"] for hit in found],
        "the file counts again",
        editor,
    )


async def test_text_that_was_unsaved_when_it_was_opened_is_found(start_editor: StartEditor) -> None:
    """An editor that restores what was not saved opens a document with a text that is not on disk."""
    editor = await start_editor()
    editor.open("shop/billing.py", BILLING.replace("deliver", "parachute"))
    await reach(editor, "ready")
    await eventually(
        lambda: ask(editor, "zi.search", "parachute"),
        lambda found: "parachute" in [hit["symbol"] for hit in found],
        "restored text found",
        editor,
    )


async def test_what_is_saved_is_found_by_name(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await reach(editor, "ready")
    document = editor.open("shop/billing.py", BILLING + MARK)
    editor.type(document, "\n\ndef write_reminder():\n    pass\n")
    save(editor, document)
    await found(editor, "write_reminder")
    assert not [hit for hit in await ask(editor, "zi.search", "write_reminder") if hit["unsaved"]]


# --- kept up to date by itself


async def test_files_changed_outside_the_editor_are_noticed(start_editor: StartEditor, root: Path) -> None:
    editor = await start_editor()
    await reach(editor, "ready")
    new = root / "shop" / "returns.py"
    new.write_text("def take_back():\n    pass\n")
    await found(editor, "take_back")
    new.write_text("def exchange():\n    pass\n")
    await found(editor, "exchange")
    await gone(editor, "take_back")
    new.rename(root / "shop" / "swaps.py")
    await eventually(
        lambda: symbols(editor, "exchange"),
        lambda all_: (
            [str(one.location.uri).rpartition("/")[2] for one in all_ if one.name == "exchange"] == ["swaps.py"]
        ),
        "the renamed file found once",
        editor,
    )
    shutil.rmtree(root / "shop")
    await gone(editor, "exchange")
    await gone(editor, "Invoice")


async def test_what_the_editor_saw_change_is_looked_at(start_editor: StartEditor, root: Path) -> None:
    editor = await start_editor()
    await reach(editor, "ready")
    (root / "new.py").write_text("def seen_by_the_editor():\n    pass\n")
    changes = [
        types.FileEvent((root / "new.py").as_uri(), types.FileChangeType.Created),
        types.FileEvent((root / "never.py").as_uri(), types.FileChangeType.Deleted),
        types.FileEvent("untitled:thing", types.FileChangeType.Changed),
        types.FileEvent((root.parent / "outside.py").as_uri(), types.FileChangeType.Changed),
    ]
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes))
    await found(editor, "seen_by_the_editor")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
async def test_another_branch_is_another_project(start_editor: StartEditor, root: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)

    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "one")
    git("checkout", "-b", "feature")
    (root / "feature.py").write_text("def only_on_the_branch():\n    pass\n")
    (root / "shop" / "billing.py").write_text(BILLING.replace("Invoice", "Receipt"))
    git("add", ".")
    git("commit", "-m", "two")
    editor = await start_editor()
    await reach(editor, "ready")
    assert "only_on_the_branch" in await names(editor, "only_on_the_branch")
    git("checkout", "main")
    await gone(editor, "only_on_the_branch")
    await found(editor, "Invoice")
    git("checkout", "feature")
    await found(editor, "only_on_the_branch")
    await gone(editor, "Invoice")


# --- two editors


async def test_two_servers_share_one_index(start_editor: StartEditor, root: Path) -> None:
    first = await start_editor()
    await reach(first, "ready")
    second = await start_editor()
    await reach(second, "following")
    assert "Invoice" in await names(second, "Invoice")
    (root / "more.py").write_text("def written_once():\n    pass\n")
    await found(first, "written_once")
    await found(second, "written_once")
    document = second.open("shop/billing.py", BILLING + MARK)
    second.type(document, "\n\ndef saved_by_the_second():\n    pass\n")
    save(second, document)
    await found(second, "saved_by_the_second")
    await found(first, "saved_by_the_second")


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
async def test_a_killed_writer_is_replaced(start_editor: StartEditor, root: Path) -> None:
    first = await start_editor()
    await reach(first, "ready")
    second = await start_editor()
    await reach(second, "following")
    await first.kill()
    (root / "after.py").write_text("def after_the_kill():\n    pass\n")
    await reach(second, "ready")
    await found(second, "after_the_kill")
    assert (await symbols(second, "Invoice"))[0].name == "Invoice"
    assert [one.name for one in await symbols(second, "Invoice")].count("Invoice") == 1


# --- settings


async def test_the_index_can_be_switched_off_and_on(start_editor: StartEditor) -> None:
    editor = await start_editor(settings={"index": {"enabled": False}})
    await editor.status("noModel")
    off = await reach(editor, "off")
    assert "zi.index.enabled" in off["message"]
    assert await names(editor, "Invoice") == []
    assert await ask(editor, "zi.search", QUESTION) == []
    editor.change_settings({"index": {"enabled": True}})
    await reach(editor, "ready")
    assert "Invoice" in await names(editor, "Invoice")
    editor.change_settings({"index": {"enabled": False}})
    await reach(editor, "off")
    assert await names(editor, "Invoice") == []
    for on in (True, False, True):  # faster than the index can follow
        editor.change_settings({"index": {"enabled": on}})
    await reach(editor, "ready")
    await found(editor, "Invoice")


async def test_an_excluded_folder_leaves_the_index(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await reach(editor, "ready")
    assert "Invoice" in await names(editor, "Invoice")
    editor.change_settings({"index": {"exclude": ["shop/"]}})
    await gone(editor, "Invoice")
    assert (await reach(editor, "ready"))["files"] == 1
    editor.change_settings({})
    await found(editor, "Invoice")


async def test_the_status_bar_is_told_of_the_index(start_editor: StartEditor) -> None:
    editor = await start_editor()
    await editor.until(lambda: bool(editor.statuses) and editor.statuses[-1].index.state == "ready", "index ready")
    assert editor.statuses[-1].index.files == 3
    editor.change_settings({"index": {"enabled": False}})
    await editor.until(lambda: editor.statuses[-1].index.state == "off", "index off")
    assert "zi.index.enabled" in editor.statuses[-1].index.message


# --- what is missing, and what goes away


async def test_without_a_folder_the_status_says_so(start_editor: StartEditor) -> None:
    def without_folder(editor: Editor) -> None:
        editor.root = None

    editor = await start_editor(prepare=without_folder)
    await editor.status("noModel")
    assert "needs a folder" in (await reach(editor, "off"))["message"]
    assert await names(editor, "Invoice") == []
    assert await editor.answers()


NO_LANCEDB = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "lancedb":
            raise ModuleNotFoundError("No module named 'lancedb'", name="lancedb")
sys.meta_path.insert(0, Blocker())
from zicoder.lsp.server import serve
serve()
"""


async def test_without_the_packages_the_status_says_what_to_install(start_editor: StartEditor) -> None:
    editor = await start_editor(command=(sys.executable, "-P", "-c", NO_LANCEDB))
    await editor.status("noModel")
    off = await eventually(lambda: state(editor), lambda now: now["message"], "a reason", editor)
    assert off["state"] == "off"
    assert "lancedb" in off["message"]
    assert "pip install 'zicoder[index]'" in off["hint"]
    assert await names(editor, "Invoice") == []
    assert await editor.answers()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a watched folder from being deleted")
async def test_a_folder_deleted_under_the_server_does_no_harm(start_editor: StartEditor, root: Path) -> None:
    editor = await start_editor()
    await reach(editor, "ready")
    shutil.rmtree(root)
    await eventually(
        lambda: state(editor), lambda now: now["state"] != "ready" or now["files"] == 0, "the loss told", editor
    )
    assert await editor.answers()


async def test_shutdown_leaves_no_process_and_no_lock(start_editor: StartEditor, root: Path) -> None:
    many_files(root, 15)
    editor = await start_editor()
    await editor.until(
        lambda: any("zicoder.index.reader" in " ".join(cmdline(c)) for c in editor.children()), "readers"
    )
    children = editor.children()
    await editor.close()
    assert editor.exit_status == 0
    await wait_for_all(children)
    again = await start_editor()
    await reach(again, "ready")  # it writes: the lock was free
    assert (await state(again))["files"] == 18


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def wait_for_all(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + 10
    while alive := [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < deadline, alive
        await asyncio.sleep(0.02)
