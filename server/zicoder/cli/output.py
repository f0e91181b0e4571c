"""What every command prints with: JSON, errors, progress.

Standard output is for results, standard error for the rest.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from zicoder.events import ignore_progress

if TYPE_CHECKING:
    from zicoder.events import Progress, ProgressSink
    from zicoder.settings import Problem, Settings

__all__ = ["HELP", "Json", "current_settings", "fail", "print_json", "show_problem", "showing_progress"]

LINE_SECONDS = 0.5
"""Between two lines of progress in a log."""

HELP: dict[str, Any] = {"no_args_is_help": True, "context_settings": {"help_option_names": ["-h", "--help"]}}
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def fail(message: str, hint: str, *, as_json: bool, code: int = 1) -> NoReturn:
    """Say what went wrong and what to do, and exit."""
    if as_json:
        print_json({"error": {"message": message, "hint": hint}})
    typer.echo(f"zi: {message}", err=True)
    if hint:
        typer.echo(f"    {hint}", err=True)
    sys.exit(code)


def print_json(document: object) -> None:
    """The one document on standard output."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def current_settings() -> Settings:
    """Settings for the folder we stand in; what is wrong with them is said on standard error."""
    from zicoder.settings import load_settings

    settings, problems = load_settings(project=Path.cwd())
    for problem in problems:
        show_problem(problem)
    return settings


def show_problem(problem: Problem) -> None:
    """Something in the settings that cannot be used."""
    typer.echo(f"zi: {problem}", err=True)


@contextlib.contextmanager
def showing_progress(*, lines: bool = True, percent: bool = False) -> Generator[ProgressSink]:
    """A sink for progress: a bar on a terminal, else a line per tenth or nothing. Always on standard error.

    `percent`: what is counted is not bytes.
    """
    if not sys.stderr.isatty():
        yield _lines() if lines else ignore_progress
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        *((TaskProgressColumn(),) if percent else (DownloadColumn(), TransferSpeedColumn())),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[detail]}"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None, detail="", visible=False)
        title = ""

        def show(progress: Progress) -> None:
            nonlocal title
            if progress.title != title:
                title = progress.title
                bars.reset(task, description=title, total=progress.total, completed=progress.done, visible=True)
            bars.update(task, total=progress.total, completed=progress.done, detail=progress.detail)

        yield show


def _lines() -> ProgressSink:
    """A sink for logs: a line when a tenth more is done, and none for what is over in a moment."""
    seen: tuple[str, int] = ("", -1)
    written = 0.0

    def show(progress: Progress) -> None:
        nonlocal seen, written
        tenth = 10 * progress.done // progress.total if progress.total else 0
        now = time.monotonic()
        if (progress.title, tenth) == seen or (now - written < LINE_SECONDS and tenth < 10):
            return
        seen, written = (progress.title, tenth), now
        done = f"{10 * tenth} %" if progress.total else "…"
        typer.echo(f"{progress.title}: {done}{f' ({progress.detail})' if progress.detail else ''}", err=True)

    return show
