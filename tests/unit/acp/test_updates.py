"""What a client is shown of a command's events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zicoder.acp.updates import LONGEST_SHOWN, Updates
from zicoder.agents.front import Question
from zicoder.events import Delta, Event, Failed, Finished, Notice, Proposed, Sent, ToolEnded, ToolStarted, Used
from zicoder.proposal import FileEdit, Proposal

ROOT = Path("/shop").absolute()


class Client:
    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.updates = Updates(self.send, ROOT)

    async def send(self, update: Any) -> None:
        self.told.append(update.model_dump(exclude_none=True))

    async def show(self, *events: Event) -> str:
        for event in events:
            await self.updates.show(event)
        said = [each for each in self.told if each["session_update"] == "agent_message_chunk"]
        return "".join(each["content"]["text"] for each in said)

    def statuses(self, identity: str) -> list[str]:
        return [each["status"] for each in self.told if each.get("tool_call_id") == identity and "status" in each]


async def test_the_end_adds_what_was_not_said() -> None:
    assert await Client().show(Delta("The "), Delta("end."), Finished("The end.")) == "The end."
    assert await Client().show(Finished("A report.")) == "A report."
    assert await Client().show(Delta("said"), Finished("A report.")) == "said\n\nA report."
    assert await Client().show(Delta("half"), Failed("It broke.", "Mend it.")) == "half\n\n**It broke.**\n\nMend it."
    assert await Client().show(Notice("by the way"), Finished("x")) == "x"
    assert await Client().show(Notice("It went in circles."), Finished("")) == "It went in circles."


async def test_what_was_corrected_is_said_below_the_answer() -> None:
    text = await Client().show(Delta("in a.py:9\nand more"), Finished("in a.py:4\nand more", {"corrected": True}))
    assert text == "in a.py:9\nand more\n\nCorrected:\n\n```\n-in a.py:9\n+in a.py:4\n```"


async def test_a_question_belongs_to_the_tool_that_asks() -> None:
    client = Client()
    await client.show(ToolStarted("1", "shell", "run make"), ToolStarted("2", "shell", "run tests"))
    call = await client.updates.asked(
        Question(tool="shell", summary="run make", detail="make `all`", reason="It runs.")
    )
    await client.updates.answered(call.tool_call_id, ok=True)
    await client.show(ToolEnded("1", ok=True, summary="done"))
    assert client.statuses(call.tool_call_id) == ["in_progress", "pending", "in_progress", "completed"]
    named_otherwise = await client.updates.asked(Question(tool="shell", summary="run all tests"))
    assert client.statuses(named_otherwise.tool_call_id) == client.statuses("0-2") == ["in_progress", "pending"]
    await client.show(ToolStarted("3", "shell", "run more"))
    other = await client.updates.asked(Question(tool="shell", summary="run ls"))
    await client.updates.answered(other.tool_call_id, ok=False)
    assert client.statuses(other.tool_call_id) == ["pending", "pending", "failed"]
    await client.updates.close()
    assert {each.get("status") for each in client.told[-1:]} == {"failed"}
    await client.show(ToolStarted("1", "shell", "again"))
    assert client.told[-1]["tool_call_id"] != call.tool_call_id


async def test_a_proposal_is_shown_once_with_both_texts_or_a_diff() -> None:
    client = Client()
    small = FileEdit(path="a.py", before=None, after="x\r\n")
    large = FileEdit(path="b.py", before="y\n" * LONGEST_SHOWN, after="z\n")
    proposal = Proposal("Change it", (small, large))
    await client.show(Proposed(proposal))
    told = len(client.told)
    call = await client.updates.proposed(proposal)
    assert len(client.told) == told
    assert call.content
    assert call.content[0].model_dump(exclude_none=True) == {
        "type": "diff", "path": str(ROOT / "a.py"), "new_text": "x\r\n",
    }  # fmt: skip
    assert call.content[1].type == "content"
    assert len(call.content[1].model_dump_json()) < LONGEST_SHOWN


async def test_what_was_sent_and_what_it_cost_is_told() -> None:
    client = Client()
    await client.show(Sent((), 900, 4096), Used("local:x", 900, 20), Sent((), 1000, 4096), Used("a:b", 1000, 9, 0.25))
    await client.show(Used("a:c", 1, 1, None), Used("a:b", 1000, 9, 0.25))
    told = [(each["used"], each["size"], each.get("cost", {}).get("amount")) for each in client.told]
    assert told == [(900, 4096, None)] * 2 + [(1000, 4096, each) for each in (None, 0.25, 0.25, 0.5)]
