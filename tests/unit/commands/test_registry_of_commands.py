"""The registry: what is written becomes arguments, and every run ends exactly once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zicoder.commands.registry import Commands, Invocation, parse, split
from zicoder.errors import InputError, ToolDenied
from zicoder.events import Delta, Event, Failed, Finished, Notice

COMMANDS: Commands[list[Any]] = Commands()
CLOSED: list[str] = []


@COMMANDS.command("ask")
async def ask(session: list[Any], invocation: Invocation, *, prompt: str) -> AsyncIterator[Event]:
    """Answer a question.

    With the repository.
    """
    session.append(prompt)
    yield Delta("It is ")
    yield Delta("so.")


@COMMANDS.command("test")
async def write_tests(
    session: list[Any], invocation: Invocation, *, tries: int = 3, run: bool = False, style: str = "", prompt: str = ""
) -> AsyncIterator[Event]:
    """Write tests."""
    session.append((tries, run, style, prompt))
    yield Notice("writing")
    yield Finished(data={"passed": 3})
    yield Delta("never seen")


@COMMANDS.command("plan")
async def plan(
    session: list[Any], invocation: Invocation, *, do: Literal["status", "next", "done", ""] = "", prompt: str = ""
) -> AsyncIterator[Event]:
    """Plan."""
    session.append((do, prompt))
    yield Failed("no plan")
    yield Delta("never seen")


@COMMANDS.command("denied")
async def denied(session: list[Any], invocation: Invocation) -> AsyncIterator[Event]:
    """Run what nobody allows."""
    if invocation:
        raise ToolDenied("The user said no.", hint="Ask what is wanted.")
    yield Delta("never seen")


@COMMANDS.command("broken")
async def broken(session: list[Any], invocation: Invocation) -> AsyncIterator[Event]:
    """Fail inside."""
    yield Delta("a")
    raise KeyError("secret-value")


@COMMANDS.command("slow")
async def slow(session: list[Any], invocation: Invocation) -> AsyncIterator[Event]:
    """Take long."""
    try:
        yield Delta("a")
        await asyncio.sleep(60)
    finally:
        CLOSED.append("slow")


async def run(text: str) -> tuple[list[Any], list[Event]]:
    session: list[Any] = []
    return session, [event async for event in COMMANDS.dispatch(session, Invocation(text=text))]


async def test_text_without_a_slash_is_a_question() -> None:
    session, events = await run("why is `a/b` slow?")
    assert session == ["why is `a/b` slow?"]
    assert events[-1] == Finished("It is so.")


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("/test", (3, False, "", "")),
        ("/test the parser", (3, False, "", "the parser")),
        ('/test --tries 5 --run it\'s a "test"', (5, True, "", 'it\'s a "test"')),
        ('/test --style="given when" x', (3, False, "given when", "x")),
        ("/test explain --run", (3, False, "", "explain --run")),
        ("/test --unknown thing", (3, False, "", "--unknown thing")),
    ],
)
async def test_options_stand_first_and_the_rest_is_the_prompt(text: str, arguments: tuple[Any, ...]) -> None:
    session, events = await run(text)
    assert session == [arguments]
    assert events == [Notice("writing"), Finished(data={"passed": 3})]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [("/plan done 3", ("done", "3")), ("/plan a shop", ("", "a shop")), ("/plan", ("", ""))],
)
async def test_a_word_of_a_choice_is_an_argument(text: str, arguments: tuple[str, str]) -> None:
    session, events = await run(text)
    assert session == [arguments]
    assert events == [Failed("no plan")]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("/tset x", "There is no command /tset.", "/test"),
        ("/qqqqqq", "There is no command /qqqqqq.", "/help"),
        ("/", "There is no command /.", "/help"),
        ("/ask", "/ask needs what to do.", "Usage: /ask PROMPT"),
        ("/test --tries many", "--tries needs a number, not 'many'.", "Usage: /test [--tries N] [--run]"),
        ("/test --tries", "--tries needs a value.", "Usage"),
        ("/slow down", "'down' is not understood.", "Usage: /slow"),
    ],
)
async def test_what_is_wrong_is_said_with_what_to_do(text: str, message: str, hint: str) -> None:
    session, events = await run(text)
    assert session == []
    (failed,) = events
    assert isinstance(failed, Failed)
    assert failed.message == message
    assert hint in failed.hint


async def test_advice_for_a_model_that_was_denied_a_tool_is_not_told_to_a_person() -> None:
    _, events = await run("/denied")
    assert events == [Failed("The user said no.")]


async def test_an_internal_error_is_one_sentence_without_its_details() -> None:
    _, events = await run("/broken")
    assert isinstance(events[-1], Failed)
    assert "secret-value" not in f"{events}"


async def test_whoever_stops_listening_stops_the_command() -> None:
    CLOSED.clear()
    running = COMMANDS.dispatch([], Invocation(text="/slow"))
    async for _ in running:
        break
    await running.aclose()  # type: ignore[attr-defined]
    assert CLOSED == ["slow"]


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    name, rest = split(text)
    with contextlib.suppress(InputError):
        parse(COMMANDS.get(name), rest)


def test_usage_and_title_come_from_the_handler() -> None:
    command = COMMANDS.get("test")
    assert command.title == "Write tests"
    assert command.usage == "/test [--tries N] [--run] [--style TEXT] [PROMPT]"
    assert [c.name for c in COMMANDS] == ["ask", "broken", "denied", "plan", "slow", "test"]


def test_a_path_is_no_command() -> None:
    assert split("/usr/bin is full") == ("ask", "/usr/bin is full")
    assert split("// is that a comment?") == ("ask", "// is that a comment?")


async def test_the_end_is_told_when_everything_is_put_away() -> None:
    commands: Commands[list[Any]] = Commands()

    async def answer(session: list[Any], prompt: str) -> AsyncIterator[Event]:
        try:
            yield Finished("done")
        finally:
            await asyncio.sleep(0)
            session.append("kept")
            if prompt:
                raise InputError("The disk is full.", hint="Make room.")

    @commands.command("keep")
    async def keep(session: list[Any], invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:  # pyright: ignore[reportUnusedFunction]
        """Answer, and write that down."""
        async for event in answer(session, prompt):
            yield event

    kept: list[Any] = []
    async for event in commands.dispatch(kept, Invocation(text="/keep")):
        assert (event, kept) == (Finished("done"), ["kept"])
    events = [event async for event in commands.dispatch([], Invocation(text="/keep full"))]
    assert events == [Notice("The disk is full. Make room.", "warning"), Finished("done")]
