"""The one table of the built-in `/commands`; the modules beside this one fill it."""

from __future__ import annotations

from zicoder.commands.registry import Commands
from zicoder.commands.session import Session

__all__ = ["COMMANDS"]

COMMANDS: Commands[Session] = Commands()
