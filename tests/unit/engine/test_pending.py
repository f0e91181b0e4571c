"""Who waits for which request of the engine."""

from __future__ import annotations

from zicoder.engine.pending import Pending
from zicoder.engine.protocol import Chat, Count, Counted, Failed
from zicoder.errors import EngineStopped, ModelError


def asked(pending: Pending) -> Count:
    return Count(id=pending.new_id(), model="m", texts=("a",))


def test_an_answer_goes_to_who_asked_and_ends_the_wait() -> None:
    pending = Pending()
    first, second = asked(pending), asked(pending)
    one, two = pending.add(first), pending.add(second)
    pending.deliver(Counted(id=second.id, tokens=(2,)))
    assert one.empty()
    assert two.get_nowait() == Counted(id=second.id, tokens=(2,))
    assert pending.busy
    pending.deliver(Failed(id=first.id, kind="ModelError", message="No.", hint=""))
    assert isinstance(one.get_nowait(), ModelError)
    assert not pending.busy


def test_what_nobody_waits_for_any_more_is_dropped() -> None:
    pending = Pending()
    request = asked(pending)
    replies = pending.add(request)
    assert pending.drop(request.id)
    assert not pending.drop(request.id)
    pending.deliver(Counted(id=request.id, tokens=()))
    assert replies.empty()


def test_an_engine_that_ends_fails_everything() -> None:
    pending = Pending()
    replies = [pending.add(asked(pending)) for _ in range(2)]
    pending.fail(EngineStopped("Over."))
    assert all(isinstance(queue.get_nowait(), EngineStopped) for queue in replies)
    assert not pending.busy


def test_what_is_made_while_nobody_waits_does_not_look_busy() -> None:
    pending = Pending()
    pending.add(Chat(id=pending.new_id(), model="m", messages=(), speculative=True))
    assert not pending.busy
    pending.add(Chat(id=pending.new_id(), model="m", messages=()))
    assert pending.busy
