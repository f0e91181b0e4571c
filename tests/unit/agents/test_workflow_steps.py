"""Steps of a workflow are done again while something is found, beside each other where they may, and never after the
one that failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from zicoder.agents.workflow_run import Run, resumed
from zicoder.agents.workflow_steps import has_findings, run_steps
from zicoder.agents.workflows import Step, Workflow, parse_workflow
from zicoder.errors import ProviderUnavailable
from zicoder.events import Delta, Event, Failed, Finished, Notice, ToolEnded, ToolStarted

CODE_AND_REVIEW = """
name = "small"
[[steps]]
id = "code"
role = "coder"
prompt = "Do {task}."
stop = "edits"
[[steps]]
id = "review"
role = "reviewer"
prompt = "Review {code}."
inputs = ["code"]
stop = "no_findings"
repeat = "code"
rounds = 3
[[steps]]
id = "tell"
role = "documenter"
prompt = "Tell of {code}."
inputs = ["code", "review"]
"""
FOUND = "- **high** `a.py:3`: it divides by zero.\n\nVerdict: findings"
CLEAN = "All is well.\nVerdict: clean"


class Roles:
    """Answers by step, one after the other; the last one goes on for ever. Remembers what was asked."""

    def __init__(self, **answers: list[Event | Exception | str]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.saved: list[Run] = []

    async def __call__(self, step: Step, prompt: str) -> AsyncIterator[Event]:
        self.asked.append((step.id, prompt))
        answers = self.answers[step.id]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, str):
            yield Delta(answer)
            answer = Finished(answer)
        yield answer

    async def save(self, run: Run) -> None:
        self.saved.append(run)

    @property
    def order(self) -> list[str]:
        return [name for name, _ in self.asked]

    async def run(
        self, workflow: Workflow, run: Run | None = None, *, beside: Callable[[Step], bool] = lambda _: False
    ) -> tuple[Finished, list[Event]]:
        events = [
            event
            async for event in run_steps(
                workflow, run or Run.begin(workflow, "it"), self, save=self.save, beside=beside
            )
        ]
        assert isinstance(events[-1], Finished)
        return events[-1], events


def workflow(text: str = CODE_AND_REVIEW) -> Workflow:
    return parse_workflow(text, "small.toml")


@pytest.mark.parametrize(
    ("review", "found"),
    [
        (CLEAN, False),
        (FOUND, True),
        ("1. Medium: the name is wrong.\nVerdict: clean", True),
        ("- low: a long line.\n**Verdict:** clean", False),
        ("Verdict: findings\nOn second thoughts:\nVerdict: clean", False),
        ("Verdict: findings", True),
        ("It looks good to me.", None),
        ("", None),
    ],
)
def test_a_verdict_counts_but_not_against_the_findings(review: str, found: bool | None) -> None:
    assert has_findings(review) is found


async def test_code_goes_back_with_the_findings_until_the_review_is_clean() -> None:
    roles = Roles(code=["first", "second"], review=[FOUND, CLEAN], tell=["told"])
    finished, events = await roles.run(workflow())
    assert roles.order == ["code", "review", "code", "review", "tell"]
    assert "divides by zero" in roles.asked[2][1]
    assert "Review second." in roles.asked[3][1]
    assert finished.data["steps"] == {"code": "done", "review": "done", "tell": "done"}
    assert "## review (reviewer): done, round 2 of 3" in finished.text
    assert any(isinstance(event, Notice) and "Round 2 of 3" in event.text for event in events)


async def test_rounds_come_to_an_end_and_what_was_found_is_reported() -> None:
    roles = Roles(code=["x"], review=[FOUND], tell=["told"])
    finished, _ = await roles.run(workflow())
    assert roles.order == ["code", "review"] * 3
    assert finished.data["steps"] == {"code": "done", "review": "failed"}
    assert "it divides by zero" in finished.text
    assert "## tell (documenter): not done" in finished.text


async def test_who_finds_nothing_to_mend_has_not_failed() -> None:
    nothing = Finished("It is right as it is.", {"applied": False, "reason": "nothing to change"})
    roles = Roles(code=["first", nothing], review=[FOUND, CLEAN], tell=["told"])
    finished, _ = await roles.run(workflow())
    assert finished.data["steps"]["tell"] == "done"
    roles = Roles(code=[nothing], review=[CLEAN], tell=["told"])
    assert (await roles.run(workflow()))[0].data["steps"] == {"code": "failed"}


async def test_a_failed_run_is_saved_and_goes_on_where_it_stopped() -> None:
    roles = Roles(code=["x"], review=[ProviderUnavailable("The model is away.", hint="Wait.")], tell=["told"])
    finished, events = await roles.run(workflow())
    assert finished.data["steps"] == {"code": "done", "review": "failed"}
    assert any(isinstance(e, Notice) and "The model is away. Wait. `/workflow resume`" in e.text for e in events)
    roles.answers["review"] = [CLEAN]
    finished, _ = await roles.run(workflow(), resumed(workflow(), roles.saved[-1]))
    assert roles.order == ["code", "review", "review", "tell"]
    assert finished.data["steps"] == {"code": "done", "review": "done", "tell": "done"}


async def test_a_run_that_was_broken_off_in_its_second_round_goes_on_in_it() -> None:
    roles = Roles(code=["first", "second"], review=[FOUND, CLEAN], tell=["told"])
    events = run_steps(workflow(), Run.begin(workflow(), "it"), roles, save=roles.save)
    async for event in events:
        if isinstance(event, Delta) and "code, again" in event.text:
            break
    await events.aclose()
    finished, _ = await roles.run(workflow(), resumed(workflow(), roles.saved[-1]))
    assert roles.order == ["code", "review", "code", "review", "tell"]
    assert "divides by zero" in roles.asked[2][1]
    assert "round 2 of 3" in finished.text


async def test_an_error_is_tried_again_as_often_as_the_step_says() -> None:
    text = CODE_AND_REVIEW.replace('stop = "edits"', 'stop = "edits"\nretries = 1')
    roles = Roles(code=[Failed("Refused.", "Ask again."), "fine"], review=[CLEAN], tell=["told"])
    assert (await roles.run(workflow(text)))[0].data["steps"]["tell"] == "done"
    roles = Roles(code=[Failed("Refused.", "Ask again.")], review=[CLEAN], tell=["told"])
    finished, _ = await roles.run(workflow(text))
    assert roles.order == ["code", "code"]
    assert "> Refused. Ask again." in finished.text


async def test_tests_that_do_not_pass_are_done_again_by_the_same_step() -> None:
    text = 'name = "t"\n[[steps]]\nid = "test"\nrole = "tester"\nprompt = "Test."\nstop = "tests_pass"\nrounds = 3'

    class Tester(Roles):
        async def __call__(self, step: Step, prompt: str) -> AsyncIterator[Event]:
            self.asked.append((step.id, prompt))
            if len(self.asked) > 1:
                yield ToolStarted("t", "tests", "run the tests")
                yield ToolEnded("t", ok=len(self.asked) == 3, summary="")
            yield Finished("I say that they pass.")

    roles = Tester()
    finished, _ = await roles.run(workflow(text))
    assert [prompt.rpartition("\n")[2] for _, prompt in roles.asked] == [
        "Test.", "No tests were run.", "The tests do not pass.",
    ]  # fmt: skip
    assert finished.data["steps"] == {"test": "done"}


INDEPENDENT = """
name = "three"
[[steps]]
id = "one"
role = "planner"
prompt = "One."
[[steps]]
id = "two"
role = "reviewer"
prompt = "Two."
[[steps]]
id = "both"
role = "documenter"
prompt = "{one} {two}"
inputs = ["one", "two"]
"""


class Meeting(Roles):
    """Each of the first two steps ends only when the other has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = {name: asyncio.Event() for name in ("one", "two", "both")}

    async def __call__(self, step: Step, prompt: str) -> AsyncIterator[Event]:
        self.asked.append((step.id, prompt))
        self.begun[step.id].set()
        yield Delta(f"{step.id} begins, ")
        await self.begun["two" if step.id == "one" else "one"].wait()
        yield Delta("and ends.")
        yield Finished(f"<{step.id}>")


