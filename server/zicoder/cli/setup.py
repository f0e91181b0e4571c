"""Zi in the chats of other programs: `zi acp`, which they start, and `zi setup`, which tells them how."""

from __future__ import annotations

import importlib.util
import json
from typing import Annotated

import typer

from zicoder.acp.registration import NAME, SERVERS, Program, entry, file_of, register
from zicoder.cli.output import HELP
from zicoder.errors import InputError

__all__ = ["acp", "setup"]

setup = typer.Typer(help="Tell other programs how to start Zi.", **HELP)
MISSING = "Run `pip install 'zicoder[acp]'` in the environment of `zi`."

Show = Annotated[bool, typer.Option("--print", help="Print what would be written, and where, and write nothing.")]


def acp() -> None:
    """Answer a chat that speaks the Agent Client Protocol, on standard input and output: what JetBrains IDEs and Zed
    start.
    """
    if not _installed():
        raise InputError("The package agent-client-protocol is missing.", hint=MISSING)
    from zicoder.acp.agent import serve

    serve()


@setup.command()
def jetbrains(show: Show = False) -> None:
    """Offer Zi in the AI chat of JetBrains IDEs (`~/.jetbrains/acp.json`)."""
    _register("jetbrains", show=show)


@setup.command()
def zed(show: Show = False) -> None:
    """Offer Zi in the agent panel of Zed (its `settings.json`)."""
    _register("zed", show=show)


def _register(program: Program, *, show: bool) -> None:
    file, wanted = file_of(program), entry(program)
    if show:
        typer.echo(f"zi: for {file}", err=True)
        typer.echo(json.dumps({SERVERS: {NAME: wanted}}, indent=2, ensure_ascii=False))
    elif register(file, wanted):
        typer.echo(f"zi: {file} names Zi now", err=True)
    else:
        typer.echo(f"zi: {file} names Zi already", err=True)
    if not _installed():
        typer.echo(f"zi: the package agent-client-protocol is missing. {MISSING}", err=True)


def _installed() -> bool:
    return importlib.util.find_spec("acp") is not None
