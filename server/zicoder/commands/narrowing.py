"""Which checks of failing tests in Python pass: found by running each check alone, so that the others can be left out.

Owns no process: it is given the function that runs a file of tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from zicoder.agents.processes import Ended
from zicoder.commands.failing import failing_reasons
from zicoder.commands.written_tests import checks_in, names_of_tests, split, with_only

__all__ = ["Run", "Version", "narrowed"]


@dataclass(frozen=True, slots=True)
class Version:
    """Tests, and what became of them when they were run."""

    text: str
    ended: Ended
    failing: dict[str, str]
    """The tests that fail, and why."""

    @classmethod
    def of(cls, text: str, ended: Ended) -> Version:
        """Read which of the tests failed; all of them, where the output does not say."""
        if ended.ok:
            return cls(text, ended, {})
        names = names_of_tests(text)
        reasons = {
            each.partition("::")[2].partition("[")[0]: why for each, why in failing_reasons(ended.output).items()
        }
        found = {name: reasons[name] for name in names if name in reasons}
        return cls(text, ended, found or dict.fromkeys(names, ""))

    @property
    def passing(self) -> int:
        """How many pass."""
        return len(names_of_tests(self.text)) - len(self.failing)


Run: TypeAlias = Callable[[str, str], Awaitable[Version]]
"""Runs tests: what the run is called, and their text."""


async def narrowed(made: Version, run: Run) -> tuple[Version, dict[str, str]]:
    """The tests without the checks that fail, where some checks of the same test pass; and those checks, and why.

    A test of which nothing passes stays as it is.
    """
    apart, parts = split(made.text, made.failing)
    if not parts:
        return made, {}
    version = await run("each check", apart)
    failing = {parts[name]: why for name, why in version.failing.items() if name in parts}
    text, left_out = made.text, dict[str, str]()
    for name in dict.fromkeys(name for name, _ in parts.values()):
        checks = checks_in(made.text, name)
        good = [at for at in range(len(checks)) if (name, at) not in failing]
        if good:
            text = with_only(text, name, good)
            left_out |= {checks[at]: why for (owner, at), why in failing.items() if owner == name}
    return (await run("what passes", text), left_out) if left_out else (made, {})
