"""What agents may do: one judgement for every call of every tool.

    denied     whatever a `deny` rule names, commands of `danger.refusal`, edits outside the project or in `.git`
    asked      whatever an `ask` rule names; commands, deletion, the network, other folders, files that hold secrets,
               edits of files that make programs run; whatever no rule below knows
    allowed    whatever an `allow` rule or the user's word for this session names; reading in the project, and editing
               there, which only proposes

Deny is stronger than ask, ask than the user's word, that than allow, allow than the defaults. The worst judgement of
anything that a call touches is that of the call. Owns what "the same kind of thing" is. Asks nobody, writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from zicoder.agents.command_line import CommandLine, Simple, parse
from zicoder.agents.danger import Harm, harm, program, reach, refusal
from zicoder.agents.places import Place, Places
from zicoder.agents.rules import Rule, parse_rules
from zicoder.agents.tools.protocol import Touch
from zicoder.errors import ToolError
from zicoder.settings import AgentSettings

__all__ = ["Decision", "Policy", "Source", "Verdict", "lasting_rule"]

Decision = Literal["allow", "ask", "deny"]
Source = Literal["default", "rule", "session"]
Mode = Literal["read", "edit", "delete"]

_MAKES_PROGRAMS_RUN = re.compile(
    r"(\.zicoder|\.vscode|\.idea|\.husky|\.github/workflows|\.devcontainer)(/.*)?|(.*/)?(\.envrc|\.gitattributes"
    r"|\.gitmodules|\.gitlab-ci\.yml|\.pre-commit-config\.yaml|\.npmrc)",
    re.IGNORECASE,
)
_TASKS = {
    "npm": "test ci lint build", "yarn": "test lint build", "pnpm": "test lint build",
    "cargo": "test check build clippy", "go": "test vet build", "dotnet": "test build",
    "mvn": "test verify compile", "gradle": "test check build", "make": "test check lint build",
    "just": "test check lint build", "tox": "", "pytest": "", "ruff": "check",
    "mypy": "", "pyright": "", "tsc": "", "eslint": "", "jest": "",
    "vitest": "", "ctest": "", "phpunit": "", "rspec": "",
}  # fmt: skip
"""Programs whose purpose is clear, with the sub-commands that are remembered. Anything else is remembered whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a call."""

    decision: Decision
    reason: str
    """For a person; for "deny" also for the model."""
    source: Source = "default"
    kinds: frozenset[tuple[str, ...]] | None = None
    """What a yes for the session would cover; None where it must not be remembered."""
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])


class Policy:
    """The judgement for one project and one session of a user."""

    def __init__(self, settings: AgentSettings, places: Places) -> None:
        self._places = places
        self._allow = parse_rules(settings.allow, exact=True)
        self._ask = parse_rules(settings.ask, exact=False)
        self._deny = parse_rules(settings.deny, exact=False)
        self._said_yes: set[tuple[str, ...]] = set()

    def judge(self, tool: str, touch: Touch, *, sandbox: str | None = None) -> Verdict:
        """Judge one call. `sandbox`: the name of what commands would run in, None for nothing.

        It follows links on the disk: call it in a thread. Never raises.
        """
        found: list[Verdict] = []
        places: dict[str, Place] = {}
        modes: tuple[tuple[Mode, tuple[str, ...]], ...] = (
            ("read", touch.reads), ("edit", touch.edits), ("delete", touch.deletes),
        )  # fmt: skip
        for mode, paths in modes:
            for path in paths:
                try:
                    places[path] = self._places.resolve(path)
                except ToolError as error:
                    return Verdict(decision="deny", reason=str(error))
                found.append(self._path(tool, mode, places[path]))
        if touch.command is not None:
            found.append(self._command(tool, touch.command, sandbox))
        if touch.host is not None:
            found.append(self._named(tool) or self._asked("It uses the network.", (tool, "host", touch.host)))
        if not found:
            found.append(self._named(tool) or self._asked("It does not say what it touches.", None))
        return _worst(found, places)

    def remember(self, verdict: Verdict) -> None:
        """The user said yes to everything of this kind, until the session ends."""
        self._said_yes.update(verdict.kinds or ())

    def hides(self, tool: str, path: str) -> bool:
        """Whether a tool that goes through many files must leave this one out (project-relative). Never raises."""
        try:
            return self._path(tool, "read", self._places.resolve(path)).decision != "allow"
        except ToolError:
            return True

    def _path(self, tool: str, mode: Mode, place: Place) -> Verdict:
        if rule := _first(self._deny, tool, place):
            return _by(rule, "deny", place.shown)
        if mode != "read" and (why := _never_written(place)):
            return Verdict(decision="deny", reason=f"{place.shown}: {why}")
        # A yes is for the files of one folder. It is never one for deletion, for secrets, or for what runs programs.
        kind = None if mode == "delete" or _delicate(mode, place) else (tool, mode, place.folder)
        if rule := _first(self._ask, tool, place):
            return self._asked(_by(rule, "ask", place.shown).reason, kind, source="rule")
        if self._remembered(kind):
            return _remembered(kind)
        for rule in self._allow:
            if rule.about(tool) and rule.covers(place) and (rule.names(place) or not _delicate(mode, place)):
                return _by(rule, "allow", place.shown)
        if why := _asks(mode, place):
            return self._asked(f"{place.shown} {why}.", kind)
        return Verdict(decision="allow", reason="It stays inside the project.", kinds=frozenset())

    def _command(self, tool: str, text: str, sandbox: str | None) -> Verdict:
        line = parse(text)
        if why := refusal(line, self._places.root):
            return Verdict(decision="deny", reason=why)
        if rule := next((r for r in self._deny if r.about(tool) and r.catches(line.commands)), None):
            return _by(rule, "deny", "this command")
        touched = [self._path(tool, "read", place) for place in self._reached(line)]
        if denied := next((v for v in touched if v.decision == "deny"), None):
            return denied
        doubts = [v.reason for v in touched if v.decision == "ask"]
        kind = None if doubts or harm(line) else _kind(tool, line, sandbox)
        if rule := next((r for r in self._ask if r.about(tool) and r.catches(line.commands)), None):
            return self._asked(_by(rule, "ask", "this command").reason + _where(sandbox), kind, source="rule")
        if self._remembered(kind):
            return _remembered(kind)
        if sandbox and line.plain and not doubts:
            rules = [self._allowing(tool, command) for command in line.commands]
            if rules[0] and all(rules):
                return _by(rules[0], "allow", "this command")
        return self._asked(" ".join((*doubts, _why_asked(line))) + _where(sandbox), kind)

    def _reached(self, line: CommandLine) -> Iterator[Place]:
        """The places that words of a command may stand for. An option is none; a word that is no path is no place."""
        for command in line.commands:
            for word in reach(command):
                if not word.startswith("-"):
                    try:
                        yield self._places.resolve(word)
                    except ToolError:
                        continue

    def _allowing(self, tool: str, command: Simple) -> Rule | None:
        """The rule that allows a command. One that does harm must be named in it, before any star."""
        mischief = harm(CommandLine("", (command,)))
        for rule in self._allow:
            if rule.about(tool) and rule.is_for(command):
                named = harm(parse(rule.opening)) if rule.opening else ""
                if mischief in {"", named}:
                    return rule
        return None

    def _named(self, tool: str) -> Verdict | None:
        """What rules without a pattern say about a tool that touches no file and runs no command."""
        lists: tuple[tuple[Decision, tuple[Rule, ...]], ...] = (
            ("deny", self._deny), ("ask", self._ask), ("allow", self._allow),
        )  # fmt: skip
        for decision, rules in lists:
            for rule in rules:
                if rule.about(tool) and not rule.pattern:
                    return _by(rule, decision, "this tool")
        return None

    def _asked(self, reason: str, kind: tuple[str, ...] | None, *, source: Source = "default") -> Verdict:
        if self._remembered(kind):
            return _remembered(kind)
        kinds = None if kind is None else frozenset({kind})
        return Verdict(decision="ask", reason=reason, source=source, kinds=kinds)

    def _remembered(self, kind: tuple[str, ...] | None) -> bool:
        return kind in self._said_yes


def lasting_rule(verdict: Verdict) -> str:
    """The rule of `agent.allow` that says yes for good to what a yes for the session would cover.

    "" where no rule may: what must not be remembered, what runs without a sandbox, what a rule asks for.
    """
    kinds = verdict.kinds or frozenset()
    if len(kinds) != 1 or verdict.source == "rule":
        return ""
    match next(iter(kinds)):
        case (tool, "task" | "command" as what, where, *words) if where != "unsandboxed":
            plain = not any(re.search(r"[*?\[\s]", word) for word in words)
            return f"{tool}:{' '.join(words)}{' *' if what == 'task' else ''}" if plain else ""
        case (tool, "read", folder) if folder.startswith("/") and not re.search(r"[*?\[\\]", folder):
            return f"{tool}:/{folder.rstrip('/')}/"
        case _:
            return ""


def _worst(found: list[Verdict], places: Mapping[str, Place]) -> Verdict:
    """All judgements as one: the strictest decision, every reason for it, and one yes for all of them."""
    decision: Decision = next(d for d in ("deny", "ask", "allow") if any(v.decision == d for v in found))
    those = [v for v in found if v.decision == decision]
    reasons = list(dict.fromkeys(v.reason for v in those))
    kinds: frozenset[tuple[str, ...]] | None = frozenset()
    for verdict in those if decision == "ask" else ():
        kinds = None if kinds is None or verdict.kinds is None else kinds | verdict.kinds
    order: tuple[Source, ...] = ("rule", "session", "default")
    source: Source = next(s for s in order if any(v.source == s for v in those))
    return Verdict(decision=decision, reason=" ".join(reasons), source=source, kinds=kinds, places=places)


def _first(rules: Iterable[Rule], tool: str, place: Place) -> Rule | None:
    """The first rule about a path. A rule without a pattern holds for a tool wherever it goes."""
    return next((r for r in rules if r.about(tool) and (not r.pattern or r.covers(place))), None)


def _by(rule: Rule, decision: Decision, what: str) -> Verdict:
    verb = {"allow": "allows", "ask": "asks for", "deny": "forbids"}[decision]
    return Verdict(decision=decision, reason=f"The rule `{rule.text}` {verb} {what}.", source="rule", kinds=frozenset())


def _remembered(kind: tuple[str, ...] | None) -> Verdict:
    kinds = frozenset({kind} if kind else ())
    return Verdict(decision="allow", reason="You allowed this for the session.", source="session", kinds=kinds)


def _never_written(place: Place) -> str:
    if place.relative is None:
        return "edits are offered for files of the project only."
    parts = {part.lower() for part in f"{place.relative}/{place.named or ''}".split("/")}
    if ".git" in parts:
        return "what is in `.git` is git's own."
    return "this is the project's folder." if not place.relative else ""


def _delicate(mode: Mode, place: Place) -> bool:
    """Whether a rule with a wild card is not enough."""
    return place.secret or (mode == "edit" and _runs_programs(place))


def _runs_programs(place: Place) -> bool:
    return any(_MAKES_PROGRAMS_RUN.fullmatch(name) for name in (place.relative, place.named) if name)


def _asks(mode: Mode, place: Place) -> str:
    """Why a path is asked for by default."""
    if mode == "delete":
        return "is deleted"
    if place.secret:
        return "holds keys or passwords, by its name"
    if place.relative is None:
        return "lies outside the project"
    return "can make programs run" if mode == "edit" and _runs_programs(place) else ""


def _kind(tool: str, line: CommandLine, sandbox: str | None) -> tuple[str, ...] | None:
    """What a yes for a command covers: a known task with any arguments, else exactly these words.

    None for several commands in one line, and for whatever is not understood for certain.
    """
    if not line.plain or len(line.commands) != 1:
        return None
    words: tuple[str, ...] = line.commands[0].words
    name, where = program(words), sandbox or "unsandboxed"
    tasks = _TASKS.get(name)
    if tasks is None or words[0] != name:
        return (tool, "command", where, *words)
    if not tasks:
        return (tool, "task", where, name)
    task = next(iter(words[1:]), "")
    return (tool, "task", where, name, task) if task in tasks.split() else (tool, "command", where, *words)


def _why_asked(line: CommandLine) -> str:
    does: Harm = harm(line)
    puzzle = f", and it is not quite clear what it does: {line.puzzle}" if line.puzzle else ""
    return f"It runs a command{f' that {does}' if does else ''}{puzzle}."


def _where(sandbox: str | None) -> str:
    return f" It is confined by {sandbox}." if sandbox else " It runs unsandboxed: it can do whatever you can."
