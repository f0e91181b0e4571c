"""The sections of the settings that are about help with code as it stands: diagnostics, fixes, hovers, lenses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zicoder.settings.sections import USER_ONLY, Section

__all__ = ["DiagnosticsSettings", "FixesSettings"]


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
