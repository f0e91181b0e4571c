"""`zi acp` as a real process, spoken to by the SDK's own client: sessions, streams, questions, edits, cancelling."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from acp import PROTOCOL_VERSION, RequestError, connect_to_agent, text_block
from acp.helpers import embedded_text_resource, image_block, resource_block, resource_link_block
from acp.schema import (
    AgentMessageChunk,
    AllowedOutcome,
    AvailableCommandsUpdate,
    ClientCapabilities,
    DeniedOutcome,
    FileEditToolCallContent,
    FileSystemCapabilities,
    ReadTextFileResponse,
    RequestPermissionResponse,
    SessionInfoUpdate,
    ToolCallProgress,
    ToolCallStart,
    ToolCallUpdate,
    UsageUpdate,
    UserMessageChunk,
)
from editor import WAIT_S, WriteScript

from zicoder.models.chat.roles import ROLES

CALC = b'"""Calc."""\r\n\r\n\r\ndef add(a, b):\r\n    return a - b\r\n'
FIXED = "```python\ndef add(a, b):\n    return a + b\n```"
COMMAND = (sys.executable, "-P", "-m", "zicoder", "acp")
SLOW = {"piece": 1, "delay_ms": 200}


class Person:
    """The client's side: sees what is told, and answers every question with one option."""

    def __init__(self, answer: str = "once", editor_text: str | None = None) -> None:
        self.answer = answer
        self.editor_text = editor_text
        self.told: list[Any] = []
        self.questions: list[tuple[ToolCallUpdate, list[Any]]] = []
        self.seen = asyncio.Condition()

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        async with self.seen:
            self.told.append(update)
            self.seen.notify_all()

    async def request_permission(
        self, session_id: str, tool_call: ToolCallUpdate, options: list[Any], **_: Any
    ) -> RequestPermissionResponse:
        async with self.seen:
            self.questions.append((tool_call, options))
            self.seen.notify_all()
        if self.answer == "silence":
            await asyncio.Event().wait()
        if self.answer == "dismissed":
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=self.answer))

    async def read_text_file(self, session_id: str, path: str, **_: Any) -> ReadTextFileResponse:
        text = self.editor_text if self.editor_text is not None else Path(path).read_text()
        return ReadTextFileResponse(content=text)

    def on_connect(self, conn: Any) -> None: ...

    async def until(self, holds: Callable[[], bool]) -> None:
        async with self.seen:
            await asyncio.wait_for(self.seen.wait_for(holds), WAIT_S)

    @property
    def text(self) -> str:
        return "".join(each.content.text for each in self.told if isinstance(each, AgentMessageChunk))

    def calls(self) -> dict[str, dict[str, Any]]:
        """Each tool call as the client would show it now."""
        shown: dict[str, dict[str, Any]] = {}
        for each in self.told:
            if isinstance(each, (ToolCallStart, ToolCallProgress)):
                values = each.model_dump(exclude_none=True)
                shown.setdefault(each.tool_call_id, {}).update(values)
        return shown


