"""The pace of what a command tells the editor, by a clock that stands still until somebody sleeps."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zicoder.lsp.event_stream import PAUSE_S, EventStream


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[tuple[float, dict[str, Any]]] = []

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)

    def stream(self) -> EventStream:
        return EventStream(
            lambda message: self.sent.append((self.now, message)), clock=lambda: self.now, sleep=self.sleep
        )

    @property
    def text(self) -> str:
        return "".join(event.get("text", "") for _, message in self.sent for event in message["events"])


def delta(text: str) -> dict[str, Any]:
    return {"kind": "delta", "text": text}


async def test_the_first_message_goes_out_before_anything_else_happens() -> None:
    clock = Clock()
    stream = clock.stream()
    stream.put({"kind": "begun"})
    assert clock.sent == [(100.0, {"seq": 1, "events": [{"kind": "begun"}]})]
    await stream.close()
    assert len(clock.sent) == 1


async def test_what_comes_within_a_pause_goes_out_together_when_it_is_over() -> None:
    clock = Clock()
    stream = clock.stream()
    stream.put({"kind": "begun"})
    for text in ("a", "b"):
        stream.put(delta(text))
    stream.put({"kind": "notice", "text": "!"})
    stream.put(delta("c"))
    assert len(clock.sent) == 1
    await stream.close()
    at, message = clock.sent[1]
    assert at >= 100.0 + PAUSE_S
    assert message == {"seq": 2, "events": [delta("ab"), {"kind": "notice", "text": "!"}, delta("c")]}


async def test_what_is_put_is_not_changed() -> None:
    stream = Clock().stream()
    stream.put({"kind": "begun"})
    first = delta("a")
    stream.put(first)
    stream.put(delta("b"))
    assert first == delta("a")
    await stream.close()


@given(st.lists(st.floats(0, 0.2), max_size=30))
async def test_messages_are_never_closer_than_a_pause_and_lose_nothing(gaps: list[float]) -> None:
    clock = Clock()
    stream = clock.stream()
    for number, gap in enumerate(gaps):
        stream.put(delta(f"{number} "))
        clock.now += gap
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await stream.close()
    times = [at for at, _ in clock.sent]
    assert all(later - earlier >= PAUSE_S - 1e-9 for earlier, later in itertools.pairwise(times))
    assert [message["seq"] for _, message in clock.sent] == [*range(1, len(times) + 1)]
    assert clock.text == "".join(f"{number} " for number in range(len(gaps)))
