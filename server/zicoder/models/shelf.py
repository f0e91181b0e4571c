"""The local models as a settings page shows them: which there are, which are here, and what was measured of them.

Looks at files only: loads, fetches and removes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zicoder.models.calibration import Measurement, candidates
from zicoder.models.store import ModelStore

__all__ = ["OnShelf", "shelf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnShelf:
    """One model of the catalog."""

    name: str
    summary: str
    parameters: str
    licence: str
    good_for: tuple[str, ...]
    size: int
    """Bytes of its file."""
    state: str
    """"installed", "partial" (a fetch was interrupted), "damaged" or "absent"."""
    measurable: bool
    """Whether its speed can be measured: it is here, and fills holes."""
    first_token_ms: float | None
    tokens_per_s: float | None
    memory_bytes: int | None
    """What the engine took with it loaded; None for what was not measured on this machine."""
    error: str
    """Why measuring failed."""


def shelf(store: ModelStore, rows: Mapping[str, Measurement]) -> tuple[OnShelf, ...]:
    """A line for each model of the catalog. `rows` are the measurements of this machine by SHA-256. Blocking."""
    fill = {entry.name for entry in candidates(store)}
    made: list[OnShelf] = []
    for entry in store.catalog.values():
        row = rows.get(entry.sha256)
        known = row if row is not None and not row.error else None
        state = store.state(entry)
        one = OnShelf(
            name=entry.name, summary=entry.summary, parameters=entry.parameters, licence=entry.licence,
            good_for=entry.good_for, size=entry.size, state=state,
            measurable=state == "installed" and entry.name in fill,
            first_token_ms=known.first_token_ms if known else None,
            tokens_per_s=known.tokens_per_s if known else None,
            memory_bytes=(known.memory_bytes or None) if known else None,
            error=row.error if row is not None else "",
        )  # fmt: skip
        made.append(one)
    return tuple(made)
