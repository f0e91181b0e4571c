"""Changes to the user's own settings.toml, one value at a time; comments, order and line ends stay as they are."""

from __future__ import annotations

import tomllib
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from zicoder.errors import InputError, SettingsError
from zicoder.files import OWNER, write_whole
from zicoder.models.chat.names import parse_name
from zicoder.models.chat.roles import AUTO, ROLES
from zicoder.settings import check_setting, user_settings_path

__all__ = ["add_rule", "set_role"]

KEYS = ("model", "fallbacks", "temperature", "prompt")


def set_role(role: str, key: str, value: Any, *, path: Path | None = None) -> None:
    """Write one value of a role into the user's settings, or with None take it out, so that the default counts.

    Raises InputError (no such role or key, no name of a model), SettingsError (the file cannot be read or written, or
    the value does not fit).
    """
    if role not in ROLES or key not in KEYS:
        raise InputError(
            f"There is no setting {role}.{key}.", hint=f"Roles: {', '.join(ROLES)}. Keys: {', '.join(KEYS)}."
        )
    if value is not None:
        check_setting(role, key, value)
        for name in [value] if key == "model" else value if key == "fallbacks" else []:
            if name not in {"", AUTO}:
                parse_name(name)
    target = (path or user_settings_path()).resolve()  # a link, as kept by some, stays one
    before = _read(target)
    after = _changed(before, role, key, value, target)
    if after != before:
        _write(target, after)


def add_rule(rule: str, *, path: Path | None = None) -> None:
    """Add a rule to what agents may do without asking. Raises SettingsError as `set_role` does."""
    target = (path or user_settings_path()).resolve()
    before = _read(target)
    try:
        rules: Any = tomllib.loads(before.removeprefix("\ufeff")).get("agent", {}).get("allow", [])
    except (tomllib.TOMLDecodeError, AttributeError) as error:
        raise SettingsError(f"{target} is not valid: {error}.", hint="Mend the file by hand.") from None
    if rule not in rules:
        value = [*rules, rule]
        check_setting("agent", "allow", value)
        _write(target, _changed(before, "agent", "allow", value, target))


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({type(error).__name__}).") from None


def _changed(text: str, role: str, key: str, value: Any, path: Path) -> str:
    try:
        import tomlkit
        from tomlkit.exceptions import TOMLKitError
    except ImportError:
        raise SettingsError("The package tomlkit is missing.", hint="Run `pip install 'zicoder[chat]'`.") from None
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    windows = "\r\n" in text
    try:
        document: Any = tomlkit.parse(text)
        table: Any = document.get(role)
        if value is None:
            if table is not None:
                table.pop(key, None)
        elif table is None:
            table = tomlkit.table()
            table[key] = value
            document[role] = table
        elif isinstance(table, MutableMapping):
            table[key] = value
        else:
            raise SettingsError(f"{role!r} in {path} is no table.", hint="Mend the file by hand.")
    except TOMLKitError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", hint="Mend the file by hand.") from None
    made = tomlkit.dumps(document)
    return mark + (made.replace("\r\n", "\n").replace("\n", "\r\n") if windows else made)


def _write(path: Path, text: str) -> None:
    """In one step: whoever reads the file sees the old text or the new."""
    try:
        write_whole(path, text.encode("utf-8"), new=OWNER)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror or error}.") from None
