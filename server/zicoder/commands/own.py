"""Commands that users write: a Markdown file in `.zicoder/commands/` is a prompt, its name is the command's.

    ---
    title: Explain like to a newcomer
    role: documenter
    ---
    Explain {prompt} to somebody who is new here. Start with what it is for.

`{prompt}` stands for what is written behind the command; without it, that is added at the end. Files of the project are
untrusted: such a command may ask a model and nothing else, and replaces no built-in one.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from zicoder.commands.answering import Question, answer
from zicoder.commands.registry import Command, Invocation, Parameter
from zicoder.commands.session import Session
from zicoder.events import Event
from zicoder.models.chat.roles import ROLES, RoleName

__all__ = ["FOLDER", "own_commands"]

FOLDER = ".zicoder/commands"
MOST_FILES, LONGEST = 100, 32_000
_HEAD = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*\n", re.DOTALL | re.MULTILINE)
_NAME = re.compile(r"[A-Za-z][\w-]{0,40}")


def own_commands(root: Path | None) -> list[Command[Session]]:
    """The commands of the project at `root`, by name. What cannot be read is left out. Blocking."""
    if root is None:
        return []
    found: list[Command[Session]] = []
    for path in sorted((root / FOLDER).glob("*.md"))[:MOST_FILES]:
        if not _NAME.fullmatch(path.stem) or path.is_symlink():
            continue
        try:
            with path.open(encoding="utf-8-sig") as file:
                text = file.read(LONGEST)
        except (OSError, UnicodeDecodeError):
            continue
        found.append(_command(path, text.replace("\r\n", "\n")))
    return found


def _command(path: Path, text: str) -> Command[Session]:
    head = _HEAD.match(text)
    fields = dict(line.split(":", 1) for line in head[1].splitlines() if ":" in line) if head else {}
    values = {key.strip().lower(): value.strip() for key, value in fields.items()}
    body = text[head.end() :].strip() if head else text.strip()
    role: RoleName = "chat"
    for name in ROLES:
        if name == values.get("role"):
            role = name
    title = values.get("title") or body.split("\n", 1)[0][:80]
    parameter = Parameter("prompt", "rest", required="{prompt}" in body)
    return Command(path.stem, title.rstrip("."), "", (parameter,), _handler(body, role), source=str(path))


def _handler(body: str, role: RoleName) -> Callable[..., AsyncIterator[Event]]:
    async def run(session: Session, invocation: Invocation, *, prompt: str = "") -> AsyncIterator[Event]:
        task = body.replace("{prompt}", prompt) if "{prompt}" in body else f"{body}\n\n{prompt}".strip()
        async for event in answer(session, invocation, Question(role=role, task=task, spoken=invocation.text)):
            yield event

    return run
