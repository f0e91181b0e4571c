"""`zi chat`: a conversation in a terminal, with history, completion of commands and `@` mentions."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown

from zicoder.cli.talk import opened
from zicoder.cli.terminal import Terminal
from zicoder.commands.dispatch import commands_of, dispatched
from zicoder.commands.registry import Command, Invocation
from zicoder.context.mentions import begun, candidates
from zicoder.context.path_table import PathTable
from zicoder.events import Delta, Event, Finished, Notice, Progress, Used
from zicoder.models.store import data_dir

if TYPE_CHECKING:
    from zicoder.commands.session import Session

__all__ = ["converse", "show_answer"]

REFRESH = 8
"""Redraws of a streaming answer in a second."""


async def converse(resume: str) -> None:
    """Talk until the end of input."""
    terminal, console = Terminal(), Console()
    async with opened(terminal) as session:
        commands = await asyncio.to_thread(commands_of, session)
        conversation = await asyncio.to_thread(session.conversations.find, resume) if resume else None
        table = await asyncio.to_thread(lambda: session.files().table())
        prompt: PromptSession[str] = PromptSession(
            history=FileHistory(str(_history_file())), completer=_Words(commands, table), complete_while_typing=True
        )
        console.print("[bold]Zi[/bold]  `/help` lists the commands, `@` mentions files, Ctrl-D ends.", markup=True)
        while True:
            try:
                with patch_stdout():
                    text = await prompt.prompt_async("> ")
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text.strip():
                conversation = await _answered(session, terminal, console, text, conversation)


async def _answered(
    session: Session, terminal: Terminal, console: Console, text: str, conversation: str | None
) -> str | None:
    """Show the answer to one line; the conversation it belongs to. Ctrl-C stops it."""
    events = dispatched(session, Invocation(text=text, conversation=conversation))
    job = asyncio.ensure_future(show_answer(terminal, console, events))
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows: there, Ctrl-C ends the program
        loop.add_signal_handler(signal.SIGINT, job.cancel)
    try:
        last = await job
    except asyncio.CancelledError:
        console.print("[dim]stopped[/dim]")
        return conversation
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
    found = last.data.get("conversation") if isinstance(last, Finished) else None
    return str(found) if found else conversation


async def show_answer(terminal: Terminal, console: Console, events: AsyncIterator[Event]) -> Event | None:
    """Show an answer while it comes. What counts in the end is the text of `Finished`."""
    last: Event | None = None
    answer = _Answer(console)
    used: list[Used] = []
    try:
        async for event in events:
            last = event
            match event:
                case Delta(text=text):
                    answer.goes_on(text)
                case Finished(text=text):
                    answer.ends(text)
                case Used():
                    used.append(event)
                case Notice() | Progress():
                    terminal.show(event)  # above what is being written
                case _:
                    answer.pauses()
                    terminal.show(event)
    finally:
        answer.pauses()
        for event in used:
            terminal.show(event)
        if close := getattr(events, "aclose", None):
            await close()
    return last


class _Answer:
    """An answer on the screen, as Markdown that grows."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._said = ""
        self._part = ""
        """What has come since something else was shown."""

    def goes_on(self, text: str) -> None:
        """The next piece."""
        self._said += text
        self._part += text
        if self._live is None:
            self._live = Live(console=self._console, refresh_per_second=REFRESH, vertical_overflow="visible")
            self._live.start()
        self._live.update(Markdown(self._part))

    def pauses(self) -> None:
        """Something else is shown."""
        if self._live is not None:
            self._live.stop()
        self._live, self._part = None, ""

    def ends(self, text: str) -> None:
        """The whole text, which takes the place of what was shown where that is still possible."""
        if self._said.strip().endswith(text.strip()):
            return
        if self._live is not None and self._part == self._said:
            self._live.update(Markdown(text))
            return
        self.pauses()
        self._console.print(Markdown(text))


class _Words(Completer):
    """Completes a command's name at the start of the line, and a mention after `@`."""

    def __init__(self, commands: list[Command[Session]], table: PathTable) -> None:
        self._commands = commands
        self._table = table

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What may follow."""
        text = document.text_before_cursor
        if text.startswith("/") and " " not in text:
            for command in self._commands:
                if command.name.startswith(text[1:]):
                    yield Completion(f"/{command.name}", start_position=-len(text), display_meta=command.title)
        elif mention := begun(document.text, document.cursor_position):
            start, typed = mention
            for candidate in candidates(typed, self._table):
                yield Completion(
                    candidate.text, start_position=start - document.cursor_position, display=candidate.label,
                    display_meta=candidate.detail,
                )  # fmt: skip


def _history_file() -> Path:
    folder = data_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "chat-history"
