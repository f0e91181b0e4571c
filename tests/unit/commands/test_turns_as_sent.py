"""A second question of a conversation is sent after the very message of the first one."""

from __future__ import annotations

from pathlib import Path

from zicoder.commands.answering import Question, answer, show
from zicoder.commands.registry import Invocation
from zicoder.commands.session import Session
from zicoder.events import Finished
from zicoder.settings import user_settings_path
from zicoder.text import Snapshot

CODE = "def total(prices):\n    return sum(prices)\n"


async def test_the_second_message_goes_on_where_the_first_one_ended(
    session: Session, documents: list[Snapshot], tmp_path: Path
) -> None:
    script = tmp_path / "script.toml"
    script.write_text('[[rule]]\ntext = "It sums."\n')
    path = user_settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[chat]\nmodel = 'scripted:{script.as_posix()}'\n[index]\nenabled = false\n")
    await session.begin()
    snapshot = Snapshot(uri="", text=CODE, path=session.root / "shop.py")
    documents.append(snapshot)
    first = await show(session, Invocation(text="x", snapshot=snapshot), Question(role="coder", task="What is this?"))
    assert CODE.strip() in first.assembled.prompt
    events = [
        event
        async for event in answer(
            session, Invocation(text="x", snapshot=snapshot), Question(role="coder", task="What is this?"), shown=first
        )
    ]
    assert isinstance(events[-1], Finished)
    again = Invocation(text="y", snapshot=snapshot, conversation=first.conversation.id)
    second = await show(session, again, Question(role="coder", task="And why?"))
    assert [(p.item.role, p.text) for p in second.assembled.history] == [
        ("user", first.assembled.prompt),
        ("assistant", "It sums."),
    ]
    assert second.assembled.system == first.assembled.system
