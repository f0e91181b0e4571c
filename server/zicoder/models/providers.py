"""Infill models that are named `PROVIDER:ARGUMENT` in `zi.model.infill`, open to plug-ins.

A package adds one through the entry-point group `zicoder.infill_providers`: a function from the argument, and the
settings that say where keys are and whether a proxy is used, to a model.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from zicoder.models.protocols import InfillModel
from zicoder.models.scripted import ScriptedModel
from zicoder.registry import Registry
from zicoder.settings import ChatSettings

__all__ = ["INFILL_PROVIDERS", "InfillProvider"]

InfillProvider: TypeAlias = Callable[[str, ChatSettings], InfillModel]

INFILL_PROVIDERS: Registry[InfillProvider] = Registry("infill provider", group="zicoder.infill_providers")


@INFILL_PROVIDERS.register("scripted")
def scripted(argument: str, _: ChatSettings) -> InfillModel:
    """`scripted:FILE`. Raises ModelError."""
    return ScriptedModel.from_file(Path(argument))


def remote(style: str) -> InfillProvider:
    """`STYLE:MODEL` or `STYLE:URL#MODEL`: a server. What speaks HTTP and holds keys is imported only then."""

    def make(argument: str, chat: ChatSettings) -> InfillModel:
        from zicoder.models.credentials import Credentials
        from zicoder.models.remote_infill import RemoteInfill

        return RemoteInfill(style, argument, credentials=Credentials(where=chat.keys), proxy=chat.proxy)

    return make


INFILL_PROVIDERS.register("openai")(remote("openai"))
INFILL_PROVIDERS.register("llama-server")(remote("llama-server"))
INFILL_PROVIDERS.register("ollama")(remote("ollama"))
INFILL_PROVIDERS.register("mistral")(remote("mistral"))
