"""What is wrong at one place of a text: the shape that our own checks and other servers' diagnostics share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zicoder.text import Edit

__all__ = ["MAX_MESSAGE", "Fix", "Problem", "Severity"]

Severity = Literal["error", "warning", "information", "hint"]

MAX_MESSAGE = 2_000
"""Characters of a message that are looked at; some compilers send hundreds of kilobytes of template instances."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What the source of a problem itself proposes. `edits` refer to the text that was checked."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True
    """Whether its maker says that it changes nothing but what is wrong."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. [start, end) are offsets in code points of the text that was checked."""

    start: int
    end: int
    message: str
    source: str = "zi"
    code: str = ""
    severity: Severity = "error"
    unnecessary: bool = False
    """Whether the code there could simply go, which editors show greyed."""
    fix: Fix | None = None
    url: str = ""

    @property
    def ours(self) -> bool:
        """Whether one of our own checks found it."""
        return self.source == "zi" or self.source.startswith("zi-")
