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
from typing import Any, Literal, TypeAlias, cast

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentSettingsError

from zicoder.errors import SettingsError

__all__ = [
    "AgentSettings",
    "ChatSettings",
    "CompletionSettings",
    "ContextSettings",
    "EngineSettings",
    "IndexSettings",
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

_USER_ONLY: dict[str, Any] = {"user_only": True}
_ADDS: dict[str, Any] = {"adds": True}
"""For lists that every source adds to: no source can take away what another one put there."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


CompletionPart: TypeAlias = Literal["context", "guide", "check", "drafting", "type_through", "speculation", "gate"]


class CompletionSettings(_Section):
    """Inline suggestions (ghost text)."""

    enabled: bool = Field(default=True, description="Show inline suggestions.")
    languages: list[str] = Field(
        default=[], description="The only language identifiers that get inline suggestions; empty means every one."
    )
    disabled_languages: list[str] = Field(
        default=[], description="Language identifiers that get no inline suggestions."
    )
    disabled_globs: list[str] = Field(
        default=[],
        description="Files and folders that get no inline suggestions, as in a `.gitignore`, below the project's "
        "folder: `*.env`, `docs/**`.",
    )
    manual_only: bool = Field(
        default=False, description="Make inline suggestions only when they are asked for, never by themselves."
    )
    eagerness: Literal["low", "balanced", "high"] = Field(
        default="balanced",
        description="How likely to be wanted a suggestion must be to come up by itself: `low` shows few, `high` many.",
    )
    learn: bool = Field(
        default=True,
        description="Keep a log of which suggestions were accepted, on this machine and without any code, and learn "
        "from it when to suggest something. `zi.forgetHistory` erases it.",
    )
    debounce: Literal["adaptive", "fixed"] = Field(
        default="adaptive",
        description="How long typing must pause before the model is asked: as long as your rhythm and the model's "
        "speed make sensible (adaptive), or always `debounce_ms` (fixed).",
    )
    debounce_ms: int = Field(
        default=300,
        ge=0,
        le=2000,
        description="That pause in milliseconds: the longest one if it is adaptive, every one if it is fixed; "
        "0 means none.",
    )
    max_tokens: int = Field(default=96, ge=1, le=1024, description="Longest suggestion, in tokens.")
    max_lines: int = Field(default=12, ge=1, le=100, description="Longest suggestion, in lines.")
    multiline: Literal["auto", "never"] = Field(
        default="auto", description="Suggest several lines where a block begins (auto), or only ever one (never)."
    )
    timeout_ms: int = Field(
        default=5000,
        ge=100,
        le=60000,
        description="Give up on a suggestion after this many milliseconds, "
        "and after four times as many when it was asked for by hand.",
    )
    project_tokens: int = Field(
        default=512,
        ge=0,
        le=32768,
        description="Most tokens of other files that the model reads before it suggests something; 0 means none.",
    )
    off: list[CompletionPart] = Field(
        default=[],
        description="Parts of the completion pipeline to leave out, for measurements and for finding faults.",
    )

    def on(self, part: CompletionPart) -> bool:
        """Whether a part of the pipeline takes part."""
        return part not in self.off


class ModelSettings(_Section):
    """Which models to use, and where they may be found."""

    infill: str = Field(
        default="auto",
        description="Model for inline suggestions: a name from `zi model list`, the path of a GGUF file, "
        "`scripted:FILE` (deterministic, for tests), `none`, or `auto` (the largest one installed that is quick "
        "enough on this machine).",
        json_schema_extra=_USER_ONLY,
    )
    sources: list[str] = Field(
        default=[],
        description="Folders or files to take models from before any registry is asked.",
        json_schema_extra=_USER_ONLY,
    )


class EngineSettings(_Section):
    """The child process that runs local models."""

    threads: int = Field(
        default=0, ge=0, le=512, description="Threads for inference; 0 means one for each physical core."
    )
    context_tokens: int = Field(
        default=4096, ge=512, le=131072, description="Size of the model's context window, in tokens."
    )
    chat_tokens: int = Field(
        default=8192,
        ge=1024,
        le=131072,
        description="Size of the window for conversations, in tokens: more needs more memory (the default model: 28 kB "
        "a token).",
    )
    prefix_tokens: int = Field(default=1536, ge=64, le=65536, description="Longest text before the cursor, in tokens.")
    suffix_tokens: int = Field(default=384, ge=0, le=65536, description="Longest text after the cursor, in tokens.")


class IndexSettings(_Section):
    """The code index: search over the whole project by meaning and by name."""

    enabled: bool = Field(default=True, description="Keep an index of the project, in the background.")
    exclude: list[str] = Field(
        default=[],
        description="Files and folders to leave out, as in a `.gitignore`, "
        "beside what `.gitignore` and `.zicoderignore` name.",
    )
    max_file_kb: int = Field(default=1024, ge=1, le=65536, description="Largest file that is indexed, in kilobytes.")
    embedder: str = Field(
        default="auto",
        description="Vectors that are better than the built-in ones, made while the machine is idle: `minilm`, "
        "`sentence-transformers:FOLDER`, `openai:URL#MODEL`, `none`, or `auto` (`minilm` once it is installed).",
        json_schema_extra=_USER_ONLY,
    )
    embedder_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key for an `openai:` embedder that asks for one. Better kept in the environment than in a file.",
        json_schema_extra=_USER_ONLY,
    )
    location: str = Field(
        default="",
        description="Where the index is kept: a folder, or an object store that a team shares "
        "(`s3://bucket/path`, `gs://…`, `az://…`; credentials come from the environment); "
        "empty means this machine's cache folder. Each project gets its own part of it.",
        json_schema_extra=_USER_ONLY,
    )


class PythonSettings(_Section):
    """Analysis of Python code."""

    interpreter: str = Field(
        default="",
        description="Python interpreter whose packages are offered; empty means the one that runs Zi Coder.",
        json_schema_extra=_USER_ONLY,
    )


class LogSettings(_Section):
    """The log file and the output channel."""

    level: Literal["error", "warning", "info", "debug"] = Field(default="info", description="How much to log.")


class AgentSettings(_Section):
    """What agents may do: rules for their tools, and where commands run."""

    allow: list[str] = Field(
        default=[],
        description="What agents may do without asking: `TOOL`, `TOOL:PATH` with a pattern as in a `.gitignore` "
        "(`//` or `~/` in front for one outside the project), or `shell:COMMAND` (`shell:npm run *`). A rule allows "
        "what is harmful (deletes, publishes) only if it names it, and nothing that runs without a sandbox.",
        json_schema_extra=_USER_ONLY,
    )
    ask: list[str] = Field(
        default=[],
        description="What agents must ask for, as in `allow`, and stronger than it. Every source adds to the list.",
        json_schema_extra=_ADDS,
    )
    deny: list[str] = Field(
        default=[],
        description="What agents must never do, as in `allow`, and stronger than everything. Every source adds to the "
        "list.",
        json_schema_extra=_ADDS,
    )
    sandbox: Literal["auto", "bubblewrap", "docker", "none"] = Field(
        default="auto",
        description="Where commands of agents run: `bubblewrap` (Linux), a container of `docker_image`, `none`, or "
        "`auto` (bubblewrap if it works here). Without a sandbox every command is asked for.",
        json_schema_extra=_USER_ONLY,
    )
    docker_image: str = Field(
        default="",
        description="Image for `docker`; it must be on this machine, and is not pulled.",
        json_schema_extra=_USER_ONLY,
    )
    test_command: str = Field(
        default="",
        description="Command that runs a project's tests; empty means the one that its files suggest.",
        json_schema_extra=_USER_ONLY,
    )
    timeout_s: int = Field(
        default=120, ge=1, le=3600, description="Seconds after which a command is ended.", json_schema_extra=_USER_ONLY
    )
    memory_mb: int = Field(
        default=4096,
        ge=64,
        le=1_048_576,
        description="Megabytes that a command may use with all its processes.",
        json_schema_extra=_USER_ONLY,
    )


class ChatSettings(_Section):
    """Conversations: the model that answers, and what all roles share."""

    model: str = Field(
        default="auto",
        description="Model that answers: `local:NAME`, `PROVIDER:MODEL`, `PROVIDER:URL#MODEL`, or `auto` (the largest "
        "local one for chat that is installed and fits `memory_mb`).",
        json_schema_extra=_USER_ONLY,
    )
    fallbacks: list[str] = Field(
        default=[],
        description="Models that answer in its place, in this order, when it does not.",
        json_schema_extra=_USER_ONLY,
    )
    temperature: float = Field(default=0.2, ge=0, le=2, description="How freely it chooses its words; 0 is strict.")
    prompt: str = Field(
        default="",
        description="What to tell it first: text, or `@NAME` for a file in the folder `prompts` beside your settings.",
    )
    memory_mb: int = Field(
        default=0,
        ge=0,
        le=4_194_304,
        description="Megabytes that local models may use together; the one used longest ago makes room. 0 means half "
        "of this machine's memory.",
        json_schema_extra=_USER_ONLY,
    )
    keys: Literal["auto", "keyring", "file"] = Field(
        default="auto",
        description="Where keys of providers are kept: in the system's `keyring`, in an encrypted `file`, or `auto` "
        "(the keyring where there is one).",
        json_schema_extra=_USER_ONLY,
    )
    proxy: str = Field(
        default="",
        description="Address of a proxy for remote models; the environment's is not used.",
        json_schema_extra=_USER_ONLY,
    )


class ContextSettings(_Section):
    """How the window of a chat model is divided. What one part leaves unused, the others get."""

    system: int = Field(default=5, ge=0, le=100, description="Share of the instructions; only proportions matter.")
    project: int = Field(default=15, ge=0, le=100, description="Share of what is found in the project.")
    history: int = Field(default=30, ge=0, le=100, description="Share of the conversation so far.")
    task: int = Field(default=40, ge=0, le=100, description="Share of the question and of what it mentions.")
    reserve: int = Field(default=10, ge=1, le=90, description="Share that is kept free for the answer.")


class RoleSettings(_Section):
    """One role of the agents."""

    model: str = Field(
        default="", description="Its model, as in `chat.model`; empty means that one.", json_schema_extra=_USER_ONLY
    )
    fallbacks: list[str] = Field(
        default=[],
        description="Models that answer in its place; with an empty `model`, those of `chat.fallbacks` do.",
        json_schema_extra=_USER_ONLY,
    )
    temperature: float = Field(default=0.2, ge=0, le=2, description="How freely it chooses its words; 0 is strict.")
    prompt: str = Field(default="", description="What to tell it first, as in `chat.prompt`.")


class PlannerSettings(RoleSettings):
    """The planner, who takes a task apart."""


class CoderSettings(RoleSettings):
    """The coder, who changes code."""


class ReviewerSettings(RoleSettings):
    """The reviewer, who looks for faults."""


class TesterSettings(RoleSettings):
    """The tester, who writes tests."""


class DocumenterSettings(RoleSettings):
    """The documenter, who writes documentation."""


class OperatorSettings(RoleSettings):
    """The operator, who runs commands."""


class Settings(BaseSettings):
    """Everything a user can set."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="ZI_", env_nested_delimiter="__")

    completion: CompletionSettings = CompletionSettings()
    model: ModelSettings = ModelSettings()
    engine: EngineSettings = EngineSettings()
    index: IndexSettings = IndexSettings()
    python: PythonSettings = PythonSettings()
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


def _kinds() -> dict[str, type[_Section]]:
    """The sections of the schema and their types."""
    return {
        name: info.annotation
        for name, info in Settings.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, _Section)
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
    kind: type[_Section], section: str, key: str, value: Any, complain: Callable[[str, str], None], *, trusted: bool
) -> bool:
    dotted = f"{section}.{key}"
    info = kind.model_fields.get(key)
    if info is None:
        complain(dotted, f"there is no setting {dotted!r}.{_suggest(key, kind.model_fields, section)}")
        return False
    if not trusted and info.json_schema_extra is _USER_ONLY:
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
            adds = key in table and key in fields and fields[key].json_schema_extra is _ADDS
            table[key] = [*table[key], *value] if adds else value
