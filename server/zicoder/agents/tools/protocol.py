"""What a tool is: a name, words for the model, typed arguments, what it touches, and what it does.

A tool says what it is about to touch, and is run with what the gate has judged. It knows nothing of rules and asks
nobody. Nothing here depends on a model library, so that other front ends can offer the same tools.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from zicoder.agents.places import Place
from zicoder.errors import ToolError

__all__ = ["Arguments", "Grant", "Tool", "ToolText", "Touch", "checked", "marked", "schema"]


class Arguments(BaseModel):
    """Base of every tool's arguments: what is not declared is refused, so that a slip is told and not swallowed."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=1_000_000)


A = TypeVar("A", bound=Arguments)
A_contra = TypeVar("A_contra", bound=Arguments, contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What one call is about to touch, in the words of the model. Empty means that nothing is known: it is asked."""

    summary: str
    """One line for a person."""
    detail: str = ""
    """All of it: a diff, a text."""
    reads: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    command: str | None = None
    """A shell command line."""
    host: str | None = None
    """What is spoken to over a network."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a tool was let do. `places` holds every path of its `Touch`, as it was judged."""

    root: Path
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    hidden: Callable[[str], bool] = lambda _: False
    """Whether a file, project-relative, is none of this tool's business: a rule denies it, or it holds secrets."""
    approved: bool = False
    """A person was just shown this very call, and said yes."""

    def place(self, path: str) -> Place:
        """Raises ToolError for a path that was not judged."""
        if path not in self.places:
            raise ToolError(f"{path!r} was not part of what was asked for.")
        return self.places[path]


@dataclass(frozen=True, slots=True)
class ToolText:
    """What a tool brought back: text for the model, and one line for a person."""

    text: str
    summary: str = ""
    ok: bool = True


class Tool(Protocol[A_contra]):
    """One thing that an agent can do."""

    @property
    def name(self) -> str:
        """As the model calls it."""
        ...

    @property
    def description(self) -> str:
        """What it does, for the model."""
        ...

    @property
    def arguments(self) -> type[Arguments]:
        """Their type; `schema` gives it as JSON schema."""
        ...

    def touches(self, arguments: A_contra, /) -> Touch:
        """What a call with these arguments would touch. Looks at nothing but the arguments."""
        ...

    async def run(self, arguments: A_contra, grant: Grant, /) -> ToolText:
        """Do it. Raises ToolError with a sentence for the model. A cancel ends everything it started."""
        ...


def schema(tool: Tool[Any]) -> dict[str, Any]:
    """The JSON schema of a tool's arguments."""
    return tool.arguments.model_json_schema()


def checked(kind: type[A], values: Mapping[str, Any] | str) -> A:
    """Arguments as a model gave them, in their type. Raises ToolError that says which one is wrong."""
    try:
        return kind.model_validate_json(values) if isinstance(values, str) else kind.model_validate(dict(values))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()[:5]]
        known = ", ".join(kind.model_fields)
        raise ToolError(f"The arguments are no good: {'; '.join(wrong)}.", hint=f"It takes {known}.") from error


def marked(tool: str, result: ToolText) -> str:
    """A result between marks that its text cannot know, for a prompt: what is inside is data, whatever it says."""
    mark = secrets.token_hex(4)
    body = re.sub(r"</?tool_result", lambda found: found[0].replace("<", "&lt;"), result.text, flags=re.IGNORECASE)
    state = "ok" if result.ok else "failed"
    return f"<tool_result {mark} tool={json.dumps(tool)} state={state}>\n{body}\n</tool_result {mark}>"