async def test_independent_steps_are_done_beside_each_other_and_their_texts_do_not_mix() -> None:
    roles = Meeting()
    async with asyncio.timeout(20):
        _, events = await roles.run(workflow(INDEPENDENT), beside=lambda _: True)
    assert roles.asked[-1] == ("both", "<one> <two>")
    said = [event.text for event in events if isinstance(event, Delta)]
    assert {"\n\n## one\n\none begins, and ends.", "\n\n## two\n\ntwo begins, and ends."} <= set(said)


async def test_where_they_may_not_one_waits_for_the_other() -> None:
    roles = Roles(one=["1"], two=["2"], both=["3"])
    await roles.run(workflow(INDEPENDENT), beside=lambda step: step.id != "two")
    assert roles.order == ["one", "two", "both"]
    assert [len(run.results) for run in roles.saved] == [1, 2, 3]


async def test_leaving_ends_what_is_under_way() -> None:
    ended: list[str] = []

    class Waiting(Roles):
        async def __call__(self, step: Step, prompt: str) -> AsyncIterator[Event]:
            try:
                yield Notice("begun")
                await asyncio.Event().wait()
            finally:
                ended.append(step.id)

    roles = Waiting()
    events = run_steps(
        workflow(INDEPENDENT), Run.begin(workflow(INDEPENDENT), "x"), roles, save=roles.save, beside=lambda _: True
    )
    begun = 0
    async for event in events:
        begun += event == Notice("begun")
        if begun == 2:
            break
    await events.aclose()
    assert sorted(ended) == ["one", "two"]
