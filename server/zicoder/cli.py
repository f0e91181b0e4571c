"""The `zi` command: parses arguments, calls a front end, prints what comes back. It holds no logic of its own.

Everything heavy is imported inside the command that needs it, so that `zi --help` and `zi --version` are quick.
Exit codes: 0 ok, 1 failed, 2 wrong usage. With --json, standard output holds one JSON document and nothing else,
an error included: {"error": {"message": ..., "hint": ...}}.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.util
import io
import json
import re
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

import zicoder
from zicoder.errors import InputError, ZiError
from zicoder.events import ignore_progress

if TYPE_CHECKING:
    from zicoder.events import Progress, ProgressSink
    from zicoder.models.catalog import ModelEntry
    from zicoder.models.store import ModelStore
    from zicoder.settings import Problem, Settings

__all__ = ["app", "main"]

_USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
"""Typer exports only the leaves of its tree of usage errors."""

_LINE_SECONDS = 0.5
"""Between two lines of progress in a log."""

_HELP: dict[str, Any] = {"no_args_is_help": True, "context_settings": {"help_option_names": ["-h", "--help"]}}
app = typer.Typer(
    help="Zi Coder: an AI coding assistant that runs on your own machine.",
    add_completion=False,
    pretty_exceptions_enable=False,
    **_HELP,
)
model_app = typer.Typer(help="The models on this machine: list, pull, verify, remove.", **_HELP)
app.add_typer(model_app, name="model")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Name = Annotated[str, typer.Argument(help="A name from `zi model list`.")]


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
        _fail(str(error), error.hint, as_json=as_json)
    except _USAGE_ERROR as error:
        message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
        _fail(message, "See `zi --help`.", as_json=as_json, code=2)
    sys.exit(code)


def _fail(message: str, hint: str, *, as_json: bool, code: int = 1) -> NoReturn:
    if as_json:
        _print_json({"error": {"message": message, "hint": hint}})
    typer.echo(f"zi: {message}", err=True)
    if hint:
        typer.echo(f"    {hint}", err=True)
    sys.exit(code)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _settings() -> Settings:
    """Settings for the folder we stand in; what is wrong with them is said on standard error."""
    from zicoder.settings import load_settings

    settings, problems = load_settings(project=Path.cwd())
    for problem in problems:
        _show_problem(problem)
    return settings


def _show_problem(problem: Problem) -> None:
    typer.echo(f"zi: {problem}", err=True)


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

    if _settings().model.infill == "auto":
        pull()
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

    result = asyncio.run(complete_at(path, int(found[2]), int(found[3]), on_problem=_show_problem))
    if as_json:
        _print_json(result.to_json())
    elif result.text:
        typer.echo(result.text)
    else:
        typer.echo(f"zi: no suggestion: {result.trace.reason}", err=True)


@app.command()
def index(
    folder: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="Default: the project that this folder is in.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring the code index of a project up to date; what is unchanged costs a comparison."""
    from zicoder.commands.index import index_project, project_root

    root = (folder or project_root(Path.cwd())).resolve()
    with _showing_progress(percent=True) as progress:
        done = asyncio.run(index_project(root, progress, _show_problem))
    if as_json:
        _print_json(done.to_json())
        return
    report = done.report
    skipped = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in report.skipped.most_common())
    typer.echo(f"{done.files:,} files, {done.chunks:,} chunks in the index of {root}")
    typer.echo(
        f"{report.indexed:,} read, {report.unchanged:,} unchanged, {report.removed:,} gone, in {report.seconds:.1f} s"
    )
    if skipped:
        typer.echo(f"left out: {skipped}")


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="A question, a name, or a piece of code.")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many answers.")] = 10,
    lang: Annotated[list[str] | None, typer.Option(help="Only this language (LSP identifier); repeatable.")] = None,
    path: Annotated[str, typer.Option(help="Only this folder or glob, relative to the project.")] = "",
    as_json: Json = False,
) -> None:
    """Search the project that this folder is in, by meaning and by name."""
    from zicoder.commands.index import project_root, search_project

    root = project_root(Path.cwd())
    with _showing_progress(lines=False, percent=True) as progress:
        found = asyncio.run(
            search_project(
                root, query, k=k, languages=lang or (), path=path, progress=progress, on_problem=_show_problem
            )
        )
    if as_json:
        _print_json(found.to_json())
        return
    if found.note:
        typer.echo(f"zi: {found.note}", err=True)
    for hit in found.hits:
        place = typer.style(f"{hit.path}:{hit.start + 1}", fg="cyan")
        more = typer.style(f" (+{hit.folded} in this file)", dim=True) if hit.folded else ""
        typer.echo(f"{place}  {hit.kind} {typer.style(hit.qualified, bold=True)}{more}")
        if hit.signature:
            typer.echo(f"    {hit.signature}")
    if not found.hits:
        typer.echo("zi: nothing found", err=True)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look at every component: version, where it is, and what to do about it."""
    from zicoder.commands.doctor import examine

    checks = examine()
    good = all(check.ok is not False for check in checks)
    if as_json:
        _print_json({"ok": good, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        for check in checks:
            mark, colour = {True: ("✓", "green"), False: ("✗", "red"), None: ("-", "yellow")}[check.ok]
            rest = "  ".join(filter(None, (check.version, check.where)))
            typer.echo(f"{typer.style(mark, fg=colour)} {check.name:<26} {rest}".rstrip())
            if check.advice:
                typer.echo(f"    {check.advice}")
    raise typer.Exit(0 if good else 1)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="A file of tests/bench, without .py.")],
    as_json: Json = False,
) -> None:
    """Run a benchmark of a source checkout."""
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
    raise typer.Exit(module.main(["--json"] if as_json else []))


@model_app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models Zi Coder knows, and which are installed."""
    store = _store()
    if as_json:
        _print_json({"folder": str(store.root), "models": [_facts(store, e) for e in store.catalog.values()]})
        return
    from rich.console import Console
    from rich.table import Table

    from zicoder.models.partial import human_bytes

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Name", "Size", "State", "What it is good for"):
        table.add_column(heading, no_wrap=heading != "What it is good for")
    colours = {"installed": "green", "damaged": "red", "partial": "yellow", "absent": "dim"}
    for entry in store.catalog.values():
        state = store.state(entry)
        table.add_row(entry.name, human_bytes(entry.size), f"[{colours[state]}]{state}[/]", entry.summary)
    console = Console()
    console.print(table)
    console.print(f"\nFolder: {store.root}", highlight=False, soft_wrap=True)
    if not store.installed():
        console.print("Install one with `zi model pull NAME`.", highlight=False)


