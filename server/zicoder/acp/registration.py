"""How other programs learn to start `zi acp`: an entry in the file where each lists its agents.

The file is the user's: nothing in it is lost but what the entry replaces, and it is never left half written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from zicoder.acp.jsonc import parsed, with_value
from zicoder.errors import InputError
from zicoder.files import write_whole

__all__ = ["NAME", "PROGRAMS", "SERVERS", "Machine", "Program", "entry", "file_of", "register", "registered"]

Program = Literal["jetbrains", "zed"]
PROGRAMS: tuple[Program, ...] = ("jetbrains", "zed")
NAME = "Zi"
SERVERS = "agent_servers"
"""The key of both programs."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the place of a file depends on."""

    home: Path
    environment: Mapping[str, str]
    windows: bool


def file_of(program: Program, *, machine: Machine | None = None) -> Path:
    """The file that lists a program's agents, for this user."""
    here = machine or Machine(Path.home(), os.environ, os.name == "nt")
    if program == "jetbrains":
        return here.home / ".jetbrains" / "acp.json"
    if here.windows:
        return Path(here.environment.get("APPDATA") or here.home / "AppData" / "Roaming") / "Zed" / "settings.json"
    return Path(here.environment.get("XDG_CONFIG_HOME") or here.home / ".config") / "zed" / "settings.json"


def entry(program: Program, *, python: Path | None = None) -> dict[str, Any]:
    """How to start Zi: the `zi` beside the interpreter, else the interpreter with this package."""
    python = python or Path(sys.executable)
    zi = python.parent / ("zi.exe" if python.suffix == ".exe" else "zi")
    started = (str(zi), ["acp"]) if zi.is_file() else (str(python), ["-P", "-m", "zicoder", "acp"])
    kind = {"type": "custom"} if program == "zed" else {}
    return {**kind, "command": started[0], "args": started[1], "env": {}}


def registered(text: str, wanted: Mapping[str, Any]) -> str:
    """The text of a file with the entry in it. What an entry that is there has besides stays. Raises InputError."""
    old = _member(_member(parsed(text), SERVERS), NAME)
    if not isinstance(old, dict):
        return with_value(text, (SERVERS, NAME), dict(wanted))
    for key, value in wanted.items():
        if key not in old or (key != "env" and _member(cast("Any", old), key) != value):
            text = with_value(text, (SERVERS, NAME, key), value)
    return text


def _member(value: Any, key: str) -> Any:
    return cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None


def register(file: Path, wanted: Mapping[str, Any]) -> bool:
    """Put the entry into the file; whether that changed anything. Blocking. Raises InputError; then nothing changed."""
    file = file.resolve()  # a link stays one, and what it leads to is written
    try:
        before = file.read_bytes().decode("utf-8") if file.exists() else ""
        after = registered(before, wanted)
        if after != before:
            write_whole(file, after.encode("utf-8"))
    except InputError as error:
        raise InputError(f"{file} was not changed. {error}", hint=_BY_HAND) from None
    except UnicodeDecodeError:
        raise InputError(f"{file} was not changed: it is not UTF-8 text.", hint=_BY_HAND) from None
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror or error}.", hint=_BY_HAND) from error
    return after != before


_BY_HAND = "`--print` shows what is to be in it, for adding it by hand."
