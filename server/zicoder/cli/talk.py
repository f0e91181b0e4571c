"""`zi run`, `zi chat` and `zi key`: the /commands in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zicoder.cli.output import HELP, Json, print_json, show_problem
from zicoder.errors import InputError

if TYPE_CHECKING:
    from zicoder.cli.terminal import Terminal
    from zicoder.commands.registry import Invocation
    from zicoder.commands.session import Session
    from zicoder.models.credentials.keys import Credentials

__all__ = ["chat", "keys", "run"]

keys = typer.Typer(help="Keys of remote providers.", **HELP)


def run(
    text: Annotated[str, typer.Argument(metavar="COMMAND", help="`/command options prompt`, or a question.")],
    file: Annotated[
        str,
        typer.Option(metavar="FILE[:FROM[-TO]]", help="The file, and the lines, that the command is about."),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Apply edits without asking. Commands are still refused.")] = False,
    show_context: Annotated[
        bool, typer.Option("--show-context", help="Print what the request would send, by segment, and send nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each event, a line each.")] = False,
) -> None:
    """Run one /command about the project that this folder is in, and print the answer."""
    from zicoder.cli.terminal import Terminal

    terminal = Terminal(apply_edits=yes, as_json=as_json)
    raise typer.Exit(asyncio.run(_run(terminal, text, file, show_context=show_context)))


def chat(
    resume: Annotated[str, typer.Option(metavar="ID", help="Go on with this conversation; `last` is the latest.")] = "",
) -> None:
    """Talk about the project that this folder is in. Ctrl-C stops an answer, Ctrl-D ends."""
    if not sys.stdin.isatty():
        raise InputError("`zi chat` needs a terminal.", hint='For one question: `zi run "your question"`.')
    from zicoder.cli.conversation import converse

    asyncio.run(converse(resume))


async def _run(terminal: Terminal, text: str, file: str, *, show_context: bool) -> int:
    from zicoder.commands.dispatch import dispatched

    async with opened(terminal) as session:
        invocation = _invocation(session, text, file)
        if show_context:
            from zicoder.commands.builtin.questions import context_of
            from zicoder.commands.registry import split

            name, prompt = split(text)
            events = context_of(session, invocation, name, prompt)
        else:
            events = dispatched(session, invocation)
        good = True
        async for event in events:
            good = terminal.show(event)
        return 0 if good else 1


@contextlib.asynccontextmanager
async def opened(terminal: Terminal) -> AsyncGenerator[Session]:
    """A session in the project that this folder is in."""
    from zicoder.commands.index import project_root
    from zicoder.commands.session import Session
    from zicoder.workspace import Workspace

    root = project_root(Path.cwd())
    async with Workspace(root) as workspace:
        for problem in workspace.problems:
            show_problem(problem)
        terminal.root = root
        session = Session(workspace, terminal)
        try:
            yield session
        finally:
            await session.close()


def _invocation(session: Session, text: str, file: str) -> Invocation:
    from zicoder.commands.complete import read_document
    from zicoder.commands.registry import Invocation

    if not file:
        return Invocation(text=text)
    name, first, last = _place(file)
    snapshot = read_document(Path(name))
    if not first:
        return Invocation(text=text, snapshot=snapshot)
    if first > len(snapshot.lines):
        raise InputError(f"{name} has {len(snapshot.lines)} lines; there is no line {first}.")
    start = snapshot.lines.start(first - 1)
    end = snapshot.lines.content_end(min(last, len(snapshot.lines)) - 1) if last else start
    return Invocation(text=text, snapshot=snapshot, selection=(start, max(start, end)))


def _place(file: str) -> tuple[str, int, int]:
    """A file, its first and its last line; 0 for none."""
    name, colon, lines = file.rpartition(":")
    first, _, last = lines.partition("-")
    if not colon or not first.isdigit() or (last and not last.isdigit()):
        return file, 0, 0
    return name, int(first), int(last) if last else 0


@keys.command("set")
def key_set(
    name: Annotated[str, typer.Argument(help="The provider, as in `openai`, or `provider@host:port`.")],
) -> None:
    """Keep a key: in the system's keyring, or in an encrypted file where there is none. It is read without echo."""
    from pydantic import SecretStr

    value = typer.prompt(f"Key for {name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    if not value:
        raise InputError("There is no key.", hint="Type it, or give it on standard input.")
    _credentials().set(name, SecretStr(value))
    typer.echo(f"zi: the key for {name} is kept", err=True)


@keys.command("list")
def key_list(as_json: Json = False) -> None:
    """List for whom keys are kept; never the keys."""
    names = sorted(_credentials().names())
    if as_json:
        print_json({"keys": names})
    else:
        typer.echo("\n".join(names) if names else "zi: no keys are kept", err=not names)


@keys.command("delete")
def key_delete(name: str) -> None:
    """Forget a key."""
    _credentials().delete(name)
    typer.echo(f"zi: the key for {name} is forgotten", err=True)


def _credentials() -> Credentials:
    from zicoder.cli.output import current_settings
    from zicoder.models.credentials.keys import Credentials

    return Credentials(where=current_settings().chat.keys)