@contextlib.asynccontextmanager
async def started(person: Person) -> AsyncGenerator[Any]:
    """A connection to a new process, which must end by itself when its input ends, and without a stack trace."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, limit=50 << 20
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    said = asyncio.create_task(process.stderr.read())
    agent = connect_to_agent(person, process.stdin, process.stdout, use_unstable_protocol=True)  # type: ignore[arg-type]
    fs = FileSystemCapabilities(read_text_file=True, write_text_file=False)
    try:
        await agent.initialize(PROTOCOL_VERSION, ClientCapabilities(fs=fs))
        yield agent
    finally:
        process.stdin.close()
        try:
            assert await asyncio.wait_for(process.wait(), WAIT_S) == 0
        finally:
            if process.returncode is None:
                process.kill()
            await agent.close()
    assert "Traceback" not in (await said).decode()


async def asked(agent: Any, session: str, *blocks: Any) -> str:
    prompt = [text_block(each) if isinstance(each, str) else each for each in blocks]
    return (await asyncio.wait_for(agent.prompt(session_id=session, prompt=prompt), WAIT_S)).stop_reason


@pytest.fixture(autouse=True)
def a_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZI_MODEL__INFILL", "none")
    monkeypatch.setenv("ZI_INDEX__ENABLED", "false")
    (root / "calc.py").write_bytes(CALC)


async def test_an_answer_streams_and_the_session_can_be_loaded_again(talk: WriteScript, root: Path) -> None:
    talk({"when": "what next", "text": "Mend it."}, {"when": "", "text": "`add` in calc.py:4 subtracts.", "piece": 4})
    person = Person()
    async with started(person) as agent:
        made = await agent.new_session(cwd=str(root), mcp_servers=[])
        assert [mode.id for mode in made.modes.available_modes] == list(ROLES)
        await person.until(lambda: any(isinstance(each, AvailableCommandsUpdate) for each in person.told))
        (told,) = [each for each in person.told if isinstance(each, AvailableCommandsUpdate)]
        assert {"fix", "plan", "review"} <= {command.name for command in told.available_commands}
        assert await asked(agent, made.session_id, "what does @calc.py do?") == "end_turn"
        assert person.text == "`add` in calc.py:4 subtracts."
        assert sum(isinstance(each, AgentMessageChunk) for each in person.told) > 3
        assert await asked(agent, made.session_id, "what next?") == "end_turn"
    later = Person()
    async with started(later) as agent:
        (listed,) = (await agent.list_sessions(cwd=str(root))).sessions
        assert listed.session_id == made.session_id
        await agent.load_session(cwd=str(root), session_id=made.session_id, mcp_servers=[])
        questions = [each.content.text for each in later.told if isinstance(each, UserMessageChunk)]
        assert questions == ["what does @calc.py do?", "what next?"]
        assert later.text == "`add` in calc.py:4 subtracts.Mend it."
        await asked(agent, made.session_id, "and then?")
        assert len((await agent.list_sessions(cwd=str(root))).sessions) == 1


async def test_an_edit_is_shown_as_a_diff_and_needs_a_yes(talk: WriteScript, root: Path) -> None:
    talk({"when": "mend", "text": FIXED})
    person = Person()
    link = resource_link_block("calc.py", f"{(root / 'calc.py').as_uri()}#L4-5")
    async with started(person) as agent:
        session = (await agent.new_session(cwd=str(root), mcp_servers=[])).session_id
        for number, answer in enumerate(("no", "dismissed", "once")):
            person.answer = answer
            assert await asked(agent, session, "/fix ", link) == "end_turn"
            call, options = person.questions[number]
            assert [option.kind for option in options] == ["allow_once", "reject_once"]
            (diff,) = call.content or []
            assert isinstance(diff, FileEditToolCallContent)
            assert (diff.path, diff.old_text) == (str(root / "calc.py"), CALC.decode())
            applied = answer == "once"
            assert (root / "calc.py").read_bytes() == (CALC.replace(b"a - b", b"a + b") if applied else CALC)
            assert person.calls()[call.tool_call_id]["status"] == ("completed" if applied else "failed")


async def test_a_file_with_unsaved_changes_in_the_editor_is_left_alone(talk: WriteScript, root: Path) -> None:
    talk({"when": "mend", "text": FIXED})
    person = Person(editor_text="something else")
    link = resource_link_block("calc.py", f"{(root / 'calc.py').as_uri()}#L4-5")
    async with started(person) as agent:
        session = (await agent.new_session(cwd=str(root), mcp_servers=[])).session_id
        await asked(agent, session, "/fix ", link)
    assert (root / "calc.py").read_bytes() == CALC
    assert any("not saved" in getattr(getattr(each, "content", None), "text", "") for each in person.told)


async def test_a_command_of_the_shell_is_asked_for(talk: WriteScript, root: Path) -> None:
    talk({"when": "make", "calls": [{"tool": "shell", "arguments": {"command": "touch made"}}]}, {"text": "Done."})
    person = Person()
    made = root / "made"
    async with started(person) as agent:
        session = (await agent.new_session(cwd=str(root), mcp_servers=[])).session_id
        await agent.set_session_mode(session_id=session, mode_id="operator")
        for answer, there in (("no", False), ("once", True), ("session", True)):
            person.answer = answer
            made.unlink(missing_ok=True)
            await asked(agent, session, "make it")
            assert made.exists() == there
            call, options = person.questions[-1]
            assert {"allow_once", "allow_always", "reject_once"} == {option.kind for option in options}
            assert "touch made" in call.model_dump_json()
            shown = person.calls()[call.tool_call_id]
            assert (shown["kind"], shown["status"]) == ("execute", "completed" if there else "failed")
        assert len(person.questions) == 3
        made.unlink()
        await asked(agent, session, "make it")
        assert made.exists()
        assert len(person.questions) == 3
        other = (await agent.new_session(cwd=str(root), mcp_servers=[])).session_id
        await asked(agent, other, "/run make it")
        assert len(person.questions) == 4
    assert person.text == "Done." * 5


async def test_cancelling_stops_the_answer_and_the_question(talk: WriteScript, root: Path) -> None:
    shell = {"when": "run", "calls": [{"tool": "shell", "arguments": {"command": "touch made"}}]}
    talk(shell, {"when": "slow", "text": "x" * 400, **SLOW}, {"when": "", "text": "Here."})
    person = Person("silence")
    async with started(person) as agent:
        session = (await agent.new_session(cwd=str(root), mcp_servers=[])).session_id
        for prompt in ("/run run it", "slow"):
            person.told.clear()
            job = asyncio.create_task(asked(agent, session, prompt))
            await person.until(lambda: bool(person.text or person.questions))
            with pytest.raises(RequestError, match="still answering"):
                await asked(agent, session, "another")
            await agent.cancel(session_id=session)
            assert await job == "cancelled"
            assert len(person.text) < 400
            assert not (root / "made").exists()
            assert all(call["status"] in ("completed", "failed") for call in person.calls().values())
            person.questions.clear()
        person.told.clear()
        assert await asked(agent, session, "and now?") == "end_turn"
        assert person.text == "Here."


async def test_a_cancel_in_the_moment_of_writing_leaves_nothing_that_cannot_be_taken_back(
    talk: WriteScript, root: Path
) -> None:
    talk({"when": "mend", "text": FIXED})
    person = Person()
    link = resource_link_block("calc.py", f"{(root / 'calc.py').as_uri()}#L4-5")
    async with started(person) as agent:
        session = (await agent.new_session(cwd=str(root), mcp_servers=[])).session_id
        for pause in (0, 1, 20, 400):  # turns of the loop: before, while and after the files are written
            person.questions.clear()
            person.told.clear()
            job = asyncio.create_task(asked(agent, session, "/fix ", link))
            await person.until(lambda: bool(person.questions))
            for _ in range(pause):
                await asyncio.sleep(0.0005)
            await agent.cancel(session_id=session)
            stopped = await job
            assert stopped in ("cancelled", "end_turn")
            if (root / "calc.py").read_bytes() == CALC:
                assert stopped == "cancelled"
                continue
            await asked(agent, session, "/undo")
            assert (root / "calc.py").read_bytes() == CALC


async def test_a_session_is_named_counted_closed_and_resumed(talk: WriteScript, root: Path) -> None:
    talk({"when": "again", "text": "Still here."}, {"when": "slow", "text": "x" * 400, **SLOW}, {"text": "Here."})
    person = Person()
    async with started(person) as agent:
        session = (await agent.new_session(cwd=str(root), mcp_servers=[])).session_id
        await asked(agent, session, "where is add?")
        await person.until(lambda: any(isinstance(each, SessionInfoUpdate) for each in person.told))
        (named,) = [each for each in person.told if isinstance(each, SessionInfoUpdate)]
        assert named.title == "where is add?"
        counted = [each for each in person.told if isinstance(each, UsageUpdate)]
        assert 0 < counted[-1].used < counted[-1].size
        person.told.clear()
        job = asyncio.create_task(asked(agent, session, "slow"))
        await person.until(lambda: bool(person.text))
        await agent.close_session(session_id=session)
        assert await job == "cancelled"
        with pytest.raises(RequestError, match="no session"):
            await asked(agent, session, "hello")
        with pytest.raises(RequestError, match="no session"):
            await agent.close_session(session_id=session)
        person.told.clear()
        await agent.resume_session(cwd=str(root), session_id=session, mcp_servers=[])
        assert await asked(agent, session, "again") == "end_turn"
        assert person.text == "Still here."
        with pytest.raises(RequestError, match="no conversation"):
            await agent.resume_session(cwd=str(root), session_id="20200101-000000-abcdef", mcp_servers=[])


async def test_a_client_that_goes_away_ends_the_process_and_what_runs_in_it(talk: WriteScript, root: Path) -> None:
    shell = {"when": "wait", "calls": [{"tool": "shell", "arguments": {"command": "sleep 1000; touch made"}}]}
    talk(shell, {"when": "", "text": "x" * 4000, **SLOW})
    person = Person()
    async with started(person) as agent:
        jobs: list[asyncio.Task[str]] = []
        for prompt in ("/run wait", "slow"):
            session = (await agent.new_session(cwd=str(root), mcp_servers=[])).session_id
            jobs.append(asyncio.create_task(asked(agent, session, prompt)))
        await person.until(lambda: bool(person.text and person.questions))
    assert all(isinstance(each, Exception) for each in await asyncio.gather(*jobs, return_exceptions=True))


async def test_what_is_wrong_is_a_sentence_and_the_session_goes_on(talk: WriteScript, root: Path) -> None:
    talk({"when": "", "text": "Here."})
    person = Person()
    async with started(person) as agent:
        for wrong, said in (("relative", "no folder"), (str(root / "calc.py"), "no folder"), ("/a\0b", "no folder")):
            with pytest.raises(RequestError, match=said):
                await agent.new_session(cwd=wrong, mcp_servers=[])
        with pytest.raises(RequestError, match="no conversation"):
            await agent.load_session(cwd=str(root), session_id="20200101-000000-abcdef", mcp_servers=[])
        with pytest.raises(RequestError, match="no session"):
            await asked(agent, "nobody", "hello")
        session = (await agent.new_session(cwd=str(root), mcp_servers=[])).session_id
        with pytest.raises(RequestError, match="no mode"):
            await agent.set_session_mode(session_id=session, mode_id="boss")
        with pytest.raises(RequestError, match="nothing in this message"):
            await asked(agent, session, "  ")
        with pytest.raises(RequestError, match="not images"):
            await asked(agent, session, image_block("AAAA", "image/png"))
        await asked(agent, session, "/fxi")
        assert "/fix" in person.text
        person.told.clear()
        outside = resource_block(embedded_text_resource("https://example.org/a", "as data"))
        await asked(agent, session, "see ", outside)
        assert person.text == "Here."


def test_lines_that_are_no_messages_are_answered_and_end_nothing(root: Path, talk: WriteScript) -> None:
    talk({"when": "", "text": "x"})
    lines = [
        b"{not json", b"\xff\xfe", b"[" * 100_000, b"[1]", b"3", b"",
        b'{"jsonrpc":"2.0","id":1,"method":"session/new","params":{"cwd":5}}',
        b'{"jsonrpc":"2.0","id":2,"method":"no/such","params":{}}',
        b'{"jsonrpc":"2.0","id":3,"method":"session/prompt"}',
        b'{"jsonrpc":"2.0","method":"session/cancel","params":{"sessionId":"nobody"}}',
        b'{"jsonrpc":"2.0","id":4,"method":"initialize","params":{"protocolVersion":1}}',
    ]  # fmt: skip
    done = subprocess.run(
        COMMAND,
        input=b"\n".join(lines) + b"\n",
        capture_output=True,
        cwd=root,
        env=os.environ,
        timeout=WAIT_S,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert b"Traceback" not in done.stderr
    assert [each["error"]["code"] for each in answers if each["id"] is None] == [-32700] * 3 + [-32600] * 2
    by_id = {each["id"]: each for each in answers if each["id"] is not None}
    assert by_id[1]["error"]["code"] == -32602
    assert by_id[2]["error"]["code"] == -32601
    assert by_id[3]["error"]["code"] == -32602
    assert by_id[4]["result"]["agentInfo"]["name"] == "zi"
