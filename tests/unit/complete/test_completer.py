"""The pipeline over a real workspace with a model that answers by a script."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zicoder.complete.completer import Completer
from zicoder.complete.flight import GRACE_S
from zicoder.complete.gate import AUTOMATIC, INVOKED
from zicoder.complete.infilling import FURTHER
from zicoder.complete.review import review
from zicoder.models.protocols import InfillRequest, InfillStats
from zicoder.models.scripted import ScriptedModel
from zicoder.text import Edit, Snapshot
from zicoder.workspace import Workspace

SLOW_MS = 20
NEVER_MS = 60_000
"""A pause no test outlasts."""


class Rig:
    """A completer with its workspace, and the model behind it."""

    def __init__(self, workspace: Workspace, model: ScriptedModel) -> None:
        self.workspace = workspace
        self.model = model
        self.latencies: list[float] = []
        self.completer = Completer(workspace, on_latency=self.latencies.append)

    async def ask(self, marked: str, trigger: str = INVOKED) -> str:
        """The suggestion at the mark, "" for none."""
        before, _, after = marked.partition("‸")
        snapshot = Snapshot("file:///area.py", before + after, language="python")
        found = await self.completer.complete(snapshot, len(before), trigger)
        assert found is None or found.offset == len(before)
        return found.text if found else ""

    def start(self, marked: str, trigger: str = INVOKED) -> asyncio.Task[str]:
        return asyncio.create_task(self.ask(marked, trigger))

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():
                await asyncio.sleep(0.001)

    async def asked(self, count: int) -> None:
        """Wait until the model has been asked so many times."""
        await self.until(lambda: len(self.requests) >= count)

    @property
    def requests(self) -> list[InfillRequest]:
        """Those that somebody waits for."""
        return [request for request in self.model.requests if not request.speculative]

    @property
    def reason(self) -> str:
        return self.completer.traces[-1].reason

    @property
    def stages(self) -> list[str]:
        return [stage.name for stage in self.completer.traces[-1].stages]


MakeRig = Callable[..., Any]


@pytest.fixture
async def make_rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeRig]:
    rigs: list[Rig] = []

    async def make(*rules: dict[str, Any], **settings: Any) -> Rig:
        tables = [[f"{key} = {json.dumps(value)}" for key, value in rule.items()] for rule in rules]
        script = tmp_path / "script.toml"
        script.write_text("\n".join("\n".join(["[[rule]]", *lines]) for lines in tables))
        monkeypatch.setenv("ZI_MODEL__INFILL", f"scripted:{script}")
        for name, value in settings.items():
            monkeypatch.setenv(f"ZI_COMPLETION__{name.upper()}", str(value))
        workspace = Workspace()
        model = await workspace.infill_model()
        assert isinstance(model, ScriptedModel)
        rigs.append(Rig(workspace, model))
        return rigs[-1]

    yield make
    for rig in rigs:
        await rig.completer.close()
        await rig.workspace.close()


RULE = {"after": "return ", "text": "width * height"}
SLOWLY = RULE | {"delay_ms": SLOW_MS, "piece": 1}
AREA = "def area(width, height):\n    return ‸\n"


def typed(text: str) -> str:
    return AREA.replace("‸", f"{text}‸")


async def test_the_model_is_shown_the_text_on_both_sides(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE)
    assert await rig.ask("def area(width, height):\n    return ‸\n\n\nprint(area(1, 2))\n") == "width * height"
    [request] = rig.requests
    assert request.prefix == "def area(width, height):\n    return "
    assert request.suffix == "\n\n\nprint(area(1, 2))\n"
    assert request.title == "python"
    file = Snapshot("file:///a%20b/c.py", "", language="python", path=Path("/a b/c\n.py"))
    assert rig.completer.preparation.request(file, 0).title == "c .py"


async def test_the_trace_names_every_stage_and_the_latency_is_told(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE)
    await rig.ask(AREA, AUTOMATIC)
    assert rig.stages == ["gate", "cache", "debounce", "context", "infill", "filters", "check", "willingness"]
    trace = rig.completer.traces[-1]
    assert (trace.outcome, trace.line, trace.column) == ("shown", 1, 11)
    assert "A suggestion was shown" in trace.describe()
    assert rig.latencies == [trace.total_ms]


async def test_only_automatic_requests_wait_for_a_pause_in_typing(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE, debounce="fixed", debounce_ms=2000)
    await rig.ask(AREA, INVOKED)
    assert "debounce" not in rig.stages


async def test_what_a_burst_of_keys_has_typed_is_read_once_at_its_end(make_rig: MakeRig) -> None:
    """Read at every key, it would use the processor for nothing."""
    rig = await make_rig(RULE, debounce="fixed", debounce_ms=300)
    await rig.ask(AREA)
    assert rig.model.prefills == []
    for end in range(1, len("height")):
        asked = rig.start(typed("height"[:end]), AUTOMATIC)
        await asyncio.sleep(0.02)
        asked.cancel()
    await rig.ask(typed("height"), AUTOMATIC)
    assert [request.prefix.endswith("height") for request in rig.model.prefills] == [True]


async def test_a_suggestion_being_typed_is_followed_without_asking_again(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE)
    await rig.ask(AREA)
    for end in range(1, len("width * height")):
        assert await rig.ask(typed("width * height"[:end]), AUTOMATIC) == "width * height"[end:]
        assert rig.stages == ["gate", "cache", "willingness"]
    assert len(rig.requests) == 1


async def test_a_request_that_agrees_with_the_one_in_flight_joins_it(make_rig: MakeRig) -> None:
    rig = await make_rig(SLOWLY)
    first = rig.start(AREA)
    await rig.asked(1)
    second = rig.start(typed("w"), AUTOMATIC)
    assert await second == "idth * height"
    assert await first == "width * height"
    assert len(rig.requests) == 1
    assert rig.stages == ["gate", "cache", "join", "cache", "willingness"]


async def test_a_joined_generation_goes_on_when_the_request_that_began_it_is_cancelled(make_rig: MakeRig) -> None:
    rig = await make_rig(SLOWLY)
    first = rig.start(AREA)
    await rig.asked(1)
    second = rig.start(typed("w"))
    await rig.until(lambda: len(rig.completer.traces) == 2)
    first.cancel()
    assert await second == "idth * height"
    assert first.cancelled()
    assert len(rig.requests) == 1


async def test_what_was_typed_against_a_generation_ends_it(make_rig: MakeRig) -> None:
    """What nobody wants must not use the processor."""
    rig = await make_rig({"after": "return ", "text": "width", "piece": 1, "delay_ms": NEVER_MS}, timeout_ms=60000)
    first = rig.start(AREA)
    await rig.asked(1)
    assert await rig.ask("def area(width):\n    return 1\n\nx = ‸\n") == ""
    assert await first == ""
    assert rig.completer.traces[0].reason == "A newer request took its place."


async def test_a_joined_generation_is_left_as_soon_as_it_says_something_else(make_rig: MakeRig) -> None:
    """Nothing was streamed yet when the request joined; then it turns out that it was typed otherwise."""
    wrong = {"after": "return ", "text": "width and then more", "piece": 1, "delay_ms": 200}
    rig = await make_rig(wrong, {"after": "return h", "text": "eight"}, off='["search"]')
    first = rig.start(AREA)
    await rig.asked(1)
    assert await rig.ask(typed("h")) == "eight"
    assert rig.stages[:3] == ["gate", "cache", "join"]
    assert await first == ""
    assert rig.completer.traces[0].raw == "w"


async def test_a_cancelled_request_ends_its_generation(make_rig: MakeRig) -> None:
    rig = await make_rig({"after": "return ", "text": "width", "delay_ms": NEVER_MS}, timeout_ms=60000)
    task = rig.start(AREA)
    await rig.asked(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.completer.traces[-1].outcome == "cancelled"
    running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert GRACE_S < 30
    async with asyncio.timeout(30):
        await asyncio.gather(*running, return_exceptions=True)


async def test_of_requests_that_pile_up_in_the_pause_only_the_last_reaches_the_model(make_rig: MakeRig) -> None:
    """A client need not cancel what it does not want any more."""
    rig = await make_rig({"after": "len(", "text": "stock)"}, debounce="fixed", debounce_ms=100)
    line = "count = len("
    tasks = [rig.start(f"stock = []\n{line[:end]}‸\n", AUTOMATIC) for end in range(1, len(line) + 1)]
    answers = await asyncio.gather(*tasks)
    assert answers == [""] * (len(line) - 1) + ["stock)"]
    assert len(rig.requests) == 1


async def test_asking_by_hand_during_the_pause_answers_both(make_rig: MakeRig) -> None:
    rig = await make_rig(SLOWLY, debounce="fixed", debounce_ms=50)
    automatic = rig.start(AREA, AUTOMATIC)
    await rig.until(lambda: rig.completer.traces and rig.stages[-1] == "debounce")
    by_hand = rig.start(AREA, INVOKED)
    assert await asyncio.gather(automatic, by_hand) == ["width * height", "width * height"]
    assert len(rig.requests) == 1


async def test_a_model_that_takes_too_long_is_given_up(make_rig: MakeRig) -> None:
    rig = await make_rig({"after": "", "text": "late", "delay_ms": NEVER_MS}, timeout_ms=100)
    assert await rig.ask(AREA, AUTOMATIC) == ""
    assert rig.reason == "The model took longer than 100 ms (`zi.completion.timeout_ms`)."
    assert await rig.ask(AREA, AUTOMATIC) == ""
    assert len(rig.requests) == 2, "that it was slow once says nothing about the next time"


async def test_a_failure_of_the_model_is_a_reason_not_an_exception(make_rig: MakeRig) -> None:
    rig = await make_rig({"after": "", "fail": "It ran out of ideas."})
    assert await rig.ask(AREA) == ""
    assert rig.completer.traces[-1].outcome == "failed"
    assert rig.reason == "It ran out of ideas."
    assert await rig.ask(AREA) == ""
    assert len(rig.requests) == 2, "a failure is not remembered"


async def test_without_a_model_the_reason_says_so(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = await make_rig(RULE)
    monkeypatch.setenv("ZI_MODEL__INFILL", "none")
    rig.workspace.configure(None)
    assert await rig.ask(AREA) == ""
    assert "`zi.model.infill` is none" in rig.reason


async def test_a_model_with_nothing_to_say(make_rig: MakeRig) -> None:
    rig = await make_rig({"after": "return ", "text": ""})
    assert await rig.ask(AREA) == ""
    assert (rig.completer.traces[-1].outcome, rig.reason) == ("nothing", "The model had nothing to add here.")


async def test_an_answer_that_only_repeats_what_follows_is_dropped_by_name(make_rig: MakeRig) -> None:
    rig = await make_rig({"after": "return ", "text": "width * height"})
    assert await rig.ask("def area(width, height):\n    return ‸width * height\n") == ""
    assert rig.reason.startswith("The model's answer was dropped by the filter drop_")


async def test_where_the_gate_is_shut_the_model_is_not_asked(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE, enabled=False)
    assert await rig.ask(AREA) == ""
    assert rig.stages == ["gate"]
    assert "zi.completion.enabled" in rig.reason
    assert rig.requests == []


BODY = {"after": "height):\n    ", "text": "size = width * height\n    return size\n\n\nprint(area(1, 2))\n"}


async def test_several_lines_where_a_block_begins_and_no_more_than_the_block(make_rig: MakeRig) -> None:
    rig = await make_rig(BODY)
    found = await rig.ask("def area(width, height):\n    ‸\n")
    assert found == "size = width * height\n    return size"


async def test_one_line_where_several_were_switched_off(make_rig: MakeRig) -> None:
    rig = await make_rig(BODY, multiline="never")
    assert await rig.ask("def area(width, height):\n    ‸\n") == "size = width * height"


async def test_no_more_lines_than_wanted(make_rig: MakeRig) -> None:
    rig = await make_rig({"after": ":\n    ", "text": "".join(f"x{n} = {n}\n    " for n in range(50))}, max_lines=3)
    assert (await rig.ask("def area(width, height):\n    ‸\n")).count("\n") == 2


async def test_no_more_tokens_than_wanted(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE, max_tokens=7)
    await rig.ask(AREA)
    assert rig.requests[0].max_tokens == 7


async def test_after_a_change_of_settings_nothing_old_is_shown(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE)
    await rig.ask(AREA)
    rig.completer.settings_changed()
    await rig.ask(AREA)
    assert len(rig.requests) == 2


async def test_a_resting_cursor_prepares_the_model_with_the_prompt_of_the_request(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE)
    text, offset = AREA.replace("‸", ""), AREA.index("‸")
    rig.completer.prefill(Snapshot("file:///area.py", text, language="python"), offset)
    await rig.until(lambda: bool(rig.model.prefills))
    await rig.ask(AREA)
    assert rig.model.prefills[0] == rig.requests[0]


async def test_nothing_is_prepared_where_nothing_would_be_suggested(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE, enabled=False)
    rig.completer.prefill(Snapshot("file:///area.py", "return ", language="python"), 7)
    await asyncio.sleep(0)
    assert rig.model.prefills == []


async def test_documents_do_not_disturb_each_other(make_rig: MakeRig) -> None:
    rig = await make_rig(SLOWLY)
    texts = [AREA, AREA.replace("area", "other")]
    snapshots = [Snapshot(f"file:///{n}.py", text.replace("‸", ""), language="python") for n, text in enumerate(texts)]
    found = await asyncio.gather(
        *(rig.completer.complete(s, t.index("‸"), INVOKED) for s, t in zip(snapshots, texts, strict=True))
    )
    assert [each.text for each in found if each] == ["width * height"] * 2


async def test_nobody_waits_for_a_line_that_is_going_elsewhere(make_rig: MakeRig) -> None:
    slowly = {"after": "return ", "text": "width * height", "piece": 20, "delay_ms": NEVER_MS}
    rig = await make_rig(slowly, {"after": "return h", "text": "eight"})
    waiting = rig.start(AREA)
    await rig.until(lambda: bool(rig.requests))
    await asyncio.sleep(0.02)
    assert await rig.ask(typed("h")) == "eight"
    assert await waiting == ""


async def test_what_follows_is_made_ready_while_a_suggestion_stands(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE, {"after": "width * height", "text": " + width"})
    assert await rig.ask(AREA, AUTOMATIC) == "width * height"
    await rig.until(lambda: not rig.completer.busy)
    assert await rig.ask(typed("width * height"), AUTOMATIC) == " + width"
    assert len(rig.requests) == 1
    assert "infill" not in rig.stages


async def test_who_joins_what_follows_is_not_hurt_when_that_takes_too_long(make_rig: MakeRig) -> None:
    never = {"after": "width * height", "text": " + width", "delay_ms": NEVER_MS}
    rig = await make_rig(RULE, never, timeout_ms=300)
    assert await rig.ask(AREA, AUTOMATIC) == "width * height"
    await rig.until(lambda: len(rig.model.requests) == 2)
    assert await rig.ask(typed("width * height"), AUTOMATIC) == ""
    assert "join" in rig.stages
    assert "took longer than 300 ms" in rig.reason


@pytest.mark.parametrize(
    ("uri", "marked", "goes_on"),
    [
        ("file:///area.py", typed(""), True),
        ("file:///area.py", typed("width"), True),
        ("file:///area.py", typed("height"), False),
        ("file:///area.py", AREA.replace("‸", "").replace("area", "‸area"), False),
        ("file:///other.py", typed(""), False),
    ],
)
async def test_nothing_is_made_to_follow_a_suggestion_that_is_gone(
    make_rig: MakeRig, uri: str, marked: str, goes_on: bool
) -> None:
    rig = await make_rig(RULE, {"after": "width * height", "text": " + width", "delay_ms": NEVER_MS})
    assert await rig.ask(AREA) == "width * height"
    await rig.until(lambda: len(rig.model.requests) == 2)
    before, _, after = marked.partition("‸")
    rig.completer.prefill(Snapshot(uri, before + after, language="python"), len(before))
    await rig.until(lambda: rig.completer._foresight.busy == goes_on)
    await asyncio.sleep(0.01)
    assert rig.completer._foresight.busy == goes_on


async def test_parts_can_be_left_out(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE, off='["type_through", "speculation", "check", "gate", "drafting"]')
    await rig.ask(AREA, AUTOMATIC)
    assert await rig.ask(typed("w"), AUTOMATIC) == ""
    assert rig.stages == ["gate", "cache", "debounce", "context", "infill", "filters"]
    assert [request.draft for request in rig.model.requests] == [False, False]


async def test_an_answer_that_breaks_the_syntax_is_not_shown(make_rig: MakeRig) -> None:
    rig = await make_rig({"after": "return ", "text": "width * * height"})
    assert await rig.ask(AREA) != "width * * height"
    assert "check" in rig.stages


async def test_a_name_that_nothing_defines_is_asked_for_again_and_then_dropped(make_rig: MakeRig) -> None:
    rig = await make_rig(
        {"after": "return ", "text": "width * hoehe"},
        {"after": "return width * ", "text": "height"},
    )
    assert await rig.ask(AREA) == "width * height"
    [first, further, second] = rig.requests
    assert further == replace(first, search=FURTHER, further=True)
    assert first.guide is None
    assert second.guide is not None
    assert {"width", "height"} <= set(second.guide.here)
    stubborn = await make_rig({"after": "", "text": "nirgends"})
    assert await stubborn.ask("def area(width):\n    return ‸\n") == ""
    assert "nirgends" in stubborn.reason


async def test_another_likely_line_takes_the_place_of_one_that_cannot_be_right(make_rig: MakeRig) -> None:
    rule = {"after": "return ", "text": "width * hoehe", "others": ["width - breite", "width * height"]}
    rig = await make_rig(rule)
    assert await rig.ask(AREA) == "width * height"
    assert [request.further for request in rig.requests] == [False, True]
    assert "another one was taken" in rig.completer.traces[-1].stages[-3].note
    without = await make_rig(rule, off='["search"]')
    assert await without.ask(AREA) != "width * height"
    assert [request.search for request in without.requests] == [0, 0]


WAITS = "def area(width, height):\n    ‸\n    total += 1\n    return total\n"


async def test_the_name_that_the_code_below_waits_for_is_defined(make_rig: MakeRig) -> None:
    rules = [
        {"after": "total = ", "text": "width * height"},
        {"after": "    ", "text": "print(width)", "others": ["return height"]},
    ]
    rig = await make_rig(*rules)
    assert await rig.ask(WAITS) == "total = width * height"
    assert "waits for `total`" in rig.completer.traces[-1].stages[-3].note
    rig = await make_rig({**rules[1], "others": ["total = height"]})
    assert await rig.ask(WAITS) == "total = height"
    assert [request.prefix.rpartition("\n")[2].strip() for request in rig.requests] == ["", "", "total = height"]
    rig = await make_rig({**rules[0], "text": "hoehe"}, rules[1])
    assert await rig.ask(WAITS) == "print(width)"  # what would have defined it is wrong itself
    rig = await make_rig(*rules)
    assert await rig.ask(WAITS.replace("height", "total")) == "print(width)"


async def test_what_was_just_deleted_is_not_suggested_again(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE)
    text = "def area(width, height):\n    return width * height\n"
    at = text.index("width * height")
    before = Snapshot("file:///area.py", text, version=1, language="python")
    after = replace(before, text=text.replace("return width * height", "return "), version=2)
    rig.completer.changed(before, after, [Edit(at, at + len("width * height"), "")])
    assert await rig.ask(AREA) == ""
    assert "deleted" in rig.reason


async def test_a_snooze_silences_what_comes_by_itself(make_rig: MakeRig) -> None:
    rig = await make_rig(RULE)
    rig.completer.session.control.snooze(5, time.monotonic())
    assert await rig.ask(AREA, AUTOMATIC) == ""
    assert "snoozed" in rig.reason
    assert await rig.ask(AREA, INVOKED) == "width * height"


async def test_a_suggestion_that_is_seldom_wanted_stays_back_and_says_so(make_rig: MakeRig) -> None:
    rig = await make_rig({"after": "", "text": "and then we go on with a long sentence"}, eagerness="low")
    assert await rig.ask("def f():\n    # the price ‸\n", AUTOMATIC) == ""
    assert "chance" in rig.reason
    assert await rig.ask("def f():\n    # the price ‸\n", INVOKED) == "and then we go on with a long sentence"


async def test_what_comes_too_late_leaves_the_first_answer(make_rig: MakeRig) -> None:
    rule = {"after": "    ", "text": "print(width)", "piece": 20}
    rig = await make_rig({"after": "total = ", "text": "width", "delay_ms": NEVER_MS}, rule, timeout_ms=500)
    assert await rig.ask(WAITS) == "print(width)"
    assert len(rig.requests) == 3


class Stuck:
    """Streams what another one does, but after so many pieces no more."""

    def __init__(self, stream: Any, pieces: int) -> None:
        self._stream, self._pieces = stream, pieces

    @property
    def stats(self) -> InfillStats:
        return self._stream.stats

    async def __aiter__(self) -> AsyncIterator[str]:
        async for piece in self._stream:
            yield piece
            self._pieces -= 1
            if not self._pieces:
                await asyncio.sleep(NEVER_MS / 1000)

    async def aclose(self) -> None:
        await self._stream.aclose()


@pytest.mark.parametrize(("pieces", "shown"), [(3, ""), (7, "size = width * height")])
async def test_what_was_written_in_time_is_not_thrown_away(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch, pieces: int, shown: str
) -> None:
    rig = await make_rig(BODY, timeout_ms=1000)
    infill = rig.model.infill
    monkeypatch.setattr(rig.model, "infill", lambda request: Stuck(infill(request), pieces))
    area = "def area(width, height):\n    ‸\n"
    assert await rig.ask(area, AUTOMATIC) == shown
    if not shown:
        assert "took longer" in rig.reason
        return
    assert "no time" in rig.reason
    assert await rig.ask(area, AUTOMATIC) == shown
    assert len(rig.requests) == 1
    monkeypatch.setattr(rig.model, "infill", infill)
    assert await rig.ask(area, INVOKED) == "size = width * height\n    return size", "who asks by hand waits longer"


async def test_what_was_not_reviewed_is_not_shown(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewing, go_on = threading.Event(), threading.Event()

    def slow(*given: Any) -> Any:
        reviewing.set()
        go_on.wait(30)
        return review(*given)

    monkeypatch.setattr("zicoder.complete.completer.review", slow)
    rig = await make_rig(RULE)
    waiting = rig.start(AREA)
    await rig.until(reviewing.is_set)
    rig.completer.settings_changed()
    assert await waiting == ""
    go_on.set()
    assert rig.completer.traces[-1].outcome == "nothing"


async def test_an_error_of_our_own_is_told_and_not_raised(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zicoder.complete.completer.apply_filters", lambda *_: 1 / 0)
    rig = await make_rig(RULE)
    assert await rig.ask(AREA) == ""
    assert rig.completer.traces[-1].outcome == "failed"
    assert "ZeroDivisionError" in rig.reason
    assert not rig.completer.busy


async def test_a_place_that_is_kept_busy_is_made_ready_later(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zicoder.complete.completer.REST_S", 0.05)
    follows = {"after": "width * height", "text": " + width", "delay_ms": NEVER_MS}
    rig = await make_rig(follows, RULE)
    assert await rig.ask(AREA) == "width * height"
    await asyncio.sleep(0.2)
    assert rig.model.prefills == [], "what follows is still being made"
    rig.completer.settings_changed()
    await rig.until(lambda: bool(rig.model.prefills))


async def test_a_document_that_was_closed_is_not_made_ready(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zicoder.complete.completer.REST_S", 0.05)
    rig = await make_rig(RULE)
    assert await rig.ask(AREA) == "width * height"
    await rig.until(lambda: not rig.completer.busy)
    rig.completer.closed("file:///area.py")
    await asyncio.sleep(0.2)
    assert rig.model.prefills == []


async def test_where_the_cursor_went_is_made_ready_and_not_where_it_was(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zicoder.complete.completer.REST_S", 0.05)
    rig = await make_rig(RULE)
    assert await rig.ask(AREA) == "width * height"
    rig.completer.prefill(Snapshot("file:///area.py", AREA.replace("‸", ""), language="python"), 4)
    await asyncio.sleep(0.3)
    assert [request.prefix for request in rig.model.prefills] == ["def "]
