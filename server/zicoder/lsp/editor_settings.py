"""The editor's settings, as pygls hands them over, as plain data."""

from __future__ import annotations

from typing import Any, cast

__all__ = ["SECTION", "plain", "without_defaults"]

SECTION = "zi"


def plain(values: Any) -> dict[str, Any]:
    """Settings as pygls hands them over (nested named tuples or dicts) as dicts."""
    if hasattr(values, "_asdict"):
        values = values._asdict()
    if not isinstance(values, dict):
        return {}
    table = cast("dict[str, Any]", values)
    return {key: plain(value) if hasattr(value, "_asdict") else value for key, value in table.items()}


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
