"""The `zi` command: parses arguments, calls a front end, prints what comes back. It holds no logic of its own.

Everything heavy is imported inside the command that needs it, so that `zi --help` and `zi --version` are quick.
Exit codes: 0 ok, 1 failed, 2 wrong usage. With --json, standard output holds one JSON document and nothing else,
an error included: {"error": {"message": ..., "hint": ...}}.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import zicoder
from zicoder.cli import code, models, setup, talk
from zicoder.cli.output import HELP, Json, current_settings, fail, print_json, show_problem, showing_progress
from zicoder.errors import InputError, ZiError

__all__ = ["app", "main"]

_USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
"""Typer exports only the leaves of its tree of usage errors."""

app = typer.Typer(
    help="Zi Coder: an AI coding assistant that runs on your own machine.",
    add_completion=False,
    pretty_exceptions_enable=False,
    **HELP,
)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run `zi` and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # On Windows a pipe would get the legacy code page, which lacks most of what a file name can hold.
            stream.reconfigure(encoding="utf-8", errors="replace")
    arguments = list(sys.argv[1:] if args is None else args)
    as_json = "--json" in arguments
    try:
        # Outside standalone mode typer hands usage errors to us, who can put them into JSON.
        code = app(arguments, prog_name="zi", standalone_mode=not as_json)
    except ZiError as error:
        fail(str(error), error.hint, as_json=as_json)
    except _USAGE_ERROR as error:
        message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
        fail(message, "See `zi --help`.", as_json=as_json, code=2)
    sys.exit(code)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"zi {zicoder.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Zi Coder: an AI coding assistant that runs on your own machine."""


@app.command()
def lsp(
    tcp: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Listen on TCP, for debugging.")] = None,
) -> None:
    """Run the language server on standard input and output: what an editor starts."""
    if tcp is not None and re.fullmatch(r"[^:]*:\d+|\[.*\]:\d+", tcp) is None:
        raise typer.BadParameter(f"{tcp!r} is not HOST:PORT, as in 127.0.0.1:2087.")
    from zicoder.lsp.server import serve

    serve(tcp)


@app.command()
def demo() -> None:
    """Fetch the default model if need be, and show what an editor would get, on a small sample project."""
    from zicoder.lsp.demo import run_demo

    if current_settings().model.infill == "auto":
        models.pull()
    raise typer.Exit(run_demo())


@app.command()
def complete(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE:LINE:COL",
            help="Where to complete. Lines and columns count from 1, columns in characters; column 1 is before the "
            "first character, and a column past the end means the end of the line.",
        ),
    ],
    file_alone: Annotated[
        bool, typer.Option("--file-alone", help="Do not look at the project that the file is in, which takes longer.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print one inline suggestion, made the way an editor would get it."""
    # Greedy, so that the colon of a Windows drive stays with the file.
    found = re.fullmatch(r"(.+):(\d+):(\d+)", place, re.DOTALL)
    if found is None or not int(found[2]) or not int(found[3]):
        raise typer.BadParameter(f"{place!r} is not FILE:LINE:COL with numbers from 1, as in app.py:12:5.")
    path = Path(found[1])
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    from zicoder.commands.complete import complete_at

    with showing_progress(lines=False, percent=True) as progress:
        work = complete_at(
            path, int(found[2]), int(found[3]), file_alone=file_alone, progress=progress, on_problem=show_problem
        )
        result = asyncio.run(work)
    if result.note and not as_json:
        typer.echo(f"zi: {result.note}", err=True)
    if as_json:
        print_json(result.to_json())
    elif result.text:
        typer.echo(result.text)
    else:
        typer.echo(f"zi: no suggestion: {result.trace.reason}", err=True)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look at every component: version, where it is, and what to do about it."""
    from zicoder.commands.doctor import examine

    checks = examine()
    good = all(check.ok is not False for check in checks)
    if as_json:
        print_json({"ok": good, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        for check in checks:
            mark, colour = {True: ("✓", "green"), False: ("✗", "red"), None: ("-", "yellow")}[check.ok]
            rest = "  ".join(filter(None, (check.version, check.where)))
            typer.echo(f"{typer.style(mark, fg=colour)} {check.name:<26} {rest}".rstrip())
            if check.advice:
                typer.echo(f"    {check.advice}")
    raise typer.Exit(0 if good else 1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A file of tests/bench, without .py.")],
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="With `completion`, also without a checkout: measure the installed models on this machine, from which "
            "`auto` then chooses.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a benchmark of a source checkout; further options are its own."""
    if calibrate:
        if name != "completion":
            raise typer.BadParameter("--calibrate goes with the benchmark completion.")
        from zicoder.cli.calibrate import calibrate as measure_models

        measure_models(as_json=as_json)
        return
    checkout = Path(zicoder.__file__).resolve().parents[2]
    folder = checkout / "tests" / "bench"
    if not folder.is_dir():
        raise InputError(
            "The benchmarks are in the source checkout only, and this is an installed package.",
            hint="Clone the repository and run `pip install -e .` in it.",
        )
    known = sorted(path.stem for path in folder.glob("[!_]*.py"))
    if name not in known:
        raise InputError(f"There is no benchmark {name!r}.", hint=f"Known: {', '.join(known) or 'none'}.")
    sys.path.insert(0, str(checkout))  # benchmarks share code as tests.bench.…
    spec = importlib.util.spec_from_file_location(f"tests.bench.{name}", folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    raise typer.Exit(module.main([*context.args, *(["--json"] if as_json else [])]))


app.command()(code.index)
app.command()(code.search)
app.command()(talk.run)
app.command()(talk.chat)
app.add_typer(models.app, name="model")
app.command()(setup.acp)
app.add_typer(talk.keys, name="key")
app.add_typer(setup.setup, name="setup")
