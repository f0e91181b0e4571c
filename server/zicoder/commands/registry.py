"""The registry of `/commands`: what each is called, what it takes, and how it is run, the same for every front end.

A command is an async generator of events whose keyword-only parameters are its arguments; its docstring's first line is
its title. Help, completion, palettes and documentation derive from that. Owns parsing and the rule that every run ends
in exactly one `Finished` or `Failed`. Must never know which front end asked.
"""

from __future__ import annotations

import difflib
import inspect
import logging
import re
import types
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, cast

from zicoder.errors import InputError, ToolDenied, ZiError
from zicoder.events import Delta, Event, Failed, Finished, Notice
from zicoder.text import Snapshot

__all__ = ["Command", "Commands", "Invocation", "Parameter", "parse", "split"]

log = logging.getLogger("zicoder.commands")

S = TypeVar("S")
PROMPT = "prompt"
"""The parameter that takes the rest of the line, as written."""
DEFAULT = "ask"
"""The command for text without a slash."""
_NAME = re.compile(r"/([A-Za-z][\w-]*)(?=\s|$)")
_OPTION = re.compile(r"\s*--([A-Za-z][\w-]*)(?:=(\"[^\"]*\"|\S*)|(?=\s|$))")
_WORD = re.compile(r"\s*(\"[^\"]*\"|\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of a command, as a front end knows it."""

    text: str
    """As written: `/name --option value prompt`, or a prompt alone."""
    snapshot: Snapshot | None = None
    """The document that the user looks at."""
    selection: tuple[int, int] | None = None
    """Offsets in it; None where nothing is selected."""
    conversation: str | None = None
    """The conversation that it belongs to; None begins one."""
    problems: tuple[str, ...] = ()
    """Diagnostics of the document, one a line, as an editor shows them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a command."""

    name: str
    kind: Literal["flag", "number", "text", "choice", "rest"]
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def usage(self) -> str:
        """As it stands in a line of help."""
        match self.kind:
            case "flag":
                return f"[--{self.name}]"
            case "number" | "text":
                shown = f"--{self.name} {'N' if self.kind == 'number' else 'TEXT'}"
            case "choice":
                shown = "|".join(self.choices)
            case "rest":
                shown = "PROMPT"
        return shown if self.required else f"[{shown}]"


@dataclass(frozen=True, slots=True)
class Command(Generic[S]):
    """One command."""

    name: str
    title: str
    """One sentence."""
    details: str
    parameters: tuple[Parameter, ...]
    run: Callable[..., AsyncIterator[Event]] = field(repr=False)
    source: str = ""
    """The file that a user's own command comes from."""

    @property
    def usage(self) -> str:
        """How it is called."""
        return " ".join((f"/{self.name}", *(p.usage for p in self.parameters)))


class Commands(Generic[S]):
    """Commands that run with a session of type S."""

    def __init__(self) -> None:
        self._known: dict[str, Command[S]] = {}

    def command(
        self, name: str
    ) -> Callable[[Callable[..., AsyncIterator[Event]]], Callable[..., AsyncIterator[Event]]]:
        """Decorator: `handler(session, invocation, *, arguments...)` becomes `/name`.

        Raises ValueError when the name is taken or a parameter is of a type that cannot be written in a line.
        """

        def add(run: Callable[..., AsyncIterator[Event]]) -> Callable[..., AsyncIterator[Event]]:
            self.add(_described(name, run))
            return run

        return add

    def add(self, command: Command[S]) -> None:
        """Add a command. Raises ValueError when the name is taken."""
        if command.name in self._known:
            raise ValueError(f"/{command.name} is registered twice")
        self._known[command.name] = command

    def __iter__(self) -> Iterator[Command[S]]:
        return iter(sorted(self._known.values(), key=lambda command: command.name))

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def every(self, more: Iterable[Command[S]]) -> list[Command[S]]:
        """All of them, and those of the project that replace none."""
        return [*self, *(command for command in more if command.name not in self)]

    def get(self, name: str, more: Iterable[Command[S]] = ()) -> Command[S]:
        """The command of a name; `more` are those of the project, which replace none. Raises InputError."""
        known = {command.name: command for command in more} | self._known
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(f'/{n}' for n in near)}?" if near else "`/help` lists all commands."
        raise InputError(f"There is no command /{name[:40]}.", hint=hint)

    async def dispatch(
        self, session: S, invocation: Invocation, more: Iterable[Command[S]] = ()
    ) -> AsyncGenerator[Event]:
        """Run what was written.

        The last event is `Finished` or `Failed`, the only one of these; nothing is raised but what cancels.
        """
        said: list[str] = []
        finished: Finished | None = None  # told when the command has put everything away
        running: AsyncIterator[Event] | None = None
        try:
            name, rest = split(invocation.text)
            command = self.get(name, more)
            running = command.run(session, invocation, **parse(command, rest))
            async for event in running:
                if finished:
                    continue
                if isinstance(event, Delta):
                    said.append(event.text)
                if isinstance(event, Finished):
                    finished = event if event.text else Finished("".join(said), event.data)
                    continue
                yield event
                if isinstance(event, Failed):
                    return
            yield finished or Finished("".join(said))
        except ZiError as error:
            if finished:
                yield Notice(error.sentence, "warning")
            yield finished or Failed(str(error), _advice(error))
        except Exception:
            log.exception("internal error in %s", invocation.text[:40])
            yield finished or Failed(
                "Something went wrong inside Zi Coder.", "The log has the details: `zi doctor` says where."
            )
        finally:
            if running is not None and (close := getattr(running, "aclose", None)):
                await close()


