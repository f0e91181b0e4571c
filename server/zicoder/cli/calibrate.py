"""`zi bench completion --calibrate`: measures the installed models on this machine and shows which one `auto` takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from zicoder.cli.output import current_settings, print_json
from zicoder.errors import ModelNotInstalled

if TYPE_CHECKING:
    from zicoder.models.calibration import Measured, Measurement

__all__ = ["calibrate"]

BUSY_PERCENT = 50.0


def calibrate(*, as_json: bool) -> None:
    """Measure, keep what was measured, and print it. Raises ModelNotInstalled, ModelError."""
    import psutil

    from zicoder.models.calibration import Measured, candidates, measure, pick
    from zicoder.models.store import ModelStore
    from zicoder.workspace import cache_dir

    settings, store = current_settings(), ModelStore()
    present = candidates(store)
    if not present:
        hint = f"Run `zi model pull {next(iter(store.catalog))}`."
        raise ModelNotInstalled("No model that fills holes is installed, so there is nothing to measure.", hint=hint)
    if (busy := psutil.cpu_percent(interval=0.5)) > BUSY_PERCENT:
        typer.echo(f"zi: The machine is busy ({busy:.0f} %): models look slower than they are.", err=True)
    measured = Measured(cache_dir(), settings.engine)
    rows: list[Measurement] = []
    for entry in present:
        typer.echo(f"Measuring {entry.name}…", err=True)
        rows.append(asyncio.run(measure(entry, store, settings.engine)))
        measured.keep(rows[-1])
    chosen = pick(present, measured.rows())
    name, setting = chosen.name if chosen else "", settings.model.infill
    if as_json:
        print_json(_document(measured, rows) | {"chosen": name, "setting": setting})
    else:
        _print_table(rows, name, setting)


def _document(measured: Measured, rows: list[Measurement]) -> dict[str, Any]:
    from zicoder.models.calibration import FIRST_TOKEN_MS, LINE_MS, LINE_TOKENS, TOKENS_PER_S

    return {
        "machine": measured.machine,
        "budget": {
            "firstTokenMs": FIRST_TOKEN_MS,
            "tokensPerS": TOKENS_PER_S,
            "lineTokens": LINE_TOKENS,
            "lineMs": LINE_MS,
        },
        "models": [
            {
                "name": row.name,
                "sha256": row.sha256,
                "loadS": row.load_s,
                "promptTokensPerS": row.prompt_tokens_per_s,
                "firstTokenMs": row.first_token_ms,
                "tokensPerS": row.tokens_per_s,
                "lineMs": round(row.line_ms, 1),
                "meetsBudget": row.in_time,
                "error": row.error,
            }
            for row in rows
        ],
    }


def _print_table(rows: list[Measurement], chosen: str, setting: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from zicoder.models.calibration import BUDGET

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Model", "Load", "Prompt", "First token", "Answer", "A line", "In time"):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "Model" else "right")
    for row in rows:
        figures = (
            f"{row.load_s:.1f} s", f"{row.prompt_tokens_per_s:.0f}/s", f"{row.first_token_ms:.0f} ms",
            f"{row.tokens_per_s:.0f}/s", f"{row.line_ms:.0f} ms",
        )  # fmt: skip
        table.add_row(row.name, *(["-"] * len(figures) if row.error else figures), "yes" if row.in_time else "no")
    console = Console()
    console.print(table, highlight=False)
    for row in rows:
        if row.error:
            console.print(f"{row.name}: {row.error}", highlight=False, markup=False, soft_wrap=True)
    typer.echo(f"\nPrompt and answer are in tokens. In time is {BUDGET}.\n`auto` takes {chosen}.")
    if setting != "auto":
        typer.echo(f"`zi.model.infill` is {setting!r}, which overrides it.")
