"""Infill models that are named `PROVIDER:ARGUMENT` in `zi.model.infill`, open to plug-ins.

A package adds one through the entry-point group `zicoder.infill_providers`: a function from the argument to a model.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from zicoder.models.protocols import InfillModel
from zicoder.models.scripted import ScriptedModel
from zicoder.registry import Registry

__all__ = ["INFILL_PROVIDERS", "InfillProvider"]

InfillProvider: TypeAlias = Callable[[str], InfillModel]

INFILL_PROVIDERS: Registry[InfillProvider] = Registry("infill provider", group="zicoder.infill_providers")


@INFILL_PROVIDERS.register("scripted")
def scripted(argument: str) -> InfillModel:
    """`scripted:FILE`. Raises ModelError."""
    return ScriptedModel.from_file(Path(argument))
