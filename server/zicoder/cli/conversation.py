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
from zicoder.commands.builtin import COMMANDS
from zicoder.commands.own import own_commands
from zicoder.commands.registry import Command, Invocation
from zicoder.context.mentions import begun, candidates
from zicoder.context.path_table import PathTable
from zicoder.events import Delta, Event, Failed, Finished
from zicoder.models.store import data_dir

if TYPE_CHECKING:
    from zicoder.commands.session import Session

__all__ = ["converse"]

REFRESH = 8
"""Redraws of a streaming answer in a second."""


async def converse(resume: str) -> None:
    """Talk until the end of input."""
    terminal, console = Terminal(), Console()
    async with opened(terminal) as session:
        own = await asyncio.to_thread(own_commands, session.workspace.root)
        conversation = await asyncio.to_thread(session.conversations.find, resume) if resume else None
        table = await asyncio.to_thread(lambda: session.files().table())
        prompt: PromptSession[str] = PromptSession(
            history=FileHistory(str(_history_file())), completer=_Words(own, table), complete_while_typing=True
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
                conversation = await _answered(session, terminal, console, text, conversation, own)


async def _answered(
    session: Session, terminal: Terminal, console: Console, text: str, conversation: str | None,
    own: list[Command[Session]],
) -> str | None:  # fmt: skip
    """Show the answer to one line; the conversation it belongs to. Ctrl-C stops it."""
    events = COMMANDS.dispatch(session, Invocation(text=text, conversation=conversation), own)
    job = asyncio.ensure_future(_shown(terminal, console, events))
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


async def _shown(terminal: Terminal, console: Console, events: AsyncIterator[Event]) -> Event | None:
    said, last = "", None
    live: Live | None = None
    try:
        async for event in events:
            last = event
            if isinstance(event, Delta):
                said += event.text
                if live is None:
                    live = Live(console=console, refresh_per_second=REFRESH, vertical_overflow="visible")
                    live.start()
                live.update(Markdown(said))
                continue
            if live is not None:
                live.stop()
                live = None
            if isinstance(event, Finished):
                if not said and event.text:
                    console.print(Markdown(event.text))
            else:
                said = "" if not isinstance(event, Failed) else said
                terminal.show(event)
    finally:
        if live is not None:
            live.stop()
        if close := getattr(events, "aclose", None):
            await close()
    return last


class _Words(Completer):
    """Completes a command's name at the start of the line, and a mention after `@`."""

    def __init__(self, own: list[Command[Session]], table: PathTable) -> None:
        self._commands = [*COMMANDS, *own]
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
