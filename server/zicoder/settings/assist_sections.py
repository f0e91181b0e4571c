"""The sections of the settings that are about help with code as it stands: diagnostics, fixes, hovers, lenses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zicoder.settings.sections import USER_ONLY, Section

__all__ = ["DiagnosticsSettings", "FixesSettings", "HoverSettings", "LensSettings"]


class DiagnosticsSettings(Section):
    """What Zi itself marks as wrong, beside what other servers mark."""

    level: Literal["auto", "off", "syntax", "all"] = Field(
        default="auto",
        description="What is marked: nothing (`off`), errors of syntax (`syntax`), or for Python also what ruff finds, "
        "undefined names and attributes (`all`). `auto` marks errors of syntax in languages that the editor does not "
        "check itself, until another server is seen to check them.",
    )
    ruff: str = Field(
        default="auto",
        description="The ruff that checks and fixes Python: the path of one, `none` (another server does it), or "
        "`auto` (the one beside the interpreter, or on the search path).",
        json_schema_extra=USER_ONLY,
    )


class FixesSettings(Section):
    """Quick fixes that a model makes."""

    model: bool = Field(
        default=True, description="Offer to have a model fix what no rule can; it is asked only when you choose that."
    )
    samples: int = Field(
        default=3, ge=1, le=8, description="How many answers of the model are tried until one passes the checks."
    )
    tests: bool = Field(
        default=False,
        description="Also run the tests that cover the place, in a copy of the project and confined as an agent's "
        "commands are, before a model's fix is offered. Nobody is asked then: this setting is the yes.",
        json_schema_extra=USER_ONLY,
    )


class HoverSettings(Section):
    """What hovers show beside what is certain."""

    last_change: bool = Field(
        default=True, description="Say when, by whom and what for a definition was last changed, as git has it."
    )
    explanations: Literal["off", "asked", "ahead"] = Field(
        default="asked",
        description="Short explanations by a model: none (`off`), those that were asked for (`asked`), or also, by the "
        "local model while the machine is idle and not on its battery, of what is around the cursor (`ahead`).",
    )


class LensSettings(Section):
    """Lines of commands over functions and classes."""

    enabled: bool = Field(default=False, description="Show “Explain · Test · Document” over functions and classes.")
