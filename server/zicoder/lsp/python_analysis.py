"""The Python analysis of one client's session: made at first use, and anew when the settings want another interpreter.

Owns one `JediBridge` at a time. Answers nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zicoder.text import Snapshot

if TYPE_CHECKING:  # see `server.load_the_rest`
    from zicoder.assist.jedi_bridge import JediBridge
    from zicoder.models.protocols import Guide

__all__ = ["PythonAnalysis"]


class PythonAnalysis:
    """The analysis under the settings in force."""

    def __init__(self, interpreter: Callable[[], str], root: Callable[[], Path | None]) -> None:
        """Both are asked when an analysis is made."""
        self._interpreter = interpreter
        self._root = root
        self._bridge: JediBridge | None = None

    @property
    def bridge(self) -> JediBridge:
        """The analysis, made now if there is none."""
        if self._bridge is None:
            from zicoder.assist.jedi_bridge import JediBridge

            self._bridge = JediBridge(self._interpreter(), self._root())
        return self._bridge

    async def guide(self, snapshot: Snapshot, offset: int, *, around: bool = True) -> Guide:
        """Which names can stand at `offset`."""
        return await self.bridge.guide(snapshot, offset, around=around)

    def replaced(self) -> Coroutine[Any, Any, None]:
        """Have the next request make a new one. What is returned closes the old one when it has nothing to do."""
        bridge, self._bridge = self._bridge, None
        return _retire(bridge)

    def close(self) -> None:
        """End it."""
        if self._bridge:
            self._bridge.close()


async def _retire(bridge: JediBridge | None) -> None:
    if bridge is None:
        return
    try:
        await bridge.warm()  # it answers this last
    finally:
        bridge.close()
