"""The editor's settings: asked for, or as they were pushed, as plain data."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from lsprotocol import types

from zicoder.lsp.convert import plain

__all__ = ["editor_settings", "without_defaults"]

log = logging.getLogger("zicoder.lsp")

SECTION = "zi"
SETTINGS_S = 5.0
"""How long a client may take to tell its settings."""


class Asked(Protocol):
    """A server whose client may be asked."""

    @property
    def client_capabilities(self) -> types.ClientCapabilities: ...
    async def workspace_configuration_async(self, params: types.ConfigurationParams) -> Sequence[Any]: ...


async def editor_settings(server: Asked, pushed: Any) -> dict[str, Any]:
    """The editor's `zi` section, asked for where the client lets us, else as pushed or as in `initialize`.

    Editors fill in the defaults of the settings schema. A value equal to the default is taken for "not set", or it
    would hide what the user's settings file says.
    """
    workspace = server.client_capabilities.workspace
    values: Any = pushed
    if workspace and workspace.configuration:
        item = types.ConfigurationItem(section=SECTION)
        try:
            question = server.workspace_configuration_async(types.ConfigurationParams(items=[item]))
            answer = await asyncio.wait_for(question, SETTINGS_S)
            values = answer[0] if answer else None
        except Exception as error:  # noqa: BLE001 - whatever a client does wrong here, we go on with defaults
            log.warning("the editor did not tell its settings: %s", error)
    return without_defaults(plain(values))


def without_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """The sections that are ours, without values that only repeat a default."""
    from zicoder.settings import Settings

    values = values.get(SECTION, values)
    defaults = Settings.model_construct().model_dump(mode="json")
    ours: dict[str, dict[str, Any]] = {
        name: v for name, v in values.items() if name in defaults and isinstance(v, dict)
    }
    return {
        name: {key: v for key, v in section.items() if v is not None and v != defaults[name].get(key)}
        for name, section in ours.items()
    }
