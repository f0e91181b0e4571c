"""Typed settings: one schema for TOML files, the environment and the editor.

Precedence, weakest first: defaults, the user's `settings.toml`, the project's `.zicoder/settings.toml`,
the environment (`ZI_SECTION__KEY`), the editor.
A project is untrusted: keys that name executables or files outside it (`user_only`) are ignored there, with a notice.
Nothing here reads `.env`. A bad key or value never stops the product: it is left out, and a `Problem` names it.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import platformdirs
from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentSettingsError

from zicoder.errors import SettingsError
from zicoder.settings.assist_sections import DiagnosticsSettings, FixesSettings, HoverSettings, LensSettings
from zicoder.settings.chat_sections import (
    AgentSettings,
    ChatSettings,
    CoderSettings,
    ContextSettings,
    DocumenterSettings,
    OperatorSettings,
    PlannerSettings,
    ReviewerSettings,
    RoleSettings,
    TesterSettings,
)
from zicoder.settings.sections import (
    ADDS,
    USER_ONLY,
    CompletionSettings,
    EngineSettings,
    IndexSettings,
    LogSettings,
    ModelSettings,
    PythonSettings,
    Section,
)

__all__ = [
    "AgentSettings",
    "ChatSettings",
    "CompletionSettings",
    "ContextSettings",
    "DiagnosticsSettings",
    "EngineSettings",
    "FixesSettings",
    "HoverSettings",
    "IndexSettings",
    "LensSettings",
    "LogSettings",
    "ModelSettings",
    "Problem",
    "PythonSettings",
    "RoleSettings",
    "Settings",
    "check_setting",
    "load_settings",
    "setting_origins",
    "user_settings_path",
]


class Settings(BaseSettings):
    """Everything a user can set."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="ZI_", env_nested_delimiter="__")

    completion: CompletionSettings = CompletionSettings()
    model: ModelSettings = ModelSettings()
    engine: EngineSettings = EngineSettings()
    index: IndexSettings = IndexSettings()
    python: PythonSettings = PythonSettings()
    diagnostics: DiagnosticsSettings = DiagnosticsSettings()
    fixes: FixesSettings = FixesSettings()
    hover: HoverSettings = HoverSettings()
    code_lens: LensSettings = LensSettings()
    log: LogSettings = LogSettings()
    agent: AgentSettings = AgentSettings()
    chat: ChatSettings = ChatSettings()
    context: ContextSettings = ContextSettings()
    planner: PlannerSettings = PlannerSettings()
    coder: CoderSettings = CoderSettings()
    reviewer: ReviewerSettings = ReviewerSettings()
    tester: TesterSettings = TesterSettings()
    documenter: DocumenterSettings = DocumenterSettings()
    operator: OperatorSettings = OperatorSettings()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one settings source, as a sentence for a person."""

    source: str
    key: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return f"{place}: {self.message}"


def user_settings_path() -> Path:
    """Where the user's settings file is, whether or not it exists."""
    override = os.environ.get("ZI_CONFIG_DIR")
    return (Path(override) if override else platformdirs.user_config_path("zicoder")) / "settings.toml"


def load_settings(
    *, project: Path | None = None, editor: Mapping[str, Any] | None = None
) -> tuple[Settings, list[Problem]]:
    """Merge every source into one `Settings`; what cannot be used is left out and reported."""
    problems: list[Problem] = []
    merged: dict[str, Any] = {}
    for source in _sources(project, editor, problems):
        _merge(merged, source)
    sections = {name: kind(**merged.get(name, {})) for name, kind in _kinds().items()}
    return Settings.model_construct(None, **sections), problems


