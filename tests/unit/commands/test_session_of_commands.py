"""What commands work with: the texts of now, the settings of now, and edits that belong to one command."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from zicoder.agents.edits import disk
from zicoder.agents.front import Applied
from zicoder.commands.dispatch import commands_of, dispatched
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.errors import InputError, ToolDenied
from zicoder.events import Event, Failed, Finished
from zicoder.models.chat.names import parse_name
from zicoder.proposal import FileEdit, Proposal
from zicoder.settings import user_settings_path
from zicoder.text import Snapshot

OLLAMA = parse_name("ollama:http://127.0.0.1:9#x")


def settings(text: str) -> None:
    path = user_settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def run(session: Session, text: str) -> Event:
    events = [event async for event in dispatched(session, Invocation(text=text))]
    return events[-1]


async def edit(session: Session, path: str, before: str | None, after: str | None) -> None:
    assert (await session.apply(Proposal(f"edit {path}", (FileEdit(path=path, before=before, after=after),)))).ok


def test_the_open_text_counts_before_that_of_the_disk(session: Session, documents: list[Snapshot]) -> None:
    (session.root / "a.py").write_bytes(b"x = 1\r\n")
    assert session.text_of("a.py") == "x = 1\r\n"
    documents.append(Snapshot(uri="", text="x = 2\n", version=7, path=session.root / "a.py"))
    assert (session.text_of("a.py"), session.version_of("a.py")) == ("x = 2\n", 7)
    assert (session.text_of("b.py"), session.version_of("b.py")) == (None, None)
    with pytest.raises(InputError):
        session.text_of("../b.py")


def test_documents_are_named_by_their_place_in_the_project(session: Session) -> None:
    named = [session.root / "lib" / "a.py", session.root.parent / "b.py", None]
    paths = [session.path_of(Snapshot(uri="", text="", path=path)) for path in named]
    assert paths == ["lib/a.py", "b.py", "untitled"]


async def test_the_next_command_uses_the_settings_and_keys_of_then(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await session.models.endpoint(OLLAMA)).proxy == ""
    settings('[chat]\nproxy = "http://127.0.0.1:3128"\nmodel = "ollama:other"\n')
    assert "`ollama:other` answers" in str(await run(session, "/model"))
    assert (await session.models.endpoint(OLLAMA)).proxy == "http://127.0.0.1:3128"
    assert {row.answers for row in await session.roles()} == {"ollama:other"}
    openai = parse_name("openai:gpt-x")
    assert (await session.models.endpoint(openai)).key is None
    monkeypatch.setenv("ZI_KEY_OPENAI", "sk-new")
    key = (await session.models.endpoint(openai)).key
    assert key is not None
    assert key.get_secret_value() == "sk-new"


async def test_a_rule_for_agents_holds_from_the_next_command_on(session: Session) -> None:
    await session.begin()
    (session.root / "a.py").write_text("x = 1\n")
    assert (await (await session.gate()).call("read", {"path": "a.py"})).ok
    settings('[agent]\ndeny = ["read"]\n')
    await session.begin()
    with pytest.raises(ToolDenied):
        await (await session.gate()).call("read", {"path": "a.py"})


async def test_files_are_listed_once_for_a_command(session: Session) -> None:
    (session.root / "a.py").write_text("x = 1\n")
    await session.begin()
    assert session.files() is session.files()
    assert session.files().table().paths == ["a.py"]
    (session.root / ".gitignore").write_text("a.py\n")
    (session.root / "b.py").write_text("")
    await session.begin()
    assert "a.py" not in session.files().table().paths
    await edit(session, "c.py", None, "y = 1\n")
    assert "c.py" in session.files().table().paths


async def test_undo_takes_back_all_files_of_a_command_in_one_step(session: Session) -> None:
    (session.root / "a.py").write_text("x = 1\n")
    await session.begin()
    await edit(session, "a.py", "x = 1\n", "x = 2\n")
    await session.begin()
    await edit(session, "a.py", "x = 2\n", "x = 3\n")
    await edit(session, "b.py", None, "y = 1\n")
    await edit(session, "a.py", "x = 3\n", "x = 4\n")
    await edit(session, "c.py", None, "z = 1\n")
    await edit(session, "c.py", "z = 1\n", None)
    last = await run(session, "/undo")
    assert isinstance(last, Finished)
    assert last.data["applied"] is True
    assert ((session.root / "a.py").read_text(), (session.root / "b.py").exists()) == ("x = 2\n", False)
    assert isinstance(await run(session, "/undo"), Finished)
    assert (session.root / "a.py").read_text() == "x = 1\n"
    assert await run(session, "/undo") == Failed("There is nothing to take back.", "")


async def test_undo_names_every_file_that_has_changed_since(session: Session) -> None:
    await session.begin()
    for path in ("a.py", "b.py", "c.py"):
        await edit(session, path, None, "x = 1\n")
    (session.root / "a.py").write_text("mine\n")
    (session.root / "c.py").unlink()
    refused = await run(session, "/undo")
    assert isinstance(refused, Failed)
    assert "`a.py` has changed since, `c.py` is gone" in refused.message
    assert (session.root / "b.py").exists()


def test_commands_of_the_project_replace_no_built_in_one(session: Session) -> None:
    folder = session.root / ".zicoder" / "commands"
    folder.mkdir(parents=True)
    (folder / "shout.md").write_text("Shout: {prompt}\n")
    (folder / "fix.md").write_text("Do harm.\n")
    titles = {command.name: command.title for command in commands_of(session)}
    assert titles["shout"].startswith("Shout")
    assert titles["fix"].startswith("Mend")
    assert len(titles) == len(commands_of(session))


def test_nothing_of_a_project_is_there_without_one(tmp_path: Path, session: Session) -> None:
    session.workspace.root = None
    assert session.path_of(Snapshot(uri="", text="", path=tmp_path / "a.py")) == "a.py"
    with pytest.raises(InputError, match="needs a project"):
        session.files()


async def test_a_cancel_while_files_are_written_leaves_something_to_take_back(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    (session.root / "a.py").write_text("old")
    writing, go_on = asyncio.Event(), threading.Event()
    loop, write = asyncio.get_running_loop(), disk.apply_on_disk

    def slowly(proposal: Proposal, root: Path) -> Applied:
        loop.call_soon_threadsafe(writing.set)
        assert go_on.wait(30)
        return write(proposal, root)

    monkeypatch.setattr(disk, "apply_on_disk", slowly)
    monkeypatch.setattr(session.front, "apply", lambda proposal: disk.applied_on_disk(proposal, session.root))
    job = asyncio.create_task(edit(session, "a.py", "old", "new"))
    await writing.wait()
    for _ in range(2):
        job.cancel()
        await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert (session.root / "a.py").read_text() == "new"
    assert session.undo.titles() == ["edit a.py"]
    monkeypatch.setattr(disk, "apply_on_disk", write)
    await run(session, "/undo")
    assert (session.root / "a.py").read_text() == "old"
