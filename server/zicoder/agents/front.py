"""What an agent needs of whoever started it: *may I?* and *apply these edits*.

Front ends implement this, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from zicoder.proposal import Proposal

__all__ = ["Answer", "Applied", "Front", "Question"]

Answer = Literal["once", "session", "never"]
"""Yes for this time; yes for the same kind of thing until the session ends; no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that needs a person's word."""

    tool: str
    summary: str
    """One line: what is about to happen."""
    detail: str = ""
    """The whole command, the whole path, the diff: everything that the word is given for."""
    reason: str = ""
    """Why it is asked: which rule, or that the command would run unsandboxed."""
    rule: str = ""
    """The rule of `agent.allow` that would be a yes for good, "" where no rule may be one."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a proposal."""

    ok: bool
    reason: str = ""
    """Why not: the user said no, or a file has changed meanwhile."""


class Front(Protocol):
    """A person behind an editor, a terminal, or a rule that stands in for one."""

    async def may(self, question: Question) -> Answer:
        """Ask. Whoever cannot be asked answers "never"."""
        ...

    async def apply(self, proposal: Proposal) -> Applied:
        """Show the edits, and apply them if they are wanted and the files still are what they were.

        Where this writes the files itself, a cancel that comes while it does is not raised: it returns what it did.
        """
        ...
