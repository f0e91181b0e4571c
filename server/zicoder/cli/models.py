"""`zi model`: the models on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from zicoder.cli.output import HELP, Json, current_settings, print_json, showing_progress
from zicoder.errors import ZiError

if TYPE_CHECKING:
    from zicoder.models.catalog import ModelEntry
    from zicoder.models.store import ModelStore

__all__ = ["app", "pull"]

app = typer.Typer(help="The models on this machine: list, pull, verify, remove.", **HELP)

Name = Annotated[str, typer.Argument(help="A name from `zi model list`.")]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models Zi Coder knows, and which are installed."""
    store = _store()
    if as_json:
        print_json({"folder": str(store.root), "models": [_facts(store, e) for e in store.catalog.values()]})
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


@app.command()
def pull(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Default: the infill model.")] = None,
    places: Annotated[
        list[str] | None, typer.Option("--from", metavar="PATH", help="A file or folder to look in first.")
    ] = None,
) -> None:
    """Fetch a model, verified; an interrupted pull goes on where it stopped."""
    store = _store()
    entries = [store.catalog.find(name) for name in names or [next(iter(store.catalog))]]
    sources = [*(places or []), *current_settings().model.sources]
    for entry in entries:
        if store.state(entry) == "installed":
            typer.echo(f"{entry.name} is already installed: {store.path(entry)}", err=True)
            continue
        try:
            with showing_progress() as progress:
                path = store.pull(entry, sources, progress)
        except KeyboardInterrupt:
            typer.echo(f"zi: stopped. What was fetched is kept; `zi model pull {entry.name}` goes on.", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"{entry.name} is installed and verified: {path}", err=True)


@app.command()
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
            with showing_progress(lines=False) as progress:
                path = store.verify(entry, progress)
            results.append({"name": entry.name, "ok": True, "path": str(path)})
        except ZiError as error:
            results.append({"name": entry.name, "ok": False, "error": {"message": str(error), "hint": error.hint}})
            typer.echo(f"✗ {error.sentence}", err=True)
        else:
            if not as_json:
                typer.echo(f"✓ {entry.name}: the SHA-256 is right ({entry.sha256[:12]}…).")
    if as_json:
        print_json({"models": results})
    elif not results:
        typer.echo("No model is installed.", err=True)
    raise typer.Exit(0 if all(result["ok"] for result in results) else 1)


@app.command()
def remove(name: Name) -> None:
    """Delete a model and what an unfinished pull left of it."""
    from zicoder.models.partial import human_bytes

    store = _store()
    with showing_progress(lines=False) as progress:
        freed = store.remove(store.catalog.find(name), progress)
    typer.echo(f"{name} is removed; {human_bytes(freed)} are free again.", err=True)


@app.command()
def path(name: Name, as_json: Json = False) -> None:
    """Print where an installed model's file is."""
    found = _store().resolve(name)
    if as_json:
        print_json({"name": found.name, "path": str(found.path)})
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
