"""Which model plays which role, and the table of it that an editor shows.

Pure, but for a look at which model files are there. A project's settings can change how a role talks, never who talks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import psutil

from zicoder.errors import InputError, ModelNotInstalled, SettingsError, ZiError
from zicoder.models.catalog import ModelEntry
from zicoder.models.chat.names import LOCAL, parse_name
from zicoder.models.store import ModelStore
from zicoder.settings import ChatSettings, RoleSettings, Settings, user_settings_path

__all__ = ["ROLES", "Role", "RoleName", "Row", "auto_model", "budget_bytes", "matrix", "memory_of", "role", "to_unload"]

RoleName: TypeAlias = Literal["chat", "planner", "coder", "reviewer", "tester", "documenter", "operator"]
ROLES: tuple[RoleName, ...] = ("chat", "planner", "coder", "reviewer", "tester", "documenter", "operator")

AUTO = "auto"
MEMORY_FACTOR, MEMORY_BASE = 1.4, 256 << 20
"""Memory of a model with a window for a conversation, from its file's size: measured 0.7 GB for a file of 0.49 GB and
1.9 GB for one of 1.12 GB, with some room."""
LONGEST_PROMPT = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role with everything filled in."""

    name: RoleName
    models: tuple[str, ...]
    """Full names: the one that is wanted, then those that answer in its place."""
    temperature: float
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table of roles and models."""

    role: RoleName
    model: str
    """As it is set: "" is the model of `chat`, and "auto" the best local one."""
    answers: str
    """The model that this comes to, "" when there is none; `problem` says why."""
    source: str
    """What set the model: "default", "user", "environment" or "editor"."""
    fallbacks: tuple[str, ...]
    temperature: float
    prompt: str
    installed: bool | None
    """For a local model, whether its file is here; None for a remote one."""
    problem: str = ""
    health: str = ""
    """How that model is: "ok", "not reachable", "key wrong" or "model not installed"; "" where nobody has asked."""


def role(settings: Settings, name: RoleName, store: ModelStore) -> Role:
    """A role as the settings have it. Raises ModelNotInstalled (`auto`, and nothing is), InputError, SettingsError."""
    own = _section(settings, name)
    wanted = own if own.model else settings.chat
    models = [_resolved(model, settings, store) for model in (wanted.model, *wanted.fallbacks)]
    return Role(name=name, models=tuple(dict.fromkeys(models)), temperature=own.temperature, prompt=_prompt(own.prompt))


def matrix(settings: Settings, origins: Mapping[str, str], store: ModelStore) -> tuple[Row, ...]:
    """A line for each role. `origins` is `setting_origins` of the same sources. Asks no server."""
    return tuple(_row(settings, origins, store, name) for name in ROLES)


def _row(settings: Settings, origins: Mapping[str, str], store: ModelStore, name: RoleName) -> Row:
    own = _section(settings, name)
    source = origins.get(f"{name}.model") or origins.get("chat.model", "default")
    answers, installed, problem, prompt, fallbacks = "", None, "", own.prompt, tuple(own.fallbacks)
    try:
        found = role(settings, name, store)
        answers, prompt, fallbacks = found.models[0], found.prompt, found.models[1:]
        parsed = parse_name(answers)
        if parsed.provider == LOCAL:
            installed = _installed(parsed.model, store)
            problem = "" if installed else f"The model {parsed.model} is not installed."
    except ZiError as error:
        problem = error.sentence
    return Row(
        role=name, model=own.model, answers=answers, source=source, fallbacks=fallbacks, temperature=own.temperature,
        prompt=prompt, installed=installed, problem=problem,
    )  # fmt: skip


def auto_model(store: ModelStore, budget: int) -> ModelEntry:
    """The largest installed model for chat that fits into `budget` bytes of memory; else any that writes text.

    Raises ModelNotInstalled.
    """
    present = [entry for entry in store.installed() if entry.good_for != ("embedding",)]
    fitting = [entry for entry in present if memory_of(entry) <= budget]
    ranked = sorted(fitting, key=lambda entry: ("chat" in entry.good_for, entry.size))
    if ranked:
        return ranked[-1]
    if present:
        raise ModelNotInstalled(
            "No installed model fits into the memory that models may use.", hint="Raise `chat.memory_mb`."
        )
    first = next((e.name for e in store.catalog.values() if "chat" in e.good_for), "NAME")
    raise ModelNotInstalled("No model for chat is installed.", hint=f"Run `zi model pull {first}`.")


def memory_of(entry: ModelEntry) -> int:
    """Estimated bytes of memory of a loaded model."""
    return int(entry.size * MEMORY_FACTOR) + MEMORY_BASE


def budget_bytes(settings: Settings) -> int:
    """Bytes of memory that local models may use together."""
    return settings.chat.memory_mb << 20 or psutil.virtual_memory().total // 2


def to_unload(loaded: Mapping[str, int], wanted: str, wanted_bytes: int, budget: int) -> tuple[str, ...]:
    """Which models must go so that `wanted` fits beside the rest.

    `loaded` is bytes by name, the one used longest ago first. The wanted one stays if it is among them, and is let in
    alone even when it is larger than the budget.
    """
    others = {name: size for name, size in loaded.items() if name != wanted}
    over = sum(others.values()) + loaded.get(wanted, wanted_bytes) - budget
    gone: list[str] = []
    for name, size in others.items():
        if over <= 0:
            break
        gone.append(name)
        over -= size
    return tuple(gone)


def _section(settings: Settings, name: RoleName) -> RoleSettings | ChatSettings:
    return getattr(settings, name)


def _resolved(model: str, settings: Settings, store: ModelStore) -> str:
    if model in {"", AUTO}:
        return f"{LOCAL}:{auto_model(store, budget_bytes(settings)).name}"
    return str(parse_name(model))


def _installed(model: str, store: ModelStore) -> bool:
    try:
        store.resolve(model)
    except ZiError:
        return False
    return True


def _prompt(text: str) -> str:
    """The text, or that of a file in the user's own folder of prompts; nothing else can be read this way."""
    if not text.startswith("@"):
        return text
    folder = user_settings_path().parent / "prompts"
    path = folder / text[1:]
    if Path(text[1:]).name != text[1:] or not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"`{text}` is no file of your folder of prompts.", hint=f"Put it into {folder}.")
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(LONGEST_PROMPT)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The prompt {path} cannot be read ({type(error).__name__}).") from None
