"""A person at a terminal as the front end of commands: shows events, asks before anything is done.

Standard output gets the answer, standard error all the rest. At a terminal the answer is shown while it comes, and what
is corrected in the end is shown as such; a file or a pipe gets the text that counts, once. Without a terminal nobody
can be asked: the answer is no.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import sys
from dataclasses import asdict
from pathlib import Path

import typer

from zicoder.agents.edits.disk import applied_on_disk
from zicoder.agents.front import Answer, Applied, Question
from zicoder.events import Delta, Event, Failed, Finished, Notice, Progress, Proposed, ToolEnded, ToolStarted, Used
from zicoder.proposal import Proposal

__all__ = ["Terminal"]

DIFF_LINES = 200
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def event_json(event: Event) -> str:
    """An event as one line of JSON."""
    return json.dumps({"event": type(event).__name__.lower(), **asdict(event)}, ensure_ascii=False, default=str)


class Terminal:
    """Prints and asks."""

    def __init__(self, *, apply_edits: bool = False, as_json: bool = False, stream: bool | None = None) -> None:
        """`apply_edits`: edits are applied without a question.

        `stream`: whether the answer is shown while it comes; None if that is for standard output to say.
        """
        self._stream = sys.stdout.isatty() if stream is None else stream
        self.root = Path()
        self._apply_edits = apply_edits
        self._as_json = as_json
        self._streamed = False
        """Whether the line that is being written is part of an answer."""
        self._said = ""
        """The answer so far."""
        self._shown: Proposal | None = None
        """The edits whose diff was shown last."""

    async def may(self, question: Question) -> Answer:
        """Ask at the terminal; "never" where there is none."""
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return "never"
        self._say("")
        self._say(typer.style(f"? {question.summary}", fg="yellow", bold=True))
        for text in (question.detail, question.reason):
            if text:
                self._say(f"    {text}")
        return await asyncio.to_thread(_asked)

    async def apply(self, proposal: Proposal) -> Applied:
        """Apply edits to the files, if the person wants it and has not said so already."""
        if proposal is not self._shown:
            self._diff(proposal)  # an agent's tool has made it
        if not (self._apply_edits or proposal.approved):
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                return Applied(ok=False, reason="Nothing was changed: there is nobody to ask. `--yes` applies edits.")
            files = len(proposal.files)
            wanted = await asyncio.to_thread(_confirmed, f"Apply this to {files} file{'s' if files > 1 else ''}?")
            if not wanted:
                return Applied(ok=False, reason="Nothing was changed.")
        return await applied_on_disk(proposal, self.root)

    def show(self, event: Event) -> bool:
        """Print an event; False for the one that says that the command failed."""
        if isinstance(event, Proposed):
            self._shown = event.proposal
        if self._as_json:
            typer.echo(event_json(event))
            return not isinstance(event, Failed)
        match event:
            case Delta(text=text):
                self._said += text
                if self._stream:
                    self._streamed = True
                    typer.echo(text, nl=False)
            case Finished(text=text, data=data):
                self._finish(text, corrected=bool(data.get("corrected")))
            case Failed(message=message, hint=hint):
                if self._said and not self._stream:
                    typer.echo(self._said)
                self._say(f"zi: {message}")
                if hint:
                    self._say(f"    {hint}")
                self._said = ""
            case Proposed(proposal=proposal):
                self._diff(proposal)
            case _:
                self._aside(event)
        return not isinstance(event, Failed)

    def _finish(self, text: str, *, corrected: bool) -> None:
        """Whatever of the final text was not shown already."""
        said = self._said.strip()
        if self._streamed:
            typer.echo("")
        self._streamed, self._said = False, ""
        if not self._stream:
            typer.echo(text, nl=bool(text))
        elif corrected and said:
            self._say(typer.style("zi: this is corrected in the answer:", fg="yellow"))
            for line in changed_lines(said, text.strip()):
                self._say(typer.style(line, fg=_COLOURS[line[0]]))
        elif not said.endswith(text.strip()):
            typer.echo(text)  # a report, and not what was streamed

    def _aside(self, event: Event) -> None:
        match event:
            case Notice(text=text, level=level):
                self._say(typer.style(f"zi: {text}", fg="yellow" if level == "warning" else None, dim=level == "info"))
            case ToolStarted(summary=summary):
                self._say(typer.style(f"→ {summary}", fg="cyan"))
            case ToolEnded(ok=ok, summary=summary):
                self._say(typer.style(f"  {'✓' if ok else '✗'} {summary}", dim=True))
            case Progress(title=title, done=done, total=total, detail=detail) if total and sys.stderr.isatty():
                typer.echo(f"\r{title} {100 * done // total} % {detail[:40]:<40}", err=True, nl=done >= total)
            case Used(model=model, input_tokens=read, output_tokens=written, cost=cost) if sys.stderr.isatty():
                price = "" if cost == 0 else ", price unknown" if cost is None else f", {cost:.4f} $"
                self._say(typer.style(f"  {model}: {read:,} tokens read, {written:,} written{price}", dim=True))
            case _:
                pass

    def _diff(self, proposal: Proposal) -> None:
        self._say("")
        lines = proposal.diff().splitlines()
        for line in lines[:DIFF_LINES]:
            self._say(typer.style(line, fg=_COLOURS.get(line[:1])))
        if len(lines) > DIFF_LINES:
            self._say(f"… and {len(lines) - DIFF_LINES:,} more lines")

    def _say(self, text: str) -> None:
        if self._streamed:
            typer.echo("")
            self._streamed = False
        typer.echo(text, err=True)


def changed_lines(before: str, after: str) -> list[str]:
    """The lines that differ, with a `-` or a `+` in front."""
    compared = difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")
    return [line for line in list(compared)[2:] if not line.startswith("@@")]


def _asked() -> Answer:
    try:
        given = typer.prompt("  Allow? [y]es, [a]ll of this kind, [n]o", default="n", err=True)
    except (typer.Abort, EOFError):
        return "never"
    answers: dict[str, Answer] = {"y": "once", "a": "session"}
    return answers.get(given.strip().lower()[:1], "never")


def _confirmed(text: str) -> bool:
    try:
        return typer.confirm(f"  {text}", default=False, err=True)
    except (typer.Abort, EOFError):
        return False
