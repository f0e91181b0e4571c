"""`zi index` and `zi search`: the code index."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from zicoder.cli.output import Json, print_json, show_problem, showing_progress

__all__ = ["index", "search"]


def index(
    folder: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="Default: the project that this folder is in.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring the code index of a project up to date; what is unchanged costs a comparison."""
    from zicoder.commands.index import index_project, project_root

    root = (folder or project_root(Path.cwd())).resolve()
    with showing_progress(percent=True) as progress:
        done = asyncio.run(index_project(root, progress, show_problem))
    if as_json:
        print_json(done.to_json())
        return
    report = done.report
    skipped = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in report.skipped.most_common())
    typer.echo(f"{done.files:,} files, {done.chunks:,} chunks in the index of {root}")
    typer.echo(
        f"{report.indexed:,} read, {report.unchanged:,} unchanged, {report.removed:,} gone, in {report.seconds:.1f} s"
    )
    if skipped:
        typer.echo(f"left out: {skipped}")


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
    with showing_progress(lines=False, percent=True) as progress:
        found = asyncio.run(
            search_project(
                root, query, k=k, languages=lang or (), path=path, progress=progress, on_problem=show_problem
            )
        )
    if as_json:
        print_json(found.to_json())
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