@model_app.command()
def pull(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Default: the infill model.")] = None,
    places: Annotated[
        list[str] | None, typer.Option("--from", metavar="PATH", help="A file or folder to look in first.")
    ] = None,
) -> None:
    """Fetch a model, verified; an interrupted pull goes on where it stopped."""
    store = _store()
    entries = [store.catalog.find(name) for name in names or [next(iter(store.catalog))]]
    sources = [*(places or []), *_settings().model.sources]
    for entry in entries:
        if store.state(entry) == "installed":
            typer.echo(f"{entry.name} is already installed: {store.path(entry)}", err=True)
            continue
        try:
            with _showing_progress() as progress:
                path = store.pull(entry, sources, progress)
        except KeyboardInterrupt:
            typer.echo(f"zi: stopped. What was fetched is kept; `zi model pull {entry.name}` goes on.", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"{entry.name} is installed and verified: {path}", err=True)


@model_app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Default: all installed.")] = None,
    as_json: Json = False,
) -> None:
    """Read installed models in full and check their SHA-256; a damaged file is deleted."""
    store = _store()
    entries = [store.catalog.find(name) for name in names] if names else _present(store)
    results: list[dict[str, Any]] = []
    for entry in entries:
        try:
            with _showing_progress(lines=False) as progress:
                path = store.verify(entry, progress)
            results.append({"name": entry.name, "ok": True, "path": str(path)})
        except ZiError as error:
            results.append({"name": entry.name, "ok": False, "error": {"message": str(error), "hint": error.hint}})
            typer.echo(f"✗ {error.sentence}", err=True)
        else:
            if not as_json:
                typer.echo(f"✓ {entry.name}: the SHA-256 is right ({entry.sha256[:12]}…).")
    if as_json:
        _print_json({"models": results})
    elif not results:
        typer.echo("No model is installed.", err=True)
    raise typer.Exit(0 if all(result["ok"] for result in results) else 1)


@model_app.command()
def remove(name: Name) -> None:
    """Delete a model and what an unfinished pull left of it."""
    from zicoder.models.partial import human_bytes

    store = _store()
    with _showing_progress(lines=False) as progress:
        freed = store.remove(store.catalog.find(name), progress)
    typer.echo(f"{name} is removed; {human_bytes(freed)} are free again.", err=True)


@model_app.command()
def path(name: Name, as_json: Json = False) -> None:
    """Print where an installed model's file is."""
    found = _store().resolve(name)
    if as_json:
        _print_json({"name": found.name, "path": str(found.path)})
    else:
        typer.echo(str(found.path))


def _store() -> ModelStore:
    from zicoder.models.store import ModelStore

    return ModelStore()


def _present(store: ModelStore) -> list[ModelEntry]:
    """Entries with a file in the store, of whatever size."""
    return [entry for entry in store.catalog.values() if store.state(entry) in ("installed", "damaged")]


def _facts(store: ModelStore, entry: ModelEntry) -> dict[str, Any]:
    """What `zi model list --json` says of one model."""
    state = store.state(entry)
    return {
        "name": entry.name,
        "state": state,
        "path": str(store.blob(entry)) if state == "installed" else None,
        "size": entry.size,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "parameters": entry.parameters,
        "contextTokens": entry.context_tokens,
        "fillsInTheMiddle": entry.fim_template is not None,
        "goodFor": list(entry.good_for),
        "summary": entry.summary,
    }


@contextlib.contextmanager
def _showing_progress(*, lines: bool = True, percent: bool = False) -> Generator[ProgressSink]:
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
        if (progress.title, tenth) == seen or (now - written < _LINE_SECONDS and tenth < 10):
            return
        seen, written = (progress.title, tenth), now
        done = f"{10 * tenth} %" if progress.total else "…"
        typer.echo(f"{progress.title}: {done}{f' ({progress.detail})' if progress.detail else ''}", err=True)

    return show