def _advice(error: ZiError) -> str:
    """What a person can do; what a denied tool advises is for a model."""
    return "" if isinstance(error, ToolDenied) else error.hint


def split(text: str) -> tuple[str, str]:
    """The command's name and what follows it; text without a slash is for the default command."""
    text = text.strip()
    if found := _NAME.match(text):
        return found[1], text[found.end() :].strip()
    first = text.split(maxsplit=1)[0] if text else ""
    if first.startswith("/") and "/" not in first[1:]:
        return first[1:], ""  # meant as a command: that there is none is said
    return DEFAULT, text


def parse(command: Command[Any], rest: str) -> dict[str, Any]:
    """The arguments of a call. Options stand first; from the first other word on, everything is the prompt.

    Raises InputError that shows the usage.
    """
    values: dict[str, Any] = {}
    at = _options(command, rest, values)
    prompt = rest[at:].strip()
    takes_prompt = any(p.name == PROMPT for p in command.parameters)
    if prompt and not takes_prompt:
        raise _wrong(command, f"{prompt.split()[0]!r} is not understood.")
    if prompt:
        values[PROMPT] = prompt
    for parameter in command.parameters:
        if parameter.required and parameter.name not in values:
            missing = "what to do" if parameter.kind == "rest" else f"`{parameter.usage}`"
            raise _wrong(command, f"/{command.name} needs {missing}.")
    return values


def _options(command: Command[Any], rest: str, values: dict[str, Any]) -> int:
    """Read the options at the beginning into `values`; where the prompt begins."""
    known = {p.name: p for p in command.parameters if p.kind not in ("rest", "choice")}
    choice = next((p for p in command.parameters if p.kind == "choice"), None)
    at = 0
    while True:
        if choice and choice.name not in values and (word := _WORD.match(rest, at)) and word[1] in choice.choices:
            values[choice.name], at = word[1], word.end()
            continue
        option = _OPTION.match(rest, at)
        parameter = known.get(option[1].replace("-", "_")) if option else None
        if option is None or parameter is None:
            return at
        given, at = option[2], option.end()
        if parameter.kind == "flag":
            values[parameter.name] = True
            continue
        if given is None:
            if (word := _WORD.match(rest, at)) is None:
                raise _wrong(command, f"--{option[1]} needs a value.")
            given, at = word[1], word.end()
        values[parameter.name] = _value(command, parameter, given.strip('"'))


def _value(command: Command[Any], parameter: Parameter, given: str) -> str | int:
    if parameter.kind != "number":
        return given
    try:
        return int(given)
    except ValueError:
        raise _wrong(command, f"--{parameter.name} needs a number, not {given!r}.") from None


def _wrong(command: Command[Any], message: str) -> InputError:
    return InputError(message, hint=f"Usage: {command.usage}")


def _described(name: str, run: Callable[..., AsyncIterator[Event]]) -> Command[Any]:
    title, _, details = inspect.cleandoc(run.__doc__ or "").partition("\n")
    hints: Mapping[str, Any] = typing.get_type_hints(run)
    parameters = tuple(
        _parameter(p.name, hints[p.name], required=p.default is p.empty)
        for p in inspect.signature(run).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    )
    return Command(name, title.rstrip("."), details.strip(), parameters, run)


def _parameter(name: str, hint: Any, *, required: bool) -> Parameter:
    if name == PROMPT:
        return Parameter(name, "rest", required=required)
    if isinstance(hint, types.UnionType):
        hint = next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
    if typing.get_origin(hint) is Literal:
        choices = cast("tuple[str, ...]", typing.get_args(hint))
        return Parameter(name, "choice", tuple(c for c in choices if c), required)
    kinds: dict[Any, Literal["flag", "number", "text"]] = {bool: "flag", int: "number", str: "text"}
    if hint not in kinds:
        raise ValueError(f"a parameter {name!r} of type {hint!r} cannot be written in a line")
    return Parameter(name, kinds[hint], required=required)