def setting_origins(*, project: Path | None = None, editor: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Which source set what, by `section.key`: "user", "project", "environment" or "editor"; a default is left out."""
    names = ["user", *(["project"] if project is not None else []), "environment", "editor"]
    found: dict[str, str] = {}
    for name, source in zip(names, _sources(project, editor, []), strict=False):
        found |= {f"{section}.{key}": name for section, content in source.items() for key in content}
    return found


def check_setting(section: str, key: str, value: Any) -> None:
    """Raises SettingsError when the schema has no such setting, or the value is not one it can have."""
    problems: list[Problem] = []
    _checked({section: {key: value}}, "", problems)
    if problems:
        raise SettingsError(problems[0].message)


def _kinds() -> dict[str, type[Section]]:
    """The sections of the schema and their types."""
    return {
        name: info.annotation
        for name, info in Settings.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section)
    }


def _sources(
    project: Path | None, editor: Mapping[str, Any] | None, problems: list[Problem]
) -> Iterator[dict[str, Any]]:
    yield _read_toml(user_settings_path(), problems, trusted=True)
    if project is not None:
        yield _read_toml(project / ".zicoder" / "settings.toml", problems, trusted=False)
    yield _checked(_environment(problems), "environment", problems)
    if editor:
        yield _checked(editor, "editor settings", problems)


def _environment(problems: list[Problem]) -> dict[str, Any]:
    """Values of ZI_SECTION__KEY variables, one by one: a bad one must not hide the others.

    Other ZI_ variables are not settings and are passed over.
    """
    found: dict[str, Any] = {}
    source = EnvSettingsSource(Settings)
    variables = dict(source.env_vars)
    for name, value in variables.items():
        if not name.lower().startswith("zi_") or "__" not in name:
            continue
        source.env_vars = {name: value}
        try:
            values = source()
        except EnvironmentSettingsError:
            key = name.lower().removeprefix("zi_").replace("__", ".")
            message = f'{name.upper()} cannot be read; a list is written as JSON, for example \'["a", "b"]\'.'
            problems.append(Problem("environment", key, message))
            continue
        _merge(found, {section: content for section, content in values.items() if isinstance(content, dict)})
    return found


def _read_toml(path: Path, problems: list[Problem], *, trusted: bool) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(str(path), "", f"cannot be read: {error}."))
        return {}
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        problems.append(Problem(str(path), "", f"is not valid TOML: {error}.", int(found[1]) if found else None))
        return {}
    return _checked(values, str(path), problems, text=text, trusted=trusted)


def _checked(
    values: Mapping[str, Any], source: str, problems: list[Problem], *, text: str = "", trusted: bool = True
) -> dict[str, Any]:
    """The part of `values` that is usable; the rest goes to `problems`."""
    good: dict[str, Any] = {}
    kinds = _kinds()

    def complain(key: str, message: str) -> None:
        problems.append(Problem(source, key, message, _line_of(text, key)))

    for section, content in values.items():
        kind = kinds.get(section)
        if kind is None:
            complain(section, f"there is no section {section!r}.{_suggest(section, kinds)}")
        elif not isinstance(content, Mapping):
            complain(section, f"{section!r} must be a table of settings.")
        else:
            table = cast("Mapping[str, Any]", content)
            good[section] = {
                key: value
                for key, value in table.items()
                if _usable(kind, section, str(key), value, complain, trusted=trusted)
            }
    return good


def _usable(
    kind: type[Section], section: str, key: str, value: Any, complain: Callable[[str, str], None], *, trusted: bool
) -> bool:
    dotted = f"{section}.{key}"
    info = kind.model_fields.get(key)
    if info is None:
        complain(dotted, f"there is no setting {dotted!r}.{_suggest(key, kind.model_fields, section)}")
        return False
    if not trusted and info.json_schema_extra is USER_ONLY:
        complain(dotted, f"{dotted!r} is ignored in a project; put it into your own settings.")
        return False
    try:
        kind(**{key: value})
    except ValidationError as error:
        complain(dotted, f"{dotted!r}: {error.errors()[0]['msg']} (got {value!r}).")
        return False
    return True


def _suggest(wrong: str, known: Mapping[str, Any], section: str = "") -> str:
    close = difflib.get_close_matches(wrong, list(known), n=1)
    return f" Did you mean {'.'.join(filter(None, (section, close[0])))!r}?" if close else ""


def _line_of(text: str, dotted: str) -> int | None:
    """Line of a TOML key, good enough for a message: tomllib keeps no positions."""
    section, _, key = dotted.partition(".")
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.replace('"', " ").replace("'", " ")  # quoted keys and tables count, too
        if header := re.match(r"\s*\[\s*([\w.\-]+)\s*\]", line):
            table = header[1]
            if not key and table == section:
                return number
        elif (found := re.match(r"\s*([\w.\-]+)\s*=", line)) and f"{table}.{found[1]}".strip(".") == dotted:
            return number
    return None


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    kinds = _kinds()
    for section, content in values.items():
        table: dict[str, Any] = into.setdefault(section, {})
        fields = kinds[section].model_fields if section in kinds else {}
        for key, value in content.items():
            adds = key in table and key in fields and fields[key].json_schema_extra is ADDS
            table[key] = [*table[key], *value] if adds else value
