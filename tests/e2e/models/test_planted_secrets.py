"""Keys that were planted everywhere show up nowhere: a whole session with a server, tools, tests and errors, then a
look into everything that it wrote, said and sent.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from chat_wire import HEADERS, OPENAI, Reply, Stream, Wire, chunk, serving, sse
from pydantic import SecretStr

from zicoder.agents.front import Answer, Applied, Question
from zicoder.commands.builtin import COMMANDS
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.events import Event, Failed
from zicoder.models.credentials import Credentials
from zicoder.models.credentials.keys import VENDOR_VARIABLES
from zicoder.proposal import Proposal
from zicoder.workspace import Workspace

PLANTED = "planted-7f3a91c2d4e5b6a8"
"""The end of each of them."""
KEY = f"sk-inuse-{PLANTED}"


class Yes:
    """Somebody who allows everything, and reads all of it."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def may(self, question: Question) -> Answer:
        self.asked.append(question)
        return "once"

    async def apply(self, proposal: Proposal) -> Applied:
        return Applied(ok=True)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as wire:
        yield wire


@pytest.fixture
def front() -> Yes:
    return Yes()


@pytest.fixture
async def session(tmp_path: Path, wire: Wire, front: Yes, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Session]:
    for name in ("config", "data", "log", "cache"):
        monkeypatch.setenv(f"ZI_{name.upper()}_DIR", str(tmp_path / name))
    monkeypatch.setenv("ZI_CHAT__KEYS", "file")
    monkeypatch.setenv("ZI_CHAT__MODEL", f"openai-compatible:{wire.url}/v1#m")
    monkeypatch.setenv("ZI_AGENT__TEST_COMMAND", "env")
    for name in (*(v for names in VENDOR_VARIABLES.values() for v in names), "ZI_PASSPHRASE", "ZI_KEY_SOME_PLUG_IN"):
        monkeypatch.setenv(name, f"{name.lower()}-{PLANTED}")
    monkeypatch.setenv("PLAIN", "is seen")
    credentials = Credentials(where="file")
    credentials.set(f"openai-compatible@{wire.host}", SecretStr(KEY))
    credentials.set("mistral", SecretStr(f"other-{PLANTED}"))
    root = tmp_path / "project"
    root.mkdir()
    async with Workspace(root) as workspace:
        session = Session(workspace, front)
        yield session
        await session.close()


def calls(name: str, **arguments: str) -> Stream:
    call = {
        "index": 0, "id": f"call-{name}", "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }  # fmt: skip
    return Stream(sse(chunk({"role": "assistant", "tool_calls": [call]}), chunk({}, "tool_calls"), "[DONE]"))


async def run(session: Session, text: str) -> list[Event]:
    await session.begin()
    return [event async for event in COMMANDS.dispatch(session, Invocation(text=text))]


@pytest.mark.skipif(sys.platform == "win32", reason="`env` is a POSIX command")
async def test_planted_secrets_show_up_in_no_file_no_answer_and_no_child(
    session: Session, wire: Wire, front: Yes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wire.script = [calls("shell", command="env"), calls("tests"), Stream(OPENAI)]
    seen = await run(session, "/run show the environment")
    results = [m["content"] for m in wire.requests[-1]["body"]["messages"] if m["role"] == "tool"]
    assert len(results) == 2, "the shell and the tests were run"
    assert all("PLAIN=is seen" in each for each in results)
    seen += await run(session, "/run !env")
    for reply in (
        Reply(401, b'{"error": {"message": "bad KEY"}}', HEADERS, echo=True),
        Reply(404, b"<html>KEY</html>", {"content-type": "text/html"}, echo=True),
    ):
        wire.script = [reply]
        seen += await run(session, "what is this?")
        assert isinstance(seen[-1], Failed)
    seen += await run(session, "/agents")
    seen += await run(session, "/history")
    assert wire.requests[0]["headers"]["authorization"] == f"Bearer {KEY}"
    sent = json.dumps([request["body"] for request in wire.requests])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"audit.jsonl", "credentials.db"} <= {path.name for path in files}
    assert any("conversations" in path.parts for path in files)
    for place, text in {
        "what was told": repr(seen), "what was asked": repr(front.asked), "what was sent": sent, "logs": caplog.text,
        **{str(path): path.read_bytes().decode("utf-8", "replace") for path in files},
    }.items():  # fmt: skip
        assert PLANTED not in text, place
