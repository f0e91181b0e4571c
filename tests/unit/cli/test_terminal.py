"""What a person at a terminal sees of an answer, and what a pipe gets."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from rich.console import Console

from zicoder.cli.conversation import show_answer
from zicoder.cli.terminal import Terminal, changed_lines
from zicoder.events import Delta, Event, Failed, Finished, Notice, Proposed, ToolStarted, Used
from zicoder.proposal import FileEdit, Proposal

WRONG, RIGHT = "See a.py:400.\nThat is all.", "See a.py:4.\nThat is all."
EDIT = Proposal("Edit a.py", (FileEdit(path="a.py", before="x = 1\n", after="x = 2\n"),))


def streamed(text: str) -> list[Event]:
    return [Delta(text[:5]), Delta(text[5:])]


def test_a_pipe_gets_the_text_that_counts_once(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    for event in (
        *streamed(WRONG),
        Notice("a.py has 5 lines, not 400.", "warning"),
        Finished(RIGHT, {"corrected": True}),
    ):
        assert terminal.show(event)
    shown = capsys.readouterr()
    assert shown.out == f"{RIGHT}\n"
    assert "not 400" in shown.err


def test_a_terminal_is_shown_what_is_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(stream=True)
    for event in (*streamed(WRONG), Finished(RIGHT, {"corrected": True})):
        terminal.show(event)
    shown = capsys.readouterr()
    assert shown.out == f"{WRONG}\n"
    assert "corrected" in shown.err
    assert "-See a.py:400.\n+See a.py:4." in shown.err


def test_what_was_streamed_is_not_printed_again_and_a_report_is(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(stream=True)
    for event in (Delta("First try."), Notice("Again."), Delta("Second try."), Finished("Second try.")):
        terminal.show(event)
    assert capsys.readouterr().out == "First try.\nSecond try.\n"
    for event in (*streamed(WRONG), Finished("A report.")):
        terminal.show(event)
    assert capsys.readouterr().out == f"{WRONG}\nA report.\n"


def test_what_was_said_before_a_failure_is_not_lost_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.show(Delta("Half an ans"))
    assert not terminal.show(Failed("The model is away."))
    shown = capsys.readouterr()
    assert shown.out == "Half an ans\n"
    assert "away" in shown.err


async def test_edits_of_an_agent_are_shown_before_they_are_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    terminal = Terminal()
    terminal.root = tmp_path
    assert not (await terminal.apply(EDIT)).ok
    assert "+x = 2" in capsys.readouterr().err
    terminal.show(Proposed(EDIT))
    await terminal.apply(EDIT)
    assert capsys.readouterr().err.count("+x = 2") == 1


async def test_what_a_person_has_agreed_to_is_not_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    terminal = Terminal()
    terminal.root = tmp_path
    gone = FileEdit(path="a.py", before="x = 1\n", after=None)
    assert not (await terminal.apply(Proposal("Delete a.py", (gone,)))).ok
    assert (await terminal.apply(Proposal("Delete a.py", (gone,), approved=True))).ok
    assert not (tmp_path / "a.py").exists()


def test_changed_lines_are_marked() -> None:
    assert changed_lines("a\nb\nc", "a\nB\nc\nd") == ["-b", "+B", "+d"]


async def chat(*events: Event) -> str:
    """What a conversation leaves on the screen."""
    screen = io.StringIO()

    async def told() -> AsyncGenerator[Event]:
        for event in events:
            yield event

    await show_answer(Terminal(), Console(file=screen, width=60), told())
    return screen.getvalue()


async def test_a_conversation_shows_an_answer_once_and_as_it_was_corrected() -> None:
    used = Used("m", 1, 2)
    assert (await chat(*streamed(RIGHT), used, Finished(RIGHT))).count("See a.py:4.") == 1
    shown = await chat(*streamed(WRONG), used, Notice("a.py has 5 lines."), Finished(RIGHT, {"corrected": True}))
    assert shown.count("See a.py:4.") == 1
    assert "400" not in shown


async def test_a_correction_behind_the_steps_of_an_agent_is_shown_whole() -> None:
    step = ToolStarted("1", "read", "read a.py")
    shown = await chat(Delta("I look. "), step, *streamed(WRONG), Finished(f"I look. {RIGHT}", {"corrected": True}))
    assert shown.index("400") < shown.index("See a.py:4.")
